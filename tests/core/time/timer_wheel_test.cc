// The timer wheel is the only source of "later" in the engine: every RFC 3261 timer stands on these
// promises. Never early, at most a tick late, in order, and whatever a firing timer does to others.

#include "core/time/timer_wheel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/random.h"

namespace core {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A timer that writes its name down, and then does what the test told it to.
struct Probe {
  Probe(int its_name, std::vector<int>* its_log) : name(its_name), log(its_log) {}

  static void OnFire(void* owner, Timer* timer, Instant now) {
    Probe* probe = static_cast<Probe*>(owner);
    EXPECT_EQ(timer, &probe->timer);
    EXPECT_FALSE(timer->armed());
    EXPECT_LE(timer->due(), now) << "timer " << probe->name << " fired early";
    probe->fired_at.push_back(now);
    probe->log->push_back(probe->name);
    if (probe->then != nullptr) probe->then(probe, now);
  }

  int name;
  std::vector<int>* log;
  std::vector<Instant> fired_at{};
  void (*then)(Probe* self, Instant now) = nullptr;
  TimerWheel* wheel = nullptr;
  Probe* other = nullptr;
  std::unique_ptr<Probe>* owner_of_other = nullptr;
  Timer timer{&Probe::OnFire, this};
};

constexpr Instant kStart = Instant{} + hours(5);

TEST(TimerWheelTest, FiresAtTheFirstTickNotBeforeItsMoment) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  Probe probe(1, &log);
  wheel.Arm(&probe.timer, kStart + microseconds(2'500));

  EXPECT_EQ(wheel.FireDue(kStart + microseconds(2'499)), 0u);
  EXPECT_EQ(wheel.FireDue(kStart + microseconds(2'500)), 0u);  // Up to a tick late, never early.
  EXPECT_EQ(wheel.NextDue(), kStart + milliseconds(3));
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(3)), 1u);
  EXPECT_EQ(wheel.FireDue(kStart + hours(1)), 0u);  // Once.
  EXPECT_THAT(probe.fired_at, ElementsAre(kStart + milliseconds(3)));
}

TEST(TimerWheelTest, AMomentOnATickFiresOnThatTick) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  Probe probe(1, &log);
  wheel.Arm(&probe.timer, kStart + milliseconds(500));

  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(500) - nanoseconds(1)), 0u);
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(500)), 1u);
}

TEST(TimerWheelTest, FiresByTickAndInsideATickByArming) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  Probe a(1, &log), b(2, &log), c(3, &log), d(4, &log);
  wheel.Arm(&a.timer, kStart + milliseconds(700));
  wheel.Arm(&b.timer, kStart + milliseconds(3));
  wheel.Arm(&c.timer, kStart + milliseconds(700));
  wheel.FireDue(kStart + milliseconds(600));  // 700 has come down a level by now.
  wheel.Arm(&d.timer, kStart + milliseconds(700));

  wheel.FireDue(kStart + milliseconds(900));

  EXPECT_THAT(log, ElementsAre(2, 1, 3, 4));
}

TEST(TimerWheelTest, APassedMomentFiresAtTheNextFireDue) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  wheel.FireDue(kStart + milliseconds(10));
  Probe passed(1, &log), now(2, &log);
  wheel.Arm(&passed.timer, kStart - hours(1));
  wheel.Arm(&now.timer, kStart + milliseconds(10));

  EXPECT_EQ(wheel.NextDue(), kStart + milliseconds(10));
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(10)), 2u);
  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST(TimerWheelTest, RearmingMovesATimerAndKeepsOneFiring) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  Probe probe(1, &log);
  wheel.Arm(&probe.timer, kStart + milliseconds(5));
  wheel.Arm(&probe.timer, kStart + milliseconds(400));

  EXPECT_EQ(wheel.armed(), 1u);
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(399)), 0u);
  wheel.Arm(&probe.timer, kStart + milliseconds(450));
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(449)), 0u);
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(500)), 1u);
  EXPECT_EQ(wheel.armed(), 0u);
}

