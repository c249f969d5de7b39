#include "loadgen/call_rate.h"

#include <gtest/gtest.h>

#include <chrono>

// The open-loop plan: -r, -rp, -rate_increase, -rate_interval, -rate_max, to the nanosecond.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using core::Duration;
using core::Instant;

const Instant kStart = Instant{} + 5s;

Duration Offset(const CallRate& rate) { return rate.next() - kStart; }

// Call n is due n/rate after the start, exactly: no sum of rounded steps drifts away from it.
TEST(CallRateTest, SpacesCallsEvenly) {
  CallRate rate({.rate = 3}, kStart);
  for (int64_t i = 0; i < 3'000'000; ++i) {
    const Duration expected(static_cast<int64_t>(static_cast<double>(i % 3) * 1e9 / 3 + 0.5));
    ASSERT_EQ(Offset(rate), std::chrono::seconds(i / 3) + expected) << i;
    rate.Take();
  }
  EXPECT_EQ(rate.taken(), 3'000'000u);
}

// -rp: seven calls in two seconds; and fewer than one a second.
TEST(CallRateTest, CountsByThePeriod) {
  CallRate seven({.rate = 7, .period = 2s}, kStart);
  for (int i = 0; i < 7; ++i) seven.Take();
  EXPECT_EQ(Offset(seven), 2s);
  EXPECT_EQ(seven.calls_per_second(), 3.5);

  CallRate slow({.rate = 1, .period = 1min}, kStart);
  slow.Take();
  EXPECT_EQ(Offset(slow), 1min);
}

// Who begins late puts the whole plan off, and who begins in time nothing.
TEST(CallRateTest, BeginsWhenCallsCanBeTaken) {
  CallRate rate({.rate = 10, .increase = 10, .interval = 1s, .max = 20, .ends_at_max = false},
                kStart);
  rate.Begin(kStart + 40ms);
  EXPECT_EQ(Offset(rate), 40ms);
  rate.Take();
  EXPECT_EQ(Offset(rate), 140ms);
  for (int i = 0; i < 9; ++i) rate.Take();
  EXPECT_EQ(Offset(rate), 1040ms);
  rate.Take();
  EXPECT_EQ(Offset(rate), 1090ms);

  CallRate later({.rate = 0, .increase = 1, .interval = 1s}, kStart);
  later.Begin(kStart + 40ms);
  EXPECT_EQ(Offset(later), 1s);
  CallRate stopped({.rate = 1}, kStart);
  stopped.Stop();
  stopped.Begin(kStart + 40ms);
  EXPECT_EQ(stopped.next(), core::kNever);
}

// A rate of 0 plans nothing.
TEST(CallRateTest, ZeroIsNone) {
  CallRate none({.rate = 0}, kStart);
  EXPECT_EQ(none.next(), core::kNever);
  EXPECT_FALSE(none.over());
}

// The rate grows at each interval, and a call that was half due is not lost or doubled there: in
// each interval as many are due as rate times time says, give or take the one on its border.
TEST(CallRateTest, GrowsWithoutLosingACall) {
  CallRate rate({.rate = 2.5, .increase = 2.5, .interval = 1s, .max = 10, .ends_at_max = false},
                kStart);
  int counts[6] = {};
  while (Offset(rate) < 6s) {
    ++counts[Offset(rate) / 1s];
    rate.Take();
  }
  // 2.5, 5, 7.5, then 10 a second: by the end of each second 2.5, 7.5, 15, 25... were due; the
  // first at 0 is one more.
  EXPECT_EQ(counts[0], 3);
  EXPECT_EQ(counts[0] + counts[1], 8);
  EXPECT_EQ(counts[0] + counts[1] + counts[2], 15);
  for (int i = 3; i < 6; ++i) EXPECT_EQ(counts[i], 10) << i;
  EXPECT_EQ(rate.rate(), 10);
}

// -rate_max ends the plan when the rate would pass it.
TEST(CallRateTest, EndsAtTheHighestRate) {
  CallRate rate({.rate = 1, .increase = 1, .interval = 1s, .max = 3}, kStart);
  int calls = 0;
  for (; rate.next() != core::kNever; rate.Take()) ++calls;
  EXPECT_EQ(calls, 1 + 2 + 3);
  EXPECT_TRUE(rate.over());
}

// The first call of a rate that starts at 0 and grows is due when it has grown.
TEST(CallRateTest, GrowsFromNothing) {
  CallRate rate({.rate = 0, .increase = 10, .interval = 1s}, kStart);
  EXPECT_EQ(Offset(rate), 1s);
}

TEST(CallRateTest, StopsForGood) {
  CallRate rate({.rate = 10}, kStart);
  rate.Stop();
  rate.Change(20, kStart + 1s);
  EXPECT_EQ(rate.next(), core::kNever);
}

// A change by hand keeps what is still to come of the next call, forgets what is overdue, and does
// not touch when -rate_increase is due.
TEST(CallRateTest, ChangesByHand) {
  CallRate rate({.rate = 1}, kStart);
  rate.Take();  // The next is due at 1 s.
  rate.Change(2, kStart + 500ms);
  EXPECT_EQ(Offset(rate), 750ms);  // Half a call, at two a second.
  rate.Change(0, kStart + 600ms);
  EXPECT_EQ(rate.next(), core::kNever);
  rate.Change(10, kStart + 5s);
  EXPECT_EQ(Offset(rate), 5030ms);  // 0.3 of one.
  rate.Change(10, kStart + 9s);
  EXPECT_EQ(Offset(rate), 9s);
  rate.Take();
  EXPECT_EQ(Offset(rate), 9100ms);

  CallRate grows({.rate = 1, .increase = 1, .interval = 10s}, kStart);
  grows.Take();
  grows.Change(4, kStart + 1s);
  EXPECT_EQ(grows.rate(), 4);
  while (Offset(grows) < 10s) grows.Take();
  EXPECT_EQ(grows.taken(), 1 + 9 * 4u);
  EXPECT_EQ(grows.rate(), 5);
}

}  // namespace
}  // namespace loadgen
