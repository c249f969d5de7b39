#include "loadgen/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/concat.h"
#include "tests/support/load_texts.h"
#include "tests/support/load_world.h"

// What is said of a run: exit codes as SIPp's, the generator's own limits, the summary and the
// JSON.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tests::LoadNode;
using tests::LoadWorld;
using tests::Recv;
using tests::Scenario;
using tests::SendRequest;
using tests::SendResponse;

// Traps 13 and 14.
TEST(ReportTest, ExitCodesAreSipps) {
  const auto counts = [](uint64_t successful, uint64_t failed) {
    CallCounts calls;
    calls.successful = successful;
    calls.failed = failed;
    return calls;
  };
  EXPECT_EQ(ExitCodeOf(RunEnd::kDone, counts(9, 0), 0), 0);
  EXPECT_EQ(ExitCodeOf(RunEnd::kDone, counts(0, 0), 0), 0);
  EXPECT_EQ(ExitCodeOf(RunEnd::kDone, counts(9, 1), 0), 1);
  EXPECT_EQ(ExitCodeOf(RunEnd::kStopped, counts(9, 0), 0), 0);
  EXPECT_EQ(ExitCodeOf(RunEnd::kTimeout, counts(1, 0), 0), 0);
  EXPECT_EQ(ExitCodeOf(RunEnd::kTimeout, counts(0, 0), 0), 97);
  EXPECT_EQ(ExitCodeOf(RunEnd::kTimeout, counts(0, 1), 0), 1);
  EXPECT_EQ(ExitCodeOf(RunEnd::kTimeoutError, counts(9, 0), 0), 255);
  EXPECT_EQ(ExitCodeOf(RunEnd::kStopNow, counts(9, 0), 0), 97);
  EXPECT_EQ(ExitCodeOf(RunEnd::kFatal, counts(9, 0), 0), 255);
}

// 253, as SIPp 3.7 has it: before a failed call's 1, behind all that ended the run otherwise.
TEST(ReportTest, APatternThatDidNotComeBackHasItsExitCode) {
  CallCounts counts;
  counts.failed = 1;
  for (const RunEnd end : {RunEnd::kDone, RunEnd::kTimeout}) {
    EXPECT_EQ(ExitCodeOf(end, counts, 1), 253);
    EXPECT_EQ(ExitCodeOf(end, {}, 1), 253);
  }
  EXPECT_EQ(ExitCodeOf(RunEnd::kStopped, counts, 1), 1);
  EXPECT_EQ(ExitCodeOf(RunEnd::kStopNow, counts, 1), 97);
  EXPECT_EQ(ExitCodeOf(RunEnd::kTimeoutError, counts, 1), 255);
  EXPECT_EQ(ExitCodeOf(RunEnd::kFatal, counts, 1), 255);
}

// 20 calls that end well, of which the first ones began late when `stall` was.
struct FinishedRun {
  explicit FinishedRun(core::Duration stall = 0ms) {
    server = &world.AddServer(Scenario({Recv("OPTIONS"), SendResponse("200 OK")}), {"-m", "20"});
    client = &world.AddClient(
        Scenario({SendRequest("OPTIONS", 1, "counter=\"asked\""), Recv("200", "rtd=\"true\"")}),
        {"-r", "100", "-m", "20"});
    world.RunFor(3ms);  // The first call.
    world.network().clock().AdvanceTo(world.now() + stall);
    CHECK(world.RunToEnd());
    summary.options = &client->config().options;
    summary.scenario = &client->scenario();
    summary.worker = &client->worker();
    summary.local = "10.0.0.1:5060";
    summary.remote = "10.0.0.2:5060";
    summary.elapsed = client->worker().now() - client->worker().started();
    summary.user_cpu = 1ms;
    summary.system_cpu = 1ms;
    summary.io = client->io()->counters();
  }
  LoadWorld world;
  LoadNode* server;
  LoadNode* client;
  RunSummary summary;
};

TEST(ReportTest, AGeneratorThatKeptUpWasNoLimit) {
  const FinishedRun run;
  EXPECT_THAT(JudgeLimits(run.summary).reasons, IsEmpty());
  EXPECT_THAT(WriteReport(run.summary), HasSubstr("generator limited         no\n"));
}

