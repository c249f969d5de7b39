// Calls through the whole SBC as rules 13 and 14 of its rules and RFC 3261 §13 to §15 have them:
// offers, early dialogs, final responses, lost ACKs, BYE from both sides.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::CallEnd;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

SimPlan HangsUpAfter(core::Duration after) {
  SimPlan plan;
  plan.confirmed = {{.after = after, .method = "BYE"}};
  return plan;
}

SimPlan Script(std::vector<SimStep> script) {
  SimPlan plan;
  plan.script = std::move(script);
  return plan;
}

// Rule 13: an early offer crosses, the callee's 2xx is ACKed at once, the caller hears of ringing
// and answer, and one record tells of it.
TEST(B2buaTest, OutboundCallWithEarlyOffer) {
  SbcScene scene;
  const size_t call = scene.pbx.Place(HangsUpAfter(3s));
  scene.Run(10s);

  EXPECT_THAT(scene.pbx.call(call).statuses, ElementsAre(100, 180, 200));
  EXPECT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("INVITE")[0].body, kSdp);
  EXPECT_EQ(scene.pbx.Got("INVITE", 200)[0].body, kSdp);
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCallerHungUp);
  EXPECT_EQ(scene.record().status_code, 200);
  scene.ExpectClean();
}

// The same from the Voice Connector in the seed's shape, with the callee hanging up.
TEST(B2buaTest, InboundCallHungUpByTheCallee) {
  SbcScene scene;
  scene.pbx.Expect(HangsUpAfter(2s));
  const size_t call = scene.Inbound();
  scene.Run(10s);

  EXPECT_THAT(scene.trunk.call(call).statuses, ElementsAre(100, 180, 200));
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCalleeHungUp);
  scene.ExpectClean();
}

// Rule 13, early offer: the ACK to the callee does not wait for the caller's.
TEST(B2buaTest, EarlyOfferIsAcknowledgedAtOnce) {
  SbcScene scene;
  SimPlan plan = HangsUpAfter(1s);
  plan.ack_delay = 2s;
  scene.pbx.Place(plan);
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("ACK")[0].body, "");
  EXPECT_THAT(scene.pbx.Sent("ACK"), SizeIs(0));
  scene.ExpectClean();
}

// Rule 13, delayed offer: the callee's ACK waits for the caller's, which carries the answer.
TEST(B2buaTest, DelayedOfferWaitsForTheCallersAck) {
  SbcScene scene;
  SimPlan plan = HangsUpAfter(3s);
  plan.body = "";
  plan.ack_delay = 900ms;
  scene.pbx.Place(plan);
  scene.Run(800ms);
  EXPECT_EQ(scene.trunk.Got("INVITE")[0].body, "");
  EXPECT_EQ(scene.pbx.Got("INVITE", 200)[0].body, kSdp);
  EXPECT_THAT(scene.trunk.Got("ACK"), SizeIs(0));
  scene.Run(2s);
  ASSERT_THAT(scene.trunk.Got("ACK"), Not(SizeIs(0)));
  EXPECT_EQ(scene.trunk.Got("ACK")[0].body, kSdp);
  scene.ExpectClean();
}

// Rule 13: each early dialog of the callee has a To tag of its own at the caller, and the one that
// answers is bridged under its own.
TEST(B2buaTest, EarlyDialogsHaveTheirOwnTags) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 50ms, .status = 180, .fork = 0},
                             {.after = 50ms, .status = 183, .fork = 1, .body = kSdp},
                             {.after = 50ms, .status = 180, .fork = 0},
                             {.after = 50ms, .status = 200, .fork = 1, .body = kSdp}}));
  const size_t call = scene.pbx.Place(HangsUpAfter(2s));
  scene.Run(1s);
  const auto ringing = scene.pbx.Got("INVITE", 180);
  const auto progress = scene.pbx.Got("INVITE", 183);
  const auto answer = scene.pbx.Got("INVITE", 200);
  ASSERT_THAT(ringing, SizeIs(2));
  EXPECT_EQ(ringing[0].Tag("To"), ringing[1].Tag("To"));
  EXPECT_NE(ringing[0].Tag("To"), progress[0].Tag("To"));
  EXPECT_EQ(progress[0].Tag("To"), answer[0].Tag("To"));
  EXPECT_EQ(progress[0].body, kSdp);
  EXPECT_THAT(scene.pbx.call(call).dialogs, SizeIs(2));
  scene.ExpectClean();
}

