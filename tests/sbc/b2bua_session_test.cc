// Session timers through the whole SBC (RFC 4028; rule 15): each leg negotiates alone, whoever
// refreshes, by UPDATE or by re-INVITE; what nobody refreshes ends with a BYE on both legs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::CallEnd;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

SbcScene::Options Sessions() {
  SbcScene::Options options;
  options.global = "sip: {session_expires: 200s}\n";
  return options;
}

SimPlan Plan(bool timer, bool updates) {
  SimPlan plan;
  plan.timer = timer;
  plan.updates = updates;
  return plan;
}

// §9: an interval below ours is refused with 422 and Min-SE, and is no call yet.
TEST(B2buaSessionTest, TooSmallIs422WithMinSe) {
  SbcScene scene(Sessions());
  SimPlan plan;
  plan.session_expires = 60;
  const size_t call = scene.Outbound(plan);
  EXPECT_EQ(scene.pbx.call(call).final_status, 422);
  EXPECT_EQ(scene.pbx.Got("INVITE", 422)[0].Get("Min-SE"), "90");
  EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(0));
  scene.ExpectClean();
}

// A 422 of the callee raises what we ask for there, once, on the same route.
TEST(B2buaSessionTest, Downstream422RaisesTheInterval) {
  SbcScene scene(Sessions());
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 422, .fields = "Min-SE: 600\r\n"}};
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  const SimMessage second = scene.trunk.Got("INVITE")[1];
  EXPECT_EQ(second.Get("Session-Expires"), "600");
  EXPECT_EQ(second.Get("Min-SE"), "600");
  EXPECT_EQ(second.sequence(), 2u);
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// What one route asked for is not asked of the next.
TEST(B2buaSessionTest, TheNextRouteIsAskedForOurOwnInterval) {
  SbcScene::Options options = Sessions();
  options.routes = "{Host: 127.0.0.4, Priority: 1, Weight: 1}, {Host: 127.0.0.5, Priority: 2}";
  SbcScene scene(options);
  SimPlan raises;
  raises.script = {{.after = 10ms, .status = 422, .fields = "Min-SE: 600\r\n"}};
  SimPlan fails;
  fails.script = {{.after = 10ms, .status = 503}};
  scene.pbx.Expect(raises);
  scene.pbx.Expect(fails);
  const size_t call = scene.Inbound();
  ASSERT_THAT(scene.pbx.Got("INVITE"), SizeIs(2));
  EXPECT_EQ(scene.pbx.Got("INVITE")[1].Get("Session-Expires"), "600");
  ASSERT_THAT(scene.pbx2.Got("INVITE"), SizeIs(1));
  EXPECT_EQ(scene.pbx2.Got("INVITE")[0].Get("Session-Expires"), "200");
  EXPECT_EQ(scene.pbx2.Got("INVITE")[0].Get("Min-SE"), "90");
  scene.trunk.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// One that helps nothing is passed on as it is meant for nobody else: 422 upstream would be about a
// timer that is not the caller's.
TEST(B2buaSessionTest, Downstream422AgainEndsTheAttempt) {
  SbcScene scene(Sessions());
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 422, .fields = "Min-SE: 600\r\n"}};
  scene.trunk.Expect(callee);
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  EXPECT_EQ(scene.pbx.call(call).final_status, 500);
  scene.ExpectClean();
}

struct RefreshCase {
  const char* name;
  bool timer;
  bool updates;
  const char* method;
};
class B2buaRefreshTest : public testing::TestWithParam<RefreshCase> {};

