// Several early dialogs of one call (rule 13): each the caller's own, or folded into one for
// callers that cannot have several (RFC 3261 §12.1.2, §15; RFC 3262 §3, §5).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::CallEnd;
using testing::IsEmpty;
using testing::SizeIs;

SbcScene::Options Folding() {
  SbcScene::Options options;
  options.global = "sip: {fold_early_dialogs: {customer: true}}\n";
  return options;
}

SimPlan Script(std::vector<SimStep> script) {
  SimPlan plan;
  plan.script = std::move(script);
  return plan;
}

SimPlan Knows100rel(bool prack = true) {
  SimPlan plan;
  plan.supports_100rel = true;
  plan.prack = prack;
  return plan;
}

uint32_t RSeqOf(const SimMessage& response) {
  return static_cast<uint32_t>(std::atoll(response.Get("RSeq").c_str()));
}

SimStep PrackOf(const SimMessage& response, const std::string& body = "") {
  return {.method = "PRACK",
          .body = body,
          .fields = "RAck: " + response.Get("RSeq") + " " + response.Get("CSeq") + "\r\n"};
}

constexpr char kOther[] = "v=0\r\no=- 1 2 IN IP4 192.0.2.77\r\ns=-\r\nt=0 0\r\na=sendonly\r\n";

// ---- folded ------------------------------------------------------------------------------------

// What the caller takes for one dialog has one sequence of RSeq (RFC 3262 §3), and the second
// waits for the first one's PRACK; each PRACK finds the early dialog that it is for.
TEST(B2buaForkTest, Rule13_FoldedDialogsHaveOneSequenceOfRSeq) {
  SbcScene scene(Folding());
  scene.trunk.Expect(Script({{.after = 20ms, .status = 180, .reliable = true},
                             {.status = 180, .fork = 1, .reliable = true},
                             {.after = 300ms, .status = 183, .reliable = true},
                             {.after = 300ms, .status = 200, .fork = 1, .body = kSdp}}));
  const size_t call = scene.Outbound(Knows100rel());
  const auto ringing = scene.pbx.Got("INVITE", 180);
  ASSERT_THAT(ringing, SizeIs(2));
  ASSERT_THAT(scene.pbx.Got("INVITE", 183), SizeIs(1));
  EXPECT_EQ(RSeqOf(ringing[1]), RSeqOf(ringing[0]) + 1);
  EXPECT_EQ(RSeqOf(scene.pbx.Got("INVITE", 183)[0]), RSeqOf(ringing[0]) + 2);
  const auto pracks = scene.trunk.Got("PRACK");
  ASSERT_THAT(pracks, SizeIs(3));
  const auto& callee = scene.trunk.call(0).dialogs;
  const size_t kForks[] = {0, 1, 0};
  const char* kRAcks[] = {"7001 1 INVITE", "7001 1 INVITE", "7002 1 INVITE"};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(pracks[i].Tag("To"), callee[kForks[i]].local_tag);
    EXPECT_EQ(pracks[i].Get("RAck"), kRAcks[i]);
  }
  EXPECT_THAT(scene.pbx.Got("PRACK", 200), SizeIs(3));
  EXPECT_THAT(scene.pbx.call(call).dialogs, SizeIs(1));
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  ASSERT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("ACK")[0].Tag("To"), callee[1].local_tag);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_EQ(scene.trunk.Got("BYE").at(0).Tag("To"), callee[1].local_tag);
  scene.ExpectClean();
}

