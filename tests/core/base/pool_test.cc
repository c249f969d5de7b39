// A pool run dry says so and recovers, and a handle held across time never finds another object in
// the place of the one it named.

#include "core/base/pool.h"

#include <gtest/gtest.h>

#include <vector>

namespace core {
namespace {

struct Counted {
  explicit Counted(int its_value) : value(its_value) { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }

  int value;
  static inline int alive = 0;
};

TEST(PoolTest, IsDryAtItsCapacityAndServesAgainAfterARelease) {
  Pool<Counted> pool(3);
  Counted* first = pool.Acquire(1);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(pool.Acquire(2), nullptr);
  ASSERT_NE(pool.Acquire(3), nullptr);

  EXPECT_TRUE(pool.dry());
  EXPECT_EQ(pool.Acquire(4), nullptr);
  EXPECT_EQ(Counted::alive, 3);

  pool.Release(first);
  EXPECT_FALSE(pool.dry());
  EXPECT_EQ(Counted::alive, 2);
  Counted* again = pool.Acquire(5);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->value, 5);
  EXPECT_EQ(pool.Acquire(6), nullptr);
  EXPECT_EQ(pool.size(), 3u);
  EXPECT_EQ(pool.peak(), 3u);
}

TEST(PoolTest, ObjectsNeverMove) {
  Pool<Counted> pool(100);
  std::vector<Counted*> objects;
  for (int i = 0; i < 100; ++i) objects.push_back(pool.Acquire(i));
  for (size_t i = 0; i < 100; i += 2) pool.Release(objects[i]);
  for (size_t i = 1; i < 100; i += 2) {
    EXPECT_EQ(objects[i]->value, static_cast<int>(i));
    EXPECT_EQ(pool.Find(pool.HandleOf(objects[i])), objects[i]);
  }
}

TEST(PoolTest, AStaleHandleFindsNothingEvenWhenItsPlaceIsTakenAgain) {
  Pool<Counted> pool(1);
  Counted* first = pool.Acquire(1);
  const Handle<Counted> handle = pool.HandleOf(first);
  EXPECT_EQ(pool.Find(handle), first);

  pool.Release(first);
  EXPECT_EQ(pool.Find(handle), nullptr);
  Counted* second = pool.Acquire(2);
  EXPECT_EQ(second, first);  // The same place,
  EXPECT_EQ(pool.Find(handle), nullptr);
  EXPECT_NE(pool.HandleOf(second), handle);
  EXPECT_EQ(pool.Find(pool.HandleOf(second)), second);
}

TEST(PoolTest, HandlesOfNothingOrOfNowhereFindNothing) {
  Pool<Counted> pool(2);
  ASSERT_NE(pool.Acquire(1), nullptr);

  EXPECT_FALSE(Handle<Counted>{});
  EXPECT_EQ(pool.Find({}), nullptr);
  EXPECT_EQ(pool.Find({0, 0}), nullptr);
  EXPECT_EQ(pool.Find({1, 1}), nullptr);           // A place never used.
  EXPECT_EQ(pool.Find({UINT32_MAX, 1}), nullptr);  // A place that is not there.
}

TEST(PoolTest, AHandleSurvivesThe64BitsOfAKernelsUserData) {
  Pool<Counted> pool(2);
  ASSERT_NE(pool.Acquire(1), nullptr);
  Counted* object = pool.Acquire(2);
  const Handle<Counted> handle = pool.HandleOf(object);

  EXPECT_TRUE(handle);
  EXPECT_EQ(Handle<Counted>::FromBits(handle.bits()), handle);
  EXPECT_EQ(pool.Find(Handle<Counted>::FromBits(handle.bits())), object);
}

TEST(PoolTest, ForEachVisitsTheLiveAndAllowsTheirRelease) {
  Pool<Counted> pool(4);
  Counted* gone = pool.Acquire(1);
  ASSERT_NE(pool.Acquire(2), nullptr);
  ASSERT_NE(pool.Acquire(4), nullptr);
  pool.Release(gone);

  int sum = 0;
  pool.ForEach([&](Counted* object) {
    sum += object->value;
    pool.Release(object);
  });
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(pool.size(), 0u);
}

TEST(PoolTest, DestroysWhatIsLeft) {
  {
    Pool<Counted> pool(4);
    ASSERT_NE(pool.Acquire(1), nullptr);
    ASSERT_NE(pool.Acquire(2), nullptr);
    pool.Release(pool.Acquire(3));
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(PoolDeathTest, ReleasingTwiceIsABugOfOurs) {
  Pool<Counted> pool(1);
  Counted* object = pool.Acquire(1);
  pool.Release(object);
  EXPECT_DEATH(pool.Release(object), "CHECK failed");
}

}  // namespace
}  // namespace core
