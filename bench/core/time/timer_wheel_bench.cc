// What a timer costs a call: a SIP transaction arms one or two, and nearly always disarms them.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <deque>

#include "core/base/random.h"
#include "core/time/timer_wheel.h"

namespace core {
namespace {

using std::chrono::milliseconds;

void Nothing(void*, Timer*, Instant) {}

// Many transactions are pending, each with its timers spread over 32 seconds (64*T1).
std::deque<Timer> Pending(TimerWheel* wheel, size_t count) {
  Random random(1);
  std::deque<Timer> timers;
  for (size_t i = 0; i < count; ++i) {
    wheel->Arm(&timers.emplace_back(&Nothing, nullptr),
               Instant{} + milliseconds(1 + random.Below(32'000)));
  }
  return timers;
}

// The cost must not depend on how many are pending.
void BM_ArmAndDisarm(benchmark::State& state) {
  TimerWheel wheel(Instant{});
  const auto pending = Pending(&wheel, static_cast<size_t>(state.range(0)));
  Timer timer(&Nothing, nullptr);
  int64_t due_ms = 0;
  for (auto _ : state) {
    due_ms = (due_ms * 5 + 7) % 32'000;
    wheel.Arm(&timer, Instant{} + milliseconds(1 + due_ms));
    benchmark::ClobberMemory();
    wheel.Disarm(&timer);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ArmAndDisarm)->Arg(0)->Arg(100'000);

// A turn every millisecond with 100'000 timers over 32 seconds: about three fire and are armed
// again.
void BM_Turn(benchmark::State& state) {
  struct Again {
    TimerWheel wheel{Instant{}};
    static void Fire(void* owner, Timer* timer, Instant now) {
      static_cast<Again*>(owner)->wheel.Arm(timer, now + milliseconds(32'000));
    }
  } again;
  Random random(1);
  std::deque<Timer> timers;
  for (int i = 0; i < 100'000; ++i) {
    again.wheel.Arm(&timers.emplace_back(&Again::Fire, &again),
                    Instant{} + milliseconds(1 + random.Below(32'000)));
  }
  Instant now{};
  size_t fired = 0;
  for (auto _ : state) {
    now += milliseconds(1);
    benchmark::DoNotOptimize(again.wheel.NextDue());
    fired += again.wheel.FireDue(now);
  }
  state.SetItemsProcessed(static_cast<int64_t>(fired));
}
BENCHMARK(BM_Turn);

// A turn in which nothing is due: what the wheel adds to a packet's turn.
void BM_IdleTurn(benchmark::State& state) {
  TimerWheel wheel(Instant{});
  const auto pending = Pending(&wheel, 100);
  wheel.FireDue(Instant{} + milliseconds(1));
  for (auto _ : state) {
    benchmark::DoNotOptimize(wheel.NextDue());
    benchmark::DoNotOptimize(wheel.FireDue(Instant{} + milliseconds(1)));
  }
}
BENCHMARK(BM_IdleTurn);

}  // namespace
}  // namespace core
