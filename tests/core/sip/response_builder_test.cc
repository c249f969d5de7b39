// Goal: a response copies from its request what RFC 3261 §8.2.6.2 says, as it stood, and says where
// the request came from (§18.2.1, RFC 3581 §4); and it goes back there (§18.2.2).

#include "core/sip/response_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/sip_texts.h"

namespace tests {
namespace {

using core::Endpoint;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::ParseError;
using core::sip::ResponseHead;
using testing::HasSubstr;
using testing::Not;

std::string Respond(const std::string& request_text, std::string_view source,
                    const ResponseHead& head) {
  Message request;
  EXPECT_EQ(request.Index(request_text), ParseError::kOk);
  Endpoint from;
  EXPECT_TRUE(Endpoint::Parse(source, &from));
  std::string memory(4096, '\0');
  MessageWriter out(memory);
  WriteResponseHead(&out, request, from, head);
  out.NoBody();
  EXPECT_TRUE(out.Finish().has_value());
  return std::string(out.text());
}

ResponseHead Head(uint16_t status, std::string_view to_tag = "", bool record_route = false) {
  ResponseHead head;
  head.status_code = status;
  head.to_tag = to_tag;
  head.record_route = record_route;
  return head;
}

// Both Vias of a request through a proxy go back in their order, the lower one byte for byte with
// what the proxy wrote into it; Record-Route as asked; To with our tag, behind its own parameters.
TEST(ResponseBuilderTest, CopiesWhatTheRequestSaid) {
  RequestText invite;
  invite.via =
      "SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bKec37.25cad5b1.0\r\n"
      "Via: SIP/2.0/UDP 10.0.58.47;received=10.0.58.47;rport=5060;branch=z9hG4bKBa834aZp7Hy1r";
  invite.fields =
      "Record-Route: <sip:203.0.113.5;lr;ftag=9eX;did=c71.2ee3;nat=yes>\r\n"
      "Timestamp: 54\r\n";
  EXPECT_EQ(Respond(invite.text(), "203.0.113.5:5060", Head(180, "ours", true)),
            "SIP/2.0 180 Ringing\r\n"
            "Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bKec37.25cad5b1.0\r\n"
            "Via: SIP/2.0/UDP 10.0.58.47;received=10.0.58.47;rport=5060;"
            "branch=z9hG4bKBa834aZp7Hy1r\r\n"
            "Record-Route: <sip:203.0.113.5;lr;ftag=9eX;did=c71.2ee3;nat=yes>\r\n"
            "From: Alice <sip:alice@example.com>;tag=alice-tag\r\n"
            "To: <sip:bob@example.org>;tag=ours\r\n"
            "Call-ID: call-1@192.0.2.1\r\n"
            "CSeq: 1 INVITE\r\n"
            "Content-Length: 0\r\n\r\n");
}

// A 100 has no To tag and gives the Timestamp back (§8.2.6.1); what ends a request has no
// Record-Route.
TEST(ResponseBuilderTest, HundredCarriesTimestamp) {
  RequestText invite;
  invite.fields = "Timestamp: 54\r\nRecord-Route: <sip:203.0.113.5;lr>\r\n";
  const std::string trying = Respond(invite.text(), "192.0.2.1:5060", Head(100));
  EXPECT_THAT(trying, HasSubstr("Timestamp: 54\r\n"));
  EXPECT_THAT(trying, HasSubstr("To: <sip:bob@example.org>\r\n"));
  const std::string busy = Respond(invite.text(), "192.0.2.1:5060", Head(486, "ours"));
  EXPECT_THAT(busy, Not(HasSubstr("Timestamp")));
  EXPECT_THAT(busy, Not(HasSubstr("Record-Route")));
}

TEST(ResponseBuilderTest, KeepsTheToTagOfARequestInsideADialog) {
  RequestText bye;
  bye.to_tag = "theirs";
  EXPECT_THAT(Respond(bye.text(), "192.0.2.1:5060", Head(200, "ours")),
              HasSubstr("To: <sip:bob@example.org>;tag=theirs\r\n"));
}

TEST(ResponseBuilderTest, TopViaSaysWhereTheRequestCameFrom) {
  const auto top_via = [](const std::string& via, std::string_view source) {
    RequestText request;
    request.via = via;
    const std::string response = Respond(request.text(), source, Head(200, "t"));
    const size_t at = response.find("Via: ") + 5;
    return response.substr(at, response.find("\r\n", at) - at);
  };
  // The address is the one in sent-by, and nobody asked for the port.
  EXPECT_EQ(top_via("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa", "192.0.2.1:6000"),
            "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa");
  // Another address, or a name: `received` (§18.2.1).
  EXPECT_EQ(top_via("SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKa", "192.0.2.1:6000"),
            "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKa;received=192.0.2.1");
  EXPECT_EQ(top_via("SIP/2.0/UDP pbx.example.com;branch=z9hG4bKa", "[2001:db8::1]:5060"),
            "SIP/2.0/UDP pbx.example.com;branch=z9hG4bKa;received=2001:db8::1");
  // rport asks for both (RFC 3581 §4), even where the address is right.
  EXPECT_EQ(top_via("SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKa;x=\"a;b\"", "192.0.2.1:6000"),
            "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;x=\"a;b\";received=192.0.2.1;rport=6000");
  // What the client claims of itself is not passed on.
  EXPECT_EQ(
      top_via("SIP/2.0/UDP 10.0.0.9;received=6.6.6.6;rport=1;branch=z9hG4bKa", "192.0.2.1:6000"),
      "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKa;received=192.0.2.1;rport=6000");
  // An IPv6 sent-by is compared as an address, not as text.
  EXPECT_EQ(top_via("SIP/2.0/UDP [2001:DB8:0::1]:5060;branch=z9hG4bKa", "[2001:db8::1]:5060"),
            "SIP/2.0/UDP [2001:DB8:0::1]:5060;branch=z9hG4bKa");
}

// Only the top Via of a comma list is ours to fill.
TEST(ResponseBuilderTest, ViasOnOneLineAreTakenApart) {
  RequestText request;
  request.via =
      "SIP/2.0/UDP a.example.com;branch=z9hG4bKa, SIP/2.0/UDP b.example.com;branch=z9hG4bKb";
  EXPECT_THAT(Respond(request.text(), "192.0.2.1:5060", Head(200, "t")),
              HasSubstr("Via: SIP/2.0/UDP a.example.com;branch=z9hG4bKa;received=192.0.2.1\r\n"
                        "Via: SIP/2.0/UDP b.example.com;branch=z9hG4bKb\r\n"));
}

TEST(ResponseBuilderTest, ResponsesGoToTheSource) {
  const auto target = [](std::string_view value) {
    core::sip::Via via;
    EXPECT_EQ(ParseVia(value, &via), ParseError::kOk);
    Endpoint source;
    EXPECT_TRUE(Endpoint::Parse("192.0.2.1:6000", &source));
    const Endpoint::Text text = ResponseTarget(via, source).text();
    return std::string(text.view());
  };
  EXPECT_EQ(target("SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKa"), "192.0.2.1:5060");
  EXPECT_EQ(target("SIP/2.0/UDP 10.0.0.9:5080;branch=z9hG4bKa"), "192.0.2.1:5080");
  EXPECT_EQ(target("SIP/2.0/UDP 10.0.0.9:5080;rport;branch=z9hG4bKa"), "192.0.2.1:6000");
  EXPECT_EQ(target("SIP/2.0/UDP 10.0.0.9;maddr=198.51.100.66;branch=z9hG4bKa"), "192.0.2.1:5060");
}

}  // namespace
}  // namespace tests
