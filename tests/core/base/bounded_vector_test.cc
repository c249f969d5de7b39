// A bounded vector refuses the element over its maximum and keeps what it had.

#include "core/base/bounded_vector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(BoundedVectorTest, RefusesWhatIsOverItsMaximum) {
  BoundedVector<int, 3> vector;
  EXPECT_TRUE(vector.empty());
  EXPECT_TRUE(vector.PushBack(1));
  EXPECT_TRUE(vector.PushBack(2));
  EXPECT_FALSE(vector.full());
  EXPECT_TRUE(vector.PushBack(3));

  EXPECT_TRUE(vector.full());
  EXPECT_FALSE(vector.PushBack(4));
  EXPECT_THAT(vector, ElementsAre(1, 2, 3));
  EXPECT_EQ(vector.back(), 3);
  EXPECT_EQ(vector.capacity(), 3u);
}

TEST(BoundedVectorTest, ErasesInOrderAndHasRoomAgain) {
  BoundedVector<int, 4> vector;
  for (const int value : {1, 2, 3, 4}) ASSERT_TRUE(vector.PushBack(value));
  vector.EraseAt(1);
  EXPECT_THAT(vector, ElementsAre(1, 3, 4));
  vector.EraseAt(2);
  EXPECT_THAT(vector, ElementsAre(1, 3));
  EXPECT_TRUE(vector.PushBack(5));
  vector.Truncate(2);
  EXPECT_THAT(vector, ElementsAre(1, 3));
  vector[0] = 7;
  EXPECT_THAT(vector, ElementsAre(7, 3));
  vector.Clear();
  EXPECT_THAT(vector, IsEmpty());
}

TEST(BoundedVectorDeathTest, AnIndexPastTheEndIsABugOfOurs) {
  BoundedVector<int, 4> vector;
  ASSERT_TRUE(vector.PushBack(1));
  EXPECT_DEATH((void)vector[1], "CHECK failed");
  EXPECT_DEATH(vector.EraseAt(1), "CHECK failed");
  EXPECT_DEATH(vector.Truncate(2), "CHECK failed");
  vector.Clear();
  EXPECT_DEATH((void)vector.back(), "CHECK failed");
}

}  // namespace
}  // namespace core
