#include "loadgen/media/media_mark.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/loadgen/media/pcap_bytes.h"
#include "tests/loadgen/media/talking_texts.h"
#include "tests/support/load_world.h"

// What each packet's own mark proves of it, whatever the RTP around it says.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using tests::Exec;
using tests::LoadNode;
using tests::LoadWorld;
using tests::MediaFile;
using tests::TalkingCallee;
using tests::TalkingCaller;

constexpr CallIdentity kOwn{1, 1};
constexpr CallIdentity kPeer{2, 1};
constexpr CallIdentity kOther{2, 9};

MediaMark Of(const CallIdentity& sender, uint32_t sequence, const CallIdentity& heard = {}) {
  return {.sender = sender, .heard = heard, .sequence = sequence, .sent = core::Instant{}};
}

TEST(MediaMarkTest, IsReadAsItWasWritten) {
  const MediaMark mark{.sender = {0xfedcba98, 7},
                       .heard = {3, 0xffffffff},
                       .sequence = 0x80000001,
                       .sent = core::Instant(123456789012345ns)};
  std::array<uint8_t, 160> payload{};
  mark.Write(payload);
  MediaMark read;
  ASSERT_TRUE(read.Read(payload));
  EXPECT_EQ(read.sender, mark.sender);
  EXPECT_EQ(read.heard, mark.heard);
  EXPECT_EQ(read.sequence, mark.sequence);
  EXPECT_EQ(read.sent, mark.sent);
  EXPECT_FALSE(read.Read(std::span(payload).first(MediaMark::kBytes - 1)));
  payload[0] ^= 1;
  EXPECT_FALSE(read.Read(payload));
}

TEST(MarkReaderTest, CountsFromTheFirstOfAll) {
  MarkReader reader;
  EXPECT_EQ(reader.OnMark(Of(kPeer, 3), kOwn), MarkFate::kNew);
  EXPECT_EQ(reader.lost(), 3u);
  EXPECT_EQ(reader.OnMark(Of(kPeer, 1), kOwn), MarkFate::kNew);  // Reordered.
  EXPECT_EQ(reader.OnMark(Of(kPeer, 1), kOwn), MarkFate::kDuplicate);
  EXPECT_EQ(reader.OnMark(Of(kPeer, 3), kOwn), MarkFate::kDuplicate);
  EXPECT_EQ(reader.OnMark(Of(kPeer, 500), kOwn), MarkFate::kNew);
  EXPECT_EQ(reader.expected(), 501u);
  EXPECT_EQ(reader.received(), 3u);
}

TEST(MarkReaderTest, KnowsWhatIsOfAnotherCallOrForOne) {
  MarkReader reader;
  EXPECT_EQ(reader.OnMark(Of(kOther, 0, {1, 2}), kOwn), MarkFate::kMisrouted);  // Meant for 2.
  EXPECT_EQ(reader.OnMark(Of(kPeer, 0), kOwn), MarkFate::kNew);
  EXPECT_EQ(reader.OnMark(Of(kOther, 1), kOwn), MarkFate::kMisrouted);
  EXPECT_EQ(reader.OnMark(Of(kPeer, 1, {1, 2}), kOwn), MarkFate::kMisrouted);
  EXPECT_EQ(reader.OnMark(Of(kPeer, 1, kOwn), kOwn), MarkFate::kNew);
  EXPECT_EQ(reader.OnMark(Of(kOwn, 5), kOwn), MarkFate::kEchoed);
  EXPECT_EQ(reader.lost(), 0u);
}

// What another call of the same generator sent: an echo that was crossed, and no peer.
TEST(MarkReaderTest, AnotherCallOfOurRunIsNoPeer) {
  MarkReader reader;
  EXPECT_EQ(reader.OnMark(Of({1, 2}, 0), kOwn), MarkFate::kMisrouted);
  EXPECT_EQ(reader.OnMark(Of({1, 2}, 1, kOwn), kOwn), MarkFate::kMisrouted);
  EXPECT_EQ(reader.peer().run, 0u);
  EXPECT_EQ(reader.OnMark(Of(kPeer, 0), kOwn), MarkFate::kNew);
}