// A disk that was full is said by file, to both readers.
TEST(ReportTest, SaysWhatCouldNotBeWritten) {
  FinishedRun run;
  EXPECT_THAT(WriteReport(run.summary), Not(HasSubstr("could not write")));
  run.summary.file_losses = {"3 lines of a_1_.csv"};
  EXPECT_THAT(WriteReport(run.summary),
              HasSubstr("\n  could not write           3 lines of a_1_.csv\n"));
  const auto json = nlohmann::json::parse(WriteJsonReport(run.summary));
  EXPECT_EQ(json["could_not_write"], nlohmann::json::array({"3 lines of a_1_.csv"}));
}

// The exit code is one, wherever it is read, and 255 has its reason beside it.
TEST(ReportTest, SaysWhyARunFailedAsAWhole) {
  FinishedRun run;
  EXPECT_EQ(ExitCodeOf(run.summary), 0);
  EXPECT_THAT(WriteReport(run.summary), Not(HasSubstr("exit code")));
  const auto judge = [&run](std::string_view why) {
    EXPECT_EQ(ExitCodeOf(run.summary), 255);
    EXPECT_THAT(WriteReport(run.summary),
                HasSubstr(core::Concat("exit code                 255: ", why, "\n")));
    const auto json = nlohmann::json::parse(WriteJsonReport(run.summary));
    EXPECT_EQ(json["exit_code"], 255);
    EXPECT_EQ(json["why"], why);
  };
  run.summary.results_lost = true;
  judge("the statistics file is not whole");
  run.summary.end = RunEnd::kTimeoutError;
  judge("the run did not end before -timeout");

  LoadWorld world;
  world.AddPeerAsServer();
  LoadNode& client = world.AddClient(
      Scenario({tests::Nop("<error message=\"no&#10;more\"/>"), SendRequest("OPTIONS", 1)}));
  ASSERT_TRUE(world.RunToEnd());
  run.summary.worker = &client.worker();
  run.summary.scenario = &client.scenario();
  run.summary.end = RunEnd::kFatal;
  judge("error: no  more");  // On one line, whatever a peer sent that it quotes.
}

// With -users nobody asked for a rate, and the default one is not told.
TEST(ReportTest, UsersHaveNoRate) {
  LoadWorld world;
  world.AddServer(Scenario({Recv("OPTIONS"), SendResponse("200 OK")}), {"-m", "5"});
  LoadNode& client = world.AddClient(Scenario({SendRequest("OPTIONS", 1), Recv("200")}),
                                     {"-users", "5", "-m", "5"});
  ASSERT_TRUE(world.RunToEnd());
  RunSummary summary;
  summary.options = &client.config().options;
  summary.scenario = &client.scenario();
  summary.worker = &client.worker();
  summary.elapsed = 1s;
  EXPECT_THAT(WriteReport(summary), HasSubstr(" (5 users), "));
  const auto json = nlohmann::json::parse(WriteJsonReport(summary));
  EXPECT_EQ(json["rate"]["users"], 5);
  EXPECT_EQ(json["rate"]["asked_per_s"], 0);
}

// A peer's bytes need not be UTF-8; they are replaced, and the rest is there.
TEST(ReportTest, BytesThatAreNoTextCostNoReport) {
  FinishedRun run;
  run.summary.file_losses = {
      "a\x82"
      "b"};
  const auto json = nlohmann::json::parse(WriteJsonReport(run.summary));
  EXPECT_EQ(json["could_not_write"][0],
            "a\xef\xbf\xbd"
            "b");
}

// Late by more than 10 ms in more than one call of a hundred: it was the generator.
TEST(ReportTest, LateCallsAreTheGeneratorsFault) {
  const FinishedRun run(35ms);
  const GeneratorLimits limits = JudgeLimits(run.summary);
  EXPECT_TRUE(limits.limited());
  EXPECT_DOUBLE_EQ(limits.late_share, 0.10);  // Those of 10 and 20 ms.
  EXPECT_THAT(limits.reasons, ElementsAre(HasSubstr("10.0% of the calls began more than 10 ms")));
  EXPECT_THAT(WriteReport(run.summary), HasSubstr("generator limited         yes\n"));
}

