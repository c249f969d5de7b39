// Goal: each message finds its own transaction and no other (RFC 3261 §17.1.3, §17.2.3, §9.2,
// §8.2.2.2), each pool run dry has its answer, and a failed send fails whom it is about (rule 8).

#include "core/sip/transaction_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/allocations.h"
#include "tests/support/sip_texts.h"
#include "tests/support/transaction_host.h"

namespace tests {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string Via(std::string_view branch, std::string_view sent_by = "192.0.2.1:5060") {
  return "SIP/2.0/UDP " + std::string(sent_by) + ";branch=" + std::string(branch);
}

RequestText Request(const std::string& method, std::string_view branch) {
  RequestText request;
  request.method = method;
  request.cseq = "1 " + method;
  request.via = Via(branch);
  return request;
}

// What the value of a response's To tag is.
std::string ToTag(std::string_view text) {
  Message message;
  core::sip::NameAddr to;
  CHECK(message.Index(text) == core::sip::ParseError::kOk);
  CHECK(message.To(&to) == core::sip::ParseError::kOk);
  return std::string(to.tag);
}

class TransactionTableTest : public testing::Test {
 protected:
  ClientTransaction* Send(const std::string& method, std::string_view branch) {
    RequestText request = Request(method, branch);
    request.via = Via(branch, "198.51.100.1:5060");
    return host.SendRequest(request.text(), core::sip::FindMethod(method), branch);
  }
  void Receive(const std::string& status_line, const std::string& branch,
               const std::string& method) {
    ResponseText response;
    response.status_line = status_line;
    response.branch = branch;
    response.cseq = "1 " + method;
    host.Receive(response.text());
  }

