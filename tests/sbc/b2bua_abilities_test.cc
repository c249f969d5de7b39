// What we say we can do, and what we answer to who asks for more (RFC 3261 §8.2, §20.5; rules 16,
// 18, 20), inside of dialogs and outside.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

SbcScene::Options Global(const std::string& setting) {
  SbcScene::Options options;
  options.global = setting + "\n";
  return options;
}

SimPlan Script(std::vector<SimStep> script) {
  SimPlan plan;
  plan.script = std::move(script);
  return plan;
}

std::string Outside(const std::string& method, const std::string& fields) {
  return method +
         " sip:127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.4:5060;rport;branch=z9hG4bKo" +
         method + "\r\nMax-Forwards: 70\r\nFrom: <sip:a@127.0.0.4>;tag=a\r\n" +
         "To: <sip:127.0.0.2>\r\nCall-ID: o" + method + "\r\nCSeq: 1 " + method + "\r\n" + fields +
         "Content-Length: 0\r\n\r\n";
}

// Rule 20: each request inside a dialog has an answer, also where it requires what only an INVITE
// outside of one may (RFC 3891 §3).
TEST(B2buaAbilitiesTest, Rule20_RequireReplacesInsideTheDialogIs420) {
  SbcScene scene(Global("transfer: pass"));
  const size_t call = scene.Outbound();
  for (const char* method : {"INVITE", "INFO", "UPDATE"}) {
    scene.pbx.Do(call, {.method = method, .fields = "Require: replaces\r\n"});
    scene.Run(1s);
    ASSERT_THAT(scene.pbx.Got(method, 420), SizeIs(1)) << method;
    EXPECT_EQ(scene.pbx.Got(method, 420)[0].Get("Unsupported"), "replaces");
  }
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 18: only the side that may transfer is told so (RFC 3515 §2.4.1, RFC 3891 §4).
TEST(B2buaAbilitiesTest, Rule18_ReferAndReplacesAreNamedWhereTheyPass) {
  SbcScene scene(Global("transfer: {customer: pass}"));
  scene.pbx.SendRaw(Outside("OPTIONS", ""));
  const size_t call = scene.Outbound();
  for (const SimMessage& message :
       {scene.pbx.Got("OPTIONS", 200)[0], scene.pbx.Got("INVITE", 200)[0]}) {
    EXPECT_TRUE(message.Lists("Allow", "REFER"));
    EXPECT_TRUE(message.Lists("Supported", "replaces"));
  }
  const SimMessage invite = scene.trunk.Got("INVITE")[0];
  EXPECT_FALSE(invite.Lists("Allow", "REFER"));
  EXPECT_FALSE(invite.Lists("Supported", "replaces"));
  EXPECT_TRUE(invite.Lists("Supported", "timer"));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// RFC 3261 §21.4.6: a 405 lists what would do, so never the method it refuses.
TEST(B2buaAbilitiesTest, Rule20_AllowNeverNamesWhatWasRefused) {
  for (const char* method : {"REGISTER", "SUBSCRIBE", "PUBLISH", "MESSAGE"}) {
    SbcScene scene;
    scene.pbx.SendRaw(Outside(method, ""));
    scene.Run(100ms);
    ASSERT_THAT(scene.pbx.Got(method, 405), SizeIs(1)) << method;
    EXPECT_TRUE(scene.pbx.Got(method, 405)[0].Lists("Allow", "INVITE"));
    EXPECT_FALSE(scene.pbx.Got(method, 405)[0].Lists("Allow", method)) << method;
    scene.ExpectClean();
  }
  SbcScene scene;
  scene.pbx.SendRaw(Outside("NOTIFY", "Event: refer\r\nSubscription-State: active\r\n"));
  scene.Run(100ms);
  EXPECT_THAT(scene.pbx.Got("NOTIFY", 481), SizeIs(1)) << "RFC 6665 §4.1.3";
  scene.ExpectClean();
}

// Rule 18: what may pass is inside a dialog, wherever `transfer` lets it.
TEST(B2buaAbilitiesTest, Rule18_ReferOutsideOfADialogIs403) {
  for (const char* setting : {"transfer: refuse", "transfer: pass"}) {
    SbcScene scene(Global(setting));
    scene.pbx.SendRaw(Outside("REFER", "Refer-To: <sip:+18155551234@127.0.0.2>\r\n"));
    scene.Run(100ms);
    EXPECT_THAT(scene.pbx.Got("REFER", 403), SizeIs(1)) << setting;
    EXPECT_THAT(scene.trunk.log(), IsEmpty());
    scene.ExpectClean();
  }
}

// RFC 3261 §11.2: OPTIONS is judged as the INVITE would be.
TEST(B2buaAbilitiesTest, OptionsWithAnUnknownRequireIs420) {
  SbcScene scene;
  scene.pbx.SendRaw(Outside("OPTIONS", "Require: unheard-of\r\n"));
  scene.Run(100ms);
  ASSERT_THAT(scene.pbx.Got("OPTIONS", 420), SizeIs(1));
  EXPECT_EQ(scene.pbx.Got("OPTIONS", 420)[0].Get("Unsupported"), "unheard-of");
  scene.ExpectClean();
}

// §8.2.3: a body that is no offer is 415 with Accept, in the dialog too; beside an emergency call's
// place it passes (rule 6).
TEST(B2buaAbilitiesTest, UnknownBodiesOfOffersAre415) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  for (const char* method : {"INVITE", "UPDATE"}) {
    scene.pbx.Do(call, {.method = method, .body = "x", .fields = "Content-Type: a/b\r\n"});
    scene.Run(1s);
    ASSERT_THAT(scene.pbx.Got(method, 415), SizeIs(1));
    EXPECT_TRUE(scene.pbx.Got(method, 415)[0].Lists("Accept", "application/sdp"));
  }
  const std::string parts = "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n";
  scene.pbx.Do(call, {.method = "INVITE",
                      .body = parts,
                      .fields = "Content-Type: multipart/mixed;boundary=b\r\n"});
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  EXPECT_EQ(scene.trunk.Got("INVITE")[1].body, parts);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Contact stands where the RFCs let it (RFC 3261 §20 tables 2 and 3, RFC 3262, 3428, 6086).
TEST(B2buaAbilitiesTest, ContactStandsOnlyWhereItMeansSomething) {
  SbcScene scene(Global("message: pass"));
  SimPlan plan;
  plan.supports_100rel = true;
  scene.trunk.Expect(Script({{.after = 20ms, .status = 183, .reliable = true, .body = kSdp},
                             {.after = 300ms, .status = 200, .body = kSdp}}));
  const size_t call = scene.Outbound(plan);
  for (const char* method : {"INFO", "MESSAGE", "NOTIFY", "UPDATE"}) {
    scene.pbx.Do(call, {.method = method, .body = "x", .fields = "Content-Type: a/b\r\n"});
    scene.Run(1s);
  }
  scene.pbx.Do(call, {.method = "UPDATE", .body = kSdp});
  scene.Run(1s);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(1s);
  for (const char* method : {"PRACK", "INFO", "MESSAGE", "BYE"}) {
    ASSERT_THAT(scene.trunk.Got(method), SizeIs(1)) << method;
    EXPECT_FALSE(scene.trunk.Got(method)[0].Has("Contact")) << method;
    EXPECT_FALSE(scene.pbx.Got(method, 200)[0].Has("Contact")) << method;
  }
  for (const char* method : {"INVITE", "NOTIFY", "UPDATE"}) {
    EXPECT_TRUE(scene.trunk.Got(method)[0].Has("Contact")) << method;
  }
  EXPECT_TRUE(scene.pbx.Got("UPDATE", 200)[0].Has("Contact"));
  scene.ExpectClean();
}

// Rule 16: the table holds for BYE too: each Reason (RFC 3326), User-to-User (RFC 7433).
TEST(B2buaAbilitiesTest, Rule16_FieldsOfAByeCross) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "BYE",
                      .fields = "Reason: Q.850;cause=16\r\nReason: SIP;cause=200\r\n"
                                "User-to-User: 56a390;encoding=hex\r\nX-Inside: secret\r\n"});
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  const SimMessage bye = scene.trunk.Got("BYE")[0];
  EXPECT_THAT(bye.All("Reason"), testing::ElementsAre("Q.850;cause=16", "SIP;cause=200"));
  EXPECT_EQ(bye.Get("User-to-User"), "56a390;encoding=hex");
  EXPECT_FALSE(bye.Has("X-Inside"));
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
