#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "loadgen/scenario_player.h"
#include "tests/support/load_texts.h"
#include "tests/support/load_world.h"

// What a call does by itself: SIPp's -default_behaviors, -nd, -aa, _unexp.main and the out-of-call
// scenario (sipp.md 1.8).

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using tests::HeaderOf;
using tests::LoadNode;
using tests::LoadWorld;
using tests::Nop;
using tests::Recv;
using tests::RecvWith;
using tests::Request;
using tests::Scenario;
using tests::ScriptedPeer;
using tests::SendRequest;
using tests::SendResponse;

const std::string& Caller() {
  static const std::string* const kScenario = new std::string(
      Scenario({SendRequest("INVITE", 1), Recv("180", "optional=\"true\""), Recv("200"),
                SendRequest("ACK", 1), "<pause milliseconds=\"1000\"/>", SendRequest("BYE", 2),
                Recv("200")}));
  return *kScenario;
}

struct Called {
  explicit Called(const std::vector<const char*>& arguments = {"-m", "1"},
                  const std::string& scenario = Caller())
      : peer(world.AddPeerAsServer()), client(world.AddClient(scenario, arguments)) {
    world.RunFor(10ms);
    invite = peer.last();
  }
  void Answer(std::string_view line, std::string_view tag = "a") {
    peer.Answer(invite, line, tag);
    world.RunFor(10ms);
  }
  LoadWorld world;
  ScriptedPeer& peer;
  LoadNode& client;
  std::string invite;
};

// A refusal that the scenario does not name: it is acknowledged in the INVITE's own transaction
// (RFC 3261 section 17.1.1.3), and the call has failed.
TEST(DefaultBehaviorsTest, UnexpectedRefusalIsAcknowledged) {
  Called called;
  called.Answer("486 Busy Here");
  ASSERT_EQ(called.peer.received.size(), 2u);
  const std::string& ack = called.peer.last();
  EXPECT_THAT(ack, StartsWith("ACK sip:callee@10.0.0.2 SIP/2.0\r\n"));
  EXPECT_EQ(HeaderOf(ack, "Via"), HeaderOf(called.invite, "Via"));
  EXPECT_EQ(HeaderOf(ack, "CSeq"), "1 ACK");
  EXPECT_EQ(HeaderOf(ack, "From"), HeaderOf(called.invite, "From"));
  EXPECT_THAT(HeaderOf(ack, "To"), EndsWith(";tag=a"));
  EXPECT_EQ(called.client.failed_by(Failure::kUnexpectedMessage), 1u);
  EXPECT_EQ(called.client.step(1).unexpected, 1u);
  EXPECT_THAT(called.client.warnings(), HasSubstr("Aborting call on unexpected message"));
}

// A provisional answer that is not named: CANCEL, in the INVITE's transaction and without a To tag
// (section 9.1).
TEST(DefaultBehaviorsTest, UnexpectedProvisionalAnswerIsCancelled) {
  Called called;
  called.Answer("182 Queued");
  const std::string& cancel = called.peer.last();
  EXPECT_THAT(cancel, StartsWith("CANCEL "));
  EXPECT_EQ(HeaderOf(cancel, "Via"), HeaderOf(called.invite, "Via"));
  EXPECT_EQ(HeaderOf(cancel, "CSeq"), "1 CANCEL");
  EXPECT_EQ(HeaderOf(cancel, "To"), "<sip:callee@10.0.0.2>");
}

// A 200 where none was wanted: ACK, then BYE, each new and by the dialog's tags.
TEST(DefaultBehaviorsTest, UnexpectedAnswerIsAcknowledgedAndEnded) {
  Called called({"-m", "1"}, Scenario({SendRequest("INVITE", 1), Recv("486")}));
  called.Answer("200 OK");
  ASSERT_EQ(called.peer.received.size(), 3u);
  const std::string& ack = called.peer.received[1].text;
  const std::string& bye = called.peer.received[2].text;
  EXPECT_THAT(ack, StartsWith("ACK "));
  EXPECT_THAT(bye, StartsWith("BYE "));
  EXPECT_NE(HeaderOf(ack, "Via"), HeaderOf(called.invite, "Via"));
  EXPECT_NE(HeaderOf(bye, "Via"), HeaderOf(ack, "Via"));
  EXPECT_EQ(HeaderOf(bye, "CSeq"), "2 BYE");
  EXPECT_THAT(HeaderOf(bye, "To"), EndsWith(";tag=a"));
}

