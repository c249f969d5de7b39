// The search for a route through the whole SBC (rules 7, 8, 11, 19): time-outs, the next address,
// the next route, what owns the call, where packets go.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::CallEnd;
using sbc::RouteEvent;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

SimPlan Script(std::vector<SimStep> script) {
  SimPlan plan;
  plan.script = std::move(script);
  return plan;
}

SbcScene::Options Routes(const std::string& more = "") {
  SbcScene::Options options;
  options.routes =
      "{Host: 127.0.0.4, Priority: 1, Weight: 1}, {Host: 127.0.0.5, Priority: 2, Weight: 1}";
  options.failover += more;
  return options;
}

core::Endpoint At(const char* text) {
  core::Endpoint endpoint;
  CHECK(core::Endpoint::Parse(text, &endpoint));
  return endpoint;
}

// Rule 7: answer_timeout runs to the first response of any kind; then the next route.
TEST(B2buaRouteTest, SilenceFailsOverAfterAnswerTimeout) {
  SbcScene scene(Routes());
  scene.pbx.set_dead(true);
  const size_t call = scene.Inbound();
  scene.Run(2900ms);
  EXPECT_THAT(scene.pbx2.Got("INVITE"), SizeIs(0));
  scene.Run(200ms);
  EXPECT_THAT(scene.pbx2.Got("INVITE"), SizeIs(1));
  scene.Run(1s);
  EXPECT_EQ(scene.trunk.call(call).final_status, 200);
  EXPECT_EQ(scene.counters().failovers, 1u);
  scene.trunk.Do(call, {.method = "BYE"});
  scene.Run(1s);
  ASSERT_THAT(scene.record().routes.steps.size(), 2u);
  EXPECT_EQ(scene.record().routes.steps[0].event, RouteEvent::kNoAnswer);
  EXPECT_EQ(scene.record().routes.steps[1].event, RouteEvent::kAnswered);
  scene.ExpectClean();
}

