// Goal: server transactions answer repeats, resend what must be, wait for ACKs and linger by the
// timers of RFC 3261 §17.2 and §13.3.1.4 and of RFC 6026 §7.1.

#include "core/sip/server_transaction.h"

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
using testing::IsEmpty;
using testing::SizeIs;
using State = ServerTransaction::State;

class ServerTransactionTest : public testing::Test {
 protected:
  // The peer's INVITE or other request comes in, and the user does nothing yet.
  ServerTransaction* Start(const RequestText& request, TransportKind transport = {}) {
    host.Receive(request.text(), "192.0.2.1:5060", transport);
    return host.Server();
  }
  bool Respond(ServerTransaction& transaction, uint16_t status) {
    const std::string line = "SIP/2.0 " + std::to_string(status) + " Whatever\r\n\r\n";
    return host.Respond(transaction, line, status);
  }
  RequestText Bye() {
    RequestText bye = Following(invite, "BYE");
    bye.cseq = "2 BYE";
    bye.to_tag = "ours";
    bye.via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKpeer2";
    return bye;
  }
  // The ACK of a 300-699: the branch of its INVITE.
  std::string Ack() {
    RequestText ack = Following(invite, "ACK");
    ack.to_tag = "ours";
    return ack.text();
  }

  RequestText invite;
  TransactionHost host;
};

// The user that does not answer at once has 100 sent for it (§17.2.1), without a To tag; a repeat
// of the INVITE gets the last provisional response again, and the user hears of the INVITE once.
TEST_F(ServerTransactionTest, InviteIsAnswered100AndRepeatsGetTheLastProvisional) {
  ServerTransaction* transaction = Start(invite);
  ASSERT_NE(transaction, nullptr);
  ASSERT_THAT(host.sent, SizeIs(1));
  EXPECT_EQ(host.sent[0].text,
            "SIP/2.0 100 Trying\r\n"
            "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKpeer1\r\n"
            "From: Alice <sip:alice@example.com>;tag=alice-tag\r\n"
            "To: <sip:bob@example.org>\r\n"
            "Call-ID: call-1@192.0.2.1\r\n"
            "CSeq: 1 INVITE\r\n"
            "Content-Length: 0\r\n\r\n");
  EXPECT_EQ(host.sent[0].to, host.peer);

  host.RunFor(500ms);
  host.Receive(invite.text());
  EXPECT_TRUE(Respond(*transaction, 180));
  host.RunFor(500ms);
  host.Receive(invite.text());

  EXPECT_THAT(host.StartLines(), ElementsAre("SIP/2.0 100 Trying", "SIP/2.0 100 Trying",
                                             "SIP/2.0 180 Whatever", "SIP/2.0 180 Whatever"));
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE"));
  EXPECT_EQ(host.table->counters().request_repeats, 2u);
}

TEST_F(ServerTransactionTest, UserThatAnswersAtOnceNeedsNo100) {
  host.on_request = [&](ServerTransaction& transaction, const Message&, const Packet&) {
    EXPECT_TRUE(Respond(transaction, 486));
  };
  Start(invite);
  EXPECT_THAT(host.StartLines(), ElementsAre("SIP/2.0 486 Whatever"));
}

// A 300-699 is resent by timer G, from T1 up to T2, until the ACK; then timer I, T4, absorbs the
// ACK's repeats (figure 7). The ACK ends here: the user does not hear of it.
TEST_F(ServerTransactionTest, FailureIsResentUntilItsAck) {
  ServerTransaction* transaction = Start(invite);
  EXPECT_TRUE(Respond(*transaction, 486));
  EXPECT_EQ(transaction->state(), State::kCompleted);
  EXPECT_EQ(transaction->final_status(), 486);

  host.RunUntil(Instant{} + 4s);
  host.Receive(invite.text());  // A repeat gets it too.
  host.RunUntil(Instant{} + 8s);
  host.Receive(Ack());
  EXPECT_EQ(transaction->state(), State::kConfirmed);
  EXPECT_EQ(host.store.used(), 0u);
  host.RunUntil(Instant{} + 10s);
  host.Receive(Ack());
  host.Receive(invite.text());
  host.RunUntil(Instant{} + 12999ms);
  EXPECT_EQ(host.table->server_count(), 1u);
  host.RunFor(1ms);
  EXPECT_EQ(host.table->server_count(), 0u);

  EXPECT_THAT(host.SentTimes("SIP/2.0 486"),
              ElementsAre(0ms, 500ms, 1500ms, 3500ms, 4000ms, 7500ms));
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE"));
}

