#include "loadgen/action_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/load_texts.h"
#include "tests/support/load_world.h"

// What stands in <action>, done in calls in the simulated network (sipp.md 1.3).

namespace loadgen {
namespace {

using namespace std::chrono_literals;
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

// What `text` expands to once a nop has done `actions`.
std::string After(const std::string& actions, const std::string& text) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  world.AddClient(
      Scenario({Nop(actions), "<Reference variables=\"v\"/>",
                SendRequest("OPTIONS", 1, "", "Subject: <" + text + ">\n"), Recv("200")}),
      {"-m", "1"});
  world.RunFor(10ms);
  const std::string subject = HeaderOf(peer.last(), "Subject");
  return subject.substr(1, subject.size() - 2);
}

TEST(ActionRunnerTest, CalculatesAndEdits) {
  const std::string five = "<assign assign_to=\"v\" value=\"5\"/>";
  EXPECT_EQ(After(five, "[$v]"), "5.000000");
  EXPECT_EQ(After(five + "<add assign_to=\"v\" value=\"2\"/>", "[$v]"), "7.000000");
  EXPECT_EQ(After(five + "<subtract assign_to=\"v\" variable=\"v\"/>", "[$v]"), "0.000000");
  EXPECT_EQ(After(five + "<multiply assign_to=\"v\" value=\"3\"/>", "[$v]"), "15.000000");
  EXPECT_EQ(After(five + "<divide assign_to=\"v\" value=\"2\"/>", "[$v]"), "2.500000");
  EXPECT_EQ(After(five + "<assign assign_to=\"z\" value=\"0\"/>"
                         "<divide assign_to=\"v\" variable=\"z\"/>",
                  "[$v]"),
            "5.000000");
  EXPECT_EQ(After("<assignstr assign_to=\"v\" value=\"call [call_number]\"/>", "[$v]"), "call 1");
  EXPECT_EQ(After("<assignstr assign_to=\"v\" value=\" 12.5 pieces\"/>"
                  "<todouble assign_to=\"v\" variable=\"v\"/>",
                  "[$v]"),
            "12.500000");
  EXPECT_EQ(
      After("<assignstr assign_to=\"v\" value=\"  two words \"/><trim assign_to=\"v\"/>", "[$v]"),
      "two words");
  EXPECT_EQ(
      After("<assignstr assign_to=\"v\" value=\"a b;c\"/><urlencode variable=\"v\"/>", "[$v]"),
      "a%20b%3Bc");
  EXPECT_EQ(After("<assignstr assign_to=\"v\" value=\"a%20b%3bc%2\"/><urldecode variable=\"v\"/>",
                  "[$v]"),
            "a b;c%2");
  EXPECT_EQ(After("<index assign_to=\"v\"/>", "[$v]"), "0.000000");
  EXPECT_EQ(After("<sample assign_to=\"v\" distribution=\"fixed\" value=\"9\"/>", "[$v]"),
            "9.000000");
  EXPECT_THAT(After("<gettimeofday assign_to=\"v,u\"/><log message=\"[$u]\"/>", "[$v]"),
              StartsWith("17000"));
}

TEST(ActionRunnerTest, ComparesNumbersAndTexts) {
  const std::string five = "<assign assign_to=\"v\" value=\"5\"/>";
  const auto test = [&](const std::string& compare, const std::string& value) {
    return After(five + "<test assign_to=\"v\" variable=\"v\" compare=\"" + compare +
                     "\" value=\"" + value + "\"/>",
                 "[$v]");
  };
  EXPECT_EQ(test("equal", "5"), "true");
  EXPECT_EQ(test("not_equal", "5"), "false");
  EXPECT_EQ(test("greater_than", "4"), "true");
  EXPECT_EQ(test("greater_than", "5"), "false");
  EXPECT_EQ(test("less_than", "6"), "true");
  EXPECT_EQ(test("less_than", "5"), "false");
  EXPECT_EQ(test("greater_than_equal", "5"), "true");
  EXPECT_EQ(test("less_than_equal", "4"), "false");
  const auto compare = [](const std::string& value) {
    return After(
        "<assignstr assign_to=\"t\" value=\"m\"/><strcmp assign_to=\"v\" variable=\"t\" "
        "value=\"" +
            value + "\"/>",
        "[$v]");
  };
  EXPECT_EQ(compare("m"), "0.000000");
  EXPECT_EQ(compare("n"), "-1.000000");
  EXPECT_EQ(compare("a"), "1.000000");
}

// <jump> goes to a step by its index, in a variable too; one to no step is not taken.
TEST(ActionRunnerTest, Jumps) {
  for (const auto& [target, cseq] : {std::pair("2", "2 INFO"), std::pair("99", "1 MESSAGE")}) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    LoadNode& client =
        world.AddClient(Scenario({Nop(std::string("<assign assign_to=\"to\" value=\"") + target +
                                      "\"/><jump variable=\"to\"/>"),
                                  SendRequest("MESSAGE", 1), SendRequest("INFO", 2), Recv("200")}));
    world.RunFor(10ms);
    EXPECT_EQ(HeaderOf(peer.received[0].text, "CSeq"), cseq);
    EXPECT_EQ(client.warnings().empty(), target == std::string("2"));
  }
}

