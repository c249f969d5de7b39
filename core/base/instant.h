#pragma once

#include <chrono>
#include <cstdint>

namespace core {

using Duration = std::chrono::nanoseconds;

/// Tag of the worker's monotonic time. It has no now(): protocol code is given the moment and has
/// no way to ask for it, so the same code runs in virtual time.
struct WorkerTime {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WorkerTime, duration>;
  static constexpr bool is_steady = true;
};

/// A moment of a worker's monotonic clock. Only core/time/clock and the simulation make one.
using Instant = WorkerTime::time_point;

/// Later than any moment that comes: "no deadline".
inline constexpr Instant kNever = Instant::max();

/// Wall-clock time, in microseconds since the Unix epoch: for records that people read, never for
/// arithmetic on delays.
struct WallTime {
  int64_t unix_us = 0;
  friend bool operator==(const WallTime&, const WallTime&) = default;
};

}  // namespace core
