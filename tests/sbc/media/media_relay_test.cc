#include "sbc/media/media_relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/sim_io.h"
#include "tests/support/sim_network.h"
#include "tests/support/simulation.h"

// Rules 23, 25 and 26: where media may come from, and where it goes.

namespace sbc {
namespace {

using namespace std::chrono_literals;
using core::Endpoint;
using core::Instant;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Endpoint At(const char* text) {
  Endpoint endpoint;
  CHECK(Endpoint::Parse(text, &endpoint));
  return endpoint;
}

std::string Rtp(uint8_t payload_type, const std::string& payload = "voice") {
  std::string packet(12, '\0');
  packet[0] = '\x80';
  packet[1] = static_cast<char>(payload_type);
  return packet + payload;
}

/// Anyone with a UDP socket.
struct Host {
  Host(const char* address, tests::SimNetwork* network)
      : io(std::make_unique<tests::SimIo>(network)), local(At(address)) {
    core::net::SocketOptions options;
    options.local = local;
    socket = *io->Open(options);
  }
  void Send(const std::string& bytes, const Endpoint& to) {
    core::Packet packet = store.Copy(bytes);
    packet.SetRoute(socket, local, to);
    io->Send(std::move(packet));
    Turn();
  }
  void Turn() {
    io->FlushAndWait({});
    for (core::Packet& packet : io->Receive()) got.emplace_back(packet.text());
  }
  std::vector<std::string> Take() {
    Turn();
    return std::exchange(got, {});
  }
  std::vector<std::string> got;
  core::PacketStore store{{.small = 16, .medium = 4, .large = 1}};
  std::unique_ptr<tests::SimIo> io;
  Endpoint local;
  core::SocketId socket;
};

/// A worker's program that does nothing: the test takes the turns.
class Idle final : public core::engine::WorkerProgram {
 public:
  void OnPacket(core::Packet /*packet*/, Instant /*now*/) override {}
  void OnSendError(const core::net::SendError& /*error*/, Instant /*now*/) override {}
  void OnEnvelope(const core::engine::Envelope& /*envelope*/, Instant /*now*/) override {}
  void OnTurnEnd(Instant /*now*/) override {}
};

/// A relay with a customer side (127.0.0.2) and a trunk side (127.0.0.3), and one stream through
/// it.
class MediaRelayTest : public testing::Test {
 protected:
  MediaRelayTest() {
    MediaConfig customer;
    customer.side = Side::kCustomer;
    customer.address = At("127.0.0.2:1").ip;
    customer.port_first = 20000;
    customer.port_last = 20039;
    MediaConfig trunk = customer;
    trunk.side = Side::kTrunk;
    trunk.address = At("127.0.0.3:1").ip;
    trunk.shared = true;
    relay_ = std::make_unique<MediaRelay>(MediaRelay::Options{.io = &io_,
                                                              .random = &random_,
                                                              .store = &store_,
                                                              .wheel = &wheel_,
                                                              .turn = &worker_,
                                                              .calls_max = 10},
                                          std::vector<MediaConfig>{customer, trunk});
    CHECK(relay_->Open().ok());
  }

