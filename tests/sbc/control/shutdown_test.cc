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
  EXPECT_EQ(shutdown.OnDrained(1, true, kStart + 1s), Order::kNone);
  EXPECT_EQ(shutdown.OnDrained(1, true, kStart + 1s), Order::kNone);
  EXPECT_EQ(shutdown.state(), State::kDraining);
  EXPECT_EQ(shutdown.OnDrained(0, true, kStart + 2s), Order::kClose);
  EXPECT_EQ(shutdown.next_due(), kStart + 2s + Shutdown::kFlushTime);
  EXPECT_EQ(shutdown.OnTime(shutdown.next_due()), Order::kNone);
  EXPECT_EQ(shutdown.state(), State::kEnded);
}

// An emergency call may be admitted at any time of a drain, and costs no other call the rest of it.
TEST(ShutdownTest, Rule06_AWorkerMayTakeItsWordBack) {
  Shutdown shutdown(2);
  ASSERT_EQ(shutdown.OnSignal(300s, kStart), Order::kDrain);
  EXPECT_EQ(shutdown.OnDrained(0, true, kStart + 1s), Order::kNone);
  EXPECT_EQ(shutdown.OnDrained(0, false, kStart + 2s), Order::kNone);
  EXPECT_EQ(shutdown.OnDrained(1, true, kStart + 3s), Order::kNone);
  EXPECT_EQ(shutdown.next_due(), kStart + 300s);

  // The last one's word may overtake it: then those that were closed go on draining.
  EXPECT_EQ(shutdown.OnDrained(0, true, kStart + 4s), Order::kClose);
  EXPECT_EQ(shutdown.OnDrained(0, false, kStart + 4s), Order::kReopen);
  EXPECT_EQ(shutdown.state(), State::kDraining);
  EXPECT_EQ(shutdown.next_due(), kStart + 300s);
  EXPECT_EQ(shutdown.OnDrained(0, true, kStart + 5s), Order::kClose);
  EXPECT_EQ(shutdown.OnDrained(0, false, kStart + 5s), Order::kReopen);
  EXPECT_EQ(shutdown.OnTime(kStart + 300s), Order::kStop);
  EXPECT_EQ(shutdown.OnDrained(0, true, kStart + 301s), Order::kNone);
  EXPECT_EQ(shutdown.next_due(), kStart + 301s + Shutdown::kFlushTime);
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
  EXPECT_EQ(shutdown.OnDrained(0, true, kStart + 2s), Order::kNone);
  EXPECT_EQ(shutdown.next_due(), kStart + 2s + Shutdown::kFlushTime);
  EXPECT_EQ(shutdown.OnSignal(300s, kStart + 2s), Order::kNone);
  EXPECT_EQ(shutdown.state(), State::kEnded);
}

}  // namespace
}  // namespace sbc
