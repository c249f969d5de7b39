// Requests inside the dialog, through the whole SBC: re-INVITE, UPDATE and their glare (RFC 3261
// §14, RFC 3311), reliable provisional responses (RFC 3262; rule 13), INFO, MESSAGE, NOTIFY,
// OPTIONS, REFER, and what has no dialog or no order (rules 15, 18, 20).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::CallEnd;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

SimPlan Script(std::vector<SimStep> script) {
  SimPlan plan;
  plan.script = std::move(script);
  return plan;
}

// ---- re-INVITE ---------------------------------------------------------------------------------

// A re-INVITE crosses with its offer, its answer and its ACK, from either side.
TEST(B2buaReinviteTest, CrossesFromBothSides) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  EXPECT_EQ(scene.trunk.Got("INVITE")[1].body, kHold);
  EXPECT_EQ(scene.trunk.Got("INVITE")[1].sequence(), 2u);
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(2));
  EXPECT_THAT(scene.trunk.Got("ACK"), SizeIs(2));

  scene.trunk.Do(0, {.method = "INVITE", .body = kHold});
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("INVITE"), SizeIs(1));
  EXPECT_EQ(scene.pbx.Got("INVITE")[0].body, kHold);
  EXPECT_THAT(scene.trunk.Got("INVITE", 200), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("ACK"), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
  EXPECT_THAT(scene.world->records(), SizeIs(1));
}

// Without an offer, the ACK carries the answer across.
TEST(B2buaReinviteTest, DelayedOfferCrossesInTheAck) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE"});
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  EXPECT_EQ(scene.trunk.Got("INVITE")[1].body, "");
  ASSERT_THAT(scene.trunk.Got("ACK"), SizeIs(2));
  EXPECT_EQ(scene.trunk.Got("ACK")[1].body, kSdp);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// What refuses it goes back, and the dialog lives on (RFC 3261 §14.1).
TEST(B2buaReinviteTest, RefusalGoesBack) {
  SbcScene scene;
  SimPlan callee;
  callee.answers["INVITE"] = 488;
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 488), SizeIs(1));
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 15: a pending re-INVITE on a leg gives 491 there; both sides at once, both get it or one
// wins, and nothing hangs.
TEST(B2buaReinviteTest, GlareGives491) {
  SbcScene scene;
  SimLink slow;
  slow.delay = 100ms;
  scene.network.SetDefaultLink(slow);
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.trunk.Do(0, {.method = "INVITE", .body = kHold});
  scene.Run(3s);
  // The SBC lets the first through and refuses the other; the peer, with its own pending, refuses
  // what was let through, and that 491 goes back to its originator.
  EXPECT_THAT(scene.pbx.Got("INVITE", 491), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("INVITE", 491), SizeIs(1));
  EXPECT_EQ(scene.counters().glare, 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// RFC 3261 §14.2: a second INVITE before the first one's answer is 500 with a Retry-After of up to
// ten seconds.
TEST(B2buaReinviteTest, SecondBeforeTheAnswerIs500WithRetryAfter) {
  SbcScene scene;
  SimPlan callee;
  callee.answers["INVITE"] = 200;
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  SimLink slow;
  slow.delay = 300ms;
  scene.network.SetLink(core::IpAddress::FromV4(0x7f000003), scene.trunk.local().ip, slow);
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(10ms);
  scene.pbx.call(call).dialogs[0].reinviting = false;  // As rude as that.
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(5s);
  const auto refused = scene.pbx.Got("INVITE", 500);
  ASSERT_THAT(refused, SizeIs(1));
  EXPECT_THAT(std::stoi(refused[0].Get("Retry-After")),
              testing::AllOf(testing::Ge(0), testing::Le(10)));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A re-INVITE that is cancelled is cancelled on the other leg, and its 487 comes from there.
TEST(B2buaReinviteTest, CancelCrosses) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 10ms, .status = 200, .body = kSdp}}));
  const size_t call = scene.Outbound();
  scene.trunk.set_dead(true);
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(100ms);
  const SimMessage invite = scene.pbx.Sent("INVITE")[1];
  scene.pbx.SendRaw("CANCEL " + invite.uri() + " SIP/2.0\r\nVia: " + invite.Get("Via") +
                    "\r\nMax-Forwards: 70\r\nFrom: " + invite.Get("From") +
                    "\r\nTo: " + invite.Get("To") + "\r\nCall-ID: " + invite.call_id() +
                    "\r\nCSeq: " + std::to_string(invite.sequence()) +
                    " CANCEL\r\nContent-Length: 0\r\n\r\n");
  scene.Run(100ms);
  EXPECT_THAT(scene.pbx.Got("CANCEL", 200), SizeIs(1));
  scene.trunk.set_dead(false);
  scene.Run(2s);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 15: a 481 to an in-dialog request ends both legs.
