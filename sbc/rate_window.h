#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/instant.h"

namespace sbc {

/// At most `limit` events in any one second, exactly: not a bucket that lets a burst of two limits
/// through, nor a count that starts anew at each full second (rule 5 of the SBC's rules).
///
/// Shape:    the moments of the last `limit` events in a ring, 8 bytes each, at most kLimitMax. An
///           event fits if the one `limit` events ago is a second old or more. Limit 0 admits all.
/// Lifetime: the ring is made at construction and by SetLimit(). Nothing else allocates.
/// Errors:   a refused event leaves no trace, so that a caller who keeps trying is not kept out by
///           his own attempts.
/// Thread:   one worker's: the home worker of its connector.
class RateWindow {
 public:
  static constexpr size_t kLimitMax = 1'000'000;  // 8 MB, for who asks for that.
  static constexpr core::Duration kSpan = std::chrono::seconds(1);

  explicit RateWindow(size_t limit) : limit_(limit), moments_(limit) { CHECK(limit <= kLimitMax); }

  size_t limit() const { return limit_; }

  /// Another limit. What was counted stays counted, or each change would let one more window's
  /// worth through. (From 0 there is nothing: nothing was.) Allocates.
  void SetLimit(size_t limit) {
    RateWindow other(std::max(limit, count_));
    for (size_t i = count_; i > 0; --i) other.Record(moments_[Ago(i)]);  // The oldest first.
    other.limit_ = limit;
    *this = std::move(other);
  }

  /// True if one more event at `now` keeps the limit. Changes nothing.
  bool Fits(core::Instant now) const {
    if (limit_ == 0 || count_ < limit_) return true;
    return now - moments_[Ago(limit_)] >= kSpan;
  }

  /// Counts an event that was admitted; `now` never goes back. Also for one that did not ask
  /// (an emergency call): the trunk counts it, so those behind it must.
  void Record(core::Instant now) {
    if (moments_.empty()) return;
    moments_[next_] = now;
    next_ = next_ + 1 == moments_.size() ? 0 : next_ + 1;
    if (count_ < moments_.size()) ++count_;
  }

  /// Takes back an event of that moment: it came to nothing. None is left of a moment that is not
  /// there any more.
  void TakeBack(core::Instant moment) {
    for (size_t i = 1; i <= count_; ++i) {
      if (moments_[Ago(i)] != moment) continue;
      for (; i > 1; --i) moments_[Ago(i)] = moments_[Ago(i - 1)];
      next_ = Ago(1);
      --count_;
      return;
    }
  }

  /// Fits() and, if so, Record().
  [[nodiscard]] bool Admit(core::Instant now) {
    if (!Fits(now)) return false;
    Record(now);
    return true;
  }

 private:
  // The place of the event that is the n-th last, the last one being the first.
  size_t Ago(size_t n) const { return next_ >= n ? next_ - n : next_ + moments_.size() - n; }

  size_t limit_;
  std::vector<core::Instant> moments_;  // At least `limit_`: more after it was lowered.
  size_t next_ = 0;                     // Where the next one goes.
  size_t count_ = 0;                    // Moments in the ring.
};

}  // namespace sbc
