// INVITEs that are refused for what they ask of us (RFC 3261 §8.2, §16.3; RFC 4028 §8; RFC 3891
// §3): what is said, and that each is one record (rule 27).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::CallEnd;
using sbc::RejectionCause;
using testing::IsEmpty;
using testing::SizeIs;

SimPlan With(const std::string& fields) {
  SimPlan plan;
  plan.fields = fields;
  return plan;
}

uint64_t RefusedByProtocol(SbcScene* scene) {
  return scene->counters().refused[static_cast<size_t>(RejectionCause::kProtocol)];
}

TEST(B2buaRefusalTest, Rule27_EachRefusedInviteIsOneRecord) {
  SimPlan strange_body;
  strange_body.content_type = "text/plain";
  SimPlan short_session = With("Session-Expires: 60\r\n");
  short_session.timer = true;
  const struct {
    int status;
    SimPlan plan;
  } kCases[] = {
      {420, With("Require: unheard-of\r\n")},
      {415, strange_body},
      {406, With("Accept: text/plain\r\n")},
      {422, short_session},
      {481, With("Replaces: nothing@here;to-tag=a;from-tag=b\r\n")},
  };
  for (const auto& test : kCases) {
    SbcScene scene;
    const size_t call = scene.Outbound(test.plan);
    ASSERT_EQ(scene.pbx.call(call).final_status, test.status);
    scene.pbx.SendRaw(scene.pbx.call(call).invite.text);  // A repeat is no other call.
    scene.Run(1s);
    ASSERT_THAT(scene.world->records(), SizeIs(1)) << test.status;
    EXPECT_EQ(scene.record().end, CallEnd::kRefused);
    EXPECT_EQ(scene.record().cause, RejectionCause::kProtocol);
    EXPECT_EQ(scene.record().status_code, test.status);
    EXPECT_EQ(scene.record().connector_id.view(), "dr3rbaar376u5r4ntcnlq4");
    EXPECT_EQ(scene.record().caller_call_id.view(), scene.pbx.call(call).call_id);
    EXPECT_EQ(scene.record().called.view(), "+18155558245");
    EXPECT_NE(scene.record().detail.view(), "");
    EXPECT_EQ(RefusedByProtocol(&scene), 1u);
    EXPECT_THAT(scene.trunk.log(), IsEmpty());
    scene.ExpectClean();
  }
}

TEST(B2buaRefusalTest, Rule20_AnInviteAtItsLastHopIsOneRecord) {
  SbcScene scene;
  scene.pbx.SendRaw(
      "INVITE sip:+18155558245@127.0.0.2 SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 127.0.0.4:5060;rport;branch=z9hG4bKhops\r\nMax-Forwards: 0\r\n"
      "From: <sip:+16185558387@127.0.0.4>;tag=pbxonetaghops\r\n"
      "To: <sip:+18155558245@127.0.0.2>\r\nCall-ID: pbxonehops\r\nCSeq: 1 INVITE\r\n"
      "Contact: <sip:asterisk@127.0.0.4>\r\nContent-Length: 0\r\n\r\n");
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 483), testing::Not(IsEmpty()));
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().status_code, 483);
  EXPECT_EQ(scene.record().cause, RejectionCause::kProtocol);
  scene.ExpectClean();
}

// Who may not call is told that first, and is one record too, not two.
TEST(B2buaRefusalTest, Rule27_TheFirstReasonIsTheRecords) {
  SbcScene scene({.termination = "CpsLimit: 0, CallingRegions: [US], "
                                 "CidrAllowedList: [127.0.0.5/32], Disabled: false",
                  .global = "rejections: {cidr: 403}\n"});
  const size_t call = scene.Outbound(With("Require: unheard-of\r\n"));
  EXPECT_EQ(scene.pbx.call(call).final_status, 403);
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().cause, RejectionCause::kCidr);
  EXPECT_EQ(RefusedByProtocol(&scene), 0u);
  scene.ExpectClean();
}

// A merged request (§8.2.2.2) is the same call by another way: it has its record already.
TEST(B2buaRefusalTest, Rule27_AMergedRequestIsNoOtherCall) {
  SbcScene scene;
  SimPlan rings;
  rings.script = {{.after = 10ms, .status = 180}};
  scene.trunk.Expect(rings);
  const size_t call = scene.Outbound();
  std::string text = scene.pbx.call(call).invite.text;
  const std::string branch = scene.pbx.call(call).invite.Branch();
  text.replace(text.find(branch), branch.size(), "z9hG4bKotherway");
  scene.pbx.SendRaw(text);
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 482), testing::Not(IsEmpty()));
  scene.pbx.Do(call, {.method = "CANCEL"});
  scene.Run(1s);
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCanceled);
  scene.ExpectClean();
}

// §8.2.2.3: a 420 says what is not supported, however long its names are.
TEST(B2buaRefusalTest, LongOptionTagsStandInUnsupported) {
  SbcScene scene;
  std::string tags;
  for (const char letter : {'a', 'b', 'c'}) {
    tags += (tags.empty() ? "" : ", ") + std::string(300, letter);
  }
  const size_t call = scene.Outbound(With("Require: 100rel, " + tags + "\r\n"));
  EXPECT_EQ(scene.pbx.call(call).final_status, 420);
  EXPECT_EQ(scene.pbx.Got("INVITE", 420).at(0).Get("Unsupported"), tags);
  scene.ExpectClean();
}

// More than kUnsupportedMax of them: as many as fit, each whole.
TEST(B2buaRefusalTest, MoreOptionTagsThanFitAreLeftOutWhole) {
  SbcScene scene;
  std::string tags;
  for (char letter = 'a'; letter <= 'o'; ++letter) {
    tags += (tags.empty() ? "" : ", ") + std::string(1500, letter);
  }
  const size_t call = scene.Outbound(With("Require: " + tags + "\r\n"));
  EXPECT_EQ(scene.pbx.call(call).final_status, 420);
  const std::string said = scene.pbx.Got("INVITE", 420).at(0).Get("Unsupported");
  EXPECT_EQ(said, tags.substr(0, said.size()));
  EXPECT_EQ(said.size() % 1502, 1500u) << "ends with a tag";
  EXPECT_GE(said.size(), 10u * 1502u - 2);
  EXPECT_LT(said.size(), tags.size());
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
