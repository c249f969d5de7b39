// Goal: what DpdkIo says and believes on the wire, frame by frame: ARP (RFC 826, RFC 5227), IPv4
// and UDP with their checksums, what it drops and counts, what it reports as unreachable, how it
// waits (packet-core rules 4, 6, 16 and 18), and that it allocates nothing for a packet.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/net/dpdk_io.h"
#include "core/net/ipv4_udp.h"
#include "tests/core/net/dpdk_world.h"
#include "tests/support/allocations.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using core::net::ArpMessage;
using core::net::DpdkIo;
using core::net::DpdkIoOptions;
using core::net::EthernetHeader;
using core::net::MacAddress;
using Bytes = std::vector<uint8_t>;

constexpr uint16_t kPort = 5060;
constexpr MacAddress kOurs = VethPair::kMacs[0];
constexpr MacAddress kPeer = VethPair::kMacs[1];

Bytes Framed(const EthernetHeader& header, const Bytes& payload) {
  Bytes frame(EthernetHeader::kBytes);
  core::net::WriteEthernet(header, std::span(frame).first<EthernetHeader::kBytes>());
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

Bytes ArpFrame(const ArpMessage& message, const MacAddress& destination) {
  Bytes payload(ArpMessage::kBytes);
  core::net::WriteArp(message, std::span(payload).first<ArpMessage::kBytes>());
  return Framed({destination, message.sender_mac, core::net::kEtherTypeArp}, payload);
}

Bytes UdpPacket(const core::Endpoint& source, const core::Endpoint& destination,
                std::string_view text) {
  Bytes packet(core::net::kIpv4UdpHeaderBytes +
               text.size());  // Grown later, gcc 12 sees an overrun.
  std::copy(text.begin(), text.end(), packet.begin() + core::net::kIpv4UdpHeaderBytes);
  core::net::WriteIpv4UdpHeader(
      {source, destination, std::span(packet).subspan(core::net::kIpv4UdpHeaderBytes)},
      std::span(packet).first<core::net::kIpv4UdpHeaderBytes>());
  return packet;
}

// Our end has DPDK; the other is a socket that sends and sees raw frames.
class DpdkWireTest : public testing::Test {
 protected:
  struct Datagram {
    std::string bytes;
    core::Endpoint remote;
    bool truncated;
  };

  void SetUp() override {
    if (!VethPair::WhyNot().empty()) GTEST_SKIP() << VethPair::WhyNot();
    Make(DpdkOptionsFor(0));
  }

  void Make(const DpdkIoOptions& options, const std::string& far_end = VethPair::Interface(1)) {
    io_.reset();
    auto io = DpdkIo::Create(options, &clock_);
    ASSERT_TRUE(io.ok()) << io.status();
    io_ = *std::move(io);
    core::net::SocketOptions listener;
    listener.local = {WireHost(0), kPort};
    auto socket = io_->Open(listener);
    ASSERT_TRUE(socket.ok()) << socket.status();
    socket_ = *socket;
    wire_ = std::make_unique<RawEnd>(far_end);
    ASSERT_TRUE(wire_->ok());
  }

  void Send(const core::Endpoint& to, std::string_view bytes) {
    core::Packet packet = store_.Copy(bytes);
    ASSERT_TRUE(static_cast<bool>(packet));
    packet.SetRoute(socket_, io_->LocalOf(socket_), to);
    io_->Send(std::move(packet));
  }

  void Turn() {
    io_->FlushAndWait(clock_.Now() + 500us);
    for (const core::Packet& packet : io_->Receive()) {
      received_.push_back({std::string(packet.text()), packet.remote(), packet.truncated()});
    }
    for (const core::net::SendError& error : io_->Errors()) {
      failures_.emplace_back(error.error, std::string(error.quoted));
    }
    for (Bytes& frame : wire_->Take()) seen_.push_back(std::move(frame));
  }
  template <typename Done>
  bool TurnUntil(Done done) {
    for (int turns = 0; turns < 2000 && !done(); ++turns) Turn();
    return done();
  }
  // Whatever was sent to us before is behind us when this marker arrives.
  void PassAMarker() {
    const size_t before = received_.size();
    SendToUs(UdpPacket(peer_, ours_, "marker"));
    ASSERT_TRUE(TurnUntil([&] { return received_.size() > before; }));
    EXPECT_EQ(received_.back().bytes, "marker");
    received_.pop_back();
  }
  void SendToUs(const Bytes& packet) {
    ASSERT_TRUE(wire_->Send(Framed({io_->mac(), kPeer, core::net::kEtherTypeIpv4}, packet)));
  }
  void AnswerArp(uint32_t address, const MacAddress& mac) {
    ASSERT_TRUE(wire_->Send(ArpFrame({.operation = ArpMessage::Operation::kReply,
                                      .sender_mac = mac,
                                      .sender_ip = address,
                                      .target_mac = kOurs,
                                      .target_ip = WireHost(0).v4()},
                                     kOurs)));
  }
  size_t ArpRequestsSeen(uint32_t target) const {
    return static_cast<size_t>(std::ranges::count_if(seen_, [&](const Bytes& frame) {
      ArpMessage message;
      return frame[13] == 0x06 && ParseArp(std::span(frame).subspan(14), &message) &&
             message.operation == ArpMessage::Operation::kRequest && message.target_ip == target;
    }));
  }
  std::vector<std::pair<MacAddress, std::string>> DatagramsSeen() const {
    std::vector<std::pair<MacAddress, std::string>> datagrams;
    for (const Bytes& frame : seen_) {
      EthernetHeader header;
      core::net::UdpDatagram datagram;
      if (!core::net::ParseEthernet(frame, &header) || header.type != core::net::kEtherTypeIpv4) {
        continue;
      }
      EXPECT_EQ(core::net::ParseIpv4Udp(std::span(frame).subspan(14), &datagram),
                core::net::Ipv4UdpError::kOk);
      EXPECT_EQ(datagram.source, ours_);
      datagrams.emplace_back(header.destination,
                             std::string(datagram.payload.begin(), datagram.payload.end()));
    }
    return datagrams;
  }

  const core::Endpoint ours_ = {WireHost(0), kPort};
  const core::Endpoint peer_ = {WireHost(1), 5070};
  core::PacketStore store_{{.small = 4096, .medium = 64, .large = 0}};
  ForwardClock clock_;
  std::unique_ptr<DpdkIo> io_;
  std::unique_ptr<RawEnd> wire_;
  core::SocketId socket_;
  std::vector<Datagram> received_;
  std::vector<std::pair<int, std::string>> failures_;
  std::vector<Bytes> seen_;
};

// ---- ARP ---------------------------------------------------------------------------------------

TEST_F(DpdkWireTest, AnswersWhoAsksForItsAddressAndNoOneElse) {
  const ArpMessage for_us = {.operation = ArpMessage::Operation::kRequest,
                             .sender_mac = kPeer,
                             .sender_ip = WireHost(1).v4(),
                             .target_ip = WireHost(0).v4()};
  ArpMessage for_another = for_us;
  for_another.target_ip = WireHost(5).v4();
  ASSERT_TRUE(wire_->Send(ArpFrame(for_another, core::net::kBroadcastMac)));
  ASSERT_TRUE(wire_->Send(ArpFrame(for_us, core::net::kBroadcastMac)));
  ASSERT_TRUE(TurnUntil([&] { return !seen_.empty(); }));
  ASSERT_EQ(seen_.size(), 1u);
  Bytes expected = ArpFrame({.operation = ArpMessage::Operation::kReply,
                             .sender_mac = kOurs,
                             .sender_ip = WireHost(0).v4(),
                             .target_mac = kPeer,
                             .target_ip = WireHost(1).v4()},
                            kPeer);
  expected.resize(60);  // Ethernet's least, in zeros.
  EXPECT_EQ(seen_[0], expected);
  // Whoever asked is known: nothing needs to be asked back.
  Send(peer_, "hello");
  ASSERT_TRUE(TurnUntil([&] { return !DatagramsSeen().empty(); }));
  EXPECT_EQ(ArpRequestsSeen(WireHost(1).v4()), 0u);
}

// What is sent before the answer waits for it, in order, and nothing is asked twice in a second.
TEST_F(DpdkWireTest, HoldsWhatWaitsForArp) {
  for (const char* text : {"one", "two", "three"}) Send(peer_, text);
  Turn();
  Send(peer_, "four");
  for (int i = 0; i < 10; ++i) Turn();
  EXPECT_EQ(ArpRequestsSeen(WireHost(1).v4()), 1u);
  EXPECT_TRUE(DatagramsSeen().empty());
  AnswerArp(WireHost(1).v4(), kPeer);
  ASSERT_TRUE(TurnUntil([&] { return DatagramsSeen().size() == 4; }));
  const std::vector<std::pair<MacAddress, std::string>> expected = {
      {kPeer, "one"}, {kPeer, "two"}, {kPeer, "three"}, {kPeer, "four"}};
  EXPECT_EQ(DatagramsSeen(), expected);
  EXPECT_EQ(io_->counters().sent, 4u);
  EXPECT_EQ(store_.used(), 0u);
}

TEST_F(DpdkWireTest, HoldsOnlySoMany) {
  for (size_t i = 0; i < DpdkIo::kHeldMax + 10; ++i) Send(peer_, std::to_string(i));
  Turn();
  EXPECT_EQ(io_->counters().send_dropped, 10u);
  AnswerArp(WireHost(1).v4(), kPeer);
  EXPECT_TRUE(TurnUntil([&] { return DatagramsSeen().size() == DpdkIo::kHeldMax; }));
}

// A host that does not answer three requests is unreachable, and whoever sent to it is told.
TEST_F(DpdkWireTest, ReportsAHostThatDoesNotAnswerArp) {
  Send(peer_, "INVITE to nobody");
  for (int i = 0; i < 5; ++i) {
    Turn();
    clock_.Advance(1s);
  }
  const std::vector<std::pair<int, std::string>> expected = {{EHOSTUNREACH, "INVITE to nobody"}};
  EXPECT_EQ(failures_, expected);
  EXPECT_EQ(ArpRequestsSeen(WireHost(1).v4()), 3u);
  EXPECT_EQ(io_->counters().send_errors, 1u);
}

TEST_F(DpdkWireTest, SeesThatAnotherHasItsAddress) {
  ASSERT_TRUE(wire_->Send(ArpFrame({.operation = ArpMessage::Operation::kRequest,
                                    .sender_mac = kPeer,
                                    .sender_ip = WireHost(0).v4(),
                                    .target_ip = WireHost(0).v4()},
                                   core::net::kBroadcastMac)));
  PassAMarker();
  EXPECT_EQ(io_->dpdk_counters().address_conflicts, 1u);
  EXPECT_EQ(io_->dpdk_counters().arp_replies, 0u);
}

// ---- Where a datagram goes ---------------------------------------------------------------------

TEST_F(DpdkWireTest, SendsWhatIsBeyondItsNetworkToTheGateway) {
  DpdkIoOptions options = DpdkOptionsFor(0);
  options.gateway = WireHost(5);
  Make(options);
  Send({core::IpAddress::FromV4(0xc0000201), 5060}, "far away");  // 192.0.2.1
  Turn();
  Turn();
  EXPECT_EQ(ArpRequestsSeen(WireHost(5).v4()), 1u);
  AnswerArp(WireHost(5).v4(), {2, 0, 0, 0, 0, 6});
  ASSERT_TRUE(TurnUntil([&] { return !DatagramsSeen().empty(); }));
  EXPECT_EQ(DatagramsSeen()[0].first, (MacAddress{2, 0, 0, 0, 0, 6}));
}

TEST_F(DpdkWireTest, SaysWhatIsUnreachable) {
  core::IpAddress six;
  ASSERT_TRUE(core::IpAddress::Parse("2001:db8::1", &six));
  Send({core::IpAddress::FromV4(0xc0000201), 5060}, "no gateway");
  Send({six, 5060}, "IPv6");
  Send(ours_, "to ourselves");
  Send(peer_, std::string(1473, 'x'));
  Turn();
  ASSERT_EQ(failures_.size(), 4u);
  EXPECT_EQ(failures_[0], (std::pair<int, std::string>{ENETUNREACH, "no gateway"}));
  EXPECT_EQ(failures_[1], (std::pair<int, std::string>{EAFNOSUPPORT, "IPv6"}));
  EXPECT_EQ(failures_[2], (std::pair<int, std::string>{EHOSTUNREACH, "to ourselves"}));
  EXPECT_EQ(failures_[3], (std::pair<int, std::string>{EMSGSIZE, std::string(512, 'x')}));
  EXPECT_EQ(io_->counters().send_errors, 4u);
}

// ---- What comes --------------------------------------------------------------------------------

TEST_F(DpdkWireTest, CarriesEverySizeOfOneFrameBothWays) {
  DpdkIoOptions options = DpdkOptionsFor(0);
  options.neighbours = {{WireHost(1), kPeer}};
  Make(options);
  std::vector<std::string> sizes;
  for (const size_t size : {0u, 1u, 17u, 18u, 19u, 600u, 1471u, 1472u}) {
    sizes.emplace_back(size, 'a');
  }
  for (const std::string& text : sizes) {
    Send(peer_, text);
    SendToUs(UdpPacket(peer_, ours_, text));
  }
  ASSERT_TRUE(TurnUntil(
      [&] { return received_.size() == sizes.size() && DatagramsSeen().size() == sizes.size(); }));
  for (size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_EQ(received_[i].bytes, sizes[i]);
    EXPECT_EQ(received_[i].remote, peer_);
    EXPECT_FALSE(received_[i].truncated);
    EXPECT_EQ(DatagramsSeen()[i].second, sizes[i]);
  }
  EXPECT_EQ(io_->counters().empty_datagrams, 1u);
}

TEST_F(DpdkWireTest, SaysWhatItTruncated) {
  DpdkIoOptions options = DpdkOptionsFor(0);
  options.signalling.slot_bytes = 100;
  Make(options);
  SendToUs(UdpPacket(peer_, ours_, std::string(100, 'a')));
  SendToUs(UdpPacket(peer_, ours_, std::string(101, 'b')));
  ASSERT_TRUE(TurnUntil([&] { return received_.size() == 2; }));
  EXPECT_FALSE(received_[0].truncated);
  EXPECT_TRUE(received_[1].truncated);
  EXPECT_EQ(received_[1].bytes, std::string(100, 'b'));
  EXPECT_EQ(io_->counters().truncated, 1u);
}

// Each is dropped, counted under its name, and answered with nothing.
TEST_F(DpdkWireTest, DropsAndCountsWhatIsNotADatagramForIt) {
  const core::net::DpdkCounters& counters = io_->dpdk_counters();
  const Bytes good = UdpPacket(peer_, ours_, "good");

  Bytes broken = good;
  broken.back() ^= 1;
  SendToUs(broken);
  PassAMarker();
  EXPECT_EQ(counters.bad_checksum, 1u);

  SendToUs(UdpPacket(peer_, {WireHost(0), 5061}, "nobody has that port"));
  PassAMarker();
  EXPECT_EQ(counters.unknown_port, 1u);

  SendToUs(UdpPacket(peer_, {WireHost(7), kPort}, "another address"));
  ASSERT_TRUE(wire_->Send(Framed({{2, 0, 0, 0, 0, 9}, kPeer, core::net::kEtherTypeIpv4}, good)));
  ASSERT_TRUE(
      wire_->Send(Framed({core::net::kBroadcastMac, kPeer, core::net::kEtherTypeIpv4}, good)));
  PassAMarker();
  EXPECT_GE(counters.not_for_us, 3u);  // The kernel's IPv6 may add to them.

  SendToUs(Bytes(good.begin(), good.begin() + 24));
  PassAMarker();
  EXPECT_EQ(counters.malformed, 1u);

  EXPECT_TRUE(received_.empty());
  EXPECT_TRUE(seen_.empty());
}

// Over a TAP device: the af_packet driver has the kernel put fragments together before us.
TEST_F(DpdkWireTest, DropsAndCountsFragments) {
  if (access("/dev/net/tun", R_OK | W_OK) != 0) GTEST_SKIP() << "needs /dev/net/tun";
  DpdkIoOptions options = DpdkOptionsFor(0);
  options.environment.device = "net_tap0,iface=rf-tap";
  Make(options, "rf-tap");
  Bytes fragment = UdpPacket(peer_, ours_, "fragment");
  fragment[6] = 0x20;  // More fragments.
  fragment[10] = fragment[11] = 0;
  core::net::ChecksumSum sum;
  sum.Add(std::span(fragment).first(20));
  fragment[10] = static_cast<uint8_t>(sum.Checksum() >> 8);
  fragment[11] = static_cast<uint8_t>(sum.Checksum());
  SendToUs(fragment);
  PassAMarker();
  EXPECT_EQ(io_->dpdk_counters().fragments, 1u);
  EXPECT_TRUE(received_.empty());
}

TEST_F(DpdkWireTest, AReachFilterRefusesStrangers) {
  const core::Cidr reach[] = {core::Cidr(peer_.ip)};
  ASSERT_TRUE(io_->SetReachFilter(socket_, reach).ok());
  for (int i = 0; i < 10; ++i) SendToUs(UdpPacket({WireHost(8), 5060}, ours_, "stranger"));
  PassAMarker();
  EXPECT_TRUE(received_.empty());
  EXPECT_EQ(io_->QueueDrops(socket_), 10u);
  EXPECT_EQ(io_->counters().filtered, 10u);
  ASSERT_TRUE(io_->SetReachFilter(socket_, {}).ok());
  SendToUs(UdpPacket({WireHost(8), 5060}, ours_, "stranger"));
  EXPECT_TRUE(TurnUntil([&] { return received_.size() == 1; }));
}

// ---- Waiting -----------------------------------------------------------------------------------

TEST_F(DpdkWireTest, AWakeEndsAWaitOrTheNextOne) {
  const core::Instant deadline = clock_.Now() + 60s;
  io_->Wake();
  io_->FlushAndWait(deadline);
  std::thread waker([&] { io_->Wake(); });
  io_->FlushAndWait(deadline);
  waker.join();
  EXPECT_LT(clock_.Now(), deadline);
}

TEST_F(DpdkWireTest, ADatagramEndsAWait) {
  const core::Instant deadline = clock_.Now() + 60s;
  SendToUs(UdpPacket(peer_, ours_, "x"));
  io_->FlushAndWait(deadline);
  EXPECT_EQ(io_->Receive().size(), 1u);
  EXPECT_LT(clock_.Now(), deadline);
}

// Idle, it looks a few hundred times a second, not as fast as it can: each nap is one ppoll().
TEST_F(DpdkWireTest, AnIdleWaitNaps) {
  const core::net::IoCounters before = io_->counters();
  io_->FlushAndWait(clock_.Now() + 200ms);
  EXPECT_EQ(io_->counters().waits - before.waits, 1u);
  EXPECT_LE(io_->counters().system_calls - before.system_calls, 200u / 4 + 10);
}

TEST_F(DpdkWireTest, ADeadlineInThePastDoesNotWait) {
  const uint64_t before = io_->counters().waits;
  for (int i = 0; i < 100; ++i) io_->FlushAndWait(clock_.Now());
  EXPECT_EQ(io_->counters().waits, before);
}

TEST_F(DpdkWireTest, PollModeNeverWaits) {
  DpdkIoOptions options = DpdkOptionsFor(0);
  options.poll = true;
  Make(options);
  io_->FlushAndWait(clock_.Now() + 60s);
  EXPECT_EQ(io_->counters().waits, 0u);
  PassAMarker();
}

// ---- Memory ------------------------------------------------------------------------------------

TEST_F(DpdkWireTest, AllocatesNothingForAPacket) {
  DpdkIoOptions options = DpdkOptionsFor(0);
  options.neighbours = {{WireHost(1), kPeer}};
  Make(options);
  const Bytes frame =
      Framed({kOurs, kPeer, core::net::kEtherTypeIpv4}, UdpPacket(peer_, ours_, "ping"));
  const Bytes question = ArpFrame({.operation = ArpMessage::Operation::kRequest,
                                   .sender_mac = {2, 0, 0, 0, 0, 9},
                                   .sender_ip = WireHost(8).v4(),
                                   .target_ip = WireHost(0).v4()},
                                  core::net::kBroadcastMac);
  const size_t before = Allocations();
  size_t answered = 0;
  for (int turns = 0; turns < 2000 && answered < 100; ++turns) {
    ASSERT_TRUE(wire_->Send(frame));
    ASSERT_TRUE(wire_->Send(question));
    io_->FlushAndWait(clock_.Now() + 500us);
    for (core::Packet& packet : io_->Receive()) {
      packet.SetRoute(socket_, packet.local(), packet.remote());
      io_->Send(packet.Share());
      io_->Send(std::move(packet));
      ++answered;
    }
    core::Packet held = store_.Copy("to a host that does not answer");
    held.SetRoute(socket_, ours_, {WireHost(9), 5060});
    io_->Send(std::move(held));
  }
  EXPECT_EQ(Allocations(), before);
  EXPECT_GE(answered, 100u);
}

}  // namespace
}  // namespace tests