// Offers in PRACKs cross to the early dialog that each acknowledges (RFC 3262 §5).
TEST(B2buaForkTest, Rule13_OffersInPracksOfFoldedDialogsFindTheirOwn) {
  SbcScene scene(Folding());
  scene.trunk.Expect(Script({{.after = 20ms, .status = 183, .reliable = true, .body = kSdp},
                             {.status = 183, .fork = 1, .reliable = true, .body = kSdp},
                             {.after = 5s, .status = 200}}));
  const size_t call = scene.Outbound(Knows100rel(/*prack=*/false));
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_THAT(scene.pbx.Got("INVITE", 183), testing::Not(IsEmpty()));
    scene.pbx.Do(call, PrackOf(scene.pbx.Got("INVITE", 183).back(), kOther));
    scene.Run(500ms);
    ASSERT_THAT(scene.trunk.Got("PRACK"), SizeIs(i + 1));
    EXPECT_EQ(scene.trunk.Got("PRACK")[i].Tag("To"), scene.trunk.call(0).dialogs[i].local_tag);
    EXPECT_EQ(scene.trunk.Got("PRACK")[i].body, kOther);
  }
  scene.Run(5s);
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Three answer; of the two that nobody wants each is said BYE to once, in whatever order their 2xx
// come again, and while the call lives or after it.
TEST(B2buaForkTest, Rule14_EachUnwantedAnswerIsSaidByeToOnce) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 200, .body = kSdp},
                             {.after = 20ms, .status = 200, .fork = 1, .body = kSdp},
                             {.after = 20ms, .status = 200, .fork = 2, .body = kSdp}}));
  const size_t call = scene.Outbound();
  const auto answers = scene.trunk.Sent("INVITE", 200);
  ASSERT_THAT(answers, SizeIs(3));
  ASSERT_THAT(scene.trunk.Got("BYE"), SizeIs(2));
  for (const bool lives : {true, false}) {
    if (!lives) {
      scene.pbx.Do(call, {.method = "BYE"});
      scene.Run(1s);
      ASSERT_EQ(scene.world->calls(), 0u);
    }
    scene.trunk.ClearLog();
    for (const size_t i : std::vector<size_t>{1, 2, 0, 2, 1}) scene.trunk.SendRaw(answers[i].text);
    scene.Run(1s);
    EXPECT_THAT(scene.trunk.Got("ACK"), SizeIs(5)) << lives;
    EXPECT_THAT(scene.trunk.Got("BYE"), IsEmpty()) << lives;
  }
  EXPECT_EQ(scene.counters().orphan_answers, 2u);
  scene.ExpectClean();
}

// Sixteen early dialogs are told apart. One more has the place of the last of them, and begins anew
// there: its own RSeq is heard, acknowledged to it and nobody else, and it may answer.
TEST(B2buaForkTest, Rule13_OneMoreEarlyDialogThanThereIsRoomForBeginsAnew) {
  for (const size_t forks : {sbc::Forks::kMax, sbc::Forks::kMax + 1}) {
    SbcScene scene;
    std::vector<SimStep> script;
    for (size_t i = 0; i < forks; ++i) {
      script.push_back({.after = 50ms, .status = 180, .fork = i, .reliable = true});
    }
    script.push_back({.after = 1s, .status = 200, .fork = forks - 1, .body = kSdp});
    scene.trunk.Expect(Script(std::move(script)));
    const size_t call = scene.Outbound(Knows100rel());
    scene.Run(2s);
    EXPECT_THAT(scene.pbx.Got("INVITE", 180), SizeIs(forks));
    EXPECT_THAT(scene.pbx.call(call).dialogs, SizeIs(sbc::Forks::kMax));
    const auto& callee = scene.trunk.call(0).dialogs;
    const auto pracks = scene.trunk.Got("PRACK");
    ASSERT_THAT(pracks, SizeIs(forks));
    for (size_t i = 0; i < forks; ++i) EXPECT_EQ(pracks[i].Tag("To"), callee[i].local_tag);
    EXPECT_EQ(scene.pbx.call(call).final_status, 200);
    EXPECT_EQ(scene.trunk.Got("ACK").at(0).Tag("To"), callee[forks - 1].local_tag);
    EXPECT_EQ(scene.counters().forks_shared, forks - sbc::Forks::kMax);
    scene.pbx.Do(call, {.method = "BYE", .fork = SimStep::kConfirmed});
    scene.ExpectClean();
  }
}