TEST(TimerWheelTest, ADisarmedTimerIsForgotten) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  Probe probe(1, &log);
  wheel.Arm(&probe.timer, kStart + milliseconds(5));
  wheel.Disarm(&probe.timer);

  EXPECT_FALSE(probe.timer.armed());
  EXPECT_EQ(wheel.NextDue(), kNever);
  EXPECT_EQ(wheel.FireDue(kStart + hours(1)), 0u);
  wheel.Disarm(&probe.timer);  // Idle: nothing happens.
}

TEST(TimerWheelTest, ATimerThatDiesLeavesTheWheel) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  auto probe = std::make_unique<Probe>(1, &log);
  wheel.Arm(&probe->timer, kStart + milliseconds(5));
  probe.reset();

  EXPECT_EQ(wheel.armed(), 0u);
  EXPECT_EQ(wheel.FireDue(kStart + hours(1)), 0u);
}

TEST(TimerWheelTest, ATimerOutlivesItsWheel) {
  std::vector<int> log;
  Probe probe(1, &log);
  {
    TimerWheel wheel(kStart);
    wheel.Arm(&probe.timer, kStart + milliseconds(5));
  }
  EXPECT_FALSE(probe.timer.armed());
}

// Both sides of every level's edge, from starts that stand at different places of the wheel.
TEST(TimerWheelTest, CascadesThroughEveryLevel) {
  const int64_t edges[] = {1 << 8, 1 << 16, 1 << 24, int64_t{1} << 32, int64_t{3} << 32};
  for (const int64_t offset : {int64_t{0}, int64_t{1}, int64_t{255}, int64_t{65'535},
                               int64_t{77'777}, (int64_t{1} << 32) - 1}) {
    for (const int64_t edge : edges) {
      for (int64_t ticks = edge - 2; ticks <= edge + 2; ++ticks) {
        SCOPED_TRACE(testing::Message() << offset << " + " << ticks);
        std::vector<int> log;
        TimerWheel wheel(kStart);
        const Instant now = kStart + milliseconds(offset);
        wheel.FireDue(now);
        Probe probe(1, &log);
        const Instant due = now + milliseconds(ticks);
        wheel.Arm(&probe.timer, due);
        int steps = 0;
        while (wheel.NextDue() < due) {  // What a worker does: sleep until NextDue().
          ASSERT_EQ(wheel.FireDue(wheel.NextDue()), 0u);
          ASSERT_LT(++steps, 16);  // A wake-up at each level and wrap, not one a tick.
        }
        ASSERT_EQ(wheel.NextDue(), due);
        ASSERT_EQ(wheel.FireDue(due - nanoseconds(1)), 0u);
        ASSERT_EQ(wheel.FireDue(due), 1u);
        ASSERT_EQ(wheel.NextDue(), kNever);
      }
    }
  }
}

TEST(TimerWheelTest, OneLeapOverEverythingFiresAllInOrder) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  Probe a(1, &log), b(2, &log), c(3, &log), d(4, &log), e(5, &log), never(6, &log);
  wheel.Arm(&never.timer, kNever);
  wheel.Arm(&e.timer, kStart + hours(24 * 120));
  wheel.Arm(&d.timer, kStart + hours(24 * 20));
  wheel.Arm(&c.timer, kStart + hours(2));
  wheel.Arm(&b.timer, kStart + milliseconds(32'000));
  wheel.Arm(&a.timer, kStart + milliseconds(20));

  EXPECT_EQ(wheel.FireDue(kStart + hours(24 * 365)), 5u);
  EXPECT_THAT(log, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_TRUE(never.timer.armed());
}

TEST(TimerWheelTest, MaxBoundsARoundAndLosesNothing) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < 10; ++i) {
    probes.push_back(std::make_unique<Probe>(i, &log));
    wheel.Arm(&probes.back()->timer, kStart + milliseconds(5 + i / 4));
  }
  const Instant now = kStart + milliseconds(100);

  EXPECT_EQ(wheel.FireDue(now, 3), 3u);
  EXPECT_LE(wheel.NextDue(), now);  // What is left is due at once,
  wheel.Disarm(&probes[3]->timer);  // and can still be disarmed.
  EXPECT_EQ(wheel.armed(), 6u);
  EXPECT_EQ(wheel.FireDue(now, 0), 0u);
  EXPECT_EQ(wheel.FireDue(now, 3), 3u);
  EXPECT_EQ(wheel.FireDue(now, 100), 3u);
  EXPECT_THAT(log, ElementsAre(0, 1, 2, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(wheel.NextDue(), kNever);
}

TEST(TimerWheelTest, AFiringTimerMayRearmItself) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  Probe probe(1, &log);
  probe.wheel = &wheel;
  probe.then = [](Probe* self, Instant now) { self->wheel->Arm(&self->timer, now); };
  wheel.Arm(&probe.timer, kStart + milliseconds(1));

  // For a moment that is not in the future: it waits for the next round instead of holding this
  // one.
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(1)), 1u);
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(1)), 1u);

  probe.then = [](Probe* self, Instant now) {
    self->wheel->Arm(&self->timer, now + milliseconds(20));
  };
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(2)), 1u);
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(21)), 0u);
  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(22)), 1u);
}