class MarksTest : public ::testing::Test {
 protected:
  void Start(const std::string& callee, const std::string& caller, const char* calls) {
    const std::vector<const char*> arguments = {
        "-m", calls, "--media_calls", "8", "--media_marks", "-mp", "20000", "--json", "unused"};
    const auto add = [&](const std::string& scenario, bool is_server) {
      LoadNode::Config config{.scenario = scenario, .options = LoadWorld::OptionsOf(arguments)};
      config.options.calls_at_once = 8;
      config.local = is_server ? world_.server() : world_.client();
      if (!is_server) config.remote = world_.server();
      config.injections = {"SEQUENTIAL\n20004\n20000\n"};
      return &world_.Add(std::move(config));
    };
    callee_ = add(callee, true);
    caller_ = add(caller, false);
    ASSERT_TRUE(callee_->worker().OpenMedia().ok() && caller_->worker().OpenMedia().ok());
  }
  static const MediaStatistics& MediaOf(LoadNode* node) {
    return node->worker().media()->statistics();
  }
  // The records of the two ends of a call that SIP joined: they share its Call-ID.
  static std::vector<std::pair<MarkRecord, MarkRecord>> Joined(LoadNode* one, LoadNode* other) {
    std::vector<std::pair<MarkRecord, MarkRecord>> joined;
    for (const MediaRecord& a : one->worker().media()->records()) {
      for (const MediaRecord& b : other->worker().media()->records()) {
        if (a.call_id.view() == b.call_id.view()) joined.emplace_back(*a.marks, *b.marks);
      }
    }
    return joined;
  }
  std::string Talk(const MediaFile& file) {
    return Exec(core::Concat("rtp_stream=\"", file.path(), ",-1,0\""));
  }

  LoadWorld world_;
  LoadNode* callee_ = nullptr;
  LoadNode* caller_ = nullptr;
};

