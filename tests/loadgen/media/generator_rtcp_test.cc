#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/rtp/packet_view.h"
#include "core/rtp/rtcp_reader.h"
#include "core/rtp/rtcp_session.h"
#include "tests/loadgen/media/talking_texts.h"
#include "tests/support/load_world.h"

// Each call's end of RTCP (RFC 3550 §6): what it says, where to, and what it learns.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using core::rtp::RtcpCompound;
using core::rtp::RtcpType;
using tests::Exec;
using tests::LoadNode;
using tests::LoadWorld;
using tests::MediaFile;
using tests::ScriptedPeer;
using tests::TalkingCallee;
using tests::TalkingCaller;

std::span<const uint8_t> BytesOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// The types of a compound's packets, in order.
std::vector<RtcpType> TypesOf(const std::string& text) {
  RtcpCompound compound;
  EXPECT_EQ(compound.Index(BytesOf(text)), core::rtp::RtcpError::kOk);
  std::vector<RtcpType> types;
  for (const core::rtp::RtcpPacket& packet : compound) types.push_back(packet.type);
  return types;
}

class GeneratorRtcpTest : public ::testing::Test {
 protected:
  static std::string Talk(const MediaFile& file, int64_t ms) {
    return Exec(core::Concat("rtp_stream=\"", file.path(), ",-1,0\"")) +
           core::Concat("<pause milliseconds=\"", ms, "\"/>\n");
  }
  LoadNode& AddCaller(const std::string& scenario, std::vector<const char*> arguments = {}) {
    arguments.insert(arguments.end(), {"-m", "1"});
    LoadNode& node = world_.AddClient(scenario, arguments);
    EXPECT_TRUE(node.worker().OpenMedia().ok());
    return node;
  }
  LoadNode& AddCallee(const std::string& scenario) {
    LoadNode& node = world_.AddServer(scenario, {"-m", "1", "--media_calls", "8"});
    EXPECT_TRUE(node.worker().OpenMedia().ok());
    return node;
  }
  // A callee by hand, whose audio goes to 10.0.0.2:7000.
  void Answer(ScriptedPeer* server, std::string_view more = "", std::string_view port = "7000") {
    world_.RunFor(10ms);
    const std::string sdp = tests::Sdp("10.0.0.2", port) + std::string(more);
    server->Reply(core::Concat(
        "SIP/2.0 200 OK\r\nVia: ", tests::HeaderOf(server->last(), "Via"), "\r\nFrom: ",
        tests::HeaderOf(server->last(), "From"), "\r\nTo: ", tests::HeaderOf(server->last(), "To"),
        ";tag=x\r\nCall-ID: ", tests::HeaderOf(server->last(), "Call-ID"),
        "\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nContent-Length: ", sdp.size(),
        "\r\n\r\n", sdp));
  }
  static const MediaStatistics& MediaOf(LoadNode& node) {
    return node.worker().media()->statistics();
  }

  const MediaFile file_{std::string(800, 'v'), "rtcp"};
  LoadWorld world_;
};