TEST(TimerWheelTest, AFiringTimerMayDisarmRearmAndFreeOthersOfItsTick) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  Probe disarms(1, &log), disarmed(2, &log), rearms(3, &log), rearmed(4, &log), frees(5, &log);
  auto freed = std::make_unique<Probe>(6, &log);
  Probe last(7, &log);
  for (Probe* probe : {&disarms, &disarmed, &rearms, &rearmed, &frees, freed.get(), &last}) {
    probe->wheel = &wheel;
    wheel.Arm(&probe->timer, kStart + milliseconds(300));
  }
  disarms.other = &disarmed;
  disarms.then = [](Probe* self, Instant) { self->wheel->Disarm(&self->other->timer); };
  rearms.other = &rearmed;
  rearms.then = [](Probe* self, Instant now) {
    self->wheel->Arm(&self->other->timer, now + milliseconds(100));
  };
  frees.owner_of_other = &freed;
  frees.then = [](Probe* self, Instant) { self->owner_of_other->reset(); };

  wheel.FireDue(kStart + milliseconds(300));
  EXPECT_THAT(log, ElementsAre(1, 3, 5, 7));
  log.clear();
  wheel.FireDue(kStart + milliseconds(400));
  EXPECT_THAT(log, ElementsAre(4));
}

TEST(TimerWheelTest, AFiringTimerMayFreeItself) {
  std::vector<int> log;
  TimerWheel wheel(kStart);
  auto probe = std::make_unique<Probe>(1, &log);
  probe->owner_of_other = &probe;
  probe->then = [](Probe* self, Instant) { self->owner_of_other->reset(); };
  wheel.Arm(&probe->timer, kStart + milliseconds(1));

  EXPECT_EQ(wheel.FireDue(kStart + milliseconds(1)), 1u);
  EXPECT_EQ(probe, nullptr);
  EXPECT_EQ(wheel.armed(), 0u);
}

// What the wheel promises, as a list that is searched: the reference for the property test.
class NaiveTimers {
 public:
  explicit NaiveTimers(Instant start, size_t count) : now_(start), start_(start), entries_(count) {}

  void Arm(size_t timer, Instant due) {
    const int64_t ticks = (due - start_ + milliseconds(1) - nanoseconds(1)) / milliseconds(1);
    Key key{0, ticks, ++sequence_};
    // A moment that has passed comes after what is due already, before what is not looked at yet.
    if (due <= now_) key = {1, 0, sequence_};
    entries_[timer] = Entry{due, key};
  }
  void Disarm(size_t timer) { entries_[timer].reset(); }