// Without an ACK timer H ends it and tells the user, once.
TEST_F(ServerTransactionTest, FailureWithoutAckIsReportedByTimerH) {
  EXPECT_TRUE(Respond(*Start(invite), 486));
  host.RunFor(1h);
  EXPECT_EQ(host.events.back(), (TransactionHost::Event{32s, "unacknowledged 486", 0}));
  EXPECT_THAT(host.SentTimes("SIP/2.0 486"), SizeIs(11));
  EXPECT_EQ(host.table->server_count(), 0u);
  EXPECT_EQ(host.store.used(), 0u);
}

// Our 2xx is resent from T1 up to T2 (§13.3.1.4). Repeats of the INVITE are absorbed (RFC 6026
// §7.1): they are answered by that schedule alone, and make no second call.
TEST_F(ServerTransactionTest, TwoHundredIsResentUntilItsAckWasSeen) {
  ServerTransaction* transaction = Start(invite);
  EXPECT_TRUE(Respond(*transaction, 200));
  EXPECT_EQ(transaction->state(), State::kAccepted);
  host.RunUntil(Instant{} + 1s);
  host.Receive(invite.text());
  host.RunUntil(Instant{} + 5s);

  host.table->Acknowledged(host.last_server, host.now);
  EXPECT_EQ(transaction->state(), State::kAcknowledged);
  EXPECT_EQ(host.store.used(), 0u);
  host.RunUntil(Instant{} + 20s);
  host.Receive(invite.text());  // Still absorbed.
  host.RunUntil(Instant{} + 31999ms);
  EXPECT_EQ(host.table->server_count(), 1u);
  host.RunFor(1ms);
  EXPECT_EQ(host.table->server_count(), 0u);
  host.table->Acknowledged(host.last_server, host.now);  // Stale: no error.

  EXPECT_THAT(host.SentTimes("SIP/2.0 200"), ElementsAre(0ms, 500ms, 1500ms, 3500ms));
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE"));
}

// No ACK in 64*T1: the user hears of it, and ends the dialog.
TEST_F(ServerTransactionTest, TwoHundredWithoutAckIsReportedByTimerL) {
  ServerTransaction* transaction = Start(invite);
  transaction->set_user(9);
  EXPECT_TRUE(Respond(*transaction, 200));
  host.RunFor(1h);
  EXPECT_THAT(host.SentTimes("SIP/2.0 200"),
              ElementsAre(0ms, 500ms, 1500ms, 3500ms, 7500ms, 11500ms, 15500ms, 19500ms, 23500ms,
                          27500ms, 31500ms));
  EXPECT_EQ(host.events.back(), (TransactionHost::Event{32s, "unacknowledged 200", 9}));
  EXPECT_EQ(host.table->server_count(), 0u);
}

// An ACK with the INVITE's own branch, in Accepted, is for the 2xx all the same: it goes to the
// user.
TEST_F(ServerTransactionTest, AckWithTheInvitesBranchIsTheUsersIn2xx) {
  ServerTransaction* transaction = Start(invite);
  EXPECT_TRUE(Respond(*transaction, 200));
  host.Receive(Ack());
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE", "ack"));
}

