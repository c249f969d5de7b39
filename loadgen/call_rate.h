#pragma once

#include <cstdint>

#include "core/base/instant.h"

namespace loadgen {

/// When calls are due: an open-loop plan. It does not look at how the target or we ourselves are
/// doing, so that what is late can be told from what was planned.
///
/// Shape:  call n of a stretch of constant rate r is due (n - phase) / r after its beginning; the
///         phase carries what was left of a call over a change of the rate. Exact to the
///         nanosecond, without a sum of rounding errors.
/// Thread: one worker's.
class CallRate {
 public:
  struct Plan {
    double rate = 10;  // Calls in each period.
    core::Duration period = std::chrono::seconds(1);
    double increase = 0;  // Of `rate`, after each interval.
    core::Duration interval = std::chrono::seconds(60);
    double max = 0;  // Of `rate`; 0: none.
    bool ends_at_max = true;
  };

  CallRate(const Plan& plan, core::Instant start);

  /// The planned instant of the next call; kNever when no more are planned.
  core::Instant next() const { return next_; }
  /// Nobody could take a call before `now`: where the first was due earlier, it is due now, and the
  /// whole plan is put off by as much. Before the first Take().
  void Begin(core::Instant now);
  /// The next call was opened, or given up.
  void Take();
  /// Another rate from `now` on, until -rate_increase changes it again. What is overdue is
  /// forgotten: the plan begins anew.
  void Change(double rate, core::Instant now);
  /// No more calls: the run drains.
  void Stop() {
    stopped_ = true;
    next_ = core::kNever;
  }
  /// Whether the plan has come to its own end (-rate_max).
  bool over() const { return over_; }

  uint64_t taken() const { return taken_; }
  double rate() const { return rate_; }  // Of the stretch that next() is in, a period.
  double calls_per_second() const;

 private:
  void Schedule();

  Plan plan_;
  double rate_;
  core::Instant stretch_start_;
  core::Instant stretch_end_;
  double phase_ = 0;         // Of a call, at the stretch's beginning: 0 is due at once.
  uint64_t in_stretch_ = 0;  // Calls taken in it.
  uint64_t taken_ = 0;
  core::Instant next_;
  bool over_ = false;
  bool stopped_ = false;
};

}  // namespace loadgen
