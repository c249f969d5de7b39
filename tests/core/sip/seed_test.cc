#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/sip/message.h"
#include "core/sip/small_headers.h"
#include "core/sip/uri.h"
#include "core/sip/verdict.h"
#include "tests/core/sip/parse_error_printer.h"
#include "tests/support/corpus.h"

namespace core::sip {
namespace {

// Goal: the two INVITEs that the project began from, one of the trunk's and one of a PBX's, are
// parsed exactly: every header field, and every part of those that we read.

using testing::ElementsAre;

std::vector<std::pair<std::string, std::string>> Fields(const Message& message) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (size_t i = 0; i < message.header_count(); ++i) {
    fields.emplace_back(message.header(i).name, message.header(i).value);
    EXPECT_EQ(Name(message.header(i).id), message.header(i).name) << "each is known by its name";
  }
  return fields;
}

Uri ParsedUri(std::string_view text) {
  Uri uri;
  EXPECT_EQ(ParseUri(text, &uri), ParseError::kOk) << text;
  return uri;
}

TEST(SeedTest, InboundInviteField) {
  const std::string text = ReadCorpus("seed/inbound-invite.sip");
  ASSERT_EQ(text.size(), 953u);
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  EXPECT_TRUE(Judge(message).ok());
  EXPECT_TRUE(message.is_request());
  EXPECT_EQ(message.method(), Method::kInvite);
  EXPECT_EQ(message.request_uri(), "sip:+16185558387@198.51.100.204:5060;transport=UDP");
  using Field = std::pair<std::string, std::string>;
  EXPECT_THAT(
      Fields(message),
      ElementsAre(
          Field("Record-Route", "<sip:3.80.16.13;lr;ftag=9eXmFya9j7Hpa;did=c71.2ee3;nat=yes>"),
          Field(
              "Via",
              "SIP/2.0/UDP 3.80.16.13:5060;branch=z9hG4bKec37.25cad5b1953f730a93ea935c0ab48f61.0"),
          Field(
              "Via",
              "SIP/2.0/UDP 10.0.58.47;received=10.0.58.47;rport=5060;branch=z9hG4bKBa834aZp7Hy1r"),
          Field("Max-Forwards", "69"),
          Field("From", "<sip:+18155558245@10.0.58.47:5060>;tag=9eXmFya9j7Hpa"),
          Field("To", "<sip:+16185558387@198.51.100.204:5060>;transport=UDP"),
          Field("Call-ID", "39d6b15a-7688-4263-85ec-8409291a2b21"),
          Field("CSeq", "52215685 INVITE"),
          Field("Contact", "<sip:10.0.58.47:5060;alias=10.0.58.47~5060~1>"),
          Field("Content-Type", "application/sdp"), Field("Content-Length", "247"),
          Field("X-VoiceConnector-ID", "dr3rbaar376u5r4ntcnlq4"),
          Field("User-Agent", "VineProx-v2.3")));
  EXPECT_EQ(message.body().size(), 247u);
  EXPECT_EQ(message.body().substr(0, 5), "v=0\r\n");
  EXPECT_EQ(message.body().data() + message.body().size(), text.data() + text.size());
}

TEST(SeedTest, InboundInviteParts) {
  const std::string text = ReadCorpus("seed/inbound-invite.sip");
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);

  Via via;
  ASSERT_EQ(message.TopVia(&via), ParseError::kOk);
  EXPECT_EQ(via.sent_by, (HostPort{"3.80.16.13", 5060, false}));
  EXPECT_EQ(via.branch, "z9hG4bKec37.25cad5b1953f730a93ea935c0ab48f61.0");
  NameAddr from;
  ASSERT_EQ(message.From(&from), ParseError::kOk);
  EXPECT_EQ(from.tag, "9eXmFya9j7Hpa");
  EXPECT_EQ(ParsedUri(from.uri).user, "+18155558245");
  EXPECT_EQ(ParsedUri(from.uri).host_port, (HostPort{"10.0.58.47", 5060, false}));
  NameAddr to;
  ASSERT_EQ(message.To(&to), ParseError::kOk);
  EXPECT_EQ(to.tag, "");
  EXPECT_EQ(to.parameters.Find("transport"), "UDP");
  EXPECT_EQ(ParsedUri(to.uri).user, "+16185558387");
  EXPECT_EQ(FindUriParameter(ParsedUri(to.uri), "transport"), std::nullopt);
  NameAddr contact;
  ASSERT_EQ(message.Contact(&contact), ParseError::kOk);
  EXPECT_EQ(ParsedUri(contact.uri).user, "");
  EXPECT_EQ(FindUriParameter(ParsedUri(contact.uri), "alias"), "10.0.58.47~5060~1");
  AddressReader record_routes(message, HeaderId::kRecordRoute);
  NameAddr record_route;
  ASSERT_TRUE(record_routes.Next(&record_route));
  EXPECT_EQ(ParsedUri(record_route.uri).host_port.host, "3.80.16.13");
  EXPECT_TRUE(FindUriParameter(ParsedUri(record_route.uri), "lr").has_value());
  EXPECT_FALSE(record_routes.Next(&record_route));
  CSeqValue cseq;
  ASSERT_EQ(message.CSeq(&cseq), ParseError::kOk);
  EXPECT_EQ(cseq.sequence_number, 52215685u);
  EXPECT_EQ(cseq.method, Method::kInvite);
  uint32_t hops = 0;
  ASSERT_EQ(message.MaxForwards(&hops), ParseError::kOk);
  EXPECT_EQ(hops, 69u);
  EXPECT_EQ(PeekCallId(text), "39d6b15a-7688-4263-85ec-8409291a2b21");
}