// An established call is ended by BYE; what the peer sent last decides which end is From.
TEST(DefaultBehaviorsTest, EstablishedCallIsEndedByBye) {
  Called called;
  called.Answer("200 OK");
  called.peer.Reply(Request("INFO", HeaderOf(called.invite, "Call-ID"), 5));
  called.world.RunFor(10ms);
  const std::string& bye = called.peer.last();
  EXPECT_THAT(bye, StartsWith("BYE sip:caller@10.0.0.1 SIP/2.0"));
  EXPECT_EQ(HeaderOf(bye, "From"), "<sip:callee@10.0.0.2>");
  EXPECT_EQ(HeaderOf(bye, "To"), "<sip:caller@10.0.0.1>;tag=peer");
}

// The BYE of an abort goes by the route set and to the remote target where rrs kept them, and else
// to the URI of To (SIPp's regression test 0850).
TEST(DefaultBehaviorsTest, ByeOfAnAbortFollowsTheRouteSet) {
  for (const bool keeps : {true, false}) {
    Called called({"-m", "1"},
                  Scenario({SendRequest("INVITE", 1), Recv("200", keeps ? "rrs=\"true\"" : ""),
                            SendRequest("ACK", 1), Recv("INFO")}));
    called.peer.Answer(
        called.invite, "200 OK", "a",
        "Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\nContact: <sip:target@10.9.9.9>\r\n");
    called.world.RunFor(10ms);
    called.client.worker().EndNow();
    called.world.RunFor(10ms);
    const std::string& bye = called.peer.last();
    EXPECT_THAT(bye, StartsWith(keeps ? "BYE sip:target@10.9.9.9 SIP/2.0"
                                      : "BYE sip:callee@10.0.0.2 SIP/2.0"));
    EXPECT_EQ(HeaderOf(bye, "Route"), keeps ? "<sip:p1;lr>, <sip:p2;lr>" : "");
    EXPECT_EQ(called.client.failed_by(Failure::kAborted), 1u);
  }
}

// An INVITE that had no answer at all is given up in silence: there is nothing to end (SIPp).
TEST(DefaultBehaviorsTest, UnansweredInviteIsGivenUpInSilence) {
  Called called;
  called.client.worker().EndNow();
  called.world.RunFor(10ms);
  EXPECT_EQ(called.peer.received.size(), 1u);
  EXPECT_EQ(called.client.counts().failed, 1u);
}

// -nd: nothing is sent and nothing given up; the scenario goes on as if nothing had come.
TEST(DefaultBehaviorsTest, NoneOfThemWithNd) {
  Called called({"-m", "1", "-nd"});
  called.Answer("486 Busy Here");
  called.peer.Reply(Request("BYE", HeaderOf(called.invite, "Call-ID"), 5));
  called.world.RunFor(10ms);
  EXPECT_EQ(called.peer.received.size(), 1u);
  EXPECT_EQ(called.client.counts().failed, 0u);
  called.Answer("200 OK");
  EXPECT_EQ(called.peer.Count("ACK"), 1u);
}

// Without `bye` a call that is given up ends in silence; without `abortunexp` it goes on.
TEST(DefaultBehaviorsTest, EachCanBeTurnedOff) {
  Called silent({"-m", "1", "-default_behaviors", "all,-bye"});
  silent.Answer("486 Busy Here");
  EXPECT_EQ(silent.peer.received.size(), 1u);
  EXPECT_EQ(silent.client.counts().failed, 1u);

  Called patient({"-m", "1", "-default_behaviors", "all,-abortunexp"});
  patient.Answer("486 Busy Here");
  EXPECT_EQ(patient.client.counts().failed, 0u);
  EXPECT_EQ(patient.client.step(1).unexpected, 1u);
}

// BYE and CANCEL that are not named get 200, and the call has failed.
TEST(DefaultBehaviorsTest, UnexpectedByeIsAnswered) {
  for (const std::string method : {"BYE", "CANCEL"}) {
    Called called;
    called.Answer("200 OK");
    called.peer.Reply(Request(method, HeaderOf(called.invite, "Call-ID"), 5));
    called.world.RunFor(10ms);
    EXPECT_THAT(called.peer.last(), StartsWith("SIP/2.0 200 OK\r\n"));
    EXPECT_EQ(HeaderOf(called.peer.last(), "CSeq"), "5 " + method);
    EXPECT_THAT(HeaderOf(called.peer.last(), "To"), HasSubstr(";tag="));
    EXPECT_EQ(called.client.failed_by(Failure::kUnexpectedMessage), 1u);
  }
}

// PING ends a call, and does not fail it.
TEST(DefaultBehaviorsTest, PingIsAnsweredAndEndsTheCall) {
  Called called;
  called.Answer("200 OK");
  called.peer.Reply(Request("PING", HeaderOf(called.invite, "Call-ID"), 5));
  called.world.RunFor(10ms);
  EXPECT_THAT(called.peer.last(), StartsWith("SIP/2.0 200 OK\r\n"));
  EXPECT_EQ(called.client.counts().successful, 1u);
  EXPECT_EQ(called.client.counts().failed, 0u);
}