  PeerMedia PeerAt(const Host& host) {
    PeerMedia peer;
    peer.rtp = host.local;
    peer.rtcp = {host.local.ip, static_cast<uint16_t>(host.local.port + 1)};
    return peer;
  }
  MediaStream* Begin() {
    MediaStream* stream = relay_->Begin(now());
    CHECK(stream != nullptr);
    CHECK(relay_->Bind(stream, LegId::kCaller, Side::kCustomer, true, now()));
    CHECK(relay_->Bind(stream, LegId::kCallee, Side::kTrunk, true, now()));
    // PCMU, and events under another number on each side.
    for (MediaStream::Leg& leg : stream->legs) leg.map.Set(0, 0);
    stream->leg(LegId::kCaller).map.Set(101, 96);
    stream->leg(LegId::kCallee).map.Set(96, 101);
    return stream;
  }
  MediaStream* Talk() {
    MediaStream* stream = Begin();
    CHECK(relay_->SetPeer(stream, LegId::kCaller, PeerAt(pbx_)));
    CHECK(relay_->SetPeer(stream, LegId::kCallee, PeerAt(trunk_)));
    return stream;
  }
  Endpoint Port(const MediaStream* stream, LegId leg, bool rtcp = false) {
    const MediaPorts::Pair& pair = stream->leg(leg).ports->pair(stream->leg(leg).pair);
    return rtcp ? pair.rtcp_local : pair.rtp_local;
  }
  void Turn() {
    network_.clock().AdvanceTo(now() + 10ms);
    network_.DeliverDue();
    io_.FlushAndWait({});
    for (core::Packet& packet : io_.Receive()) {
      CHECK(relay_->Owns(packet.socket()));
      relay_->OnPacket(std::move(packet), now());
    }
    io_.FlushAndWait({});
    network_.clock().AdvanceTo(now() + 10ms);
    network_.DeliverDue();
  }
  Instant now() { return network_.clock().Now(); }

  tests::SimNetwork network_{1};
  core::Random random_{1};
  core::PacketStore store_{{.small = 64, .medium = 4, .large = 1}};
  tests::SimIo io_{&network_};
  core::TimerWheel wheel_{network_.clock().Now()};
  Idle program_;
  core::engine::Worker worker_{
      {.io = &io_, .clock = &network_.clock(), .timers = &wheel_, .program = &program_}};
  Host pbx_{"127.0.0.4:30000", &network_};
  Host trunk_{"127.0.0.9:40000", &network_};
  Host stranger_{"127.0.0.66:50000", &network_};
  std::unique_ptr<MediaRelay> relay_;
};

TEST_F(MediaRelayTest, RelaysBothWays) {
  MediaStream* stream = Talk();
  pbx_.Send(Rtp(0, "to the trunk"), Port(stream, LegId::kCaller));
  trunk_.Send(Rtp(0, "to the customer"), Port(stream, LegId::kCallee));
  Turn();
  EXPECT_THAT(trunk_.Take(), ElementsAre(Rtp(0, "to the trunk")));
  EXPECT_THAT(pbx_.Take(), ElementsAre(Rtp(0, "to the customer")));
  EXPECT_EQ(stream->leg(LegId::kCaller).received.packets, 1u);
  EXPECT_EQ(stream->leg(LegId::kCaller).received.bytes, 24u);
  EXPECT_EQ(stream->leg(LegId::kCallee).sent.packets, 1u);
  relay_->End(stream, now());
  EXPECT_EQ(relay_->streams(), 0u);
  EXPECT_EQ(relay_->ports_used(Side::kCustomer) + relay_->ports_used(Side::kTrunk), 0u);
}

// telephone-event may have another number on each side.
TEST_F(MediaRelayTest, EventsHaveEachSidesNumber) {
  MediaStream* stream = Talk();
  pbx_.Send(Rtp(0x80 | 101, "digit"), Port(stream, LegId::kCaller));
  trunk_.Send(Rtp(96, "digit"), Port(stream, LegId::kCallee));
  Turn();
  EXPECT_THAT(trunk_.Take(), ElementsAre(Rtp(0x80 | 96, "digit")));
  EXPECT_THAT(pbx_.Take(), ElementsAre(Rtp(101, "digit")));
  relay_->End(stream, now());
}

TEST_F(MediaRelayTest, ThePeerItselfSendsOnlyWhatWasAgreedOn) {
  MediaStream* stream = Talk();
  pbx_.Send(Rtp(8), Port(stream, LegId::kCaller));
  pbx_.Send("short", Port(stream, LegId::kCaller));
  pbx_.Send(std::string(40, '\0'), Port(stream, LegId::kCaller));
  Turn();
  EXPECT_THAT(trunk_.Take(), IsEmpty());
  EXPECT_EQ(relay_->counters().payload_types, 1u);
  EXPECT_EQ(relay_->counters().malformed, 2u);
  relay_->End(stream, now());
}

// Rule 23's opt-in: `media_cidrs`, where each call has ports of its own. What is sent goes to the
// place that SDP named all the same.
TEST_F(MediaRelayTest, Rule23_MediaCidrsLetOtherAddressesIn) {
  MediaStream* stream = Begin();
  core::Cidr block;
  ASSERT_TRUE(core::Cidr::Parse("127.0.0.48/29", &block));
  ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCaller, PeerAt(pbx_), {.media_cidrs = {&block, 1}}));
  ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCallee, PeerAt(trunk_)));
  Host inside("127.0.0.50:61000", &network_);
  Host outside("127.0.0.56:61000", &network_);
  inside.Send(Rtp(0, "inside"), Port(stream, LegId::kCaller));
  inside.Send(Rtp(8, "not agreed on"), Port(stream, LegId::kCaller));
  outside.Send(Rtp(0, "outside"), Port(stream, LegId::kCaller));
  inside.Send(Rtp(0, "of the other leg"), Port(stream, LegId::kCallee));
  Turn();
  EXPECT_THAT(trunk_.Take(), SizeIs(1));
  EXPECT_THAT(pbx_.Take(), IsEmpty());
  EXPECT_EQ(relay_->counters().wrong_source, 1u);
  EXPECT_EQ(relay_->counters().strays, 1u);
  EXPECT_EQ(relay_->counters().payload_types, 1u);
  trunk_.Send(Rtp(0), Port(stream, LegId::kCallee));
  Turn();
  EXPECT_THAT(pbx_.Take(), SizeIs(1));
  EXPECT_THAT(inside.Take(), IsEmpty());
  ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCaller, {}));  // Nowhere: nobody is let in any more.
  inside.Send(Rtp(0, "late"), Port(stream, LegId::kCaller));
  Turn();
  EXPECT_THAT(trunk_.Take(), IsEmpty());
  relay_->End(stream, now());
}

