// Several workers in one SBC: each call is one worker's, wherever the network delivers (rule 5 of
// the SBC's rules; rule 22; packet core section 8: a single-source trunk on 4 workers).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sbc/connector_ledger.h"
#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::Gt;
using testing::SizeIs;

constexpr uint16_t kWorkers = 4;

SbcScene::Options Four(const std::string& connector = "") {
  SbcScene::Options options;
  options.workers = kWorkers;
  options.limits = "calls: 400";  // A quarter each, so room for an uneven spread.
  options.connector = connector;
  return options;
}

SimPlan CallOf911() {
  SimPlan plan;
  plan.number = "911";
  return plan;
}

size_t Home() { return sbc::HomeWorker("dr3rbaar376u5r4ntcnlq4", kWorkers); }

// The trunk has one address and port, so one worker gets all that it sends; the calls live on all
// four, and each message finds its own.
TEST(B2buaWorkersTest, SingleSourceTrunkOnFourWorkers) {
  SbcScene scene(Four());
  for (int i = 0; i < 40; ++i) {
    scene.Inbound();
    scene.Outbound();
  }
  size_t calls = 0;
  uint64_t handed_over = 0;
  std::vector<uint64_t> by_worker;
  for (size_t i = 0; i < kWorkers; ++i) {
    const sbc::WorkerSnapshot snapshot = scene.world->worker(i).CurrentSnapshot();
    by_worker.push_back(snapshot.calls_now);
    calls += snapshot.calls_now;
    handed_over += snapshot.worker.handed_over;
  }
  EXPECT_EQ(calls, 80u);
  EXPECT_THAT(by_worker, Each(Gt(5u)));
  EXPECT_THAT(handed_over, Gt(100u));
  for (size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(scene.trunk.call(2 * i).final_status, 200);
    scene.trunk.Do(2 * i, {.method = "INVITE", .body = kSdp});
    scene.pbx.Do(2 * i + 1, {.method = "INFO"});
  }
  scene.Run(2s);
  EXPECT_THAT(scene.pbx.Got("INVITE"), SizeIs(80));
  EXPECT_THAT(scene.trunk.Got("INFO"), SizeIs(40));
  for (size_t i = 0; i < 40; ++i) {
    scene.trunk.Do(2 * i, {.method = "BYE"});
    scene.trunk.Do(2 * i + 1, {.method = "BYE"});
  }
  scene.Run(2s);
  EXPECT_THAT(scene.world->records(), SizeIs(80));
  scene.ExpectClean();
}

// Rule 5: CpsLimit 1, four workers, exactly one.
TEST(B2buaWorkersTest, CpsLimitOfOneIsExactlyOne) {
  SbcScene::Options options = Four();
  options.termination =
      "CpsLimit: 1, CallingRegions: [US], CidrAllowedList: [127.0.0.4/30], Disabled: false";
  SbcScene scene(options);
  for (int second = 0; second < 3; ++second) {
    std::vector<size_t> calls;
    for (int i = 0; i < 12; ++i) calls.push_back(scene.pbx.Place({}));
    scene.Run(1001ms);
    int answered = 0;
    for (const size_t call : calls) {
      answered += scene.pbx.call(call).final_status == 200 ? 1 : 0;
      scene.pbx.Do(call, {.method = "BYE"});
    }
    EXPECT_EQ(answered, 1);
  }
  scene.Run(1s);
  EXPECT_THAT(scene.world->records(), SizeIs(36));
  scene.ExpectClean();
}

// The connector's count of calls is one for all workers, and each end gives its place back.
TEST(B2buaWorkersTest, ConnectorsLimitOfCallsIsOneForAll) {
  SbcScene scene(Four("    limits: {calls: 3}\n"));
  for (int round = 0; round < 3; ++round) {
    std::vector<size_t> calls;
    for (int i = 0; i < 10; ++i) calls.push_back(scene.pbx.Place({}));
    scene.Run(1s);
    int answered = 0;
    for (const size_t call : calls) {
      answered += scene.pbx.call(call).final_status == 200 ? 1 : 0;
      scene.pbx.Do(call, {.method = "BYE"});
    }
    EXPECT_EQ(answered, 3);
    scene.Run(1s);
  }
  scene.ExpectClean();
}

// A CANCEL while the home worker is still being asked; its grant goes back when it comes.
TEST(B2buaWorkersTest, CancelWhileTheHomeWorkerIsAsked) {
  SbcScene scene(Four("    limits: {calls: 1}\n"));
  scene.world->Pause(Home(), true);
  std::vector<size_t> calls;
  for (int i = 0; i < 8; ++i) {
    SimPlan plan;
    plan.script = {{.after = 100ms, .method = "CANCEL", .rude = true}};
    calls.push_back(scene.pbx.Place(plan));
  }
  scene.Run(1s);
  scene.world->Pause(Home(), false);
  scene.Run(5s);
  for (const size_t call : calls) EXPECT_NE(scene.pbx.call(call).final_status, 0);
  const size_t next = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(next).final_status, 200);
  scene.pbx.Do(next, {.method = "BYE"});
  scene.ExpectClean();
}

