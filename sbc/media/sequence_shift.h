#pragma once

#include <cstdint>

namespace sbc {

/// Closes the gaps that packets leave which end here: who gets the others counts them without a
/// loss, as the timestamps alone say that there was a pause (RFC 3550 §5.1).
///
/// Shape:    two numbers. A packet that was overtaken by one that ended here has the shift of its
///           own place, up to one run of those; what was lost before us stays a gap.
/// Thread:   one worker's.
class SequenceShift {
 public:
  /// The packet of this number does not go on.
  void Take(uint16_t number) {
    const bool follows = known_ && in_run_;
    if (!Advance(number)) return;  // Late: those behind it went on with a gap, and that stays.
    if (!follows) {
      before_ = shift_;
      from_ = number;
    }
    in_run_ = true;
    ++shift_;
  }

  /// What the packet of this number is called where it goes.
  uint16_t Apply(uint16_t number) {
    if (Advance(number)) in_run_ = false;
    const bool is_before = IsLess(number, from_) && !IsLess(highest_, from_);
    return static_cast<uint16_t>(number - (is_before ? before_ : shift_));
  }

 private:
  static constexpr uint16_t kJumpMin = 3000;  // RFC 3550 A.1: beyond it the sender began anew.

  static bool IsLess(uint16_t a, uint16_t b) { return static_cast<int16_t>(a - b) < 0; }

  // Whether it is the highest so far.
  bool Advance(uint16_t number) {
    const auto ahead = static_cast<uint16_t>(number - highest_);
    const auto behind = static_cast<uint16_t>(highest_ - number);
    if (!known_ || (ahead >= kJumpMin && behind >= kJumpMin)) {
      known_ = true;
      in_run_ = false;
      before_ = shift_;
      from_ = number;
    } else if (ahead == 0 || ahead > behind) {
      return false;
    }
    highest_ = number;
    // Far behind the run nothing is before it any more; numbers come round to its beginning again.
    if (static_cast<uint16_t>(highest_ - from_) >= kJumpMin) before_ = shift_;
    return true;
  }

  bool known_ = false;
  bool in_run_ = false;   // The highest ended here.
  uint16_t highest_ = 0;  // As it came.
  uint16_t shift_ = 0;
  uint16_t before_ = 0;  // The shift of those before `from_`,
  uint16_t from_ = 0;    // where the last run began.
};

}  // namespace sbc