// Rule 23: only the signalling source's address may teach the port, once, by a valid packet.
TEST_F(MediaRelayTest, ACustomerBehindANatTeachesItsPortOnce) {
  MediaStream* stream = Begin();
  Host natted("127.0.0.50:61000", &network_);
  Host later("127.0.0.50:61002", &network_);
  PeerMedia peer = PeerAt(pbx_);
  peer.rtp = At("127.0.0.4:30000");  // An address behind the NAT, where someone else lives here.
  ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCaller, peer, {.nat = &natted.local.ip}));
  ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCallee, PeerAt(trunk_)));

  trunk_.Send(Rtp(0), Port(stream, LegId::kCallee));
  pbx_.Send(Rtp(0), Port(stream, LegId::kCaller));       // Its claimed address may not.
  stranger_.Send(Rtp(0), Port(stream, LegId::kCaller));  // Another address may not.
  natted.Send("not RTP at all", Port(stream, LegId::kCaller));
  natted.Send(Rtp(8), Port(stream, LegId::kCaller));  // Nor with what was not agreed on.
  Turn();
  EXPECT_EQ(relay_->counters().learnt, 0u);
  EXPECT_THAT(pbx_.Take(), IsEmpty());
  EXPECT_EQ(relay_->counters().unwanted, 1u);
  for (int i = 0; i < 2000; ++i) Turn();  // No report is made for who has no place yet.
  wheel_.FireDue(now());
  EXPECT_EQ(stream->leg(LegId::kCaller).rtcp.counts().packets_out, 0u);

  natted.Send(Rtp(0), Port(stream, LegId::kCaller));
  Turn();
  later.Send(Rtp(0, "a second port"), Port(stream, LegId::kCaller));
  trunk_.Send(Rtp(0, "found"), Port(stream, LegId::kCallee));
  Turn();
  EXPECT_EQ(relay_->counters().learnt, 1u);
  EXPECT_THAT(natted.Take(), ElementsAre(Rtp(0, "found")));
  EXPECT_THAT(trunk_.Take(), ElementsAre(Rtp(0)));

  // A new description: it may teach again.
  ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCaller, peer, {.nat = &natted.local.ip}));
  later.Send(Rtp(0), Port(stream, LegId::kCaller));
  Turn();
  EXPECT_EQ(relay_->counters().learnt, 2u);
  relay_->End(stream, now());
}

