// Several workers in one SBC: each call is one worker's, wherever the network delivers (rule 5 of
// the SBC's rules; rule 22; packet core section 8: a single-source trunk on 4 workers).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <vector>

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

// What timers do after the last packet is told, too; and telling it wakes nobody for ever.
TEST(B2buaWorkersTest, MetricsSayWhatTimersDidInAnIdleNode) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(100s);
  const sbc::SbcWorker& worker = scene.world->worker(0);
  const sbc::WorkerSnapshot told = worker.snapshot().Read();
  EXPECT_EQ(told.calls_now, 0u);
  EXPECT_EQ(told.client_transactions_now, 0u);
  EXPECT_EQ(told.server_transactions_now, 0u);
  EXPECT_EQ(told.store_packets_now, 0u);
  const uint64_t version = worker.snapshot().version();
  scene.Run(100s);
  EXPECT_EQ(worker.snapshot().version(), version);
}

// The network brings an ICMP error to the worker whose socket the dead peer's address picks, not to
// the one that sent (packet core, rule 8). It fails that one's call at once all the same (rule 7).
TEST(B2buaWorkersTest, Rule07_IcmpErrorFailsOverAtOnceOnEveryWorker) {
  SbcScene::Options options = Four();
  options.routes = "{Host: 127.0.0.4, Priority: 1, Weight: 1}, {Host: 127.0.0.5, Priority: 2}";
  SbcScene scene(options);
  scene.network.SetUnreachable(scene.pbx.local().ip, true);
  std::vector<size_t> calls;
  for (int i = 0; i < 40; ++i) {
    SimPlan plan;
    plan.number = "+16185558245";
    calls.push_back(scene.trunk.Place(plan));
  }
  scene.Run(100ms);
  EXPECT_THAT(scene.pbx2.Got("INVITE"), SizeIs(40));
  uint64_t unmatched = 0;
  for (size_t worker = 0; worker < kWorkers; ++worker) {
    const sbc::WorkerSnapshot snapshot = scene.world->worker(worker).CurrentSnapshot();
    EXPECT_THAT(snapshot.calls.failovers, Gt(0u)) << worker;
    unmatched += snapshot.transactions.send_failures_unmatched;
  }
  EXPECT_EQ(unmatched, 0u);
  scene.Run(1s);
  for (const size_t call : calls) {
    EXPECT_EQ(scene.trunk.call(call).final_status, 200);
    scene.trunk.Do(call, {.method = "BYE"});
  }
  scene.ExpectClean();
}

