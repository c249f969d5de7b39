// Rule 16 of the SBC's rules: only header fields of the policy table pass, unfolded, under their
// canonical names; unknown ones only where `headers.pass` names them; nothing smuggles a line.

#include "sbc/header_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/sbc/policy_bed.h"
#include "tests/support/allocations.h"

namespace sbc {
namespace {

using core::sip::HeaderId;

constexpr std::string_view kInvite = "INVITE sip:x SIP/2.0\n";
constexpr std::string_view kRinging = "SIP/2.0 180 Ringing\n";

// What passes of `lines`, a header field a line, without the start line.
std::string Passing(const Config& config, std::string_view start, std::string_view lines,
                    const Crossing& crossing) {
  const IndexedMessage message(std::string(start) + std::string(lines));
  const PolicyBed bed(config);
  char bytes[4096];
  core::sip::MessageWriter out(bytes);
  CopyPassing(*message, crossing, *bed, &out);
  EXPECT_TRUE(out.ok());
  std::string text;
  for (const char c : out.text()) {
    if (c != '\r') text += c;
  }
  return text;
}

std::string Passing(const Config& config, std::string_view start, std::string_view lines,
                    Side towards) {
  return Passing(config, start, lines, Crossing{.towards = towards});
}

std::string Passing(std::string_view lines, const Crossing& crossing) {
  return Passing(SmallConfig(), kInvite, lines, crossing);
}

std::string Passing(std::string_view lines, Side towards) {
  return Passing(lines, Crossing{.towards = towards});
}

TEST(HeaderPolicyTest, Rule16_OfTheTrunksInviteOnlyItsIdPasses) {
  EXPECT_EQ(Passing("Record-Route: <sip:3.80.16.13;lr;ftag=9eXmFya9j7Hpa;did=c71.2ee3;nat=yes>\n"
                    "Via: SIP/2.0/UDP 3.80.16.13:5060;branch=z9hG4bKec37\n"
                    "Via: SIP/2.0/UDP 10.0.58.47;received=10.0.58.47;rport=5060;branch=z9hG4bKB\n"
                    "Max-Forwards: 69\n"
                    "From: <sip:+18155558245@10.0.58.47:5060>;tag=9eXmFya9j7Hpa\n"
                    "To: <sip:+16185558387@198.51.100.204:5060>;transport=UDP\n"
                    "Contact: <sip:10.0.58.47:5060;alias=10.0.58.47~5060~1>\n"
                    "X-VoiceConnector-ID: dr3rbaar376u5r4ntcnlq4\n"
                    "User-Agent: VineProx-v2.3\n",
                    Side::kCustomer),
            "X-VoiceConnector-ID: dr3rbaar376u5r4ntcnlq4\n");
}

// X-VoiceConnector-ID from a customer would name a connector.
TEST(HeaderPolicyTest, Rule03_ACustomersVoiceConnectorIdIsDropped) {
  EXPECT_EQ(Passing("X-VoiceConnector-ID: dr3rbaar376u5r4ntcnlq4\n", Side::kTrunk), "");
  Config config = SmallConfig();
  config.headers.pass = {"X-VoiceConnector-ID"};
  EXPECT_EQ(Passing(config, kInvite, "X-VoiceConnector-ID: d\n", Side::kTrunk), "");
}

TEST(HeaderPolicyTest, Rule16_WhatPassesIsUnfoldedUnderItsCanonicalName) {
  EXPECT_EQ(
      Passing("s: a\n  folded\n\tsubject\nUSER-TO-USER: 56a390f3;encoding=hex\n", Side::kTrunk),
      "Subject: a folded subject\nUser-to-User: 56a390f3;encoding=hex\n");
}

// The same field twice stays twice, in order: their order has a meaning.
TEST(HeaderPolicyTest, Rule16_OrderIsKept) {
  EXPECT_EQ(Passing("Reason: Q.850;cause=16\nSubject: x\nReason: SIP;cause=200\n", Side::kTrunk),
            "Reason: Q.850;cause=16\nSubject: x\nReason: SIP;cause=200\n");
}

TEST(HeaderPolicyTest, Rule16_UnknownFieldsPassOnlyWhenNamed) {
  const std::string_view lines = "X-Original-Calling-Number: +1\nX-Internal: 10.0.0.1\n";
  EXPECT_EQ(Passing(lines, Side::kTrunk), "");
  Config config = SmallConfig();
  config.headers.pass = {"x-original-calling-number", "Alert-Info"};
  EXPECT_EQ(Passing(config, kInvite, lines, Side::kTrunk), "X-Original-Calling-Number: +1\n");
  // A field that the table drops by default can be named too.
  EXPECT_EQ(Passing("Alert-Info: <http://a/ring>\n", Side::kCustomer), "");
  EXPECT_EQ(Passing(config, kInvite, "Alert-Info: <http://a/ring>\n", Side::kCustomer),
            "Alert-Info: <http://a/ring>\n");
}

// What is made per leg, or shows a side's hosts, stays out whatever the operator names.
TEST(HeaderPolicyTest, Rule16_OurOwnFieldsNeverPass) {
  const char* const lines[] = {
      "Via: SIP/2.0/UDP a;branch=z9hG4bK1\n",
      "Contact: <sip:a>\n",
      "Record-Route: <sip:a;lr>\n",
      "Route: <sip:a;lr>\n",
      "Supported: 100rel\n",
      "Require: 100rel\n",
      "Allow: INVITE\n",
      "Session-Expires: 90\n",
      "Min-SE: 90\n",
      "User-Agent: a\n",
      "Server: a\n",
      "Max-Forwards: 7\n",
      "Retry-After: 5\n",
      "P-Asserted-Identity: <sip:a@b>\n",
      "P-Preferred-Identity: <sip:a@b>\n",
      "Remote-Party-ID: <sip:a@b>\n",
      "Diversion: <sip:a@b>\n",
      "History-Info: <sip:a@b>;index=1\n",
      "Proxy-Authorization: Digest realm=a\n",
      "WWW-Authenticate: Digest realm=a\n",
      "RSeq: 1\n",
      "RAck: 1 1 INVITE\n",
      "Replaces: a;to-tag=b;from-tag=c\n",
      "Refer-To: <sip:a>\n",
      "From: <sip:a@b>;tag=1\n",
      "To: <sip:a@b>\n",
  };
  for (const char* line : lines) {
    Config config = SmallConfig();
    config.headers.pass = {std::string(line).substr(0, std::string_view(line).find(':'))};
    for (const Side towards : {Side::kTrunk, Side::kCustomer}) {
      const Crossing crossing = {towards, true, true};
      EXPECT_EQ(Passing(config, kInvite, line, crossing), "") << line;
      EXPECT_EQ(Passing(config, kRinging, line, crossing), "") << line;
    }
  }
}

// The ways of registrations, and who referred whom, are of one side, too.
TEST(HeaderPolicyTest, Rule16_WaysAndReferrersNeverPass) {
  for (const char* name : {"Path", "Service-Route", "Referred-By"}) {
    Config config = SmallConfig();
    config.headers.pass = {name};
    const std::string line = std::string(name) + ": <sip:a@b>\n";
    for (const Side towards : {Side::kTrunk, Side::kCustomer}) {
      EXPECT_EQ(Passing(config, kInvite, line, towards), "") << name;
      EXPECT_EQ(Passing(config, kRinging, line, towards), "") << name;
    }
  }
}

// What the reader takes for `headers.pass` does pass, one way at least.
TEST(HeaderPolicyTest, Rule16_WhatMayBeNamedPasses) {
  for (size_t i = 1; i < core::sip::kHeaderIdCount; ++i) {
    const auto id = static_cast<HeaderId>(i);
    if (IsNeverPassed(id)) continue;
    Config config = SmallConfig();
    config.headers.pass = {std::string(core::sip::Name(id))};
    const std::string line = std::string(core::sip::Name(id)) + ": a\n";
    EXPECT_EQ(Passing(config, kInvite, line, Side::kTrunk), line);
    EXPECT_EQ(Passing(config, kRinging, line, Side::kCustomer), line);
  }
}

// Warning names the host that warns; Server says who it is.
TEST(HeaderPolicyTest, Rule16_ResponsesShowNothingOfTheOtherSide) {
  EXPECT_EQ(Passing(SmallConfig(), kRinging,
                    "Warning: 399 pbx.internal \"no\"\nServer: Asterisk\nAlert-Info: <http://a>\n"
                    "Reason: Q.850;cause=17\nRetry-After: 9\n",
                    Side::kTrunk),
            "Reason: Q.850;cause=17\n");
}

TEST(HeaderPolicyTest, Rule16_IdentityPassesOnlyIfFromAndToAreUntouched) {
  const std::string_view lines = "Identity: eyJ;info=<https://a/c.pem>;alg=ES256;ppt=shaken\n";
  const Crossing untouched = {.towards = Side::kCustomer, .parties_untouched = true};
  EXPECT_EQ(Passing(lines, Side::kCustomer), "");
  EXPECT_EQ(Passing(lines, untouched), std::string(lines));
  EXPECT_EQ(Passing(SmallConfig(), kRinging, lines, untouched), "");
}

// Rule 6: what an emergency call says of its place passes unchanged; of other calls it would tell
// the other side where this side's users are, so there it needs the operator's word.
TEST(HeaderPolicyTest, Rule06_GeolocationPassesInEmergencyCalls) {
  const std::string_view lines =
      "Geolocation: <cid:target123@atlanta.example.com>;inserted-by=\"sbc\"\n"
      "Geolocation-Routing: yes\n";
  EXPECT_EQ(Passing(lines, Crossing{.towards = Side::kTrunk, .is_emergency = true}),
            std::string(lines));
  EXPECT_EQ(Passing(lines, Side::kTrunk), "");
  Config config = SmallConfig();
  config.headers.pass = {"Geolocation", "Geolocation-Routing"};
  EXPECT_EQ(Passing(config, kInvite, lines, Side::kTrunk), std::string(lines));
}

// The text of a Reason is one side's own words, and names its hosts.
TEST(HeaderPolicyTest, Rule16_OfAReasonOnlyProtocolAndCauseCross) {
  EXPECT_EQ(Passing("Reason: SIP ;cause=486 ;text=\"Busy at 10.0.58.47\"\n", Side::kTrunk),
            "Reason: SIP;cause=486\n");
  EXPECT_EQ(Passing("Reason: q.850;cause=16;text=\"a, b\", SIP;cause=200;x=10.0.58.47\n",
                    Side::kCustomer),
            "Reason: Q.850;cause=16, SIP;cause=200\n");
  EXPECT_EQ(Passing("Reason: 10.0.58.47;cause=1\n", Side::kTrunk), "");
  EXPECT_EQ(Passing("Reason: SIP;text=\"pbx.internal\"\n", Side::kTrunk), "");
  EXPECT_EQ(Passing("Reason: SIP;cause=\"\n", Side::kTrunk), "");
}

TEST(HeaderPolicyTest, Rule17_PrivacyCrosses) {
  EXPECT_EQ(Passing("Privacy: id;critical\n", Side::kTrunk), "Privacy: id;critical\n");
  EXPECT_EQ(Passing("Privacy: id\n", Side::kCustomer), "Privacy: id\n");
}

// A value with a NUL stays here, and the rest goes on.
TEST(HeaderPolicyTest, Rule16_AValueThatHoldsNulStaysHere) {
  const std::string lines = std::string("Subject: a") + '\0' + "b\nPriority: urgent\n";
  EXPECT_EQ(Passing(lines, Side::kTrunk), "Priority: urgent\n");
}

// The table speaks about each field that we know, and each of its four answers is a considered one.
TEST(HeaderPolicyTest, Rule16_TheTableIsWhole) {
  for (size_t i = 0; i < core::sip::kHeaderIdCount; ++i) {
    const auto id = static_cast<HeaderId>(i);
    EXPECT_EQ(RuleOf(id).id, id);
    EXPECT_FALSE(RuleOf(id).why.empty());
  }
  EXPECT_EQ(ActionOf(HeaderId::kUnknown, Side::kTrunk, true), HeaderAction::kDrop);
  EXPECT_EQ(ActionOf(HeaderId::kVia, Side::kTrunk, true), HeaderAction::kOwn);
  EXPECT_EQ(ActionOf(HeaderId::kMaxForwards, Side::kCustomer, true), HeaderAction::kRewrite);
  EXPECT_EQ(ActionOf(HeaderId::kXVoiceConnectorId, Side::kCustomer, true), HeaderAction::kPass);
}

// The table in the documentation is the one in the code.
TEST(HeaderPolicyTest, Rule16_TheWrittenTableIsTheOneInTheCode) {
  std::ifstream file("sbc/HEADERS.md");
  std::stringstream written;
  written << file.rdbuf();
  EXPECT_THAT(written.str(), testing::HasSubstr(HeaderPolicyMarkdown()));
}

TEST(HeaderPolicyTest, AllocatesNothing) {
  Config config = SmallConfig();
  config.headers.pass = {"X-Original-Calling-Number", "Alert-Info"};
  const PolicyBed bed(config);
  const IndexedMessage message(std::string(kInvite) +
                               "Subject: x\nX-Original-Calling-Number: +1\nX-Other: 2\n"
                               "Reason: SIP;cause=487;text=\"a\"\n");
  char bytes[4096];
  core::sip::MessageWriter out(bytes);
  const size_t before = Allocations();
  CopyPassing(*message, {.towards = Side::kTrunk}, *bed, &out);
  EXPECT_EQ(Allocations(), before);
  EXPECT_EQ(out.text(), "Subject: x\r\nX-Original-Calling-Number: +1\r\nReason: SIP;cause=487\r\n");
}

}  // namespace
}  // namespace sbc
