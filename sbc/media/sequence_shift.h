#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sbc {

/// Closes the gaps that packets leave which end here: who gets the others counts them without a
/// loss, as the timestamps alone say that there was a pause (RFC 3550 §5.1).
///
/// Shape:    a packet that was overtaken by some that ended here has the shift of its own place, up
///           to kRunsMax runs of those; what was lost before us stays a gap.
/// Thread:   one worker's.
class SequenceShift {
 public:
  /// The packet of this number does not go on.
  void Take(uint16_t number) {
    // Where one is missing between two, nobody knows yet whether it was one of these.
    const bool follows = known_ && in_run_ && number == static_cast<uint16_t>(highest_ + 1);
    if (!Advance(number)) return;  // Late: those behind it went on with a gap, and that stays.
    if (!follows) runs_[runs_begun_++ % kRunsMax] = {number, shift_};
    in_run_ = true;
    ++shift_;
  }

  /// What the packet of this number is called where it goes.
  uint16_t Apply(uint16_t number) {
    if (Advance(number)) in_run_ = false;
    return static_cast<uint16_t>(number - ShiftAt(number));
  }

 private:
  // Two or three keys behind each other, of whose packets some were lost.
  static constexpr uint8_t kRunsMax = 8;
  static_assert(256 % kRunsMax == 0, "The count of runs goes round.");
  static constexpr uint16_t kJumpMin = 3000;  // RFC 3550 A.1: beyond it the sender began anew.

  struct Run {
    uint16_t from = 0;
    uint16_t before = 0;  // The shift of those before it.
  };

  static bool IsLess(uint16_t a, uint16_t b) { return static_cast<int16_t>(a - b) < 0; }

  uint16_t ShiftAt(uint16_t number) const {
    uint16_t shift = shift_;
    for (uint8_t i = 1; i <= kRunsMax; ++i) {  // The newest first: it is nearly always behind us.
      const Run& run = runs_[static_cast<uint8_t>(runs_begun_ - i) % kRunsMax];
      if (!IsLess(number, run.from) || IsLess(highest_, run.from)) break;
      shift = run.before;
    }
    return shift;
  }

  // Whether it is the highest so far.
  bool Advance(uint16_t number) {
    const auto ahead = static_cast<uint16_t>(number - highest_);
    const auto behind = static_cast<uint16_t>(highest_ - number);
    if (!known_ || (ahead >= kJumpMin && behind >= kJumpMin)) {
      known_ = true;
      in_run_ = false;
      runs_.fill({number, shift_});
    } else if (ahead == 0 || ahead > behind) {
      return false;
    }
    highest_ = number;
    // Far behind the runs nothing is before them any more; numbers come round to them again.
    const Run& last = runs_[static_cast<uint8_t>(runs_begun_ - 1) % kRunsMax];
    if (static_cast<uint16_t>(highest_ - last.from) >= kJumpMin) runs_.fill({number, shift_});
    return true;
  }

  bool known_ = false;
  bool in_run_ = false;     // The highest ended here.
  uint8_t runs_begun_ = 0;  // The last one is before this place of the ring.
  uint16_t highest_ = 0;    // As it came.
  uint16_t shift_ = 0;
  std::array<Run, kRunsMax> runs_{};
};

}  // namespace sbc
