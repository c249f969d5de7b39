// Goal: text for people is put together without surprises.

#include "core/base/concat.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace core {
namespace {

TEST(ConcatTest, TakesTextAndNumbers) {
  EXPECT_EQ(Concat(), "");
  EXPECT_EQ(Concat("a", std::string("b"), std::string_view("c"), 1, -2, uint8_t{3}, uint64_t{4}),
            "abc1-234");
}

TEST(JoinTest, SeparatesAllButTheEnds) {
  const std::vector<std::string> none;
  EXPECT_EQ(Join(none, ", "), "");
  EXPECT_EQ(Join(std::vector<std::string>{"a"}, ", ", " or "), "a");
  EXPECT_EQ(Join(std::vector<std::string_view>{"a", "b", "c"}, ", ", " or "), "a, b or c");
  EXPECT_EQ(Join(std::vector<std::string>{"", "b"}, ", "), ", b");
}

TEST(EscapeTest, LeavesNothingUnprintable) {
  EXPECT_EQ(Escape("plain text"), "plain text");
  EXPECT_EQ(Escape(std::string_view("a\r\n\0\\\xff", 6)), "a\\x0d\\x0a\\x00\\x5c\\xff");
}

}  // namespace
}  // namespace core