// To the caller it is one dialog: the 2xx of one waits for the PRACK of another's description.
TEST(B2buaForkTest, Rule13_AFoldedAnswerWaitsForTheOthersPrack) {
  SbcScene scene(Folding());
  scene.trunk.Expect(Script({{.after = 20ms, .status = 183, .reliable = true, .body = kSdp},
                             {.after = 100ms, .status = 200, .fork = 1, .body = kSdp}}));
  const size_t call = scene.Outbound(Knows100rel(/*prack=*/false));
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), IsEmpty());
  scene.pbx.Do(call, PrackOf(scene.pbx.Got("INVITE", 183).at(0)));
  scene.Run(500ms);
  EXPECT_THAT(scene.pbx.Got("PRACK", 200), SizeIs(1));
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  EXPECT_EQ(scene.trunk.Got("ACK").at(0).Tag("To"), scene.trunk.call(0).dialogs[1].local_tag);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// RFC 3262 §3: PRACKs of what was said before the final response are answered after it, too.
TEST(B2buaForkTest, Rule13_APrackOfTheOtherFoldedDialogAfterTheAnswerIs200) {
  SbcScene scene(Folding());
  scene.trunk.Expect(Script({{.after = 20ms, .status = 180, .reliable = true},
                             {.after = 100ms, .status = 200, .fork = 1, .body = kSdp}}));
  const size_t call = scene.Outbound(Knows100rel(/*prack=*/false));
  ASSERT_EQ(scene.pbx.call(call).final_status, 200);
  scene.pbx.Do(call, PrackOf(scene.pbx.Got("INVITE", 180).at(0)));
  scene.Run(500ms);
  EXPECT_THAT(scene.pbx.Got("PRACK", 200), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

TEST(B2buaForkTest, Rule13_FoldedDialogsWithout100relAreOneDialog) {
  SbcScene scene(Folding());
  scene.trunk.Expect(Script({{.after = 20ms, .status = 180},
                             {.after = 20ms, .status = 183, .fork = 1, .body = kSdp},
                             {.after = 20ms, .status = 180, .fork = 2},
                             {.after = 100ms, .status = 200, .fork = 2, .body = kSdp}}));
  const size_t call = scene.Outbound();
  EXPECT_THAT(scene.pbx.Got("INVITE", 180), SizeIs(2));
  EXPECT_THAT(scene.pbx.Got("INVITE", 183), SizeIs(1));
  EXPECT_THAT(scene.pbx.call(call).dialogs, SizeIs(1));
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  EXPECT_EQ(scene.trunk.Got("ACK").at(0).Tag("To"), scene.trunk.call(0).dialogs[2].local_tag);
  scene.trunk.Do(0, {.method = "BYE", .fork = 2});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(1));
  scene.ExpectClean();
}

// §12.2.1.1: in one dialog our CSeq rises, whichever of the callee's dialogs has something to say;
// and what the caller says goes to the one that it heard last.
TEST(B2buaForkTest, Rule13_RequestsInFoldedDialogsCountAsOne) {
  SbcScene scene(Folding());
  scene.trunk.Expect(Script({{.after = 20ms, .status = 183, .reliable = true, .body = kSdp},
                             {.status = 183, .fork = 1, .reliable = true, .body = kSdp}}));
  const size_t call = scene.Outbound(Knows100rel());
  for (const size_t fork : {size_t{0}, size_t{1}, size_t{0}}) {
    scene.trunk.Do(0, {.method = "UPDATE", .fork = fork, .body = kOther});
    scene.Run(500ms);
  }
  const auto updates = scene.pbx.Got("UPDATE");
  ASSERT_THAT(updates, SizeIs(3));
  EXPECT_EQ(updates[1].sequence(), updates[0].sequence() + 1);
  EXPECT_EQ(updates[2].sequence(), updates[0].sequence() + 2);
  scene.pbx.Do(call, {.method = "UPDATE", .body = kOther});
  scene.Run(500ms);
  ASSERT_THAT(scene.trunk.Got("UPDATE"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("UPDATE")[0].Tag("To"), scene.trunk.call(0).dialogs[1].local_tag);
  scene.pbx.Do(call, {.method = "CANCEL"});
  scene.ExpectClean();
}

TEST(B2buaForkTest, Rule14_ACancelEndsAllFoldedDialogs) {
  for (const bool reliable : {false, true}) {
    SbcScene scene(Folding());
    scene.trunk.Expect(Script({{.after = 20ms, .status = 180, .reliable = reliable},
                               {.status = 180, .fork = 1, .reliable = reliable}}));
    const size_t call = scene.Outbound(Knows100rel(/*prack=*/false));
    scene.pbx.Do(call, {.method = "CANCEL"});
    scene.Run(500ms);
    EXPECT_EQ(scene.pbx.call(call).final_status, 487);
    EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(1));
    EXPECT_EQ(scene.record().end, CallEnd::kCanceled);
    scene.ExpectClean();
  }
}

// The caller has but one early dialog: its BYE ends all that are behind it.
TEST(B2buaForkTest, Rule14_AByeOnTheFoldedDialogCancelsTheCall) {
  SbcScene scene(Folding());
  scene.trunk.Expect(
      Script({{.after = 20ms, .status = 180}, {.after = 20ms, .status = 180, .fork = 1}}));
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "BYE", .rude = true});
  scene.Run(500ms);
  EXPECT_EQ(scene.pbx.call(call).final_status, 487);
  EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(1));
  scene.ExpectClean();
}

// ---- BYE on one of several (RFC 3261 §15) -------------------------------------------------------

