#include "loadgen/scenario_player.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/load_texts.h"
#include "tests/support/load_world.h"

// What belongs where: SIPp's matching of messages to steps, its retransmissions, pauses, timeouts
// and jumps. The peers are scripted by hand, or a second generator, in the simulated network.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::StartsWith;
using tests::HeaderOf;
using tests::LoadNode;
using tests::LoadWorld;
using tests::Nop;
using tests::Recv;
using tests::Request;
using tests::Scenario;
using tests::ScriptedPeer;
using tests::SendRequest;
using tests::SendResponse;

// A call of the two built-in scenarios: every step once on both sides, and both sides say so.
TEST(ScenarioPlayerTest, PlaysUacAgainstUas) {
  LoadWorld world;
  LoadNode& server = world.AddServer("uas", {"-m", "3"});
  LoadNode& client = world.AddClient("uac", {"-m", "3", "-d", "100"});

  ASSERT_TRUE(world.RunToEnd());

  EXPECT_EQ(client.counts().successful, 3u);
  EXPECT_EQ(server.counts().successful, 3u);
  EXPECT_EQ(client.counts().failed + server.counts().failed, 0u);
  for (const size_t step : {0u, 2u, 4u, 5u, 6u, 7u, 8u}) {
    EXPECT_EQ(client.step(step).messages, 3u) << step;
  }
  EXPECT_EQ(client.step(1).messages, 0u);  // No 100 came: it was optional.
  for (size_t step = 0; step < 7; ++step) EXPECT_EQ(server.step(step).messages, 3u) << step;
  EXPECT_EQ(client.counts().retransmits + server.counts().retransmits, 0u);
  EXPECT_EQ(client.warnings() + server.warnings(), "");
}

// An INVITE that nobody answers goes out again after 0.5, 1, 2... s, five times; then the call has
// failed (RFC 3261 section 17.1.1.2; -max_invite_retrans 5).
TEST(ScenarioPlayerTest, ResendsInviteWithDoublingGaps) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient("uac");
  const core::Instant start = world.now();

  ASSERT_TRUE(world.RunToEnd());

  std::vector<std::chrono::milliseconds> at;
  for (const auto& arrival : peer.received) {
    EXPECT_EQ(arrival.text, peer.received[0].text);
    at.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(arrival.at - start));
  }
  EXPECT_THAT(at, ElementsAre(0ms, 500ms, 1500ms, 3500ms, 7500ms, 15500ms));
  EXPECT_EQ(client.failed_by(Failure::kMaxUdpRetransmits), 1u);
  EXPECT_EQ(client.step(0).retransmits, 5u);
  EXPECT_EQ(client.step(0).timeouts, 1u);
}

// Any other request doubles up to T2 only, and goes out nine times more (17.1.2.2).
TEST(ScenarioPlayerTest, ResendsOthersAtMostEveryT2) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  world.AddClient(Scenario({SendRequest("OPTIONS", 1, "retrans=\"500\""), Recv("200")}));
  const core::Instant start = world.now();

  ASSERT_TRUE(world.RunToEnd());

  std::vector<std::chrono::milliseconds> at;
  for (const auto& arrival : peer.received) {
    at.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(arrival.at - start));
  }
  EXPECT_THAT(at, ElementsAre(0ms, 500ms, 1500ms, 3500ms, 7500ms, 11500ms, 15500ms, 19500ms,
                              23500ms, 27500ms));
}

// -nr: no retransmissions, neither of ours nor recognised.
TEST(ScenarioPlayerTest, DoesNotResendWithNr) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  world.AddClient("uac", {"-m", "1", "-nr"});

  world.RunFor(60s);

  EXPECT_EQ(peer.received.size(), 1u);
}

// A provisional response ends an INVITE's retransmissions, and slows those of others down to T2.
TEST(ScenarioPlayerTest, ProvisionalResponsesQuietRetransmissions) {
  for (const std::string method : {"INVITE", "OPTIONS"}) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    world.AddClient(Scenario({SendRequest(method, 1, "retrans=\"500\""),
                              Recv("100", "optional=\"true\""), Recv("200")}));
    world.RunFor(100ms);
    peer.Answer(peer.last(), "100 Trying", "");

    world.RunFor(9s);

    EXPECT_EQ(peer.received.size(), method == "INVITE" ? 1u : 3u) << method;
  }
}

