// Goal: client transactions send again, give up and linger by the timers of RFC 3261 §17.1 and
// RFC 6026 §7.2, tell their user each thing once, and acknowledge what must be (§17.1.1.3).

#include "core/sip/client_transaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sip_texts.h"
#include "tests/support/transaction_host.h"

namespace tests {
namespace {

using core::sip::TransportKind;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using State = ClientTransaction::State;

constexpr std::string_view kBranch = "z9hG4bKours1";

RequestText Ours(const std::string& method) {
  RequestText request;
  request.method = method;
  request.uri = "sip:bob@192.0.2.1";
  request.via = "SIP/2.0/UDP 198.51.100.1:5060;branch=" + std::string(kBranch) + ";rport";
  request.cseq = "1 " + method;
  request.fields = "Route: <sip:192.0.2.1;lr>\r\nContact: <sip:us@198.51.100.1>\r\n";
  return request;
}

class ClientTransactionTest : public testing::Test {
 protected:
  ClientTransaction* Invite(TransportKind transport = {}) {
    return host.SendRequest(Ours("INVITE").text(), Method::kInvite, kBranch, 7, transport);
  }
  ClientTransaction* Bye(TransportKind transport = {}) {
    return host.SendRequest(Ours("BYE").text(), Method::kBye, kBranch, 7, transport);
  }
  void Receive(const std::string& status_line, const std::string& method = "INVITE") {
    ResponseText response;
    response.status_line = status_line;
    response.cseq = "1 " + method;
    host.Receive(response.text());
  }

