#include "core/time/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "core/base/check.h"

namespace core {

TimerWheel::TimerWheel(Instant start) : start_(start), now_(start) {
  CHECK(start >= Instant{});  // So that no difference of two moments overflows, kNever included.
}

void TimerWheel::Arm(Timer* timer, Instant due) {
  timer->Unlink();
  timer->due_ = due;
  if (due <= now_) {
    late_.PushBack(timer);
  } else {
    Place(timer);
  }
}

void TimerWheel::Disarm(Timer* timer) { timer->Unlink(); }

// The timer's tick is not before current_: what is due by now_ never gets here, and current_ is at
// most one past the tick of now_.
void TimerWheel::Place(Timer* timer) {
  const uint64_t tick = TickAtOrAfter(timer->due_);
  const uint64_t difference = tick ^ current_;
  const int level = (static_cast<int>(std::bit_width(difference | 1)) - 1) / kSlotBits;
  if (level >= kLevels) {
    far_.PushBack(timer);
    return;
  }
  const size_t slot = SlotOf(tick, level);
  maybe_used_[static_cast<size_t>(level)][slot / 64] |= uint64_t{1} << (slot % 64);
  slots_[level][slot].PushBack(timer);
}

// Moves to `tick`, which is not beyond NextTick(), and brings down what now shares a higher byte
// with it. From the top, as what comes down one level may have to come down the next.
void TimerWheel::AdvanceTo(uint64_t tick) {
  const bool wrapped = (tick ^ current_) >> (kLevels * kSlotBits) != 0;
  current_ = tick;
  if (wrapped) Cascade(&far_);
  for (int level = kLevels - 1; level > 0; --level) {
    Cascade(&slots_[level][SlotOf(tick, level)]);
  }
}

void TimerWheel::Cascade(IntrusiveList<Timer>* slot) {
  IntrusiveList<Timer> moving;  // A far timer may go back to where it was.
  moving.Splice(slot);
  while (Timer* timer = moving.PopFront()) Place(timer);
}

// The first slot of `level` at or after `from` that holds a timer; kSlots when there is none.
size_t TimerWheel::FirstUsed(int level, size_t from) const {
  Bitmap& bitmap = maybe_used_[static_cast<size_t>(level)];
  for (size_t word = from / 64; word < bitmap.size(); ++word) {
    uint64_t bits = bitmap[word];
    if (word == from / 64) bits &= ~uint64_t{0} << (from % 64);
    for (; bits != 0; bits &= bits - 1) {
      const size_t slot = word * 64 + static_cast<size_t>(std::countr_zero(bits));
      if (!slots_[level][slot].empty()) return slot;
      bitmap[word] &= ~(uint64_t{1} << (slot % 64));
    }
  }
  return kSlots;
}

// The next tick at which there is something to do: to fire a slot of level 0, or to bring down one
// of a higher level.
uint64_t TimerWheel::NextTick() const {
  for (int level = 0; level < kLevels; ++level) {
    const size_t slot = FirstUsed(level, SlotOf(current_, level));
    if (slot == kSlots) continue;
    const int shift = kSlotBits * level;
    const uint64_t above = current_ >> (shift + kSlotBits) << (shift + kSlotBits);
    return above | (uint64_t{slot} << shift);
  }
  constexpr int kShift = kLevels * kSlotBits;
  return far_.empty() ? kNoTick : ((current_ >> kShift) + 1) << kShift;
}

Instant TimerWheel::NextDue() const {
  if (!due_.empty() || !late_.empty()) return now_;
  const uint64_t tick = NextTick();
  return tick == kNoTick ? kNever : TimeOf(tick);
}

size_t TimerWheel::FireDue(Instant now, size_t max) {
  now_ = std::max(now_, now);
  const uint64_t last = static_cast<uint64_t>((now_ - start_) / kTick);
  due_.Splice(&late_);
  size_t fired = 0;
  for (;;) {
    for (; !due_.empty(); ++fired) {
      if (fired == max) return fired;
      Timer* timer = due_.PopFront();
      ++fired_;
      timer->fire_(timer->owner_, timer,
                   now);  // May have freed the timer: it is not touched again.
    }
    const uint64_t tick = NextTick();
    if (tick > last) break;
    AdvanceTo(tick);
    due_.Splice(&slots_[0][SlotOf(tick, 0)]);
    AdvanceTo(tick + 1);
  }
  AdvanceTo(last + 1);
  return fired;
}

size_t TimerWheel::armed() const {
  size_t count = far_.Count() + late_.Count() + due_.Count();
  for (const auto& level : slots_) {
    for (const IntrusiveList<Timer>& slot : level) count += slot.Count();
  }
  return count;
}

}  // namespace core