TEST(B2buaReinviteTest, Answer481EndsBothLegs) {
  SbcScene scene;
  SimPlan callee;
  callee.answers["INVITE"] = 481;
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(2s);
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(testing::Le(1u)));
  EXPECT_EQ(scene.pbx.OpenDialogs(), 0u);
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kPeerLost);
  scene.ExpectClean();
}

// A peer that is silent inside the dialog is gone (RFC 3261 §12.2.1.2): both legs end.
TEST(B2buaReinviteTest, SilenceEndsBothLegs) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.trunk.set_dead(true);
  scene.pbx.Do(call, {.method = "INFO"});
  scene.Run(70s);
  scene.trunk.set_dead(false);
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kPeerLost);
  scene.trunk.Do(0, {.method = "BYE"});
  scene.ExpectClean();
}

// BYE while a re-INVITE is on its way: that one is answered 487 and cancelled on the other leg
// (RFC 3261 §15.1.2).
TEST(B2buaReinviteTest, ByeWhileItIsOnItsWay) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.trunk.set_dead(true);
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(100ms);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 487), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("BYE", 200), SizeIs(1));
  scene.trunk.set_dead(false);
  scene.ExpectClean();
}

// ---- UPDATE ------------------------------------------------------------------------------------

// An UPDATE with an offer crosses, confirmed or early, with its answer (RFC 3311).
TEST(B2buaUpdateTest, OfferCrosses) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("UPDATE"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("UPDATE")[0].body, kHold);
  ASSERT_THAT(scene.pbx.Got("UPDATE", 200), SizeIs(1));
  EXPECT_EQ(scene.pbx.Got("UPDATE", 200)[0].body, kSdp);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// In the early dialog it goes to the early dialog that it names.
