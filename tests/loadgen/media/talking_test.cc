#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/rtp/packet_view.h"
#include "loadgen/media/media_report.h"
#include "loadgen/report.h"
#include "tests/loadgen/media/pcap_bytes.h"
#include "tests/loadgen/media/talking_texts.h"
#include "tests/support/load_world.h"

// Calls that talk, in the simulated network: what they send and when, what they say of what came.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using core::Instant;
using core::rtp::PacketView;
using ::testing::Each;
using ::testing::HasSubstr;
using tests::Exec;
using tests::LoadNode;
using tests::LoadWorld;
using tests::MediaFile;
using tests::ScriptedPeer;
using tests::TalkingCallee;
using tests::TalkingCaller;

std::string Pause(int ms) {
  return core::Concat("<pause milliseconds=\"", static_cast<int64_t>(ms), "\"/>\n");
}

std::string Play(const MediaFile& file, std::string_view more = ",-1,0") {
  return Exec(core::Concat("rtp_stream=\"", file.path(), more, "\""));
}

// A packet as a peer got it.
struct Rtp {
  Instant at;
  bool marker = false;
  uint8_t payload_type = 0;
  uint16_t sequence_number = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
  std::string payload;
};

std::vector<Rtp> ReadRtp(const ScriptedPeer& peer) {
  std::vector<Rtp> packets;
  for (const ScriptedPeer::Arrival& arrival : peer.received) {
    std::string bytes = arrival.text;
    PacketView view;
    EXPECT_EQ(PacketView::Parse({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()}, &view),
              core::rtp::PacketError::kOk);
    packets.push_back({arrival.at, view.marker(), view.payload_type(), view.sequence_number(),
                       view.timestamp(), view.ssrc(),
                       std::string(view.payload().begin(), view.payload().end())});
  }
  return packets;
}

class TalkingTest : public ::testing::Test {
 protected:
  LoadNode& AddCaller(const std::string& scenario, std::vector<const char*> arguments = {}) {
    arguments.insert(arguments.end(), {"-m", "1"});
    LoadNode& node = world_.AddClient(scenario, arguments);
    EXPECT_TRUE(node.worker().OpenMedia().ok());
    return node;
  }
  LoadNode& AddCallee(const std::string& scenario, std::vector<const char*> arguments = {}) {
    arguments.insert(arguments.end(), {"-m", "1", "--media_calls", "8"});
    LoadNode& node = world_.AddServer(scenario, arguments);
    EXPECT_TRUE(node.worker().OpenMedia().ok());
    return node;
  }
  static const MediaStatistics& MediaOf(LoadNode& node) {
    return node.worker().media()->statistics();
  }
  // A callee by hand, whose audio goes to `ear`.
  void Answer(ScriptedPeer* server, std::string_view address = "10.0.0.2",
              std::string_view event = "101") {
    world_.RunFor(10ms);
    const std::string sdp = tests::Sdp(address, "7000", event);
    server->Reply(core::Concat(
        "SIP/2.0 200 OK\r\nVia: ", tests::HeaderOf(server->last(), "Via"), "\r\nFrom: ",
        tests::HeaderOf(server->last(), "From"), "\r\nTo: ", tests::HeaderOf(server->last(), "To"),
        ";tag=x\r\nCall-ID: ", tests::HeaderOf(server->last(), "Call-ID"),
        "\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nContent-Length: ", sdp.size(),
        "\r\n\r\n", sdp));
  }

  LoadWorld world_;
};