// Who forges an ICMP error does not know the branch: it is nobody's, and goes to no other worker.
TEST(B2buaWorkersTest, Rule22_AForgedIcmpErrorReachesNoOtherWorker) {
  SbcScene scene(Four());
  for (const char* branch : {"z9hG4bKforged", "z9hG4bK0123456789abcdefghijklmnopqrstuvwxyz"}) {
    scene.network.ForgeIcmp(scene.trunk.sbc(), scene.trunk.local(), ECONNREFUSED,
                            std::string("INVITE sip:a@127.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP "
                                        "127.0.0.3:5060;branch=") +
                                branch + "\r\nCall-ID: a\r\n");
  }
  scene.Run(1ms);
  uint64_t unmatched = 0;
  for (size_t worker = 0; worker < kWorkers; ++worker) {
    const sbc::WorkerSnapshot snapshot = scene.world->worker(worker).CurrentSnapshot();
    unmatched += snapshot.transactions.send_failures_unmatched;
    EXPECT_EQ(snapshot.worker.handed_over, 0u);
  }
  EXPECT_EQ(unmatched, 2u);
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

// limits.calls is the node's: it admits so many, whatever worker their Call-IDs hash to, and the
// next is an overload of the whole node (rule 11). Refused ones take no place.
TEST(B2buaWorkersTest, Rule11_TheNodesLimitOfCallsIsOneForAllWorkers) {
  for (const int limit : {1, 4, 30}) {
    SbcScene::Options options = Four();
    options.limits = "calls: " + std::to_string(limit);
    options.global = "emergency: {reserve_calls: 0}\n";
    SbcScene scene(options);
    for (int round = 0; round < 3; ++round) {
      std::vector<size_t> calls;
      SimPlan refused;
      refused.number = "+4915112345";  // A region that is not called: it takes no place.
      for (int i = 0; i < 20; ++i) scene.Outbound(refused);
      for (int i = 0; i < limit; ++i) calls.push_back(scene.pbx.Place({}));
      scene.Run(1s);
      for (const size_t call : calls) EXPECT_EQ(scene.pbx.call(call).final_status, 200);
      scene.pbx.ClearLog();
      for (int i = 0; i < 20; ++i) scene.Outbound();
      ASSERT_THAT(scene.pbx.Got("INVITE", 503), SizeIs(20)) << limit;
      EXPECT_TRUE(scene.pbx.Got("INVITE", 503)[0].Has("Retry-After"));
      for (const size_t call : calls) scene.pbx.Do(call, {.method = "BYE"});
      scene.Run(1s);
    }
    scene.ExpectClean();
  }
}

// So is the reserve for emergencies: what others leave of it is taken from any worker (rule 6).
TEST(B2buaWorkersTest, Rule06_TheReserveIsOneForAllWorkers) {
  SbcScene::Options options = Four();
  options.limits = "calls: 6";
  options.global = "emergency: {reserve_calls: 3}\n";
  SbcScene scene(options);
  std::vector<size_t> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(scene.Outbound());
  for (int i = 0; i < 8; ++i) EXPECT_EQ(scene.pbx.call(scene.Outbound()).final_status, 503);
  for (int i = 0; i < 3; ++i) calls.push_back(scene.Outbound(CallOf911()));
  for (const size_t call : calls) EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(scene.pbx.call(scene.Outbound(CallOf911())).final_status, 503);
  }
  for (const size_t call : calls) scene.pbx.Do(call, {.method = "BYE"});
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

// What a route's home worker says of its health may find a mailbox full. It is said again: else
// that worker's calls would go on trying the dead route first.
TEST(B2buaWorkersTest, Rule10_HealthThatFoundAMailboxFullIsToldAgain) {
  SbcScene::Options options = Four();
  options.routes = "{Host: 127.0.0.4, Priority: 1, Weight: 1}, {Host: 127.0.0.5, Priority: 2}";
  options.failover = "options_interval: 5s";
  SbcScene scene(options);
  scene.Run(1s);
  const size_t full = (Home() + 1) % kWorkers;
  scene.world->Pause(full, true);
  scene.world->FillMailbox(Home(), full);
  scene.pbx.set_dead(true);
  scene.Run(30s);
  scene.world->Pause(full, false);
  scene.Run(10s);
  for (int i = 0; i < 24; ++i) {
    const size_t call = scene.Inbound();
    scene.Run(10s);  // As long as a dead route is waited for.
    ASSERT_EQ(scene.trunk.call(call).final_status, 200);
    scene.trunk.Do(call, {.method = "BYE"});
  }
  for (size_t worker = 0; worker < kWorkers; ++worker) {
    const sbc::WorkerSnapshot snapshot = scene.world->worker(worker).CurrentSnapshot();
    EXPECT_THAT(snapshot.calls.calls_answered, Gt(0u)) << worker;
    EXPECT_EQ(snapshot.calls.failovers, 0u) << worker;
  }
  scene.Run(1s);
  EXPECT_EQ(scene.world->calls(), 0u);
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

// Rule 6 admits an emergency call in a drain. Its worker takes back that it is drained, so no other
// call's end has the node stopped, and none is hung up on before drain_timeout.
TEST(B2buaWorkersTest, Rule06_AnEmergencyCallInADrainEndsNoOtherCall) {
  SbcScene scene(Four());
  const size_t ordinary = scene.Outbound();
  scene.world->PostAll(sbc::EnvelopeKind::kDrain);
  scene.Run(1s);
  EXPECT_EQ(scene.world->drained(), kWorkers - 1);
  std::vector<size_t> calls;
  while (scene.world->drained() > 0) {
    ASSERT_LT(calls.size(), 60u);
    calls.push_back(scene.Outbound(CallOf911()));
    EXPECT_EQ(scene.pbx.call(calls.back()).final_status, 200);
  }
  scene.pbx.Do(ordinary, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_LT(scene.world->drained(), kWorkers);

  // Had all said so, a call that was admitted before this came would go on.
  scene.world->PostAll(sbc::EnvelopeKind::kClose);
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(0));
  EXPECT_EQ(scene.world->calls(), calls.size());
  EXPECT_EQ(scene.pbx.call(scene.Outbound(CallOf911())).final_status, 503);
  scene.world->PostAll(sbc::EnvelopeKind::kDrain);
  scene.Run(1s);
  calls.push_back(scene.Outbound(CallOf911()));
  EXPECT_EQ(scene.pbx.call(calls.back()).final_status, 200);

  for (const size_t call : calls) scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_EQ(scene.world->drained(), kWorkers);
  scene.ExpectClean();
}

// Nobody would be left to carry it: 503 at once, and the caller goes another way.
TEST(B2buaWorkersTest, Rule06_AfterTheStopEmergencyCallsAreRefusedToo) {
  SbcScene scene(Four());
  scene.world->PostAll(sbc::EnvelopeKind::kStop);
  scene.Run(1s);
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(scene.pbx.call(scene.Outbound(CallOf911())).final_status, 503);
  }
  EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(0));
  scene.ExpectClean();
}

