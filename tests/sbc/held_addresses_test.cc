// Addresses that names have left while calls go on (rule 2): how long they are held, and how many.

#include "sbc/held_addresses.h"

#include <gtest/gtest.h>

namespace sbc {
namespace {

using namespace std::chrono_literals;
using core::Instant;
using core::IpAddress;

IpAddress Ip(uint32_t n) { return IpAddress::FromV4(0x0a000000 + n); }

TEST(HeldAddressesTest, Rule02_HeldForATermOnItsSideOnly) {
  HeldAddresses held;
  held.Hold(Side::kTrunk, Ip(1), Instant{});
  EXPECT_TRUE(held.Contains(Side::kTrunk, Ip(1)));
  EXPECT_FALSE(held.Contains(Side::kCustomer, Ip(1)));
  EXPECT_FALSE(held.Contains(Side::kTrunk, Ip(2)));
  EXPECT_FALSE(held.Expire(Instant{} + HeldAddresses::kTerm - 1ns));
  EXPECT_TRUE(held.Contains(Side::kTrunk, Ip(1)));
  EXPECT_TRUE(held.Expire(Instant{} + HeldAddresses::kTerm));
  EXPECT_TRUE(held.empty());
}

TEST(HeldAddressesTest, Rule02_ACallRenewsTheTermAndHoldsNothingNew) {
  HeldAddresses held;
  held.Hold(Side::kTrunk, Ip(1), Instant{});
  EXPECT_TRUE(held.Renew(Side::kTrunk, Ip(1), Instant{} + 32s));
  EXPECT_FALSE(held.Renew(Side::kTrunk, Ip(2), Instant{} + 32s));
  EXPECT_FALSE(held.Expire(Instant{} + HeldAddresses::kTerm));
  EXPECT_TRUE(held.Expire(Instant{} + HeldAddresses::kTerm + 32s));
}

// The limit: who has waited longest for a call to renew it goes first.
TEST(HeldAddressesTest, FullItLetsGoOfTheOneThatWouldEndFirst) {
  HeldAddresses held;
  for (uint32_t i = 0; i < HeldAddresses::kMax; ++i) {
    held.Hold(Side::kTrunk, Ip(i), Instant{} + 1s);
  }
  for (uint32_t i = 0; i < HeldAddresses::kMax; ++i) {
    if (i == 7) continue;
    EXPECT_TRUE(held.Renew(Side::kTrunk, Ip(i), Instant{} + 2s));
  }
  held.Hold(Side::kTrunk, Ip(HeldAddresses::kMax), Instant{} + 3s);
  EXPECT_EQ(held.entries().size(), HeldAddresses::kMax);
  EXPECT_FALSE(held.Contains(Side::kTrunk, Ip(7)));
  EXPECT_TRUE(held.Contains(Side::kTrunk, Ip(8)));
  EXPECT_TRUE(held.Contains(Side::kTrunk, Ip(HeldAddresses::kMax)));
}

}  // namespace
}  // namespace sbc
