// CANCEL in every race (rule 14; RFC 3261 §9, §15.1.2), and what comes late from a route that was
// given up (rule 7).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::CallEnd;
using testing::Not;
using testing::SizeIs;

SimPlan Script(std::vector<SimStep> script) {
  SimPlan plan;
  plan.script = std::move(script);
  return plan;
}

SimPlan CancelsAfter(core::Duration after) {
  return Script({{.after = after, .method = "CANCEL", .rude = true}});
}

// After 180: the CANCEL gets 200 and the INVITE 487 at once; the callee is cancelled and its own
// 487 ends there.
TEST(B2buaCancelTest, WhileItRings) {
  SbcScene scene;
  SimPlan callee = Script({{.after = 20ms, .status = 180}});
  callee.answers["CANCEL"] = 0;  // Slow as it is, the caller does not wait for it.
  scene.trunk.Expect(callee);
  const size_t call = scene.pbx.Place(CancelsAfter(500ms));
  scene.Run(600ms);
  EXPECT_THAT(scene.pbx.Got("CANCEL", 200), SizeIs(1));
  EXPECT_EQ(scene.pbx.call(call).final_status, 487);
  EXPECT_THAT(scene.trunk.Got("CANCEL"), Not(SizeIs(0)));
  EXPECT_EQ(scene.trunk.Got("CANCEL")[0].Branch(), scene.trunk.Got("INVITE")[0].Branch());
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCanceled);
  EXPECT_EQ(scene.record().status_code, 487);
  scene.ExpectClean();
}

// Before the callee's 100: no CANCEL may go yet (§9.1); it goes with the first provisional.
TEST(B2buaCancelTest, BeforeTheCalleesFirstResponse) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 900ms, .status = 100}}));
  const size_t call = scene.pbx.Place(CancelsAfter(100ms));
  scene.Run(500ms);
  EXPECT_EQ(scene.pbx.call(call).final_status, 487);
  EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(0));
  scene.Run(500ms);
  EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(1));
  EXPECT_THAT(scene.trunk.Sent("INVITE", 487), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  scene.ExpectClean();
}

// A callee that never says anything: nothing is cancelled, and it ends by itself.
TEST(B2buaCancelTest, OfASilentCallee) {
  SbcScene scene;
  scene.trunk.set_dead(true);
  const size_t call = scene.pbx.Place(CancelsAfter(100ms));
  scene.Run(1s);
  EXPECT_EQ(scene.pbx.call(call).final_status, 487);
  EXPECT_EQ(scene.record().end, CallEnd::kCanceled);
  scene.ExpectClean();
}

// A 200 that crosses the CANCEL on the callee's side gets ACK and BYE; the caller has its 487.
TEST(B2buaCancelTest, CrossesTheCalleesAnswer) {
  SbcScene scene;
  SimLink slow;
  slow.delay = 300ms;
  scene.network.SetLink(core::IpAddress::FromV4(0x7f000003), scene.trunk.local().ip, slow);
  scene.network.SetLink(scene.trunk.local().ip, core::IpAddress::FromV4(0x7f000003), slow);
  scene.trunk.Expect(
      Script({{.after = 10ms, .status = 180}, {.after = 500ms, .status = 200, .body = kSdp}}));
  const size_t call = scene.pbx.Place(CancelsAfter(700ms));
  scene.Run(10s);
  EXPECT_EQ(scene.pbx.call(call).final_status, 487);
  const SimDialog& dialog = scene.trunk.call(0).dialogs[0];
  EXPECT_TRUE(dialog.acked);
  EXPECT_TRUE(dialog.bye_received);
  EXPECT_EQ(scene.record().end, CallEnd::kCanceled);
  EXPECT_EQ(scene.counters().orphan_answers, 1u);
  scene.ExpectClean();
}

// The answer passed us before the CANCEL came: the CANCEL is answered and changes nothing (§9.2).
TEST(B2buaCancelTest, AfterOurAnswerChangesNothing) {
  SbcScene scene;
  SimLink slow;
  slow.delay = 200ms;
  scene.network.SetLink(core::IpAddress::FromV4(0x7f000002), scene.pbx.local().ip, slow);
  scene.trunk.Expect(Script({{.after = 10ms, .status = 200, .body = kSdp}}));
  const size_t call = scene.pbx.Place(CancelsAfter(150ms));
  scene.Run(5s);
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  EXPECT_THAT(scene.pbx.Got("CANCEL", 200), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(0));
  EXPECT_EQ(scene.record().end, CallEnd::kCallerHungUp);  // Who cancelled hangs up what it got.
  scene.ExpectClean();
}