// A pause until what no clock holds, or as long, does not end; one of no number is none.
TEST(ActionRunnerTest, PausesAsLongAsThereIsTime) {
  for (const char* number : {"1e300", "nan", "-1e300"}) {
    for (const bool restored : {false, true}) {
      LoadWorld world;
      ScriptedPeer& peer = world.AddPeerAsServer();
      const std::string assigned = std::string("<assignstr assign_to=\"v\" value=\"") + number +
                                   "\"/><todouble assign_to=\"n\" variable=\"v\"/>";
      world.AddClient(
          Scenario({Nop(assigned + (restored ? "<pauserestore variable=\"n\"/>" : "")),
                    restored ? Nop("<log message=\"[$n]\"/>") : "<pause variable=\"n\"/>",
                    SendRequest("OPTIONS", 1)}));
      world.RunFor(1h);
      EXPECT_EQ(peer.received.empty(), number == std::string("1e300")) << number << restored;
    }
  }
}

// One ereg over a 200 with these header lines: the value it assigns, and how the call came out.
struct Searched {
  std::string value;
  Failure failure = Failure::kNone;
};
Searched Search(const std::string& attributes, const std::string& headers) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient(
      Scenario({SendRequest("OPTIONS", 1),
                RecvWith("200", "", "<ereg " + attributes + " assign_to=\"v,g\"/>"),
                SendRequest("INFO", 2, "", "Subject: <[$v]|[$g]>\n"), Recv("200")}));
  world.RunFor(10ms);
  peer.Answer(peer.last(), "200 OK", "x", headers);
  world.RunFor(10ms);
  Searched searched;
  const std::string subject = HeaderOf(peer.last(), "Subject");
  searched.value = subject.substr(1, subject.size() - 2);
  peer.Answer(peer.last(), "200 OK", "x");
  world.RunFor(10ms);
  EXPECT_EQ(client.counts().successful + client.counts().failed, 1u);
  for (size_t i = 1; i < kFailureCount; ++i) {
    if (client.counts().failures[i] > 0) searched.failure = static_cast<Failure>(i);
  }
  return searched;
}

// `hdr` is a search for text: what stands behind it up to the end of the line, the blank included
// (trap 9).
TEST(ActionRunnerTest, SearchesHeadersAsText) {
  const std::string lines = "X-One: first\r\nX-Two: X-One: inner\r\nx-one: lower\r\n";
  const std::string header = "search_in=\"hdr\" header=\"X-One:\" ";
  EXPECT_EQ(Search(header + "regexp=\".*\"", lines).value, " first|");
  EXPECT_EQ(Search(header + "regexp=\".*\" occurrence=\"2\"", lines).value, " inner|");
  EXPECT_EQ(Search(header + "regexp=\".*\" occurrence=\"3\" case_indep=\"true\"", lines).value,
            " lower|");
  EXPECT_EQ(Search(header + "regexp=\".*\" occurrence=\"2\" case_indep=\"true\" "
                            "start_line=\"true\"",
                   lines)
                .value,
            " lower|");
  EXPECT_EQ(Search(header + "regexp=\"f(ir)st\"", lines).value, "first|ir");
  EXPECT_EQ(Search(header + "regexp=\"first(x)?\"", lines).value, "first|");
  EXPECT_EQ(Search("search_in=\"msg\" regexp=\"SIP/2.0 ([0-9]+)\"", lines).value,
            "SIP/2.0 200|200");
  EXPECT_EQ(Search("search_in=\"hdr\" header=\"X-None:\" regexp=\".*\"", lines).value, "|");
}

