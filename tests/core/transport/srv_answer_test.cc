// SRV answers are read with their TTLs, and a message that lies about its sizes is refused without
// a byte read past its end (RFC 2782, RFC 1035 §4.1).

#include "core/transport/srv_answer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

#include "core/base/random.h"
#include "tests/support/dns_server.h"

namespace core::transport {
namespace {

using std::chrono::seconds;
using tests::DnsName;

std::string Number(uint32_t value, int size) {
  std::string bytes;
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> shift & 0xff));
  }
  return bytes;
}

std::string Record(const std::string& owner, uint16_t type, uint32_t ttl, const std::string& data) {
  return owner + Number(type, 2) + Number(1, 2) + Number(ttl, 4) +
         Number(static_cast<uint32_t>(data.size()), 2) + data;
}

std::string Message(uint16_t answers, const std::string& records) {
  return Number(0x1234'8180, 4) + Number(1, 2) + Number(answers, 2) + Number(0, 4) +
         DnsName("_sip._udp.example.com") + Number(33, 2) + Number(1, 2) + records;
}

const char kQuestionName[] = "\xc0\x0c";  // A pointer to the question's name (RFC 1035 §4.1.4).

std::string Srv(uint16_t priority, uint16_t weight, uint16_t port, const std::string& target) {
  return Number(priority, 2) + Number(weight, 2) + Number(port, 2) + target;
}

// In a block of its exact size, so that AddressSanitizer sees the first byte read past its end.
bool Parse(const std::string& bytes, SrvAnswer* answer) {
  const auto exact = std::make_unique<unsigned char[]>(bytes.size());
  std::memcpy(exact.get(), bytes.data(), bytes.size());
  return ParseSrvAnswer({exact.get(), bytes.size()}, answer);
}

std::string GoodMessage() {
  return Message(
      4, Record(kQuestionName, 5, 500, DnsName("x.example.net")) +
             Record(DnsName("x.example.net"), 33, 60, Srv(10, 20, 5060, DnsName("a.example.com"))) +
             Record(DnsName("x.example.net"), 33, 90,
                    Srv(30, 0, 5070, "\x01z" + std::string("\xc0\x16"))) +
             Record(DnsName("other.example.net"), 16, 1, "a text record"));
}

TEST(SrvAnswerTest, ReadsRecordsCompressedNamesAndTheShortestTtl) {
  SrvAnswer answer;
  ASSERT_TRUE(Parse(GoodMessage(), &answer));
  ASSERT_EQ(answer.records.size(), 2u);
  EXPECT_EQ(answer.records[0].priority, 10);
  EXPECT_EQ(answer.records[0].weight, 20);
  EXPECT_EQ(answer.records[0].port, 5060);
  EXPECT_EQ(answer.records[0].target, "a.example.com");
  EXPECT_EQ(answer.records[1].target, "z.example.com");
  EXPECT_EQ(answer.ttl, seconds(60));  // The text record's 1 s is not on the way.
}

TEST(SrvAnswerTest, ReadsTheRootAsNoTarget) {
  SrvAnswer answer;
  ASSERT_TRUE(
      Parse(Message(1, Record(kQuestionName, 33, 60, Srv(0, 0, 0, DnsName(".")))), &answer));
  ASSERT_EQ(answer.records.size(), 1u);
  EXPECT_EQ(answer.records[0].target, "");
}

TEST(SrvAnswerTest, TakesATtlWithItsTopBitSetForZero) {
  SrvAnswer answer;
  ASSERT_TRUE(Parse(Message(1, Record(kQuestionName, 33, 0x80000001, Srv(1, 1, 1, DnsName("a.b")))),
                    &answer));
  EXPECT_EQ(answer.ttl, seconds(0));
}

TEST(SrvAnswerTest, KeepsABoundedNumberOfRecords) {
  std::string records;
  for (uint16_t i = 0; i < 100; ++i) {
    records += Record(kQuestionName, 33, 60, Srv(i, 1, 1, DnsName("a.b")));
  }
  SrvAnswer answer;
  ASSERT_TRUE(Parse(Message(100, records), &answer));
  EXPECT_EQ(answer.records.size(), SrvAnswer::kRecordsMax);
}

TEST(SrvAnswerTest, RefusesEveryTruncation) {
  const std::string message = GoodMessage();
  for (size_t size = 0; size < message.size(); ++size) {
    SrvAnswer answer;
    EXPECT_FALSE(Parse(message.substr(0, size), &answer)) << size;
  }
}

TEST(SrvAnswerTest, RefusesARecordShorterThanItsTarget) {
  std::string record = Record(kQuestionName, 33, 60, Srv(1, 1, 1, DnsName("a.example.com")));
  record[11] = 7;  // The low byte of its size: as if the target were the root.
  SrvAnswer answer;
  EXPECT_FALSE(Parse(Message(1, record), &answer));
}

TEST(SrvAnswerTest, RefusesNamesThatLoopOrPointNowhere) {
  for (const std::string target : {"\xc0\xff", "\xc0\x46", "\xff\xff", "\x41"}) {
    SrvAnswer answer;
    const std::string message = Message(1, Record(kQuestionName, 33, 60, Srv(1, 1, 1, target)));
    EXPECT_FALSE(Parse(message, &answer));
  }
}

// No byte that a server sends can do more than make an answer wrong: run under AddressSanitizer.
TEST(SrvAnswerTest, SurvivesChangedBytes) {
  Random random(31);
  const std::string message = GoodMessage();
  size_t accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string changed = message;
    for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
      changed[random.Below(changed.size())] = static_cast<char>(random.Next());
    }
    SrvAnswer answer;
    accepted += Parse(changed, &answer);
    EXPECT_LE(answer.records.size(), SrvAnswer::kRecordsMax);
  }
  EXPECT_GT(accepted, 0u);
}

}  // namespace
}  // namespace core::transport
