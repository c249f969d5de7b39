// RTCP of whole calls (rule 25): what each peer is told stays true whatever SSRCs the other side
// uses, and of what comes malformed as much is used as can be read.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "core/rtp/rtcp_reader.h"
#include "tests/support/media_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using core::rtp::SenderReport;
using testing::SizeIs;

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

}  // namespace
}  // namespace tests