// -aa answers INFO, NOTIFY, OPTIONS and UPDATE; the call goes on, and [last_] is what it was.
TEST(DefaultBehaviorsTest, AutoAnswersInCalls) {
  Called called({"-m", "1", "-aa"},
                Scenario({SendRequest("INVITE", 1), Recv("200"), SendRequest("ACK", 1),
                          "<pause milliseconds=\"1000\"/>",
                          SendRequest("BYE", 2, "", "Subject: [last_CSeq]\n"), Recv("200")}));
  called.Answer("200 OK");
  const std::string call_id = HeaderOf(called.invite, "Call-ID");
  for (const char* method : {"INFO", "NOTIFY", "OPTIONS", "UPDATE"}) {
    called.peer.Reply(Request(method, call_id, 5));
    called.world.RunFor(10ms);
    EXPECT_THAT(called.peer.last(), StartsWith("SIP/2.0 200 OK\r\n")) << method;
  }
  called.world.RunFor(2s);
  EXPECT_THAT(called.peer.last(), StartsWith("BYE"));
  EXPECT_THAT(called.peer.last(), HasSubstr("Subject: CSeq: 1 INVITE\r\n"));
  EXPECT_EQ(called.client.counts().auto_answered, 4u);
  EXPECT_EQ(called.client.counts().failed, 0u);
}

// Outside of calls -aa answers the same four, and nothing else; without it they are out of call.
TEST(DefaultBehaviorsTest, AutoAnswersOutsideOfCalls) {
  for (const bool answers : {true, false}) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    LoadNode& client = world.AddClient("uac", answers ? std::vector<const char*>{"-r", "0", "-aa"}
                                                      : std::vector<const char*>{"-r", "0"});
    for (const char* method : {"INFO", "NOTIFY", "OPTIONS", "UPDATE", "INVITE", "BYE"}) {
      peer.Send(world.client(), Request(method, std::string("stranger-") + method, 1));
    }
    world.RunFor(10ms);
    EXPECT_EQ(peer.received.size(), answers ? 4u : 0u);
    EXPECT_EQ(client.worker().counts().auto_answered, answers ? 4u : 0u);
    EXPECT_EQ(client.worker().counts().out_of_call, answers ? 2u : 6u);
  }
}

// A server answers them too, and they are none of its -m calls, before, in the middle and after
// them; unless its scenario begins with one. Without -aa a message begins a call, as SIPp has it.
TEST(DefaultBehaviorsTest, AutoAnswersDoNotUseUpTheCallsOfAServer) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeer(world.client());
  LoadNode& server = world.AddServer("uas", {"-m", "1", "-aa"});
  for (const char* call_id : {"a", "b", "c"}) {
    peer.Send(world.server(), Request("OPTIONS", call_id, 1));
  }
  world.RunFor(10ms);
  EXPECT_EQ(peer.Count("SIP/2.0 200"), 3u);
  EXPECT_EQ(server.counts().incoming, 0u);

  peer.Send(world.server(), Request("INVITE", "call", 1));
  world.RunFor(10ms);
  EXPECT_EQ(server.counts().incoming, 1u);
  EXPECT_EQ(server.worker().phase(), LoadWorker::Phase::kDraining);
  peer.Send(world.server(), Request("OPTIONS", "d", 1));
  world.RunFor(10ms);
  EXPECT_EQ(server.worker().counts().auto_answered, 4u);

  LoadWorld other;
  ScriptedPeer& asks = other.AddPeer(other.client());
  const auto options = {Recv("INVITE", "optional=\"true\""), Recv("OPTIONS"),
                        SendResponse("486 Busy Here")};
  LoadNode& plays = other.AddServer(Scenario(options), {"-m", "1", "-aa"});
  asks.Send(other.server(), Request("OPTIONS", "a", 1));
  other.RunFor(10ms);
  EXPECT_EQ(asks.Count("SIP/2.0 486"), 1u);
  EXPECT_EQ(plays.counts().successful, 1u);
}

// -oocsn plays a scenario for each request of no call; its responses stay out.
TEST(DefaultBehaviorsTest, OutOfCallScenarioAnswersStrangers) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.Add({.scenario = "uac",
                                .out_of_call = "ooc_default",
                                .options = LoadWorld::OptionsOf({"-r", "0"}),
                                .local = world.client(),
                                .remote = world.server()});
  peer.Send(world.client(), Request("OPTIONS", "stranger", 1));
  peer.Send(world.client(),
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x\r\nFrom: <sip:a>;tag=1\r\n"
            "To: <sip:b>;tag=2\r\nCall-ID: other\r\nCSeq: 1 OPTIONS\r\n\r\n");
  world.RunFor(10ms);
  ASSERT_EQ(peer.received.size(), 1u);
  EXPECT_THAT(peer.last(), StartsWith("SIP/2.0 200 OK"));
  EXPECT_EQ(client.worker().out_of_call_statistics()->counts.incoming, 1u);
  EXPECT_EQ(client.worker().counts().out_of_call, 1u);
  EXPECT_EQ(client.counts().created(), 0u);
}