// A peer without `timer` makes us the refresher; by UPDATE where its Allow names it, else by a
// re-INVITE with the same SDP. Neither is relayed.
TEST_P(B2buaRefreshTest, OfTheCallee) {
  const RefreshCase& with = GetParam();
  SbcScene scene(Sessions());
  SimPlan callee = Plan(with.timer, with.updates);
  callee.refresher = "uac";
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.session_expires = 2000;
  const size_t call = scene.Outbound(caller);
  scene.Run(450s);
  EXPECT_THAT(scene.trunk.Got(with.method).size(), testing::AnyOf(4u, 5u));
  for (const SimMessage& refresh : scene.trunk.Got(with.method)) {
    EXPECT_THAT(refresh.Get("Session-Expires"), HasSubstr("200")) << refresh.text;
    if (with.method == std::string("INVITE")) {
      EXPECT_EQ(refresh.body, kSdp);
    } else {
      EXPECT_EQ(refresh.body, "");
    }
  }
  EXPECT_THAT(scene.trunk.Got("ACK").size(), scene.trunk.Got("INVITE").size());
  EXPECT_THAT(scene.pbx.Got("INVITE"), IsEmpty());
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// The same towards the caller.
TEST_P(B2buaRefreshTest, OfTheCaller) {
  const RefreshCase& with = GetParam();
  SbcScene scene(Sessions());
  SimPlan callee;
  callee.refresher = "uas";
  scene.trunk.Expect(callee);
  SimPlan caller = Plan(with.timer, with.updates);
  caller.session_expires = 200;
  caller.refresher = "uas";
  const size_t call = scene.Outbound(caller);
  EXPECT_THAT(scene.pbx.Got("INVITE", 200)[0].Get("Session-Expires"), HasSubstr("refresher=uas"));
  scene.Run(450s);
  EXPECT_THAT(scene.pbx.Got(with.method).size(), testing::AnyOf(4u, 5u));
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}
INSTANTIATE_TEST_SUITE_P(ByWhat, B2buaRefreshTest,
                         testing::Values(RefreshCase{"UpdateWithTimer", true, true, "UPDATE"},
                                         RefreshCase{"UpdateWithoutTimer", false, true, "UPDATE"},
                                         RefreshCase{"InviteWithTimer", true, false, "INVITE"},
                                         RefreshCase{"InviteWithoutTimer", false, false, "INVITE"}),
                         [](const auto& param) { return std::string(param.param.name); });

// A delayed offer leaves each side's SDP in another place: a refresh by re-INVITE still has it.
TEST(B2buaSessionTest, RefreshByInviteAfterADelayedOffer) {
  SbcScene scene(Sessions());
  scene.trunk.Expect(Plan(false, false));
  SimPlan caller = Plan(false, false);
  caller.body = "";
  const size_t call = scene.Outbound(caller);
  scene.Run(250s);
  for (const SimUserAgent* agent : {&scene.pbx, &scene.trunk}) {
    const auto refreshes = agent->Got("INVITE");
    ASSERT_THAT(refreshes.size(), testing::Ge(2u)) << agent->name();
    EXPECT_EQ(refreshes.back().body, kSdp);
  }
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 15: the o= line and its version stay as they were in a refresh.
TEST(B2buaSessionTest, RefreshByInviteRepeatsTheLastSdp) {
  SbcScene scene(Sessions());
  scene.trunk.Expect(Plan(false, false));
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(150s);
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(3));
  EXPECT_EQ(scene.trunk.Got("INVITE")[2].body, kHold);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A peer that agreed to refresh and does not: BYE on both legs, shortly before the end (§10).
TEST(B2buaSessionTest, ByeWhenThePeerDoesNotRefresh) {
  SbcScene scene(Sessions());
  SimPlan caller;
  caller.session_expires = 200;
  caller.refresher = "uac";
  caller.refreshes = false;
  scene.Outbound(caller);
  scene.Run(160s);
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.Run(20s);
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kSessionExpired);
  scene.ExpectClean();
}

// A peer that refreshes, by UPDATE: it is answered here and not relayed, and the call lives.
TEST(B2buaSessionTest, PeersRefreshByUpdateEndsHere) {
  SbcScene scene(Sessions());
  SimPlan caller;
  caller.session_expires = 200;
  caller.refresher = "uac";
  const size_t call = scene.Outbound(caller);
  scene.Run(450s);
  ASSERT_THAT(scene.pbx.Got("UPDATE", 200).size(), testing::Ge(4u));
  EXPECT_EQ(scene.pbx.Got("UPDATE", 200)[0].Get("Session-Expires"), "200;refresher=uac");
  EXPECT_EQ(scene.world->calls(), 1u);
  for (const SimMessage& update : scene.trunk.Got("UPDATE")) {
    EXPECT_THAT(update.Get("User-Agent"), Not(HasSubstr("pbx")));
  }
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A peer that refreshes by re-INVITE: relayed like any, and both legs' sessions go on.
TEST(B2buaSessionTest, PeersRefreshByReinvite) {
  SbcScene scene(Sessions());
  SimPlan caller;
  caller.session_expires = 200;
  caller.refresher = "uac";
  caller.refreshes = false;
  const size_t call = scene.Outbound(caller);
  for (int i = 0; i < 4; ++i) {
    scene.Run(100s);
    scene.pbx.Do(
        call,
        {.method = "INVITE", .body = kSdp, .fields = "Session-Expires: 200;refresher=uac\r\n"});
  }
  scene.Run(100s);
  EXPECT_EQ(scene.world->calls(), 1u);
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(5));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Our own refresh retries after 491 by RFC 3261 §14.1, and the session is kept.
TEST(B2buaSessionTest, OurRefreshRetriesAfter491) {
  SbcScene scene(Sessions());
  SimPlan callee = Plan(false, true);
  callee.answers["UPDATE"] = 491;
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.Run(101s);
  EXPECT_THAT(scene.trunk.Got("UPDATE"), SizeIs(1));
  scene.trunk.call(0).plan.answers.clear();
  scene.Run(5s);
  EXPECT_THAT(scene.trunk.Got("UPDATE"), SizeIs(2));
  scene.Run(80s);
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Who has UPDATE in its Allow and refuses it all the same is refreshed by INVITE, with its SDP.
TEST(B2buaSessionTest, ARefusedUpdateIsTriedAsInvite) {
  for (const int status : {405, 501, 488, 503}) {
    SbcScene scene(Sessions());
    SimPlan callee = Plan(false, true);
    callee.answers["UPDATE"] = status;
    scene.trunk.Expect(callee);
    const size_t call = scene.Outbound();
    scene.Run(500s);
    EXPECT_THAT(scene.trunk.Got("UPDATE"), SizeIs(1)) << status;
    ASSERT_THAT(scene.trunk.Got("INVITE").size(), testing::Ge(4u)) << status;
    EXPECT_EQ(scene.trunk.Got("INVITE").back().body, kSdp) << status;
    EXPECT_EQ(scene.world->calls(), 1u) << status;
    scene.pbx.Do(call, {.method = "BYE"});
    scene.ExpectClean();
  }
}

// The SDP of such an INVITE may have been said in a reliable 183 alone.
TEST(B2buaSessionTest, ARefusedUpdateIsTriedAsInviteWithWhatA183Said) {
  SbcScene scene(Sessions());
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 183, .reliable = true, .body = kSdp},
                   {.after = 500ms, .status = 200}};
  scene.trunk.Expect(callee);
  SimPlan caller = Plan(false, true);
  caller.supports_100rel = true;
  caller.answers["UPDATE"] = 405;
  const size_t call = scene.Outbound(caller);
  scene.Run(500s);
  ASSERT_FALSE(scene.pbx.Got("INVITE").empty());
  EXPECT_EQ(scene.pbx.Got("INVITE").back().body, kSdp);
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Who refreshes may change with any refresh; the SDP is the last one all the same.
TEST(B2buaSessionTest, ARefusedUpdateIsTriedAsInviteWithTheLastSdp) {
  SbcScene scene(Sessions());
  SimPlan callee;
  callee.refresher = "uac";
  callee.refreshes = false;
  callee.answers["UPDATE"] = 405;
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.session_expires = 2000;
  const size_t call = scene.Outbound(caller);
  // Its own re-INVITE makes the callee the refresher, its UPDATE makes that us again.
  scene.trunk.Do(0, {.method = "INVITE",
                     .body = kHold,
                     .fields = "Supported: timer\r\nSession-Expires: 200;refresher=uac\r\n"});
  scene.Run(1s);
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(1s);
  scene.trunk.Do(0, {.method = "UPDATE",
                     .fields = "Supported: timer\r\nSession-Expires: 200;refresher=uas\r\n"});
  scene.Run(150s);
  ASSERT_THAT(scene.trunk.Got("UPDATE"), testing::Not(IsEmpty()));
  EXPECT_THAT(scene.trunk.Got("INVITE").size(), testing::Ge(3u));
  EXPECT_EQ(scene.trunk.Got("INVITE").back().body, kHold);
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A refused refresh is no end by itself: the session lives until it expires, and ends then.
TEST(B2buaSessionTest, RefusedRefreshEndsTheSessionInTime) {
  SbcScene scene(Sessions());
  SimPlan callee = Plan(false, true);
  callee.answers["UPDATE"] = 500;
  scene.trunk.Expect(callee);
  scene.Outbound();
  scene.Run(160s);
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.Run(30s);
  EXPECT_EQ(scene.record().end, CallEnd::kSessionExpired);
  scene.ExpectClean();
}

// A 481 to our refresh ends both legs at once.
TEST(B2buaSessionTest, RefreshOfALostDialogEndsBothLegs) {
  SbcScene scene(Sessions());
  SimPlan callee = Plan(false, true);
  callee.answers["UPDATE"] = 481;
  scene.trunk.Expect(callee);
  scene.Outbound();
  scene.Run(102s);
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kPeerLost);
  scene.ExpectClean();
}

// Each leg has its own interval (rule 15).
TEST(B2buaSessionTest, LegsNegotiateAlone) {
  SbcScene scene(Sessions());
  SimPlan callee;
  callee.session_expires = 120;
  callee.refresher = "uas";
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.session_expires = 150;
  const size_t call = scene.Outbound(caller);
  EXPECT_EQ(scene.trunk.Got("INVITE")[0].Get("Session-Expires"), "200");
  EXPECT_THAT(scene.pbx.Got("INVITE", 200)[0].Get("Session-Expires"), HasSubstr("150"));
  scene.Run(130s);
  EXPECT_THAT(scene.trunk.Sent("UPDATE"), SizeIs(2));
  EXPECT_THAT(scene.pbx.Sent("UPDATE"), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A re-INVITE that the other side finds too short for its timer: that timer is ours, so we raise it
// and the peer is told to come again, not that its own is wrong.
TEST(B2buaSessionTest, Relayed422IsOursToRaise) {
  SbcScene scene(Sessions());
  SimPlan callee;
  callee.answers["INVITE"] = 422;
  callee.answer_fields["INVITE"] = "Min-SE: 700\r\n";
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE", .body = kSdp});
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("INVITE", 500), SizeIs(1));
  EXPECT_TRUE(scene.pbx.Got("INVITE", 500)[0].Has("Retry-After"));
  scene.trunk.call(0).plan.answers.clear();
  scene.trunk.call(0).plan.answer_fields.clear();
  scene.pbx.Do(call, {.method = "INVITE", .body = kSdp});
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("INVITE").back().Get("Session-Expires"), HasSubstr("700"));
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(2));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
