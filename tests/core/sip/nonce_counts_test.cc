#include "core/sip/nonce_counts.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <utility>

#include "core/base/random.h"

namespace core::sip {
namespace {

// Goal: no count of any nonce is ever taken twice, and an honest client is seldom asked again.

constexpr uint64_t kPlaces = NonceCounts::kPlaces;

TEST(NonceCountsTest, EachCountServesOnceInAnyOrder) {
  NonceCounts counts;
  for (const uint32_t count : {3u, 1u, 2u, 66u, 4u, 65u}) {
    EXPECT_TRUE(counts.Use(7, count)) << count;
    EXPECT_FALSE(counts.Use(7, count)) << count;
  }
}

TEST(NonceCountsTest, WhatIsBehindTheWindowIsRefused) {
  NonceCounts counts;
  EXPECT_TRUE(counts.Use(1, 100));
  EXPECT_FALSE(counts.Use(1, 36));
  EXPECT_TRUE(counts.Use(1, 37));
  EXPECT_TRUE(counts.Use(1, 164));  // All that was known falls out.
  EXPECT_FALSE(counts.Use(1, 100));
  EXPECT_TRUE(counts.Use(1, 101));
  EXPECT_TRUE(counts.Use(1, UINT32_MAX));
  EXPECT_FALSE(counts.Use(1, UINT32_MAX));
  EXPECT_FALSE(counts.Use(1, 1));
}

// A full table: the nonce that is put out of its place is never taken again, used or not.
TEST(NonceCountsTest, TheOldestGivesWay) {
  NonceCounts counts;
  for (uint64_t serial = 1; serial <= kPlaces; ++serial) EXPECT_TRUE(counts.Use(serial, 1));
  EXPECT_TRUE(counts.Use(1, 2));
  EXPECT_TRUE(counts.Use(kPlaces + 1, 1));
  EXPECT_FALSE(counts.Use(1, 1));
  EXPECT_FALSE(counts.Use(1, 3));
  EXPECT_TRUE(counts.Use(2, 2));
  EXPECT_TRUE(counts.Use(3 * kPlaces, 1));
  EXPECT_FALSE(counts.Use(2 * kPlaces, 1));  // It was never used, and nobody could know that.
}

// A challenge costs nothing, however many there are: only its use can put another out.
TEST(NonceCountsTest, WhatIsNotUsedPutsNobodyOut) {
  NonceCounts counts;
  EXPECT_TRUE(counts.Use(5, 1));
  EXPECT_TRUE(counts.Use(1000 * kPlaces + 6, 1));
  EXPECT_TRUE(counts.Use(5, 2));
}

// Against a set that forgets nothing.
TEST(NonceCountsTest, NothingIsEverTakenTwice) {
  Random random(1);
  NonceCounts counts;
  std::set<std::pair<uint64_t, uint32_t>> taken;
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t serial = 1 + random.Below(8) * (random.Below(4) == 0 ? kPlaces : 1);
    const auto count = static_cast<uint32_t>(1 + random.Below(400));
    if (counts.Use(serial, count)) {
      EXPECT_TRUE(taken.emplace(serial, count).second);
    }
  }
  EXPECT_GT(taken.size(), 100u);
}

}  // namespace
}  // namespace core::sip
