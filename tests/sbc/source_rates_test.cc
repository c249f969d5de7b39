#include "sbc/source_rates.h"

#include <gtest/gtest.h>

namespace sbc {
namespace {

using namespace std::chrono_literals;

const core::IpAddress kPbx = core::IpAddress::FromV4(0x0a000001);
const core::IpAddress kOther = core::IpAddress::FromV4(0x0a000002);
constexpr core::HashKey kKey = {1, 2};

TEST(SourceRatesTest, CountsInAnySecondAndNotByTheClock) {
  SourceRates rates(3, kKey);
  const core::Instant start = core::Instant{} + 1h;
  EXPECT_TRUE(rates.Admit(kPbx, start));
  EXPECT_TRUE(rates.Admit(kPbx, start + 900ms));
  EXPECT_TRUE(rates.Admit(kPbx, start + 900ms));
  EXPECT_FALSE(rates.Admit(kPbx, start + 999ms));
  EXPECT_TRUE(rates.Admit(kPbx, start + 1s));       // The first is a second old.
  EXPECT_FALSE(rates.Admit(kPbx, start + 1100ms));  // The two of 900 ms are not.
  EXPECT_TRUE(rates.Admit(kPbx, start + 1900ms));
}

TEST(SourceRatesTest, EachSourceHasItsOwn) {
  SourceRates rates(1, kKey);
  const core::Instant start = core::Instant{} + 1h;
  EXPECT_TRUE(rates.Admit(kPbx, start));
  EXPECT_FALSE(rates.Admit(kPbx, start));
  EXPECT_TRUE(rates.Admit(kOther, start));
}

// What was refused is not counted, so who keeps trying is let in again.
TEST(SourceRatesTest, ARefusalLeavesNoTrace) {
  SourceRates rates(1, kKey);
  core::Instant now = core::Instant{} + 1h;
  int admitted = 0;
  for (int i = 0; i < 100; ++i, now += 100ms) admitted += rates.Admit(kPbx, now) ? 1 : 0;
  EXPECT_EQ(admitted, 10);
}

TEST(SourceRatesTest, NoLimitAdmitsAll) {
  SourceRates rates(0, kKey);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(rates.Admit(kPbx, core::Instant{}));
}

}  // namespace
}  // namespace sbc
