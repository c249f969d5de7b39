// Goal: the model calls late what a buffer of its depth would have to discard, follows the delay of
// an adaptive one within its limits, and never takes drift for delay.

#include "core/rtp/jitter_buffer_model.h"

#include <gtest/gtest.h>

#include "core/base/random.h"

namespace core::rtp {
namespace {

constexpr JitterBufferModel::Depth kFixed = {.min_ticks = 320, .max_ticks = 320};
constexpr JitterBufferModel::Depth kAdaptive = {.min_ticks = 320, .max_ticks = 1600};

TEST(JitterBufferModelTest, AFixedBufferHasOneLimit) {
  JitterBufferModel buffer(kFixed);
  EXPECT_TRUE(buffer.InTime(1000));
  EXPECT_TRUE(buffer.InTime(1320));
  EXPECT_FALSE(buffer.InTime(1321));
  EXPECT_TRUE(buffer.InTime(990));  // Quicker than all before: the reference from here on.
  EXPECT_FALSE(buffer.InTime(1320));
  EXPECT_EQ(buffer.depth_ticks(), 320u);
  EXPECT_EQ(buffer.judged(), 5u);
  EXPECT_EQ(buffer.depth_sum_ticks(), 5 * 320u);
}

// Transits are modulo 2^32: only their differences count.
TEST(JitterBufferModelTest, TransitsWrap) {
  JitterBufferModel buffer(kFixed);
  EXPECT_TRUE(buffer.InTime(0xffffff00));
  EXPECT_TRUE(buffer.InTime(0x40));
  EXPECT_FALSE(buffer.InTime(0x41));
}

// Delays spread over 100 ms: the adaptive buffer grows until hardly any is late, the fixed one of
// 40 ms discards more than half.
TEST(JitterBufferModelTest, AnAdaptiveBufferFollowsTheDelay) {
  JitterBufferModel fixed(kFixed);
  JitterBufferModel adaptive(kAdaptive);
  Random random(3);
  int late_fixed = 0;
  int late_adaptive = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto transit = static_cast<uint32_t>(5000 + random.Below(800));
    late_fixed += fixed.InTime(transit) ? 0 : 1;
    late_adaptive += adaptive.InTime(transit) ? 0 : 1;
  }
  EXPECT_GT(late_fixed, 1500);
  EXPECT_LT(late_adaptive, 60);
  EXPECT_GT(adaptive.depth_ticks(), 800u);
  EXPECT_LE(adaptive.depth_ticks(), 1600u);

  for (int i = 0; i < 500; ++i) (void)adaptive.InTime(5000);  // Calm again.
  EXPECT_EQ(adaptive.depth_ticks(), 320u);
}

// A spike is late while it is news, and never takes the depth beyond its maximum.
TEST(JitterBufferModelTest, ASpikeIsLateAndBounded) {
  JitterBufferModel buffer(kAdaptive);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(buffer.InTime(1000));
  EXPECT_FALSE(buffer.InTime(1000 + 4000));
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(buffer.InTime(0x70000000));
  EXPECT_EQ(buffer.depth_ticks(), 1600u);
}

// A path that became longer by 50 ms is late until no packet of the last two epochs was quicker.
TEST(JitterBufferModelTest, ALongerPathBecomesTheReference) {
  JitterBufferModel buffer(kFixed);
  for (int i = 0; i < JitterBufferModel::kEpochPackets; ++i) EXPECT_TRUE(buffer.InTime(1000));
  int late = 0;
  for (int i = 0; i < 3 * JitterBufferModel::kEpochPackets; ++i) {
    late += buffer.InTime(1400) ? 0 : 1;
  }
  EXPECT_EQ(late, 2 * JitterBufferModel::kEpochPackets);
}

TEST(JitterBufferModelTest, ARestartForgetsTheReference) {
  JitterBufferModel buffer(kFixed);
  EXPECT_TRUE(buffer.InTime(1000));
  EXPECT_FALSE(buffer.InTime(90'000));
  buffer.Restart();
  EXPECT_TRUE(buffer.InTime(90'000));
}

TEST(JitterBufferModelTest, AMaximumBelowTheMinimumIsAFixedBuffer) {
  JitterBufferModel buffer({.min_ticks = 320, .max_ticks = 10});
  EXPECT_FALSE(buffer.adaptive());
  EXPECT_EQ(buffer.limits().max_ticks, 320u);
}

}  // namespace
}  // namespace core::rtp
