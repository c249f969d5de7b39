// Rule 23 by the kernel's own queues: what lies in a socket's queue when a call gets that port, and
// before it knows where its peer is, comes out afterwards, as connect() would not remove it either.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/engine/worker.h"
#include "core/net/udp_socket.h"
#include "core/net/uring_io.h"
#include "core/rtp/packet_view.h"
#include "core/time/clock.h"
#include "sbc/media/media_relay.h"

namespace sbc {
namespace {

using namespace std::chrono_literals;
using core::Endpoint;
using core::Instant;
using testing::ElementsAre;
using testing::IsEmpty;

// An address of the loopback block that no other test has.
Endpoint At(int host, uint16_t port) {
  return {core::IpAddress::FromV4(0x7f172300 + static_cast<uint32_t>(host)), port};
}

std::string Rtp(const std::string& payload) {
  return std::string("\x80\0\0\1\0\0\0\1\0\0\0\1", core::rtp::PacketView::kHeaderBytes) + payload;
}

/// Anyone with a socket of the kernel's.
class Host {
 public:
  explicit Host(const Endpoint& local) : local_(local) {
    core::net::SocketOptions options;
    options.local = local;
    fd_ = core::net::OpenUdpSocket(options, &clock_).value();
  }
  ~Host() { close(fd_); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void Send(std::string_view bytes, const Endpoint& to) {
    char address[core::net::kSockaddrMax];
    const socklen_t size = core::net::WriteSockaddr(to, address);
    ASSERT_EQ(
        sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(address), size),
        static_cast<ssize_t>(bytes.size()));
  }
  std::vector<std::string> Take() {
    std::vector<std::string> all;
    char bytes[2048];
    for (ssize_t size = 0;; all.emplace_back(bytes, static_cast<size_t>(size))) {
      size = recv(fd_, bytes, sizeof(bytes), MSG_DONTWAIT);
      if (size < 0) return all;
    }
  }
  const Endpoint& local() const { return local_; }
  PeerMedia media() const { return {.rtp = local_, .rtcp = {local_.ip, RtcpPort()}}; }

 private:
  uint16_t RtcpPort() const { return static_cast<uint16_t>(local_.port + 1); }

  core::KernelClock clock_;
  Endpoint local_;
  int fd_ = -1;
};

/// A worker's program that does nothing: the test takes the turns.
class Idle final : public core::engine::WorkerProgram {
 public:
  void OnPacket(core::Packet /*packet*/, Instant /*now*/) override {}
  void OnSendError(const core::net::SendError& /*error*/, Instant /*now*/) override {}
  void OnEnvelope(const core::engine::Envelope& /*envelope*/, Instant /*now*/) override {}
  void OnTurnEnd(Instant /*now*/) override {}
};

/// A relay with one pair of ports for customers, and one for the trunk that calls share or not.
class SourceKernelTest : public testing::TestWithParam<bool> {
 protected:
  SourceKernelTest() {
    core::net::UringIoOptions options;
    options.latency_budget = {};
    auto made = core::net::UringIo::Create(options, &clock_);
    CHECK(made.ok());
    io_ = *std::move(made);
    MediaConfig customer;
    customer.side = Side::kCustomer;
    customer.address = At(2, 1).ip;
    customer.port_first = 20000;
    customer.port_last = 20001;
    MediaConfig trunk = customer;
    trunk.side = Side::kTrunk;
    trunk.address = At(3, 1).ip;
    trunk.shared = GetParam();
    worker_ = std::make_unique<core::engine::Worker>(core::engine::Worker::Parts{
        .io = io_.get(), .clock = &clock_, .timers = &wheel_, .program = &program_});
    relay_ = std::make_unique<MediaRelay>(MediaRelay::Options{.io = io_.get(),
                                                              .random = &random_,
                                                              .store = &store_,
                                                              .wheel = &wheel_,
                                                              .turn = worker_.get(),
                                                              .calls_max = 2},
                                          std::vector<MediaConfig>{customer, trunk});
    CHECK(relay_->Open().ok());
  }

  MediaStream* Begin(Instant now) {
    MediaStream* stream = relay_->Begin(now);
    CHECK(stream != nullptr);
    CHECK(relay_->Bind(stream, LegId::kCaller, Side::kCustomer, true, now));
    CHECK(relay_->Bind(stream, LegId::kCallee, Side::kTrunk, true, now));
    for (MediaStream::Leg& leg : stream->legs) leg.map.Set(0, 0);
    return stream;
  }
  // All that lies in the sockets' queues: a datagram on the loopback interface is there when its
  // sendto() returns.
  void Drain(size_t datagrams) {
    const Instant end = clock_.Now() + 2s;
    for (size_t taken = 0; taken < datagrams && clock_.Now() < end;) {
      io_->FlushAndWait(clock_.Now() + 10ms);
      for (core::Packet& packet : io_->Receive()) {
        relay_->OnPacket(std::move(packet), clock_.Now());
        ++taken;
      }
    }
    io_->FlushAndWait(clock_.Now());
  }
  uint64_t refused() const { return relay_->counters().wrong_source + relay_->counters().strays; }

