#include "loadgen/load_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "core/base/concat.h"
#include "tests/support/load_texts.h"
#include "tests/support/load_world.h"

// The run around the calls: when they are opened, how many, and when it ends (sipp.md 1.11).

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using testing::StartsWith;
using tests::HeaderOf;
using tests::LoadNode;
using tests::LoadWorld;
using tests::Nop;
using tests::Recv;
using tests::Request;
using tests::Scenario;
using tests::ScriptedPeer;
using tests::SendRequest;
using tests::SendResponse;

constexpr char kForget[] = "<pause milliseconds=\"400\"/>";

// Calls leave at their planned instants, also several in a millisecond; each lag is measured.
TEST(LoadWorkerTest, OpensCallsOnThePlan) {
  for (const auto& [rate, worst] :
       {std::pair("100", 1us), std::pair("3000", 1us), std::pair("20000", 200us)}) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    LoadNode& client = world.AddClient(Scenario({SendRequest("OPTIONS", 1)}),
                                       {"-r", rate, "-m", "1000", "-l", "100000"});
    const core::Instant start = world.now();
    ASSERT_TRUE(world.RunToEnd());
    EXPECT_EQ(peer.received.size(), 1000u);
    EXPECT_EQ(client.statistics().start_lag_us.count(), 1000u);
    EXPECT_LE(client.statistics().start_lag_us.max(), worst / 1us) << rate;
    const double seconds = 999 / std::stod(rate);
    EXPECT_NEAR(std::chrono::duration<double>(world.now() - start).count(), seconds, 0.01);
  }
}