// 30 ms each way are 60 ms there and back, whatever a report waited for, and cost some of MOS-CQ.
TEST_F(GeneratorRtcpTest, TwoGeneratorsLearnTheRoundTrip) {
  world_.network().SetLink(world_.client().ip, world_.server().ip, {.delay = 30ms});
  world_.network().SetLink(world_.server().ip, world_.client().ip, {.delay = 30ms});
  LoadNode& callee =
      AddCallee(TalkingCallee(Exec(core::Concat("rtp_stream=\"", file_.path(), ",-1,0\""))));
  LoadNode& caller = AddCaller(TalkingCaller(Talk(file_, 20'000)), {"--json", "unused"});

  ASSERT_TRUE(world_.RunToEnd());

  for (LoadNode* node : {&callee, &caller}) {
    const MediaStatistics& media = MediaOf(*node);
    EXPECT_EQ(node->counts().successful, 1u);
    ASSERT_EQ(media.rtcp_round_trip_us.count(), 1u);
    EXPECT_NEAR(static_cast<double>(media.rtcp_round_trip_us.max()), 60'000, 2500);
    EXPECT_GE(media.rtcp_sent, 4u);
    EXPECT_LE(media.rtcp_sent, 9u);  // §6.2: 5 s apart, give or take half.
    EXPECT_EQ(media.rtcp_malformed + media.rtcp_foreign, 0u);
    ASSERT_EQ(media.mos_conversation_milli.count(), 1u);
    EXPECT_LT(media.mos_conversation_milli.max(), media.mos_milli.max());
  }
  const auto records = caller.worker().media()->records();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_NEAR(static_cast<double>(records[0].round_trip_us.value_or(0)), 60'000, 2500);
}

// What one says: SR, SDES and XR while both talk; a BYE behind the last.
TEST_F(GeneratorRtcpTest, ReportsGoToTheNextPort) {
  ScriptedPeer& server = world_.AddPeerAsServer();
  ScriptedPeer& audio = world_.AddPeer(LoadWorld::At("10.0.0.2:7000"));
  ScriptedPeer& ear = world_.AddPeer(LoadWorld::At("10.0.0.2:7001"));
  LoadNode& caller = AddCaller(TalkingCaller(Talk(file_, 9000)));
  Answer(&server);
  world_.RunFor(50ms);
  ASSERT_FALSE(audio.received.empty());
  for (int i = 0; i < 2; ++i) audio.Reply(audio.received[static_cast<size_t>(i)].text);
  world_.RunFor(10s);
  server.Answer(server.last(), "200 OK", "");  // To the BYE.
  world_.RunFor(10ms);

  ASSERT_GE(ear.received.size(), 3u);
  EXPECT_EQ(ear.received[0].from.port, 6001);
  EXPECT_THAT(TypesOf(ear.received[0].text),
              ::testing::ElementsAre(RtcpType::kSenderReport, RtcpType::kSourceDescription,
                                     RtcpType::kExtendedReport));
  RtcpCompound compound;
  ASSERT_EQ(compound.Index(BytesOf(ear.received[0].text)), core::rtp::RtcpError::kOk);
  core::rtp::SenderReport report;
  core::rtp::ReportBlocks blocks;
  ASSERT_EQ(core::rtp::ParseSenderReport(*compound.begin(), &report, &blocks),
            core::rtp::RtcpError::kOk);
  std::string first = audio.received[0].text;
  core::rtp::PacketView view;
  ASSERT_EQ(
      core::rtp::PacketView::Parse({reinterpret_cast<uint8_t*>(first.data()), first.size()}, &view),
      core::rtp::PacketError::kOk);
  EXPECT_EQ(report.ssrc, view.ssrc());
  const auto passed = ear.received[0].at - audio.received[0].at;
  EXPECT_NEAR(report.rtp_timestamp - view.timestamp(),
              static_cast<double>(passed / std::chrono::microseconds(125)), 16);
  EXPECT_NEAR(report.packets, static_cast<double>(passed / 20ms), 2);
  EXPECT_EQ(blocks.size(), 1u);
  EXPECT_THAT(TypesOf(ear.received.back().text),
              ::testing::ElementsAre(RtcpType::kSenderReport, RtcpType::kSourceDescription,
                                     RtcpType::kExtendedReport, RtcpType::kBye));
  EXPECT_EQ(MediaOf(caller).rtcp_sent, ear.received.size());
}

struct Place {
  const char* own;
  const char* answer;
  const char* ear;
  uint16_t from;
};
class RtcpPlaceTest : public GeneratorRtcpTest, public ::testing::WithParamInterface<Place> {};

// RFC 3605, RFC 5761: muxed where both say so, and only there.
TEST_P(RtcpPlaceTest, IsWhereTheSdpSays) {
  ScriptedPeer& server = world_.AddPeerAsServer();
  ScriptedPeer& ear = world_.AddPeer(LoadWorld::At(GetParam().ear));
  AddCaller(
      TalkingCaller(Talk(file_, 6000), tests::Sdp("[media_ip]", "[media_port]") + GetParam().own));
  Answer(&server, GetParam().answer);
  world_.RunFor(7s);

  size_t reports = 0;
  for (const ScriptedPeer::Arrival& arrival : ear.received) {
    if (!core::rtp::LooksLikeRtcp(BytesOf(arrival.text))) continue;
    ++reports;
    EXPECT_EQ(arrival.from.port, GetParam().from);
  }
  EXPECT_GE(reports, 2u);
}
INSTANTIATE_TEST_SUITE_P(
    All, RtcpPlaceTest,
    ::testing::Values(Place{"", "a=rtcp:7500\n", "10.0.0.2:7500", 6001},
                      Place{"", "a=rtcp:7500 IN IP4 10.0.0.3\n", "10.0.0.3:7500", 6001},
                      Place{"", "a=rtcp-mux\n", "10.0.0.2:7001", 6001},
                      Place{"a=rtcp-mux\n", "a=rtcp-mux\n", "10.0.0.2:7000", 6000}));

// Who answers an offer of mux with mux has muxed, and reads what comes so.
TEST_F(GeneratorRtcpTest, ACalleeMuxesAsACallerDoes) {
  LoadNode& caller = AddCaller(TalkingCaller(
      Talk(file_, 12'000), tests::Sdp("[media_ip]", "[media_port]") + "a=rtcp-mux\n"));
  std::string text = TalkingCallee(Exec(core::Concat("rtp_stream=\"", file_.path(), ",-1,0\"")));
  const std::string_view rtpmap = "telephone-event/8000\n";
  text.insert(text.find(rtpmap) + rtpmap.size(), "a=rtcp-mux\n");
  LoadNode& callee = AddCallee(text);
  ASSERT_TRUE(world_.RunToEnd());
  for (LoadNode* node : {&callee, &caller}) {
    EXPECT_GE(MediaOf(*node).rtcp_received, 2u);
    EXPECT_EQ(MediaOf(*node).rtcp_foreign, 0u);
    EXPECT_EQ(MediaOf(*node).rtcp_round_trip_us.count(), 1u);
  }
}

// RFC 5761 §5.1.1: by an offer of ours, or an answer.
TEST_F(GeneratorRtcpTest, ACalleesReportsGoToTheMuxedPort) {
  for (const bool muxes : {true, false}) {
    LoadWorld world;
    std::string text = TalkingCallee(Exec(core::Concat("rtp_stream=\"", file_.path(), ",-1,0\"")));
    const std::string_view rtpmap = "telephone-event/8000\n";
    if (muxes) text.insert(text.find(rtpmap) + rtpmap.size(), "a=rtcp-mux\n");
    LoadNode& callee = world.AddServer(text, {"-m", "1", "--media_calls", "8"});
    ASSERT_TRUE(callee.worker().OpenMedia().ok());
    ScriptedPeer& phone = world.AddPeer(LoadWorld::At("10.0.0.1:5060"));
    ScriptedPeer& audio = world.AddPeer(LoadWorld::At("10.0.0.1:7000"));
    ScriptedPeer& next = world.AddPeer(LoadWorld::At("10.0.0.1:7001"));
    const std::string sdp = tests::Sdp("10.0.0.1", "7000") + "a=rtcp-mux\n";
    const auto request = [](std::string_view method, std::string_view rest) {
      return core::Concat(
          method, " sip:b@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=", "z9hG4bK",
          method, "\r\nFrom: <sip:a@h>;tag=a\r\nTo: <sip:b@h>\r\n", "Call-ID: muxed\r\nCSeq: 1 ",
          method, "\r\n", rest);
    };
    phone.Send(world.server(),
               request("INVITE", core::Concat("Content-Type: application/sdp\r\nContent-Length: ",
                                              sdp.size(), "\r\n\r\n", sdp)));
    world.RunFor(10ms);
    phone.Send(world.server(), request("ACK", "Content-Length: 0\r\n\r\n"));
    world.RunFor(9s);
    size_t muxed = 0;
    for (const ScriptedPeer::Arrival& arrival : audio.received) {
      if (core::rtp::LooksLikeRtcp(BytesOf(arrival.text))) ++muxed;
    }
    EXPECT_EQ(muxed > 0, muxes);
    EXPECT_EQ(next.received.empty(), muxes);
  }
}

TEST_F(GeneratorRtcpTest, NothingIsSaidWhereThereIsNoPlace) {
  ScriptedPeer& server = world_.AddPeerAsServer();
  LoadNode& caller = AddCaller(TalkingCaller(Talk(file_, 6000)));
  Answer(&server, "", "65535");
  world_.RunFor(7s);
  EXPECT_GT(MediaOf(caller).packets_sent, 200u);
  EXPECT_EQ(MediaOf(caller).rtcp_sent, 0u);
}

TEST_F(GeneratorRtcpTest, NothingIsSaidOrReadWithNoRtcp) {
  LoadNode& callee =
      AddCallee(TalkingCallee(Exec(core::Concat("rtp_stream=\"", file_.path(), ",-1,0\""))));
  LoadNode& caller = AddCaller(TalkingCaller(Talk(file_, 12'000)), {"-no_rtcp"});
  ASSERT_TRUE(world_.RunToEnd());
  EXPECT_EQ(MediaOf(caller).rtcp_sent, 0u);
  EXPECT_EQ(MediaOf(caller).rtcp_received, MediaOf(callee).rtcp_sent);
  EXPECT_EQ(MediaOf(caller).rtcp_round_trip_us.count(), 0u);  // Unknown.
  EXPECT_EQ(MediaOf(callee).rtcp_round_trip_us.count(), 0u);
  EXPECT_EQ(MediaOf(callee).mos_conversation_milli.count(), 0u);
  EXPECT_EQ(caller.counts().successful, 1u);
}

// A report on our stream from somebody else, and one that is broken, tell no round trip.
TEST_F(GeneratorRtcpTest, IsReadOnlyFromWhereTheSdpSays) {
  ScriptedPeer& server = world_.AddPeerAsServer();
  ScriptedPeer& ear = world_.AddPeer(LoadWorld::At("10.0.0.2:7001"));
  ScriptedPeer& other = world_.AddPeer(LoadWorld::At("10.0.0.3:7001"));
  LoadNode& caller = AddCaller(TalkingCaller(Talk(file_, 9000)));
  Answer(&server);
  world_.RunFor(4s);
  ASSERT_FALSE(ear.received.empty());
  const std::string& sent = ear.received[0].text;
  std::string answer("\x81\xc9\x00\x07\x00\x00\x00\x01", 8);  // RR of SSRC 1 with a block,
  answer += sent.substr(4, 4);                                // on the stream that came,
  answer += std::string(12, '\0') + sent.substr(10, 4) + std::string(4, '\0');  // LSR, and DLSR 0.
  const core::Endpoint to = ear.received[0].from;
  other.Send(to, answer);
  ear.Send(to, answer.substr(0, 20));
  world_.RunFor(10ms);
  EXPECT_EQ(MediaOf(caller).rtcp_received, 2u);
  EXPECT_EQ(MediaOf(caller).rtcp_foreign, 1u);
  EXPECT_EQ(MediaOf(caller).rtcp_malformed, 1u);
  const auto held = world_.now() - ear.received[0].at;
  ear.Send(to, answer);
  world_.RunFor(10s);
  server.Answer(server.last(), "200 OK", "");
  world_.RunFor(10ms);
  ASSERT_EQ(MediaOf(caller).rtcp_round_trip_us.count(), 1u);
  EXPECT_NEAR(static_cast<double>(MediaOf(caller).rtcp_round_trip_us.max()),
              static_cast<double>(held / 1us), 2000);
}

// §6.4.1: what we answer is the SR of the stream that we hear, whatever else the peer reports.
TEST_F(GeneratorRtcpTest, TheReportOfAnotherSsrcIsNotAnswered) {
  ScriptedPeer& server = world_.AddPeerAsServer();
  ScriptedPeer& audio = world_.AddPeer(LoadWorld::At("10.0.0.2:7000"));
  ScriptedPeer& ear = world_.AddPeer(LoadWorld::At("10.0.0.2:7001"));
  AddCaller(TalkingCaller(Talk(file_, 9000)));
  Answer(&server);
  world_.RunFor(50ms);
  ASSERT_GE(audio.received.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    std::string voice = audio.received[i].text;
    audio.Reply(voice.replace(8, 4, std::string("\0\0\0\7", 4)));
  }
  const auto report = [&](char ssrc, char ntp) {
    std::string bytes("\x80\xc8\0\6\0\0\0", 7);
    bytes += ssrc;
    bytes += std::string(8, ntp) + std::string(12, '\0');
    ear.Send({world_.client().ip, 6001}, bytes);
    world_.RunFor(10ms);
  };
  report('\7', 1);
  report('\11', 2);
  ear.received.clear();
  world_.RunFor(6s);
  ASSERT_FALSE(ear.received.empty());
  RtcpCompound compound;
  ASSERT_EQ(compound.Index(BytesOf(ear.received[0].text)), core::rtp::RtcpError::kOk);
  core::rtp::SenderReport sender;
  core::rtp::ReportBlocks blocks;
  ASSERT_EQ(core::rtp::ParseSenderReport(*compound.begin(), &sender, &blocks),
            core::rtp::RtcpError::kOk);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].last_sr, 0x01010101u);
}

// Whoever only listens reports too, as a receiver.
TEST_F(GeneratorRtcpTest, AListenerSendsReceiverReports) {
  ScriptedPeer& server = world_.AddPeerAsServer();
  ScriptedPeer& ear = world_.AddPeer(LoadWorld::At("10.0.0.2:7001"));
  AddCaller(TalkingCaller("<pause milliseconds=\"6000\"/>\n" +
                          Exec(core::Concat("rtp_stream=\"", file_.path(), ",1,0\"")) +
                          "<pause milliseconds=\"20\"/>\n"));
  Answer(&server);
  world_.RunFor(5s);
  ASSERT_FALSE(ear.received.empty());
  EXPECT_THAT(TypesOf(ear.received[0].text),
              ::testing::ElementsAre(RtcpType::kReceiverReport, RtcpType::kSourceDescription));
}

}  // namespace
}  // namespace loadgen
