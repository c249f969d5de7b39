// Bounded text takes what fits whole, and is as it was when something does not.

#include "core/base/bounded_text.h"

#include <gtest/gtest.h>

#include <string>

namespace core {
namespace {

TEST(BoundedTextTest, TakesUpToItsMaximumAndKeepsItsTextOnRefusal) {
  BoundedText<8> text;
  EXPECT_TRUE(text.empty());
  EXPECT_TRUE(text.Assign("12345678"));
  EXPECT_FALSE(text.Assign("123456789"));
  EXPECT_EQ(text, "12345678");
  EXPECT_FALSE(text.Append("x"));
  EXPECT_TRUE(text.Append(""));
  EXPECT_EQ(text.view(), "12345678");
  EXPECT_EQ(text.size(), 8u);
  EXPECT_EQ(text.capacity(), 8u);
}

TEST(BoundedTextTest, AppendsAndClears) {
  BoundedText<8> text;
  ASSERT_TRUE(text.Assign("ab"));
  ASSERT_TRUE(text.Append("cd"));
  EXPECT_EQ(text, "abcd");
  EXPECT_FALSE(text.Append("12345"));
  EXPECT_EQ(text, "abcd");
  text.Clear();
  EXPECT_EQ(text, "");
}

TEST(BoundedTextTest, TruncatesOnlyWhenAskedTo) {
  BoundedText<4> text;
  text.AssignTruncated("abcdef");
  EXPECT_EQ(text, "abcd");
}

TEST(BoundedTextTest, CopiesAreTheirOwn) {
  BoundedText<8> first;
  ASSERT_TRUE(first.Assign("first"));
  BoundedText<8> second = first;
  EXPECT_EQ(first, second);
  ASSERT_TRUE(second.Assign("other"));
  EXPECT_EQ(first, "first");
  first = second;
  EXPECT_EQ(first, "other");
  const BoundedText<8>& itself = first;
  first = itself;
  EXPECT_EQ(first, "other");
}

TEST(BoundedTextTest, AssignsFromItsOwnMiddle) {
  BoundedText<8> text;
  ASSERT_TRUE(text.Assign("12345678"));
  ASSERT_TRUE(text.Assign(text.view().substr(2)));
  EXPECT_EQ(text, "345678");
}

TEST(BoundedTextTest, KeepsEveryByteIncludingZero) {
  BoundedText<8> text;
  const std::string bytes("\0\xff\n", 3);
  ASSERT_TRUE(text.Assign(bytes));
  EXPECT_EQ(text.view(), bytes);
}

}  // namespace
}  // namespace core