// A worker that was kept from its work opens what is due, all of it, and says how late that was:
// latency from the planned instant shows it, latency from the sending does not.
TEST(LoadWorkerTest, LatenessIsMeasuredNotForgotten) {
  LoadWorld world;
  world.AddServer(Scenario({Recv("OPTIONS"), SendResponse("200 OK")}), {"-m", "100"});
  LoadNode& client =
      world.AddClient(Scenario({SendRequest("OPTIONS", 1), Recv("200", "rtd=\"true\"")}),
                      {"-r", "1000", "-m", "100", "-l", "1000"});
  const core::Instant began = world.now();
  world.RunFor(500us);                              // The first call.
  world.network().clock().AdvanceTo(began + 51ms);  // Somebody else had the core.

  ASSERT_TRUE(world.RunToEnd());

  EXPECT_EQ(client.counts().successful, 100u);
  const Statistics& statistics = client.statistics();
  EXPECT_EQ(statistics.start_lag_us.max(), 50'000);
  EXPECT_NEAR(static_cast<double>(statistics.start_lag_us.CountUpTo(10)), 49, 2);
  EXPECT_GE(statistics.response_times[0].planned_us.max(), 50'000);
  EXPECT_LE(statistics.response_times[0].actual_us.max(), 1000);
}

// Where -l calls are open, those that come due are not opened, and counted: they are not made up
// for later, so the plan stays the plan. -m counts the calls that were made.
TEST(LoadWorkerTest, CallsOverTheLimitAreCountedAndGone) {
  LoadWorld world;
  world.AddPeerAsServer();
  LoadNode& client = world.AddClient(Scenario({SendRequest("OPTIONS", 1), kForget}),
                                     {"-r", "10", "-l", "2", "-m", "6"});
  const core::Instant start = world.now();

  ASSERT_TRUE(world.RunToEnd());

  // Due every 100 ms, each open for 400: two of every four are made.
  EXPECT_EQ(client.counts().outgoing, 6u);
  EXPECT_EQ(client.worker().counts().planned, 10u);
  EXPECT_EQ(client.worker().counts().not_opened, 4u);
  EXPECT_EQ(client.statistics().peak, 2u);
  EXPECT_NEAR(std::chrono::duration<double>(world.now() - start).count(), 1.3, 0.01);
}

// Without -l it is three times what would be open if all went well (SIPp).
TEST(LoadWorkerTest, DefaultLimitIsThreeTimesTheLoad) {
  const auto limit = [](const std::vector<const char*>& arguments) {
    LoadWorld world;
    LoadNode& node = world.AddClient(Scenario({SendRequest("OPTIONS", 1), "<pause/>"}), arguments);
    return LoadWorker::CallsAtOnce(node.config().options, node.scenario());
  };
  EXPECT_EQ(limit({"-r", "10"}), 30u);  // For a second at least.
  EXPECT_EQ(limit({"-r", "10", "-d", "5s"}), 150u);
  EXPECT_EQ(limit({"-r", "10", "-rp", "2s"}), 15u);
  EXPECT_EQ(limit({"-r", "10", "-l", "7"}), 7u);
}

// -users keeps so many calls open: whoever's call has ended makes the next at once (trap 15).
TEST(LoadWorkerTest, UsersCallAgainAndAgain) {
  LoadWorld world;
  world.AddPeerAsServer();
  LoadNode& client =
      world.AddClient(Scenario({SendRequest("OPTIONS", 1), kForget}), {"-users", "5", "-m", "20"});
  const core::Instant start = world.now();

  ASSERT_TRUE(world.RunToEnd());

  EXPECT_EQ(client.counts().successful, 20u);
  EXPECT_EQ(client.statistics().peak, 5u);
  EXPECT_NEAR(std::chrono::duration<double>(world.now() - start).count(), 1.6, 0.01);
}

// A file of users' lines: without -users its fields are empty, as in SIPp; with more users than
// lines the run is fatal, and says why.
TEST(LoadWorkerTest, UsersHaveTheirLinesOrTheRunEnds) {
  const auto run = [](const std::vector<const char*>& arguments, auto judge) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    LoadNode& client = world.Add(
        {.scenario = Scenario({SendRequest("OPTIONS", 1, "", "Subject: <[field0]>\n"), kForget}),
         .options = LoadWorld::OptionsOf(arguments),
         .local = world.client(),
         .remote = world.server(),
         .injections = {"USER\nalice\nbob\n"}});
    ASSERT_TRUE(world.RunToEnd());
    judge(client, peer);
  };
  run({"-m", "3"}, [](LoadNode& client, ScriptedPeer& peer) {
    EXPECT_FALSE(client.worker().requests().fatal);
    EXPECT_EQ(client.counts().successful, 3u);
    EXPECT_EQ(tests::HeaderOf(peer.last(), "Subject"), "<>");
  });
  run({"-users", "2", "-m", "2"}, [](LoadNode& client, ScriptedPeer& peer) {
    EXPECT_FALSE(client.worker().requests().fatal);
    EXPECT_EQ(tests::HeaderOf(peer.last(), "Subject"), "<bob>");
  });
  run({"-users", "3", "-m", "9"}, [](LoadNode& client, ScriptedPeer&) {
    EXPECT_TRUE(client.worker().requests().fatal);
    EXPECT_EQ(client.worker().requests().why_fatal,
              "-inf 0 has only 2 lines, and user 3 wants one");
  });
}

// A server with -m takes so many calls, lets them end, and ends; others are turned away in silence
// (trap 15).
TEST(LoadWorkerTest, ServerEndsAfterItsCalls) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeer(world.client());
  LoadNode& server =
      world.AddServer(Scenario({Recv("OPTIONS"), SendResponse("200 OK"), kForget}), {"-m", "2"});
  for (const char* call_id : {"a", "b", "c"}) {
    peer.Send(world.server(), Request("OPTIONS", call_id, 1));
  }
  world.RunFor(100ms);
  EXPECT_EQ(server.worker().phase(), LoadWorker::Phase::kDraining);
  EXPECT_EQ(peer.received.size(), 2u);
  EXPECT_EQ(server.worker().counts().out_of_call, 1u);
  world.RunFor(400ms);
  EXPECT_EQ(server.worker().phase(), LoadWorker::Phase::kEnded);
  EXPECT_EQ(server.counts().successful, 2u);
}

