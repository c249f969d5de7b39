#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/lazy_array.h"

namespace core {

/// Values found by a 64-bit hash that the caller made; a multimap, as hashes may meet.
///
/// Shape:  at most `capacity` values. Open addressing over twice as many places or more, fixed at
///         construction: nothing is allocated, moved to another table or rehashed later, which
///         absl's tables do once erased places have piled up, at a moment of their own choosing.
/// Errors: Insert() past the capacity is our own fault: its values are counted by a pool.
/// Thread: one worker's.
template <typename Value>
class FixedHashMap {
 public:
  explicit FixedHashMap(size_t capacity)
      : capacity_(capacity), places_(std::bit_ceil(capacity * 2 + 1)), mask_(places_.size() - 1) {}

  void Insert(uint64_t hash, const Value& value) {
    CHECK(size_ < capacity_);
    size_t at = hash & mask_;
    while (places_[at].used) at = (at + 1) & mask_;
    places_[at] = {hash, value, true};
    ++size_;
  }

  /// The first value of this hash that `is_it(value)` is true for; null where there is none. Good
  /// until the next Insert() or Erase().
  template <typename Predicate>
  const Value* Find(uint64_t hash, Predicate&& is_it) const {
    for (size_t at = hash & mask_; places_[at].used; at = (at + 1) & mask_) {
      if (places_[at].hash == hash && is_it(places_[at].value)) return &places_[at].value;
    }
    return nullptr;
  }

  /// Takes out one value; false where it was not in.
  bool Erase(uint64_t hash, const Value& value) {
    size_t at = hash & mask_;
    for (; places_[at].used; at = (at + 1) & mask_) {
      if (places_[at].hash == hash && places_[at].value == value) break;
    }
    if (!places_[at].used) return false;
    CloseGap(at);
    --size_;
    return true;
  }

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }

 private:
  struct Place {
    uint64_t hash = 0;
    Value value{};
    bool used = false;
  };

  // Moves up what stands behind the gap and would not be found across it. No tombstones, so a table
  // in its tenth year is as fast as on its first day.
  void CloseGap(size_t gap) {
    for (size_t at = (gap + 1) & mask_; places_[at].used; at = (at + 1) & mask_) {
      const size_t home = places_[at].hash & mask_;
      if (((at - home) & mask_) < ((at - gap) & mask_)) continue;  // Its home lies behind the gap.
      places_[gap] = places_[at];
      gap = at;
    }
    places_[gap] = {};
  }

  size_t capacity_;
  LazyArray<Place> places_;
  size_t mask_;
  size_t size_ = 0;
};

}  // namespace core
