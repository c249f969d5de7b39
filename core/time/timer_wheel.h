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
  /// `fire(owner, timer, now)` runs once when the timer is due; it may arm, disarm and free at will.
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
/// Shape:  1 ms a tick, 4 levels of 256 slots: up to 49 days ahead, beyond which a timer is put off
///         by cascading again. A timer never fires early, and at most one tick plus a turn late.
/// Order:  by tick; inside a tick by arming.
/// Thread: one worker's.
class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(1);

  explicit TimerWheel(Instant start);

  /// Arms or re-arms. A moment that has passed fires at the next FireDue().
  void Arm(Timer* timer, Instant due);
  void Disarm(Timer* timer);

  /// No timer is due before this moment. (It can be early, at a cascade; never late.)
  Instant NextDue() const;

  /// Fires all that are due, at most `max` of them; returns how many. What is left is due at once.
  size_t FireDue(Instant now, size_t max = SIZE_MAX);

  size_t armed() const;  // Walks every slot: for tests and invariants.

 private:
  static constexpr int kLevels = 4;
  static constexpr int kSlotBits = 8;
  static constexpr size_t kSlots = size_t{1} << kSlotBits;
  using Bitmap = std::array<uint64_t, kSlots / 64>;

  void Place(Timer* timer);
  void Cascade(int level);
  uint64_t TickOf(Instant moment) const;
  Instant TimeOf(uint64_t tick) const { return start_ + kTick * static_cast<int64_t>(tick); }
  uint64_t NextTick() const;

  Instant start_;
  uint64_t current_ = 0;  // The tick whose slot is fired next.
  // A set bit may be stale (its slot emptied by Disarm); FireDue clears it. A clear bit is never wrong.
  mutable std::array<Bitmap, kLevels> maybe_used_{};
  IntrusiveList<Timer> slots_[kLevels][kSlots];
  IntrusiveList<Timer> due_;  // Taken from its slot, not yet fired (when `max` cut a round short).
};

}  // namespace core
