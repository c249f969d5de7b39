// What a refused call costs others (rule 5): nothing. The connector's limits are asked before the
// node's, and what never went out is taken back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/media_scene.h"
#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

constexpr char kOneASecond[] =
    "CpsLimit: 1, CallingRegions: [US], CidrAllowedList: [127.0.0.4/30], Disabled: false";

// Nine of ten are refused by CpsLimit; the node's rate has room for who calls the other way.
TEST(B2buaLimitsOrderTest, Rule05_WhatCpsLimitRefusesUsesUpNoRateOfTheNode) {
  for (const uint16_t workers : {uint16_t{1}, uint16_t{4}}) {
    SbcScene scene({.termination = kOneASecond,
                    .limits = "calls: 400, calls_per_second: 3",
                    .workers = workers});
    for (int i = 0; i < 10; ++i) scene.pbx.Place({});
    scene.Run(100ms);
    EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
    SimPlan inbound;
    inbound.number = "+16185558387";
    std::vector<size_t> calls;
    for (int i = 0; i < 3; ++i) {
      calls.push_back(scene.trunk.Place(inbound));
      scene.Run(50ms);
    }
    scene.Run(1s);
    size_t answered = 0;
    for (const size_t call : calls) answered += scene.trunk.call(call).final_status == 200;
    EXPECT_EQ(answered, 2u) << workers;  // Three in the second, with the one that got through.
  }
}

// The other way round: what the node's rate refuses has not used up CpsLimit.
TEST(B2buaLimitsOrderTest, Rule05_WhatTheNodesRateRefusesUsesUpNoCpsLimit) {
  for (const uint16_t workers : {uint16_t{1}, uint16_t{4}}) {
    SbcScene scene({.termination = "CpsLimit: 2, CallingRegions: [US], "
                                   "CidrAllowedList: [127.0.0.4/30], Disabled: false",
                    .limits = "calls: 400, calls_per_second_per_source: 1",
                    .workers = workers});
    for (int i = 0; i < 10; ++i) scene.pbx.Place({});
    scene.Run(100ms);
    const size_t call = scene.pbx2.Place({});
    scene.Run(500ms);
    EXPECT_EQ(scene.pbx2.call(call).final_status, 200) << workers;
    EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(2)) << workers;
  }
}

// CpsLimit is of INVITEs towards the trunk: none went there.
TEST(B2buaLimitsOrderTest, Rule05_ARefusedOfferIsNoInviteTowardsTheTrunk) {
  SbcScene::Options options = Anchoring();
  options.termination = kOneASecond;
  SbcScene scene(options);
  SimPlan broken;
  broken.body = "v=0\r\ngarbage\r\n";
  const size_t first = scene.pbx.Place(broken);
  scene.Run(50ms);
  SimPlan good;
  good.body = Sdp("127.0.0.4", 4000);
  const size_t second = scene.pbx.Place(good);
  scene.Run(500ms);
  EXPECT_EQ(scene.pbx.call(first).final_status, 400);
  EXPECT_NE(scene.pbx.call(second).final_status, 503);
  EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
}

TEST(B2buaLimitsOrderTest, Rule05_ACallWithoutARouteIsNoInviteTowardsTheTrunk) {
  for (const uint16_t workers : {uint16_t{1}, uint16_t{4}}) {
    SbcScene scene({.termination = kOneASecond,
                    .trunk = "host: trunk.test, cidrs: [127.0.0.9/32]",
                    .limits = "calls: 400",
                    .workers = workers});
    for (int i = 0; i < 5; ++i) {
      scene.pbx.Place({});
      scene.Run(50ms);
    }
    ASSERT_THAT(scene.world->records(), SizeIs(5));
    for (const sbc::CallRecord& record : scene.world->records()) {
      EXPECT_EQ(record.cause, sbc::RejectionCause::kNoRoute);
    }
  }
}

}  // namespace
}  // namespace tests