TEST_F(TalkingTest, TwoTalkAndJudgeEachOther) {
  const MediaFile file(std::string(800, 'v'));
  const char* wants =
      "rf_two_way=\"true\" rf_max_loss=\"0\" rf_max_jitter=\"1\" rf_min_mos=\"4.4\"";
  LoadNode& callee = AddCallee(TalkingCallee(Play(file), wants));
  LoadNode& caller =
      AddCaller(TalkingCaller(Play(file) + Pause(2000) + core::Concat("<nop ", wants, "/>\n")));

  ASSERT_TRUE(world_.RunToEnd());

  for (LoadNode* node : {&callee, &caller}) {
    EXPECT_EQ(node->counts().successful, 1u) << node->warnings();
    const MediaStatistics& media = MediaOf(*node);
    EXPECT_NEAR(static_cast<double>(media.packets_sent), 100, 2);
    EXPECT_NEAR(static_cast<double>(media.packets_received), 100, 2);
    EXPECT_EQ(media.lost + media.duplicates + media.late + media.foreign, 0u);
    EXPECT_LE(media.strays, 1u);  // What was under way when the call ended.
    EXPECT_EQ(media.streams, 1u);
    EXPECT_LE(media.send_late_us.max(), 1000);
    EXPECT_GE(media.mos_milli.min(), 4400);
    EXPECT_EQ(node->worker().media()->open_calls(), 0u);
  }
}

// Who asks for media has it, though nothing in the scenario does (SIPp's own uas, say).
TEST_F(TalkingTest, WhoAsksForItIsMeasuredAtAnyPort) {
  const MediaFile file(std::string(800, 'v'));
  LoadNode& callee = AddCallee(TalkingCallee(""));
  AddCaller(TalkingCaller(Play(file) + Pause(1000)));
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_NEAR(static_cast<double>(MediaOf(callee).packets_received), 50, 2);
}

// One stream: a packet each 20 ms with the next number and 160 ticks more, the clip over and over
// with no gap at its seam, and the rest of the last packet silent (RFC 3550 §5.1).
TEST_F(TalkingTest, PacketsArePacedAndTheClipRunsOn) {
  const MediaFile file(std::string(100, 'a') + std::string(100, 'b'));
  ScriptedPeer& server = world_.AddPeerAsServer();
  ScriptedPeer& ear = world_.AddPeer(LoadWorld::At("10.0.0.2:7000"));
  AddCaller(TalkingCaller(Play(file, ",3,0") + Pause(1000)));
  Answer(&server);
  world_.RunFor(500ms);

  const std::vector<Rtp> packets = ReadRtp(ear);
  ASSERT_EQ(packets.size(), 4u);  // 600 bytes.
  std::string audio;
  for (size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(packets[i].payload_type, 0);
    EXPECT_EQ(packets[i].marker, i == 0);
    EXPECT_EQ(packets[i].ssrc, packets[0].ssrc);
    EXPECT_EQ(packets[i].sequence_number, static_cast<uint16_t>(packets[0].sequence_number + i));
    EXPECT_EQ(packets[i].timestamp, packets[0].timestamp + 160 * i);
    EXPECT_EQ(packets[i].at - packets[0].at, 20ms * i);
    audio += packets[i].payload;
  }
  const std::string round = std::string(100, 'a') + std::string(100, 'b');
  EXPECT_EQ(audio, round + round + round + std::string(40, '\xff'));
}

TEST_F(TalkingTest, APauseIsSilentAndTimeGoesOn) {
  const MediaFile file(std::string(16000, 'a'));
  ScriptedPeer& server = world_.AddPeerAsServer();
  ScriptedPeer& ear = world_.AddPeer(LoadWorld::At("10.0.0.2:7000"));
  AddCaller(TalkingCaller(Play(file) + Pause(50) + Exec("rtp_stream=\"pause\"") + Pause(200) +
                          Exec("rtp_stream=\"resume\"") + Pause(50) + Exec("rtp_stream=\"pause\"") +
                          Pause(1000)));
  Answer(&server);
  world_.RunFor(800ms);

  const std::vector<Rtp> packets = ReadRtp(ear);
  ASSERT_EQ(packets.size(), 6u);
  EXPECT_GE(packets[3].at - packets[2].at, 200ms);
  EXPECT_TRUE(packets[3].marker);
  EXPECT_EQ(packets[3].sequence_number, static_cast<uint16_t>(packets[2].sequence_number + 1));
  EXPECT_EQ((packets[3].timestamp - packets[2].timestamp) / 8 * 1ms, packets[3].at - packets[2].at);
}

