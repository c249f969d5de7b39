#include "loadgen/media/pcap_clip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/loadgen/media/pcap_bytes.h"

// What a capture's RTP stream was, whatever made the file.

namespace loadgen {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using tests::PcapBytes;

std::string Text(const PcapClip& clip, size_t index) {
  const auto bytes = clip.bytes_of(clip.packets[index]);
  return {bytes.begin(), bytes.end()};
}

std::string ErrorOf(const std::string& file) {
  const auto clip = ParsePcap(file);
  return clip.ok() ? std::string("none") : std::string(clip.status().message());
}

TEST(PcapClipTest, ReadsEveryLinkTypeByteOrderAndResolution) {
  for (const uint32_t link : {0u, 1u, 101u, 113u, 228u, 276u}) {
    for (const bool big_endian : {false, true}) {
      for (const bool nanoseconds : {false, true}) {
        const PcapBytes make{.link = link, .big_endian = big_endian, .nanoseconds = nanoseconds};
        const auto clip =
            ParsePcap(make.File({{1'999'990, 4000, "one"}, {2'020'000, 4000, "two"}}));
        ASSERT_TRUE(clip.ok()) << link << clip.status();
        ASSERT_EQ(clip->packets.size(), 2u);
        EXPECT_EQ(Text(*clip, 0), "one");
        EXPECT_EQ(Text(*clip, 1), "two");
        EXPECT_EQ(clip->packets[0].at, milliseconds(0));
        EXPECT_EQ(clip->packets[1].at, microseconds(20'010));
      }
    }
  }
}

TEST(PcapClipTest, ReadsVlansAndIpv6) {
  const PcapBytes make;
  const std::string udp = PcapBytes::Udp(4000, "six");
  const std::string vlan = std::string(12, 'm') + PcapBytes::Big(0x8100, 2) + PcapBytes::Big(7, 2);
  const auto clip =
      ParsePcap(make.Header() + make.Record(0, make.Frame(PcapBytes::Ipv6(udp))) +
                make.Record(1, vlan + PcapBytes::Big(0x0800, 2) + PcapBytes::Ipv4(udp)));
  ASSERT_TRUE(clip.ok()) << clip.status();
  EXPECT_EQ(clip->packets.size(), 2u);
  EXPECT_EQ(clip->left_out, 0u);
}

// SIPp takes the lowest port for RTP; RTCP beside it is not audio.
TEST(PcapClipTest, PlaysTheLowestDestinationPortAndCountsTheRest) {
  const PcapBytes make;
  const auto clip = ParsePcap(
      make.File({{0, 4001, "rtcp"}, {500, 4000, "a"}, {700, 6000, "other"}, {20'500, 4000, "b"}}));
  ASSERT_TRUE(clip.ok());
  ASSERT_EQ(clip->packets.size(), 2u);
  EXPECT_EQ(clip->packets[1].at, milliseconds(20));
  EXPECT_EQ(clip->left_out, 2u);
}

TEST(PcapClipTest, LeavesOutWhatIsNoWholeDatagram) {
  const PcapBytes make;
  const std::string udp = PcapBytes::Udp(4000, "payload");
  std::string longer = udp;
  longer[5] = 100;  // Says to be longer than it is.
  const auto clip =
      ParsePcap(make.Header() + make.Record(0, make.Frame(PcapBytes::Ipv4(udp))) +
                make.Record(1, make.Frame(PcapBytes::Ipv4(udp, 0x2000))) +  // A fragment.
                make.Record(2, make.Frame(PcapBytes::Ipv4(longer))) +
                make.Record(3, make.Frame(PcapBytes::Ipv4(udp).substr(0, 24))) +  // A snap length.
                make.Record(4, "short") +
                make.Record(5, make.Frame(PcapBytes::Ipv4(PcapBytes::Udp(4000, "")))));
  ASSERT_TRUE(clip.ok()) << clip.status();
  EXPECT_EQ(clip->packets.size(), 1u);
  EXPECT_EQ(clip->left_out, 5u);
}

TEST(PcapClipTest, TimeThatGoesBackStandsStill) {
  const PcapBytes make;
  const auto clip = ParsePcap(make.File({{50'000, 4000, "a"}, {10'000, 4000, "b"}}));
  ASSERT_TRUE(clip.ok());
  EXPECT_EQ(clip->packets[1].at, milliseconds(0));
}

TEST(PcapClipTest, AFileThatWasCutEndsBeforeThePacket) {
  const PcapBytes make;
  std::string file = make.File({{0, 4000, "a"}, {1, 4000, "b"}});
  file.pop_back();
  const auto clip = ParsePcap(file);
  ASSERT_TRUE(clip.ok());
  EXPECT_EQ(clip->packets.size(), 1u);
}

TEST(PcapClipTest, SaysWhatIsWrongAndWhatWasWanted) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("no pcap file"));
  EXPECT_THAT(ErrorOf("RIFFxxxxWAVE"), HasSubstr("no pcap file"));
  EXPECT_THAT(ErrorOf(std::string("\x0a\x0d\x0d\x0a", 4) + std::string(40, 0)),
              HasSubstr("wanted a pcap file"));
  EXPECT_THAT(ErrorOf(PcapBytes{.link = 127}.File({})), HasSubstr("link type 127; wanted"));
  EXPECT_THAT(ErrorOf(PcapBytes{}.File({})), HasSubstr("no whole UDP datagram"));
  const PcapBytes make;
  EXPECT_THAT(ErrorOf(make.Header() + make.Record(0, make.Frame(PcapBytes::Ipv4(PcapBytes::Udp(
                                                         1, std::string(1501, 'x')))))),
              HasSubstr("no whole UDP datagram"));
}

}  // namespace
}  // namespace loadgen
