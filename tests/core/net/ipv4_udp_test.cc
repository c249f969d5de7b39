// Goal: UDP over IPv4 (RFC 768, RFC 791, RFC 1071) is read inside its bounds with both checksums
// verified, and written so that others accept it.

#include "core/net/ipv4_udp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

namespace core::net {
namespace {

Endpoint At(const char* text) {
  Endpoint endpoint;
  EXPECT_TRUE(Endpoint::Parse(text, &endpoint));
  return endpoint;
}

std::vector<uint8_t> Packet(std::string_view payload) {
  std::vector<uint8_t> packet(kIpv4UdpHeaderBytes + payload.size());
  std::copy(payload.begin(), payload.end(), packet.begin() + kIpv4UdpHeaderBytes);
  WriteIpv4UdpHeader({.source = At("10.0.0.1:5060"),
                      .destination = At("10.0.0.2:5070"),
                      .payload = std::span(packet).subspan(kIpv4UdpHeaderBytes)},
                     std::span(packet).first<kIpv4UdpHeaderBytes>());
  return packet;
}

// After a change to the IP header that is not what a case is about.
void FixHeaderChecksum(std::vector<uint8_t>* packet) {
  const size_t header_bytes = size_t{4} * ((*packet)[0] & 15);
  (*packet)[10] = (*packet)[11] = 0;
  ChecksumSum sum;
  sum.Add(std::span(*packet).first(header_bytes));
  (*packet)[10] = static_cast<uint8_t>(sum.Checksum() >> 8);
  (*packet)[11] = static_cast<uint8_t>(sum.Checksum());
}

std::string_view Text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// RFC 1071's own example (section 3): the words 0001 f203 f4f5 f6f7 sum up to ddf2.
TEST(ChecksumSumTest, SumsTheExampleOfRfc1071) {
  const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  ChecksumSum sum;
  sum.Add(bytes);
  EXPECT_EQ(sum.Checksum(), static_cast<uint16_t>(~0xddf2));
  ChecksumSum in_two;
  in_two.Add(std::span(bytes).first(6));
  in_two.Add(std::span(bytes).subspan(6));
  EXPECT_EQ(in_two.Checksum(), sum.Checksum());
}

TEST(ChecksumSumTest, PadsAnOddByteWithZero) {
  const uint8_t odd[] = {0x12, 0x34, 0x56};
  const uint8_t even[] = {0x12, 0x34, 0x56, 0x00};
  ChecksumSum a;
  ChecksumSum b;
  a.Add(odd);
  b.Add(even);
  EXPECT_EQ(a.Checksum(), b.Checksum());
  EXPECT_EQ(a.Checksum(), static_cast<uint16_t>(~(0x1234 + 0x5600)));
}

// Worked out by hand: an empty datagram from 10.0.0.1:5060 to 10.0.0.2:5070.
TEST(Ipv4UdpTest, WritesTheHeadersByteForByte) {
  const std::vector<uint8_t> expected = {0x45, 0,    0,    28,   0, 0, 0x40, 0,   64, 17,
                                         0x26, 0xcf, 10,   0,    0, 1, 10,   0,   0,  2,  // IPv4
                                         0x13, 0xc4, 0x13, 0xce, 0, 8, 0xc4, 0x49};       // UDP
  EXPECT_EQ(Packet(""), expected);
}

TEST(Ipv4UdpTest, ReadsWhatItWrites) {
  for (const std::string_view payload : {"", "x", "ab", "OPTIONS sip:a SIP/2.0\r\n\r\n"}) {
    std::vector<uint8_t> packet = Packet(payload);
    for (int padding = 0; padding < 2; ++padding) {
      UdpDatagram datagram;
      ASSERT_EQ(ParseIpv4Udp(packet, &datagram), Ipv4UdpError::kOk) << payload;
      EXPECT_EQ(datagram.source, At("10.0.0.1:5060"));
      EXPECT_EQ(datagram.destination, At("10.0.0.2:5070"));
      EXPECT_EQ(Text(datagram.payload), payload);
      packet.resize(packet.size() + 17, 0xee);  // As Ethernet pads short frames.
    }
  }
}

// Every cut of a packet, and every length that says more than there is.
TEST(Ipv4UdpTest, RefusesWhatIsCutShort) {
  const std::vector<uint8_t> packet = Packet("payload");
  UdpDatagram datagram;
  for (size_t size = 0; size < packet.size(); ++size) {
    EXPECT_EQ(ParseIpv4Udp(std::span(packet).first(size), &datagram), Ipv4UdpError::kTruncated)
        << size;
  }
  std::vector<uint8_t> long_udp = packet;
  long_udp[25]++;
  EXPECT_EQ(ParseIpv4Udp(long_udp, &datagram), Ipv4UdpError::kTruncated);
  std::vector<uint8_t> no_udp = packet;
  no_udp[3] = 20 + 7;  // One byte less than a UDP header.
  FixHeaderChecksum(&no_udp);
  EXPECT_EQ(ParseIpv4Udp(no_udp, &datagram), Ipv4UdpError::kTruncated);
}

TEST(Ipv4UdpTest, RefusesWhatContradictsItself) {
  const std::vector<uint8_t> packet = Packet("payload");
  UdpDatagram datagram;
  std::vector<uint8_t> six = packet;
  six[0] = 0x65;
  EXPECT_EQ(ParseIpv4Udp(six, &datagram), Ipv4UdpError::kMalformed);
  std::vector<uint8_t> short_header = packet;
  short_header[0] = 0x44;
  EXPECT_EQ(ParseIpv4Udp(short_header, &datagram), Ipv4UdpError::kMalformed);
  std::vector<uint8_t> less_than_header = packet;
  less_than_header[3] = 19;
  EXPECT_EQ(ParseIpv4Udp(less_than_header, &datagram), Ipv4UdpError::kMalformed);
  std::vector<uint8_t> short_udp = packet;
  short_udp[25] = 7;
  EXPECT_EQ(ParseIpv4Udp(short_udp, &datagram), Ipv4UdpError::kMalformed);
}

TEST(Ipv4UdpTest, FindsEverySingleBitThatFlipped) {
  const std::vector<uint8_t> packet = Packet("payload");
  UdpDatagram datagram;
  for (size_t bit = 0; bit < packet.size() * 8; ++bit) {
    std::vector<uint8_t> flipped = packet;
    flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(ParseIpv4Udp(flipped, &datagram), Ipv4UdpError::kOk) << bit;
  }
}

TEST(Ipv4UdpTest, TellsTheTwoChecksumsApart) {
  std::vector<uint8_t> packet = Packet("payload");
  UdpDatagram datagram;
  packet[30] ^= 1;
  EXPECT_EQ(ParseIpv4Udp(packet, &datagram), Ipv4UdpError::kUdpChecksum);
  packet[8] ^= 1;
  EXPECT_EQ(ParseIpv4Udp(packet, &datagram), Ipv4UdpError::kHeaderChecksum);
}

// RFC 768: all zeros says that the sender made none.
TEST(Ipv4UdpTest, AcceptsADatagramWithoutChecksum) {
  std::vector<uint8_t> packet = Packet("payload");
  packet[26] = packet[27] = 0;
  UdpDatagram datagram;
  EXPECT_EQ(ParseIpv4Udp(packet, &datagram), Ipv4UdpError::kOk);
}

// And so a sum that comes out as zero is sent as all ones.
TEST(Ipv4UdpTest, NeverWritesAChecksumOfZero) {
  std::vector<uint8_t> packet = Packet(std::string_view("\0\0", 2));
  // Two bytes that bring the sum to ffff: the checksum of the datagram with zeros in their place.
  std::vector<uint8_t> chosen = Packet({reinterpret_cast<const char*>(packet.data()) + 26, 2});
  EXPECT_EQ(chosen[26], 0xff);
  EXPECT_EQ(chosen[27], 0xff);
  UdpDatagram datagram;
  EXPECT_EQ(ParseIpv4Udp(chosen, &datagram), Ipv4UdpError::kOk);
}

TEST(Ipv4UdpTest, PassesOverOptions) {
  std::vector<uint8_t> packet = Packet("payload");
  packet.insert(packet.begin() + 20, {1, 1, 1, 0});  // No operation, thrice, and the end.
  packet[0] = 0x46;
  packet[3] = static_cast<uint8_t>(packet[3] + 4);
  FixHeaderChecksum(&packet);
  UdpDatagram datagram;
  ASSERT_EQ(ParseIpv4Udp(packet, &datagram), Ipv4UdpError::kOk);
  EXPECT_EQ(Text(datagram.payload), "payload");
}

TEST(Ipv4UdpTest, NamesFragmentsAndOtherProtocols) {
  UdpDatagram datagram;
  std::vector<uint8_t> first = Packet("payload");
  first[6] = 0x20;  // More fragments.
  FixHeaderChecksum(&first);
  EXPECT_EQ(ParseIpv4Udp(first, &datagram), Ipv4UdpError::kFragment);
  std::vector<uint8_t> last = Packet("payload");
  last[6] = 0;
  last[7] = 1;  // An offset.
  FixHeaderChecksum(&last);
  EXPECT_EQ(ParseIpv4Udp(last, &datagram), Ipv4UdpError::kFragment);
  std::vector<uint8_t> icmp = Packet("payload");
  icmp[9] = 1;
  FixHeaderChecksum(&icmp);
  EXPECT_EQ(ParseIpv4Udp(icmp, &datagram), Ipv4UdpError::kAnotherProtocol);
}

}  // namespace
}  // namespace core::net