  TransactionHost host;
};

// §17.1.3: a response belongs to the client transaction of its branch and of its CSeq's method.
TEST_F(TransactionTableTest, ResponseIsMatchedByBranchAndMethod) {
  ClientTransaction* invite = Send("INVITE", "z9hG4bKa");
  ClientTransaction* options = Send("OPTIONS", "z9hG4bKb");
  invite->set_user(1);
  options->set_user(2);

  Receive("200 OK", "z9hG4bKb", "OPTIONS");
  Receive("180 Ringing", "z9hG4bKa", "INVITE");
  Receive("200 OK", "z9hG4bKa", "OPTIONS");
  Receive("200 OK", "z9hG4bKc", "INVITE");

  EXPECT_THAT(host.events, ElementsAre(TransactionHost::Event{0s, "response 200", 2},
                                       TransactionHost::Event{0s, "response 180", 1},
                                       TransactionHost::Event{0s, "stray 200", 0},
                                       TransactionHost::Event{0s, "stray 200", 0}));
  EXPECT_EQ(host.table->counters().stray_responses, 2u);
}

// §17.2.3: a request is a repeat where branch, sent-by and method are the same; each of the three
// makes another transaction.
TEST_F(TransactionTableTest, RequestIsMatchedByBranchSentByAndMethod) {
  const RequestText first = Request("OPTIONS", "z9hG4bKa");
  RequestText branch = first;
  branch.via = Via("z9hG4bKb");
  branch.call_id = "2";
  RequestText host_name = first;
  host_name.via = Via("z9hG4bKa", "192.0.2.7:5060");
  host_name.call_id = "3";
  RequestText port = first;
  port.via = Via("z9hG4bKa", "192.0.2.1:5062");
  port.call_id = "4";
  RequestText method = Following(first, "MESSAGE");
  method.call_id = "5";

  for (const RequestText& each : {first, branch, host_name, port, method}) {
    host.Receive(each.text());
    host.Receive(each.text());
  }
  EXPECT_THAT(host.events, SizeIs(5));
  EXPECT_EQ(host.table->counters().request_repeats, 5u);
}

// A client of RFC 2543 has no magic cookie in its branch, or no branch: then the whole of top Via,
// Request-URI, tags, Call-ID and CSeq tells its requests apart (§17.2.3). Its ACK has the To tag of
// our response, which the INVITE had not.
TEST_F(TransactionTableTest, OldClientsAreMatchedByAllTheirFields) {
  RequestText invite;
  invite.via = "SIP/2.0/UDP 192.0.2.1:5060;branch=1";
  host.on_request = [&](ServerTransaction& transaction, const Message& request, const Packet&) {
    EXPECT_TRUE(host.Answer(transaction, request, 486));
  };
  host.Receive(invite.text());
  host.Receive(invite.text());
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE"));

  RequestText other_call = invite;
  other_call.call_id = "call-2";
  host.Receive(other_call.text());
  RequestText other_number = invite;
  other_number.cseq = "2 INVITE";
  host.Receive(other_number.text());
  EXPECT_THAT(host.events, SizeIs(3));

  RequestText ack = Following(invite, "ACK");
  ack.to_tag = "ours";
  host.Receive(ack.text());
  EXPECT_EQ(host.table->counters().acks, 1u);
  EXPECT_THAT(host.events, SizeIs(3));
}

TEST_F(TransactionTableTest, RequestWithoutBranchMatchesItsRepeat) {
  RequestText invite;
  invite.via = "SIP/2.0/UDP 192.0.2.1:5060";
  invite.from_tag = "";
  host.Receive(invite.text());
  host.Receive(invite.text());
  host.Receive(Following(invite, "CANCEL").text());
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE", "cancel"));
}

// What is too long for the transaction itself lies in the store, and matches as well.
TEST_F(TransactionTableTest, LongIdentifiersMatchToo) {
  RequestText invite = Request("INVITE", "z9hG4bK" + std::string(700, 'b'));
  invite.call_id = std::string(3000, 'c');
  host.Receive(invite.text());
  host.Receive(invite.text());
  RequestText almost = invite;
  almost.via.back() = 'x';
  almost.call_id.back() = 'x';
  host.Receive(almost.text());
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE", "request INVITE"));
}

// §8.2.2.2: the same request by another way (another branch, same From tag, Call-ID and CSeq, no To
// tag) is answered 482, with one To tag for all its repeats, and makes no second call.
TEST_F(TransactionTableTest, MergedRequestIsAnswered482) {
  host.Receive(Request("INVITE", "z9hG4bKa").text());
  const std::string merged = Request("INVITE", "z9hG4bKb").text();
  host.Receive(merged);
  host.Receive(merged);

  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE"));
  EXPECT_THAT(host.StartLines(), ElementsAre("SIP/2.0 100 Trying", "SIP/2.0 482 Loop Detected",
                                             "SIP/2.0 482 Loop Detected"));
  EXPECT_THAT(host.sent[1].text, HasSubstr("branch=z9hG4bKb"));
  EXPECT_FALSE(ToTag(host.sent[1].text).empty());
  EXPECT_EQ(ToTag(host.sent[1].text), ToTag(host.sent[2].text));
  EXPECT_EQ(host.table->counters().merged, 2u);
}

// A request inside a dialog is never merged, nor is one with another CSeq (a digest retry).
TEST_F(TransactionTableTest, RequestsInsideADialogAndRetriesAreNotMerged) {
  RequestText first = Request("INVITE", "z9hG4bKa");
  RequestText retry = Request("INVITE", "z9hG4bKb");
  retry.cseq = "2 INVITE";
  RequestText inside = Request("INVITE", "z9hG4bKc");
  inside.to_tag = "ours";
  for (const RequestText& each : {first, retry, inside}) host.Receive(each.text());
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE", "request INVITE", "request INVITE"));
}

// §9.2: a CANCEL is answered 200 at once, with the To tag of the INVITE's own responses, and the
// user ends the INVITE. The CANCEL's repeat gets the same 200, and the user hears of it once.
TEST_F(TransactionTableTest, CancelIsAnsweredAndItsInviteEnds) {
  std::string invite_text;
  host.on_request = [&](ServerTransaction& transaction, const Message& request, const Packet&) {
    EXPECT_TRUE(host.Answer(transaction, request, 180, "our-tag"));
    invite_text = request.bytes();
  };
  host.on_cancel = [&](ServerTransaction& invite, const Message&) {
    Message request;
    ASSERT_EQ(request.Index(invite_text), core::sip::ParseError::kOk);
    EXPECT_TRUE(host.Answer(invite, request, 487, "our-tag"));
  };
  const RequestText invite = Request("INVITE", "z9hG4bKa");
  const std::string cancel = Following(invite, "CANCEL").text();
  host.Receive(invite.text());
  host.Receive(cancel);
  host.Receive(cancel);

  EXPECT_THAT(host.StartLines(), ElementsAre("SIP/2.0 180 Ringing", "SIP/2.0 200 OK",
                                             "SIP/2.0 487 Request Terminated", "SIP/2.0 200 OK"));
  EXPECT_THAT(host.sent[1].text, HasSubstr("CSeq: 1 CANCEL\r\n"));
  EXPECT_EQ(ToTag(host.sent[1].text), "our-tag");
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE", "cancel"));
}

// A CANCEL that comes after our final response changes nothing (§9.2), and one that belongs to
// nothing is answered 481 without leaving anything behind.
TEST_F(TransactionTableTest, LateAndStrayCancels) {
  host.on_request = [&](ServerTransaction& transaction, const Message& request, const Packet&) {
    EXPECT_TRUE(host.Answer(transaction, request, 200));
  };
  const RequestText invite = Request("INVITE", "z9hG4bKa");
  host.Receive(invite.text());
  host.Receive(Following(invite, "CANCEL").text());
  host.Receive(Request("CANCEL", "z9hG4bKb").text());

  EXPECT_THAT(host.StartLines(), ElementsAre("SIP/2.0 200 OK", "SIP/2.0 200 OK",
                                             "SIP/2.0 481 Call/Transaction Does Not Exist"));
  EXPECT_THAT(host.Heard(), ElementsAre("request INVITE"));
  EXPECT_EQ(host.table->server_count(), 1u);
  EXPECT_EQ(host.table->counters().cancels_unmatched, 1u);
}

// The ACK of a 2xx has a branch of its own, and is the user's (§13.2.2.4).
TEST_F(TransactionTableTest, AckWithABranchOfItsOwnIsTheUsers) {
  host.Receive(Request("ACK", "z9hG4bKz").text());
  EXPECT_THAT(host.Heard(), ElementsAre("ack"));
  EXPECT_THAT(host.sent, IsEmpty());
  EXPECT_EQ(host.table->server_count(), 0u);
}

// Responses go by the return path that came with the request, whatever socket or port that is.
TEST_F(TransactionTableTest, ResponsesTakeTheReturnPath) {
  host.on_request = [&](ServerTransaction& transaction, const Message& request, const Packet&) {
    EXPECT_TRUE(host.Answer(transaction, request, 180));
  };
  RequestText invite = Request("INVITE", "z9hG4bKa");
  invite.via += ";rport";
  host.Receive(invite.text(), "203.0.113.9:4321");
  EXPECT_EQ(host.sent[0].to, EndpointOf("203.0.113.9:4321"));
  EXPECT_THAT(host.sent[0].text, HasSubstr(";received=203.0.113.9;rport=4321\r\n"));
}

// The server pool is dry: INVITEs get 503 with Retry-After, so many a turn; others get nothing and
// come again; an ACK still finds its transaction.
TEST_F(TransactionTableTest, DryServerPoolAnswersSomeInvitesATurn) {
  TransactionHost::Limits limits;
  limits.servers = 1;
  limits.stateless_answers_per_turn = 2;
  TransactionHost small(limits);
  small.Receive(Request("INVITE", "z9hG4bK0").text());
  small.sent.clear();

  for (const char* branch : {"z9hG4bK1", "z9hG4bK2", "z9hG4bK3"}) {
    RequestText invite = Request("INVITE", branch);
    invite.call_id = branch;
    small.Receive(invite.text());
  }
  small.Receive(Request("OPTIONS", "z9hG4bK4").text());
  EXPECT_THAT(small.StartLines(),
              ElementsAre("SIP/2.0 503 Service Unavailable", "SIP/2.0 503 Service Unavailable"));
  EXPECT_THAT(small.sent[0].text, HasSubstr("Retry-After: 5\r\n"));
  EXPECT_EQ(small.table->counters().server_dry, 4u);
  EXPECT_EQ(small.table->counters().server_dry_answered, 2u);

  small.RunFor(1ms);  // The next turn.
  RequestText late = Request("INVITE", "z9hG4bK3");
  late.call_id = "z9hG4bK3";
  small.Receive(late.text());
  EXPECT_THAT(small.sent, SizeIs(3));
  EXPECT_THAT(small.Heard(), ElementsAre("request INVITE"));
}

// Some transactions are kept for urgent requests, on both sides: a flood of new calls, refused or
// not, must not silence those that are there.
TEST_F(TransactionTableTest, UrgentRequestsHaveAReserve) {
  TransactionHost::Limits limits;
  limits.clients = limits.servers = 2;
  limits.clients_reserve = limits.servers_reserve = 1;
  TransactionHost small(limits);
  for (const char* branch : {"z9hG4bK0", "z9hG4bK1"}) {
    RequestText invite = Request("INVITE", branch);
    invite.call_id = branch;
    small.Receive(invite.text());
  }
  EXPECT_EQ(small.table->server_count(), 1u);
  RequestText bye = Request("BYE", "z9hG4bK2");  // The host takes one with a To tag to be urgent.
  bye.to_tag = "ours";
  small.Receive(bye.text());
  EXPECT_EQ(small.table->server_count(), 2u);
  bye = Request("BYE", "z9hG4bK3");
  bye.to_tag = "ours";
  small.Receive(bye.text());  // The reserve has an end, too.
  EXPECT_EQ(small.table->counters().server_dry, 2u);

  const RequestText request = Request("INVITE", "z9hG4bKours1");
  EXPECT_NE(small.SendRequest(request.text(), Method::kInvite, "z9hG4bKours1"), nullptr);
  EXPECT_EQ(small.SendRequest(request.text(), Method::kInvite, "z9hG4bKours2"), nullptr);
  EXPECT_NE(small.SendRequest(request.text(), Method::kBye, "z9hG4bKours3", 0, {}, true), nullptr);
}

// The client pool is dry: nothing is sent and the caller knows. A CANCEL leaves once, all the same.
TEST_F(TransactionTableTest, DryClientPoolSendsNothingButACancel) {
  TransactionHost::Limits limits;
  limits.clients = 1;
  TransactionHost small(limits);
  RequestText request = Request("INVITE", "z9hG4bKours1");
  ClientTransaction* invite = small.SendRequest(request.text(), Method::kInvite, "z9hG4bKours1");
  EXPECT_EQ(small.SendRequest(request.text(), Method::kOptions, "z9hG4bKb"), nullptr);
  EXPECT_EQ(small.table->counters().client_dry, 1u);
  EXPECT_THAT(small.sent, SizeIs(1));
  EXPECT_EQ(small.store.used(), 1u);

  ResponseText ringing;
  ringing.status_line = "180 Ringing";
  small.Receive(ringing.text());
  EXPECT_TRUE(small.table->Cancel(*invite, "", small.now));
  small.RunFor(1h);
  EXPECT_THAT(small.SentTimes("CANCEL"), ElementsAre(0ms));
  EXPECT_THAT(small.Heard(), ElementsAre("response 180", "timeout"));
  EXPECT_EQ(small.table->client_count(), 0u);
}

// The store is dry: what the table would write itself is not sent, and a repeat asks for it again.
// A request whose identifiers need the store is as one that found no transaction.
TEST_F(TransactionTableTest, DryStoreSendsNothingAndRecovers) {
  TransactionHost::Limits limits;
  limits.packets = {.small = 1, .medium = 0, .large = 0};
  TransactionHost small(limits);
  Packet hog = small.store.Acquire(1);
  RequestText invite = Request("INVITE", "z9hG4bKa");
  RequestText long_one = Request("INVITE", "z9hG4bK" + std::string(300, 'b'));
  small.Receive(invite.text());
  small.Receive(long_one.text());
  EXPECT_THAT(small.sent, IsEmpty());
  EXPECT_EQ(small.table->server_count(), 1u);
  Message request;
  const std::string text = invite.text();
  ASSERT_EQ(request.Index(text), core::sip::ParseError::kOk);
  EXPECT_FALSE(small.Answer(*small.Server(), request, 486));

  hog.Reset();
  small.Receive(Following(invite, "CANCEL").text());
  EXPECT_THAT(small.StartLines(), ElementsAre("SIP/2.0 200 OK"));
}

class SendErrorTest : public TransactionTableTest {
 protected:
  void Fail(std::string_view quoted, std::string_view remote = "192.0.2.1:5060") {
    host.table->OnSendError(quoted, EndpointOf(remote), host.now);
  }
};

// Rule 8: the branch in the quoted bytes says whose datagram failed; that transaction ends at once,
// and others to the same peer go on.
TEST_F(SendErrorTest, FailsTheTransactionWhoseBranchIsQuoted) {
  Send("OPTIONS", "z9hG4bKa")->set_user(1);
  Send("OPTIONS", "z9hG4bKb")->set_user(2);
  Fail(std::string_view(host.sent[1].text).substr(0, 120));  // What an ICMP message has room for.
  EXPECT_THAT(host.events, ElementsAre(TransactionHost::Event{0s, "transport", 2}));
  EXPECT_EQ(host.table->client_count(), 1u);
}

// Who forges an ICMP error does not know the branch, or cuts it short, or names another peer.
TEST_F(SendErrorTest, ForgedErrorsMatchNothing) {
  Send("OPTIONS", "z9hG4bKsecret");
  const std::string_view sent = host.sent[0].text;
  RequestText guess = Request("OPTIONS", "z9hG4bKguess");
  guess.via = Via("z9hG4bKguess", "198.51.100.1:5060");

  Fail(guess.text());
  Fail(sent.substr(0, sent.find("secret") + 3));
  Fail(sent, "192.0.2.66:5060");
  Fail(sent.substr(0, 8));
  Fail("");
  Fail(ResponseText().text());

  EXPECT_THAT(host.events, IsEmpty());
  EXPECT_EQ(host.table->client_count(), 1u);
  EXPECT_EQ(host.table->counters().send_failures_unmatched, 6u);
}

// An INVITE that has had a provisional response has a living peer, whatever the network says; the
// failed ACK of a final response ends its INVITE in silence.
TEST_F(SendErrorTest, InviteListensOnlyInCallingAndForItsAck) {
  Send("INVITE", "z9hG4bKa");
  Receive("180 Ringing", "z9hG4bKa", "INVITE");
  Fail(host.sent[0].text);
  EXPECT_EQ(host.table->client_count(), 1u);
  Receive("486 Busy Here", "z9hG4bKa", "INVITE");
  Fail(host.sent[1].text);
  EXPECT_EQ(host.table->client_count(), 0u);
  EXPECT_THAT(host.Heard(), ElementsAre("response 180", "response 486"));
}

// A user may start and end transactions from inside each call it gets.
TEST_F(TransactionTableTest, UserMayActFromInsideItsCalls) {
  host.on_response = [&](ClientTransaction& transaction, const Message& response, const Packet&) {
    if (response.status_code() == 180) {
      EXPECT_TRUE(host.table->Cancel(transaction, "", host.now));
      host.table->Abandon(transaction);
      Send("OPTIONS", "z9hG4bKb");
    }
  };
  Send("INVITE", "z9hG4bKa");
  Receive("180 Ringing", "z9hG4bKa", "INVITE");
  EXPECT_EQ(host.table->client_count(), 3u);
  host.RunFor(1h);
  EXPECT_EQ(host.table->client_count(), 0u);
  EXPECT_EQ(host.store.used(), 0u);
}

// A table that has served its first calls allocates nothing for the others: 200 calls of INVITE,
// 180, 200, ACK, BYE on the server's side and INVITE, 486, ACK on the client's.
TEST_F(TransactionTableTest, AllocatesNothingAMessage) {
  host.quiet = true;
  const RequestText invite = Request("INVITE", "z9hG4bKa");
  const std::string invite_text = invite.text();
  const std::string bye_text = Request("BYE", "z9hG4bKb").text();
  RequestText ours = Request("INVITE", "z9hG4bKours1");
  const std::string our_text = ours.text();
  ResponseText busy;
  busy.status_line = "486 Busy Here";
  const std::string busy_text = busy.text();
  host.on_request = [&](ServerTransaction& transaction, const Message& request, const Packet&) {
    if (transaction.is_invite()) (void)host.Answer(transaction, request, 180);
    (void)host.Answer(transaction, request, 200);
  };
  const auto call = [&] {
    host.Receive(invite_text);
    host.table->Acknowledged(host.last_server, host.now);
    host.Receive(bye_text);
    host.SendRequest(our_text, Method::kInvite, "z9hG4bKours1");
    host.Receive(busy_text);
    host.RunFor(33s);
  };
  call();
  const size_t before = Allocations();
  const size_t sends = host.sends;
  for (int i = 0; i < 200; ++i) call();
  // The notes of this test's own user are strings; each is short enough to need no memory.
  EXPECT_EQ(Allocations(), before);
  EXPECT_EQ(host.sends, sends + 200 * 5);
}

}  // namespace
}  // namespace tests