// A home worker that does not answer: 503 with Retry-After in two seconds, not silence for ever;
// what it grants too late is given back.
TEST(B2buaWorkersTest, HomeWorkerThatDoesNotAnswer) {
  SbcScene scene(Four("    limits: {calls: 1}\n"));
  scene.world->Pause(Home(), true);
  for (int i = 0; i < 8; ++i) scene.pbx.Place({});
  scene.Run(3s);
  const auto refused = scene.pbx.Got("INVITE", 503);
  ASSERT_THAT(refused.size(), Gt(1u));
  EXPECT_TRUE(refused[0].Has("Retry-After"));
  scene.world->Pause(Home(), false);
  scene.Run(40s);
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_NE(scene.pbx.call(i).final_status, 0);
    scene.pbx.Do(i, {.method = "BYE"});
  }
  scene.Run(40s);
  const size_t next = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(next).final_status, 200);
  scene.pbx.Do(next, {.method = "BYE"});
  scene.ExpectClean();
}

// An emergency call does not wait for who drowns: it goes on without a grant (rule 6).
TEST(B2buaWorkersTest, Rule06_EmergencyCallsPassAHomeWorkerThatDoesNotAnswer) {
  SbcScene scene(Four("    limits: {calls: 1}\n"));
  scene.world->Pause(Home(), true);
  std::vector<size_t> calls;
  for (int i = 0; i < 8; ++i) calls.push_back(scene.pbx.Place(CallOf911()));
  scene.Run(3s);
  size_t answered = 0;
  for (const size_t call : calls) answered += scene.pbx.call(call).final_status == 200 ? 1 : 0;
  EXPECT_THAT(answered, Gt(2u));  // Those of the worker that sleeps wait for it.
  scene.world->Pause(Home(), false);
  scene.Run(1s);
  for (const size_t call : calls) {
    EXPECT_EQ(scene.pbx.call(call).final_status, 200);
    scene.pbx.Do(call, {.method = "BYE"});
  }
  scene.Run(1s);
  const size_t next = scene.Outbound();  // What was granted too late has been given back.
  EXPECT_EQ(scene.pbx.call(next).final_status, 200);
  scene.pbx.Do(next, {.method = "BYE"});
  scene.ExpectClean();
}

// The node's rate and a source's are one for all workers. The node's end is an overload, with
// Retry-After; a source's is its own (rule 11).
TEST(B2buaWorkersTest, Rule11_RatesOfTheNodeAndOfASource) {
  SbcScene::Options options = Four();
  options.limits = "calls: 400, calls_per_second: 5, calls_per_second_per_source: 3";
  options.routes = "{Host: 127.0.0.4, Priority: 1, Weight: 1}";
  SbcScene scene(options);
  for (int second = 0; second < 2; ++second) {
    size_t answered[2] = {};
    std::vector<size_t> calls[2];
    SimUserAgent* const callers[] = {&scene.pbx, &scene.pbx2};
    for (int i = 0; i < 12; ++i) calls[0].push_back(scene.pbx.Place({}));
    scene.Run(100ms);
    for (int i = 0; i < 12; ++i) calls[1].push_back(scene.pbx2.Place({}));
    scene.Run(1500ms);
    for (size_t who = 0; who < 2; ++who) {
      for (const size_t call : calls[who]) {
        answered[who] += callers[who]->call(call).final_status == 200 ? 1 : 0;
        callers[who]->Do(call, {.method = "BYE"});
      }
    }
    EXPECT_EQ(answered[0], 3u);
    EXPECT_EQ(answered[1], 2u);
  }
  const auto of_source = scene.pbx.Got("INVITE", 503);
  ASSERT_THAT(of_source, SizeIs(18));
  for (const SimMessage& refusal : of_source) EXPECT_FALSE(refusal.Has("Retry-After"));
  const auto of_node = scene.pbx2.Got("INVITE", 503);
  ASSERT_THAT(of_node, SizeIs(20));
  for (const SimMessage& refusal : of_node) EXPECT_TRUE(refusal.Has("Retry-After"));
  scene.Run(1s);
  scene.ExpectClean();
}

// Drain and stop reach all workers; a reload too.
TEST(B2buaWorkersTest, ReloadAndStopOnAll) {
  SbcScene::Options options = Four();
  SbcScene scene(options);
  for (int i = 0; i < 12; ++i) scene.Outbound();
  options.termination =
      "CpsLimit: 0, CallingRegions: [CA], CidrAllowedList: [127.0.0.4/30], Disabled: false";
  scene.world->Reload(SbcScene::Yaml(options));
  scene.Run(10ms);
  for (int i = 0; i < 12; ++i) {
    const size_t refused = scene.Outbound();
    EXPECT_EQ(scene.pbx.call(refused).final_status, 403);
  }
  scene.world->PostAll(sbc::EnvelopeKind::kStop);
  scene.Run(2s);
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(12));
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(12));
  scene.ExpectClean();
  for (size_t i = 0; i < kWorkers; ++i) EXPECT_EQ(scene.world->worker(i).policies(), 1u);
}

}  // namespace
}  // namespace tests