// Optional steps are looked through forwards, and those just passed backwards; a mandatory one is
// never passed (sipp.md 1.8).
TEST(ScenarioPlayerTest, FindsOptionalStepsForwardsAndBackwards) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient(Scenario(
      {SendRequest("INVITE", 1), Recv("100", "optional=\"true\""), Recv("180", "optional=\"true\""),
       Recv("183", "optional=\"true\""), Recv("200"), SendRequest("ACK", 1)}));
  world.RunFor(10ms);
  const std::string invite = peer.last();
  for (const char* line : {"183 Progress", "180 Ringing", "100 Trying", "180 Ringing again"}) {
    peer.Answer(invite, line, "a");
    world.RunFor(10ms);
  }
  peer.Answer(invite, "200 OK", "a");

  ASSERT_TRUE(world.RunToEnd());

  EXPECT_EQ(client.counts().successful, 1u);
  EXPECT_EQ(client.step(1).messages, 1u);
  EXPECT_EQ(client.step(2).messages, 2u);
  EXPECT_EQ(client.step(3).messages, 1u);
  EXPECT_EQ(peer.Count("ACK"), 1u);
}

// A response belongs to a step when its CSeq's method is a part of all the methods sent so far in a
// row: SIPp's rule (trap 5). Any response is the first step's, and none is of a method not sent.
TEST(ScenarioPlayerTest, MatchesResponsesByTheMethodsSent) {
  for (const auto& [cseq, fits] :
       {std::pair("1 OPTIONS", true), std::pair("1 OPT", true), std::pair("1 INVITE", false)}) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    LoadNode& client = world.AddClient(Scenario({SendRequest("OPTIONS", 1), Recv("200")}));
    world.RunFor(10ms);
    std::string answer = "SIP/2.0 200 OK\r\nVia: " + HeaderOf(peer.last(), "Via") +
                         "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: " +
                         HeaderOf(peer.last(), "Call-ID") + "\r\nCSeq: " + cseq +
                         "\r\nContent-Length: 0\r\n\r\n";
    peer.Reply(answer);
    world.RunFor(10ms);
    EXPECT_EQ(client.counts().successful, fits ? 1u : 0u) << cseq;
    EXPECT_EQ(client.failed_by(Failure::kUnexpectedMessage), fits ? 0u : 1u) << cseq;
  }
}

// With start_txn and response_txn it is the branch that counts, not the method.
TEST(ScenarioPlayerTest, MatchesNamedTransactionsByBranch) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient(
      Scenario({SendRequest("OPTIONS", 1, "start_txn=\"one\""),
                SendRequest("OPTIONS", 2, "start_txn=\"two\""), Recv("200", "response_txn=\"two\""),
                Recv("200", "response_txn=\"one\"")}));
  world.RunFor(10ms);
  ASSERT_EQ(peer.received.size(), 2u);
  peer.Answer(peer.received[1].text, "200 OK", "x");
  peer.Answer(peer.received[0].text, "200 OK", "x");

  ASSERT_TRUE(world.RunToEnd());

  EXPECT_EQ(client.counts().successful, 1u);
}

// A 200 that comes again gets its ACK again, and so does one of another branch of a fork, with its
// own tag (trap 5; RFC 3261 section 13.2.2.4).
TEST(ScenarioPlayerTest, AcknowledgesLateAnswersAgain) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient("uac", {"-m", "1", "-d", "1000"});
  world.RunFor(10ms);
  const std::string invite = peer.last();
  peer.Answer(invite, "200 OK", "first");
  world.RunFor(10ms);
  const std::string ack = peer.last();
  peer.Send(world.client(), "");  // A keep-alive is nothing.
  peer.Answer(invite, "200 OK", "first");
  peer.Answer(invite, "200 OK", "fork");
  world.RunFor(10ms);

  ASSERT_EQ(peer.received.size(), 4u);
  EXPECT_EQ(peer.received[2].text, ack);
  EXPECT_THAT(HeaderOf(peer.received[3].text, "To"), EndsWith(";tag=fork"));
  EXPECT_EQ(HeaderOf(peer.received[3].text, "CSeq"), "1 ACK");

  world.RunFor(2s);  // The BYE is the first branch's.
  EXPECT_THAT(HeaderOf(peer.last(), "To"), EndsWith(";tag=first"));
  EXPECT_THAT(peer.last(), StartsWith("BYE"));
  peer.Answer(invite, "180 Ringing", "late");  // A late one, and old: it means nothing.
  peer.Answer(peer.last(), "200 OK", "");
  ASSERT_TRUE(world.RunToEnd());
  EXPECT_EQ(client.counts().successful, 1u);
}