// Many calls at one port of ours: told apart by where they send from.
TEST_F(MediaRelayTest, CallsShareThePortsOfTheTrunk) {
  std::vector<MediaStream*> streams;
  std::vector<std::unique_ptr<Host>> far;
  std::vector<std::unique_ptr<Host>> near;
  for (int i = 0; i < 10; ++i) {
    streams.push_back(Begin());
    far.push_back(
        std::make_unique<Host>(("127.0.0.9:4100" + std::to_string(i)).c_str(), &network_));
    near.push_back(
        std::make_unique<Host>(("127.0.0.4:3100" + std::to_string(i)).c_str(), &network_));
    PeerMedia peer = PeerAt(*far.back());
    peer.rtcp = {};
    ASSERT_TRUE(relay_->SetPeer(streams.back(), LegId::kCallee, peer));
    ASSERT_TRUE(relay_->SetPeer(streams.back(), LegId::kCaller, PeerAt(*near.back())));
  }
  for (size_t i = 0; i < 10; ++i) {
    far[i]->Send(Rtp(0, "call " + std::to_string(i)), Port(streams[i], LegId::kCallee));
  }
  Turn();
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_THAT(near[i]->Take(), ElementsAre(Rtp(0, "call " + std::to_string(i))));
    relay_->End(streams[i], now());
  }
}

// Two calls cannot have one peer's address and port at one port of ours. Where the peer knows our
// port already, the second is refused.
TEST_F(MediaRelayTest, AConflictIsRefused) {
  MediaStream* first = Talk();
  MediaStream* second = relay_->Begin(now());
  ASSERT_TRUE(relay_->Bind(second, LegId::kCallee, Side::kTrunk, true, now()));
  while (second->leg(LegId::kCallee).pair != first->leg(LegId::kCallee).pair) {
    relay_->End(second, now());
    second = relay_->Begin(now());
    ASSERT_TRUE(relay_->Bind(second, LegId::kCallee, Side::kTrunk, true, now()));
  }
  second->leg(LegId::kCallee).is_told = true;
  EXPECT_FALSE(relay_->SetPeer(second, LegId::kCallee, PeerAt(trunk_)));
  EXPECT_EQ(relay_->counters().flow_conflicts, 1u);
  relay_->End(first, now());
  EXPECT_TRUE(relay_->SetPeer(second, LegId::kCallee, PeerAt(trunk_)));
  relay_->End(second, now());
}

// Calls of a peer with one port for all of them, each at another of our pairs, as long as there is
// one; each hears what was sent to its own.
TEST_F(MediaRelayTest, APeerThatKnowsNoPortYetGetsOneWithoutConflict) {
  std::vector<MediaStream*> streams;
  std::vector<std::unique_ptr<Host>> near;
  std::set<uint16_t> ports;
  const size_t pairs = relay_->ports_count(Side::kTrunk);
  for (size_t i = 0; i < pairs; ++i) {
    MediaStream* stream = relay_->Begin(now());
    ASSERT_NE(stream, nullptr);
    ASSERT_TRUE(relay_->Bind(stream, LegId::kCallee, Side::kTrunk, true, now()));
    ASSERT_TRUE(relay_->SetPeer(stream, LegId::kCallee, PeerAt(trunk_))) << i;
    ports.insert(Port(stream, LegId::kCallee).port);
    streams.push_back(stream);
  }
  EXPECT_EQ(ports.size(), pairs);
  EXPECT_EQ(relay_->counters().flow_conflicts, 0u);
  for (MediaStream* stream : streams) {
    const uint64_t before = stream->leg(LegId::kCallee).received.packets;
    stream->leg(LegId::kCallee).map.Set(0, 0);
    trunk_.Send(Rtp(0), Port(stream, LegId::kCallee));
    Turn();
    EXPECT_EQ(stream->leg(LegId::kCallee).received.packets, before + 1);
  }
  for (MediaStream* stream : streams) relay_->End(stream, now());
  EXPECT_EQ(relay_->ports_used(Side::kTrunk), 0u);
}

