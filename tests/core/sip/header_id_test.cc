#include "core/sip/header_id.h"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

#include "core/sip/method.h"

namespace core::sip {
namespace {

// Goal: each known name is found in any case (RFC 3261 §7.3.1) and by its compact form (§7.3.3),
// and no near miss is.

TEST(HeaderIdTest, FindsEachNameInAnyCase) {
  for (size_t i = 1; i < kHeaderIdCount; ++i) {
    const auto id = static_cast<HeaderId>(i);
    std::string name(Name(id));
    ASSERT_FALSE(name.empty());
    EXPECT_EQ(FindHeaderId(name), id) << name;
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(FindHeaderId(name), id) << name;
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(FindHeaderId(name), id) << name;
  }
}

TEST(HeaderIdTest, OneWrongByteAnywhereIsAnotherName) {
  for (size_t i = 1; i < kHeaderIdCount; ++i) {
    const std::string name(Name(static_cast<HeaderId>(i)));
    for (size_t at = 0; at < name.size(); ++at) {
      std::string wrong = name;
      wrong[at] = static_cast<char>(wrong[at] ^ (std::isalpha(wrong[at]) != 0 ? 0x80 : 0x20));
      EXPECT_EQ(FindHeaderId(wrong), HeaderId::kUnknown) << name << " at " << at;
    }
    EXPECT_EQ(FindHeaderId(name + "x"), HeaderId::kUnknown);
    EXPECT_NE(FindHeaderId(name.substr(1)), static_cast<HeaderId>(i));
  }
}

TEST(HeaderIdTest, FindsCompactForms) {
  const std::pair<char, HeaderId> forms[] = {
      {'a', HeaderId::kAcceptContact},   {'b', HeaderId::kReferredBy},
      {'c', HeaderId::kContentType},     {'d', HeaderId::kRequestDisposition},
      {'e', HeaderId::kContentEncoding}, {'f', HeaderId::kFrom},
      {'i', HeaderId::kCallId},          {'j', HeaderId::kRejectContact},
      {'k', HeaderId::kSupported},       {'l', HeaderId::kContentLength},
      {'m', HeaderId::kContact},         {'n', HeaderId::kIdentityInfo},
      {'o', HeaderId::kEvent},           {'r', HeaderId::kReferTo},
      {'s', HeaderId::kSubject},         {'t', HeaderId::kTo},
      {'u', HeaderId::kAllowEvents},     {'v', HeaderId::kVia},
      {'x', HeaderId::kSessionExpires},  {'y', HeaderId::kIdentity},
  };
  size_t known = 0;
  for (int letter = 0; letter < 256; ++letter) {
    const char name = static_cast<char>(letter);
    known += FindHeaderId({&name, 1}) != HeaderId::kUnknown ? 1 : 0;
  }
  EXPECT_EQ(known, 2 * std::size(forms));
  for (const auto& [letter, id] : forms) {
    EXPECT_EQ(FindHeaderId({&letter, 1}), id) << letter;
    const char upper = static_cast<char>(std::toupper(letter));
    EXPECT_EQ(FindHeaderId({&upper, 1}), id) << upper;
  }
}

TEST(HeaderIdTest, UnknownNamesAreUnknown) {
  for (const std::string_view name : {"", "Xyzzy", "Call_ID", "X-VoiceConnector-IX",
                                      "A-Name-That-Is-Longer-Than-Any-That-We-Know-Of"}) {
    EXPECT_EQ(FindHeaderId(name), HeaderId::kUnknown) << name;
  }
}

// RFC 3261 §7.1: methods are case-sensitive.
TEST(MethodTest, FindsEachMethodExactly) {
  for (size_t i = 1; i < kMethodCount; ++i) {
    const auto method = static_cast<Method>(i);
    EXPECT_EQ(FindMethod(Name(method)), method);
  }
  EXPECT_EQ(FindMethod("PRACK"), Method::kPrack);
  EXPECT_EQ(FindMethod("SUBSCRIBE"), Method::kSubscribe);
  EXPECT_EQ(FindMethod("invite"), Method::kUnknown);
  EXPECT_EQ(FindMethod("INVITES"), Method::kUnknown);
  EXPECT_EQ(FindMethod(""), Method::kUnknown);
}

}  // namespace
}  // namespace core::sip
