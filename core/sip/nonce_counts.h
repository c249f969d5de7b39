#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/lazy_array.h"

namespace core::sip {

/// Which counts of which nonces were used, so that none serves twice (RFC 7616 §3.4.5). Nonces have
/// serial numbers, and a nonce is kept from its first use on: who is only challenged costs nothing.
///
/// Shape:  kPlaces nonces, each at serial mod kPlaces. A place never goes back to a lower serial:
///         a nonce that was put out of its place by a newer one is refused from then on, used or
///         not. Of each nonce its highest count is kept, and which of the kWindow up to that were
///         used, as requests may overtake each other (RFC 4303 §3.4.3 does so).
/// Thread: one worker's.
class NonceCounts {
 public:
  static constexpr size_t kPlaces = 32768;
  static constexpr uint32_t kWindow = 64;

  NonceCounts() : places_(kPlaces) {}

  /// True the first time for this count of this nonce, and never again. `serial` and `count` are at
  /// least 1.
  [[nodiscard]] bool Use(uint64_t serial, uint32_t count) {
    Place& place = places_[serial % kPlaces];
    if (serial < place.serial) return false;
    if (serial > place.serial) place = {.serial = serial};
    if (count > place.highest) {
      const uint32_t step = count - place.highest;
      place.used = step < kWindow ? place.used << step : 0;
      place.highest = count;
    }
    const uint32_t age = place.highest - count;
    if (age >= kWindow) return false;
    const uint64_t bit = uint64_t{1} << age;
    if ((place.used & bit) != 0) return false;
    place.used |= bit;
    return true;
  }

 private:
  struct Place {
    uint64_t serial = 0;
    uint64_t used = 0;  // Bit i: the count highest - i.
    uint32_t highest = 0;
  };

  LazyArray<Place> places_;
};

}  // namespace core::sip