// A check that fails does not end the call; it has failed in the end, by its own category.
TEST(ActionRunnerTest, ChecksFailTheCallAtItsEnd) {
  const std::string one = "search_in=\"hdr\" header=\"X-One:\" ";
  const std::string lines = "X-One: first\r\n";
  EXPECT_EQ(Search(one + "regexp=\"first\" check_it=\"true\"", lines).failure, Failure::kNone);
  EXPECT_EQ(Search(one + "regexp=\"second\" check_it=\"true\"", lines).failure,
            Failure::kRegexpDoesntMatch);
  EXPECT_EQ(Search(one + "regexp=\"first\" check_it_inverse=\"true\"", lines).failure,
            Failure::kRegexpShouldntMatch);
  EXPECT_EQ(Search(one + "regexp=\"second\" check_it_inverse=\"true\"", lines).failure,
            Failure::kNone);
  EXPECT_EQ(
      Search("search_in=\"hdr\" header=\"X-No:\" regexp=\".\" check_it=\"true\"", lines).failure,
      Failure::kRegexpHeaderNotFound);
}

// <test> and <strcmp> have categories of their own.
TEST(ActionRunnerTest, ChecksOfTestAndStrcmp) {
  const auto failure = [](const std::string& actions) {
    LoadWorld world;
    world.AddPeerAsServer();
    LoadNode& client = world.AddClient(
        Scenario({Nop("<assign assign_to=\"n\" value=\"1\"/><assignstr assign_to=\"s\" "
                      "value=\"a\"/>" +
                      actions),
                  SendRequest("OPTIONS", 1), "<Reference variables=\"n,s\"/>"}));
    EXPECT_TRUE(world.RunToEnd());
    for (size_t i = 1; i < kFailureCount; ++i) {
      if (client.counts().failures[i] > 0) return static_cast<Failure>(i);
    }
    return Failure::kNone;
  };
  const std::string test = "<test variable=\"n\" compare=\"equal\" ";
  EXPECT_EQ(failure(test + "value=\"1\" check_it=\"true\"/>"), Failure::kNone);
  EXPECT_EQ(failure(test + "value=\"2\" check_it=\"true\"/>"), Failure::kTestDoesntMatch);
  EXPECT_EQ(failure(test + "value=\"1\" check_it_inverse=\"true\"/>"), Failure::kTestShouldntMatch);
  const std::string compare = "<strcmp variable=\"s\" ";
  EXPECT_EQ(failure(compare + "value=\"b\" check_it=\"true\"/>"), Failure::kStrcmpDoesntMatch);
  EXPECT_EQ(failure(compare + "value=\"a\" check_it_inverse=\"true\"/>"),
            Failure::kStrcmpShouldntMatch);
}

// Actions of a <send> search what was sent; [last_X] in those of a <recv> is what just came.
TEST(ActionRunnerTest, ActionsSeeTheirMessage) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode& client = world.AddClient(
      Scenario({SendRequest("OPTIONS", 1, "", "X-Mine: 42\n",
                            "<action><ereg regexp=\"[0-9]+\" search_in=\"hdr\" header=\"X-Mine:\" "
                            "assign_to=\"v\"/></action>"),
                RecvWith("200", "", "<log message=\"sent [$v], got [last_CSeq:]\"/>")}));
  world.RunFor(10ms);
  peer.Answer(peer.last(), "200 OK", "x");
  ASSERT_TRUE(world.RunToEnd());
  EXPECT_THAT(client.warnings(), HasSubstr("sent 42, got CSeq: 1 OPTIONS"));
}