// Rule 13: `fold_early_dialogs` shows one side one dialog, whichever answers.
TEST(B2buaTest, EarlyDialogsAreFoldedWhereAskedTo) {
  SbcScene scene({.global = "sip: {fold_early_dialogs: {customer: true}}\n"});
  scene.trunk.Expect(Script({{.after = 50ms, .status = 180, .fork = 0},
                             {.after = 50ms, .status = 183, .fork = 1, .body = kSdp},
                             {.after = 50ms, .status = 200, .fork = 1, .body = kSdp}}));
  const size_t call = scene.pbx.Place(HangsUpAfter(2s));
  scene.Run(10s);
  EXPECT_THAT(scene.pbx.call(call).dialogs, SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  scene.ExpectClean();
}

// More early dialogs than are told apart are still answered.
TEST(B2buaTest, MoreEarlyDialogsThanAreToldApart) {
  SbcScene scene;
  SimPlan plan;
  for (size_t fork = 0; fork < 7; ++fork) {
    plan.script.push_back({.after = 20ms, .status = 180, .fork = fork});
  }
  plan.script.push_back({.after = 20ms, .status = 200, .fork = 5, .body = kSdp});
  scene.trunk.Expect(plan);
  scene.pbx.Place(HangsUpAfter(1s));
  scene.Run(10s);
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCallerHungUp);
  scene.ExpectClean();
}

// Rule 14: at most one downstream dialog is ever bridged; a second 2xx is ACKed and BYEd, and the
// caller hears nothing of it.
TEST(B2buaTest, SecondAnswerIsAcknowledgedAndHungUp) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 50ms, .status = 180, .fork = 0},
                             {.after = 50ms, .status = 200, .fork = 1, .body = kSdp},
                             {.after = 50ms, .status = 200, .fork = 2, .body = kSdp}}));
  const size_t call = scene.pbx.Place(HangsUpAfter(60s));
  scene.Run(5s);
  SimCall& callee = scene.trunk.call(0);
  EXPECT_TRUE(callee.dialogs[2].acked);
  EXPECT_TRUE(callee.dialogs[2].bye_received);
  EXPECT_TRUE(callee.dialogs[1].acked);
  EXPECT_FALSE(callee.dialogs[1].bye_received);
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(1));
  EXPECT_EQ(scene.counters().orphan_answers, 1u);
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  scene.Run(120s);
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(2));
  scene.ExpectClean();
}

struct FinalCase {
  int from_callee;
  int to_caller;
};
class B2buaFinalTest : public testing::TestWithParam<FinalCase> {};

// Final responses cross by rules 11 and 18: a redirect is 480 without Contact, a peer's 503 is 500
// without Retry-After, a challenge was for us and is 403, all others pass.
TEST_P(B2buaFinalTest, CrossesAs) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 50ms, .status = 180},
                             {.after = 50ms,
                              .status = GetParam().from_callee,
                              .fields = "Contact: <sip:elsewhere@192.0.2.66>\r\nRetry-After: 9\r\n"
                                        "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n"}}));
  const size_t call = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(call).final_status, GetParam().to_caller);
  const auto final = scene.pbx.Got("INVITE", GetParam().to_caller);
  ASSERT_THAT(final, Not(SizeIs(0)));
  EXPECT_FALSE(final[0].Has("Contact"));
  EXPECT_FALSE(final[0].Has("Retry-After"));
  EXPECT_FALSE(final[0].Has("WWW-Authenticate"));
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kFailed);
  EXPECT_EQ(scene.record().status_code, GetParam().to_caller);
  scene.ExpectClean();
}
INSTANTIATE_TEST_SUITE_P(
    Rules11And18, B2buaFinalTest,
    testing::Values(FinalCase{300, 480}, FinalCase{302, 480}, FinalCase{400, 400},
                    FinalCase{401, 403}, FinalCase{403, 403}, FinalCase{404, 404},
                    FinalCase{407, 403}, FinalCase{480, 480}, FinalCase{484, 484},
                    FinalCase{486, 486}, FinalCase{488, 488}, FinalCase{500, 500},
                    FinalCase{503, 500}, FinalCase{504, 504}, FinalCase{600, 600},
                    FinalCase{603, 603}),
    [](const auto& param) { return "Status" + std::to_string(param.param.from_callee); });

