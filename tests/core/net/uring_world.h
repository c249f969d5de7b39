#pragma once

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>

#include "core/net/udp_socket.h"
#include "core/net/uring_io.h"
#include "core/time/clock.h"
#include "tests/core/net/packet_io_contract.h"

namespace tests {

// The loopback interface of this machine.
class UringWorld final : public IoWorld {
 public:
  explicit UringWorld(core::net::WaitMode mode) : mode_(mode) {}

  std::unique_ptr<core::net::PacketIo> MakeIo(const IoSizes& sizes) override {
    core::net::UringIoOptions options;
    options.signalling.count = sizes.signalling_slots;
    options.media.count = sizes.media_slots;
    options.burst_max = sizes.burst_max;
    options.send_queue_length = sizes.send_queue_length;
    options.latency_budget = std::chrono::microseconds(200);
    options.wait_mode = mode_;
    auto io = core::net::UringIo::Create(options, &clock_);
    EXPECT_TRUE(io.ok()) << io.status();
    return *std::move(io);
  }
  core::IpAddress Host(int number) override {
    return core::IpAddress::FromV4(0x7f000000 + static_cast<uint32_t>(number));
  }
  core::IpAddress HostV6() override {
    core::IpAddress address;
    EXPECT_TRUE(core::IpAddress::Parse("::1", &address));
    return address;
  }
  core::Instant Now() override { return clock_.Now(); }
  core::Instant NextTurnEnd() override { return Now() + std::chrono::microseconds(500); }
  size_t SocketsMax() const override {
    rlimit limit = {};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 4200 ? 4000 : limit.rlim_cur - 100;
  }

  // Needs CAP_NET_RAW. The kernel matches such a message to a socket by the addresses alone.
  bool ForgeIcmp(const core::Endpoint& victim, const core::Endpoint& claimed_remote,
                 std::string_view quoted) override {
    const int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (fd < 0) return false;
    struct {
      icmphdr icmp;
      iphdr ip;
      udphdr udp;
      char bytes[512];
    } message = {};
    const size_t quoted_size = std::min(quoted.size(), sizeof(message.bytes));
    message.icmp.type = ICMP_DEST_UNREACH;
    message.icmp.code = ICMP_PORT_UNREACH;
    message.ip.version = 4;
    message.ip.ihl = 5;
    message.ip.ttl = 64;
    message.ip.protocol = IPPROTO_UDP;
    message.ip.tot_len = htons(static_cast<uint16_t>(sizeof(iphdr) + sizeof(udphdr) + quoted_size));
    message.ip.saddr = htonl(victim.ip.v4());
    message.ip.daddr = htonl(claimed_remote.ip.v4());
    message.udp.source = htons(victim.port);
    message.udp.dest = htons(claimed_remote.port);
    message.udp.len = htons(static_cast<uint16_t>(sizeof(udphdr) + quoted_size));
    std::memcpy(message.bytes, quoted.data(), quoted_size);
    const size_t size = offsetof(decltype(message), bytes) + quoted_size;
    message.icmp.checksum = Checksum(&message, size);
    char address[core::net::kSockaddrMax];
    const socklen_t address_size = core::net::WriteSockaddr({victim.ip, 0}, address);
    const ssize_t sent =
        sendto(fd, &message, size, 0, reinterpret_cast<sockaddr*>(address), address_size);
    close(fd);
    return sent == static_cast<ssize_t>(size);
  }

 private:
  static uint16_t Checksum(const void* bytes, size_t size) {
    std::string padded(static_cast<const char*>(bytes), size);
    if (size % 2 != 0) padded.push_back('\0');
    uint32_t sum = 0;
    for (size_t i = 0; i < padded.size(); i += 2) {
      uint16_t word;
      std::memcpy(&word, padded.data() + i, sizeof(word));
      sum += word;
    }
    while (sum > UINT16_MAX) sum = (sum >> 16) + (sum & UINT16_MAX);
    return static_cast<uint16_t>(~sum);
  }

  core::net::WaitMode mode_;
  core::KernelClock clock_;
};

}  // namespace tests