// A retransmitted request gets the last response again; so a lost 180 does not hide a 200. It is
// not a second request: the call goes on where it was.
TEST(ScenarioPlayerTest, AnswersRetransmittedRequestsAgain) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeer(world.client());
  LoadNode& server = world.AddServer("uas");
  const std::string invite = Request("INVITE", "call", 1);
  peer.Send(world.server(), invite);
  world.RunFor(10ms);
  ASSERT_EQ(peer.received.size(), 2u);
  EXPECT_THAT(peer.last(), StartsWith("SIP/2.0 200"));
  const std::string ok = peer.last();

  peer.Send(world.server(), invite);
  world.RunFor(10ms);

  ASSERT_EQ(peer.received.size(), 3u);
  EXPECT_EQ(peer.last(), ok);
  EXPECT_EQ(server.counts().incoming, 1u);
  EXPECT_EQ(server.step(0).messages, 1u);
  EXPECT_EQ(server.step(0).retransmits, 1u);
  EXPECT_EQ(server.step(2).retransmits, 1u);
}

// <timewait> answers what comes again; the call has succeeded, whatever comes (sipp.md 1.1).
TEST(ScenarioPlayerTest, TimewaitAnswersAgainAndSucceeds) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeer(world.client());
  LoadNode& server = world.AddServer("uas");
  peer.Send(world.server(), Request("INVITE", "call", 1));
  world.RunFor(10ms);
  peer.Send(world.server(), Request("ACK", "call", 1));
  const std::string bye = Request("BYE", "call", 2);
  peer.Send(world.server(), bye);
  world.RunFor(1s);
  const size_t before = peer.received.size();
  peer.Send(world.server(), bye);
  peer.Send(world.server(), Request("SUBSCRIBE", "call", 3));
  world.RunFor(1s);
  EXPECT_EQ(peer.received.size(), before + 1);

  ASSERT_TRUE(world.RunToEnd());

  EXPECT_EQ(server.counts().successful, 1u);
  EXPECT_EQ(server.counts().failed, 0u);
}

// A call that has ended is silent for a while: what comes late is counted, and neither answered nor
// taken for a new call (trap 5). After that its Call-ID is anybody's.
TEST(ScenarioPlayerTest, DeadCallsAreSilent) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeer(world.client());
  LoadNode& server =
      world.AddServer(Scenario({Recv("OPTIONS"), SendResponse("200 OK")}), {"-m", "9"});
  const std::string options = Request("OPTIONS", "call", 1);
  peer.Send(world.server(), options);
  world.RunFor(10ms);
  ASSERT_EQ(peer.received.size(), 1u);

  peer.Send(world.server(), options);
  world.RunFor(32s);
  EXPECT_EQ(peer.received.size(), 1u);
  EXPECT_EQ(server.worker().counts().dead_call, 1u);
  EXPECT_EQ(server.counts().created(), 1u);

  world.RunFor(2s);
  peer.Send(world.server(), options);
  world.RunFor(10ms);
  EXPECT_EQ(server.counts().created(), 2u);
}

// `lost` drops what would be sent or taken, and retransmissions mend it.
TEST(ScenarioPlayerTest, LosesMessagesOnPurpose) {
  LoadWorld world;
  world.AddServer(Scenario({Recv("OPTIONS", "lost=\"50\""), SendResponse("200 OK", "lost=\"50\""),
                            "<timewait milliseconds=\"40000\"/>"}),
                  {"-m", "100"});
  LoadNode& client =
      world.AddClient(Scenario({SendRequest("OPTIONS", 1, "retrans=\"500\""), Recv("200")}),
                      {"-m", "100", "-r", "100", "-l", "100", "-max_retrans", "40"});

  ASSERT_TRUE(world.RunToEnd());

  EXPECT_EQ(client.counts().successful, 100u);
  EXPECT_GT(client.counts().retransmits, 100u);
}