// A pair is free to a peer only if both its ports are: RTCP is told apart as RTP is.
TEST_F(MediaRelayTest, RtcpInConflictMovesBothPorts) {
  MediaStream* first = Talk();
  MediaStream* second = relay_->Begin(now());
  ASSERT_TRUE(relay_->Bind(second, LegId::kCallee, Side::kTrunk, true, now()));
  second->leg(LegId::kCallee).pair = first->leg(LegId::kCallee).pair;
  PeerMedia peer = PeerAt(trunk_);
  peer.rtp.port = 41998;  // Its RTCP is where the first call's is.
  ASSERT_TRUE(relay_->SetPeer(second, LegId::kCallee, peer));
  EXPECT_NE(second->leg(LegId::kCallee).pair, first->leg(LegId::kCallee).pair);
  // Agreed on once more, it stays where it is.
  const uint32_t pair = second->leg(LegId::kCallee).pair;
  ASSERT_TRUE(relay_->SetPeer(second, LegId::kCallee, peer));
  EXPECT_EQ(second->leg(LegId::kCallee).pair, pair);
  relay_->End(first, now());
  relay_->End(second, now());
}

TEST_F(MediaRelayTest, PortsThatRunOutAreAnAnswer) {
  std::vector<MediaStream*> streams;
  for (int i = 0; i < 20; ++i) {  // The range has no more, whatever the number of calls.
    MediaStream* stream = relay_->Begin(now());
    ASSERT_NE(stream, nullptr);
    EXPECT_TRUE(relay_->Bind(stream, LegId::kCaller, Side::kCustomer, true, now()));
    streams.push_back(stream);
  }
  MediaStream* one_more = relay_->Begin(now());
  EXPECT_FALSE(relay_->Bind(one_more, LegId::kCaller, Side::kCustomer, true, now()));
  EXPECT_FALSE(relay_->Bind(one_more, LegId::kCallee, Side::kTrunk, false, now()));  // No IPv6.
  EXPECT_EQ(relay_->counters().ports_exhausted, 2u);
  relay_->End(one_more, now());
  for (MediaStream* stream : streams) relay_->End(stream, now());
}

// A pair that rests is better than none for the voice of an emergency call; one that another call
// has is not for it, and its video can wait.
TEST_F(MediaRelayTest, OnlyTheVoiceOfAnEmergencyCutsARestShort) {
  const auto bind = [this](MediaStream* stream) {
    return relay_->Bind(stream, LegId::kCaller, Side::kCustomer, true, now());
  };
  std::vector<MediaStream*> streams;
  for (size_t i = 0; i < relay_->ports_count(Side::kCustomer); ++i) {
    streams.push_back(relay_->Begin(now()));
    ASSERT_TRUE(bind(streams.back()));
  }
  MediaStream* emergency = relay_->Begin(now());
  emergency->is_emergency = true;
  EXPECT_FALSE(bind(emergency));

  const uint32_t pair = streams[7]->leg(LegId::kCaller).pair;
  for (const size_t ends : {size_t{7}, size_t{3}}) {
    relay_->End(streams[ends], now());
    streams[ends] = relay_->Begin(now());
    EXPECT_FALSE(bind(streams[ends]));
  }
  streams[3]->is_emergency = streams[3]->is_video = true;
  EXPECT_FALSE(bind(streams[3]));
  ASSERT_TRUE(bind(emergency));
  EXPECT_EQ(emergency->leg(LegId::kCaller).pair, pair);
  EXPECT_EQ(relay_->counters().rests_cut_short, 1u);
  relay_->End(emergency, now());
  for (MediaStream* stream : streams) relay_->End(stream, now());
}

}  // namespace
}  // namespace sbc