// An ACK whose CSeq is not the INVITE's gives the call up, unless -default_behaviors has no cseq.
TEST(DefaultBehaviorsTest, AckOfAnotherCseqFails) {
  for (const bool strict : {true, false}) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeer(world.client());
    LoadNode& server =
        world.AddServer("uas", {"-m", "1", "-default_behaviors", strict ? "all" : "all,-cseq"});
    peer.Send(world.server(), Request("INVITE", "call", 1));
    world.RunFor(10ms);
    peer.Send(world.server(), Request("ACK", "call", 2));
    world.RunFor(10ms);
    EXPECT_EQ(server.failed_by(Failure::kUnexpectedMessage), strict ? 1u : 0u);
    EXPECT_EQ(server.step(3).messages, strict ? 0u : 1u);
  }
}

// A message without a To belongs to no dialog: the call fails, the run goes on (SIPp's 0152).
TEST(DefaultBehaviorsTest, MissingToFailsTheCall) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeer(world.client());
  LoadNode& server = world.AddServer("uas", {"-m", "2"});
  std::string invite = Request("INVITE", "call", 1);
  const size_t at = invite.find("To:");
  peer.Send(world.server(), invite.erase(at, invite.find("Call-ID") - at));
  world.RunFor(10ms);
  EXPECT_EQ(server.counts().failed, 1u);
  EXPECT_EQ(server.worker().phase(), LoadWorker::Phase::kRunning);
}

// _unexp.main takes what nothing else takes, and _unexp.retaddr and _unexp.pausedaddr lead back to
// where the call was, in the middle of its pause (sipp.md 1.7).
TEST(DefaultBehaviorsTest, UnexpectedMessagesHaveTheirSubroutine) {
  const std::string scenario = Scenario(
      {SendRequest("INVITE", 1), Recv("200"), SendRequest("ACK", 1), "<label id=\"talk\"/>",
       "<pause milliseconds=\"5000\"/>", SendRequest("BYE", 2), Recv("200", "next=\"end\""),
       "<label id=\"_unexp.main\"/>", Recv("INFO", "optional=\"true\" next=\"info\""),
       Recv("NOTIFY", "next=\"info\""), "<label id=\"info\"/>", SendResponse("200 OK"),
       Nop("<pauserestore variable=\"_unexp.pausedaddr\"/>"
           "<assign assign_to=\"back\" variable=\"_unexp.retaddr\"/>"
           "<assign assign_to=\"_unexp.retaddr\" value=\"0\"/><jump variable=\"back\"/>"),
       "<label id=\"end\"/>", "<Reference variables=\"_unexp.pausedaddr\"/>"});
  Called called({"-m", "1"}, scenario);
  called.Answer("200 OK");
  const core::Instant began = called.world.now();
  const std::string call_id = HeaderOf(called.invite, "Call-ID");
  for (int i = 1; i <= 2; ++i) {
    called.world.RunFor(1s);
    called.peer.Reply(Request("INFO", call_id, i));
    called.world.RunFor(10ms);
    EXPECT_THAT(called.peer.last(), StartsWith("SIP/2.0 200 OK"));
  }
  EXPECT_EQ(called.peer.Count("BYE"), 0u);
  called.world.RunFor(4s);
  ASSERT_EQ(called.peer.Count("BYE"), 1u);
  EXPECT_LT(called.peer.received.back().at - began, 5100ms);
  EXPECT_GT(called.peer.received.back().at - began, 4900ms);
  called.peer.Answer(called.peer.last(), "200 OK", "");
  called.world.RunFor(10ms);
  EXPECT_EQ(called.client.counts().successful, 1u);
}

// What not even the subroutine wants is what any unexpected message is.
TEST(DefaultBehaviorsTest, TheSubroutineMayNotWantItEither) {
  Called called({"-m", "1"},
                Scenario({SendRequest("INVITE", 1), Recv("200", "next=\"end\""),
                          "<label id=\"_unexp.main\"/>", Recv("INFO"), "<label id=\"end\"/>"}));
  called.Answer("486 Busy Here");
  EXPECT_EQ(called.client.failed_by(Failure::kUnexpectedMessage), 1u);
  EXPECT_THAT(called.peer.last(), StartsWith("ACK"));
}

}  // namespace
}  // namespace loadgen