// A recv with `timeout` jumps to its `ontimeout`, which a silent peer brings about; timeouts of
// later steps count from the start, and start anew when something optional comes (trap 17).
TEST(ScenarioPlayerTest, TimeoutsLeadToTheirLabel) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient(
      Scenario({SendRequest("INVITE", 1), Recv("180", "optional=\"true\""),
                Recv("200", "timeout=\"2000\" ontimeout=\"silent\""), SendRequest("ACK", 1),
                "<label id=\"silent\"/>", SendRequest("MESSAGE", 2), Recv("202")}));
  world.RunFor(1500ms);
  peer.Answer(peer.received[0].text, "180 Ringing", "a");
  world.RunFor(1500ms);
  EXPECT_EQ(peer.received.size(), 1u);
  world.RunFor(1s);
  EXPECT_EQ(peer.Count("MESSAGE"), 1u);
  EXPECT_EQ(peer.Count("ACK"), 0u);
  EXPECT_EQ(client.step(2).timeouts, 1u);
  peer.Answer(peer.last(), "202 Accepted", "b");
  ASSERT_TRUE(world.RunToEnd());
  EXPECT_EQ(client.counts().successful, 1u);
}

// Without a label, or with one at the very end, the call has failed; -recv_timeout is for every
// recv (trap 17).
TEST(ScenarioPlayerTest, TimeoutsWithoutALabelFail) {
  for (const bool at_end : {false, true}) {
    LoadWorld world;
    world.AddPeerAsServer();
    LoadNode& client =
        world.AddClient(Scenario({SendRequest("OPTIONS", 1),
                                  Recv("200", at_end ? "timeout=\"700\" ontimeout=\"end\"" : ""),
                                  at_end ? "<label id=\"end\"/>" : ""}),
                        {"-m", "1", "-recv_timeout", "900"});
    const core::Instant start = world.now();
    ASSERT_TRUE(world.RunToEnd());
    EXPECT_EQ(client.failed_by(Failure::kTimeoutOnRecv), 1u);
    EXPECT_EQ(client.statistics().call_length.actual_us.max() / 1000, at_end ? 700 : 900);
    EXPECT_GE(world.now(), start + 700ms);
  }
}

// `ontimeout` of a send is where its exhausted retransmissions lead.
TEST(ScenarioPlayerTest, ExhaustedRetransmissionsLeadToTheirLabel) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  world.AddClient(
      Scenario({SendRequest("OPTIONS", 1, "retrans=\"100\" ontimeout=\"gone\""), Recv("200"),
                "<label id=\"gone\"/>", SendRequest("MESSAGE", 2), Recv("200")}),
      {"-m", "1", "-max_retrans", "2"});

  world.RunFor(5s);

  EXPECT_EQ(peer.Count("OPTIONS"), 3u);
  EXPECT_EQ(peer.Count("MESSAGE"), 1u);
}

// A message in the middle of a <pause> may lead away from it: a global optional recv with `next`
// (trap 18).
TEST(ScenarioPlayerTest, MessagesMayEndAPause) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient(
      Scenario({SendRequest("INVITE", 1), Recv("BYE", "optional=\"global\" next=\"over\""),
                Recv("200"), SendRequest("ACK", 1), "<pause milliseconds=\"60000\"/>",
                SendRequest("BYE", 2), "<label id=\"over\"/>", SendResponse("200 OK")}));
  world.RunFor(10ms);
  const std::string invite = peer.last();
  peer.Answer(invite, "200 OK", "a");
  world.RunFor(1s);
  peer.Send(world.client(), Request("BYE", HeaderOf(invite, "Call-ID"), 1));
  world.RunFor(1s);

  EXPECT_EQ(client.counts().successful, 1u);
  EXPECT_THAT(peer.last(), StartsWith("SIP/2.0 200"));
  EXPECT_EQ(peer.Count("BYE"), 0u);
}

