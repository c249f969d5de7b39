#include "core/base/utf8.h"

#include <gtest/gtest.h>

#include <string_view>

namespace core {
namespace {

using namespace std::string_view_literals;

TEST(Utf8Test, SizesOfWellFormedCharacters) {
  EXPECT_EQ(Utf8CharacterSize("a"), 1u);
  EXPECT_EQ(Utf8CharacterSize("\0"sv), 1u);
  EXPECT_EQ(Utf8CharacterSize("\xc3\xbcx"), 2u);         // ü
  EXPECT_EQ(Utf8CharacterSize("\xe2\x82\xac"), 3u);      // The euro sign.
  EXPECT_EQ(Utf8CharacterSize("\xef\xbf\xbf"), 3u);      // U+FFFF
  EXPECT_EQ(Utf8CharacterSize("\xf0\x90\x80\x80"), 4u);  // U+10000
  EXPECT_EQ(Utf8CharacterSize("\xf4\x8f\xbf\xbf"), 4u);  // U+10FFFF
}

TEST(Utf8Test, WhatIsNotWellFormedHasNoSize) {
  for (const std::string_view text :
       {"\x80"sv, "\xbf"sv, "\xc3"sv, "\xc3("sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x9f\xbf"sv,
        "\xe2\x82"sv, "\xe2\x82("sv, "\xed\xa0\x80"sv, "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv,
        "\xf5\x80\x80\x80"sv, "\xff"sv}) {
    EXPECT_EQ(Utf8CharacterSize(text), 0u) << std::hex << +text.front();
  }
}

}  // namespace
}  // namespace core
