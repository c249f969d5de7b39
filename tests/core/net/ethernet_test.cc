// Goal: frames of Ethernet and ARP (RFC 826) are read and written byte for byte, and whatever is
// cut short or of another kind is refused.

#include "core/net/ethernet.h"

#include <gtest/gtest.h>

#include <vector>

namespace core::net {
namespace {

constexpr MacAddress kAlice = {0x02, 0, 0, 0, 0, 0x0a};
constexpr MacAddress kBob = {0x02, 0, 0, 0, 0, 0x0b};

TEST(EthernetTest, ReadsAndWritesAHeader) {
  const EthernetHeader header = {kBob, kAlice, kEtherTypeIpv4};
  std::vector<uint8_t> frame(EthernetHeader::kBytes + 3);
  WriteEthernet(header, std::span(frame).first<EthernetHeader::kBytes>());
  EXPECT_EQ(frame, (std::vector<uint8_t>{2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a, 8, 0, 0, 0, 0}));
  EthernetHeader read;
  ASSERT_TRUE(ParseEthernet(frame, &read));
  EXPECT_EQ(read, header);
  for (size_t size = 0; size < EthernetHeader::kBytes; ++size) {
    EXPECT_FALSE(ParseEthernet(std::span(frame).first(size), &read)) << size;
  }
}

// The bytes of a request as Linux's arping sends it: who has 10.0.0.2, tell 10.0.0.1.
const std::vector<uint8_t> kRequest = {0,  1, 8, 0, 6, 4, 0, 1, 2, 0, 0,  0, 0, 0x0a,
                                       10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};

TEST(ArpTest, ReadsAndWritesARequest) {
  ArpMessage message;
  ASSERT_TRUE(ParseArp(kRequest, &message));
  const ArpMessage expected = {.operation = ArpMessage::Operation::kRequest,
                               .sender_mac = kAlice,
                               .sender_ip = 0x0a000001,
                               .target_mac = {},
                               .target_ip = 0x0a000002};
  EXPECT_EQ(message, expected);
  std::vector<uint8_t> written(ArpMessage::kBytes);
  WriteArp(message, std::span(written).first<ArpMessage::kBytes>());
  EXPECT_EQ(written, kRequest);
}

TEST(ArpTest, PassesOverThePaddingOfAShortFrame) {
  std::vector<uint8_t> padded = kRequest;
  padded.resize(46);
  ArpMessage message;
  EXPECT_TRUE(ParseArp(padded, &message));
}

TEST(ArpTest, RefusesWhatIsCutShort) {
  ArpMessage message;
  for (size_t size = 0; size < kRequest.size(); ++size) {
    EXPECT_FALSE(ParseArp(std::span(kRequest).first(size), &message)) << size;
  }
}

TEST(ArpTest, RefusesOtherKinds) {
  struct Case {
    const char* what;
    size_t at;
    uint8_t value;
  };
  for (const Case& each :
       {Case{"hardware", 1, 6}, Case{"protocol", 2, 0x86}, Case{"MAC length", 4, 8},
        Case{"address length", 5, 16}, Case{"operation 0", 7, 0}, Case{"reverse ARP", 7, 3},
        Case{"a group as sender", 8, 3}}) {
    std::vector<uint8_t> bytes = kRequest;
    bytes[each.at] = each.value;
    ArpMessage message;
    EXPECT_FALSE(ParseArp(bytes, &message)) << each.what;
  }
  std::vector<uint8_t> nobody = kRequest;
  std::fill_n(nobody.begin() + 8, 6, uint8_t{0});
  ArpMessage message;
  EXPECT_FALSE(ParseArp(nobody, &message));
}

}  // namespace
}  // namespace core::net