// The caller's CANCEL comes right behind its INVITE, and twice.
TEST(B2buaCancelTest, RightBehindTheInvite) {
  SbcScene scene;
  const size_t call = scene.pbx.Place(CancelsAfter(0s));
  scene.Run(1s);
  const auto cancel = scene.pbx.Sent("CANCEL");
  ASSERT_THAT(cancel, SizeIs(1));
  scene.pbx.SendRaw(cancel[0].text);
  scene.Run(5s);
  EXPECT_EQ(scene.pbx.call(call).final_status, 487);
  EXPECT_THAT(scene.world->records(), SizeIs(1));
  scene.ExpectClean();
}

// A CANCEL of nothing is 481 (§9.2).
TEST(B2buaCancelTest, OfNothingIs481) {
  SbcScene scene;
  scene.pbx.SendRaw(
      "CANCEL sip:+18155558245@127.0.0.2 SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 127.0.0.4:5060;branch=z9hG4bKnothing\r\nMax-Forwards: 70\r\n"
      "From: <sip:a@127.0.0.4>;tag=nothing1\r\nTo: <sip:b@127.0.0.2>\r\nCall-ID: nothing@x\r\n"
      "CSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n");
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("CANCEL", 481), SizeIs(1));
  scene.ExpectClean();
}

// The Reason of a CANCEL crosses (RFC 3326): "answered elsewhere" must reach the phones, which is
// cause 200, whatever its text.
TEST(B2buaCancelTest, ReasonCrosses) {
  SbcScene scene;
  scene.pbx.Expect(Script({{.after = 20ms, .status = 180}}));
  const size_t call = scene.Inbound();
  scene.trunk.SendRaw([&] {
    SimMessage invite = scene.trunk.call(call).invite;
    return "CANCEL " + invite.uri() + " SIP/2.0\r\nVia: " + invite.Get("Via") +
           "\r\nFrom: " + invite.Get("From") + "\r\nTo: " + invite.Get("To") +
           "\r\nCall-ID: " + invite.call_id() +
           "\r\nCSeq: 23513 CANCEL\r\nMax-Forwards: 70\r\n"
           "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\nContent-Length: 0\r\n\r\n";
  }());
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("CANCEL"), SizeIs(1));
  EXPECT_EQ(scene.pbx.Got("CANCEL")[0].Get("Reason"), "SIP;cause=200");
  scene.ExpectClean();
}

// A BYE in the early dialog is a CANCEL by another name (§15).
TEST(B2buaCancelTest, ByeInTheEarlyDialog) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 180}}));
  const size_t call = scene.pbx.Place(Script({{.after = 300ms, .method = "BYE", .rude = true}}));
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("BYE", 200), SizeIs(1));
  EXPECT_EQ(scene.pbx.call(call).final_status, 487);
  EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCanceled);
  scene.ExpectClean();
}

// The callee may not say BYE on an early dialog (§15): 481, and the call goes on.
TEST(B2buaCancelTest, CalleesByeInTheEarlyDialogIs481) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 180}}));
  scene.Outbound();
  scene.trunk.Do(0, {.method = "BYE", .rude = true});
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("BYE", 481), SizeIs(1));
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(0, {.method = "CANCEL"});
  scene.ExpectClean();
}

const char kTwoRoutes[] =
    "{Host: 127.0.0.4, Priority: 1, Weight: 1}, {Host: 127.0.0.5, Priority: 2, Weight: 1}";

