// A percentile that a report prints is within 1% of the one that sorting every value would give, at
// every magnitude, and merging workers' histograms loses nothing.

#include "core/base/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/random.h"

namespace core {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(HistogramTest, IsZeroWhenEmpty) {
  const Histogram histogram;

  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0.0);
  EXPECT_EQ(histogram.Percentile(99), 0);
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (int value = 0; value <= 255; ++value) histogram.Record(value);

  EXPECT_EQ(histogram.Percentile(0), 0);
  EXPECT_EQ(histogram.Percentile(50), 127);
  EXPECT_EQ(histogram.Percentile(100), 255);
  EXPECT_EQ(histogram.CountUpTo(9), 10u);
  EXPECT_DOUBLE_EQ(histogram.mean(), 127.5);
}

// One value alone: what is read back is at most 1/128 above it and never below, at both sides of
// each doubling.
TEST(HistogramTest, EveryMagnitudeIsWithinOnePercent) {
  for (int bit = 0; bit < 42; ++bit) {
    for (const int64_t delta : {-1, 0, 1, 77}) {
      const int64_t value =
          std::clamp<int64_t>((int64_t{1} << bit) + delta, 0, Histogram::kValueMax);
      Histogram histogram;
      histogram.Record(value);
      histogram.Record(Histogram::kValueMax);  // So that max() does not hide the bucket's end.

      EXPECT_GE(histogram.Percentile(50), value);
      EXPECT_LE(histogram.Percentile(50) - value, value / 128) << value;
      EXPECT_EQ(histogram.min(), value);
    }
  }
}

TEST(HistogramTest, PercentilesMatchSortingForEverySeed) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Histogram histogram;
    std::vector<int64_t> values;
    for (int i = 0; i < 5'000; ++i) {
      values.push_back(static_cast<int64_t>(random.Below(uint64_t{1} << random.Below(42))));
      histogram.Record(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double percent : {0.1, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
      const auto rank = static_cast<size_t>(percent / 100 * 5'000 + 0.999999) - 1;
      const int64_t exact = values[std::min<size_t>(rank, 4'999)];
      EXPECT_GE(histogram.Percentile(percent), exact);
      EXPECT_LE(histogram.Percentile(percent), exact + exact / 100);
    }
    EXPECT_EQ(histogram.max(), values.back());
    EXPECT_EQ(histogram.min(), values.front());
  }
}

TEST(HistogramTest, ClampsWhatIsOutsideItsRange) {
  Histogram histogram;
  histogram.Record(-5);
  histogram.Record(INT64_MAX);

  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), Histogram::kValueMax);
  EXPECT_EQ(histogram.Percentile(100), Histogram::kValueMax);
  EXPECT_EQ(histogram.CountUpTo(INT64_MAX), 2u);
  EXPECT_EQ(histogram.CountUpTo(-1), 0u);
}

TEST(HistogramTest, MergingIsRecordingIntoOne) {
  Random random(7);
  Histogram first, second, both;
  for (int i = 0; i < 1'000; ++i) {
    const auto value = static_cast<int64_t>(random.Below(1'000'000));
    (i % 3 == 0 ? first : second).Record(value);
    both.Record(value);
  }
  Histogram merged;
  merged.Merge(first);
  merged.Merge(second);

  EXPECT_EQ(merged.count(), both.count());
  EXPECT_EQ(merged.min(), both.min());
  EXPECT_EQ(merged.max(), both.max());
  EXPECT_DOUBLE_EQ(merged.mean(), both.mean());
  for (const double percent : {1.0, 50.0, 99.0}) {
    EXPECT_EQ(merged.Percentile(percent), both.Percentile(percent));
  }
}

TEST(HistogramTest, RecordsManyAtOnceAndListsItsBuckets) {
  Histogram histogram;
  histogram.Record(3, 5);
  histogram.Record(1'000, 2);  // 1000 to 1003 share a bucket.
  histogram.Record(7, 0);      // Nothing was seen, so it is not the smallest either.
  histogram.Record(1'003);

  std::vector<std::pair<int64_t, uint64_t>> buckets;
  histogram.ForEachBucket(
      [&](int64_t largest, uint64_t count) { buckets.emplace_back(largest, count); });
  EXPECT_THAT(buckets, ElementsAre(Pair(3, 5u), Pair(1'003, 3u)));
  EXPECT_EQ(histogram.CountUpTo(500), 5u);

  histogram.Clear();
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), 0);
}

}  // namespace
}  // namespace core
