// Goal: neighbours are learnt from ARP as RFC 826 says and no more trustingly, are asked for at a
// bounded rate, grow old, and stay within their bound (packet-core rule 18: static or learnt).

#include "core/net/neighbours.h"

#include <gtest/gtest.h>

namespace core::net {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kUs = 0x0a000001;
constexpr uint32_t kPeer = 0x0a000002;
constexpr MacAddress kMac = {2, 0, 0, 0, 0, 2};
constexpr MacAddress kOtherMac = {2, 0, 0, 0, 0, 3};

class NeighboursTest : public testing::Test {
 protected:
  bool Request(uint32_t from, const MacAddress& mac, bool to_us) {
    return neighbours_.OnArp({.operation = ArpMessage::Operation::kRequest,
                              .sender_mac = mac,
                              .sender_ip = from,
                              .target_ip = kUs},
                             to_us, now_);
  }
  bool Reply(uint32_t from, const MacAddress& mac, bool to_us = true) {
    return neighbours_.OnArp({.operation = ArpMessage::Operation::kReply,
                              .sender_mac = mac,
                              .sender_ip = from,
                              .target_ip = kUs},
                             to_us, now_);
  }
  bool Knows(uint32_t address, const MacAddress& mac) {
    const Neighbours::Answer answer = neighbours_.Find(address, now_);
    return answer.mac != nullptr && *answer.mac == mac;
  }

  Neighbours neighbours_{4};
  Instant now_{1h};
};

TEST_F(NeighboursTest, AStaticOneIsKnownWithoutAskingAndNeverChanges) {
  neighbours_.AddStatic(kPeer + 1, kOtherMac);
  neighbours_.AddStatic(kPeer, kMac);
  EXPECT_TRUE(Knows(kPeer, kMac));
  EXPECT_TRUE(Knows(kPeer + 1, kOtherMac));
  EXPECT_FALSE(neighbours_.Find(kPeer, now_).ask);
  EXPECT_FALSE(Request(kPeer, kOtherMac, true));
  EXPECT_FALSE(Reply(kPeer, kOtherMac));
  now_ += 24h;
  EXPECT_TRUE(Knows(kPeer, kMac));
  EXPECT_EQ(neighbours_.learnt(), 0u);
}

TEST_F(NeighboursTest, AnUnknownOneIsAskedForOnceASecond) {
  Neighbours::Answer answer = neighbours_.Find(kPeer, now_);
  EXPECT_EQ(answer.mac, nullptr);
  EXPECT_TRUE(answer.ask);
  EXPECT_FALSE(neighbours_.Find(kPeer, now_ + 999ms).ask);
  EXPECT_TRUE(neighbours_.Find(kPeer, now_ + 1s).ask);
  EXPECT_FALSE(neighbours_.Find(kPeer, now_ + 1s).ask);
}

TEST_F(NeighboursTest, TheAnswerToAQuestionIsLearnt) {
  (void)neighbours_.Find(kPeer, now_);
  EXPECT_TRUE(Reply(kPeer, kMac));
  EXPECT_TRUE(Knows(kPeer, kMac));
  EXPECT_FALSE(neighbours_.Find(kPeer, now_).ask);
}

TEST_F(NeighboursTest, WhoAsksForUsIsLearnt) {
  EXPECT_TRUE(Request(kPeer, kMac, true));
  EXPECT_TRUE(Knows(kPeer, kMac));
}

TEST_F(NeighboursTest, NothingIsLearntFromAnswersThatNobodyAskedFor) {
  EXPECT_FALSE(Reply(kPeer, kMac));
  EXPECT_FALSE(Request(kPeer, kMac, false));
  EXPECT_EQ(neighbours_.learnt(), 0u);
  // Nor does what others say answer our own question.
  (void)neighbours_.Find(kPeer, now_);
  EXPECT_FALSE(Reply(kPeer, kMac, false));
  EXPECT_FALSE(Knows(kPeer, kMac));
}

// A standby that took an address over says so to everyone.
TEST_F(NeighboursTest, AKnownOneMayMove) {
  ASSERT_TRUE(Request(kPeer, kMac, true));
  EXPECT_TRUE(Request(kPeer, kOtherMac, false));
  EXPECT_TRUE(Knows(kPeer, kOtherMac));
}

TEST_F(NeighboursTest, AnOldOneIsUsedWhileItIsAskedForAgain) {
  ASSERT_TRUE(Request(kPeer, kMac, true));
  now_ += Neighbours::kFresh - 1ns;
  EXPECT_FALSE(neighbours_.Find(kPeer, now_).ask);
  now_ += 1ns;
  Neighbours::Answer answer = neighbours_.Find(kPeer, now_);
  ASSERT_NE(answer.mac, nullptr);
  EXPECT_TRUE(answer.ask);
  EXPECT_TRUE(Reply(kPeer, kMac));
  EXPECT_FALSE(neighbours_.Find(kPeer, now_ + Neighbours::kFresh - 1ns).ask);
}

TEST_F(NeighboursTest, OneThatIsSilentIsForgottenInTheEnd) {
  ASSERT_TRUE(Request(kPeer, kMac, true));
  EXPECT_NE(neighbours_.Find(kPeer, now_ + Neighbours::kUsable - 1ns).mac, nullptr);
  EXPECT_EQ(neighbours_.Find(kPeer, now_ + Neighbours::kUsable).mac, nullptr);
}

TEST_F(NeighboursTest, TheTableIsBoundedAndTheOldestMakesRoom) {
  for (uint32_t i = 0; i < 100; ++i) {
    now_ += 1ms;
    ASSERT_TRUE(Request(kPeer + i, kMac, true));
    EXPECT_LE(neighbours_.learnt(), 4u);
  }
  for (uint32_t i = 96; i < 100; ++i) EXPECT_TRUE(Knows(kPeer + i, kMac)) << i;
  EXPECT_FALSE(Knows(kPeer + 95, kMac));
}

}  // namespace
}  // namespace core::net