// Rule 11: when every origination route failed without a usable final answer, the trunk gets 503
// without Retry-After, since 503 is what makes it try its next route.
TEST(B2buaTest, AllRoutesFailedIs503WithoutRetryAfter) {
  SbcScene scene;
  scene.pbx.set_dead(true);
  const size_t call = scene.Inbound();
  scene.Run(30s);
  EXPECT_EQ(scene.trunk.call(call).final_status, 503);
  EXPECT_FALSE(scene.trunk.Got("INVITE", 503)[0].Has("Retry-After"));
  scene.ExpectClean();
}

// Rule 13: our 2xx is sent again until its ACK, and none in 64*T1 means BYE on both legs.
TEST(B2buaTest, MissingAckEndsBothLegs) {
  SbcScene scene;
  SimPlan plan;
  plan.ack = false;
  scene.pbx.Place(plan);
  scene.Run(40s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(testing::Ge(9u)));
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kNoAck);
  scene.ExpectClean();
}

// Our own ACK that is lost is sent again for each 2xx that comes again, also when an offer was
// delayed and it carries the answer, and while a re-INVITE is on its way.
TEST(B2buaTest, LostAckToTheCalleeIsSentAgain) {
  for (const char* offer : {kSdp, ""}) {
    SbcScene scene;
    SimPlan plan = HangsUpAfter(30s);
    plan.body = offer;
    scene.trunk.Expect(Script({{.after = 100ms, .status = 200, .body = kSdp}}));
    scene.pbx.Place(plan);
    scene.Run(90ms);
    SimLink lossy;
    lossy.loss = 1.0;
    const core::IpAddress sbc = core::IpAddress::FromV4(0x7f000003);
    scene.network.SetLink(sbc, scene.trunk.local().ip, lossy);
    scene.Run(1s);
    EXPECT_FALSE(scene.trunk.call(0).dialogs[0].acked);
    scene.pbx.Do(0, {.method = "INVITE", .body = kSdp});
    scene.Run(200ms);
    scene.network.SetLink(sbc, scene.trunk.local().ip, {});
    scene.Run(4s);
    EXPECT_TRUE(scene.trunk.call(0).dialogs[0].acked);
    ASSERT_THAT(scene.trunk.Got("ACK"), Not(SizeIs(0)));
    SimMessage first;
    for (const SimMessage& ack : scene.trunk.Got("ACK")) {
      if (ack.sequence() == 1) first = ack;
    }
    EXPECT_EQ(first.body, *offer == '\0' ? kSdp : "");
    scene.ExpectClean();
  }
}

// RFC 3261 §15: BYE from the caller before its ACK ends the call; nothing is sent again after it.
TEST(B2buaTest, ByeBeforeTheAck) {
  SbcScene scene;
  SimPlan plan;
  plan.ack = false;
  plan.script = {{.after = 800ms, .method = "BYE"}};
  scene.pbx.Place(plan);
  scene.Run(850ms);
  const size_t answers = scene.pbx.Got("INVITE", 200).size();
  scene.Run(40s);
  EXPECT_EQ(scene.pbx.Got("INVITE", 200).size(), answers);
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCallerHungUp);
  scene.ExpectClean();
}

// RFC 3261 §15: the callee hangs up before the caller's ACK: no BYE to the caller until it came.
TEST(B2buaTest, CalleeHangsUpBeforeTheCallersAck) {
  SbcScene scene;
  SimPlan plan;
  plan.ack_delay = 2s;
  scene.trunk.Expect([] {
    SimPlan callee = HangsUpAfter(100ms);
    callee.script = {{.after = 100ms, .status = 200, .body = kSdp}};
    return callee;
  }());
  scene.pbx.Place(plan);
  scene.Run(1500ms);
  EXPECT_THAT(scene.trunk.Got("BYE", 200), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(0));
  scene.Run(2s);
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCalleeHungUp);
  scene.ExpectClean();
}