TEST(SeedTest, OutboundInviteFields) {
  const std::string text = ReadCorpus("seed/outbound-invite.sip");
  ASSERT_EQ(text.size(), 1413u);
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);
  EXPECT_TRUE(Judge(message).ok());
  EXPECT_EQ(message.method(), Method::kInvite);
  EXPECT_EQ(message.request_uri(),
            "sip:+18155558245@dr3rbaar376u5r4ntcnlq4.voiceconnector.chime.aws");
  using Field = std::pair<std::string, std::string>;
  EXPECT_THAT(
      Fields(message),
      ElementsAre(
          Field("Via",
                "SIP/2.0/UDP 198.51.100.204:5060;rport;"
                "branch=z9hG4bKPjb46638db-f05f-44fb-8644-86438687c288"),
          Field("From", "<sip:+16185558387@10.0.0.141>;tag=8b29e8c9-8801-44fb-b876-5622a69dcb5c"),
          Field("To", "<sip:+18155558245@dr3rbaar376u5r4ntcnlq4.voiceconnector.chime.aws>"),
          Field("Contact", "<sip:asterisk@198.51.100.204:5060>"),
          Field("Call-ID", "a9a4f1ca-3a31-4044-b832-1483289c7963"), Field("CSeq", "23513 INVITE"),
          Field("Allow",
                "OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, "
                "PRACK, MESSAGE, REFER"),
          Field("Supported", "100rel, timer, replaces, norefersub, histinfo"),
          Field("Session-Expires", "1800"), Field("Min-SE", "90"), Field("Max-Forwards", "70"),
          Field("User-Agent", "Asterisk PBX 18.12.1"), Field("Content-Type", "application/sdp"),
          Field("Content-Length", "661")));
  EXPECT_EQ(message.body().size(), 661u);
  EXPECT_EQ(message.body().data() + message.body().size(), text.data() + text.size());
}

TEST(SeedTest, OutboundInviteParts) {
  const std::string text = ReadCorpus("seed/outbound-invite.sip");
  Message message;
  ASSERT_EQ(message.Index(text), ParseError::kOk);

  Via via;
  ASSERT_EQ(message.TopVia(&via), ParseError::kOk);
  EXPECT_EQ(via.sent_by, (HostPort{"198.51.100.204", 5060, false}));
  EXPECT_TRUE(via.has_rport);
  EXPECT_EQ(via.rport, 0);
  EXPECT_TRUE(via.has_cookie());
  NameAddr from;
  ASSERT_EQ(message.From(&from), ParseError::kOk);
  EXPECT_EQ(from.tag, "8b29e8c9-8801-44fb-b876-5622a69dcb5c");
  EXPECT_EQ(ParsedUri(from.uri).host_port, (HostPort{"10.0.0.141", 0, false}));
  NameAddr contact;
  ASSERT_EQ(message.Contact(&contact), ParseError::kOk);
  EXPECT_EQ(ParsedUri(contact.uri).user, "asterisk");
  for (const std::string_view option_tag :
       {"100rel", "timer", "replaces", "norefersub", "histinfo"}) {
    EXPECT_TRUE(message.HasToken(HeaderId::kSupported, option_tag)) << option_tag;
  }
  EXPECT_TRUE(message.HasToken(HeaderId::kAllow, "UPDATE"));
  EXPECT_FALSE(message.HasToken(HeaderId::kAllow, "INFO"));
  SessionExpires session_expires;
  ASSERT_EQ(ParseSessionExpires(*message.Find(HeaderId::kSessionExpires), &session_expires),
            ParseError::kOk);
  EXPECT_EQ(session_expires.seconds, 1800u);
  EXPECT_EQ(session_expires.refresher, SessionExpires::Refresher::kNone);
  uint32_t min_se = 0;
  ASSERT_EQ(message.Number(HeaderId::kMinSe, &min_se), ParseError::kOk);
  EXPECT_EQ(min_se, 90u);
}

}  // namespace
}  // namespace core::sip
