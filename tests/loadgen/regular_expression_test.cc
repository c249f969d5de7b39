// SIPp's ereg is POSIX's extended language as glibc has it (trap 9): leftmost-longest, classes, and
// the GNU extensions, over text that need not end with a NUL.

#include "loadgen/regular_expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loadgen {
namespace {

RegularExpression Compile(std::string_view pattern, bool ignore_case = false) {
  absl::StatusOr<RegularExpression> expression = RegularExpression::Compile(pattern, ignore_case);
  EXPECT_TRUE(expression.ok()) << expression.status();
  return *std::move(expression);
}

TEST(RegularExpressionTest, GroupsAreViewsOfTheText) {
  const RegularExpression expression = Compile("ab(c)(x)?(d*)");
  EXPECT_EQ(expression.group_count(), 3u);
  std::string_view groups[RegularExpression::kGroupsMax];
  ASSERT_TRUE(expression.Search("__abcdd__", groups));
  EXPECT_EQ(groups[0], "abcdd");
  EXPECT_EQ(groups[1], "c");
  EXPECT_EQ(groups[2].data(), nullptr);  // It took no part.
  EXPECT_EQ(groups[3], "dd");
}

TEST(RegularExpressionTest, StopsAtTheEndOfTheView) {
  const std::string_view text = "abcdef";
  EXPECT_TRUE(Compile("c$").Matches(text.substr(0, 3)));
  EXPECT_FALSE(Compile("d").Matches(text.substr(0, 3)));
  EXPECT_TRUE(Compile("^$").Matches({}));
}

TEST(RegularExpressionTest, GlibcsLanguage) {
  std::string_view groups[1];
  ASSERT_TRUE(Compile("a|ab|abc").Search("abcd", groups));
  EXPECT_EQ(groups[0], "abc");
  EXPECT_TRUE(Compile("[[:alnum:]]+\\b").Matches("x y"));
  EXPECT_TRUE(Compile("\\w+@").Matches("bob@h"));
  EXPECT_TRUE(Compile("INVITE", true).Matches("invite"));
  EXPECT_FALSE(Compile("INVITE").Matches("invite"));
}

TEST(RegularExpressionTest, SaysWhatIsWrong) {
  EXPECT_THAT(std::string(RegularExpression::Compile("(", false).status().message()),
              ::testing::HasSubstr("\"(\" is not a regular expression: "));
}

}  // namespace
}  // namespace loadgen