// exec int_cmd: stop_call ends the call in silence and fails it as rejected; stop_gracefully and
// stop_now end the run; so does <error>.
TEST(ActionRunnerTest, CommandsStopCallsAndRuns) {
  const auto run = [](const std::string& action, auto&& judge) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    LoadNode& client = world.AddClient(
        Scenario({SendRequest("INVITE", 1), RecvWith("200", "", action), SendRequest("ACK", 1)}),
        {"-r", "10", "-m", "100"});
    world.RunFor(10ms);
    peer.Answer(peer.received[0].text, "200 OK", "x");
    world.RunFor(150ms);
    judge(client, peer);
  };
  run("<exec int_cmd=\"stop_call\"/>", [](LoadNode& client, ScriptedPeer& peer) {
    EXPECT_EQ(client.failed_by(Failure::kCallRejected), 1u);
    EXPECT_EQ(peer.Count("ACK") + peer.Count("BYE"), 0u);
    EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kRunning);
  });
  run("<exec int_cmd=\"stop_gracefully\"/>", [](LoadNode& client, ScriptedPeer& peer) {
    EXPECT_EQ(client.counts().successful, 1u);
    EXPECT_EQ(peer.Count("INVITE"), 1u);
    EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kEnded);
  });
  run("<exec int_cmd=\"stop_now\"/>", [](LoadNode& client, ScriptedPeer&) {
    EXPECT_TRUE(client.worker().requests().stop_now);
    EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kEnded);
  });
  run("<error message=\"no\"/>", [](LoadNode& client, ScriptedPeer&) {
    EXPECT_TRUE(client.worker().requests().fatal);
    EXPECT_EQ(client.worker().requests().why_fatal, "error: no");
    EXPECT_EQ(client.worker().phase(), LoadWorker::Phase::kEnded);
  });
}

// Each call has a line of its own of a sequential file; <lookup> finds another, which
// [fieldN line=[$v]] reads; a key that is not there is -1.
TEST(ActionRunnerTest, LooksUpLines) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  LoadNode::Config config{
      .scenario =
          Scenario({Nop("<lookup assign_to=\"v\" file=\"0\" key=\"bob\"/>"
                        "<lookup assign_to=\"none\" file=\"0\" key=\"carol\"/>"),
                    SendRequest("OPTIONS", 1, "", "Subject: [field0] [field1 line=[$v]] [$none]\n"),
                    Recv("200")}),
      .options = LoadWorld::OptionsOf({"-m", "3", "-r", "100"}),
      .local = world.client(),
      .remote = world.server(),
      .injections = {"SEQUENTIAL\nalice;1\nbob;2\n"},
      .index_field = 0};
  world.Add(std::move(config));
  world.RunFor(100ms);
  ASSERT_EQ(peer.received.size(), 3u);
  EXPECT_EQ(HeaderOf(peer.received[0].text, "Subject"), "alice 2 -1.000000");
  EXPECT_EQ(HeaderOf(peer.received[1].text, "Subject"), "bob 2 -1.000000");
  EXPECT_EQ(HeaderOf(peer.received[2].text, "Subject"), "alice 2 -1.000000");
}

// Call variables are the call's, user variables the user's, and global ones everybody's.
TEST(ActionRunnerTest, VariablesHaveScopes) {
  LoadWorld world;
  ScriptedPeer& peer = world.AddPeerAsServer();
  world.AddClient(
      Scenario({"<Global variables=\"all\"/>", "<User variables=\"mine\"/>",
                Nop("<add assign_to=\"all\" value=\"1\"/><add assign_to=\"mine\" value=\"1\"/>"
                    "<add assign_to=\"own\" value=\"1\"/>"),
                SendRequest("OPTIONS", 1, "", "Subject: [$all] [$mine] [$own] [userid]\n"),
                "<pause milliseconds=\"10\"/>"}),
      {"-users", "2", "-m", "5"});
  ASSERT_TRUE(world.RunToEnd());
  ASSERT_EQ(peer.received.size(), 5u);
  EXPECT_EQ(HeaderOf(peer.received[0].text, "Subject"), "1.000000 1.000000 1.000000 1");
  EXPECT_EQ(HeaderOf(peer.received[1].text, "Subject"), "2.000000 1.000000 1.000000 2");
  EXPECT_THAT(HeaderOf(peer.received[4].text, "Subject"),
              testing::MatchesRegex("5.000000 3.000000 1.000000 [12]"));
}