// One final response is all there is; but a 2xx may follow a 2xx (RFC 6026 §7.1).
TEST_F(ServerTransactionTest, RefusesASecondFinalResponse) {
  ServerTransaction* transaction = Start(invite);
  EXPECT_TRUE(Respond(*transaction, 200));
  EXPECT_FALSE(Respond(*transaction, 486));
  EXPECT_FALSE(Respond(*transaction, 180));
  EXPECT_TRUE(Respond(*transaction, 200));
  EXPECT_EQ(transaction->final_status(), 200);
  EXPECT_THAT(host.SentTimes("SIP/2.0 486"), IsEmpty());
}

// Other requests: silence in Trying, the provisional again in Proceeding, the final again until
// timer J (figure 8). No 100 is sent for them.
TEST_F(ServerTransactionTest, OtherRequestIsAnsweredAgainUntilTimerJ) {
  ServerTransaction* transaction = Start(Bye());
  host.Receive(Bye().text());
  EXPECT_EQ(transaction->state(), State::kTrying);
  EXPECT_THAT(host.sent, IsEmpty());

  EXPECT_TRUE(Respond(*transaction, 183));
  host.Receive(Bye().text());
  EXPECT_TRUE(Respond(*transaction, 200));
  EXPECT_FALSE(Respond(*transaction, 200));
  host.RunUntil(Instant{} + 31999ms);
  host.Receive(Bye().text());
  host.RunFor(1ms);
  EXPECT_EQ(host.table->server_count(), 0u);

  EXPECT_THAT(host.StartLines(), ElementsAre("SIP/2.0 183 Whatever", "SIP/2.0 183 Whatever",
                                             "SIP/2.0 200 Whatever", "SIP/2.0 200 Whatever"));
  EXPECT_THAT(host.Heard(), ElementsAre("request BYE"));
}

// Over TCP: no timer G for a failure, I and J are zero; but a 2xx is resent, as there may be UDP
// beyond the next hop (§13.3.1.4).
TEST_F(ServerTransactionTest, ReliableTransportLeavesOnlyThe2xxToResend) {
  EXPECT_TRUE(Respond(*Start(invite, TransportKind::kTcp), 486));
  host.RunFor(10s);
  EXPECT_THAT(host.SentTimes("SIP/2.0 486"), SizeIs(1));
  host.Receive(Ack(), "192.0.2.1:5060", TransportKind::kTcp);
  host.RunFor(1ms);
  EXPECT_EQ(host.table->server_count(), 0u);

  EXPECT_TRUE(Respond(*Start(Bye(), TransportKind::kTcp), 200));
  host.RunFor(1ms);
  EXPECT_EQ(host.table->server_count(), 0u);

  EXPECT_TRUE(Respond(*Start(invite, TransportKind::kTcp), 200));
  host.RunFor(2s);
  EXPECT_THAT(host.SentTimes("SIP/2.0 200"), SizeIs(4));  // The BYE's, and three of the INVITE's.
}

// What the user has kept of the request serves until the final response.
TEST_F(ServerTransactionTest, KeepsTheRequestUntilTheFinalResponse) {
  host.on_request = [&](ServerTransaction& transaction, const Message&, const Packet& packet) {
    EXPECT_TRUE(host.table->KeepRequest(transaction, packet));
  };
  ServerTransaction* transaction = Start(Bye());
  EXPECT_EQ(transaction->request(), Bye().text());
  EXPECT_EQ(transaction->source(), host.peer);
  EXPECT_TRUE(Respond(*transaction, 183));
  EXPECT_FALSE(transaction->request().empty());
  EXPECT_TRUE(Respond(*transaction, 200));
  EXPECT_TRUE(transaction->request().empty());
}

// Silence for who deserves no more: the transaction is gone, and the repeat is a new request.
TEST_F(ServerTransactionTest, DroppedRequestIsForgotten) {
  host.on_request = [&](ServerTransaction& transaction, const Message&, const Packet&) {
    host.table->Drop(transaction, host.now);
  };
  host.Receive(invite.text());
  host.Receive(invite.text());
  EXPECT_EQ(host.table->server_count(), 0u);
  EXPECT_THAT(host.sent, IsEmpty());
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE", "request INVITE"));
}

}  // namespace
}  // namespace tests
