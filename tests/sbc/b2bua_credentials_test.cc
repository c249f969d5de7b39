// Customers that must prove who they are (RFC 3261 §22, RFC 7616 §3.4.5): what they said once
// serves nobody again, and they themselves are not asked more often than that takes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/sip/digest.h"
#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

SbcScene::Options Asking(uint16_t workers = 1) {
  SbcScene::Options options;
  options.workers = workers;
  options.limits = "calls: 400";
  options.connector =
      "    customers: [{cidrs: [127.0.0.4/30], credentials: [{username: u, password: p}]}]\n";
  return options;
}

/// What the last 401 asked for.
std::string Asked(const SbcScene& scene) {
  const auto challenges = scene.pbx.Got("INVITE", 401);
  return challenges.empty() ? "" : challenges.back().Get("WWW-Authenticate");
}

SimPlan With(const std::string& asked, uint32_t count) {
  core::sip::DigestChallenge challenge;
  EXPECT_EQ(core::sip::ParseDigestChallenge(asked, &challenge), core::sip::ParseError::kOk);
  char bytes[1024];
  core::sip::TextWriter value({bytes, sizeof(bytes)});
  EXPECT_TRUE(core::sip::WriteDigestCredentials(
      challenge, {.username = "u", .password = "p"},
      {.method = "INVITE", .uri = "sip:+18155558245@127.0.0.2", .body = kSdp},
      {.count = count, .cnonce = "x"}, &value));
  SimPlan plan;
  plan.fields = "Authorization: " + std::string(value.text()) + "\r\n";
  return plan;
}

uint64_t Challenged(SbcScene* scene) {
  return scene->world->worker(0).CurrentSnapshot().calls.challenged;
}

TEST(B2buaCredentialsTest, OverheardCredentialsServeNobody) {
  SbcScene scene(Asking());
  (void)scene.Outbound();
  const std::string asked = Asked(scene);
  EXPECT_THAT(asked, Not(HasSubstr("stale")));
  EXPECT_EQ(scene.pbx.call(scene.Outbound(With(asked, 1))).final_status, 200);
  EXPECT_EQ(scene.pbx.call(scene.Outbound(With(asked, 1))).final_status, 401);
  const std::string again = Asked(scene);
  EXPECT_THAT(again, HasSubstr("stale=true"));
  EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
  // Who has the password goes on with either nonce, and without a further question.
  EXPECT_EQ(scene.pbx.call(scene.Outbound(With(again, 1))).final_status, 200);
  EXPECT_EQ(scene.pbx.call(scene.Outbound(With(asked, 2))).final_status, 200);
  EXPECT_EQ(Challenged(&scene), 2u);
  for (size_t call = 0; call < scene.pbx.calls(); ++call) scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A client that would only have to answer anew is told so, whatever else it says beside that.
TEST(B2buaCredentialsTest, StaleIsToldBesideAnotherUsersCredentials) {
  SbcScene scene(Asking());
  (void)scene.Outbound();
  SimPlan plan = With(Asked(scene), 1);
  const size_t first = scene.Outbound(plan);
  EXPECT_EQ(scene.pbx.call(first).final_status, 200);
  std::string other = plan.fields;
  other.replace(other.find("username=\"u\""), 12, "username=\"x\"");
  plan.fields += other;
  EXPECT_EQ(scene.pbx.call(scene.Outbound(plan)).final_status, 401);
  EXPECT_THAT(Asked(scene), HasSubstr("stale=true"));
  scene.pbx.Do(first, {.method = "BYE"});
  scene.ExpectClean();
}

// The same INVITE that comes twice is one request: its transaction answers the second.
TEST(B2buaCredentialsTest, ARetransmissionIsNoReplay) {
  SbcScene scene(Asking());
  SimLink twice;
  twice.delay = 5ms;
  twice.jitter = 50ms;
  twice.duplicate = 1;
  scene.network.SetLink(scene.pbx.local().ip, scene.pbx.sbc().ip, twice);
  (void)scene.Outbound();
  EXPECT_EQ(Challenged(&scene), 1u);
  const size_t call = scene.Outbound(With(Asked(scene), 1));
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  EXPECT_EQ(Challenged(&scene), 1u);
  EXPECT_GT(scene.world->worker(0).CurrentSnapshot().transactions.request_repeats, 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A call is its Call-ID's worker's, so the same credentials come to all of them.
TEST(B2buaCredentialsTest, AllWorkersTogetherTakeThemOnce) {
  SbcScene scene(Asking(4));
  (void)scene.Outbound();
  const SimPlan overheard = With(Asked(scene), 1);
  for (int i = 0; i < 40; ++i) (void)scene.pbx.Place(overheard);
  scene.Run(2s);
  EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("INVITE", 401), SizeIs(40));
  EXPECT_THAT(Asked(scene), HasSubstr("stale=true"));
  for (size_t call = 0; call < scene.pbx.calls(); ++call) scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