// Rule 7: an abandoned route cannot be cancelled before it sent a provisional; a late 180 of it is
// answered with CANCEL, and the call goes on elsewhere.
TEST(B2buaCancelTest, LateProvisionalOfAnAbandonedRouteIsCancelled) {
  SbcScene scene({.routes = kTwoRoutes});
  scene.pbx.Expect(Script({{.after = 6s, .status = 180}}));
  const size_t call = scene.Inbound();
  scene.Run(4500ms);
  EXPECT_EQ(scene.trunk.call(call).final_status, 200);
  EXPECT_THAT(scene.pbx.Got("CANCEL"), SizeIs(0));
  scene.Run(2s);
  EXPECT_THAT(scene.pbx.Got("CANCEL"), SizeIs(1));
  EXPECT_THAT(scene.pbx.Sent("INVITE", 487), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("INVITE", 180), SizeIs(1));  // The second route's only.
  scene.trunk.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 7: a late 2xx of an abandoned route gets ACK and BYE.
TEST(B2buaCancelTest, LateAnswerOfAnAbandonedRouteIsHungUp) {
  SbcScene scene({.routes = kTwoRoutes});
  scene.pbx.Expect(Script({{.after = 6s, .status = 200, .body = kSdp}}));
  const size_t call = scene.Inbound();
  scene.Run(10s);
  EXPECT_EQ(scene.trunk.call(call).final_status, 200);
  const SimDialog& late = scene.pbx.call(0).dialogs[0];
  EXPECT_TRUE(late.acked);
  EXPECT_TRUE(late.bye_received);
  EXPECT_EQ(scene.pbx2.call(0).dialogs[0].bye_received, false);
  scene.trunk.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// The same after the whole call has been cancelled during failover.
TEST(B2buaCancelTest, DuringFailoverEndsAllRoutes) {
  SbcScene scene({.routes = kTwoRoutes});
  scene.pbx.Expect(Script({{.after = 7s, .status = 200, .body = kSdp}}));
  scene.pbx2.Expect(Script({{.after = 100ms, .status = 180}}));
  SimPlan plan = CancelsAfter(6s);
  const size_t call = scene.Inbound(plan);
  scene.Run(20s);
  EXPECT_EQ(scene.trunk.call(call).final_status, 487);
  EXPECT_THAT(scene.pbx2.Got("CANCEL"), SizeIs(1));
  EXPECT_TRUE(scene.pbx.call(0).dialogs[0].bye_received);
  EXPECT_THAT(scene.world->records(), SizeIs(1));
  scene.ExpectClean();
}

// ---- who has forgotten the call
// ------------------------------------------------------------------

core::transport::TransportCounters Heard(const SbcScene& scene) {
  return scene.world->worker(0).CurrentSnapshot().transport;
}

// A callee that has forgotten the call says 481 to our BYE, which ends the matter: it is a response
// like any other, of a call that is there and of an answer that no call wants. Nothing of it is
// malformed, and what really is is not answered.
TEST(B2buaCancelTest, Rule14_A481ToOurByeIsAResponse) {
  for (const bool orphan : {false, true}) {
    SbcScene scene;
    SimLink slow;
    slow.delay = 200ms;  // Within T1, so that no BYE is sent again by itself.
    scene.network.SetLink(core::IpAddress::FromV4(0x7f000003), scene.trunk.local().ip, slow);
    scene.network.SetLink(scene.trunk.local().ip, core::IpAddress::FromV4(0x7f000003), slow);
    SimPlan callee = Script({{.after = 500ms, .status = 200, .body = kSdp}});
    callee.answers["BYE"] = 481;
    scene.trunk.Expect(callee);
    const size_t call = scene.pbx.Place(orphan ? CancelsAfter(700ms) : SimPlan());
    scene.Run(3s);
    EXPECT_EQ(scene.pbx.call(call).final_status, orphan ? 487 : 200);
    scene.pbx.Do(call, {.method = "BYE"});
    scene.Run(3s);
    EXPECT_EQ(scene.counters().orphan_answers, orphan ? 1u : 0u);
    EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1)) << orphan;
    ASSERT_THAT(scene.trunk.Sent("BYE", 481), SizeIs(1)) << orphan;
    EXPECT_EQ(Heard(scene).malformed_answered, 0u);
    EXPECT_EQ(Heard(scene).malformed_dropped, 0u);
    EXPECT_EQ(Heard(scene).foreign_responses, 0u);
    EXPECT_EQ(scene.world->worker(0).CurrentSnapshot().transactions.stray_responses, 0u);

    const std::string late = scene.trunk.Sent("BYE", 481)[0].text;
    scene.Run(60s);
    const size_t heard = scene.trunk.log().size();
    scene.trunk.SendRaw(late);
    scene.trunk.SendRaw("SIP/2.0 481" + late.substr(late.find("\r\n")));  // Without a reason.
    scene.trunk.SendRaw(late.substr(0, late.find("Call-ID")) + "\r\n");
    scene.Run(3s);
    EXPECT_EQ(scene.world->worker(0).CurrentSnapshot().transactions.stray_responses, 2u);
    EXPECT_EQ(Heard(scene).malformed_dropped, 1u);
    EXPECT_EQ(Heard(scene).malformed_answered, 0u);
    EXPECT_EQ(scene.trunk.log().size(), heard + 3) << "its own three, and nothing came back";
    scene.ExpectClean();
  }
}

// The other way about: the BYE of a call that we do not have any more is told 481, and counted as
// what it is.
TEST(B2buaCancelTest, AByeOfAForgottenCallIs481) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(60s);
  scene.trunk.call(0).dialogs[0].state = SimDialog::State::kConfirmed;  // It never heard of that.
  scene.trunk.Do(0, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("BYE", 481), SizeIs(1));
  EXPECT_EQ(scene.world->worker(0).CurrentSnapshot().calls.no_dialog, 1u);
  EXPECT_EQ(Heard(scene).malformed_answered, 0u);
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