// -rate_max ends the run when the rate would pass it.
TEST(LoadWorkerTest, HighestRateEndsTheRun) {
  LoadWorld world;
  world.AddPeerAsServer();
  LoadNode& client = world.AddClient(
      Scenario({SendRequest("OPTIONS", 1)}),
      {"-r", "10", "-rate_increase", "10", "-rate_interval", "1", "-rate_max", "20"});
  ASSERT_TRUE(world.RunToEnd());
  EXPECT_EQ(client.counts().successful, 30u);
}

// Drain() opens no more and waits; EndNow() says goodbye and does not.
TEST(LoadWorkerTest, DrainsAndEnds) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient("uac", {"-r", "10", "-d", "1000"});
  world.RunFor(10ms);
  peer.Answer(peer.last(), "200 OK", "x");
  world.RunFor(10ms);

  client.worker().Drain();
  world.RunFor(500ms);
  EXPECT_EQ(client.counts().outgoing, 1u);
  EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kDraining);

  client.worker().EndNow();
  world.RunFor(10ms);
  EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kEnded);
  EXPECT_THAT(peer.last(), StartsWith("BYE"));
  EXPECT_EQ(client.failed_by(Failure::kAborted), 1u);
  EXPECT_EQ(client.worker().store().used(), 0u);
  EXPECT_EQ(client.worker().timers()->armed(), 0u);
}

// What does not end by itself has an end all the same: its pauses and a transaction's life after
// the Drain(), and not a nanosecond before.
TEST(LoadWorkerTest, DrainingHasAnEnd) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient(Scenario({SendRequest("INVITE", 1), Recv("200")}),
                                     {"-r", "10", "-d", "1000"});
  world.RunFor(10ms);
  EXPECT_EQ(client.worker().DrainMax(), 32s);

  client.worker().Drain(world.now() + 2s);
  client.worker().Drain(world.now() + 1h);
  world.RunFor(1999ms);
  EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kDraining);
  world.RunFor(2ms);
  EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kEnded);
  EXPECT_EQ(client.failed_by(Failure::kAborted), 1u);
  EXPECT_EQ(peer.Count("INVITE"), 1u);

  LoadWorld other;
  LoadNode& pauses =
      other.AddServer(Scenario({Recv("OPTIONS"), "<pause/>", kForget}), {"-d", "1000"});
  EXPECT_EQ(pauses.worker().DrainMax(), 33400ms);
}

// A call that goes round for ever, and waits for nothing, fails and says by which line; the run has
// its end, and the calls beside it are as they were.
TEST(LoadWorkerTest, EndlessLoopsFail) {
  for (const std::string& loop :
       {std::string("<nop next=\"top\"/>"), std::string("<pause milliseconds=\"0\" next=\"top\"/>"),
        "<nop/>\n" + Nop("<jump value=\"1\"/>")}) {  // What leads back there is not known before.
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    LoadNode& client = world.AddClient(
        Scenario({SendRequest("OPTIONS", 1), "<label id=\"top\"/>", loop, Recv("200")}));
    const core::Instant start = world.now();

    ASSERT_TRUE(world.RunToEnd()) << loop;

    EXPECT_LT(world.now() - start, 2s) << loop;
    EXPECT_EQ(client.failed_by(Failure::kEndlessLoop), 1u) << loop;
    EXPECT_EQ(peer.received.size(), 1u) << loop;
    EXPECT_EQ(client.worker().timers()->armed(), 0u) << loop;
    EXPECT_NE(client.warnings().find(", an endless loop by line 1"), std::string::npos)
        << client.warnings();
  }
}