// ---- what names a call of another worker (RFC 3891) ---------------------------------------------

SbcScene::Options Transferring() {
  SbcScene::Options options = Four();
  options.global = "transfer: {customer: pass}\n";
  options.routes = "{Host: 127.0.0.4, Priority: 1, Weight: 1}, {Host: 127.0.0.5, Priority: 2}";
  return options;
}

// Calls of the first PBX, two of each worker, and which they are.
struct CallsOnAll {
  explicit CallsOnAll(SbcScene* scene) {
    for (int i = 0; i < 60; ++i) {
      std::vector<uint64_t> before;
      for (size_t w = 0; w < kWorkers; ++w) before.push_back(CallsOf(scene, w));
      SimPlan callee;
      callee.answers["REFER"] = 202;
      scene->trunk.Expect(callee);
      const size_t call = scene->Outbound();
      size_t worker = 0;
      while (CallsOf(scene, worker) == before[worker]) ++worker;
      trunk_call[call] = scene->trunk.calls() - 1;
      if (on[worker].size() < 2) {
        on[worker].push_back(call);
      } else {
        scene->pbx.Do(call, {.method = "BYE"});
        scene->Run(100ms);
      }
    }
    for (const auto& calls : on) CHECK(calls.size() == 2);
  }
  static uint64_t CallsOf(SbcScene* scene, size_t worker) {
    return scene->world->worker(worker).CurrentSnapshot().calls_now;
  }
  void HangUp(SbcScene* scene) {
    for (const auto& calls : on) {
      for (const size_t call : calls) scene->pbx.Do(call, {.method = "BYE"});
    }
    scene->Run(1s);
  }

  std::vector<size_t> on[kWorkers];
  std::map<size_t, size_t> trunk_call;  // The trunk's number of each.
};

std::string ReplacesOf(const SimUserAgent& agent, size_t call) {
  const SimDialog& dialog = agent.call(call).dialogs.at(0);
  return agent.call(call).call_id + ";to-tag=" + dialog.remote_tag +
         ";from-tag=" + dialog.local_tag;
}

