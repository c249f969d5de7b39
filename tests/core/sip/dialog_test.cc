// Goal: a dialog keeps what RFC 3261 §12.1 says from the message that made it, at either end, and
// writes requests that go where §12.2.1.1 says; the trunk's own INVITE is among the examples.

#include "core/sip/dialog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/allocations.h"
#include "tests/support/sip_texts.h"

namespace tests {
namespace {

using core::PacketStore;
using core::sip::Dialog;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::Method;
using core::sip::ParseError;
using core::sip::Uri;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Result = Dialog::Result;

// As a voice trunk sends it: a Record-Route that must be followed, two Vias, a private Contact with
// an alias parameter, a parameter outside To's brackets.
constexpr std::string_view kTrunkInvite =
    "INVITE sip:+16185558387@198.51.100.204:5060;transport=UDP SIP/2.0\r\n"
    "Record-Route: <sip:3.80.16.13;lr;ftag=9eXmFya9j7Hpa;did=c71.2ee3;nat=yes>\r\n"
    "Via: SIP/2.0/UDP 3.80.16.13:5060;branch=z9hG4bKec37.25cad5b1953f730a93ea935c0ab48f61.0\r\n"
    "Via: SIP/2.0/UDP 10.0.58.47;received=10.0.58.47;rport=5060;branch=z9hG4bKBa834aZp7Hy1r\r\n"
    "Max-Forwards: 69\r\n"
    "From: <sip:+18155558245@10.0.58.47:5060>;tag=9eXmFya9j7Hpa\r\n"
    "To: <sip:+16185558387@198.51.100.204:5060>;transport=UDP\r\n"
    "Call-ID: 39d6b15a-7688-4263-85ec-8409291a2b21\r\n"
    "CSeq: 52215685 INVITE\r\n"
    "Contact: <sip:10.0.58.47:5060;alias=10.0.58.47~5060~1>\r\n"
    "Content-Length: 0\r\n\r\n";

Dialog::RequestHead Head(Method method, uint32_t sequence_number) {
  Dialog::RequestHead head;
  head.method = method;
  head.sent_by = "198.51.100.204:5060";
  head.branch = "z9hG4bKbranch";
  head.sequence_number = sequence_number;
  return head;
}

std::string Write(const Dialog& dialog, const Dialog::RequestHead& head) {
  std::string memory(65535, '\0');
  MessageWriter out(memory);
  dialog.WriteRequestHead(head, &out);
  out.NoBody();
  EXPECT_TRUE(out.Finish().has_value());
  return std::string(out.text());
}

class DialogTest : public testing::Test {
 protected:
  Message Index(std::string_view text) {
    kept_.emplace_back(std::make_unique<std::string>(text));
    Message message;
    EXPECT_EQ(message.Index(*kept_.back()), ParseError::kOk);
    return message;
  }
  Dialog FromRequest(const RequestText& request) {
    Dialog dialog;
    EXPECT_EQ(dialog.FromRequest(Index(request.text()), "ours", &store), Result::kOk);
    return dialog;
  }
  Dialog FromResponse(const ResponseText& response) {
    Dialog dialog;
    EXPECT_EQ(dialog.FromResponse(Index(response.text()), false, &store), Result::kOk);
    return dialog;
  }

  PacketStore store{{.small = 8, .medium = 4, .large = 2}};

