#include "core/sip/small_headers.h"

#include <gtest/gtest.h>

#include "core/sip/cseq.h"
#include "core/sip/status_code.h"
#include "tests/core/sip/parse_error_printer.h"

namespace core::sip {
namespace {

// Goal: the one-value header fields are read as their RFCs write them, and numbers out of range are
// refused, never wrapped.

// RFC 3261 §20.16, and §8.1.1.5: the number is below 2**31.
TEST(CSeqTest, ReadsNumberAndMethod) {
  CSeqValue cseq;
  EXPECT_EQ(ParseCSeq("0009\r\n  INVITE", &cseq), ParseError::kOk);
  EXPECT_EQ(cseq.sequence_number, 9u);
  EXPECT_EQ(cseq.method, Method::kInvite);
  EXPECT_EQ(ParseCSeq("2147483647 NEWMETHOD", &cseq), ParseError::kOk);
  EXPECT_EQ(cseq.method, Method::kUnknown);
  EXPECT_EQ(cseq.method_text, "NEWMETHOD");
  for (const std::string_view text :
       {"", "INVITE", "-1 INVITE", "2147483648 INVITE", "36893488147419103232 REGISTER"}) {
    EXPECT_EQ(ParseCSeq(text, &cseq), ParseError::kNumber) << text;
    EXPECT_EQ(cseq.sequence_number, 0u);
  }
  for (const std::string_view text : {"1", "1 ", "1INVITE", "1 <>"}) {
    EXPECT_EQ(ParseCSeq(text, &cseq), ParseError::kMethod) << text;
  }
  EXPECT_EQ(ParseCSeq("1 INVITE x", &cseq), ParseError::kTrailing);
}

TEST(RAckTest, ReadsBothNumbersAndTheMethod) {  // RFC 3262 §7.2
  RAckValue rack;
  EXPECT_EQ(ParseRAck("776656 1 INVITE", &rack), ParseError::kOk);
  EXPECT_EQ(rack.response_number, 776656u);
  EXPECT_EQ(rack.sequence_number, 1u);
  EXPECT_EQ(rack.method, Method::kInvite);
  EXPECT_EQ(ParseRAck("776656 INVITE", &rack), ParseError::kNumber);
  EXPECT_EQ(ParseRAck("4294967296 1 INVITE", &rack), ParseError::kNumber);
  EXPECT_EQ(ParseRAck("1 1", &rack), ParseError::kMethod);
}

TEST(NumberTest, ReadsDeltaSeconds) {
  uint32_t number = 7;
  EXPECT_EQ(ParseNumber(" 0068 ", &number), ParseError::kOk);
  EXPECT_EQ(number, 68u);
  EXPECT_EQ(ParseNumber("4294967295", &number), ParseError::kOk);
  EXPECT_EQ(number, UINT32_MAX);
  EXPECT_EQ(ParseNumber("4294967296", &number), ParseError::kNumber);
  EXPECT_EQ(number, 0u);
  EXPECT_EQ(ParseNumber("-999", &number), ParseError::kNumber);
  EXPECT_EQ(ParseNumber("", &number), ParseError::kNumber);
  EXPECT_EQ(ParseNumber("1 2", &number), ParseError::kTrailing);
}

TEST(SessionExpiresTest, ReadsSecondsAndRefresher) {  // RFC 4028 §4
  SessionExpires value;
  EXPECT_EQ(ParseSessionExpires("1800", &value), ParseError::kOk);
  EXPECT_EQ(value.seconds, 1800u);
  EXPECT_EQ(value.refresher, SessionExpires::Refresher::kNone);
  EXPECT_EQ(ParseSessionExpires("90 ;x=1; Refresher = UAS", &value), ParseError::kOk);
  EXPECT_EQ(value.refresher, SessionExpires::Refresher::kUas);
  EXPECT_EQ(ParseSessionExpires("90;refresher=uac", &value), ParseError::kOk);
  EXPECT_EQ(value.refresher, SessionExpires::Refresher::kUac);
  EXPECT_EQ(ParseSessionExpires("90;refresher=me", &value), ParseError::kParameter);
  EXPECT_EQ(ParseSessionExpires(";refresher=uac", &value), ParseError::kNumber);
}

TEST(RetryAfterTest, SkipsItsCommentAndReadsTheDuration) {  // RFC 3261 §20.33
  RetryAfter value;
  EXPECT_EQ(ParseRetryAfter("18000;duration=3600", &value), ParseError::kOk);
  EXPECT_EQ(value.seconds, 18000u);
  EXPECT_EQ(value.duration, 3600u);
  EXPECT_EQ(ParseRetryAfter("120 (I'm in a \\) (long) meeting) ;duration=60", &value),
            ParseError::kOk);
  EXPECT_EQ(value.duration, 60u);
  EXPECT_EQ(ParseRetryAfter("120 (open", &value), ParseError::kTrailing);
  EXPECT_EQ(ParseRetryAfter("949302838503028349304023988", &value), ParseError::kNumber);
}

TEST(ReplacesTest, NeedsBothTags) {  // RFC 3891 §6.1
  Replaces value;
  EXPECT_EQ(
      ParseReplaces("98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff;early-only", &value),
      ParseError::kOk);
  EXPECT_EQ(value.call_id, "98732@sip.example.com");
  EXPECT_EQ(value.from_tag, "r33th4x0r");
  EXPECT_EQ(value.to_tag, "ff87ff");
  EXPECT_TRUE(value.early_only);
  EXPECT_EQ(ParseReplaces("1@h;from-tag=a", &value), ParseError::kMissing);
  EXPECT_EQ(ParseReplaces(";from-tag=a;to-tag=b", &value), ParseError::kToken);
}

TEST(ReasonTest, ReadsProtocolCauseAndText) {  // RFC 3326 §2
  Reason value;
  EXPECT_EQ(ParseReason("Q.850 ;cause=16 ;text=\"Terminated\"", &value), ParseError::kOk);
  EXPECT_EQ(value.protocol, "Q.850");
  EXPECT_EQ(value.cause, 16u);
  EXPECT_EQ(value.text, "Terminated");
  EXPECT_EQ(ParseReason("SIP;cause=x", &value), ParseError::kNumber);
  EXPECT_EQ(ParseReason("", &value), ParseError::kToken);
}

TEST(WarningTest, CodesHaveThreeDigits) {  // RFC 3261 §20.43
  Warning value;
  EXPECT_EQ(ParseWarning("301 isi.edu \"Incompatible network address type 'E.164'\"", &value),
            ParseError::kOk);
  EXPECT_EQ(value.code, 301);
  EXPECT_EQ(value.agent, "isi.edu");
  EXPECT_EQ(value.text, "Incompatible network address type 'E.164'");
  EXPECT_EQ(ParseWarning("1812 overture \"In Progress\"", &value), ParseError::kNumber);
  EXPECT_EQ(ParseWarning("399 h text", &value), ParseError::kQuotes);
}

TEST(EventTest, ReadsThePackageAndItsParameters) {
  Event value;
  EXPECT_EQ(ParseEvent("refer", &value), ParseError::kOk);
  EXPECT_EQ(value.package, "refer");
  EXPECT_FALSE(value.parameters.Has("id"));
  EXPECT_EQ(ParseEvent(" presence.winfo ; id=7;x", &value), ParseError::kOk);
  EXPECT_EQ(value.package, "presence.winfo");
  EXPECT_EQ(value.parameters.Find("ID"), "7");
  EXPECT_EQ(ParseEvent("", &value), ParseError::kToken);
  EXPECT_EQ(ParseEvent("refer id=7", &value), ParseError::kParameter);
  EXPECT_EQ(ParseEvent("refer;=7", &value), ParseError::kParameter);
}

TEST(MediaTypeTest, ReadsTypeSubtypeAndParameters) {
  MediaType value;
  EXPECT_EQ(ParseMediaType("multipart/mixed;boundary=7a9cbec02ceef655", &value), ParseError::kOk);
  EXPECT_EQ(value.type, "multipart");
  EXPECT_EQ(value.subtype, "mixed");
  EXPECT_EQ(value.parameters.Find("boundary"), "7a9cbec02ceef655");
  EXPECT_EQ(ParseMediaType("application", &value), ParseError::kToken);
}

TEST(StatusCodeTest, KnowsTheRegistryAndFallsBackToTheClass) {
  EXPECT_EQ(DefaultReason(180), "Ringing");
  EXPECT_EQ(DefaultReason(422), "Session Interval Too Small");
  EXPECT_EQ(DefaultReason(491), "Request Pending");
  EXPECT_EQ(DefaultReason(499), "Bad Request");
  EXPECT_EQ(DefaultReason(699), "Busy Everywhere");
  EXPECT_EQ(DefaultReason(99), "");
  EXPECT_EQ(DefaultReason(700), "");
  for (uint16_t code = 100; code < 700; ++code) EXPECT_FALSE(DefaultReason(code).empty()) << code;
}

}  // namespace
}  // namespace core::sip
