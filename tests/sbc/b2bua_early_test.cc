// Offers and answers before the 2xx, where the legs differ in what they know (RFC 3262 §5, RFC
// 3261 §12.1, §13.2.1; rules 13 and 15).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

SimPlan Script(std::vector<SimStep> script) {
  SimPlan plan;
  plan.script = std::move(script);
  return plan;
}

constexpr char kOther[] = "v=0\r\no=- 1 2 IN IP4 192.0.2.77\r\ns=-\r\nt=0 0\r\na=sendonly\r\n";

// A caller without an offer requires 100rel of a callee without: what the callee's 183 shows is no
// offer yet, and said reliably it would be one (RFC 3262 §5). The 2xx has it, and the caller's
// answer reaches the callee in the ACK.
TEST(B2buaEarlyTest, Rule13_APreviewIsNotMadeAnOffer) {
  SbcScene scene;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 183, .body = kSdp},
                             {.after = 300ms, .status = 200, .body = kSdp}}));
  SimPlan plan;
  plan.requires_100rel = true;
  plan.body.clear();
  const size_t call = scene.Outbound(plan);
  ASSERT_THAT(scene.pbx.Got("INVITE", 183), SizeIs(1));
  EXPECT_TRUE(scene.pbx.Got("INVITE", 183)[0].Lists("Require", "100rel"));
  EXPECT_EQ(scene.pbx.Got("INVITE", 183)[0].body, "");
  ASSERT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(1));
  EXPECT_EQ(scene.pbx.Got("INVITE", 200)[0].body, kSdp);
  ASSERT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("ACK")[0].body, kSdp);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// The reliability ends with us: an offer in its PRACK has nobody to answer it, and is told so.
TEST(B2buaEarlyTest, Rule13_AnOfferInAPrackThatEndsHereIs488) {
  SbcScene scene;
  scene.trunk.Expect(Script(
      {{.after = 20ms, .status = 183, .body = kSdp}, {.after = 3s, .status = 200, .body = kSdp}}));
  SimPlan plan;
  plan.requires_100rel = true;
  plan.prack = false;
  const size_t call = scene.Outbound(plan);
  const SimMessage progress = scene.pbx.Got("INVITE", 183)[0];
  scene.pbx.Do(call, {.method = "PRACK",
                      .body = kOther,
                      .fields = "RAck: " + progress.Get("RSeq") + " 23513 INVITE\r\n"});
  scene.Run(500ms);
  EXPECT_THAT(scene.pbx.Got("PRACK", 488), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("PRACK"), IsEmpty());
  const size_t sent = scene.pbx.Got("INVITE", 183).size();
  scene.Run(4s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 183), SizeIs(sent)) << "acknowledged all the same";
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A provisional without a To tag makes no dialog (§12.1): the caller sees one, not two.
TEST(B2buaEarlyTest, Rule13_TheDialogOfAnUntaggedProvisionalIsThe2xxs) {
  SbcScene scene;
  SimPlan silent;
  silent.silent = true;
  scene.trunk.Expect(silent);
  const size_t call = scene.pbx.Place({});
  scene.Run(20ms);
  const SimMessage invite = scene.trunk.Got("INVITE")[0];
  const auto say = [&](const char* status, const char* tag) {
    scene.trunk.SendRaw(std::string("SIP/2.0 ") + status + "\r\nVia: " + invite.Get("Via") +
                        "\r\nFrom: " + invite.Get("From") + "\r\nTo: " + invite.Get("To") + tag +
                        "\r\nCall-ID: " + invite.call_id() +
                        "\r\nCSeq: 1 INVITE\r\nContact: <sip:127.0.0.9>\r\n"
                        "Content-Length: 0\r\n\r\n");
    scene.Run(100ms);
  };
  say("180 Ringing", "");
  say("200 OK", ";tag=late");
  EXPECT_THAT(scene.pbx.call(call).dialogs, SizeIs(1));
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  ASSERT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("ACK")[0].Tag("To"), "late");
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_EQ(scene.trunk.Got("BYE").at(0).Tag("To"), "late");
}

// Rule 15: what an UPDATE has agreed to is what a later refresh by re-INVITE repeats.
TEST(B2buaEarlyTest, Rule15_ARefreshRepeatsWhatAnUpdateAgreedTo) {
  SbcScene::Options options;
  options.global = "sip: {session_expires: 200s}\n";
  SbcScene scene(options);
  SimPlan callee;
  callee.timer = false;
  callee.updates = false;  // Its Allow does not name UPDATE, but it takes one.
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "UPDATE", .body = kOther});
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("UPDATE"), SizeIs(1));
  scene.Run(101s);
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  EXPECT_EQ(scene.trunk.Got("INVITE")[1].body, kOther);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// The same of one before the answer: the INVITE's own SDP is the older one then.
TEST(B2buaEarlyTest, Rule15_ARefreshRepeatsWhatAnEarlyUpdateAgreedTo) {
  SbcScene::Options options;
  options.global = "sip: {session_expires: 200s}\n";
  SbcScene scene(options);
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 183, .reliable = true, .body = kSdp},
                   {.after = 3s, .status = 200}};
  callee.timer = false;
  callee.updates = false;
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.supports_100rel = true;
  const size_t call = scene.Outbound(caller);
  scene.pbx.Do(call, {.method = "UPDATE", .body = kOther});
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("UPDATE"), SizeIs(1));
  scene.Run(105s);
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  EXPECT_EQ(scene.trunk.Got("INVITE")[1].body, kOther);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// §14.2: a peer whose own INVITE is under way says 500 and when to come again; the session is kept.
TEST(B2buaEarlyTest, Rule15_ARefreshToldToComeLaterDoes) {
  SbcScene::Options options;
  options.global = "sip: {session_expires: 200s}\n";
  SbcScene scene(options);
  SimPlan callee;
  callee.timer = false;
  callee.answers["UPDATE"] = 500;
  callee.answer_fields["UPDATE"] = "Retry-After: 7\r\n";
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.Run(105s);
  EXPECT_THAT(scene.trunk.Got("UPDATE"), SizeIs(1));
  scene.trunk.call(0).plan.answers.clear();
  scene.Run(5s);
  EXPECT_THAT(scene.trunk.Got("UPDATE"), SizeIs(2));
  scene.Run(80s);
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// §13.2.2.4: each 2xx has its ACK, also that of a re-INVITE without an offer whose sender hung up
// instead of acknowledging, whichever side that was.
TEST(B2buaEarlyTest, Rule13_ADelayedReinviteThatEndsUnacknowledgedIsAcknowledged) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.trunk.Do(0, {.method = "INVITE"});
  scene.Run(100us);
  scene.trunk.set_dead(true);
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("INVITE"), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("ACK"), IsEmpty());
  scene.trunk.set_dead(false);
  scene.trunk.Do(0, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("ACK"), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(1));
  EXPECT_EQ(scene.pbx.call(call).dialogs[0].state, SimDialog::State::kEnded);
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