// Without -users a call has user variables of its own, as in SIPp: unset when it begins, whichever
// way they are asked for, and forgotten when it ends. So has a server's, and one out of call.
TEST(ActionRunnerTest, UserVariablesWithoutUsers) {
  const std::string declared = "<User variables=\"mine,text\"/>";
  const std::string actions =
      "<strcmp assign_to=\"order\" variable=\"text\" value=\"a\"/>"
      "<test assign_to=\"zero\" variable=\"mine\" compare=\"equal\" value=\"0\"/>"
      "<add assign_to=\"mine\" value=\"1\"/><assignstr assign_to=\"text\" value=\"t\"/>";
  const std::string subject = "Subject: [$mine] [$text] [$order] [$zero]\n";
  const std::string expected = "1.000000 t -1.000000 true";
  {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    world.AddClient(Scenario({declared, "<nop condexec=\"mine\" next=\"end\" test=\"text\"/>",
                              "<pause variable=\"mine\"/>", Nop(actions),
                              SendRequest("OPTIONS", 1, "", subject), "<label id=\"end\"/>"}),
                    {"-m", "2"});
    ASSERT_TRUE(world.RunToEnd());
    ASSERT_EQ(peer.received.size(), 2u);
    for (const ScriptedPeer::Arrival& arrival : peer.received) {
      EXPECT_EQ(HeaderOf(arrival.text, "Subject"), expected);
    }
  }
  const std::string server =
      Scenario({declared, RecvWith("OPTIONS", "", actions), SendResponse("200 OK", "", subject)});
  for (const bool out_of_call : {false, true}) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeer(world.client());
    LoadNode::Config config{.scenario = server,
                            .options = LoadWorld::OptionsOf({"-m", "1", "-l", "10"}),
                            .local = world.server()};
    if (out_of_call) {
      config.scenario = Scenario({SendRequest("INVITE", 1), Recv("200")});
      config.out_of_call = server;
      config.remote = world.client();
    }
    world.Add(std::move(config));
    peer.Send(world.server(), Request("OPTIONS", "1@peer", 1));
    world.RunFor(10ms);
    ASSERT_FALSE(peer.received.empty());
    EXPECT_EQ(HeaderOf(peer.last(), "Subject"), expected);
  }
}

// 401 and 407 are answered with the name that belongs to each, the nonce count goes up with each
// use, and the digest's uri is the remote address (trap 11).
TEST(ActionRunnerTest, AnswersChallenges) {
  for (const bool proxy : {false, true}) {
    LoadWorld world;
    ScriptedPeer& peer = world.AddPeerAsServer();
    const std::string credentials = "[authentication username=alice password=secret]\n";
    world.AddClient(
        Scenario({SendRequest("REGISTER", 1), Recv(proxy ? "407" : "401", "auth=\"true\""),
                  SendRequest("REGISTER", 2, "", credentials), Recv("200"),
                  SendRequest("REGISTER", 3, "", credentials), Recv("200")}));
    world.RunFor(10ms);
    const std::string challenge =
        "Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\", algorithm=MD5";
    peer.Answer(peer.last(), proxy ? "407 Proxy" : "401 Unauthorized", "x",
                (proxy ? "Proxy-Authenticate: " : "WWW-Authenticate: ") + challenge + "\r\n");
    world.RunFor(10ms);
    const std::string name = proxy ? "Proxy-Authorization" : "Authorization";
    const std::string first = HeaderOf(peer.last(), name);
    EXPECT_THAT(first, StartsWith("Digest username=\"alice\""));
    EXPECT_THAT(first, HasSubstr("uri=\"sip:10.0.0.2:5060\""));
    EXPECT_THAT(first, HasSubstr("qop=auth-int"));
    EXPECT_THAT(first, HasSubstr("nc=00000001"));
    peer.Answer(peer.last(), "200 OK", "x");
    world.RunFor(10ms);
    EXPECT_THAT(HeaderOf(peer.last(), name), HasSubstr("nc=00000002"));
    EXPECT_EQ(HeaderOf(peer.last(), proxy ? "Authorization" : "Proxy-Authorization"), "");
  }
}

}  // namespace
}  // namespace loadgen
