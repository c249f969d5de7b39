#include "loadgen/call_rate.h"

#include <cmath>

namespace loadgen {

using core::Instant;

CallRate::CallRate(const Plan& plan, Instant start)
    : plan_(plan), rate_(plan.rate), stretch_start_(start) {
  const bool changes = plan.increase > 0 && plan.interval > core::Duration{0};
  stretch_end_ = changes ? start + plan.interval : core::kNever;
  Schedule();
}

double CallRate::calls_per_second() const {
  return rate_ * 1e9 / static_cast<double>(plan_.period.count());
}

void CallRate::Begin(Instant now) {
  if (next_ >= now) return;  // kNever, too.
  const core::Duration late = now - next_;
  stretch_start_ += late;
  if (stretch_end_ != core::kNever) stretch_end_ += late;
  Schedule();
}

void CallRate::Take() {
  ++taken_;
  ++in_stretch_;
  Schedule();
}

void CallRate::Change(double rate, Instant now) {
  if (stopped_ || over_) return;
  // The next call may be due in a stretch that is still to come.
  if (now > stretch_start_) {
    const auto period = static_cast<double>(plan_.period.count());
    const double passed = static_cast<double>((now - stretch_start_).count()) * rate_ / period;
    phase_ = std::max(0.0, static_cast<double>(in_stretch_) + phase_ - passed);
    in_stretch_ = 0;
    stretch_start_ = now;
  }
  rate_ = rate;
  Schedule();
}

void CallRate::Schedule() {
  const auto period = static_cast<double>(plan_.period.count());
  while (true) {
    if (rate_ > 0) {
      const double calls = static_cast<double>(in_stretch_) + phase_;
      const double offset = std::round(calls * period / rate_);
      constexpr double kLongest = 1e18;  // Nanoseconds: thirty years.
      if (offset < kLongest) {
        next_ = stretch_start_ + core::Duration(static_cast<int64_t>(offset));
        if (next_ < stretch_end_) return;
      }
    }
    if (stretch_end_ == core::kNever) break;
    // How much of the next call is still to come when the rate changes.
    const double passed =
        static_cast<double>((stretch_end_ - stretch_start_).count()) * rate_ / period;
    phase_ = std::max(0.0, static_cast<double>(in_stretch_) + phase_ - passed);
    in_stretch_ = 0;
    stretch_start_ = stretch_end_;
    stretch_end_ = stretch_start_ + plan_.interval;
    rate_ += plan_.increase;
    if (plan_.max == 0 || rate_ <= plan_.max) continue;
    rate_ = plan_.max;
    stretch_end_ = core::kNever;
    if (!plan_.ends_at_max) continue;
    over_ = true;
    break;
  }
  next_ = core::kNever;
}

}  // namespace loadgen