  // Takes out the names of what must fire at `now`, in order.
  std::vector<int> FireDue(Instant now) {
    now_ = std::max(now_, now);
    std::vector<std::pair<Key, int>> due;
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (!entries_[i].has_value()) continue;
      const Key& key = entries_[i]->key;
      if (key.late == 0 && start_ + milliseconds(key.tick) > now) continue;
      due.emplace_back(key, static_cast<int>(i));
    }
    // Late ones go first: what else is due now became due in this very round.
    std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
      if (a.first.late != b.first.late) return a.first.late > b.first.late;
      if (a.first.tick != b.first.tick) return a.first.tick < b.first.tick;
      return a.first.sequence < b.first.sequence;
    });
    std::vector<int> names;
    for (const auto& [key, name] : due) {
      names.push_back(name);
      entries_[static_cast<size_t>(name)].reset();
    }
    return names;
  }

  Instant Earliest() const {
    Instant earliest = kNever;
    for (const auto& entry : entries_) {
      if (entry.has_value()) earliest = std::min(earliest, std::max(entry->due, now_));
    }
    return earliest;
  }
  size_t armed() const {
    return static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(),
                                             [](const auto& entry) { return entry.has_value(); }));
  }

 private:
  struct Key {
    int late;
    int64_t tick;
    uint64_t sequence;
  };
  struct Entry {
    Instant due;
    Key key;
  };
  Instant now_;
  Instant start_;
  uint64_t sequence_ = 0;
  std::vector<std::optional<Entry>> entries_;
};

Duration RandomDelay(Random* random) {
  // Every magnitude alike, from under a tick to beyond the last level, and some of the past.
  const uint64_t bits = 18 + random->Below(36);  // 2^18 ns is 0.26 ms; 2^53 ns is 104 days.
  const auto delay = static_cast<int64_t>(random->Below(uint64_t{1} << bits));
  return nanoseconds(random->Chance(0.05) ? -delay / 1'000'000 : delay);
}

TEST(TimerWheelTest, BehavesAsASearchedListForEverySeed) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    constexpr size_t kTimers = 40;
    std::vector<int> log;
    const Instant start = Instant{} + nanoseconds(random.Below(1'000'000'000'000));
    TimerWheel wheel(start);
    NaiveTimers naive(start, kTimers);
    std::vector<std::unique_ptr<Probe>> probes;
    for (size_t i = 0; i < kTimers; ++i) {
      probes.push_back(std::make_unique<Probe>(static_cast<int>(i), &log));
    }
    Instant now = start;
    for (int step = 0; step < 400; ++step) {
      const size_t timer = random.Below(kTimers);
      const uint64_t choice = random.Below(10);
      if (choice < 6) {
        const Instant due = now + RandomDelay(&random);
        wheel.Arm(&probes[timer]->timer, due);
        naive.Arm(timer, due);
      } else if (choice == 6) {
        wheel.Disarm(&probes[timer]->timer);
        naive.Disarm(timer);
      } else {
        const Instant next = wheel.NextDue();
        ASSERT_LE(next - TimerWheel::kTick, naive.Earliest());
        ASSERT_EQ(next == kNever, naive.armed() == 0);
        // NextDue() is where sleeping ends, so it is never later than the tick that must fire.
        const bool sleep = choice == 7 && next != kNever;
        now = std::max(now, sleep ? next : now + RandomDelay(&random) / 8);
        log.clear();
        const std::vector<int> expected = naive.FireDue(now);
        if (now < next) {
          ASSERT_THAT(expected, IsEmpty()) << "NextDue() was late";
        }
        const size_t most = random.Chance(0.3) ? 1 + random.Below(3) : SIZE_MAX;
        for (size_t fired = most; fired == most;) {
          fired = wheel.FireDue(now, most);
          ASSERT_LE(fired, most);
        }
        ASSERT_EQ(log, expected);
      }
      ASSERT_EQ(wheel.armed(), naive.armed());
    }
  }
}

}  // namespace
}  // namespace core
