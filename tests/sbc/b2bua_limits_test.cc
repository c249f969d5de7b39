// What a worker may cost: no allocation once it runs (style section 4.2), and for each pool that
// runs dry the protocol's own answer, after which nothing is held.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/allocations.h"
#include "tests/support/media_scene.h"
#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::Ge;
using testing::Gt;
using testing::SizeIs;

/// Counts what the worker's turns allocate, without what the simulated network does meanwhile.
class AllocationMeter final : public TurnMeter, public core::net::PacketIo {
 public:
  core::net::PacketIo* Wrap(core::net::PacketIo* io) override {
    io_ = io;
    return this;
  }
  void BeginTurn() override { at_begin_ = Allocations(); }
  void EndTurn() override {
    allocated_ += Allocations() - at_begin_ - networks_;
    networks_ = 0;
  }
  size_t allocated() const { return allocated_; }

  absl::StatusOr<core::SocketId> Open(const core::net::SocketOptions& options) override {
    return io_->Open(options);
  }
  void Close(core::SocketId socket) override { io_->Close(socket); }
  core::Endpoint LocalOf(core::SocketId socket) const override { return io_->LocalOf(socket); }
  absl::Status SetReachFilter(core::SocketId socket, std::span<const core::Cidr> reach) override {
    return io_->SetReachFilter(socket, reach);
  }
  void Send(core::Packet packet) override {
    const size_t before = Allocations();
    io_->Send(std::move(packet));
    networks_ += Allocations() - before;
  }
  void FlushAndWait(core::Instant deadline) override {
    const size_t before = Allocations();
    io_->FlushAndWait(deadline);
    networks_ += Allocations() - before;
  }
  std::span<core::Packet> Receive() override { return io_->Receive(); }
  std::span<const core::net::SendError> Errors() override { return io_->Errors(); }
  void Wake() override { io_->Wake(); }
  const core::net::IoCounters& counters() const override { return io_->counters(); }
  uint64_t QueueDrops(core::SocketId socket) const override { return io_->QueueDrops(socket); }

 private:
  core::net::PacketIo* io_ = nullptr;
  size_t at_begin_ = 0;
  size_t networks_ = 0;
  size_t allocated_ = 0;
};

// One of each kind of call and of refusal, so that each way through the code is gone once.
void Bustle(SbcScene* scene) {
  SimPlan long_talk;
  long_talk.supports_100rel = true;
  long_talk.confirmed = {{.after = 1s, .method = "INVITE", .body = kSdp},
                         {.after = 1s, .method = "UPDATE", .body = kSdp},
                         {.after = 1s, .method = "INFO"},
                         {.after = 1s, .method = "REFER"},
                         {.after = 1s, .method = "OPTIONS"},
                         {.after = 1000s, .method = "BYE"}};
  SimPlan forks;
  forks.script = {{.after = 20ms, .status = 183, .reliable = true, .body = kSdp},
                  {.after = 20ms, .status = 180, .fork = 1},
                  {.after = 20ms, .status = 200, .fork = 1, .body = kSdp},
                  {.after = 20ms, .status = 200, .fork = 2, .body = kSdp}};
  forks.updates = false;
  forks.timer = false;
  SimPlan busy;
  busy.script = {{.after = 20ms, .status = 180}, {.after = 20ms, .status = 486}};
  SimPlan gone;
  gone.script = {{.after = 20ms, .status = 503}};
  SimPlan rings;
  rings.script = {{.after = 20ms, .status = 180}};
  SimPlan cancels;
  cancels.script = {{.after = 500ms, .method = "CANCEL"}};
  SimPlan abroad;
  abroad.number = "+442079460000";
  SimPlan deaf;
  deaf.ack = false;

  scene->trunk.Expect(forks);
  scene->Outbound(long_talk);
  scene->Inbound(long_talk);
  scene->trunk.Expect(busy);
  scene->Outbound();
  scene->pbx.Expect(gone);
  scene->Inbound();
  scene->trunk.Expect(rings);
  scene->Outbound(cancels);
  scene->Outbound(abroad);
  scene->Outbound(deaf);
  scene->Run(20s);
  scene->pbx.set_dead(true);
  scene->Inbound();
  scene->Run(20s);
  scene->pbx.set_dead(false);
  scene->pbx.Do(0, {.method = "BYE", .fork = SimStep::kConfirmed});
  scene->Run(1500s);
}