TEST(B2buaUpdateTest, CrossesInTheEarlyDialog) {
  SbcScene scene;
  scene.trunk.Expect(
      Script({{.after = 20ms, .status = 183, .fork = 0, .reliable = true, .body = kSdp},
              {.after = 20ms, .status = 183, .fork = 1, .reliable = true, .body = kSdp},
              {.after = 2s, .status = 200, .fork = 1, .body = kSdp}}));
  SimPlan caller;
  caller.supports_100rel = true;
  const size_t call = scene.Outbound(caller);
  scene.pbx.Do(call, {.method = "UPDATE", .fork = 1, .body = kHold});
  scene.Run(500ms);
  ASSERT_THAT(scene.trunk.Got("UPDATE"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("UPDATE")[0].Tag("To"), scene.trunk.call(0).dialogs[1].local_tag);
  EXPECT_THAT(scene.pbx.Got("UPDATE", 200), SizeIs(1));
  scene.Run(2s);
  scene.pbx.Do(call, {.method = "BYE", .fork = 1});
  scene.ExpectClean();
}

// RFC 3311 §5.2: an UPDATE whose offer crosses one of the other side's gets 491, a second one
// before the first's answer 500 with Retry-After.
TEST(B2buaUpdateTest, GlareGives491And500) {
  SbcScene scene;
  SimLink slow;
  slow.delay = 100ms;
  scene.network.SetDefaultLink(slow);
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.Run(110ms);
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.trunk.Do(0, {.method = "UPDATE", .body = kHold});
  scene.Run(2s);
  ASSERT_THAT(scene.pbx.Got("UPDATE", 500), SizeIs(1));
  EXPECT_TRUE(scene.pbx.Got("UPDATE", 500)[0].Has("Retry-After"));
  EXPECT_THAT(scene.trunk.Got("UPDATE", 491), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("UPDATE", 200), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 15: a 491 that the other side gave goes back to its originator.
TEST(B2buaUpdateTest, Relayed491GoesBack) {
  SbcScene scene;
  SimPlan callee;
  callee.answers["UPDATE"] = 491;
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("UPDATE", 491), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// ---- PRACK -------------------------------------------------------------------------------------

SimPlan Reliable() {
  return Script({{.after = 20ms, .status = 183, .reliable = true, .body = kSdp},
                 {.after = 20ms, .status = 180, .reliable = true},
                 {.after = 200ms, .status = 200}});
}

// Rule 13: RSeq and RAck belong to a leg. The callee's reliable responses are reliable upstream,
// the caller's PRACK crosses with the callee's numbers, one after the other.
TEST(B2buaPrackTest, CrossesWithEachLegsNumbers) {
  SbcScene scene;
  scene.trunk.Expect(Reliable());
  SimPlan plan;
  plan.supports_100rel = true;
  const size_t call = scene.Outbound(plan);
  EXPECT_TRUE(scene.trunk.Got("INVITE")[0].Lists("Supported", "100rel"));
  const auto pracks = scene.trunk.Got("PRACK");
  ASSERT_THAT(pracks, SizeIs(2));
  EXPECT_EQ(pracks[0].Get("RAck"), "7001 1 INVITE");
  EXPECT_EQ(pracks[1].Get("RAck"), "7002 1 INVITE");
  const SimMessage progress = scene.pbx.Got("INVITE", 183)[0];
  EXPECT_TRUE(progress.Lists("Require", "100rel"));
  EXPECT_NE(progress.Get("RSeq"), "7001");
  EXPECT_THAT(scene.pbx.Got("PRACK", 200), SizeIs(2));
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// An offer in PRACK crosses over, and so does its answer's refusal.
TEST(B2buaPrackTest, OfferInPrackCrosses) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 183, .reliable = true, .body = kSdp},
                             {.after = 2s, .status = 200}}));
  SimPlan plan;
  plan.supports_100rel = true;
  plan.prack = false;
  const size_t call = scene.Outbound(plan);
  const SimMessage progress = scene.pbx.Got("INVITE", 183)[0];
  scene.pbx.Do(call, {.method = "PRACK",
                      .body = kHold,
                      .fields = "RAck: " + progress.Get("RSeq") + " 23513 INVITE\r\n"});
  scene.Run(500ms);
  ASSERT_THAT(scene.trunk.Got("PRACK"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("PRACK")[0].body, kHold);
  EXPECT_THAT(scene.pbx.Got("PRACK", 200), SizeIs(1));
  scene.Run(2s);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A caller that requires 100rel of a callee that does not know it: the reliability ends with us.
TEST(B2buaPrackTest, CallerRequiresWhatTheCalleeDoesNotDo) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 183, .body = kSdp},
                             {.after = 0ms, .status = 180},
                             {.after = 300ms, .status = 200, .body = kSdp}}));
  SimPlan plan;
  plan.requires_100rel = true;
  const size_t call = scene.Outbound(plan);
  EXPECT_TRUE(scene.pbx.Got("INVITE", 183)[0].Lists("Require", "100rel"));
  ASSERT_THAT(scene.pbx.Got("INVITE", 180), SizeIs(1));  // Not lost, though it came too soon.
  EXPECT_TRUE(scene.pbx.Got("INVITE", 180)[0].Lists("Require", "100rel"));
  EXPECT_THAT(scene.trunk.Got("PRACK"), SizeIs(0));
  EXPECT_THAT(scene.pbx.Got("PRACK", 200), SizeIs(2));
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// RFC 3262 §3: a callee that was not offered 100rel may not ask for it, and the caller that does
// not know it is not asked.
TEST(B2buaPrackTest, CallerWithout100relIsNeverAsked) {
  SbcScene scene;
  scene.trunk.Expect(Script(
      {{.after = 20ms, .status = 183, .body = kSdp, .fields = "Require: 100rel\r\nRSeq: 5\r\n"},
       {.after = 300ms, .status = 200, .body = kSdp}}));
  const size_t call = scene.Outbound();
  EXPECT_FALSE(scene.trunk.Got("INVITE")[0].Lists("Supported", "100rel"));
  ASSERT_THAT(scene.pbx.Got("INVITE", 183), SizeIs(1));
  EXPECT_FALSE(scene.pbx.Got("INVITE", 183)[0].Has("RSeq"));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 13: a 2xx is held while a reliable 18x with SDP has not been PRACKed (RFC 3262 §3); the
// callee has its ACK meanwhile.
TEST(B2buaPrackTest, AnswerIsHeldUntilThePrack) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 183, .body = kSdp},
                             {.after = 100ms, .status = 200, .body = kSdp}}));
  SimPlan plan;
  plan.requires_100rel = true;
  plan.prack = false;
  const size_t call = scene.Outbound(plan);
  EXPECT_THAT(scene.pbx.Got("INVITE", 183), SizeIs(2));  // And once more, at T1.
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(0));
  EXPECT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  const SimMessage progress = scene.pbx.Got("INVITE", 183)[0];
  scene.pbx.Do(
      call, {.method = "PRACK", .fields = "RAck: " + progress.Get("RSeq") + " 23513 INVITE\r\n"});
  scene.Run(500ms);
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(1));
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// RFC 3262 §3: no PRACK in 64*T1 refuses the INVITE; an answer that was held is let go.
TEST(B2buaPrackTest, NoPrackFailsTheCall) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 183, .body = kSdp},
                             {.after = 100ms, .status = 200, .body = kSdp}}));
  SimPlan plan;
  plan.requires_100rel = true;
  plan.prack = false;
  const size_t call = scene.Outbound(plan);
  scene.Run(40s);
  EXPECT_EQ(scene.pbx.call(call).final_status, 504);
  EXPECT_TRUE(scene.trunk.call(0).dialogs[0].bye_received);
  EXPECT_EQ(scene.record().status_code, 504);
  scene.ExpectClean();
}

