// What follows an INVITE that the trunk has challenged (RFC 3261 §22.2, §22.3): the connector's
// credentials go on, and are asked for again only when the trunk has forgotten them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "core/sip/digest.h"
#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using core::sip::DigestAlgorithm;
using core::sip::DigestServer;
using core::sip::ParseError;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// The trunk's side of it: challenges of its own, and its judgement of what answers them.
class Judge {
 public:
  std::string Challenge(const char* name, bool stale = false) {
    char bytes[1024];
    core::sip::TextWriter value({bytes, sizeof(bytes)});
    server_.WriteChallenge(DigestAlgorithm::kSha256, stale, "", core::Instant{}, &value);
    return std::string(name) + ": " + std::string(value.text()) + "\r\n";
  }
  bool Accepts(const SimMessage& request, const char* name, std::string_view method) {
    const std::string value = request.Get(name);
    core::sip::DigestCredentials credentials;
    if (core::sip::ParseDigestCredentials(value, &credentials) != ParseError::kOk) return false;
    uses.push_back(credentials.nonce_count);
    return server_.Verify(credentials,
                          {.method = method, .uri = request.uri(), .body = request.body}, "p", "",
                          core::Instant{}) == DigestServer::Outcome::kAccepted;
  }
  std::vector<uint32_t> uses;

 private:
  DigestServer server_{"aws", std::array<uint8_t, 32>{1, 2, 3}, 1h};
};

SimPlan Challenged(Judge* judge) {
  SimPlan plan;
  plan.script = {{.after = 10ms, .status = 407, .fields = judge->Challenge("Proxy-Authenticate")}};
  return plan;
}

SbcScene::Options WithCredentials() {
  SbcScene::Options options;
  options.connector = "    credentials: {username: u, password: p}\n";
  return options;
}

// Asked once for the INVITE, the SBC says who it is in all that follows, with a growing count; the
// ACK has what its INVITE had (§13.2.2.4).
TEST(B2buaDigestTest, CredentialsGoOnInTheDialog) {
  SbcScene scene(WithCredentials());
  Judge judge;
  scene.trunk.Expect(Challenged(&judge));
  const size_t call = scene.Outbound();
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  const SimMessage invite = scene.trunk.Got("INVITE")[1];
  EXPECT_TRUE(judge.Accepts(invite, "Proxy-Authorization", "INVITE"));
  ASSERT_THAT(scene.trunk.Got("ACK"), SizeIs(2));  // The 407's has none.
  EXPECT_EQ(scene.trunk.Got("ACK")[1].Get("Proxy-Authorization"),
            invite.Get("Proxy-Authorization"));
  scene.pbx.Do(call, {.method = "INFO", .body = "5", .fields = "Content-Type: text/plain\r\n"});
  scene.Run(1s);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_TRUE(judge.Accepts(scene.trunk.Got("INFO")[0], "Proxy-Authorization", "INFO"));
  EXPECT_TRUE(judge.Accepts(scene.trunk.Got("BYE")[0], "Proxy-Authorization", "BYE"));
  EXPECT_THAT(judge.uses, testing::ElementsAre(1u, 2u, 3u));
  for (const auto& entry : scene.pbx.log()) {
    EXPECT_EQ(entry.text.find("Proxy-Auth"), std::string::npos) << "digest ends at each leg";
  }
  scene.ExpectClean();
}

