// Goal: an RTP packet is read exactly as RFC 3550 §5.1 draws it, whatever claims more than its
// bytes hold is refused, and a relay changes fixed fields in place and nothing else.

#include "core/rtp/packet_view.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/buffer/packet_pool.h"
#include "tests/core/rtp/rtp_packets.h"

namespace core::rtp {
namespace {

// V=2, P, X, CC=2, M, PT=8; two CSRCs; an extension of one word; five octets of payload, three of
// padding.
const char* const kEverything =
    "B2 88 ABCD 00010203 DEADBEEF"
    "11111111 22222222"
    "BEDE 0001 10AA0000"
    "0102030405 000003";

PacketError ParseCopy(std::span<const uint8_t> bytes) {
  // In a block of its exact size, so that AddressSanitizer sees the first byte read past its end.
  Bytes exact(bytes.begin(), bytes.end());
  PacketView view;
  return PacketView::Parse(exact, &view);
}

// RFC 3550 §5.1 and §5.3.1.
TEST(PacketViewTest, ReadsEveryField) {
  Bytes bytes = FromHex(kEverything);
  PacketView packet;
  ASSERT_EQ(PacketView::Parse(bytes, &packet), PacketError::kOk);

  EXPECT_TRUE(packet.marker());
  EXPECT_EQ(packet.payload_type(), 8);
  EXPECT_EQ(packet.sequence_number(), 0xabcd);
  EXPECT_EQ(packet.timestamp(), 0x00010203u);
  EXPECT_EQ(packet.ssrc(), 0xdeadbeefu);
  ASSERT_EQ(packet.csrc_count(), 2u);
  EXPECT_EQ(packet.csrc(0), 0x11111111u);
  EXPECT_EQ(packet.csrc(1), 0x22222222u);
  ASSERT_TRUE(packet.has_extension());
  EXPECT_EQ(packet.extension_profile(), 0xbede);
  EXPECT_EQ(Bytes(packet.extension().begin(), packet.extension().end()), FromHex("10AA0000"));
  EXPECT_EQ(Bytes(packet.payload().begin(), packet.payload().end()), FromHex("0102030405"));
  EXPECT_EQ(packet.header_size(), 28u);
  EXPECT_EQ(packet.padding_size(), 3u);
  EXPECT_EQ(packet.size(), 36u);
}

// An empty payload is legal; some send it to keep a NAT's binding.
TEST(PacketViewTest, ReadsAHeaderAlone) {
  TestPacket packet({.payload_type = 13, .sequence_number = 7}, 0);
  EXPECT_TRUE(packet.view().payload().empty());
  EXPECT_FALSE(packet.view().has_extension());
}

TEST(PacketViewTest, RefusesWhatIsCutShort) {
  const Bytes bytes = FromHex(kEverything);
  for (size_t size = 0; size < 20; ++size) {  // Up to the CSRC list's end.
    EXPECT_EQ(ParseCopy(std::span(bytes).first(size)), PacketError::kShort) << size;
  }
  for (size_t size = 20; size < 28; ++size) {
    EXPECT_EQ(ParseCopy(std::span(bytes).first(size)), PacketError::kExtension) << size;
  }
  // From here on the last octet is taken as the padding count: 1 to 5 lie beyond the header's end.
  EXPECT_EQ(ParseCopy(std::span(bytes).first(28)), PacketError::kPadding);
  EXPECT_EQ(ParseCopy(std::span(bytes).first(29)), PacketError::kOk);       // "01": all padding.
  EXPECT_EQ(ParseCopy(std::span(bytes).first(34)), PacketError::kPadding);  // "00"
}

TEST(PacketViewTest, RefusesOtherVersions) {
  for (const int version : {0, 1, 3}) {  // STUN; the first RTP draft; none.
    Bytes bytes = FromHex(kEverything);
    bytes[0] = static_cast<uint8_t>((bytes[0] & 0x3f) | version << 6);
    EXPECT_EQ(ParseCopy(bytes), PacketError::kVersion) << version;
  }
}

TEST(PacketViewTest, RefusesAnExtensionOrPaddingThatLeavesThePacket) {
  Bytes bytes = FromHex(kEverything);
  bytes[23] = 5;  // Words of extension: one would fit four times more.
  EXPECT_EQ(ParseCopy(bytes), PacketError::kExtension);
  bytes[22] = 0xff;
  EXPECT_EQ(ParseCopy(bytes), PacketError::kExtension);

  bytes = FromHex(kEverything);
  bytes.back() = 8;  // All that follows the header.
  EXPECT_EQ(ParseCopy(bytes), PacketError::kOk);
  bytes.back() = 9;
  EXPECT_EQ(ParseCopy(bytes), PacketError::kPadding);
}

// What a relay does to each packet: fixed fields modulo their width, the rest byte for byte.
TEST(PacketViewTest, RewritesInPlace) {
  Bytes bytes = FromHex(kEverything);
  PacketView packet;
  ASSERT_EQ(PacketView::Parse(bytes, &packet), PacketError::kOk);
  const HeaderRewrite rewrite = {.ssrc = 0x0badcafe,
                                 .timestamp_offset = 0xffffffff,
                                 .sequence_offset = 0x6000,
                                 .payload_type = 0,
                                 .replace_ssrc = true};

  rewrite.Apply(&packet);

  Bytes expected = FromHex(kEverything);
  const Bytes header = FromHex("B2 80 0BCD 00010202 0BADCAFE");
  std::copy(header.begin(), header.end(), expected.begin());
  EXPECT_EQ(bytes, expected);
}

TEST(PacketViewTest, ARewriteOfNothingChangesNothing) {
  Bytes bytes = FromHex(kEverything);
  PacketView packet;
  ASSERT_EQ(PacketView::Parse(bytes, &packet), PacketError::kOk);
  HeaderRewrite{}.Apply(&packet);
  EXPECT_EQ(bytes, FromHex(kEverything));
}

// RFC 5761 §4: packet types 192 to 223 are RTCP, in the place of marker and payload type.
TEST(PacketViewTest, TellsRtcpFromRtpOnOnePort) {
  for (int second = 0; second < 256; ++second) {
    const Bytes bytes = {0x80, static_cast<uint8_t>(second), 0, 0};
    EXPECT_EQ(LooksLikeRtcp(bytes), second >= 192 && second <= 223) << second;
  }
  EXPECT_FALSE(LooksLikeRtcp(Bytes{0x80}));
  EXPECT_FALSE(LooksLikeRtcp(Bytes{}));
  EXPECT_FALSE(LooksLikeRtcp(Bytes{0x00, 200, 0, 0}));  // STUN begins so.
  // Marker and payload type of audio never fall there: PCMU with a marker is 128, 101 is 229.
  EXPECT_FALSE(LooksLikeRtcp(TestPacket({.marker = true, .payload_type = 0}).bytes));
  EXPECT_FALSE(LooksLikeRtcp(TestPacket({.marker = true, .payload_type = 101}).bytes));
}

TEST(PacketViewTest, ReadsAPooledPacket) {
  PacketPool pool(256, 1);
  Packet packet = pool.Acquire();
  ASSERT_TRUE(packet);
  packet.set_size(PacketView::kHeaderBytes);
  WriteHeader({.payload_type = 101, .sequence_number = 65535, .timestamp = 1, .ssrc = 2},
              BytesOf(packet).first<PacketView::kHeaderBytes>());
  PacketView view;
  ASSERT_EQ(PacketView::Parse(BytesOf(packet), &view), PacketError::kOk);
  EXPECT_EQ(view.payload_type(), 101);
  EXPECT_EQ(view.sequence_number(), 65535);
}

}  // namespace
}  // namespace core::rtp
