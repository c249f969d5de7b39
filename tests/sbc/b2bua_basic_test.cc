// Calls through the whole SBC as rules 13, 14 and 22 of its rules and RFC 3261 §13 to §15 have
// them: offers, early dialogs, final responses, CANCEL in every race, BYE from both sides.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::CallEnd;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

SimPlan HangsUpAfter(core::Duration after) {
  SimPlan plan;
  plan.confirmed = {{.after = after, .method = "BYE"}};
  return plan;
}

// Rule 14, RFC 3261 §13.2.2.4: an early offer crosses, the callee's 2xx is ACKed at once, the
// caller hears of ringing and answer, and one record tells of it.
TEST(B2buaTest, OutboundCallWithEarlyOffer) {
  SbcScene scene;
  const size_t call = scene.pbx.Place(HangsUpAfter(3s));
  scene.Run(10s);

  EXPECT_THAT(scene.pbx.call(call).statuses, ElementsAre(100, 180, 200));
  EXPECT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("INVITE")[0].body, kSdp);
  EXPECT_EQ(scene.pbx.Got("INVITE", 200)[0].body, kSdp);
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCallerHungUp);
  scene.ExpectClean();
}

// The same from the Voice Connector, in the seed's shape, with the callee hanging up.
TEST(B2buaTest, InboundCallHungUpByTheCallee) {
  SbcScene scene;
  scene.pbx.Expect(HangsUpAfter(2s));
  const size_t call = scene.Inbound();
  scene.Run(10s);

  EXPECT_THAT(scene.trunk.call(call).statuses, ElementsAre(100, 180, 200));
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kCalleeHungUp);
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