// A send waits until what was sent before it with `retrans` has its answer.
TEST(ScenarioPlayerTest, SendsWaitForTheAnswerOfTheLast) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  world.AddClient(
      Scenario({SendRequest("OPTIONS", 1, "retrans=\"500\" start_txn=\"a\""),
                Recv("200", "response_txn=\"a\" optional=\"global\""),
                Recv("INFO", "optional=\"true\" timeout=\"10\" ontimeout=\"on\""), Recv("NOTIFY"),
                "<label id=\"on\"/>", SendRequest("MESSAGE", 2), Recv("202")}));
  world.RunFor(200ms);
  EXPECT_EQ(peer.Count("MESSAGE"), 0u);
  peer.Answer(peer.received[0].text, "200 OK", "a");
  world.RunFor(10ms);
  EXPECT_EQ(peer.Count("MESSAGE"), 1u);
}

// A test= on a number asks whether it is not 0; next= with an unset test= does not jump; condexec
// of an undefined variable is false (traps 6 and 7).
TEST(ScenarioPlayerTest, BranchesByVariables) {
  const auto sent = [](const std::string& actions, const std::string& attributes) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    world.AddClient(Scenario({Nop(actions + "<log message=\"[$v][$v]\"/>"),
                              "<nop " + attributes + "/>", SendRequest("MESSAGE", 1),
                              "<label id=\"away\"/>", SendRequest("OPTIONS", 2), Recv("200")}));
    world.RunFor(10ms);
    return HeaderOf(peer.received[0].text, "CSeq");
  };
  const std::string test = "next=\"away\" test=\"v\"";
  EXPECT_EQ(sent("<assign assign_to=\"v\" value=\"2\"/>", test), "2 OPTIONS");
  EXPECT_EQ(sent("<assign assign_to=\"v\" value=\"0\"/>", test), "1 MESSAGE");
  EXPECT_EQ(sent("<assignstr assign_to=\"v\" value=\"\"/>", test), "2 OPTIONS");
  EXPECT_EQ(sent("", test), "1 MESSAGE");
  EXPECT_EQ(sent("", "next=\"away\""), "2 OPTIONS");
  EXPECT_EQ(sent("", "next=\"away\" chance=\"0\""), "1 MESSAGE");
  EXPECT_EQ(sent("", "next=\"away\" chance=\"1\""), "2 OPTIONS");
}

TEST(ScenarioPlayerTest, ConditionsSkipSteps) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  world.AddClient(Scenario({SendRequest("MESSAGE", 1, "condexec=\"unset\""),
                            SendRequest("INFO", 2, "condexec=\"unset\" condexec_inverse=\"true\""),
                            Nop("<assignstr assign_to=\"set\" value=\"x\"/>"),
                            SendRequest("NOTIFY", 3, "condexec=\"set\""),
                            "<Reference variables=\"set\"/>", Recv("200")}));
  world.RunFor(10ms);
  ASSERT_EQ(peer.received.size(), 2u);
  EXPECT_EQ(peer.Count("INFO"), 1u);
  EXPECT_EQ(peer.Count("NOTIFY"), 1u);
}

// A response timer is reported once in a call, unless repeat_rtd (trap 6); it runs from the start
// of the call, or from start_rtd.
TEST(ScenarioPlayerTest, ResponseTimersReportOnceUnlessRepeated) {
  LoadWorld world;
  LoadNode& client = world.AddClient(Scenario(
      {SendRequest("INVITE", 1), "<pause milliseconds=\"30\" rtd=\"once\"/>",
       "<pause milliseconds=\"40\" rtd=\"once\"/>",
       "<pause milliseconds=\"50\" rtd=\"again\" "
       "repeat_rtd=\"true\" start_rtd=\"inner\"/>",
       "<pause milliseconds=\"60\" rtd=\"again\" repeat_rtd=\"true\"/>", "<nop rtd=\"inner\"/>"}));
  world.AddPeerAsServer();
  ASSERT_TRUE(world.RunToEnd());
  const auto& times = client.statistics().response_times;
  ASSERT_EQ(client.scenario().rtds, (std::vector<std::string>{"once", "inner", "again"}));
  EXPECT_EQ(times[0].actual_us.count(), 1u);
  EXPECT_EQ(times[0].actual_us.max() / 1000, 0);
  EXPECT_EQ(times[2].actual_us.count(), 2u);
  EXPECT_EQ(times[2].actual_us.max() / 1000, 120);
  EXPECT_EQ(times[1].actual_us.count(), 1u);
  EXPECT_EQ(times[1].actual_us.max() / 1000, 110);
}