// So has the ACK of another early dialog's 2xx, which no call wants, and of its repeat (§13.2.2.4).
TEST(B2buaDigestTest, TheAckOfAnUnwantedAnswerHasTheInvitesCredentials) {
  SbcScene scene(WithCredentials());
  Judge judge;
  scene.trunk.Expect(Challenged(&judge));
  SimPlan forks;
  forks.script = {{.after = 10ms, .status = 200, .body = kSdp},
                  {.after = 50ms, .status = 200, .fork = 1, .body = kSdp}};
  scene.trunk.Expect(forks);
  const size_t call = scene.Outbound();
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  const std::string credentials = scene.trunk.Got("INVITE")[1].Get("Proxy-Authorization");
  EXPECT_NE(credentials, "");
  scene.trunk.SendRaw(scene.trunk.Sent("INVITE", 200).back().text);
  scene.Run(1s);
  const auto acks = scene.trunk.Got("ACK");
  ASSERT_THAT(acks, SizeIs(4));  // Of the 407, of what is bridged, of the other twice.
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(acks[i].Get("Proxy-Authorization"), credentials);
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A request inside the dialog that is challenged goes again with its body; what is refused all the
// same ends as 403 with who asked for it.
TEST(B2buaDigestTest, AChallengeInsideTheDialogIsAnswered) {
  for (const char* method : {"INFO", "INVITE", "UPDATE"}) {
    SbcScene scene(WithCredentials());
    Judge judge;
    const size_t call = scene.Outbound();
    SimPlan& trunk = scene.trunk.call(0).plan;
    trunk.answers[method] = 401;
    trunk.answer_fields[method] = judge.Challenge("WWW-Authenticate");
    const size_t before = scene.trunk.Got(method).size();
    scene.pbx.Do(call, {.method = method, .body = kSdp});
    scene.Run(2s);
    const auto got = scene.trunk.Got(method);
    ASSERT_EQ(got.size(), before + 2) << method;
    EXPECT_FALSE(got[before].Has("Authorization"));
    EXPECT_EQ(got[before + 1].body, kSdp);
    EXPECT_EQ(got[before + 1].sequence(), got[before].sequence() + 1);
    EXPECT_EQ(got[before + 1].Get("Content-Type"), "application/sdp");
    EXPECT_NE(got[before + 1].Branch(), got[before].Branch());
    EXPECT_TRUE(judge.Accepts(got[before + 1], "Authorization", method)) << method;
    EXPECT_THAT(scene.pbx.Got(method, 403), SizeIs(1)) << method;
    EXPECT_THAT(scene.pbx.Got(method, 401), IsEmpty());
    trunk.answers.clear();
    scene.pbx.Do(call, {.method = method, .body = kSdp});
    scene.Run(2s);
    EXPECT_THAT(scene.pbx.Got(method, 200), SizeIs(testing::Ge(1u)));
    scene.pbx.Do(call, {.method = "BYE"});
    scene.ExpectClean();
  }
}

// A BYE that the trunk challenges would leave its side of the call standing.
TEST(B2buaDigestTest, AChallengedByeGoesAgain) {
  SbcScene scene(WithCredentials());
  Judge judge;
  const size_t call = scene.Inbound();
  SimPlan& trunk = scene.trunk.call(call).plan;
  trunk.answers["BYE"] = 401;
  trunk.answer_fields["BYE"] = judge.Challenge("WWW-Authenticate");
  scene.pbx.Do(0, {.method = "BYE"});
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("BYE"), SizeIs(2));
  EXPECT_TRUE(judge.Accepts(scene.trunk.Got("BYE")[1], "Authorization", "BYE"));
  scene.ExpectClean();
}

// A trunk that challenges the BYE of an answer that no call wants would keep its side, too: one
// that crossed our CANCEL, of a call that is gone.
TEST(B2buaDigestTest, Rule14_AChallengedByeOfAnAnswerThatCrossedOurCancelGoesAgain) {
  SbcScene scene(WithCredentials());
  Judge judge;
  SimLink slow;
  slow.delay = 200ms;  // Within T1, so that no BYE is sent again by itself.
  scene.network.SetLink(core::IpAddress::FromV4(0x7f000003), scene.trunk.local().ip, slow);
  scene.network.SetLink(scene.trunk.local().ip, core::IpAddress::FromV4(0x7f000003), slow);
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 180}, {.after = 500ms, .status = 200, .body = kSdp}};
  callee.answers["BYE"] = 401;
  callee.answer_fields["BYE"] = judge.Challenge("WWW-Authenticate");
  scene.trunk.Expect(callee);
  SimPlan cancels;
  cancels.script = {{.after = 700ms, .method = "CANCEL"}};
  const size_t call = scene.pbx.Place(cancels);
  scene.Run(10s);
  EXPECT_EQ(scene.pbx.call(call).final_status, 487);
  EXPECT_EQ(scene.world->calls(), 0u);
  const auto byes = scene.trunk.Got("BYE");
  ASSERT_THAT(byes, SizeIs(2));
  EXPECT_FALSE(byes[0].Has("Authorization"));
  EXPECT_TRUE(judge.Accepts(byes[1], "Authorization", "BYE"));
  EXPECT_EQ(byes[1].sequence(), byes[0].sequence() + 1);
  EXPECT_EQ(byes[1].Tag("To"), byes[0].Tag("To"));
  EXPECT_NE(byes[1].Branch(), byes[0].Branch());
  scene.ExpectClean();
}

