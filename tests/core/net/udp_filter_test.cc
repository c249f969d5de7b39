// Goal: the socket filter admits exactly the reach set (packet-core rule 4), for both families, and
// says when it would be longer than the kernel takes. The program runs here in an interpreter of
// the few instructions it uses, against the plain walk over the blocks; and once in the kernel.

#include "core/net/udp_filter.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/net/udp_socket.h"
#include "core/time/clock.h"

namespace tests {
namespace {

using core::Cidr;
using core::IpAddress;
using core::net::CompileReachFilter;
using core::net::ReachSet;

// Classic BPF (Linux: networking/filter.rst), where only the source address can be loaded.
bool Admits(const std::vector<sock_filter>& program, const IpAddress& source) {
  const bool v4 = source.is_v4();
  uint32_t a = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    const sock_filter& instruction = program[at];
    const uint32_t k = instruction.k;
    const auto jump = [&](bool condition) { at += condition ? instruction.jt : instruction.jf; };
    switch (instruction.code) {
      case BPF_LD | BPF_W | BPF_ABS: {
        const uint32_t offset = k - static_cast<uint32_t>(SKF_NET_OFF) - (v4 ? 12 : 8);
        const size_t first = (v4 ? 12 : 0) + offset;
        EXPECT_LE(first + 4, 16u);
        a = 0;
        for (size_t i = first; i < first + 4 && i < 16; ++i) a = a << 8 | source.bytes()[i];
        break;
      }
      case BPF_ALU | BPF_AND | BPF_K:
        a &= k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jump(a == k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        jump(a >= k);
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        jump(a > k);
        break;
      case BPF_JMP | BPF_JA:
        at += k;
        break;
      case BPF_RET | BPF_K:
        return k > 0;
      default:
        ADD_FAILURE() << "unknown instruction " << instruction.code;
        return false;
    }
  }
  ADD_FAILURE() << "ran off the end";
  return false;
}

Cidr Parse(std::string_view text) {
  Cidr cidr;
  EXPECT_TRUE(Cidr::Parse(text, &cidr)) << text;
  return cidr;
}

IpAddress RandomAddress(core::Random* random, bool v4) {
  if (v4) return IpAddress::FromV4(static_cast<uint32_t>(random->Next()));
  std::array<uint8_t, 16> bytes;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random->Next());
  bytes[0] = 0x26;  // Never an IPv4 one.
  return IpAddress::FromBytes(bytes);
}

// The address `step` further or back: where off-by-one errors are.
IpAddress Neighbour(const IpAddress& address, int step) {
  std::array<uint8_t, 16> bytes = address.bytes();
  for (int i = 15; i >= 12; --i) {
    const int sum = bytes[static_cast<size_t>(i)] + step;
    bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(sum);
    if (sum >= 0 && sum <= 255) break;
  }
  return IpAddress::FromBytes(bytes);
}

IpAddress LastOf(const Cidr& block) {
  std::array<uint8_t, 16> bytes = block.first().bytes();
  for (size_t bit = block.bits(); bit < 128; ++bit) {
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] | 0x80 >> (bit % 8));
  }
  return IpAddress::FromBytes(bytes);
}

class UdpFilterTest : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(Families, UdpFilterTest, testing::Values(true, false),
                         [](const auto& v4) { return v4.param ? "v4" : "v6"; });

TEST_P(UdpFilterTest, AdmitsExactlyTheReachSet) {
  const bool v4 = GetParam();
  core::Random random(17);
  for (size_t count : {1u, 2u, 3u, 7u, 50u, 300u}) {
    std::vector<Cidr> blocks;
    while (blocks.size() < count) {
      const int shortest = v4 ? 8 : 20;
      const int longest = v4 ? 32 : 128;
      const int length =
          shortest + static_cast<int>(random.Below(static_cast<uint64_t>(longest - shortest + 1)));
      blocks.emplace_back(RandomAddress(&random, v4), length);
    }
    const ReachSet reach(blocks, v4);
    const auto program = CompileReachFilter(reach);
    ASSERT_TRUE(program.ok()) << program.status();
    const auto check = [&](const IpAddress& address) {
      const bool expected = std::any_of(blocks.begin(), blocks.end(),
                                        [&](const Cidr& block) { return block.Contains(address); });
      const IpAddress::Text text = address.text();
      ASSERT_EQ(Admits(*program, address), expected) << text.view();
      ASSERT_EQ(reach.Contains(address), expected) << text.view();
    };
    for (const Cidr& block : blocks) {
      check(block.first());
      check(LastOf(block));
      check(Neighbour(block.first(), -1));
      check(Neighbour(LastOf(block), 1));
    }
    for (int i = 0; i < 500; ++i) check(RandomAddress(&random, v4));
  }
}