// Both hang up in the same moment: each BYE has an answer, and one record tells of one end.
TEST(B2buaTest, CrossingByes) {
  SbcScene scene;
  scene.trunk.Expect(HangsUpAfter(3s));
  scene.pbx.Place(HangsUpAfter(3s));
  scene.Run(20s);
  EXPECT_THAT(scene.pbx.Sent("BYE"), SizeIs(1));  // Not sent again: it was answered.
  EXPECT_THAT(scene.trunk.Sent("BYE"), SizeIs(1));
  EXPECT_THAT(scene.world->records(), SizeIs(1));
  scene.ExpectClean();
}

// Rules 13 and 22: what names us is never what the peer said, and no two legs share anything.
TEST(B2buaTest, IdentifiersAreOurOwnAndOfThirtyTwoCharacters) {
  SbcScene scene;
  scene.pbx.Place(HangsUpAfter(1s));
  scene.Run(10s);
  const SimMessage in = scene.pbx.Sent("INVITE")[0];
  const SimMessage out = scene.trunk.Got("INVITE")[0];
  EXPECT_NE(in.call_id(), out.call_id());
  EXPECT_THAT(out.call_id(), SizeIs(32));
  EXPECT_THAT(out.Tag("From"), SizeIs(32));
  EXPECT_THAT(out.Branch(), SizeIs(39));
  EXPECT_THAT(out.All("Via"), SizeIs(1));
  EXPECT_THAT(out.Get("User-Agent"), Not(HasSubstr("pbx")));
  EXPECT_THAT(out.Get("Contact"), HasSubstr("127.0.0.3"));
  EXPECT_EQ(out.Get("Max-Forwards"), "68");
  scene.ExpectClean();
}

// A 183 without Contact makes no dialog, but the caller hears of it; the 2xx makes one.
TEST(B2buaTest, AnswerWithoutAnyProvisional) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 10ms, .status = 202, .body = kSdp}}));
  const size_t call = scene.pbx.Place(HangsUpAfter(1s));
  scene.Run(10s);
  EXPECT_EQ(scene.pbx.call(call).final_status, 202);
  EXPECT_EQ(scene.record().end, CallEnd::kCallerHungUp);
  scene.ExpectClean();
}

// One request has one To tag (RFC 3261 §8.2.6.2), also where its refusal is ours: the caller would
// take another for another dialog's, and keep the one that it heard ring.
TEST(B2buaBasicTest, ARefusalHasTheToTagOfWhatRang) {
  for (const bool cancels : {false, true}) {
    SbcScene scene;
    SimPlan callee;
    callee.script = {{.after = 10ms, .status = 180}};
    if (!cancels) callee.script.push_back({.after = 100ms, .status = 486});
    scene.trunk.Expect(callee);
    SimPlan caller;
    if (cancels) caller.script = {{.after = 500ms, .method = "CANCEL"}};
    scene.Outbound(caller);
    scene.Run(1s);
    ASSERT_THAT(scene.pbx.Got("INVITE", 180), SizeIs(1));
    const std::string tag = scene.pbx.Got("INVITE", 180)[0].Tag("To");
    const auto final = scene.pbx.Got("INVITE", cancels ? 487 : 486);
    ASSERT_THAT(final, SizeIs(1));
    EXPECT_EQ(final[0].Tag("To"), tag);
    if (cancels) {
      EXPECT_EQ(scene.pbx.Got("CANCEL", 200).at(0).Tag("To"), tag);
    }
    scene.ExpectClean();
  }
}

// RFC 3261 §21.4.6: a 405 says what is allowed, also where the far end has said it.
TEST(B2buaBasicTest, A405OfTheFarEndHasOurAllow) {
  SbcScene scene;
  SimPlan callee;
  callee.answers["INFO"] = 405;
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INFO"});
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("INFO", 405), SizeIs(1));
  EXPECT_TRUE(scene.pbx.Got("INFO", 405)[0].Lists("Allow", "UPDATE"));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
  SbcScene refused;
  callee.script = {{.after = 10ms, .status = 405}};
  refused.trunk.Expect(callee);
  refused.Outbound();
  EXPECT_TRUE(refused.pbx.Got("INVITE", 405).at(0).Lists("Allow", "INVITE"));
}

}  // namespace
}  // namespace tests