// A caller that cancels while its answer is held: the callee is hung up at once.
TEST(B2buaPrackTest, CancelWhileTheAnswerIsHeld) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 183, .body = kSdp},
                             {.after = 100ms, .status = 200, .body = kSdp}}));
  SimPlan plan;
  plan.requires_100rel = true;
  plan.prack = false;
  const size_t call = scene.Outbound(plan);
  scene.pbx.Do(call, {.method = "CANCEL"});
  scene.Run(300ms);
  EXPECT_EQ(scene.pbx.call(call).final_status, 487);
  EXPECT_TRUE(scene.trunk.call(0).dialogs[0].bye_received);
  scene.ExpectClean();
}

// A PRACK that matches nothing is 481 (RFC 3262 §3).
TEST(B2buaPrackTest, OfNothingIs481) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 180}, {.after = 2s, .status = 486}}));
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "PRACK", .fields = "RAck: 9 23513 INVITE\r\n"});
  scene.Run(500ms);
  EXPECT_THAT(scene.pbx.Got("PRACK", 481), SizeIs(1));
  scene.ExpectClean();
}

// ---- others ------------------------------------------------------------------------------------

class B2buaPassedTest : public testing::TestWithParam<const char*> {};

// INFO, MESSAGE and NOTIFY cross in both directions with their body and type, each leg counting its
// own CSeq; what refuses them goes back.
TEST_P(B2buaPassedTest, CrossesBothWays) {
  SbcScene scene({.global = "message: pass\n"});
  SimPlan caller;
  caller.answers[GetParam()] = 415;
  const size_t call = scene.Outbound(caller);
  const SimStep step{.method = GetParam(),
                     .body = "Signal=5\r\n",
                     .fields =
                         "Content-Type: application/dtmf-relay\r\n"
                         "X-Inside: pbxonesecret\r\n"};
  scene.pbx.Do(call, step);
  scene.Run(1s);
  const auto got = scene.trunk.Got(GetParam());
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].body, "Signal=5\r\n");
  EXPECT_EQ(got[0].Get("Content-Type"), "application/dtmf-relay");
  EXPECT_EQ(got[0].sequence(), 2u);
  EXPECT_EQ(got[0].Get("Max-Forwards"), "69");
  EXPECT_THAT(scene.pbx.Got(GetParam(), 200), SizeIs(1));

  scene.trunk.Do(0, {.method = GetParam()});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got(GetParam()), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got(GetParam(), 415), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}
INSTANTIATE_TEST_SUITE_P(Methods, B2buaPassedTest, testing::Values("INFO", "MESSAGE", "NOTIFY"),
                         [](const auto& param) { return std::string(param.param); });

// Rule 18: REFER is refused with 403 unless `transfer: pass` stands on that side.
TEST(B2buaDialogTest, ReferIs403) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "REFER", .fields = "Refer-To: <sip:x@192.0.2.5>\r\n"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("REFER", 403), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("REFER"), SizeIs(0));
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// OPTIONS in the dialog is answered by us with what we can do (RFC 3261 §11).
TEST(B2buaDialogTest, OptionsInTheDialogEndHere) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "OPTIONS"});
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("OPTIONS", 200), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("OPTIONS", 200)[0].Get("Allow"), HasSubstr("INVITE"));
  EXPECT_THAT(scene.trunk.Got("OPTIONS"), SizeIs(0));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// RFC 3261 §12.2.2: a CSeq lower than the last is 500, and the dialog is untouched.
