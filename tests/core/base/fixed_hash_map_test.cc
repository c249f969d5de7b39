// Goal: a map of fixed size finds what was put in and nothing else, through any order of inserting
// and erasing and with hashes that meet, and allocates nothing after construction.

#include "core/base/fixed_hash_map.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "core/base/random.h"
#include "tests/support/allocations.h"

namespace core {
namespace {

const auto kAny = [](int) { return true; };

TEST(FixedHashMapTest, FindsByHashAndThenByValue) {
  FixedHashMap<int> map(4);
  map.Insert(7, 70);
  map.Insert(7, 71);  // Two values whose hashes met.

  EXPECT_EQ(*map.Find(7, [](int value) { return value == 71; }), 71);
  EXPECT_EQ(map.Find(7, [](int value) { return value == 72; }), nullptr);
  EXPECT_EQ(map.Find(8, kAny), nullptr);
  EXPECT_TRUE(map.Erase(7, 70));
  EXPECT_FALSE(map.Erase(7, 70));
  EXPECT_EQ(*map.Find(7, kAny), 71);
}

// Values that stand behind an erased one must still be found: the gap is closed, across the end of
// the table too. Hashes are drawn from few, so that they crowd.
TEST(FixedHashMapTest, AgreesWithAMultimapThroughAThousandChanges) {
  constexpr int kCapacity = 13;
  Random random(4711);
  FixedHashMap<int> map(kCapacity);
  std::map<std::pair<uint64_t, int>, bool> model;
  for (int step = 0; step < 20'000; ++step) {
    const uint64_t hash = random.Below(6) + 27;  // Homes around the end of 32 places.
    const int value = static_cast<int>(random.Below(5));
    const bool in = model.contains({hash, value});
    if (!in && model.size() < kCapacity && random.Chance(0.6)) {
      map.Insert(hash, value);
      model[{hash, value}] = true;
    } else {
      ASSERT_EQ(map.Erase(hash, value), in);
      model.erase({hash, value});
    }
    ASSERT_EQ(map.size(), model.size());
    for (const auto& [key, unused] : model) {
      const int wanted = key.second;
      ASSERT_NE(map.Find(key.first, [&](int found) { return found == wanted; }), nullptr);
    }
  }
}

TEST(FixedHashMapTest, AllocatesNothingAfterConstruction) {
  FixedHashMap<int> map(1000);
  const size_t before = Allocations();
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 1000; ++i) map.Insert(static_cast<uint64_t>(i) * 7919, i + round);
    for (int i = 0; i < 1000; ++i) map.Erase(static_cast<uint64_t>(i) * 7919, i + round);
  }
  EXPECT_EQ(Allocations(), before);
  EXPECT_EQ(map.size(), 0u);
}

}  // namespace
}  // namespace core