// Everything up to /// in a Call-ID is not the call's: so a call has several dialogs.
TEST(ScenarioPlayerTest, SlashesPrefixACallId) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  const std::string scenario = R"(<scenario><send><![CDATA[
      OPTIONS sip:x SIP/2.0
      Via: SIP/2.0/UDP [local_ip];branch=[branch]
      From: <sip:a@b>;tag=1
      To: <sip:c@d>
      Call-ID: second///[call_id]
      CSeq: 1 OPTIONS
      Content-Length: 0
      ]]></send><recv response="200"/></scenario>)";
  LoadNode& client = world.AddClient(scenario);
  world.RunFor(10ms);
  EXPECT_THAT(HeaderOf(peer.last(), "Call-ID"), StartsWith("second///1-"));
  peer.Answer(peer.last(), "200 OK", "x");
  ASSERT_TRUE(world.RunToEnd());
  EXPECT_EQ(client.counts().successful, 1u);
}

// [cseq] counts requests other than ACK and CANCEL, and follows those received.
TEST(ScenarioPlayerTest, CountsRequests) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  const auto send = [](const char* method) {
    return std::string("<send><![CDATA[\n") + method +
           " sip:x SIP/2.0\nVia: SIP/2.0/UDP [local_ip];branch=[branch]\nFrom: <sip:a@b>;tag=1\n"
           "To: <sip:c@d>\nCall-ID: [call_id]\nCSeq: [cseq] " +
           method + "\nContent-Length: 0\n]]></send>";
  };
  world.AddClient(
      Scenario({send("INVITE"), send("ACK"), send("INFO"), Recv("INFO"), send("BYE"), Recv("200")}),
      {"-m", "1", "-base_cseq", "7"});
  world.RunFor(10ms);
  peer.Reply(Request("INFO", HeaderOf(peer.last(), "Call-ID"), 20));
  world.RunFor(10ms);
  std::vector<std::string> cseqs;
  for (const auto& arrival : peer.received) cseqs.push_back(HeaderOf(arrival.text, "CSeq"));
  EXPECT_THAT(cseqs, ElementsAre("7 INVITE", "7 ACK", "8 INFO", "21 BYE"));
}

// Steps that never wait cannot hold the worker: a loop goes on in the next turn, and others have
// theirs.
TEST(ScenarioPlayerTest, EndlessLoopsLetOthersRun) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient(
      Scenario({SendRequest("OPTIONS", 1), "<label id=\"round\"/>", "<nop next=\"round\"/>"}),
      {"-m", "2", "-r", "1000"});

  for (int i = 0; i < 10; ++i) client.worker().Turn();
  client.worker().EndNow();
  world.RunFor(10ms);

  EXPECT_GE(client.step(1).messages, 1000u);
  EXPECT_LE(client.step(1).messages, 11'000u);
  EXPECT_GE(peer.Count("OPTIONS"), 1u);
  EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kEnded);
}

// An optional first step in a server, and a server that begins with nops (sipp.md 1.8).
TEST(ScenarioPlayerTest, ServersMayBeginWithNops) {
  LoadWorld world;
  LoadNode& server =
      world.AddServer(Scenario({Nop("<assignstr assign_to=\"v\" value=\"hello\"/>"),
                                Recv("OPTIONS"), SendResponse("200 OK", "", "Subject: [$v]\n")}));
  ScriptedPeer& peer = world.AddPeer(world.client());
  peer.Send(world.server(), Request("OPTIONS", "call", 1));
  ASSERT_TRUE(world.RunToEnd());
  EXPECT_EQ(HeaderOf(peer.last(), "Subject"), "hello");
  EXPECT_EQ(server.counts().successful, 1u);
}

}  // namespace
}  // namespace loadgen
