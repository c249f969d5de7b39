#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/instant.h"
#include "core/base/intrusive_list.h"

namespace core {

/// One thing to be told about later. It is a member of what it wakes, which a pool keeps in place.
///
/// Lifetime: dies with its owner and leaves the wheel by itself, so a timer never fires into a
///           freed object.
class Timer : public ListNode<Timer> {
 public:
  /// `fire(owner, timer, now)` runs once when the timer is due; it may arm, disarm and free at
  /// will.
  using Fire = void (*)(void* owner, Timer* timer, Instant now);

  Timer(Fire fire, void* owner) : fire_(fire), owner_(owner) {}

  bool armed() const { return linked(); }
  Instant due() const { return due_; }

 private:
  friend class TimerWheel;
  Fire fire_;
  void* owner_;
  Instant due_{};
};

/// A hierarchical timer wheel: arm and disarm in constant time, whatever the number of timers.
///
/// Shape:  1 ms a tick, 4 levels of 256 slots: up to 49 days ahead, beyond which a timer waits in
/// one
///         list that is looked through every 49 days. A timer never fires early, and at most one
///         tick plus a turn late.
/// Order:  by tick; inside a tick by arming. A moment that had passed when it was armed comes after
///         what was already due.
/// Thread: one worker's.
class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(1);

  /// `start` is not before the clock's zero.
  explicit TimerWheel(Instant start);

  /// Arms or re-arms. A moment that has passed fires at the next FireDue(), never inside this one,
  /// so a timer that re-arms itself cannot hold the worker.
  void Arm(Timer* timer, Instant due);
  void Disarm(Timer* timer);

  /// No timer is due before this moment, except those that already are: then it is not in the
  /// future. (It can be early, at a cascade; never late.) kNever when nothing is armed.
  Instant NextDue() const;

  /// Fires all that are due, at most `max` of them; returns how many. What is left is due at once.
  size_t FireDue(Instant now, size_t max = SIZE_MAX);

  uint64_t fired() const { return fired_; }  // Since the start.
  size_t armed() const;                      // Walks every slot: for tests and invariants.

 private:
  static constexpr int kLevels = 4;
  static constexpr int kSlotBits = 8;
  static constexpr size_t kSlots = size_t{1} << kSlotBits;
  static constexpr uint64_t kNoTick = UINT64_MAX;
  using Bitmap = std::array<uint64_t, kSlots / 64>;

  static size_t SlotOf(uint64_t tick, int level) { return (tick >> (kSlotBits * level)) % kSlots; }
  // The first tick at or after the moment: rounding up is what keeps a timer from firing early.
  uint64_t TickAtOrAfter(Instant moment) const {
    const Duration elapsed = moment - start_;
    return static_cast<uint64_t>(elapsed / kTick) + (elapsed % kTick != Duration::zero() ? 1 : 0);
  }
  Instant TimeOf(uint64_t tick) const { return start_ + kTick * static_cast<int64_t>(tick); }

  void Place(Timer* timer);
  void AdvanceTo(uint64_t tick);
  void Cascade(IntrusiveList<Timer>* slot);
  size_t FirstUsed(int level, size_t from) const;
  uint64_t NextTick() const;

  Instant start_;
  Instant now_;  // Of the latest FireDue().
  uint64_t fired_ = 0;
  uint64_t current_ = 0;  // The tick whose slot is fired next.
  // Level n holds the timers whose tick first differs from current_ in byte n, counted from the
  // top; so all of level n come before any of level n + 1, and no level but 0 uses current_'s own
  // slot.
  IntrusiveList<Timer> slots_[kLevels][kSlots];
  IntrusiveList<Timer> far_;   // Differs above the last level: looked at when that wraps.
  IntrusiveList<Timer> late_;  // Armed for a moment that had passed: for the next FireDue().
  IntrusiveList<Timer> due_;   // Taken from its slot, not yet fired (when `max` cut a round short).
  // A set bit may be stale (its slot emptied by Disarm); the next search clears it. A clear bit is
  // never wrong.
  mutable std::array<Bitmap, kLevels> maybe_used_{};
};

}  // namespace core