// The second answer of a call that goes on, and an early dialog that the caller ended; each time
// the trunk asks again and again, and is answered once.
TEST(B2buaDigestTest, Rule14_SuchAByeGoesAgainOnce) {
  for (const bool early : {false, true}) {
    SbcScene scene(WithCredentials());
    Judge judge;
    SimPlan callee;
    callee.script = {{.after = 20ms, .status = 180},
                     {.after = 20ms, .status = 180, .fork = 1},
                     {.after = 2s, .status = 200, .body = kSdp}};
    if (!early) callee.script.push_back({.after = 20ms, .status = 200, .fork = 1, .body = kSdp});
    callee.answers["BYE"] = 401;
    callee.answer_fields["BYE"] = judge.Challenge("WWW-Authenticate", /*stale=*/true);
    scene.trunk.Expect(callee);
    const size_t call = scene.Outbound();
    if (early) scene.pbx.Do(call, {.method = "BYE", .fork = 1, .rude = true});
    for (int i = 0; i < 3000; ++i) {
      scene.Run(1ms);
      SimDialog& ended = scene.trunk.call(0).dialogs[1];
      if (ended.state == SimDialog::State::kEnded) ended.state = SimDialog::State::kConfirmed;
    }
    EXPECT_EQ(scene.pbx.call(call).final_status, 200);
    ASSERT_THAT(scene.trunk.Got("BYE"), SizeIs(2)) << early;
    EXPECT_TRUE(judge.Accepts(scene.trunk.Got("BYE")[1], "Authorization", "BYE"));
    scene.trunk.call(0).dialogs[1].state = SimDialog::State::kEnded;
    scene.trunk.call(0).plan.answers.clear();
    scene.pbx.Do(call, {.method = "BYE"});
    scene.ExpectClean();
  }
}

// Only a nonce that has grown old is answered again, and a trunk that finds each one old is
// answered so often and no more.
TEST(B2buaDigestTest, StaleNoncesAreAnsweredSoOften) {
  SbcScene scene(WithCredentials());
  Judge judge;
  const size_t call = scene.Outbound();
  SimPlan& trunk = scene.trunk.call(0).plan;
  trunk.answers["INFO"] = 401;
  trunk.answer_fields["INFO"] = judge.Challenge("WWW-Authenticate", /*stale=*/true);
  scene.pbx.Do(call, {.method = "INFO"});
  scene.Run(5s);
  EXPECT_THAT(scene.trunk.Got("INFO"), SizeIs(1 + sbc::LegCredentials::kChallengesMax));
  EXPECT_THAT(scene.pbx.Got("INFO", 403), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A PBX that challenges us is told nothing of the trunk's password.
TEST(B2buaDigestTest, OnlyTheTrunkIsToldWhoWeAre) {
  SbcScene scene(WithCredentials());
  Judge judge;
  SimPlan challenges;
  challenges.script = {
      {.after = 10ms, .status = 401, .fields = judge.Challenge("WWW-Authenticate")}};
  scene.pbx.Expect(challenges);
  const size_t call = scene.Inbound();
  EXPECT_EQ(scene.trunk.call(call).final_status, 403);
  ASSERT_THAT(scene.pbx.Got("INVITE"), SizeIs(1));
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
