#pragma once

#include <chrono>
#include <cstdint>

#include "core/base/instant.h"

namespace core::engine {

/// Which wall-clock time belongs to a worker's moments (rule 4), and whether that clock was
/// stepped.
///
/// Shape:  one pair of readings, renewed every turn. A clock that is slewed (NTP: at most 0.05 %)
/// is
///         followed silently; one that moves by more than kStepMin beside the monotonic clock was
///         stepped, which is counted: records before and after do not compare.
/// Thread: one worker's.
class WallMapping {
 public:
  static constexpr Duration kStepMin = std::chrono::milliseconds(100);

  /// Both clocks, read in the same turn.
  void Update(Instant now, WallTime wall) {
    if (started_) {
      const Duration off = std::chrono::microseconds(wall.unix_us - At(now).unix_us);
      const Duration slew =
          (now - now_) / 1000;  // Twice what a slewed clock can drift in that time.
      const Duration allowed = kStepMin + slew;
      if (off > allowed || off < -allowed) {
        ++steps_;
        last_step_ = off;
      }
    }
    started_ = true;
    now_ = now;
    wall_ = wall;
  }

  /// The wall-clock time of any moment, by the mapping of the last Update().
  WallTime At(Instant moment) const {
    return {wall_.unix_us +
            std::chrono::duration_cast<std::chrono::microseconds>(moment - now_).count()};
  }

  uint64_t steps() const { return steps_; }
  Duration last_step() const { return last_step_; }  // Forwards is positive.

 private:
  bool started_ = false;
  Instant now_;
  WallTime wall_;
  uint64_t steps_ = 0;
  Duration last_step_ = Duration::zero();
};

}  // namespace core::engine
