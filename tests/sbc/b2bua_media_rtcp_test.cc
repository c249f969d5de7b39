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
using testing::SizeIs;

std::string Rtp(const core::rtp::HeaderFields& fields, const std::string& payload) {
  std::string bytes(12, '\0');
  core::rtp::WriteHeader(fields,
                         std::span<uint8_t, 12>(reinterpret_cast<uint8_t*>(bytes.data()), 12));
  return bytes + payload;
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