// After one round of everything, a thousand more messages allocate nothing in the worker.
TEST(B2buaLimitsTest, NothingIsAllocatedAfterStart) {
  AllocationMeter meter;
  SbcScene::Options options;
  options.routes =
      "{Host: 127.0.0.4, Priority: 1, Weight: 1}, {Host: 127.0.0.5, Priority: 2, Weight: 1}";
  options.failover = "options_interval: 30s";
  options.global = "sip: {session_expires: 300s}\n";
  options.meter = &meter;
  SbcScene scene(options);
  Bustle(&scene);
  const size_t before = meter.allocated();
  const uint64_t messages = scene.world->worker().CurrentSnapshot().io.received;
  for (int i = 0; i < 5; ++i) Bustle(&scene);
  EXPECT_THAT(scene.world->worker().CurrentSnapshot().io.received - messages, Gt(1000u));
  EXPECT_EQ(meter.allocated() - before, 0u);
}

// Nor while media is measured, told of each minute and at the end, and messages are logged.
TEST(B2buaLimitsTest, NothingIsAllocatedWhileMediaIsTold) {
  AllocationMeter meter;
  SbcScene::Options options =
      Anchoring("    media_timeout: 30s\n    logging: {EnableSIPLogs: true}\n");
  options.meter = &meter;
  MediaScene media(options);
  const auto talk = [&media](size_t index) {
    const size_t call = media.Call();
    media.pbx.Talk(TargetOf(media.ToPbx(index)));
    media.trunk.Talk(TargetOf(media.ToTrunk(index)));
    media.scene.Run(130s);
    media.pbx.Press(1);
    media.pbx.Hush();
    media.trunk.Hush();
    media.HangUp(call);
  };
  talk(0);
  const size_t before = meter.allocated();
  talk(1);
  EXPECT_EQ(meter.allocated() - before, 0u);
  EXPECT_EQ(media.scene.world->media().size(), 6u);
}

// limits.calls reached: 503 with Retry-After, while the reserve still takes an emergency call, and
// when that is used up too, 503 for it as well (rules 6 and 11).
TEST(B2buaLimitsTest, CallsRunDry) {
  SbcScene::Options options;
  options.limits = "calls: 8";
  options.global = "emergency: {reserve_calls: 2}\n";
  SbcScene scene(options);
  std::vector<size_t> calls;
  for (int i = 0; i < 6; ++i) calls.push_back(scene.Outbound());
  for (const size_t call : calls) EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  const size_t refused = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(refused).final_status, 503);
  EXPECT_TRUE(scene.pbx.Got("INVITE", 503)[0].Has("Retry-After"));
  SimPlan emergency;
  emergency.number = "911";
  for (int i = 0; i < 2; ++i) calls.push_back(scene.Outbound(emergency));
  EXPECT_EQ(scene.pbx.call(calls.back()).final_status, 200);
  const size_t too_many = scene.Outbound(emergency);
  EXPECT_EQ(scene.pbx.call(too_many).final_status, 503);
  for (const size_t call : calls) scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(40s);
  const size_t next = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(next).final_status, 200);
  scene.pbx.Do(next, {.method = "BYE"});
  scene.ExpectClean();
}

// No transaction left: an INVITE gets 503 with Retry-After without one, and so it goes on until
// others end. A call that finds none for its own INVITE is refused, not forgotten.
TEST(B2buaLimitsTest, TransactionsRunDry) {
  SbcScene::Options options;
  options.limits = "calls: 1000, transactions: 64";
  SbcScene scene(options);
  SimPlan rings;
  rings.script = {{.after = 20ms, .status = 180}};
  scene.trunk.set_planner([&](const SimMessage&) { return rings; });
  std::vector<size_t> calls;
  for (int i = 0; i < 90; ++i) {
    calls.push_back(scene.pbx.Place({}));
    if (i % 10 == 9) scene.Run(100ms);
  }
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 503), SizeIs(Ge(20u)));
  EXPECT_TRUE(scene.pbx.Got("INVITE", 503)[0].Has("Retry-After"));
  EXPECT_THAT(scene.world->transactions(), testing::Le(128u));
  for (const size_t call : calls) scene.pbx.Do(call, {.method = "CANCEL"});
  scene.Run(60s);
  for (const size_t call : calls) EXPECT_NE(scene.pbx.call(call).final_status, 0);
  scene.Run(60s);
  scene.trunk.set_planner({});
  const size_t next = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(next).final_status, 200);
  scene.pbx.Do(next, {.method = "BYE"});
  scene.ExpectClean();
}