  core::KernelClock clock_;
  core::Random random_{1};
  core::PacketStore store_{{.small = 64, .medium = 4, .large = 1}};
  std::unique_ptr<core::net::UringIo> io_;
  core::TimerWheel wheel_{clock_.Now()};
  Idle program_;
  std::unique_ptr<core::engine::Worker> worker_;
  Host pbx_{At(4, 30000)};
  Host trunk_{At(9, 40000)};
  Host last_pbx_{At(5, 30000)};
  Host last_trunk_{At(9, 41000)};
  Host stranger_{At(66, 50000)};
  std::unique_ptr<MediaRelay> relay_;
};

// The peers of the call before, and a stranger, wrote when nobody had the ports.
TEST_P(SourceKernelTest, Rule23_WhatTheLastCallLeftInAQueueIsNotTheNextOnes) {
  const Instant start = clock_.Now();
  MediaStream* last = Begin(start);
  ASSERT_TRUE(relay_->SetPeer(last, LegId::kCaller, last_pbx_.media()));
  ASSERT_TRUE(relay_->SetPeer(last, LegId::kCallee, last_trunk_.media()));
  const Endpoint customers = At(2, 20000);
  const Endpoint trunks = At(3, 20000);
  last_pbx_.Send(Rtp("heard"), customers);
  Drain(1);
  EXPECT_THAT(last_trunk_.Take(), ElementsAre(Rtp("heard")));
  relay_->End(last, start);
  io_->FlushAndWait(clock_.Now());
  (void)last_trunk_.Take();

  for (const Endpoint& to : {customers, trunks}) {
    for (Host* host : {&last_pbx_, &last_trunk_, &stranger_}) host->Send(Rtp("left"), to);
  }
  MediaStream* next = Begin(start + MediaPorts::kRest);  // The one pair, which rested.
  ASSERT_TRUE(relay_->SetPeer(next, LegId::kCaller, pbx_.media()));
  ASSERT_TRUE(relay_->SetPeer(next, LegId::kCallee, trunk_.media()));
  pbx_.Send(Rtp("out"), customers);
  trunk_.Send(Rtp("in"), trunks);
  const uint64_t before = refused();
  Drain(8);
  EXPECT_EQ(refused(), before + 6);
  EXPECT_THAT(trunk_.Take(), ElementsAre(Rtp("out")));
  EXPECT_THAT(pbx_.Take(), ElementsAre(Rtp("in")));
  for (Host* host : {&last_pbx_, &last_trunk_, &stranger_}) EXPECT_THAT(host->Take(), IsEmpty());
  EXPECT_EQ(next->leg(LegId::kCaller).received.packets, 1u);
  EXPECT_EQ(next->leg(LegId::kCallee).received.packets, 1u);
  relay_->End(next, clock_.Now());
}

// What comes once a call has the ports, and before it knows its peers, lies there until the turn.
TEST_P(SourceKernelTest, Rule23_WhatCameBeforeThePeerWasKnownIsJudgedBySource) {
  MediaStream* stream = Begin(clock_.Now());
  const Endpoint customers = At(2, 20000);
  const Endpoint trunks = At(3, 20000);
  for (const Endpoint& to : {customers, trunks}) {
    for (Host* host : {&stranger_, &last_trunk_}) host->Send(Rtp("early"), to);
  }
  pbx_.Send(Rtp("out"), customers);
  trunk_.Send(Rtp("in"), trunks);
  ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCaller, pbx_.media()));
  ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCallee, trunk_.media()));
  Drain(6);
  EXPECT_EQ(refused(), 4u);
  EXPECT_THAT(trunk_.Take(), ElementsAre(Rtp("out")));
  EXPECT_THAT(pbx_.Take(), ElementsAre(Rtp("in")));
  for (Host* host : {&last_trunk_, &stranger_}) EXPECT_THAT(host->Take(), IsEmpty());
  relay_->End(stream, clock_.Now());
}

// Of a customer behind a NAT, whoever shares its address may have written first: only what is valid
// teaches, whenever it came.
TEST_P(SourceKernelTest, Rule23_WhatWasQueuedTeachesByTheSameRule) {
  MediaStream* stream = Begin(clock_.Now());
  Host other(At(4, 30002));
  const Endpoint customers = At(2, 20000);
  stranger_.Send(Rtp("early"), customers);
  other.Send("no RTP, but as long as one", customers);
  pbx_.Send(Rtp("out"), customers);
  other.Send(Rtp("second"), customers);
  const core::IpAddress nat = pbx_.local().ip;
  PeerMedia said = pbx_.media();
  said.rtp.ip = At(200, 1).ip;
  ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCaller, said, {.nat = &nat}));
  ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCallee, trunk_.media()));
  Drain(4);
  EXPECT_EQ(relay_->counters().learnt, 1u);
  EXPECT_EQ(stream->leg(LegId::kCaller).peer.rtp, pbx_.local());
  EXPECT_THAT(trunk_.Take(), ElementsAre(Rtp("out")));
  EXPECT_EQ(relay_->counters().wrong_source, 2u);
  EXPECT_EQ(relay_->counters().malformed, 1u);
  for (Host* host : {&other, &stranger_}) EXPECT_THAT(host->Take(), IsEmpty());
  relay_->End(stream, clock_.Now());
}

INSTANTIATE_TEST_SUITE_P(TrunkPorts, SourceKernelTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& shared) {
                           return shared.param ? "Shared" : "Own";
                         });

}  // namespace
}  // namespace sbc