// What the process took to start is no lateness: the plan begins with the first turn.
TEST(ReportTest, StartingUpIsNoLateness) {
  LoadWorld world;
  world.AddServer(Scenario({Recv("OPTIONS"), SendResponse("200 OK")}), {"-m", "20"});
  LoadNode& client = world.AddClient(Scenario({SendRequest("OPTIONS", 1), Recv("200")}),
                                     {"-r", "100", "-m", "20"});
  const core::Instant began = world.now();
  world.network().clock().AdvanceTo(began + 40ms);
  ASSERT_TRUE(world.RunToEnd());
  EXPECT_LE(client.statistics().start_lag_us.max(), 1000);
  EXPECT_GE(client.worker().now() - began, 230ms);  // 19 steps of 10 ms behind it.
}

// And so is every datagram that was lost on our side.
TEST(ReportTest, LossesOfOursAreTheGeneratorsFault) {
  FinishedRun dropped;
  dropped.summary.queue_drops = 3;
  EXPECT_THAT(JudgeLimits(dropped.summary).reasons, ElementsAre(HasSubstr("3 datagrams")));
  FinishedRun unsent;
  unsent.summary.io.send_dropped = 4;
  EXPECT_THAT(JudgeLimits(unsent.summary).reasons, ElementsAre(HasSubstr("4 datagrams")));
}

TEST(ReportTest, PeopleReadWhatHappened) {
  const FinishedRun run;
  const std::string report = WriteReport(run.summary);
  EXPECT_THAT(report, HasSubstr("successful                20\n"));
  EXPECT_THAT(report, HasSubstr("failed                    0\n"));
  EXPECT_THAT(report, HasSubstr("planned                   20 (100.0/s asked)"));
  EXPECT_THAT(report, HasSubstr("response time 1, planned"));
  EXPECT_THAT(report, HasSubstr("0 send OPTIONS"));
  EXPECT_THAT(report, HasSubstr("1 recv 200"));
  EXPECT_THAT(report, HasSubstr("100.0 us a call"));
}

TEST(ReportTest, MachinesReadTheSame) {
  const FinishedRun run(35ms);
  const auto json = nlohmann::json::parse(WriteJsonReport(run.summary));
  EXPECT_EQ(json["role"], "client");
  EXPECT_EQ(json["end"], "done");
  EXPECT_EQ(json["exit_code"], 0);
  EXPECT_EQ(json["calls"]["created"], 20);
  EXPECT_EQ(json["calls"]["failures"]["UnexpectedMessage"], 0);
  EXPECT_EQ(json["rate"]["planned"], 20);
  EXPECT_EQ(json["rate"]["asked_per_s"], 100.0);
  EXPECT_EQ(json["response_times"]["1"]["from_planned_us"]["count"], 20);
  EXPECT_GE(json["response_times"]["1"]["from_planned_us"]["max"], 25'000);
  EXPECT_LT(json["response_times"]["1"]["from_sent_us"]["max"], 1000);
  EXPECT_EQ(json["steps"][1]["name"], "recv 200");
  EXPECT_EQ(json["steps"][1]["messages"], 20);
  EXPECT_EQ(json["counters"]["asked"], 20);
  EXPECT_EQ(json["generator"]["limited"], true);
  EXPECT_EQ(json["generator"]["reasons"].size(), 1u);
  EXPECT_EQ(json["messages"]["sent"], 20);
  EXPECT_EQ(json["cpu"]["us_per_call"], 100.0);
}

// A failed call is named by SIPp's category.
TEST(ReportTest, FailuresHaveTheirNames) {
  LoadWorld world;
  world.AddPeerAsServer();
  LoadNode& client = world.AddClient(
      Scenario({SendRequest("OPTIONS", 1), Recv("200", "timeout=\"100\"")}), {"-m", "1"});
  ASSERT_TRUE(world.RunToEnd());
  RunSummary summary;
  summary.options = &client.config().options;
  summary.scenario = &client.scenario();
  summary.worker = &client.worker();
  summary.elapsed = 1s;
  EXPECT_THAT(WriteReport(summary), HasSubstr("TimeoutOnRecv           1\n"));
  const auto json = nlohmann::json::parse(WriteJsonReport(summary));
  EXPECT_EQ(json["calls"]["failures"]["TimeoutOnRecv"], 1);
  EXPECT_EQ(json["exit_code"], 1);
}

TEST(ReportTest, ProgressIsOneLine) {
  const FinishedRun run;
  const std::string line = WriteProgress(run.client->worker(), 10, 1s);
  EXPECT_THAT(line, HasSubstr("20 calls (10.0/s), 0 open, 20 ok, 0 failed"));
  EXPECT_THAT(line, Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace loadgen
