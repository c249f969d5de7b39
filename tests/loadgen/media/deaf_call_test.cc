#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/loadgen/media/talking_texts.h"
#include "tests/support/load_world.h"

// Calls in which audio came, and comes no more: which of them are deaf, and which are silent on
// purpose.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using core::Concat;
using ::testing::HasSubstr;
using tests::Exec;
using tests::LoadNode;
using tests::LoadWorld;
using tests::MediaFile;
using tests::ScriptedPeer;
using tests::TalkingCallee;
using tests::TalkingCaller;

std::string Pause(int64_t ms) { return Concat("<pause milliseconds=\"", ms, "\"/>\n"); }

class DeafCallTest : public ::testing::Test {
 protected:
  std::string Play(std::string_view more = ",-1,0") const {
    return Exec(Concat("rtp_stream=\"", file_.path(), more, "\""));
  }
  void Start(const std::string& caller, const std::string& callee,
             std::vector<const char*> callee_arguments = {}) {
    callee_arguments.insert(callee_arguments.end(), {"-m", "1", "--media_calls", "8"});
    callee_ = &world_.AddServer(callee, callee_arguments);
    caller_ = &world_.AddClient(caller, {"-m", "1", "--json", "unused"});
    ASSERT_TRUE(callee_->worker().OpenMedia().ok() && caller_->worker().OpenMedia().ok());
  }
  // From now on the caller hears nothing, and signalling goes on once `lasts` is over.
  void Deafen(core::Duration lasts) {
    world_.network().SetLink(world_.server().ip, world_.client().ip, {.loss = 1});
    world_.RunFor(lasts);
    world_.network().SetLink(world_.server().ip, world_.client().ip, {});
  }

  const MediaFile file_{std::string(8000, 'v'), "deaf"};
  LoadWorld world_;
  LoadNode* caller_ = nullptr;
  LoadNode* callee_ = nullptr;
};

TEST_F(DeafCallTest, ACallThatWentDeafMidwayIsNotTwoWay) {
  Start(TalkingCaller(Play() + Pause(5000) + "<nop rf_two_way=\"true\"/>\n"),
        TalkingCallee(Play()));
  world_.RunFor(1s);
  Deafen(4100ms);
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_EQ(caller_->failed_by(Failure::kMediaOneWay), 1u);
  EXPECT_THAT(caller_->warnings(), HasSubstr("rf_two_way: no audio comes any more; ms without: 4"));
}

TEST_F(DeafCallTest, ADeafTimeThatIsOverIsAGapAndTwoWayAgain) {
  Start(TalkingCaller(Play() + Pause(6000) + "<nop rf_two_way=\"true\"/>\n"),
        TalkingCallee(Play()));
  world_.RunFor(1s);
  Deafen(3s);
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_EQ(caller_->counts().successful, 1u) << caller_->warnings();
  EXPECT_NEAR(static_cast<double>(caller_->worker().media()->statistics().gap_us.max()), 3e6, 3e4);
  EXPECT_NEAR(static_cast<double>(*caller_->worker().media()->records()[0].gap_us), 3e6, 3e4);
}

// What was deaf when our own audio was over stays deaf.
TEST_F(DeafCallTest, TheEndOfOurOwnAudioMendsNothing) {
  Start(TalkingCaller(Play(",4,0") + Pause(8000) + "<nop rf_two_way=\"true\"/>\n"),
        TalkingCallee(Play()));
  world_.RunFor(1s);
  Deafen(6500ms);
  world_.network().SetLink(world_.server().ip, world_.client().ip, {.loss = 1});
  world_.RunFor(1s);
  world_.network().SetLink(world_.server().ip, world_.client().ip, {});
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_EQ(caller_->failed_by(Failure::kMediaOneWay), 1u);
}

