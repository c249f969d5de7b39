// Goal: which calls find ports for their media, and which do not, when many short ones have used
// them just now (rule 26, and rule 6 of emergency calls).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/media_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

/// Few calls at once, and forty pairs of ports on the customer's side.
struct PortScene : MediaScene {
  PortScene() : MediaScene(Options()) {}
  static SbcScene::Options Options() {
    SbcScene::Options options = Anchoring("", {.customer = "20000-20079"});
    options.limits = "calls: 16";
    return options;
  }

  /// A call that ends as soon as it is answered; its status.
  int ShortCall(const std::string& number = "") {
    SimPlan callee;
    callee.script = {{.after = 10ms, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
    scene.trunk.Expect(std::move(callee));
    SimPlan plan;
    if (!number.empty()) plan.number = number;
    plan.body = Sdp("127.0.0.4", 4000);
    const size_t call = scene.pbx.Place(plan);
    scene.Run(100ms);
    const int status = scene.pbx.call(call).final_status;
    if (status == 200) scene.pbx.Do(call, {.method = "BYE"});
    scene.Run(50ms);
    return status;
  }
  const sbc::MediaRelayCounters& counters() { return scene.world->worker().media().counters(); }
};

// How many calls begin while pairs rest is a matter of the range, not of how many there are at
// once.
TEST(B2buaPortsTest, ShortCallsHaveTheWholeRange) {
  PortScene media;
  for (int i = 0; i < 40; ++i) EXPECT_EQ(media.ShortCall(), 200) << i;
  EXPECT_EQ(media.counters().ports_exhausted, 0u);
  EXPECT_EQ(media.ShortCall(), 503);
  EXPECT_EQ(media.counters().ports_exhausted, 1u);
  EXPECT_EQ(media.scene.record(40).detail.view(), "no media ports left");
  media.scene.Run(10s);
  EXPECT_EQ(media.ShortCall(), 200);
  media.scene.ExpectClean();
}

// Rule 6: where all others must wait for a pair to have rested, a call for help has the one that
// rested longest.
TEST(B2buaPortsTest, EmergencyCallsDoNotWaitForAPairToRest) {
  PortScene media;
  for (int i = 0; i < 40; ++i) ASSERT_EQ(media.ShortCall(), 200) << i;
  EXPECT_EQ(media.ShortCall(), 503);
  for (size_t i = 0; i < 5; ++i) {
    ASSERT_EQ(media.ShortCall("911"), 200) << i;
    EXPECT_EQ(TargetOf(media.ToPbx(40 + i)), TargetOf(media.ToPbx(i)));
    EXPECT_TRUE(media.scene.record(41 + i).emergency);
  }
  EXPECT_EQ(media.ShortCall(), 503);  // What they had is not for others yet.
  EXPECT_EQ(media.counters().ports_exhausted, 2u);
  EXPECT_EQ(media.counters().rests_cut_short, 5u);
  media.scene.ExpectClean();
}

}  // namespace
}  // namespace tests