// A flood of calls that are refused holds a transaction for each, for 32 s without an ACK. The
// calls that are there go on all the same, and an emergency call is taken (rule 6).
TEST(B2buaLimitsTest, AFloodOfRefusedCallsLeavesRoomForThoseThatAreThere) {
  SbcScene::Options options;
  options.limits = "calls: 50, transactions: 64";
  SbcScene scene(options);
  const size_t call = scene.Outbound();
  ASSERT_EQ(scene.pbx.call(call).final_status, 200);
  for (int i = 0; i < 200; ++i) {
    const std::string id = "flood" + std::to_string(i);
    scene.pbx2.SendRaw(
        "INVITE sip:+442079460000@127.0.0.2 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 127.0.0.5:5060;branch=z9hG4bK" +
        id +
        "\r\nFrom: <sip:+16185558387@b>;tag=a\r\nTo: <sip:+442079460000@b>\r\n"
        "Call-ID: " +
        id +
        "\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
        "Contact: <sip:a@127.0.0.5>\r\nContent-Length: 0\r\n\r\n");
    if (i % 20 == 19) scene.Run(20ms);
  }
  SimPlan emergency;
  emergency.number = "911";
  const size_t urgent = scene.pbx.Place(emergency);
  scene.Run(1s);
  EXPECT_EQ(scene.pbx.call(urgent).final_status, 200);
  scene.pbx.Do(call, {.method = "INFO"});
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("INFO"), SizeIs(1));
  for (const size_t each : {call, urgent}) scene.pbx.Do(each, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("BYE", 200), SizeIs(2));
  scene.Run(60s);
  scene.ExpectClean();
}

// The store of large messages dry: who comes with one is refused, small ones go on as ever.
TEST(B2buaLimitsTest, StoreRunsDry) {
  SbcScene::Options options;
  options.limits = "calls: 400";
  SbcScene scene(options);
  SimPlan rings;
  rings.script = {{.after = 20ms, .status = 180}};
  SimPlan large;
  large.body = std::string(kSdp) + "a=x:" + std::string(20000, 'x') + "\r\n";
  std::vector<size_t> calls;
  scene.trunk.set_planner([&](const SimMessage&) { return rings; });
  for (int i = 0; i < 100; ++i) {
    calls.push_back(scene.pbx.Place(large));
    if (i % 5 == 4) scene.Run(20ms);
  }
  scene.Run(1s);
  size_t refused = 0;
  for (const size_t call : calls) {
    const int status = scene.pbx.call(call).final_status;
    EXPECT_TRUE(status == 0 || status == 503 || status == 500) << status;
    refused += status == 0 ? 0u : 1u;
  }
  EXPECT_THAT(refused, Gt(10u));
  // A refusal that finds no room is none: the request is forgotten, so that its repeat is new.
  const auto register_with = [&](const std::string& branch) {
    scene.pbx.SendRaw(
        "REGISTER sip:127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.4:5060;branch=z9hG4bK" +
        branch + "\r\nFrom: <sip:a@b>;tag=a\r\nTo: <sip:a@b>\r\nCall-ID: " + branch +
        "\r\nCSeq: 1 REGISTER\r\nX-Pad: " + std::string(20000, 'x') +
        "\r\nContent-Length: 0\r\n\r\n");
    scene.Run(10ms);
  };
  for (int i = 0; i < 60; ++i) register_with("large" + std::to_string(i));
  const size_t told = scene.pbx.Got("REGISTER", 405).size();
  EXPECT_THAT(told, testing::Lt(60u));
  scene.trunk.set_planner({});
  const size_t small = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(small).final_status, 200);
  scene.pbx.Do(small, {.method = "BYE"});
  for (const size_t call : calls) scene.pbx.Do(call, {.method = "CANCEL"});
  scene.Run(100s);
  for (const size_t call : calls) EXPECT_NE(scene.pbx.call(call).final_status, 0);
  register_with("large59");
  EXPECT_THAT(scene.pbx.Got("REGISTER", 405), SizeIs(told + 1));
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
