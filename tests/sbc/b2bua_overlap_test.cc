// What happens while something else is still on its way: a hang-up while an answer is held, a PRACK
// without room, a BYE against a BYE that waits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/sip/digest.h"
#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::CallEnd;
using testing::IsEmpty;
using testing::SizeIs;

// The callee's 2xx waits for the caller's PRACK, and the callee hangs up: for it the dialog was
// confirmed (RFC 3261 §15). The caller hears of no answer.
TEST(B2buaOverlapTest, Rule13_TheCalleeHangsUpWhileItsAnswerIsHeld) {
  SbcScene scene;
  SimPlan callee;
  callee.script = {{.after = 20ms, .status = 183, .body = kSdp},
                   {.after = 100ms, .status = 200, .body = kSdp}};
  callee.confirmed = {{.after = 100ms, .method = "BYE"}};
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.requires_100rel = true;
  caller.prack = false;
  const size_t call = scene.Outbound(caller);
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("BYE", 200), SizeIs(1));
  EXPECT_EQ(scene.pbx.call(call).final_status, 480);
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), IsEmpty());
  EXPECT_THAT(scene.trunk.Got("BYE"), IsEmpty());
  EXPECT_EQ(scene.world->calls(), 0u);
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kFailed);
  scene.ExpectClean();
}

// A PRACK that found no room may come again, and then it acknowledges.
TEST(B2buaOverlapTest, Rule13_ARefusedPrackMayComeAgain) {
  SbcScene scene;
  SimPlan callee;
  callee.script = {{.after = 20ms, .status = 183, .reliable = true, .body = kSdp},
                   {.after = 5s, .status = 200}};
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.supports_100rel = true;
  caller.prack = false;
  const size_t call = scene.Outbound(caller);
  const std::string rack =
      "RAck: " + scene.pbx.Got("INVITE", 183).at(0).Get("RSeq") + " 23513 INVITE\r\n";
  for (int i = 0; i < 9; ++i) scene.pbx.Do(call, {.method = "INFO"});
  scene.pbx.Do(call, {.method = "PRACK", .fields = rack});
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("PRACK", 500), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("PRACK"), IsEmpty());
  scene.pbx.Do(call, {.method = "PRACK", .fields = rack});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("PRACK", 200), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("PRACK"), SizeIs(1));
  scene.Run(5s);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// The callee hung up, and our BYE to the caller waits for its ACK (RFC 3261 §15). A BYE of its own
// says that there is none to wait for.
TEST(B2buaOverlapTest, Rule14_TheCallersByeEndsTheWaitForItsAck) {
  SbcScene scene;
  SimPlan callee;
  callee.confirmed = {{.after = 50ms, .method = "BYE"}};
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.ack = false;
  const size_t call = scene.Outbound(caller);
  scene.Run(500ms);
  ASSERT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(500ms);
  EXPECT_THAT(scene.pbx.Got("BYE", 200), SizeIs(1));
  EXPECT_EQ(scene.world->calls(), 0u);
  scene.Run(40s);
  EXPECT_THAT(scene.pbx.Got("BYE"), IsEmpty());
  scene.ExpectClean();
}

// RFC 5057 §5.1: a subscription that the far end does not know ends by itself.
TEST(B2buaOverlapTest, Rule15_A481ToANotifyDoesNotEndTheCall) {
  SbcScene scene;
  SimPlan caller;
  caller.answers["NOTIFY"] = 481;
  const size_t call = scene.Outbound(caller);
  scene.trunk.Do(
      0, {.method = "NOTIFY", .fields = "Event: refer;id=7\r\nSubscription-State: active\r\n"});
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("NOTIFY", 481), SizeIs(1));
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A challenged INVITE is no call yet (rule 5): the one with the password is the first that counts.
TEST(B2buaOverlapTest, Rule05_AChallengeCountsAgainstNoRate) {
  for (const char* limits :
       {"calls: 100, calls_per_second: 1", "calls: 100, calls_per_second_per_source: 1"}) {
    SbcScene::Options options;
    options.limits = limits;
    options.connector =
        "    customers: [{cidrs: [127.0.0.4/30], credentials: [{username: u, password: p}]}]\n";
    SbcScene scene(options);
    (void)scene.Outbound();
    ASSERT_THAT(scene.pbx.Got("INVITE", 401), SizeIs(1));
    core::sip::DigestChallenge challenge;
    const std::string asked = scene.pbx.Got("INVITE", 401)[0].Get("WWW-Authenticate");
    ASSERT_EQ(core::sip::ParseDigestChallenge(asked, &challenge), core::sip::ParseError::kOk);
    const auto with = [&](uint32_t count) {
      char bytes[1024];
      core::sip::TextWriter value({bytes, sizeof(bytes)});
      EXPECT_TRUE(core::sip::WriteDigestCredentials(
          challenge, {.username = "u", .password = "p"},
          {.method = "INVITE", .uri = scene.pbx.Sent("INVITE")[0].uri(), .body = {}},
          {.count = count, .cnonce = "x"}, &value));
      SimPlan plan;
      plan.fields = "Authorization: " + std::string(value.text()) + "\r\n";
      return plan;
    };
    scene.Run(2s);
    (void)scene.pbx.Place({});
    scene.Run(50ms);
    const size_t call = scene.pbx.Place(with(1));
    const size_t other = scene.pbx.Place(with(2));
    scene.Run(2s);
    EXPECT_EQ(scene.pbx.call(call).final_status, 200) << limits;
    EXPECT_EQ(scene.pbx.call(other).final_status, 503) << limits;
    // From another address the same credentials are nobody's.
    const size_t replayed = scene.pbx2.Place(with(3));
    scene.Run(2s);
    EXPECT_EQ(scene.pbx2.call(replayed).final_status, 401);
    scene.pbx.Do(call, {.method = "BYE"});
    scene.ExpectClean();
  }
}

}  // namespace
}  // namespace tests