  TransactionHost host;
};

// A silent peer gets the INVITE seven times, at timer A's doubling gaps, and the user hears of it
// once, when timer B fires at 64*T1 (RFC 3261 §17.1.1.2).
TEST_F(ClientTransactionTest, ResendsInviteWithDoublingGapsUntilTimerB) {
  Invite();

  host.RunUntil(Instant{} + 1h);

  EXPECT_THAT(host.SentTimes("INVITE"),
              ElementsAre(0ms, 500ms, 1500ms, 3500ms, 7500ms, 15500ms, 31500ms));
  EXPECT_THAT(host.events, ElementsAre(TransactionHost::Event{32s, "timeout", 7}));
  EXPECT_EQ(host.table->client_count(), 0u);
  EXPECT_EQ(host.store.used(), 0u);
}

// Any other request: the gaps double up to T2, and timer F ends it (§17.1.2.2).
TEST_F(ClientTransactionTest, ResendsOthersWithGapsUpToT2UntilTimerF) {
  Bye();

  host.RunUntil(Instant{} + 1h);

  EXPECT_THAT(host.SentTimes("BYE"), ElementsAre(0ms, 500ms, 1500ms, 3500ms, 7500ms, 11500ms,
                                                 15500ms, 19500ms, 23500ms, 27500ms, 31500ms));
  EXPECT_THAT(host.events, ElementsAre(TransactionHost::Event{32s, "timeout", 7}));
  EXPECT_EQ(host.table->client_count(), 0u);
}

// In Proceeding timer E runs at T2, and F still limits the whole (figure 6).
TEST_F(ClientTransactionTest, ResendsOthersAtT2InProceeding) {
  const ClientTransaction* bye = Bye();
  host.RunFor(100ms);
  Receive("100 Trying", "BYE");
  EXPECT_EQ(bye->state(), State::kProceeding);

  host.RunUntil(Instant{} + 1h);

  EXPECT_THAT(host.SentTimes("BYE"),
              ElementsAre(0ms, 500ms, 4500ms, 8500ms, 12500ms, 16500ms, 20500ms, 24500ms, 28500ms));
  EXPECT_THAT(host.Heard(), ElementsAre("response 100", "timeout"));
}

// A provisional response ends timers A and B: an INVITE may ring for as long as it likes.
TEST_F(ClientTransactionTest, ProvisionalResponseStopsResendingAndTimerB) {
  const ClientTransaction* invite = Invite();
  host.RunFor(600ms);
  Receive("180 Ringing");

  host.RunFor(1h);
  Receive("183 Session Progress");

  EXPECT_THAT(host.SentTimes("INVITE"), ElementsAre(0ms, 500ms));
  EXPECT_THAT(host.Heard(), ElementsAre("response 180", "response 183"));
  EXPECT_EQ(invite->state(), State::kProceeding);
  EXPECT_FALSE(invite->request().empty());
}

// Over TCP nothing is sent again, timers B and F stay, and D and K are zero (§17.1.1.2, §17.1.2.2).
TEST_F(ClientTransactionTest, SendsOnceOverAReliableTransport) {
  Invite(TransportKind::kTcp);
  host.RunUntil(Instant{} + 31s);
  EXPECT_THAT(host.sent, SizeIs(1));
  host.RunFor(2s);
  EXPECT_THAT(host.Heard(), ElementsAre("timeout"));

  Bye(TransportKind::kTcp);
  Receive("200 OK", "BYE");
  EXPECT_EQ(host.table->client_count(), 1u);  // Not freed under its caller.
  host.RunFor(1ms);
  EXPECT_EQ(host.table->client_count(), 0u);
}

// A 2xx is passed up as often as it comes, also from another fork, until timer M (RFC 6026 §7.2);
// after it the response is a stray. No ACK is sent here: that is the user's.
TEST_F(ClientTransactionTest, AcceptedPassesEvery2xxUntilTimerM) {
  const ClientTransaction* invite = Invite();
  Receive("200 OK");
  EXPECT_EQ(invite->state(), State::kAccepted);
  EXPECT_THAT(invite->request(), IsEmpty());

  host.RunFor(500ms);
  Receive("200 OK");
  ResponseText fork;
  fork.to_tag = "carol-tag";
  host.Receive(fork.text());
  Receive("486 Busy Here");  // Not a thing that may follow: ignored.
  host.RunUntil(Instant{} + 31999ms);
  Receive("200 OK");
  host.RunUntil(Instant{} + 32s);
  Receive("200 OK");

  EXPECT_THAT(host.Heard(), ElementsAre("response 200", "response 200", "response 200",
                                        "response 200", "stray 200"));
  EXPECT_THAT(host.StartLines(), ElementsAre("INVITE sip:bob@192.0.2.1 SIP/2.0"));
  EXPECT_EQ(host.table->client_count(), 0u);
}

// The ACK of a 300-699 repeats the INVITE's Request-URI, top Via, Route, From, Call-ID and CSeq
// number, and has the response's To (§17.1.1.3); each repeat gets the same again, and the user
// hears of the response once. Timer D ends it after 32 s.
TEST_F(ClientTransactionTest, AcknowledgesEachRepeatOfAFailure) {
  const ClientTransaction* invite = Invite();
  Receive("486 Busy Here");
  EXPECT_EQ(invite->state(), State::kCompleted);
  EXPECT_EQ(host.store.used(), 1u);  // The INVITE is gone, its ACK is kept.
  host.RunFor(500ms);
  Receive("486 Busy Here");

  EXPECT_THAT(host.SentTimes("ACK"), ElementsAre(0ms, 500ms));
  EXPECT_THAT(host.Heard(), ElementsAre("response 486"));
  EXPECT_EQ(host.sent[1].text,
            "ACK sip:bob@192.0.2.1 SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKours1;rport\r\n"
            "Max-Forwards: 70\r\n"
            "Route: <sip:192.0.2.1;lr>\r\n"
            "From: Alice <sip:alice@example.com>;tag=alice-tag\r\n"
            "To: <sip:bob@example.org>;tag=bob-tag\r\n"
            "Call-ID: call-1@192.0.2.1\r\n"
            "CSeq: 1 ACK\r\n"
            "Content-Length: 0\r\n\r\n");
  EXPECT_EQ(host.sent[1].text, host.sent[2].text);
  EXPECT_EQ(host.sent[1].to, host.peer);

  host.RunUntil(Instant{} + 31999ms);
  EXPECT_EQ(host.table->client_count(), 1u);
  host.RunUntil(Instant{} + 32s);
  EXPECT_EQ(host.table->client_count(), 0u);
  EXPECT_EQ(host.store.used(), 0u);
}

// The final response of another request is passed once; repeats are absorbed until timer K, T4.
TEST_F(ClientTransactionTest, AbsorbsRepeatsOfAFinalResponseUntilTimerK) {
  Bye();
  Receive("200 OK", "BYE");
  host.RunFor(4999ms);
  Receive("200 OK", "BYE");
  EXPECT_THAT(host.Heard(), ElementsAre("response 200"));
  host.RunFor(1ms);
  Receive("200 OK", "BYE");
  EXPECT_THAT(host.Heard(), ElementsAre("response 200", "stray 200"));
}

// The user may read its request in OnResponse(), for the answer to a 401, and has to write it anew.
TEST_F(ClientTransactionTest, RequestIsThereWhileTheFinalResponseIsPassed) {
  std::string request;
  host.on_response = [&](ClientTransaction& transaction, const Message&, const Packet&) {
    request = transaction.request();
  };
  Invite();
  Receive("401 Unauthorized");
  EXPECT_EQ(request, Ours("INVITE").text());
}

// A store that has no room for the ACK: nothing is sent, the INVITE is kept, and the next repeat of
// the response is acknowledged (the contract's answer to a dry store).
TEST_F(ClientTransactionTest, AckThatFoundNoPacketIsSentAtTheNextRepeat) {
  TransactionHost::Limits limits;
  limits.packets = {.small = 2, .medium = 0, .large = 0};
  TransactionHost small(limits);
  small.SendRequest(Ours("INVITE").text(), Method::kInvite, kBranch);
  Packet hog = small.store.Acquire(1);
  ASSERT_TRUE(hog);
  ResponseText busy;
  busy.status_line = "486 Busy Here";

  small.Receive(busy.text());
  EXPECT_THAT(small.SentTimes("ACK"), IsEmpty());
  EXPECT_THAT(small.Heard(), ElementsAre("response 486"));
  EXPECT_EQ(small.table->counters().store_dry, 1u);

  hog.Reset();
  small.Receive(busy.text());
  EXPECT_THAT(small.SentTimes("ACK"), SizeIs(1));
  EXPECT_THAT(small.Heard(), ElementsAre("response 486"));
  EXPECT_EQ(small.store.used(), 1u);
}

// CANCEL waits for a provisional response (§9.1), then leaves with the INVITE's Request-URI, top
// Via and Route, as a transaction of its own that the user does not hear of.
TEST_F(ClientTransactionTest, CancelWaitsForTheFirstProvisionalResponse) {
  ClientTransaction* invite = Invite();
  EXPECT_TRUE(
      host.table->Cancel(*invite, "SIP;cause=200;text=\"Call completed elsewhere\"", host.now));
  EXPECT_TRUE(host.table->Cancel(*invite, "", host.now));  // Twice is once.
  EXPECT_THAT(host.SentTimes("CANCEL"), IsEmpty());

  host.RunFor(700ms);
  Receive("100 Trying");
  host.RunFor(500ms);  // Nobody answers the CANCEL: it is sent again.
  EXPECT_THAT(host.SentTimes("CANCEL"), ElementsAre(700ms, 1200ms));
  EXPECT_EQ(host.sent.back().text,
            "CANCEL sip:bob@192.0.2.1 SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKours1;rport\r\n"
            "Max-Forwards: 70\r\n"
            "Route: <sip:192.0.2.1;lr>\r\n"
            "From: Alice <sip:alice@example.com>;tag=alice-tag\r\n"
            "To: <sip:bob@example.org>\r\n"
            "Call-ID: call-1@192.0.2.1\r\n"
            "CSeq: 1 CANCEL\r\n"
            "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"
            "Content-Length: 0\r\n\r\n");

  Receive("200 OK", "CANCEL");
  Receive("487 Request Terminated");
  EXPECT_THAT(host.Heard(), ElementsAre("response 100", "response 487"));
  EXPECT_THAT(host.SentTimes("ACK"), ElementsAre(1200ms));
  host.RunFor(1h);
  EXPECT_EQ(host.table->client_count(), 0u);
  EXPECT_EQ(host.store.used(), 0u);
}

// An INVITE that got its final response while the CANCEL still waited: no CANCEL is sent, and the
// ACK is none the worse.
TEST_F(ClientTransactionTest, FinalResponseOvertakesAWaitingCancel) {
  ClientTransaction* invite = Invite();
  EXPECT_TRUE(host.table->Cancel(*invite, "", host.now));
  Receive("486 Busy Here");
  EXPECT_THAT(host.StartLines(),
              ElementsAre("INVITE sip:bob@192.0.2.1 SIP/2.0", "ACK sip:bob@192.0.2.1 SIP/2.0"));
  EXPECT_FALSE(host.table->Cancel(*invite, "", host.now));
}

// A 2xx that crosses the CANCEL is passed up: the user acknowledges and ends it.
TEST_F(ClientTransactionTest, TwoHundredCrossesCancel) {
  ClientTransaction* invite = Invite();
  Receive("180 Ringing");
  EXPECT_TRUE(host.table->Cancel(*invite, "", host.now));
  Receive("200 OK");
  EXPECT_THAT(host.SentTimes("CANCEL"), ElementsAre(0ms));
  EXPECT_THAT(host.Heard(), ElementsAre("response 180", "response 200"));
  EXPECT_TRUE(invite->cancelled());
}

// A peer that rang, was cancelled, and then says nothing final: after 64*T1 it counts as cancelled
// (§9.1).
TEST_F(ClientTransactionTest, CancelledInviteEndsAfter64T1WithoutAFinalResponse) {
  ClientTransaction* invite = Invite();
  Receive("180 Ringing");
  host.RunFor(10s);
  EXPECT_TRUE(host.table->Cancel(*invite, "", host.now));
  Receive("200 OK", "CANCEL");
  host.RunFor(1h);
  EXPECT_EQ(host.events.back(), (TransactionHost::Event{42s, "timeout", 7}));
  EXPECT_EQ(host.table->client_count(), 0u);
}

// An abandoned INVITE tells only what may need ending: late 101-199 and 2xx. A CANCEL that it was
// given waits for the late 1xx (rule 7 of the SBC's rules).
TEST_F(ClientTransactionTest, AbandonedInviteTellsOnlyWhatCameLate) {
  ClientTransaction* invite = Invite();
  EXPECT_TRUE(host.table->Cancel(*invite, "", host.now));
  host.table->Abandon(*invite);
  EXPECT_TRUE(invite->abandoned());
  Receive("100 Trying");
  EXPECT_THAT(host.SentTimes("CANCEL"), ElementsAre(0ms));
  Receive("180 Ringing");
  Receive("200 OK");
  EXPECT_THAT(host.Heard(), ElementsAre("response 180", "response 200"));
}

TEST_F(ClientTransactionTest, AbandonedTransactionsFailInSilence) {
  host.table->Abandon(*Invite());
  host.RunFor(1h);
  host.table->Abandon(*Invite());
  Receive("503 Service Unavailable");
  EXPECT_THAT(host.events, IsEmpty());
  EXPECT_THAT(host.SentTimes("ACK"), SizeIs(1));
}

}  // namespace
}  // namespace tests
