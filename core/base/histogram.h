#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"

namespace core {

/// Counts of durations, fine enough for any percentile, in fixed memory (after HdrHistogram).
///
/// Shape:  values in whichever unit the owner's name says (`setup_us`). 0 to 255 are exact; above,
///         each doubling is cut into 128 buckets, so a reported value is at most 0.8% above what
///         was recorded. A value under 0 counts as 0, one over kValueMax as kValueMax. 36 kB.
/// Thread: one worker's. Another thread is given a copy, and merges copies.
class Histogram {
 public:
  static constexpr int64_t kValueMax = (int64_t{1} << 42) - 1;  // 73 minutes in ns, 50 days in us.

  void Record(int64_t value, uint64_t times = 1) {
    value = std::clamp<int64_t>(value, 0, kValueMax);
    counts_[IndexOf(value)] += times;
    count_ += times;
    sum_ += Wide{static_cast<uint64_t>(value)} * times;
    if (times > 0) {
      min_ = std::min(min_, value);
      max_ = std::max(max_, value);
    }
  }

  /// As if all that `other` recorded had been recorded here.
  void Merge(const Histogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
  }

  void Clear() { *this = Histogram(); }

  uint64_t count() const { return count_; }
  int64_t min() const { return count_ == 0 ? 0 : min_; }  // Exact; 0 when empty.
  int64_t max() const { return max_; }                    // Exact; 0 when empty.
  double mean() const {
    return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
  }

  /// The smallest value that at least `percent` of all values do not exceed, rounded up to the end
  /// of its bucket. `percent` is 0 to 100. 0 when empty.
  int64_t Percentile(double percent) const {
    CHECK(percent >= 0 && percent <= 100);
    if (count_ == 0) return 0;
    // 99.9% of 5000 is 4995, though not in floating point: the factor undoes the last bits' error.
    const double wanted = percent / 100 * static_cast<double>(count_) * (1 - 1e-12);
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted) return std::clamp(EndOf(i), min_, max_);
    }
    return max_;
  }

  /// How many were at most `value`; those that share a bucket with it are counted.
  uint64_t CountUpTo(int64_t value) const {
    if (value < 0) return 0;
    const size_t last = IndexOf(std::min(value, kValueMax));
    uint64_t seen = 0;
    for (size_t i = 0; i <= last; ++i) seen += counts_[i];
    return seen;
  }

  /// Calls `visit(largest_value, count)` for each bucket in use, in order of value.
  template <typename Visit>
  void ForEachBucket(Visit&& visit) const {
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] != 0) visit(EndOf(i), counts_[i]);
    }
  }

 private:
  __extension__ using Wide = unsigned __int128;

  static constexpr int kSubBits = 7;  // 2^7 buckets a doubling: 1/128 is under 1%.
  static constexpr size_t kSub = size_t{1} << kSubBits;
  static constexpr int kValueBits = 42;
  static constexpr size_t kBuckets = (kValueBits - kSubBits + 1) * kSub;

  // A value of up to kSubBits + 1 bits is its own bucket. A longer one keeps that many leading
  // bits; each bit it drops moves it up by one run of kSub buckets.
  static size_t IndexOf(int64_t value) {
    const auto bits = static_cast<uint64_t>(value);
    const int dropped = std::max(static_cast<int>(std::bit_width(bits)) - (kSubBits + 1), 0);
    return static_cast<size_t>(dropped) * kSub + static_cast<size_t>(bits >> dropped);
  }
  static int64_t EndOf(size_t index) {
    if (index < 2 * kSub) return static_cast<int64_t>(index);
    const size_t dropped = index / kSub - 1;
    const uint64_t leading = index - dropped * kSub;
    return static_cast<int64_t>(((leading + 1) << dropped) - 1);
  }

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t count_ = 0;
  Wide sum_ = 0;
  int64_t min_ = kValueMax;
  int64_t max_ = 0;
};

}  // namespace core