// Rule 7: progress_timeout from a 100 to the first 101-199; the route that was given up is
// cancelled, since it has sent a provisional.
TEST(B2buaRouteTest, OnlyTryingFailsOverAfterProgressTimeout) {
  SbcScene scene(Routes());
  scene.pbx.Expect(Script({{.after = 10ms, .status = 100}}));
  const size_t call = scene.Inbound();
  scene.Run(8s);
  EXPECT_THAT(scene.pbx2.Got("INVITE"), SizeIs(0));
  scene.Run(2s);
  EXPECT_EQ(scene.trunk.call(call).final_status, 200);
  EXPECT_THAT(scene.pbx.Got("CANCEL"), SizeIs(1));
  scene.trunk.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 7: from its first 101-199 the route owns the call: no failover by a listed code, and
// ring_timeout ends the ringing, with CANCEL.
TEST(B2buaRouteTest, RingingRouteOwnsTheCall) {
  SbcScene scene(Routes());
  scene.pbx.Expect(Script({{.after = 10ms, .status = 180}, {.after = 100ms, .status = 503}}));
  const size_t refused = scene.Inbound();
  EXPECT_EQ(scene.trunk.call(refused).final_status, 500);
  EXPECT_THAT(scene.pbx2.Got("INVITE"), SizeIs(0));
  scene.pbx.Expect(Script({{.after = 10ms, .status = 180}}));
  const size_t call = scene.Inbound();
  scene.Run(178s);
  EXPECT_EQ(scene.trunk.call(call).final_status, 0);
  scene.Run(3s);
  EXPECT_EQ(scene.trunk.call(call).final_status, 480);
  EXPECT_THAT(scene.pbx.Got("CANCEL"), SizeIs(1));
  EXPECT_THAT(scene.pbx2.Got("INVITE"), SizeIs(0));
  scene.ExpectClean();
}

// Rule 7: total_timeout bounds the search.
TEST(B2buaRouteTest, TotalTimeoutEndsTheSearch) {
  SbcScene scene(Routes(", answer_timeout: 4s, total_timeout: 6s"));
  scene.pbx.set_dead(true);
  scene.pbx2.set_dead(true);
  const size_t call = scene.Inbound();
  scene.Run(4900ms);
  EXPECT_EQ(scene.trunk.call(call).final_status, 0);
  scene.Run(300ms);
  EXPECT_EQ(scene.trunk.call(call).final_status, 503);
  scene.ExpectClean();
}

// Rule 7: a listed code fails over at once; 486 is none; 401, 407 and 6xx never are.
TEST(B2buaRouteTest, OnlyListedCodesFailOver) {
  for (const auto& [status, tries] :
       std::vector<std::pair<int, size_t>>{{503, 1}, {480, 0}, {486, 0}, {603, 0}, {401, 0}}) {
    SbcScene scene(Routes(", codes: [503, 500]"));
    scene.pbx.Expect(Script({{.after = 10ms, .status = status}}));
    const size_t call = scene.Inbound();
    EXPECT_THAT(scene.pbx2.Got("INVITE"), SizeIs(tries)) << status;
    if (scene.trunk.call(call).final_status == 200) scene.trunk.Do(call, {.method = "BYE"});
    scene.ExpectClean();
  }
}

// An ICMP error is as good as a refusal: the next route at once, not after a time-out.
TEST(B2buaRouteTest, IcmpErrorFailsOverAtOnce) {
  SbcScene scene(Routes());
  scene.network.SetUnreachable(scene.pbx.local().ip, true);
  const size_t call = scene.Inbound();
  EXPECT_EQ(scene.trunk.call(call).final_status, 200);
  EXPECT_THAT(scene.pbx2.Got("INVITE"), SizeIs(1));
  scene.trunk.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 8: a host's next address, with a new branch, before the next route; three at most.
TEST(B2buaRouteTest, NextAddressBeforeNextRoute) {
  SbcScene::Options options;
  options.routes =
      "{Host: pbx.test, Priority: 1, Weight: 1}, {Host: 127.0.0.6, Priority: 2, Weight: 1}";
  SbcScene scene(options);
  scene.world->SetAddresses("pbx.test", {At("127.0.0.4:5060"), At("127.0.0.5:5060")});
  scene.Run(1ms);
  scene.pbx.set_dead(true);
  scene.pbx2.set_dead(true);
  const size_t call = scene.Inbound();
  scene.Run(8s);
  EXPECT_EQ(scene.trunk.call(call).final_status, 200);
  EXPECT_THAT(scene.pbx3.Got("INVITE"), SizeIs(1));
  scene.trunk.Do(call, {.method = "BYE"});
  scene.Run(1s);
  ASSERT_THAT(scene.record().routes.steps.size(), 3u);
  EXPECT_EQ(scene.record().routes.steps[0].route, 0);
  EXPECT_EQ(scene.record().routes.steps[1].route, 0);
  EXPECT_EQ(scene.record().routes.steps[2].route, 1);
  scene.ExpectClean();
}

// Rule 8, towards the trunk too; and rule 13 of transactions: each attempt has a Call-ID, tag and
// branch of its own.
TEST(B2buaRouteTest, TrunkHasNextAddressesToo) {
  SbcScene::Options options;
  options.trunk = "host: trunk.test, cidrs: [127.0.0.8/31]";
  SbcScene scene(options);
  SimUserAgent::Options other;
  other.address = "127.0.0.8:5060";
  other.sbc = "127.0.0.3:5060";
  other.name = "trunk";
  other.connector = true;
  SimUserAgent second(other, &scene.network, &scene.simulation);
  scene.world->SetAddresses("trunk.test", {At("127.0.0.8:5060"), At("127.0.0.9:5060")});
  scene.Run(1ms);
  for (int i = 0; i < 4; ++i) {
    second.Expect(Script({{.after = 10ms, .status = 503}}));
    scene.trunk.Expect(Script({{.after = 10ms, .status = 503}}));
  }
  scene.Outbound();
  ASSERT_THAT(second.Got("INVITE"), SizeIs(1));
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
  EXPECT_NE(second.Got("INVITE")[0].call_id(), scene.trunk.Got("INVITE")[0].call_id());
  EXPECT_NE(second.Got("INVITE")[0].Branch(), scene.trunk.Got("INVITE")[0].Branch());
  EXPECT_THAT(scene.trunk.Got("INVITE")[0].uri(), HasSubstr("trunk.test"));
  scene.ExpectClean();
}

// Rule 19: the Request-URI in the dialog is the Contact verbatim, `alias` and all, and the packet
// goes to the Record-Route's address, not to the private one of the Contact.
TEST(B2buaRouteTest, ContactVerbatimPacketToTheRoute) {
  SbcScene scene;
  const size_t call = scene.Inbound();
  scene.pbx.Do(0, {.method = "INFO"});
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("INFO"), SizeIs(1));
  const SimMessage info = scene.trunk.Got("INFO")[0];
  EXPECT_EQ(info.uri(), "sip:10.0.58.47:5060;alias=10.0.58.47~5060~1");
  EXPECT_THAT(info.Get("Route"), HasSubstr("<sip:127.0.0.9;lr;ftag="));
  EXPECT_THAT(info.Get("Route"), HasSubstr("did=c71.2ee3"));
  scene.trunk.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 19: a Route outside that side's reach is not followed: the packet goes where the leg's
// signalling came from, and it is counted.
TEST(B2buaRouteTest, RouteOutsideTheReachIsNotFollowed) {
  SbcScene scene;
  SimUserAgent::Options stranger;
  stranger.address = "192.0.2.99:5060";
  stranger.name = "stranger";
  SimUserAgent victim(stranger, &scene.network, &scene.simulation);
  SimPlan callee = Script({{.after = 10ms,
                            .status = 200,
                            .body = kSdp,
                            .fields = "Record-Route: <sip:192.0.2.99;lr>\r\n"}});
  scene.pbx.Expect(callee);
  const size_t call = scene.Inbound();
  scene.trunk.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(victim.log(), SizeIs(0));
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(1));
  EXPECT_GE(scene.counters().off_route, 1u);
  scene.ExpectClean();
}

// Nor is one that the leg's socket does not lead to: of the other family, or over TCP. Such a PBX
// is spoken to as it spoke itself.
TEST(B2buaRouteTest, RouteThatTheLegCannotSendToIsNotFollowed) {
  for (const char* route :
       {"<sip:[2001:db8::5];lr>", "<sip:127.0.0.5;lr;transport=tcp>", "<sips:127.0.0.5;lr>"}) {
    SbcScene scene;
    SimPlan callee = Script({{.after = 10ms,
                              .status = 200,
                              .body = kSdp,
                              .fields = "Record-Route: " + std::string(route) + "\r\n"}});
    scene.pbx.Expect(callee);
    const size_t call = scene.Inbound();
    scene.trunk.Do(call, {.method = "BYE"});
    scene.Run(1s);
    EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(1)) << route;
    EXPECT_THAT(scene.pbx2.Got("BYE"), SizeIs(0)) << route;
    EXPECT_GE(scene.counters().off_route, 1u) << route;
    scene.ExpectClean();
  }
}

