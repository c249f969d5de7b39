// RTCP of whole calls (rule 25): what each peer is told stays true whatever SSRCs the other side
// uses, and of what comes malformed as much is used as can be read.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "core/rtp/packet_view.h"
#include "core/rtp/rtcp_reader.h"
#include "core/rtp/rtcp_writer.h"
#include "tests/support/media_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using core::rtp::SenderReport;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr uint32_t kVoiceSsrc = 0x7e57;  // MediaPeer's.
constexpr uint32_t kDigitSsrc = 0xd161;

std::string Rtp(const core::rtp::HeaderFields& fields, const std::string& payload) {
  std::string bytes(12, '\0');
  core::rtp::WriteHeader(fields,
                         std::span<uint8_t, 12>(reinterpret_cast<uint8_t*>(bytes.data()), 12));
  return bytes + payload;
}

/// A packet of a key that is held, under an SSRC of its own.
std::string Key(uint16_t number, uint8_t type = 101) {
  return Rtp(
      {.payload_type = type, .sequence_number = number, .timestamp = 77'000, .ssrc = kDigitSsrc},
      {"\x05\x0a\x03\x20", 4});
}

core::Endpoint RtcpOf(core::Endpoint rtp) {
  ++rtp.port;
  return rtp;
}

core::Endpoint VideoTargetOf(const std::string& sdp) {
  return TargetOf("m=audio " + LineOf(sdp, "m=video ").substr(8) + "\r\n" +
                  LineOf(sdp, "c=IN IP4 ") + "\r\n");
}

struct Said {
  std::vector<SenderReport> reports;
  std::set<std::string> names;  // CNAMEs.
};
Said Listen(const std::vector<std::string>& datagrams) {
  Said said;
  for (const std::string& datagram : datagrams) {
    core::rtp::RtcpCompound compound;
    EXPECT_EQ(compound.Index({reinterpret_cast<const uint8_t*>(datagram.data()), datagram.size()}),
              core::rtp::RtcpError::kOk);
    for (const core::rtp::RtcpPacket& packet : compound) {
      SenderReport report;
      core::rtp::ReportBlocks blocks;
      core::rtp::SdesChunks chunks;
      if (ParseSenderReport(packet, &report, &blocks) == core::rtp::RtcpError::kOk) {
        said.reports.push_back(report);
      }
      if (ParseSdes(packet, &chunks) == core::rtp::RtcpError::kOk) {
        for (const auto& chunk : chunks) said.names.emplace(chunk.cname);
      }
    }
  }
  return said;
}

// A gateway that says digits under an SSRC of their own while its voice goes on: the voice's
// statistics and reports are as if there were none, and the digits cross and are counted.
TEST(B2buaMediaRtcpTest, DigitsUnderTheirOwnSsrc) {
  MediaScene media;
  const size_t call = media.Call();
  media.pbx.Talk(TargetOf(media.ToPbx()));
  media.trunk.Talk(TargetOf(media.ToTrunk()));
  for (uint16_t i = 0; i < 300; ++i) {
    media.scene.Run(100ms);
    media.pbx.SendBytes(Key(i), TargetOf(media.ToPbx()));
  }
  media.pbx.Hush();
  media.trunk.Hush();
  media.scene.Run(100ms);
  const uint32_t sent = media.pbx.sent();
  const Said told = Listen(media.trunk.got_rtcp);
  media.HangUp(call);
  const sbc::CallReport& report = media.scene.world->media().at(0);
  const sbc::MediaLegSummary& caller = report.media.legs[sbc::Index(sbc::LegId::kCaller)];
  EXPECT_EQ(caller.whole.received.packets, sent + 300);
  EXPECT_EQ(caller.whole.stream.packets, sent);
  EXPECT_EQ(caller.whole.stream.refused, 300u);
  EXPECT_EQ(caller.whole.stream.ssrc_changes, 0u);
  EXPECT_EQ(caller.whole.stream.lost(), 0);
  EXPECT_LT(caller.jitter_max.value(), 1ms);
  const sbc::MediaLegSummary& callee = report.media.legs[sbc::Index(sbc::LegId::kCallee)];
  EXPECT_EQ(callee.whole.sent.packets, sent + 300);
  EXPECT_EQ(callee.sent_lost, 0u);
  ASSERT_THAT(told.reports, Not(IsEmpty()));
  for (const SenderReport& each : told.reports) EXPECT_EQ(each.ssrc, kVoiceSsrc);
  EXPECT_GT(told.reports.back().packets, sent / 2);
  EXPECT_EQ(told.reports.back().octets, told.reports.back().packets * 160);
}

// The same where the trunk's digits end here (`dtmf: info`): they have none of the voice's numbers,
// so none is closed up behind them.
TEST(B2buaMediaRtcpTest, DigitsThatEndHereUnderTheirOwnSsrc) {
  MediaScene media(Anchoring("    dtmf: info\n"));
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, "", "0"));
  media.trunk.Talk(TargetOf(media.ToTrunk()));
  for (uint16_t i = 0; i < 50; ++i) {
    media.scene.Run(100ms);
    media.trunk.SendBytes(Key(static_cast<uint16_t>(30'000 + i)), TargetOf(media.ToTrunk()));
  }
  media.trunk.Hush();
  media.scene.Run(100ms);
  EXPECT_EQ(media.scene.world->worker().media().counters().events_ended, 50u);
  EXPECT_EQ(media.pbx.got.size(), media.trunk.sent());
  EXPECT_EQ(media.pbx.got_numbers.size(), media.trunk.sent());  // No number twice.
  media.HangUp(call);
}

// Two voices in turn at one port, as an announcement and its caller: what the other peer is told of
// each is what it got of each, and the records leave nothing out.
TEST(B2buaMediaRtcpTest, VoicesInTurn) {
  MediaScene media;
  const size_t call = media.Call();
  uint16_t numbers[2] = {100, 5000};
  for (int i = 0; i < 40; ++i) {  // Each 200 ms: more often than new SSRCs may come.
    for (int packet = 0; packet < 10; ++packet) {
      const int who = i % 2;
      media.pbx.SendBytes(Rtp({.sequence_number = numbers[who]++,
                               .timestamp = static_cast<uint32_t>((i * 10 + packet) * 160),
                               .ssrc = kVoiceSsrc + static_cast<uint32_t>(who)},
                              std::string(160, 'v')),
                          TargetOf(media.ToPbx()));
      media.scene.Run(20ms);
    }
  }
  media.HangUp(call);
  EXPECT_THAT(media.trunk.got, SizeIs(400));
  const auto& caller = media.scene.world->media().at(0).media.legs[0];
  EXPECT_EQ(caller.whole.stream.packets, 400u);
  EXPECT_EQ(caller.whole.stream.lost(), 0);
  EXPECT_EQ(caller.whole.stream.refused, 0u);
  EXPECT_EQ(caller.whole.stream.ssrc_changes, 39u);
  for (const SenderReport& each : Listen(media.trunk.got_rtcp).reports) {
    EXPECT_LE(each.packets, 200u);
  }
}

// RFC 3550 §6.5.1: voice and video of a peer come from one name; the two sides have nothing in
// common.
TEST(B2buaMediaRtcpTest, VoiceAndVideoHaveOneCname) {
  MediaScene media(Anchoring("    video: relay\n"));
  MediaPeer pbx_video{"127.0.0.4:4200", &media.scene.network, &media.scene.simulation};
  MediaPeer trunk_video{"127.0.0.9:9200", &media.scene.network, &media.scene.simulation};
  const auto video = [](int port) {
    return "m=video " + std::to_string(port) + " RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n";
  };
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000, video(9200))}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, video(4200)));
  media.scene.Run(15s);
  const std::set<std::string> of_pbx = Listen(media.pbx.got_rtcp).names;
  const std::set<std::string> of_trunk = Listen(media.trunk.got_rtcp).names;
  ASSERT_THAT(of_pbx, SizeIs(1));
  ASSERT_THAT(of_trunk, SizeIs(1));
  EXPECT_EQ(Listen(pbx_video.got_rtcp).names, of_pbx);
  EXPECT_EQ(Listen(trunk_video.got_rtcp).names, of_trunk);
  EXPECT_NE(of_pbx, of_trunk);
  media.HangUp(call);
}

