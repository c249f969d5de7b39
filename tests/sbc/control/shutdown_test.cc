// Goal: SIGTERM drains and then stops, a second one stops at once (rule 10 of the SBC's rules;
// drain_timeout of section 6).

#include "sbc/control/shutdown.h"

#include <gtest/gtest.h>

namespace sbc {
namespace {

using Order = Shutdown::Order;
using State = Shutdown::State;
using std::chrono_literals::operator""s;

constexpr core::Instant kStart = core::Instant() + 1000s;

TEST(ShutdownTest, StopsWhenTheLastWorkerIsDrained) {
  Shutdown shutdown(2);
  EXPECT_EQ(shutdown.next_due(), core::kNever);
  EXPECT_EQ(shutdown.OnSignal(300s, kStart), Order::kDrain);
  EXPECT_EQ(shutdown.OnDrained(1, kStart + 1s), Order::kNone);
  EXPECT_EQ(shutdown.OnDrained(1, kStart + 1s), Order::kNone);
  EXPECT_EQ(shutdown.state(), State::kDraining);
  EXPECT_EQ(shutdown.OnDrained(0, kStart + 2s), Order::kStop);
  EXPECT_EQ(shutdown.next_due(), kStart + 2s + Shutdown::kFlushTime);
  EXPECT_EQ(shutdown.OnTime(shutdown.next_due()), Order::kNone);
  EXPECT_EQ(shutdown.state(), State::kEnded);
}

TEST(ShutdownTest, CallsThatGoOnAreEndedAtTheTimeLimit) {
  Shutdown shutdown(1);
  ASSERT_EQ(shutdown.OnSignal(300s, kStart), Order::kDrain);
  EXPECT_EQ(shutdown.OnTime(kStart + 299s), Order::kNone);
  EXPECT_EQ(shutdown.OnTime(kStart + 300s), Order::kStop);
  // Peers that never answer our BYE do not keep us.
  EXPECT_EQ(shutdown.next_due(), kStart + 300s + Shutdown::kStopTime);
  EXPECT_EQ(shutdown.OnTime(shutdown.next_due()), Order::kNone);
  EXPECT_EQ(shutdown.state(), State::kEnded);
}

TEST(ShutdownTest, ASecondSignalStopsAtOnceAndAThirdEnds) {
  Shutdown shutdown(1);
  ASSERT_EQ(shutdown.OnSignal(300s, kStart), Order::kDrain);
  EXPECT_EQ(shutdown.OnSignal(300s, kStart + 1s), Order::kStop);
  EXPECT_EQ(shutdown.OnDrained(0, kStart + 2s), Order::kNone);
  EXPECT_EQ(shutdown.next_due(), kStart + 2s + Shutdown::kFlushTime);
  EXPECT_EQ(shutdown.OnSignal(300s, kStart + 2s), Order::kNone);
  EXPECT_EQ(shutdown.state(), State::kEnded);
}

}  // namespace
}  // namespace sbc