// The worker to whose socket the network brings what the first PBX sends.
size_t ReaderOf(SbcScene* scene) {
  std::vector<uint64_t> before;
  for (size_t w = 0; w < kWorkers; ++w) {
    before.push_back(scene->world->worker(w).CurrentSnapshot().io.received);
  }
  scene->pbx.SendRaw(
      "OPTIONS sip:127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.4:5060;rport;branch=z9hG4bKwhose"
      "\r\nFrom: <sip:a@127.0.0.4>;tag=a\r\nTo: <sip:b@127.0.0.2>\r\nCall-ID: whose\r\n"
      "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
  scene->Run(40s);
  size_t reader = 0;
  while (scene->world->worker(reader).CurrentSnapshot().io.received == before[reader]) ++reader;
  return reader;
}

SimStep Refer(const SimUserAgent& agent, size_t replaced) {
  std::string uri = "sip:+18155558245@127.0.0.2?Replaces=";
  for (const char c : ReplacesOf(agent, replaced)) {
    uri += c == ';' ? "%3B" : c == '=' ? "%3D" : std::string(1, c);
  }
  return {.method = "REFER", .fields = "Refer-To: <" + uri + ">\r\n"};
}

SimPlan Taking(const SimUserAgent& agent, size_t replaced) {
  SimPlan plan;
  plan.fields = "Replaces: " + ReplacesOf(agent, replaced) + "\r\nRequire: replaces\r\n";
  return plan;
}

// An attended transfer whose two calls are on two workers is told of the second as the trunk knows
// it, whichever those two are.
TEST(B2buaWorkersTest, Rule18_AttendedTransferOfACallOfAnotherWorker) {
  SbcScene scene(Transferring());
  CallsOnAll calls(&scene);
  for (size_t from = 0; from < kWorkers; ++from) {
    for (size_t to = 0; to < kWorkers; ++to) {
      scene.trunk.ClearLog();
      scene.pbx.ClearLog();
      const size_t second = calls.on[to][1];
      scene.pbx.Do(calls.on[from][0], Refer(scene.pbx, second));
      scene.Run(1s);
      ASSERT_THAT(scene.pbx.Got("REFER", 202), SizeIs(1)) << from << " names a call of " << to;
      const SimCall& theirs = scene.trunk.call(calls.trunk_call[second]);
      ASSERT_THAT(scene.trunk.Got("REFER"), SizeIs(1));
      EXPECT_EQ(scene.trunk.Got("REFER")[0].Get("Refer-To"),
                "<sip:+18155558245@127.0.0.9?Replaces=" + theirs.call_id + "%3Bto-tag%3D" +
                    theirs.dialogs.at(0).local_tag + "%3Bfrom-tag%3D" +
                    theirs.dialogs.at(0).remote_tag + ">");
    }
  }
  // What that worker has not, it says.
  scene.pbx.Do(calls.on[1][1], {.method = "BYE"});
  scene.Run(40s);
  scene.pbx.Do(calls.on[0][1], Refer(scene.pbx, calls.on[1][1]));
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("REFER", 481), SizeIs(1));
  scene.pbx.call(calls.on[0][1]).dialogs[0].state = SimDialog::State::kConfirmed;  // All the same.
  calls.HangUp(&scene);
  scene.ExpectClean();
}

// Its CANCEL has no Replaces, and finds it all the same; so does its answer.
TEST(B2buaWorkersTest, Rule18_AnInviteThatReplacesACallOfAnotherWorkerIsCancelled) {
  SbcScene scene(Transferring());
  CallsOnAll calls(&scene);
  const auto cancels_before = scene.trunk.Got("CANCEL").size();
  std::vector<size_t> takers;
  for (const auto& on : calls.on) {
    for (int i = 0; i < 4; ++i) {
      SimPlan plan = Taking(scene.pbx, on[0]);
      plan.script = {{.after = 2s, .method = "CANCEL"}};
      SimPlan ringing;
      ringing.script = {{.after = 10ms, .status = 180}};
      scene.trunk.Expect(ringing);
      takers.push_back(scene.pbx2.Place(plan));
      scene.Run(5s);
    }
  }
  for (const size_t taker : takers) EXPECT_EQ(scene.pbx2.call(taker).final_status, 487);
  EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(cancels_before + takers.size()));
  EXPECT_THAT(scene.pbx2.Got("CANCEL", 200), SizeIs(takers.size()));
  calls.HangUp(&scene);
  scene.ExpectClean();
}

