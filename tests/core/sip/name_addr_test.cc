#include "core/sip/name_addr.h"

#include <gtest/gtest.h>

#include "tests/core/sip/parse_error_printer.h"

namespace core::sip {
namespace {

// Goal: name-addr and addr-spec with what follows them are read as RFC 3261 §20.10 writes them:
// outside the brackets a parameter is the header field's, inside it is the URI's.

NameAddr Parsed(std::string_view text) {
  NameAddr name_addr;
  EXPECT_EQ(ParseNameAddr(text, &name_addr), ParseError::kOk) << text;
  return name_addr;
}

TEST(NameAddrTest, ReadsTheTrunksToWithAParameterOutsideTheBrackets) {
  const NameAddr to = Parsed("<sip:+16185558387@198.51.100.204:5060>;transport=UDP");
  EXPECT_EQ(to.uri, "sip:+16185558387@198.51.100.204:5060");
  EXPECT_EQ(to.parameters.Find("transport"), "UDP");
  EXPECT_EQ(to.tag, "");
  EXPECT_TRUE(to.bracketed);
}

TEST(NameAddrTest, ReadsDisplayNames) {
  const NameAddr quoted =
      Parsed(R"("J Rosenberg \\\""       <sip:jdrosen@example.com> ; tag = 98asjd8)");
  EXPECT_EQ(quoted.display_name, R"(J Rosenberg \\\")");
  EXPECT_TRUE(quoted.quoted);
  EXPECT_EQ(quoted.tag, "98asjd8");
  EXPECT_EQ(Parsed("A. G. Bell <sip:agb@bell-telephone.com>").display_name, "A. G. Bell");
  EXPECT_EQ(Parsed("caller<sip:caller@example.com>").display_name, "caller");
  EXPECT_EQ(Parsed("\"\" <sip:a@h>").display_name, "");
}

TEST(NameAddrTest, WithoutBracketsParametersAreTheHeaderFields) {
  const NameAddr bare = Parsed("sip:+19725552222@gw1.example.net;unknownparam;tag=a7");
  EXPECT_EQ(bare.uri, "sip:+19725552222@gw1.example.net");
  EXPECT_TRUE(bare.parameters.Has("unknownparam"));
  EXPECT_EQ(bare.tag, "a7");
  EXPECT_FALSE(bare.bracketed);
  EXPECT_FALSE(Parsed("<sip:a@h;unknownparam>").parameters.Has("unknownparam"));
}

TEST(NameAddrTest, ReadsTheWildcard) {
  EXPECT_TRUE(Parsed(" * ").wildcard);
  EXPECT_FALSE(Parsed("<sip:h>").wildcard);
}

TEST(NameAddrTest, RefusesWhatIsBroken) {
  const std::pair<std::string_view, ParseError> cases[] = {
      {"", ParseError::kUri},
      {"\"Mr. J. User <sip:j.user@example.com>", ParseError::kQuotes},
      {"\"A\" sip:a@h", ParseError::kDisplayName},
      {"Bell, Alexander <sip:a.g.bell@example.com>;tag=43", ParseError::kUri},
      {"\"Watson, Thomas\" < sip:t.watson@example.org >", ParseError::kUri},
      {"<sip:a@h", ParseError::kBrackets},
      {"<>", ParseError::kUri},
      {"<alice>", ParseError::kScheme},
      {"<sip:>", ParseError::kUri},
      {"sip:user@example.com?Route=%3Csip:sip.example.com%3E", ParseError::kUri},
      {"sip:a,b@h", ParseError::kUri},
      {"<sip:a@h>;;;;", ParseError::kParameter},
      {"<sip:a@h>;tag=", ParseError::kParameter},
      {"<sip:a@h>;tag", ParseError::kParameter},
      {"<sip:a@h>;tag=1;tag=2", ParseError::kRepeated},
      {"<sip:a@h> x", ParseError::kTrailing},
      {"<sip:a@h>,<sip:b@h>", ParseError::kTrailing},
  };
  for (const auto& [text, error] : cases) {
    NameAddr name_addr;
    EXPECT_EQ(ParseNameAddr(text, &name_addr), error) << text;
    EXPECT_TRUE(name_addr.uri.empty()) << "a refused value leaves nothing behind";
  }
}

TEST(NameAddrTest, WritesItBackInBrackets) {
  char memory[128];
  TextWriter out(memory);
  WriteNameAddr(Parsed(R"("A \"B\""<sip:a@h;lr>;tag=1;x)"), &out);
  EXPECT_EQ(out.text(), R"("A \"B\"" <sip:a@h;lr>;tag=1;x)");
  TextWriter bare(memory);
  WriteNameAddr(Parsed("sip:a@h ; tag=1"), &bare);
  EXPECT_EQ(bare.text(), "<sip:a@h>; tag=1");
}

}  // namespace
}  // namespace core::sip