// As many steps with a wait among them are no endless loop; nor is one of nearly as many without.
TEST(LoadWorkerTest, LongLoopsDoNotFail) {
  const auto loop = [](const char* rounds, const char* wait) {
    return Scenario(
        {SendRequest("OPTIONS", 1), Nop("<assign assign_to=\"i\" value=\"0\"/>"),
         "<label id=\"top\"/>", core::Concat("<pause milliseconds=\"", wait, "\"/>"),
         Nop(core::Concat("<add assign_to=\"i\" value=\"1\"/><test assign_to=\"more\" ",
                          "variable=\"i\" compare=\"less_than\" value=\"", rounds, "\"/>"),
             "next=\"top\" test=\"more\"")});
  };
  for (const auto& [rounds, wait] : {std::pair("49990", "0"), std::pair("60000", "1")}) {
    LoadWorld world;
    world.AddPeerAsServer();
    LoadNode& client = world.AddClient(loop(rounds, wait));
    ASSERT_TRUE(world.RunToEnd());
    EXPECT_EQ(client.counts().successful, 1u) << rounds;
  }
}

// A deadline ends the run in the midst of such loops.
TEST(LoadWorkerTest, DrainingEndsInEndlessLoops) {
  LoadWorld world;
  world.AddPeerAsServer();
  LoadNode& client = world.AddClient(
      Scenario({SendRequest("OPTIONS", 1), "<label id=\"top\"/>", "<nop next=\"top\"/>"}));
  client.worker().Turn();
  client.worker().Drain(world.now());
  world.RunFor(1ms);
  EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kEnded);
  EXPECT_EQ(client.failed_by(Failure::kAborted), 1u);
}

// The keys + - p: another pace from now on, none at all, and on again without the calls that would
// have come due.
TEST(LoadWorkerTest, PaceChangesByHand) {
  LoadWorld world;
  world.AddPeerAsServer();
  LoadNode& client = world.AddClient(Scenario({SendRequest("OPTIONS", 1), kForget}), {"-r", "10"});
  world.RunFor(999ms);
  EXPECT_EQ(client.counts().outgoing, 10u);
  client.worker().ChangeRate(10, world.now());
  world.RunFor(1s);
  EXPECT_EQ(client.counts().outgoing, 30u);

  client.worker().TogglePause(world.now());
  world.RunFor(5s);
  EXPECT_EQ(client.counts().outgoing, 30u);
  client.worker().TogglePause(world.now());
  world.RunFor(1s);
  EXPECT_NEAR(static_cast<double>(client.counts().outgoing), 50, 1);
  EXPECT_LE(client.statistics().start_lag_us.max(), 1);

  // Without -l the limit grows with the rate, as far as there is room.
  EXPECT_EQ(client.worker().counts().not_opened, 0u);
  client.worker().ChangeRate(480, world.now());
  world.RunFor(1s);
  EXPECT_EQ(client.worker().counts().not_opened, 0u);
  client.worker().ChangeRate(1e6, world.now());
  world.RunFor(20ms);
  EXPECT_GT(client.worker().counts().not_opened, 0u);
  EXPECT_EQ(client.worker().counts().calls_dry, 0u);
  EXPECT_EQ(client.statistics().peak, client.worker().calls()->capacity());

  const auto made = static_cast<double>(client.counts().outgoing);
  client.worker().ChangeRate(-2e6, world.now());
  world.RunFor(1s);
  EXPECT_NEAR(static_cast<double>(client.counts().outgoing), made, 1);
  EXPECT_EQ(client.worker().rate().rate(), 0);
}

// A server has room for so many calls; one more is dropped, and it is we who were the limit.
TEST(LoadWorkerTest, NoRoomIsCounted) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeer(world.client());
  LoadNode& server =
      world.AddServer(Scenario({Recv("OPTIONS"), SendResponse("200 OK"), kForget}), {"-l", "3"});
  for (const char* call_id : {"a", "b", "c", "d", "e"}) {
    peer.Send(world.server(), Request("OPTIONS", call_id, 1));
  }
  world.RunFor(100ms);
  EXPECT_EQ(peer.received.size(), 3u);
  EXPECT_EQ(server.worker().counts().calls_dry, 2u);
  world.RunFor(1s);
  peer.Send(world.server(), Request("OPTIONS", "f", 1));
  world.RunFor(10ms);
  EXPECT_EQ(peer.received.size(), 4u);
}