// An echo is silent when we are.
TEST_F(DeafCallTest, OurOwnPauseIsNoDeafness) {
  Start(TalkingCaller(Play() + Pause(1000) + Exec("rtp_stream=\"pause\"") + Pause(6000) +
                      "<nop rf_two_way=\"true\"/>\n" + Exec("rtp_stream=\"resume\"") + Pause(1000) +
                      "<nop rf_two_way=\"true\"/>\n"),
        TalkingCallee(""), {"-rtp_echo"});
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_EQ(caller_->counts().successful, 1u) << caller_->warnings();
}

// What an end echoes it has sent.
TEST_F(DeafCallTest, AnEchoIsTwoWayAtBothEnds) {
  const char* check = "rf_two_way=\"true\"";
  Start(TalkingCaller(Play() + Pause(1000) + Concat("<nop ", check, "/>\n")),
        TalkingCallee("", check), {"-rtp_echo"});
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_EQ(caller_->counts().successful, 1u) << caller_->warnings();
  EXPECT_EQ(callee_->counts().successful, 1u) << callee_->warnings();
}

// A peer that pauses without a word is as silent as one that nobody hears: the step must bear it.
TEST_F(DeafCallTest, APauseOfThePeerNeedsAGapThatBearsIt) {
  for (const auto& [gap, failed] : {std::pair("", true), std::pair(" rf_max_gap=\"4500\"", false),
                                    std::pair(" rf_max_gap=\"3500\"", true)}) {
    LoadWorld world;
    LoadNode& callee =
        world.AddServer(TalkingCallee(Play() + Pause(1000) + Exec("rtp_stream=\"pause\"")),
                        {"-m", "1", "--media_calls", "8"});
    LoadNode& caller = world.AddClient(
        TalkingCaller(Play() + Pause(5000) + Concat("<nop rf_two_way=\"true\"", gap, "/>\n")),
        {"-m", "1"});
    ASSERT_TRUE(callee.worker().OpenMedia().ok() && caller.worker().OpenMedia().ok());
    ASSERT_TRUE(world.RunToEnd());
    EXPECT_EQ(caller.failed_by(Failure::kMediaOneWay), failed ? 1u : 0u) << gap;
  }
}

TEST_F(DeafCallTest, AGapIsFoundWhereverItWas) {
  for (const auto& [gap, failed] : {std::pair("1100", false), std::pair("900", true)}) {
    LoadWorld world;
    LoadNode& callee =
        world.AddServer(TalkingCallee(Play() + Pause(1000) + Exec("rtp_stream=\"pause\"") +
                                      Pause(1000) + Exec("rtp_stream=\"resume\"")),
                        {"-m", "1", "--media_calls", "8"});
    LoadNode& caller = world.AddClient(
        TalkingCaller(Pause(4000) + Concat("<nop rf_max_gap=\"", gap, "\"/>\n")), {"-m", "1"});
    ASSERT_TRUE(callee.worker().OpenMedia().ok() && caller.worker().OpenMedia().ok());
    ASSERT_TRUE(world.RunToEnd());
    EXPECT_EQ(caller.failed_by(Failure::kMediaGap), failed ? 1u : 0u) << gap;
    EXPECT_EQ(caller.warnings().find("a gap above rf_max_gap") != std::string::npos, failed);
  }
}