// The same for a Contact that names a stranger: it is only a name (rule 19).
TEST(B2buaRouteTest, ContactOfAStrangerIsOnlyAName) {
  SbcScene scene;
  SimUserAgent::Options stranger;
  stranger.address = "192.0.2.99:5060";
  stranger.name = "stranger";
  SimUserAgent victim(stranger, &scene.network, &scene.simulation);
  scene.pbx.set_contact("sip:me@192.0.2.99");
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE", .body = kSdp});
  scene.Run(1s);
  scene.trunk.Do(0, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(victim.log(), SizeIs(0));
  ASSERT_THAT(scene.pbx.Got("BYE"), SizeIs(1));
  EXPECT_EQ(scene.pbx.Got("BYE")[0].uri(), "sip:me@192.0.2.99");
  scene.ExpectClean();
}

// Rule 11 and 12: a route that is down is skipped; all down, all are tried; a late 503 of the last
// says no route.
TEST(B2buaRouteTest, DownRoutesAreSkippedByProbing) {
  SbcScene::Options options = Routes();
  options.failover = "options_interval: 5s";
  SbcScene scene(options);
  scene.pbx.set_dead(true);
  scene.Run(30s);
  scene.pbx.ClearLog();
  const size_t call = scene.Inbound();
  EXPECT_EQ(scene.trunk.call(call).final_status, 200);  // Within the second: not tried at all.
  scene.trunk.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_EQ(scene.record().routes.skipped_down, 1u);
  scene.pbx.set_dead(false);
  scene.Run(30s);
  const size_t again = scene.Inbound();
  EXPECT_THAT(scene.pbx.Got("INVITE"), SizeIs(1));  // Up after one answer (rule 10).
  scene.trunk.Do(again, {.method = "BYE"});
  scene.Run(100s);
  EXPECT_EQ(scene.world->calls(), 0u);
}

// Rule 10: to the trunk the From host of a probe is the connector's host name.
TEST(B2buaRouteTest, ProbesToTheTrunkNameTheConnector) {
  SbcScene::Options options;
  options.trunk = "host: trunk.test, cidrs: [127.0.0.9/32]";
  options.failover = "options_interval: 5s";
  SbcScene scene(options);
  scene.world->SetAddresses("trunk.test", {At("127.0.0.9:5060")});
  scene.Run(20s);
  ASSERT_THAT(scene.trunk.Got("OPTIONS"), Not(SizeIs(0)));
  EXPECT_THAT(scene.trunk.Got("OPTIONS")[0].Get("From"), HasSubstr("sip:trunk.test"));
  scene.ExpectTopologyHidden();
}

}  // namespace
}  // namespace tests