// Keep-alives are nothing, and what is not SIP is counted and dropped: neither makes a call.
TEST(LoadWorkerTest, WhatIsNotSipMakesNoCall) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeer(world.client());
  LoadNode& server = world.AddServer("uas", {"-m", "9"});
  for (const std::string& bytes :
       {std::string("\r\n\r\n"), std::string(4, '\0'), std::string("hello"),
        std::string("GET / HTTP/1.1\r\nCall-ID: x\r\n\r\n"),
        std::string("INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP y\r\n\r\n")}) {
    peer.Send(world.server(), bytes);
  }
  world.RunFor(10ms);
  EXPECT_EQ(server.worker().counts().not_sip, 3u);
  EXPECT_EQ(server.counts().created(), 0u);
  EXPECT_EQ(peer.received.size(), 0u);
}

// A port that is closed is told by ICMP: counted, while the call goes on trying.
TEST(LoadWorkerTest, CountsWhatDidNotArrive) {
  LoadWorld world;
  world.network().AddHost(world.server().ip);
  LoadNode& client = world.AddClient("uac", {"-m", "1"});
  world.RunFor(1s);
  EXPECT_EQ(client.worker().counts().icmp_errors, 2u);
  EXPECT_EQ(client.statistics().current, 1u);
}

// Call-IDs are made by -cid_str.
TEST(LoadWorkerTest, MakesCallIds) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  world.AddClient(Scenario({SendRequest("OPTIONS", 1)}), {"-m", "1", "-cid_str", "n%u.%p%%@%s"});
  world.RunFor(10ms);
  EXPECT_EQ(HeaderOf(peer.last(), "Call-ID"), "n1.4711%@10.0.0.1");
}

// A Call-ID longer than a call's own room for it is a Call-ID all the same.
TEST(LoadWorkerTest, LongCallIdsAreFound) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeer(world.client());
  LoadNode& server = world.AddServer("uas");
  const std::string call_id(2000, 'x');
  peer.Send(world.server(), Request("INVITE", call_id, 1));
  peer.Send(world.server(), Request("ACK", call_id, 1));
  peer.Send(world.server(), Request("BYE", call_id, 2));
  ASSERT_TRUE(world.RunToEnd());
  EXPECT_EQ(server.counts().successful, 1u);
  EXPECT_EQ(HeaderOf(peer.last(), "Call-ID"), call_id);
}

// Lost, repeated and reordered datagrams, on hundreds of seeds: every call ends, nothing is held,
// and nearly all succeed. (A call may lose each copy of one message, or an answer overtaken.)
TEST(LoadWorkerTest, CallsSurviveABadNetwork) {
  uint64_t successful = 0;
  uint64_t created = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    LoadWorld world(seed);
    world.network().SetDefaultLink(
        {.delay = 5ms, .jitter = 10ms, .reorder = 0.05, .loss = 0.05, .duplicate = 0.1});
    LoadNode& server = world.AddServer("uas", {"-m", "1000"});
    LoadNode& client = world.AddClient("uac", {"-m", "20", "-r", "100", "-d", "300", "-l", "50"});

    world.RunFor(5min);
    EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kEnded);
    EXPECT_EQ(client.counts().successful + client.counts().failed, 20u);
    server.worker().EndNow();  // A call whose caller gave up waits for ever, as SIPp's does.
    for (LoadNode* node : {&client, &server}) {
      EXPECT_EQ(node->statistics().current, 0u);
      EXPECT_EQ(node->worker().calls()->size(), 0u);
      EXPECT_EQ(node->worker().calls()->kept(), 0u);
      EXPECT_EQ(node->worker().store().used(), 0u);
      EXPECT_EQ(node->worker().timers()->armed(), 0u);
    }
    successful += client.counts().successful;
    created += 20;
  }
  EXPECT_GE(successful, created * 97 / 100);
}

}  // namespace
}  // namespace loadgen