// What comes no more behind a BYE, or in a <timewait>, is missed by nobody: at neither end.
TEST_F(DeafCallTest, TheTimeBehindTheCallIsNoGap) {
  for (const bool waits : {true, false}) {
    LoadWorld world;
    std::string caller = TalkingCaller(Play() + Pause(1000));
    std::string callee = TalkingCallee(Play());
    const std::string late = "<timewait milliseconds=\"3000\"/></scenario>";
    const std::string_view end = "</scenario>";
    if (waits) caller.replace(caller.rfind(end), end.size(), late);
    if (waits) callee.replace(callee.rfind(end), end.size(), late);
    const std::string_view answer = "<send><![CDATA[\nSIP/2.0 200 OK";
    if (!waits) callee.insert(callee.rfind(answer), Exec("rtp_stream=\"pause\"") + Pause(3000));
    LoadNode& server =
        world.AddServer(callee, {"-m", "1", "--media_calls", "8", "--json", "unused"});
    LoadNode& client = world.AddClient(caller, {"-m", "1", "--json", "unused"});
    ASSERT_TRUE(server.worker().OpenMedia().ok() && client.worker().OpenMedia().ok());
    ASSERT_TRUE(world.RunToEnd());
    for (LoadNode* node : {&server, &client}) {
      EXPECT_EQ(node->counts().successful, 1u) << node->warnings();
      EXPECT_LE(node->worker().media()->statistics().gap_us.max(), 40'000) << waits;
      EXPECT_LE(*node->worker().media()->records()[0].gap_us, 40'000) << waits;
    }
  }
}

TEST_F(DeafCallTest, WhereNothingCameThereIsNoGapThatCouldBeGood) {
  Start(TalkingCaller(Play() + Pause(100) + "<nop rf_max_gap=\"60000\"/>\n"), TalkingCallee(""));
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_EQ(caller_->failed_by(Failure::kMediaGap), 1u);
}

// Held by either side, in the new way and the old: nothing is to come, and nothing is missed.
TEST_F(DeafCallTest, AHoldIsNoDeafness) {
  struct Hold {
    const char* offer;
    const char* answer;
    const char* address;
  };
  for (const Hold& hold :
       {Hold{"a=sendonly\n", "a=recvonly\n", "10.0.0.2"},
        Hold{"a=inactive\n", "a=inactive\n", "10.0.0.2"}, Hold{"", "", "0.0.0.0"}}) {
    const auto exchange = [](int number, std::string_view sdp) {
      const auto request = [number](std::string_view method) {
        return Concat(method, " sip:b@[remote_ip]:[remote_port] SIP/2.0\n",
                      "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n",
                      "From: <sip:a@[local_ip]>;tag=[call_number]\nTo: <sip:b@[remote_ip]>",
                      "[peer_tag_param]\nCall-ID: [call_id]\nCSeq: ", int64_t{number}, " ", method,
                      "\n");
      };
      return Concat("<send><![CDATA[\n", request("INVITE"),
                    "Content-Type: application/sdp\nContent-Length: [len]\n\n", sdp,
                    "]]></send>\n<recv response=\"200\"/>\n<send><![CDATA[\n", request("ACK"),
                    "Content-Length: 0\n\n]]></send>\n");
    };
    const auto accept = [](std::string_view sdp) {
      return Concat("<recv request=\"INVITE\"/><send><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n",
                    "[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n",
                    "Content-Type: application/sdp\nContent-Length: [len]\n\n", sdp,
                    "]]></send>\n<recv request=\"ACK\"/>\n");
    };
    const std::string own = tests::Sdp("[media_ip]", "[media_port]");
    const char* check = "<nop rf_two_way=\"true\" rf_max_gap=\"1500\"/>\n";
    LoadWorld world;
    LoadNode& callee = world.AddServer(
        TalkingCallee(Play() + accept(tests::Sdp(hold.address, "[media_port]") + hold.answer) +
                      Exec("rtp_stream=\"pause\"") + accept(own) + Exec("rtp_stream=\"resume\"")),
        {"-m", "1", "--media_calls", "8"});
    LoadNode& caller =
        world.AddClient(TalkingCaller(Play() + Pause(1000) + exchange(2, own + hold.offer) +
                                      Pause(6000) + check + exchange(3, own) + Pause(1000) + check),
                        {"-m", "1"});
    ASSERT_TRUE(callee.worker().OpenMedia().ok() && caller.worker().OpenMedia().ok());
    ASSERT_TRUE(world.RunToEnd());
    EXPECT_EQ(caller.counts().successful, 1u) << hold.answer << caller.warnings();
  }
}

}  // namespace
}  // namespace loadgen