TEST_F(TalkingTest, ACaptureKeepsItsBytesAndItsSpacing) {
  const std::string rtp("\x80\x08\x00\x01\x00\x00\x00\xa0\x01\x02\x03\x04voice", 17);
  const std::string last("\x80\x08\x00\x07\x00\x00\x0f\xa0\x01\x02\x03\x04other", 17);
  const MediaFile file(
      tests::PcapBytes{}.File({{0, 4000, rtp}, {33'000, 4000, rtp}, {40'000, 4000, last}}), "pcap");
  ScriptedPeer& server = world_.AddPeerAsServer();
  ScriptedPeer& ear = world_.AddPeer(LoadWorld::At("10.0.0.2:7000"));
  AddCaller(
      TalkingCaller(Exec(core::Concat("play_pcap_audio=\"", file.path(), "\"")) + Pause(1000)));
  Answer(&server);
  world_.RunFor(500ms);

  ASSERT_EQ(ear.received.size(), 3u);
  EXPECT_EQ(ear.received[0].text, rtp);
  EXPECT_EQ(ear.received[2].text, last);
  EXPECT_EQ(ear.received[1].at - ear.received[0].at, 33ms);
  EXPECT_EQ(ear.received[2].at - ear.received[0].at, 40ms);
  EXPECT_EQ(ear.received[0].from.port, 6000);  // What [media_port] said.
}

// RFC 4733 §2.5.1: under the number that the peer's SDP has, and the audio is silent meanwhile.
TEST_F(TalkingTest, DigitsInterruptTheAudio) {
  const MediaFile file(std::string(16000, 'a'));
  ScriptedPeer& server = world_.AddPeerAsServer();
  ScriptedPeer& ear = world_.AddPeer(LoadWorld::At("10.0.0.2:7000"));
  AddCaller(TalkingCaller(Play(file) + Pause(100) + Exec("play_dtmf=\"5#,100\"") + Pause(600)));
  Answer(&server, "10.0.0.2", "99");
  world_.RunFor(800ms);

  const std::vector<Rtp> packets = ReadRtp(ear);
  std::string events;
  uint16_t next = packets[0].sequence_number;
  bool audio_between = false;
  for (const Rtp& packet : packets) {
    EXPECT_EQ(packet.sequence_number, next++);
    if (packet.payload_type == 99) {
      if (packet.marker) events += core::rtp::DigitOf(static_cast<uint8_t>(packet.payload[0]));
    } else if (events == "5") {
      audio_between = true;
    }
  }
  EXPECT_EQ(events, "5#");
  EXPECT_FALSE(audio_between);
  EXPECT_EQ(packets.back().payload_type, 0);
}

