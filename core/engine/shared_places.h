#pragma once

#include <atomic>
#include <cstdint>

#include "core/base/check.h"

namespace core::engine {

/// A number of places that all workers share: a bound of the whole node, exact on whichever workers
/// its calls are.
///
/// Use:    once for what begins a call, and once for its end. It is no counter for packets: those
///         are each worker's own (DESIGN.md, section 1).
/// Errors: Take() is false where there is no place.
/// Thread: any. Outlives the workers.
class SharedPlaces {
 public:
  explicit SharedPlaces(uint32_t count) : count_(count) {}
  SharedPlaces(const SharedPlaces&) = delete;
  SharedPlaces& operator=(const SharedPlaces&) = delete;

  /// Takes one, where more than `spare` are free.
  [[nodiscard]] bool Take(uint32_t spare) {
    uint32_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (uint64_t{taken} + spare >= count_) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed));
    return true;
  }
  void Return(uint32_t places) {
    CHECK(taken_.fetch_sub(places, std::memory_order_relaxed) >= places);
  }

  uint32_t taken() const { return taken_.load(std::memory_order_relaxed); }
  uint32_t count() const { return count_; }

 private:
  const uint32_t count_;
  // No other memory is read by what it says, so its order among others does not matter.
  alignas(64) std::atomic<uint32_t> taken_ = 0;
};

}  // namespace core::engine