TEST(B2buaDialogTest, OldCSeqIs500) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INFO"});
  scene.Run(100ms);
  scene.pbx.call(call).dialogs[0].local_sequence = 23000;
  scene.pbx.Do(call, {.method = "INFO"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INFO", 500), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("INFO"), SizeIs(1));
  scene.pbx.call(call).dialogs[0].local_sequence = 24000;
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// What names a dialog that we do not have is 481, whatever it asks.
TEST(B2buaDialogTest, UnknownDialogIs481) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  const std::string tag = scene.pbx.call(call).dialogs[0].remote_tag;
  for (const char* method : {"BYE", "INVITE", "UPDATE", "INFO", "REFER"}) {
    scene.pbx.call(call).dialogs[0].remote_tag = "of-nobody-here";
    scene.pbx.Do(call, {.method = method});
    scene.Run(100ms);
    EXPECT_THAT(scene.pbx.Got(method, 481), SizeIs(1)) << method;
    scene.pbx.call(call).dialogs[0].state = SimDialog::State::kConfirmed;
  }
  // The right tag with another's Call-ID is no better (rule 22).
  scene.pbx.call(call).dialogs[0].remote_tag = tag;
  const std::string call_id = scene.pbx.call(call).call_id;
  scene.pbx.call(call).call_id = "guessed@192.0.2.1";
  scene.pbx.Do(call, {.method = "INFO"});
  scene.Run(100ms);
  EXPECT_THAT(scene.pbx.Got("INFO", 481), SizeIs(2));
  scene.pbx.call(call).call_id = call_id;
  scene.pbx.call(call).dialogs[0].state = SimDialog::State::kConfirmed;
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// In the dialog too: 483 at the last hop, 420 for what nobody here knows, 405 with Allow, 501.
TEST(B2buaDialogTest, RefusalsInsideTheDialog) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INFO", .fields = "Require: unheard-of\r\n"});
  scene.pbx.Do(call, {.method = "SUBSCRIBE", .fields = "Event: dialog\r\n"});
  scene.pbx.Do(call, {.method = "DANCE"});
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("INFO", 420), SizeIs(1));
  EXPECT_EQ(scene.pbx.Got("INFO", 420)[0].Get("Unsupported"), "unheard-of");
  ASSERT_THAT(scene.pbx.Got("SUBSCRIBE", 405), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("SUBSCRIBE", 405)[0].Get("Allow"), HasSubstr("INFO"));
  EXPECT_THAT(scene.pbx.Got("DANCE", 501), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("SUBSCRIBE"), SizeIs(0));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// More requests at once than a call carries are told to come again, and none is lost for ever.
TEST(B2buaDialogTest, TooManyAtOnceAreToldToWait) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  SimLink slow;
  slow.delay = 400ms;
  scene.network.SetLink(core::IpAddress::FromV4(0x7f000003), scene.trunk.local().ip, slow);
  for (int i = 0; i < 10; ++i) scene.pbx.Do(call, {.method = "INFO"});
  scene.Run(3s);
  EXPECT_THAT(scene.pbx.Got("INFO", 200), SizeIs(4));
  ASSERT_THAT(scene.pbx.Got("INFO", 500), SizeIs(6));
  EXPECT_TRUE(scene.pbx.Got("INFO", 500)[0].Has("Retry-After"));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 19: the PBX goes on at another address of its side, and says so in the dialog; what follows
// goes there. A stranger to the dialog moves nothing, whatever it knows of it.
TEST(B2buaDialogTest, Rule19_ALegFollowsItsPeerToAnotherAddress) {
  for (const bool knows : {true, false}) {
    SbcScene scene;
    scene.Outbound();
    const SimMessage ok = scene.pbx.Got("INVITE", 200).at(0);
    const std::string to = knows ? ok.Get("To") : ok.Get("To") + "x";
    scene.pbx2.SendRaw(
        "UPDATE sip:127.0.0.2:5060 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 127.0.0.5:5060;rport;branch=z9hG4bKmoved1\r\nMax-Forwards: 70\r\nFrom: " +
        ok.Get("From") + "\r\nTo: " + to + "\r\nCall-ID: " + ok.call_id() +
        "\r\nCSeq: 900000 UPDATE\r\nContact: <sip:moved@127.0.0.5:5060>\r\n"
        "Content-Length: 0\r\n\r\n");
    scene.Run(500ms);
    scene.trunk.Do(0, {.method = "BYE"});
    scene.Run(1s);
    const auto has_bye = [](const SimUserAgent& agent) {
      for (const auto& entry : agent.log()) {
        if (!entry.sent && entry.text.starts_with("BYE")) return true;
      }
      return false;
    };
    EXPECT_EQ(has_bye(scene.pbx2), knows);
    EXPECT_EQ(has_bye(scene.pbx), !knows);
    EXPECT_EQ(scene.record().source.view(), "127.0.0.4:5060");  // Whoever moved.
  }
}

}  // namespace
}  // namespace tests