TEST(UdpFilterEdgeTest, AllAndNobody) {
  const Cidr all_v4[] = {Parse("0.0.0.0/0")};
  const Cidr all_v6[] = {Parse("::/0")};
  const IpAddress four = IpAddress::FromV4(0x01020304);
  const IpAddress six = Parse("2001:db8::1").first();
  EXPECT_TRUE(Admits(*CompileReachFilter(ReachSet(all_v4, true)), four));
  EXPECT_TRUE(Admits(*CompileReachFilter(ReachSet(all_v6, false)), six));
  // Blocks of the other family admit nobody.
  EXPECT_FALSE(Admits(*CompileReachFilter(ReachSet(all_v6, true)), four));
  EXPECT_FALSE(Admits(*CompileReachFilter(ReachSet(all_v4, false)), six));
  EXPECT_FALSE(ReachSet(all_v6, true).Contains(four));
}

// Blocks that touch or overlap are one range, so that ordinary lists stay far from the limit.
TEST(UdpFilterEdgeTest, NeighboursAreMerged) {
  std::vector<Cidr> blocks;
  for (uint32_t i = 0; i < 4000; ++i) blocks.emplace_back(IpAddress::FromV4(0x0a000000 + i));
  blocks.push_back(Parse("10.0.0.0/26"));
  const auto program = CompileReachFilter(ReachSet(blocks, true));
  ASSERT_TRUE(program.ok());
  EXPECT_LE(program->size(), 10u);
  EXPECT_TRUE(Admits(*program, IpAddress::FromV4(0x0a000000 + 3999)));
  EXPECT_FALSE(Admits(*program, IpAddress::FromV4(0x0a000000 + 4000)));
}

TEST(UdpFilterEdgeTest, SaysWhenTheKernelWouldNotTakeIt) {
  std::vector<Cidr> blocks;
  for (uint32_t i = 0; i < 800; ++i) blocks.emplace_back(IpAddress::FromV4(0x0a000000 + 2 * i));
  EXPECT_TRUE(core::net::ReachFilterFits(blocks));
  for (uint32_t i = 800; i < 1600; ++i) blocks.emplace_back(IpAddress::FromV4(0x0a000000 + 2 * i));
  EXPECT_FALSE(core::net::ReachFilterFits(blocks));
  EXPECT_TRUE(absl::IsResourceExhausted(CompileReachFilter(ReachSet(blocks, true)).status()));
}

// In the kernel, over IPv6 (the contract suite does it over IPv4): the address is where the program
// looks for it, and the longest program that we make is taken.
TEST(UdpFilterKernelTest, FiltersIpv6AndTakesTheLongest) {
  core::KernelClock clock;
  core::net::SocketOptions options;
  options.local.ip = Parse("::1").first();
  const auto opened = core::net::OpenUdpSocket(options, &clock);
  if (!opened.ok()) GTEST_SKIP() << opened.status();
  const int fd = *opened;
  char address[core::net::kSockaddrMax];
  const socklen_t size = core::net::WriteSockaddr(core::net::LocalEndpoint(fd).value(), address);
  const auto passes = [&] {
    EXPECT_EQ(sendto(fd, "x", 1, 0, reinterpret_cast<sockaddr*>(address), size), 1);
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
  };
  const Cidr stranger[] = {Parse("2001:db8::/32"), Parse("::2")};
  const Cidr us[] = {Parse("2001:db8::/32"), Parse("::1")};
  EXPECT_TRUE(passes());
  ASSERT_TRUE(core::net::AttachReachFilter(fd, ReachSet(stranger, false)).ok());
  EXPECT_FALSE(passes());
  ASSERT_TRUE(core::net::AttachReachFilter(fd, ReachSet(us, false)).ok());
  EXPECT_TRUE(passes());
  core::net::DetachReachFilter(fd);
  EXPECT_TRUE(passes());

  std::vector<Cidr> blocks;
  for (uint32_t i = 0; i < 800; ++i) blocks.emplace_back(IpAddress::FromV4(0x0a000000 + 2 * i));
  const absl::Status status = core::net::AttachReachFilter(fd, ReachSet(blocks, true));
  EXPECT_TRUE(status.ok()) << status;
  close(fd);
}

}  // namespace
}  // namespace tests