 private:
  std::vector<std::unique_ptr<std::string>> kept_;
};

// §12.1.1: what the answering end keeps of the trunk's INVITE, and the BYE that it then sends: to
// the Contact verbatim, alias included, by way of the Record-Route.
TEST_F(DialogTest, AnswersTheTrunksInvite) {
  Dialog dialog;
  ASSERT_EQ(dialog.FromRequest(Index(kTrunkInvite), "ours", &store), Result::kOk);
  EXPECT_EQ(dialog.state(), Dialog::State::kEarly);
  EXPECT_FALSE(dialog.secure());
  EXPECT_EQ(dialog.remote_sequence(), 52215685u);
  dialog.Confirm();
  EXPECT_EQ(dialog.state(), Dialog::State::kConfirmed);

  EXPECT_EQ(dialog.next_hop(), "sip:3.80.16.13;lr;ftag=9eXmFya9j7Hpa;did=c71.2ee3;nat=yes");
  Uri hop;
  ASSERT_EQ(dialog.NextHop(&hop), ParseError::kOk);
  EXPECT_EQ(hop.host_port.host, "3.80.16.13");
  EXPECT_EQ(Write(dialog, Head(Method::kBye, dialog.NextSequence())),
            "BYE sip:10.0.58.47:5060;alias=10.0.58.47~5060~1 SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 198.51.100.204:5060;branch=z9hG4bKbranch;rport\r\n"
            "Max-Forwards: 70\r\n"
            "Route: <sip:3.80.16.13;lr;ftag=9eXmFya9j7Hpa;did=c71.2ee3;nat=yes>\r\n"
            "From: <sip:+16185558387@198.51.100.204:5060>;tag=ours\r\n"
            "To: <sip:+18155558245@10.0.58.47:5060>;tag=9eXmFya9j7Hpa\r\n"
            "Call-ID: 39d6b15a-7688-4263-85ec-8409291a2b21\r\n"
            "CSeq: 1 BYE\r\n"
            "Content-Length: 0\r\n\r\n");
}

// §12.1.2: the asking end, from a 2xx. From and To keep their display names.
TEST_F(DialogTest, AsksAndIsAnswered) {
  ResponseText ok;
  ok.cseq = "17 INVITE";
  Dialog dialog = FromResponse(ok);
  EXPECT_EQ(dialog.state(), Dialog::State::kConfirmed);
  EXPECT_EQ(dialog.local_sequence(), 17u);
  EXPECT_EQ(dialog.next_hop(), "sip:bob@192.0.2.1:5060");
  EXPECT_EQ(Write(dialog, Head(Method::kAck, 17)),
            "ACK sip:bob@192.0.2.1:5060 SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 198.51.100.204:5060;branch=z9hG4bKbranch;rport\r\n"
            "Max-Forwards: 70\r\n"
            "From: Alice <sip:alice@example.com>;tag=alice-tag\r\n"
            "To: <sip:bob@example.org>;tag=bob-tag\r\n"
            "Call-ID: call-1@192.0.2.1\r\n"
            "CSeq: 17 ACK\r\n"
            "Content-Length: 0\r\n\r\n");
  EXPECT_EQ(dialog.NextSequence(), 18u);
}

// The route set stands as Record-Route did at the answering end, and the other way round at the
// asking end, however its values are spread over lines (§12.1.1, §12.1.2).
TEST_F(DialogTest, RouteSetIsReversedAtTheAskingEnd) {
  const std::string routes =
      "Record-Route: <sip:p3;lr>, \"a, b\" <sip:p2;lr>;x=1\r\n"
      "Record-Route: <sip:p1;lr>\r\n";
  RequestText request;
  request.fields += routes;
  EXPECT_EQ(FromRequest(request).route_set(), "<sip:p3;lr>, \"a, b\" <sip:p2;lr>;x=1, <sip:p1;lr>");
  ResponseText response;
  response.fields += routes;
  const Dialog dialog = FromResponse(response);
  EXPECT_EQ(dialog.route_set(), "<sip:p1;lr>, \"a, b\" <sip:p2;lr>;x=1, <sip:p3;lr>");
  EXPECT_EQ(dialog.next_hop(), "sip:p1;lr");
}

// §12.2.1.1: a first route without `lr` is a strict router. It becomes the Request-URI, without
// header fields, and the remote target goes last.
TEST_F(DialogTest, StrictRouterBecomesTheRequestUri) {
  RequestText request;
  request.fields += "Record-Route: <sip:strict.example.com;x=1?Subject=no>, <sip:loose;lr>\r\n";
  const std::string written = Write(FromRequest(request), Head(Method::kBye, 1));
  EXPECT_THAT(written, StartsWith("BYE sip:strict.example.com;x=1 SIP/2.0\r\n"));
  EXPECT_THAT(written, HasSubstr("Route: <sip:loose;lr>\r\nRoute: <sip:alice@192.0.2.1:5060>\r\n"));

  request.fields = "Contact: <sip:alice@192.0.2.1>\r\nRecord-Route: <sip:only.example.com>\r\n";
  const Dialog only = FromRequest(request);
  EXPECT_THAT(Write(only, Head(Method::kBye, 1)), HasSubstr("Route: <sip:alice@192.0.2.1>\r\n"));
  EXPECT_EQ(only.next_hop(), "sip:only.example.com");
}

// An early dialog takes route set and remote target anew from the 2xx (§13.2.2.4), and keeps the
// numbers: a PRACK went out in between.
TEST_F(DialogTest, ConfirmTakesRouteAndTargetFromThe2xx) {
  ResponseText ringing;
  ringing.status_line = "180 Ringing";
  ringing.fields = "Record-Route: <sip:p1;lr>\r\nContact: <sip:early@192.0.2.1>\r\n";
  Dialog dialog = FromResponse(ringing);
  EXPECT_EQ(dialog.state(), Dialog::State::kEarly);
  EXPECT_EQ(dialog.NextSequence(), 2u);
  EXPECT_TRUE(dialog.TakeRemoteSequence(50));

  ResponseText ok;
  ok.fields = "Record-Route: <sip:p2;lr>\r\nContact: <sip:late@192.0.2.1>\r\n";
  EXPECT_EQ(dialog.Confirm(Index(ok.text()), &store), Result::kOk);
  EXPECT_EQ(dialog.state(), Dialog::State::kConfirmed);
  EXPECT_EQ(dialog.route_set(), "<sip:p2;lr>");
  EXPECT_EQ(dialog.remote_target(), "sip:late@192.0.2.1");
  EXPECT_EQ(dialog.NextSequence(), 3u);
  EXPECT_EQ(dialog.remote_sequence(), 50u);
}

// A target refresh changes the remote target and leaves the rest, the route set above all
// (§12.2.2).
TEST_F(DialogTest, RefreshChangesTheTargetOnly) {
  RequestText request;
  request.fields += "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n";
  Dialog dialog = FromRequest(request);
  RequestText update = Following(request, "UPDATE");
  update.fields =
      "Contact: \"A\" <sip:alice@203.0.113.200:6060;ob>\r\nRecord-Route: <sip:p9;lr>\r\n";
  EXPECT_EQ(dialog.Refresh(Index(update.text()), &store), Result::kOk);

  EXPECT_EQ(dialog.remote_target(), "sip:alice@203.0.113.200:6060;ob");
  EXPECT_EQ(dialog.route_set(), "<sip:p1;lr>, <sip:p2;lr>");
  EXPECT_EQ(dialog.remote_address(), "Alice <sip:alice@example.com>");
  EXPECT_EQ(dialog.local_address(), "<sip:bob@example.org>");
  EXPECT_EQ(dialog.call_id(), "call-1@192.0.2.1");
  EXPECT_EQ(dialog.local_tag(), "ours");
  EXPECT_EQ(dialog.remote_tag(), "alice-tag");
  EXPECT_EQ(store.used(), 1u);

  update.fields = "";
  EXPECT_EQ(dialog.Refresh(Index(update.text()), &store), Result::kOk);
  EXPECT_EQ(dialog.remote_target(), "sip:alice@203.0.113.200:6060;ob");
}

// §12.2.2: Call-ID and both tags; what is local in a request is remote in a response to ours.
TEST_F(DialogTest, MatchesByCallIdAndTags) {
  RequestText invite;
  const Dialog uas = FromRequest(invite);
  RequestText bye = Following(invite, "BYE");
  EXPECT_FALSE(uas.Matches(Index(bye.text())));  // No To tag: it is outside.
  bye.to_tag = "ours";
  EXPECT_TRUE(uas.Matches(Index(bye.text())));
  RequestText other_peer = bye;
  other_peer.from_tag = "mallory";
  EXPECT_FALSE(uas.Matches(Index(other_peer.text())));
  RequestText other_call = bye;
  other_call.call_id = "call-2";
  EXPECT_FALSE(uas.Matches(Index(other_call.text())));

  const ResponseText ok;
  const Dialog uac = FromResponse(ok);
  EXPECT_TRUE(uac.Matches(Index(ok.text())));
  ResponseText fork = ok;
  fork.to_tag = "carol-tag";
  EXPECT_FALSE(uac.Matches(Index(fork.text())));
  EXPECT_FALSE(Dialog().Matches(Index(ok.text())));
}

// §12.2.2: a lower CSeq is out of order (500); a gap is not. The asking end has no remote number
// yet.
TEST_F(DialogTest, RemoteSequenceOnlyRises) {
  RequestText invite;
  invite.cseq = "10 INVITE";
  Dialog dialog = FromRequest(invite);
  EXPECT_FALSE(dialog.TakeRemoteSequence(9));
  EXPECT_TRUE(dialog.TakeRemoteSequence(14));
  EXPECT_FALSE(dialog.TakeRemoteSequence(13));
  EXPECT_EQ(dialog.remote_sequence(), 14u);

  Dialog asking = FromResponse(ResponseText());
  EXPECT_TRUE(asking.TakeRemoteSequence(0));
  EXPECT_TRUE(asking.TakeRemoteSequence(1));
}

// A client of RFC 2543 has no From tag and no Contact: its dialog works without (§12.1.1,
// §12.2.1.1).
TEST_F(DialogTest, OldPeersHaveNoTagAndNoContact) {
  RequestText invite;
  invite.from_tag = "";
  invite.fields = "";
  Dialog dialog = FromRequest(invite);
  EXPECT_THAT(dialog.remote_tag(), IsEmpty());
  EXPECT_EQ(dialog.remote_target(), "sip:alice@example.com");
  EXPECT_THAT(Write(dialog, Head(Method::kBye, 1)),
              HasSubstr("To: Alice <sip:alice@example.com>\r\n"));
}

// An address without brackets gets them, or its parameters would become the header field's.
TEST_F(DialogTest, AddressesAreWrittenWithBrackets) {
  std::string text = RequestText().text();
  const std::string from = "From: Alice <sip:alice@example.com>;tag=alice-tag";
  text.replace(text.find(from), from.size(), "From: sip:alice@example.com;tag=alice-tag;x=1");
  const std::string to = "To: <sip:bob@example.org>";
  text.replace(text.find(to), to.size(), "t:\"<B>, ob\"\r\n <sip:bob@example.org;user=phone>;y=2");
  Dialog dialog;
  ASSERT_EQ(dialog.FromRequest(Index(text), "ours", &store), Result::kOk);
  const std::string written = Write(dialog, Head(Method::kBye, 1));
  EXPECT_THAT(written,
              HasSubstr("From: \"<B>, ob\" <sip:bob@example.org;user=phone>;tag=ours\r\n"));
  EXPECT_THAT(written, HasSubstr("To: <sip:alice@example.com>;tag=alice-tag\r\n"));
}

TEST_F(DialogTest, SipsMakesItSecure) {
  RequestText request;
  request.uri = "sips:bob@198.51.100.1";
  EXPECT_TRUE(FromRequest(request).secure());
}

// What cannot be read is refused, and the dialog is as it was.
TEST_F(DialogTest, RefusesWhatItCannotRead) {
  Dialog dialog = FromRequest(RequestText());
  RequestText wildcard;
  wildcard.fields = "Contact: *\r\n";
  EXPECT_EQ(dialog.FromRequest(Index(wildcard.text()), "x", &store), Result::kMalformed);
  EXPECT_EQ(dialog.Refresh(Index(wildcard.text()), &store), Result::kMalformed);
  EXPECT_EQ(dialog.local_tag(), "ours");
  EXPECT_EQ(dialog.remote_target(), "sip:alice@192.0.2.1:5060");
}

// A dry store is an answer, and the dialog is as it was.
TEST_F(DialogTest, DryStoreLeavesItAsItWas) {
  PacketStore small({.texts = 1});
  Dialog dialog;
  ASSERT_EQ(dialog.FromRequest(Index(RequestText().text()), "ours", &small), Result::kOk);
  std::vector<core::KeptText> others;
  while (core::KeptText text = small.texts()->Copy("x")) others.push_back(std::move(text));
  ResponseText ok;
  Dialog second;
  EXPECT_EQ(second.FromResponse(Index(ok.text()), false, &small), Result::kStoreDry);
  EXPECT_EQ(second.state(), Dialog::State::kNone);
  RequestText update;
  update.fields = "Contact: <sip:elsewhere@192.0.2.1>\r\n";
  EXPECT_EQ(dialog.Refresh(Index(update.text()), &small), Result::kStoreDry);
  EXPECT_EQ(dialog.remote_target(), "sip:alice@192.0.2.1:5060");
}

// Texts of any length that a datagram can hold.
TEST_F(DialogTest, KeepsLongTexts) {
  RequestText request;
  request.call_id = std::string(20'000, 'c');
  request.fields = "Contact: <sip:" + std::string(10'000, 'u') + "@192.0.2.1>\r\n";
  const Dialog dialog = FromRequest(request);
  EXPECT_EQ(dialog.call_id().size(), 20'000u);
  EXPECT_EQ(dialog.remote_target().size(), 10'000u + 14);
  EXPECT_EQ(dialog.local_tag(), "ours");
}

TEST_F(DialogTest, AllocatesNothing) {
  const Message invite = Index(kTrunkInvite);
  const Message ok = Index(ResponseText().text());
  std::string memory(2048, '\0');
  const size_t before = Allocations();
  for (int i = 0; i < 100; ++i) {
    Dialog uas;
    Dialog uac;
    const bool made = uas.FromRequest(invite, "ours", &store) == Result::kOk &&
                      uac.FromResponse(ok, false, &store) == Result::kOk &&
                      uas.Refresh(ok, &store) == Result::kOk;
    MessageWriter out(memory);
    uas.WriteRequestHead(Head(Method::kBye, uas.NextSequence()), &out);
    out.NoBody();
    if (!made || !out.Finish()) break;
  }
  EXPECT_EQ(Allocations(), before);
  EXPECT_EQ(store.used(), 0u);
}

}  // namespace
}  // namespace tests