// A worker that does not answer: who names a call of it is told 503 in two seconds, and what waited
// is forgotten; its late word changes nothing. Who gives up meanwhile is let go at once.
TEST(B2buaWorkersTest, Rule18_TheWorkerOfTheReplacedCallDoesNotAnswer) {
  SbcScene scene(Transferring());
  CallsOnAll calls(&scene);
  size_t asleep = 0;
  while (asleep == Home() || asleep == ReaderOf(&scene)) ++asleep;
  const size_t named = calls.on[asleep][1];
  scene.world->Pause(asleep, true);
  for (size_t from = 0; from < kWorkers; ++from) {
    if (from != asleep) scene.pbx.Do(calls.on[from][0], Refer(scene.pbx, named));
  }
  std::vector<size_t> takers;
  for (int i = 0; i < 12; ++i) {
    SimPlan plan = Taking(scene.pbx, named);
    if (i % 2 == 0) plan.script = {{.after = 500ms, .method = "CANCEL", .rude = true}};
    takers.push_back(scene.pbx.Place(plan));
  }
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("REFER", 503), SizeIs(0));
  scene.Run(1500ms);
  EXPECT_THAT(scene.pbx.Got("REFER", 503), SizeIs(kWorkers - 1));
  EXPECT_THAT(scene.pbx.Got("INVITE", 487).size(), Gt(1u));
  ASSERT_THAT(scene.pbx.Got("INVITE", 503).size(), Gt(1u));
  EXPECT_TRUE(scene.pbx.Got("INVITE", 503)[0].Has("Retry-After"));
  scene.world->Pause(asleep, false);
  scene.Run(40s);
  for (const size_t taker : takers) {
    EXPECT_NE(scene.pbx.call(taker).final_status, 0);
    scene.pbx.Do(taker, {.method = "BYE"});
  }
  EXPECT_THAT(scene.world->records().size(), testing::Ge(takers.size()));
  calls.HangUp(&scene);
  scene.ExpectClean();
}

// And where its mailbox is full, at once.
TEST(B2buaWorkersTest, Rule18_TheMailboxOfTheReplacedCallsWorkerIsFull) {
  SbcScene scene(Transferring());
  CallsOnAll calls(&scene);
  const size_t reader = ReaderOf(&scene);  // Its mailbox can be filled.
  const size_t full = (reader + 1) % kWorkers;
  const size_t named = calls.on[full][1];
  scene.world->Pause(full, true);
  const SimCall& call = scene.pbx.call(named);
  for (int i = 0; i < 40; ++i) {
    const std::string number = std::to_string(i);
    scene.pbx.SendRaw(
        "INFO sip:127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP "
        "127.0.0.4:5060;rport;branch=z9hG4bKfill" +
        number + "\r\nFrom: <sip:a@127.0.0.4>;tag=" + call.dialogs[0].local_tag +
        "\r\nTo: <sip:b@127.0.0.2>;tag=" + call.dialogs[0].remote_tag +
        "\r\nCall-ID: " + call.call_id + "\r\nCSeq: 9" + number +
        " INFO\r\nMax-Forwards: 70\r\nContent-Type: text/plain\r\n"
        "Content-Length: 40000\r\n\r\n" +
        std::string(40000, 'x'));
    scene.Run(1ms);
  }
  ASSERT_THAT(scene.world->worker(reader).CurrentSnapshot().worker.mailbox_full, Gt(0u));
  scene.world->FillMailbox(reader, full);  // The last of its room, too.
  scene.pbx.Do(calls.on[reader][0], Refer(scene.pbx, named));
  scene.Run(10ms);
  EXPECT_THAT(scene.pbx.Got("REFER", 503), SizeIs(1));
  scene.world->Pause(full, false);
  scene.Run(40s);
  calls.HangUp(&scene);
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