// It ends that early dialog only: its callee is told, the others ring on, and one may answer.
TEST(B2buaForkTest, Rule14_AByeEndsOneEarlyDialog) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 180},
                             {.after = 20ms, .status = 180, .fork = 1},
                             {.after = 2s, .status = 183},  // Too late: nobody listens any more.
                             {.after = 10ms, .status = 180, .fork = 1},
                             {.after = 10ms, .status = 200, .fork = 1, .body = kSdp}}));
  const size_t call = scene.Outbound();
  ASSERT_THAT(scene.pbx.call(call).dialogs, SizeIs(2));
  scene.pbx.Do(call, {.method = "BYE", .rude = true, .fields = "Reason: SIP;cause=200\r\n"});
  scene.Run(500ms);
  EXPECT_THAT(scene.pbx.Got("BYE", 200), SizeIs(1));
  EXPECT_EQ(scene.pbx.call(call).final_status, 0);
  EXPECT_THAT(scene.trunk.Got("CANCEL"), IsEmpty());
  ASSERT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("BYE")[0].Tag("To"), scene.trunk.call(0).dialogs[0].local_tag);
  EXPECT_EQ(scene.trunk.Got("BYE")[0].Get("Reason"), "SIP;cause=200");
  scene.pbx.Do(call, {.method = "INFO", .rude = true});  // In what has ended.
  scene.pbx.Do(call, {.method = "BYE", .rude = true});
  scene.Run(3s);
  EXPECT_THAT(scene.pbx.Got("INFO", 481), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("BYE", 481), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("INVITE", 183), IsEmpty());
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  EXPECT_EQ(scene.trunk.Got("ACK").at(0).Tag("To"), scene.trunk.call(0).dialogs[1].local_tag);
  scene.pbx.Do(call, {.method = "BYE", .fork = 1});
  scene.Run(1s);
  EXPECT_EQ(scene.record().end, CallEnd::kCallerHungUp);
  scene.ExpectClean();
}

TEST(B2buaForkTest, Rule14_AByeOnTheLastEarlyDialogCancelsTheCall) {
  SbcScene scene;
  scene.trunk.Expect(
      Script({{.after = 20ms, .status = 180}, {.after = 20ms, .status = 180, .fork = 1}}));
  const size_t call = scene.Outbound();
  for (const size_t fork : {size_t{1}, size_t{0}}) {
    scene.pbx.Do(call, {.method = "BYE", .fork = fork, .rude = true});
    scene.Run(500ms);
  }
  EXPECT_THAT(scene.pbx.Got("BYE", 200), SizeIs(2));
  EXPECT_EQ(scene.pbx.call(call).final_status, 487);
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(1));
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCanceled);
  scene.ExpectClean();
}

// The callee had answered when the BYE came: its dialog is confirmed there, and ended as such
// (§13.2.2.4); the caller hears nothing of it, and the other goes on.
TEST(B2buaForkTest, Rule14_AnAnswerThatCrossesTheByeIsEnded) {
  SbcScene scene;
  SimPlan callee = Script({{.after = 20ms, .status = 180},
                           {.after = 20ms, .status = 180, .fork = 1},
                           {.after = 1200ms, .status = 200, .body = kSdp},
                           {.after = 2s, .status = 200, .fork = 1, .body = kSdp}});
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "BYE", .rude = true});
  scene.Run(1s);
  EXPECT_EQ(scene.pbx.call(call).final_status, 0);
  EXPECT_TRUE(scene.trunk.call(0).dialogs[0].acked);
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(2));
  scene.Run(3s);
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE", .fork = 1});
  scene.ExpectClean();
}

// An answer that waited for the PRACK of the dialog that the caller now ends goes with it, and the
// search for a callee goes on under its timers.
TEST(B2buaForkTest, Rule14_AByeLetsTheHeldAnswerGo) {
  SbcScene scene({.failover = "options_interval: 0s, ring_timeout: 20s"});
  scene.trunk.Expect(Script({{.after = 20ms, .status = 180, .fork = 1},
                             {.after = 20ms, .status = 183, .body = kSdp},
                             {.after = 100ms, .status = 200, .body = kSdp}}));
  SimPlan plan;
  plan.requires_100rel = true;
  plan.prack = false;
  const size_t call = scene.Outbound(plan);
  ASSERT_THAT(scene.pbx.call(call).dialogs, SizeIs(2));
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), IsEmpty());
  scene.pbx.Do(call, PrackOf(scene.pbx.Got("INVITE", 180).at(0)));
  scene.pbx.Do(call, {.method = "BYE", .fork = 1, .rude = true});
  scene.Run(1s);
  EXPECT_TRUE(scene.trunk.call(0).dialogs[0].bye_received);
  EXPECT_EQ(scene.pbx.call(call).final_status, 0);
  scene.Run(25s);
  EXPECT_NE(scene.pbx.call(call).final_status, 0);
  EXPECT_EQ(scene.world->calls(), 0u);
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
