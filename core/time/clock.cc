#include "core/time/clock.h"

#include <ctime>

namespace core {

Instant KernelClock::Now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

WallTime KernelClock::Wall() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return {int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000};
}

}  // namespace core
