// URIs on the other side: the user part crosses, nothing else does (topology hiding, rule 16), and
// numbers are written in E.164 towards the trunk (rule 17).

#include "sbc/uri_rewrite.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/sip/uri.h"
#include "tests/sbc/policy_bed.h"

namespace sbc {
namespace {

std::string Written(const PartyUser& user, const UriHost& host) {
  char bytes[512];
  core::sip::TextWriter out(bytes);
  WriteUri(user, host, &out);
  EXPECT_TRUE(out.ok());
  core::sip::Uri uri;
  EXPECT_EQ(core::sip::ParseUri(out.text(), &uri), core::sip::ParseError::kOk) << out.text();
  return std::string(out.text());
}

std::string Called(std::string_view request_uri, Side towards) {
  return Written(CalledParty(request_uri, towards, HomePlan::kNanp), UriHost::Of("next.hop", 5060));
}

// The Request-URI that a Voice Connector sends, on its way to the PBX; and the other way.
TEST(UriRewriteTest, Rule16_NothingButTheUserPartCrosses) {
  EXPECT_EQ(Called("sip:+16185558387@198.51.100.204:5060;transport=UDP", Side::kCustomer),
            "sip:+16185558387@next.hop");
  EXPECT_EQ(
      Called("sips:alice:secret@10.0.0.1;maddr=10.0.0.2;lr?Subject=10.0.0.3", Side::kCustomer),
      "sip:alice@next.hop");
  EXPECT_EQ(Called("sip:10.0.0.1", Side::kCustomer), "sip:next.hop");
  EXPECT_EQ(Called("sip:+16185558387;phone-context=10.0.0.1@10.0.0.1", Side::kCustomer),
            "sip:+16185558387@next.hop");
}

TEST(UriRewriteTest, Rule17_NumbersAreE164TowardsTheTrunk) {
  EXPECT_EQ(Called("sip:8155558245@sbc", Side::kTrunk), "sip:+18155558245@next.hop");
  EXPECT_EQ(Called("sip:011442079460000@sbc", Side::kTrunk), "sip:+442079460000@next.hop");
  EXPECT_EQ(Called("sip:+1-815-555-8245@sbc;user=phone", Side::kTrunk),
            "sip:+18155558245@next.hop;user=phone");
  EXPECT_EQ(Called("tel:+1-815-555-8245", Side::kTrunk), "sip:+18155558245@next.hop;user=phone");
  EXPECT_EQ(Called("sip:911@sbc", Side::kTrunk), "sip:911@next.hop");
  EXPECT_EQ(Called("sip:meeting%23room@sbc", Side::kTrunk), "sip:meeting%23room@next.hop");
}

// The PBX's dial plan was made for what the trunk writes.
TEST(UriRewriteTest, TheUserPartStaysTowardsTheCustomer) {
  EXPECT_EQ(Called("sip:5550@sbc", Side::kCustomer), "sip:5550@next.hop");
  EXPECT_EQ(Called("sip:6185558387@sbc", Side::kCustomer), "sip:6185558387@next.hop");
}

TEST(UriRewriteTest, HostsAndPorts) {
  const PartyUser nobody = {};
  EXPECT_EQ(Written(nobody, UriHost::Of("a.example", 5060)), "sip:a.example");
  EXPECT_EQ(Written(nobody, UriHost::Of("a.example", 0)), "sip:a.example");
  EXPECT_EQ(Written(nobody, UriHost::Of("a.example", 5080)), "sip:a.example:5080");
  EXPECT_EQ(Written(nobody, UriHost::Of("2001:db8::1", 5080)), "sip:[2001:db8::1]:5080");
  EXPECT_EQ(Written(nobody, UriHost::Of({Ip("2001:db8::1"), 5061})), "sip:[2001:db8::1]:5061");
  EXPECT_EQ(Written(nobody, UriHost::Of({Ip("10.0.0.1"), 5060})), "sip:10.0.0.1");
}

std::string Shown(std::string_view uri) {
  const PartyUser user = ReadPartyUser(uri, HomePlan::kNanp);
  return std::string(user.shown());
}

// What cannot be read, what has another scheme, what is too long: nobody.
TEST(UriRewriteTest, WhatHasNoUserPartIsNobody) {
  for (const std::string_view uri : {"", "nonsense", "http://a.example/", "sip:@a", "mailto:a@b"}) {
    EXPECT_EQ(Shown(uri), "") << uri;
  }
  const std::string longest = "sip:" + std::string(PartyUser::kUserMax, 'a') + "@b";
  EXPECT_EQ(Shown(longest).size(), PartyUser::kUserMax);
  const std::string longer = "sip:" + std::string(PartyUser::kUserMax + 1, 'a') + "@b";
  EXPECT_EQ(Shown(longer), "");
}

std::string Party(std::string_view header) {
  core::sip::NameAddr address;
  EXPECT_EQ(core::sip::ParseNameAddr(header, &address), core::sip::ParseError::kOk);
  char bytes[512];
  core::sip::TextWriter out(bytes);
  WriteParty(address, ReadPartyUser(address.uri, HomePlan::kNanp), UriHost::Of("x", 0), "", &out);
  return std::string(out.text());
}

// The stray parameter that the trunk writes behind To is the old side's too.
TEST(UriRewriteTest, Rule16_DisplayNamesCrossParametersDoNot) {
  EXPECT_EQ(Party("<sip:+16185558387@198.51.100.204:5060>;transport=UDP"), "<sip:+16185558387@x>");
  EXPECT_EQ(Party("\"A \\\"B\\\" C\" <sip:alice@y>;tag=old"), "\"A \\\"B\\\" C\" <sip:alice@x>");
  EXPECT_EQ(Party("Alice B <sip:alice@y>"), "Alice B <sip:alice@x>");
  EXPECT_EQ(Party("sip:alice@y;tag=old"), "<sip:alice@x>");
}

// A display name never ends its line.
TEST(UriRewriteTest, Rule16_AFoldedDisplayNameIsWrittenOnOneLine) {
  core::sip::NameAddr address;
  address.display_name = "A\r\n B";
  address.quoted = true;
  char bytes[128];
  core::sip::TextWriter out(bytes);
  WriteParty(address, PartyUser(), UriHost::Of("x", 0), "t", &out);
  EXPECT_EQ(out.text(), "\"A   B\" <sip:x>;tag=t");
  address.display_name = std::string_view("A\0B", 3);
  core::sip::TextWriter again(bytes);
  WriteParty(address, PartyUser(), UriHost::Of("x", 0), "t", &again);
  EXPECT_EQ(again.text(), "<sip:x>;tag=t");
}

}  // namespace
}  // namespace sbc
