#include "core/sip/cursor.h"

#include <gtest/gtest.h>

#include <string>

namespace core::sip {
namespace {

// Goal: tokens, quoted strings, numbers and parameters are taken as RFC 3261 §25.1 writes them, and
// what cannot be taken leaves the cursor where it was.

TEST(CursorTest, SeparatorsTakeTheSpaceAndFoldsAroundThem) {
  Cursor in("a \r\n ;\r\n\tb");
  EXPECT_EQ(in.TakeToken(), "a");
  EXPECT_TRUE(in.Take(';'));
  EXPECT_EQ(in.TakeToken(), "b");
  EXPECT_TRUE(in.AtEnd());
}

TEST(CursorTest, AMissingSeparatorMovesNothing) {
  Cursor in("  b");
  EXPECT_FALSE(in.Take(';'));
  EXPECT_EQ(in.rest(), "  b");
}

TEST(CursorTest, QuotedStringsEndAtTheFirstQuoteThatIsNotEscaped) {
  Cursor in(R"("say \"hi\" \\" rest)");
  std::string_view inside;
  EXPECT_TRUE(in.TakeQuoted(&inside));
  EXPECT_EQ(inside, R"(say \"hi\" \\)");
  EXPECT_EQ(in.rest(), " rest");
}

TEST(CursorTest, AQuotedStringWithoutEndMovesNothing) {
  for (const std::string_view text : {"\"", "\"abc", "\"abc\\\"", "\"abc\\"}) {
    Cursor in(text);
    std::string_view inside;
    EXPECT_FALSE(in.TakeQuoted(&inside)) << text;
    EXPECT_EQ(in.rest(), text);
  }
}

TEST(CursorTest, NumbersStopAtTheirMaximum) {
  uint64_t number = 0;
  EXPECT_TRUE(Cursor("65535").TakeNumber(65535, &number));
  EXPECT_EQ(number, 65535u);
  EXPECT_FALSE(Cursor("65536").TakeNumber(65535, &number));
  EXPECT_TRUE(Cursor("00018446744073709551615").TakeNumber(UINT64_MAX, &number));
  EXPECT_EQ(number, UINT64_MAX);
  EXPECT_FALSE(Cursor("18446744073709551616").TakeNumber(UINT64_MAX, &number));
  EXPECT_FALSE(Cursor("7").TakeNumber(5, &number));
  EXPECT_FALSE(Cursor("x").TakeNumber(5, &number));
  EXPECT_FALSE(Cursor("").TakeNumber(5, &number));
}

TEST(CursorTest, ParametersHaveTokensQuotedStringsAndAddressesAsValues) {
  Cursor in(R"(lr;q = "a;b" ; received=[2001:db8::1];x=)");
  Parameter parameter = in.TakeParameter();
  EXPECT_EQ(parameter.name, "lr");
  EXPECT_FALSE(parameter.has_value);
  ASSERT_TRUE(in.Take(';'));
  parameter = in.TakeParameter();
  EXPECT_EQ(parameter.value, "a;b");
  ASSERT_TRUE(in.Take(';'));
  EXPECT_EQ(in.TakeParameter().value, "[2001:db8::1]");
  ASSERT_TRUE(in.Take(';'));
  EXPECT_TRUE(in.TakeParameter().name.empty()) << "= and no value is no parameter";
}

TEST(CursorTest, LettersAreEqualInAnyCaseAndNothingElseIs) {
  EXPECT_TRUE(EqualsIgnoreCase("Call-ID", "cALL-id"));
  EXPECT_FALSE(EqualsIgnoreCase("a-b", std::string_view("a\rb")));  // Apart in bit 5 alone.
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
  EXPECT_FALSE(EqualsIgnoreCase("abc", "ab"));
}

}  // namespace
}  // namespace core::sip
