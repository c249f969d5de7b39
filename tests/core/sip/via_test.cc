#include "core/sip/via.h"

#include <gtest/gtest.h>

#include "tests/core/sip/parse_error_printer.h"

namespace core::sip {
namespace {

// Goal: a Via value is read as RFC 3261 §20.42 and RFC 3581 §3 write it, and a broken one is
// refused.

Via Parsed(std::string_view text) {
  Via via;
  EXPECT_EQ(ParseVia(text, &via), ParseError::kOk) << text;
  return via;
}

TEST(ViaTest, ReadsTheTrunksVias) {
  const Via top =
      Parsed("SIP/2.0/UDP 3.80.16.13:5060;branch=z9hG4bKec37.25cad5b1953f730a93ea935c0ab48f61.0");
  EXPECT_EQ(top.transport, "UDP");
  EXPECT_EQ(top.sent_by, (HostPort{"3.80.16.13", 5060, false}));
  EXPECT_EQ(top.branch, "z9hG4bKec37.25cad5b1953f730a93ea935c0ab48f61.0");
  EXPECT_TRUE(top.has_cookie());
  EXPECT_FALSE(top.has_rport);

  const Via second =
      Parsed("SIP/2.0/UDP 10.0.58.47;received=10.0.58.47;rport=5060;branch=z9hG4bKBa834aZp7Hy1r");
  EXPECT_EQ(second.received, "10.0.58.47");
  EXPECT_TRUE(second.has_rport);
  EXPECT_EQ(second.rport, 5060);
  EXPECT_EQ(second.sent_by.port, 0);
}

TEST(ViaTest, AnEmptyRportAsksForOne) {
  const Via via = Parsed("SIP/2.0/UDP h;rport;branch=z9hG4bK1");
  EXPECT_TRUE(via.has_rport);
  EXPECT_EQ(via.rport, 0);
}

TEST(ViaTest, SpaceAndFoldsMayStandBetweenTheParts) {
  const Via via =
      Parsed("SIP  / 2.0\r\n /  TCP     spindle.example.com : 5070  ;\r\n  branch  =  z9hG4bK9 ");
  EXPECT_EQ(via.transport, "TCP");
  EXPECT_EQ(via.sent_by, (HostPort{"spindle.example.com", 5070, false}));
  EXPECT_EQ(via.branch, "z9hG4bK9");
}

TEST(ViaTest, ReadsIpv6) {
  const Via via =
      Parsed("SIP/2.0/UDP [2001:db8::9:1]:5062;received=2001:db8::9:255;branch=z9hG4bKa");
  EXPECT_EQ(via.sent_by, (HostPort{"2001:db8::9:1", 5062, true}));
  EXPECT_EQ(via.received, "2001:db8::9:255");
}

TEST(ViaTest, AnyTransportIsLegal) { EXPECT_EQ(Parsed("SIP/2.0/UNKNOWN h").transport, "UNKNOWN"); }

// RFC 4475 §3.2.1: the bare cookie identifies nothing, so RFC 2543's matching applies.
TEST(ViaTest, TheBareCookieIsNoBranch) {
  EXPECT_FALSE(Parsed("SIP/2.0/UDP h;branch=z9hG4bK").has_cookie());
  EXPECT_FALSE(Parsed("SIP/2.0/UDP h;branch=390skdjuw").has_cookie());
  EXPECT_TRUE(Parsed("SIP/2.0/UDP h;branch=Z9HG4BKx").has_cookie());
}

TEST(ViaTest, RefusesWhatIsBroken) {
  const std::pair<std::string_view, ParseError> cases[] = {
      {"", ParseError::kViaProtocol},
      {"SIP/7.0/UDP h", ParseError::kViaProtocol},
      {"SIP/2.0 UDP h", ParseError::kViaProtocol},
      {"SIP/2.0/ h", ParseError::kViaTransport},
      {"SIP/2.0/UDP", ParseError::kViaTransport},
      {"SIP/2.0/UDP ", ParseError::kHost},
      {"SIP/2.0/UDP ;branch=z9hG4bK1", ParseError::kHost},
      {"SIP/2.0/UDP h:", ParseError::kPort},
      {"SIP/2.0/UDP h:99999", ParseError::kPort},
      {"SIP/2.0/UDP h;;", ParseError::kParameter},
      {"SIP/2.0/UDP h;branch=", ParseError::kParameter},
      {"SIP/2.0/UDP h;branch", ParseError::kParameter},
      {"SIP/2.0/UDP h;branch=\"\"", ParseError::kParameter},
      {"SIP/2.0/UDP h;branch=a;Branch=b", ParseError::kRepeated},
      {"SIP/2.0/UDP h;received=a;received=b", ParseError::kRepeated},
      {"SIP/2.0/UDP h;rport;rport=5060", ParseError::kRepeated},
      {"SIP/2.0/UDP h;rport=0", ParseError::kPort},
      {"SIP/2.0/UDP h;rport=65536", ParseError::kPort},
      {"SIP/2.0/UDP h;rport=5x", ParseError::kPort},
      {"SIP/2.0/UDP h x", ParseError::kTrailing},
  };
  for (const auto& [text, error] : cases) {
    Via via;
    EXPECT_EQ(ParseVia(text, &via), error) << text;
    EXPECT_TRUE(via.transport.empty()) << "a refused Via leaves nothing behind";
  }
}

TEST(ViaTest, WritesWhatItRead) {
  char memory[256];
  TextWriter out(memory);
  WriteVia(Parsed("SIP / 2.0 / UDP  [2001:db8::1] : 5062 ;rport;branch=z9hG4bK1;x=\"a b\""), &out);
  EXPECT_EQ(out.text(), "SIP/2.0/UDP [2001:db8::1]:5062;rport;branch=z9hG4bK1;x=\"a b\"");
}

}  // namespace
}  // namespace core::sip