/// An SR, what is asked for, and an RR that claims more blocks than it has.
std::string Malformed(const SenderReport& report, const core::rtp::Feedback& feedback) {
  uint8_t bytes[256];
  core::rtp::RtcpWriter writer(bytes);
  CHECK(writer.PutSenderReport(report, {}));
  CHECK(writer.PutFeedback(feedback));
  return std::string(reinterpret_cast<const char*>(bytes), writer.written().size()) +
         std::string("\x81\xc9\0\1\0\0\0\1", 8);
}

// Of a compound that is malformed further on, the report and the request before that are as good as
// ever; it is counted once, as malformed.
TEST(B2buaMediaRtcpTest, WhatStandsBeforeAMistakeIsUsed) {
  MediaScene media(Anchoring("    video: relay\n"));
  MediaPeer pbx_video{"127.0.0.4:4200", &media.scene.network, &media.scene.simulation};
  MediaPeer trunk_video{"127.0.0.9:9200", &media.scene.network, &media.scene.simulation};
  const auto video = [](int port) {
    return "m=video " + std::to_string(port) +
           " RTP/AVPF 97\r\na=rtpmap:97 H264/90000\r\na=rtcp-fb:97 nack pli\r\n";
  };
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000, video(9200))}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, video(4200)));
  const core::Endpoint to_pbx_side = VideoTargetOf(media.ToPbx());
  const core::Endpoint to_trunk_side = VideoTargetOf(media.ToTrunk());
  pbx_video.SendBytes(Rtp({.payload_type = 97, .ssrc = 0x1111}, "out"), to_pbx_side);
  trunk_video.SendBytes(Rtp({.payload_type = 97, .ssrc = 0x2222}, "in"), to_trunk_side);
  media.scene.Run(100ms);
  const auto& counters = media.scene.world->worker().media().counters();
  const uint64_t received = counters.rtcp_received;
  pbx_video.got_rtcp.clear();
  trunk_video.SendRtcpBytes(
      Malformed({.ssrc = 0x2222, .ntp = {1234, 5678}, .rtp_timestamp = 9},
                {.kind = core::rtp::Feedback::Kind::kPictureLoss, .media_ssrc = 0x1111}),
      RtcpOf(to_trunk_side));
  media.scene.Run(100ms);
  EXPECT_EQ(counters.malformed, 1u);
  EXPECT_EQ(counters.rtcp_received, received);
  EXPECT_EQ(counters.feedback_passed, 1u);
  const std::vector<SenderReport> reports = Listen(pbx_video.got_rtcp).reports;
  ASSERT_THAT(reports, SizeIs(2));  // Behind one of them stands the request.
  EXPECT_EQ(reports.back().ntp, (core::rtp::NtpTime{1234, 5678}));
  media.HangUp(call);
}

}  // namespace
}  // namespace tests