// What a stall leaves out is in the pacing error, with all of the stall.
TEST_F(TalkingTest, AStallIsSeenInThePacingError) {
  const MediaFile file(std::string(16000, 'a'));
  ScriptedPeer& server = world_.AddPeerAsServer();
  LoadNode& caller = AddCaller(TalkingCaller(Play(file) + Pause(3000)));
  Answer(&server);
  world_.RunFor(50ms);
  world_.network().clock().AdvanceTo(world_.now() + 1s);
  world_.RunFor(200ms);
  const MediaStatistics& media = MediaOf(caller);
  EXPECT_NEAR(static_cast<double>(media.frames_skipped), 49, 2);
  EXPECT_EQ(media.send_late_us.count(), media.packets_sent + media.frames_skipped);
  EXPECT_NEAR(static_cast<double>(media.send_late_us.max()), 990'000, 10'000);
  EXPECT_GT(media.send_late_us.Percentile(50), 900'000);
}

TEST_F(TalkingTest, AStallOfACaptureIsSeenInThePacingError) {
  const std::string rtp("\x80\x08\x00\x01\x00\x00\x00\xa0\x01\x02\x03\x04voice", 17);
  const MediaFile file(
      tests::PcapBytes{}.File({{0, 4000, rtp}, {100'000, 4000, rtp}, {2'000'000, 4000, rtp}}),
      "pcap");
  ScriptedPeer& server = world_.AddPeerAsServer();
  LoadNode& caller = AddCaller(
      TalkingCaller(Exec(core::Concat("play_pcap_audio=\"", file.path(), "\"")) + Pause(3000)));
  Answer(&server);
  world_.RunFor(50ms);
  world_.network().clock().AdvanceTo(world_.now() + 1s);
  world_.RunFor(200ms);
  EXPECT_EQ(MediaOf(caller).frames_skipped, 1u);
  EXPECT_NEAR(static_cast<double>(MediaOf(caller).send_late_us.max()), 950'000, 10'000);
}

TEST_F(TalkingTest, DigitsAreHeardAndChecked) {
  for (const bool right : {true, false}) {
    LoadWorld world;
    LoadNode& callee =
        world.AddServer(TalkingCallee("", right ? "rf_dtmf=\"12a0\"" : "rf_dtmf=\"1\""),
                        {"-m", "1", "--media_calls", "8"});
    LoadNode& caller =
        world.AddClient(TalkingCaller(Exec("play_dtmf=\"12A0,60\"") + Pause(1500)), {"-m", "1"});
    ASSERT_TRUE(callee.worker().OpenMedia().ok() && caller.worker().OpenMedia().ok());

    ASSERT_TRUE(world.RunToEnd());

    EXPECT_EQ(callee.counts().successful, right ? 1u : 0u);
    EXPECT_EQ(callee.failed_by(Failure::kMediaDigits), right ? 0u : 1u);
    EXPECT_EQ(callee.worker().media()->statistics().digits_received, 4u);
    EXPECT_EQ(callee.warnings().find("other digits than rf_dtmf wants: 12A0") != std::string::npos,
              !right);
  }
}

TEST_F(TalkingTest, APatternComesBackFromWhoEchoes) {
  for (const std::string& on :
       {std::string(), Exec("rtp_echo=\"startaudio,0,PCMU/8000\""),
        std::string("<nop><action><rtp_echo value=\"1\"/></action></nop>")}) {
    LoadWorld world;
    std::vector<const char*> arguments = {"-m", "1", "--media_calls", "8"};
    if (on.empty()) arguments.push_back("-rtp_echo");
    LoadNode& callee = world.AddServer(TalkingCallee(on), arguments);
    LoadNode& caller = world.AddClient(
        TalkingCaller(Exec("rtp_stream=\"apattern,2,0,PCMU/8000\"") + Pause(500)), {"-m", "1"});
    ASSERT_TRUE(callee.worker().OpenMedia().ok() && caller.worker().OpenMedia().ok());

    ASSERT_TRUE(world.RunToEnd());

    const MediaStatistics& media = caller.worker().media()->statistics();
    EXPECT_NEAR(static_cast<double>(media.pattern_matched), 25, 2) << on;
    EXPECT_EQ(media.pattern_differed, 0u);
    EXPECT_EQ(media.pattern_calls_failed, 0u);
    EXPECT_EQ(ExitCodeOf(RunEnd::kDone, caller.worker()), 0);
    EXPECT_EQ(callee.worker().media()->statistics().echoed,
              callee.worker().media()->statistics().packets_received);
  }
}

// SIPp's check: 253 where nothing came back, or as much was missing or other as -audiotolerance
// bears. The calls themselves are as good as ever.
TEST_F(TalkingTest, APatternThatDoesNotComeBackIsTheRunsExitCode) {
  struct Case {
    std::string callee;
    const char* tolerance;
    double loss;
    bool failed;
  };
  const std::string echo = Exec("rtp_echo=\"startaudio,0,PCMU/8000\"");
  const std::string other = Exec("rtp_stream=\"apattern,3,0,PCMU/8000\"");
  for (const Case& c :
       {Case{"", "1.0", 0, true}, Case{other, "1", 0, true}, Case{echo, "0.1", 0.3, true},
        Case{echo, "0.9", 0.3, false}, Case{echo, "0.1", 0, false}, Case{echo, "0", 0, true}}) {
    LoadWorld world;
    LoadNode& callee = world.AddServer(TalkingCallee(c.callee), {"-m", "1", "--media_calls", "8"});
    LoadNode& caller =
        world.AddClient(TalkingCaller(Exec("rtp_stream=\"apattern,2,0,PCMU/8000\"") + Pause(2000)),
                        {"-m", "1", "-audiotolerance", c.tolerance});
    ASSERT_TRUE(callee.worker().OpenMedia().ok() && caller.worker().OpenMedia().ok());
    world.RunFor(100ms);
    world.network().SetLink(world.client().ip, world.server().ip, {.loss = c.loss});
    world.RunFor(1800ms);
    world.network().SetLink(world.client().ip, world.server().ip, {});

    ASSERT_TRUE(world.RunToEnd());

    const std::string what = core::Concat(c.callee, " ", c.tolerance);
    EXPECT_EQ(caller.worker().media()->statistics().pattern_calls_failed, c.failed ? 1u : 0u)
        << what;
    EXPECT_EQ(ExitCodeOf(RunEnd::kDone, caller.worker()), c.failed ? 253 : 0) << what;
    EXPECT_EQ(caller.counts().successful, 1u) << what;
    EXPECT_EQ(
        WriteMediaReport(caller.worker().media()->statistics()).find("  calls without pattern") !=
            std::string::npos,
        c.failed);
    EXPECT_EQ(caller.warnings().find("too little of its pattern came back") != std::string::npos,
              c.failed);
  }
}

// A mark stands on the first bytes of a pattern, and is none of its business.
TEST_F(TalkingTest, APatternComesBackUnderMarks) {
  LoadWorld world;
  LoadNode& callee = world.AddServer(TalkingCallee(""), {"-m", "1", "-rtp_echo"});
  LoadNode& caller =
      world.AddClient(TalkingCaller(Exec("rtp_stream=\"apattern,6,0,PCMU/8000\"") + Pause(500)),
                      {"-m", "1", "--media_marks"});
  ASSERT_TRUE(callee.worker().OpenMedia().ok() && caller.worker().OpenMedia().ok());
  ASSERT_TRUE(world.RunToEnd());
  const MediaStatistics& media = caller.worker().media()->statistics();
  EXPECT_NEAR(static_cast<double>(media.pattern_matched), 25, 2);
  EXPECT_EQ(media.pattern_differed + media.pattern_calls_failed, 0u);
}

// What is missing in the middle of a stream is lost to the last packet, and the call fails for it.
TEST_F(TalkingTest, LossIsCountedAndFailsTheCall) {
  const MediaFile file(std::string(800, 'v'));
  LoadNode& callee = AddCallee(TalkingCallee(Play(file), "rf_max_loss=\"5\" rf_two_way=\"true\""));
  LoadNode& caller = AddCaller(TalkingCaller(Play(file) + Pause(4000)));
  world_.RunFor(200ms);
  const core::IpAddress from = world_.client().ip;
  world_.network().SetLink(from, world_.server().ip, {.loss = 0.2});
  world_.RunFor(3s);
  world_.network().SetLink(from, world_.server().ip, {});

  ASSERT_TRUE(world_.RunToEnd());

  const MediaStatistics& media = MediaOf(callee);
  EXPECT_EQ(media.lost, world_.network().counters().lost);
  EXPECT_EQ(media.expected, MediaOf(caller).packets_sent - media.strays);
  EXPECT_GT(media.lost, 10u);
  EXPECT_EQ(callee.failed_by(Failure::kMediaLoss), 1u);
  EXPECT_LT(media.mos_milli.min(), 4000);
  EXPECT_EQ(caller.counts().successful, 1u);
}

TEST_F(TalkingTest, OneWayAudioFailsTheCall) {
  const MediaFile file(std::string(800, 'v'));
  LoadNode& callee = AddCallee(TalkingCallee(""));
  LoadNode& caller =
      AddCaller(TalkingCaller(Play(file) + Pause(500) + "<nop rf_two_way=\"true\"/>\n"));

  ASSERT_TRUE(world_.RunToEnd());

  EXPECT_EQ(caller.failed_by(Failure::kMediaOneWay), 1u);
  EXPECT_THAT(caller.warnings(), HasSubstr("rf_two_way: no audio came"));
  EXPECT_EQ(MediaOf(caller).silent_calls, 1u);
  EXPECT_EQ(callee.counts().successful, 1u);
}

// Where nothing came there is no MOS, no jitter and no loss that could be good.
TEST_F(TalkingTest, WhatIsUnknownIsNotGood) {
  for (const char* check : {"rf_min_mos=\"1\"", "rf_max_loss=\"100\"", "rf_max_jitter=\"1000\""}) {
    LoadWorld world;
    LoadNode& callee = world.AddServer(TalkingCallee("", check), {"-m", "1", "--media_calls", "2"});
    LoadNode& caller = world.AddClient(TalkingCaller(Pause(100)), {"-m", "1"});
    ASSERT_TRUE(callee.worker().OpenMedia().ok() && caller.worker().OpenMedia().ok());
    ASSERT_TRUE(world.RunToEnd());
    EXPECT_EQ(callee.counts().failed, 1u) << check;
  }
}

TEST_F(TalkingTest, NobodySendsToAnUnspecifiedAddress) {
  const MediaFile file(std::string(800, 'v'));
  ScriptedPeer& server = world_.AddPeerAsServer();
  LoadNode& caller = AddCaller(TalkingCaller(Play(file) + Pause(100)));
  Answer(&server, "0.0.0.0");
  world_.RunFor(60ms);

  EXPECT_EQ(MediaOf(caller).packets_sent, 0u);
  EXPECT_GE(MediaOf(caller).unsent, 3u);
}

// Each call has its own port, four apart; a call that finds none is not opened, and counted.
TEST_F(TalkingTest, PortsAreBoundedByWhatWasOpened) {
  const MediaFile file(std::string(800, 'v'));
  ScriptedPeer& server = world_.AddPeerAsServer();
  LoadNode& caller =
      world_.AddClient(TalkingCaller(Play(file)),
                       {"-m", "3", "-r", "1000", "-mp", "8000", "--media_calls", "2", "-l", "3"});
  ASSERT_TRUE(caller.worker().OpenMedia().ok());
  world_.RunFor(50ms);

  ASSERT_EQ(server.Count("INVITE"), 2u);
  EXPECT_THAT(server.received[0].text, HasSubstr("m=audio 8000 "));
  EXPECT_THAT(server.received[1].text, HasSubstr("m=audio 8004 "));
  EXPECT_GE(MediaOf(caller).no_port, 1u);
  EXPECT_EQ(caller.worker().media()->ports().free_count(), 0u);
}

TEST_F(TalkingTest, TooFewPortsForWhatWasAskedIsAnError) {
  const MediaFile file(std::string(800, 'v'));
  LoadNode& caller = world_.AddClient(TalkingCaller(Play(file)),
                                      {"-l", "10", "-mp", "8000", "-max_rtp_port", "8016"});
  const absl::Status status = caller.worker().OpenMedia();
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("media ports 8000 to 8016: 4 calls found theirs; wanted 10 times 4"));
}

// What a call leaves behind finds nobody: the port that was used last is given out last.
TEST_F(TalkingTest, APortRestsAsLongAsItCan) {
  MediaPorts ports;
  tests::SimIo io(&world_.network());
  ASSERT_TRUE(
      ports
          .Open({.address = LoadWorld::At("10.0.0.9:1").ip, .range = {9000, 9100}, .count = 3}, &io)
          .ok());
  EXPECT_EQ(ports.Acquire(), 0u);
  ports.Release(0);
  EXPECT_EQ(ports.Acquire(), 1u);
  EXPECT_EQ(ports.Acquire(), 2u);
  EXPECT_EQ(ports.Acquire(), 0u);
  EXPECT_EQ(ports.Acquire(), MediaPorts::kNone);
  EXPECT_EQ(ports.Find(ports.pair(1).rtcp).pair, 1u);
  EXPECT_TRUE(ports.Find(ports.pair(1).rtcp).is_rtcp);
  EXPECT_EQ(ports.Find({999, 1}).pair, MediaPorts::kNone);
}

TEST_F(TalkingTest, APortThatSomebodyHasIsLeftOut) {
  ScriptedPeer& other = world_.AddPeer(LoadWorld::At("10.0.0.9:9005"));
  MediaPorts ports;
  tests::SimIo io(&world_.network());
  ASSERT_TRUE(
      ports
          .Open({.address = LoadWorld::At("10.0.0.9:1").ip, .range = {9000, 9100}, .count = 2}, &io)
          .ok());
  EXPECT_EQ(ports.pair(1).local.port, 9008);
  (void)other;
}

}  // namespace
}  // namespace loadgen