// Loss, copies and delay of the network come out as they were put in.
TEST_F(MarksTest, ProveLossCopiesAndLatency) {
  const MediaFile file(std::string(800, 'v'), "marks");
  Start(TalkingCallee(""), TalkingCaller(Talk(file) + "<pause milliseconds=\"4000\"/>\n"), "1");
  world_.RunFor(200ms);
  world_.network().SetLink(world_.client().ip, world_.server().ip,
                           {.delay = 30ms, .loss = 0.1, .duplicate = 0.1});
  world_.RunFor(3s);
  world_.network().SetLink(world_.client().ip, world_.server().ip, {.delay = 30ms});

  ASSERT_TRUE(world_.RunToEnd());

  const MediaStatistics& media = MediaOf(callee_);
  EXPECT_EQ(media.mark_lost, world_.network().counters().lost);
  EXPECT_EQ(media.mark_duplicates, world_.network().counters().duplicated);
  EXPECT_EQ(media.marked + media.mark_lost, MediaOf(caller_).packets_sent - media.strays);
  EXPECT_EQ(media.misrouted + media.unmarked + media.other_clock + media.mark_late, 0u);
  EXPECT_NEAR(static_cast<double>(media.one_way_us.Percentile(50)), 30'000, 300);
  EXPECT_EQ(callee_->counts().successful, 1u);
}

TEST_F(MarksTest, ALatePacketIsLate) {
  const MediaFile file(std::string(800, 'v'), "marks");
  world_.network().SetLink(world_.client().ip, world_.server().ip, {.delay = 250ms});
  Start(TalkingCallee(""), TalkingCaller(Talk(file) + "<pause milliseconds=\"1000\"/>\n"), "1");
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_GT(MediaOf(callee_).mark_late, 30u);
}

TEST_F(MarksTest, WhatIsEchoedTellsTheRoundTrip) {
  const MediaFile file(std::string(800, 'v'), "marks");
  Start(TalkingCallee(Exec("rtp_echo=\"startaudio,0,PCMU\"")),
        TalkingCaller(Talk(file) + "<pause milliseconds=\"500\"/>\n"), "1");
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_NEAR(static_cast<double>(MediaOf(caller_).round_trip_us.count()), 25, 2);
  EXPECT_NEAR(static_cast<double>(MediaOf(caller_).round_trip_us.Percentile(50)), 400, 100);
}

// Two calls of one generator, whose echoes come back to each other.
TEST_F(MarksTest, ACrossedEchoFailsTheCalls) {
  const MediaFile file(std::string(800, 'v'), "marks");
  LoadNode::Config config{
      .scenario = TalkingCaller(Talk(file) + "<pause milliseconds=\"1000\"/>\n"),
      .options = LoadWorld::OptionsOf(
          {"-m", "2", "-r", "1000", "-l", "8", "--media_marks", "-mp", "20000"})};
  config.local = world_.client();
  config.remote = world_.server();
  caller_ = &world_.Add(std::move(config));
  ASSERT_TRUE(caller_->worker().OpenMedia().ok());
  tests::ScriptedPeer& server = world_.AddPeerAsServer();
  tests::ScriptedPeer& ear = world_.AddPeer(LoadWorld::At("10.0.0.2:7000"));
  world_.RunFor(10ms);
  ASSERT_EQ(server.received.size(), 2u);
  const std::string sdp = tests::Sdp("10.0.0.2", "7000");
  for (const auto& invite : server.received) {
    const std::string& text = invite.text;
    server.Send(
        invite.from,
        core::Concat(
            "SIP/2.0 200 OK\r\nVia: ", tests::HeaderOf(text, "Via"),
            "\r\nFrom: ", tests::HeaderOf(text, "From"), "\r\nTo: ", tests::HeaderOf(text, "To"),
            ";tag=x\r\nCall-ID: ", tests::HeaderOf(text, "Call-ID"), "\r\nCSeq: 1 INVITE\r\n",
            "Content-Type: application/sdp\r\nContent-Length: ", sdp.size(), "\r\n\r\n", sdp));
  }
  size_t echoed = 0;
  for (int i = 0; i < 900; ++i) {
    world_.RunFor(1ms);
    for (; echoed < ear.received.size(); ++echoed) {
      core::Endpoint to = ear.received[echoed].from;
      to.port = to.port == 20000 ? 20004 : 20000;
      ear.Send(to, ear.received[echoed].text);
    }
  }
  EXPECT_GT(MediaOf(caller_).misrouted, 80u);
  EXPECT_EQ(MediaOf(caller_).marked + MediaOf(caller_).round_trip_us.count(), 0u);
}

// Somebody between two calls crosses their wires: here the callee says one call's port in both.
TEST_F(MarksTest, AudioOfAnotherCallFailsTheCall) {
  const MediaFile file(std::string(800, 'v'), "marks");
  std::string callee = TalkingCallee(Talk(file));
  const std::string_view port = "[rtpstream_audio_port]";
  callee.replace(callee.find(port), port.size(), "20000");
  Start(callee, TalkingCaller(Talk(file) + "<pause milliseconds=\"500\"/>\n"), "2");

  ASSERT_TRUE(world_.RunToEnd());

  EXPECT_GT(MediaOf(callee_).misrouted, 15u);
  EXPECT_GE(callee_->failed_by(Failure::kMediaMisrouted), 1u);
}

// A port is given out again while its last call's audio is still under way.
TEST_F(MarksTest, WhatIsForThePortsLastCallIsNotAstray) {
  const MediaFile file(std::string(800, 'v'), "marks");
  world_.network().SetLink(world_.client().ip, world_.server().ip, {.delay = 50ms});
  world_.network().SetLink(world_.server().ip, world_.client().ip, {.delay = 50ms});
  callee_ = &world_.AddServer(TalkingCallee(Talk(file)),
                              {"-m", "2", "--media_calls", "1", "--media_marks"});
  caller_ = &world_.AddClient(TalkingCaller(Talk(file) + "<pause milliseconds=\"500\"/>\n"),
                              {"-m", "2", "-r", "1", "-rp", "620", "-l", "2", "--media_marks"});
  ASSERT_TRUE(callee_->worker().OpenMedia().ok() && caller_->worker().OpenMedia().ok());
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_EQ(callee_->counts().successful, 2u) << callee_->warnings();
  EXPECT_EQ(MediaOf(callee_).misrouted, 0u);
  EXPECT_GT(MediaOf(callee_).mark_former, 2u);
}

// What is lost behind the last that came, only the sender's count can tell.
TEST_F(MarksTest, BothEndsTellWhatIsLostAtTheEnd) {
  const MediaFile file(std::string(800, 'v'), "marks");
  Start(TalkingCallee(Talk(file)),
        TalkingCaller(Talk(file) + "<pause milliseconds=\"3000\"/>\n" +
                      Exec("rtp_stream=\"pause\"") + "<pause milliseconds=\"500\"/>\n"),
        "1");
  world_.RunFor(2s);
  world_.network().SetLink(world_.client().ip, world_.server().ip, {.loss = 1});
  world_.RunFor(1200ms);
  world_.network().SetLink(world_.client().ip, world_.server().ip, {});
  ASSERT_TRUE(world_.RunToEnd());

  const auto joined = Joined(callee_, caller_);
  ASSERT_EQ(joined.size(), 1u);
  const auto& [callee, caller] = joined[0];
  EXPECT_EQ(callee.peer, caller.own);
  EXPECT_EQ(caller.peer, callee.own);
  EXPECT_TRUE(callee.is_mutual && caller.is_mutual);
  EXPECT_EQ(callee.lost, 0u);
  EXPECT_NEAR(static_cast<double>(caller.sent - callee.expected), 50, 2);
  EXPECT_NEAR(static_cast<double>(caller.sent), 150, 2);
}

// Two calls whose audio goes to each other's ports, both ways: each hears one other, which hears
// it. Only who knows which calls SIP joined can tell.
TEST_F(MarksTest, BothEndsTellACrossingBothWays) {
  const MediaFile file(std::string(800, 'v'), "marks");
  for (const bool crossed : {true, false}) {
    LoadWorld world;
    const std::string own = tests::Sdp("[media_ip]", crossed ? "[field0]" : "[media_port]");
    std::string callee = TalkingCallee(Talk(file));
    if (crossed) {
      const std::string_view port = "[rtpstream_audio_port]";
      callee.replace(callee.find(port), port.size(), "[field0]");
    }
    const auto add = [&](const std::string& scenario, bool is_server) {
      LoadNode::Config config{
          .scenario = scenario,
          .options = LoadWorld::OptionsOf({"-m", "2", "-r", "1000", "-l", "8", "--media_marks",
                                           "-mp", "20000", "--json", "unused"})};
      config.local = is_server ? world.server() : world.client();
      if (!is_server) config.remote = world.server();
      config.injections = {"SEQUENTIAL\n20004\n20000\n"};
      return &world.Add(std::move(config));
    };
    callee_ = add(callee, true);
    caller_ = add(TalkingCaller(Talk(file) + "<pause milliseconds=\"1000\"/>\n", own), false);
    ASSERT_TRUE(callee_->worker().OpenMedia().ok() && caller_->worker().OpenMedia().ok());
    ASSERT_TRUE(world.RunToEnd());

    EXPECT_EQ(caller_->counts().successful + callee_->counts().successful, 4u);
    EXPECT_EQ(MediaOf(caller_).mark_mutual_calls, 2u);
    const auto joined = Joined(callee_, caller_);
    ASSERT_EQ(joined.size(), 2u);
    for (const auto& [one, other] : joined) {
      EXPECT_EQ(one.peer == other.own, !crossed);
      EXPECT_EQ(other.peer == one.own, !crossed);
    }
  }
}

// G.729 of 20 ms and digits have no room: both ends count them. A capture has, and is marked.
TEST_F(MarksTest, WhatHasNoRoomForAMarkIsCounted) {
  const MediaFile file(std::string(800, 'v'), "marks");
  const std::string head("\x80\x00\x00\x01\x00\x00\x00\xa0\x01\x02\x03\x04", 12);
  const MediaFile capture(tests::PcapBytes{}.File({{0, 4000, head + std::string(160, 'c')},
                                                   {20'000, 4000, head + std::string(20, 's')}}),
                          "marks_pcap");
  Start(TalkingCallee(""),
        TalkingCaller(Exec(core::Concat("rtp_stream=\"", file.path(), ",1,18,G729/8000\"")) +
                      "<pause milliseconds=\"1000\"/>\n" + Exec("play_dtmf=\"1,60\"") +
                      "<pause milliseconds=\"500\"/>\n" +
                      Exec(core::Concat("play_pcap_audio=\"", capture.path(), "\"")) +
                      "<pause milliseconds=\"500\"/>\n"),
        "1");
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_EQ(MediaOf(caller_).marked_sent, 1u);
  EXPECT_EQ(MediaOf(callee_).marked, 1u);
  EXPECT_GT(MediaOf(caller_).unmarked_sent, 44u);  // 40 of G.729, a digit's, and the short one.
  EXPECT_EQ(MediaOf(callee_).unmarked, MediaOf(caller_).unmarked_sent);
  EXPECT_EQ(callee_->worker().media()->records()[0].marks->unmarked, MediaOf(callee_).unmarked);
}

}  // namespace
}  // namespace loadgen
