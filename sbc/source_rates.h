#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/address.h"
#include "core/base/check.h"
#include "core/base/instant.h"
#include "core/base/lazy_array.h"
#include "core/base/siphash.h"

namespace sbc {

/// At most `per_second` new calls of each source in any one second, so that one source cannot use
/// up the rate of all.
///
/// Shape:    kPlaces rings of the last moments, as in RateWindow, found by a keyed hash; a ring's
///           memory is touched only when its source calls. Two sources that share a place share its
///           rate too, which with admitted sources (a few PBXs) does not come to pass, and
///           strangers never get here.
/// Lifetime: all memory is mapped at construction. Nothing else allocates.
/// Errors:   a refused call leaves no trace.
/// Thread:   one worker's.
class SourceRates {
 public:
  static constexpr size_t kPlaces = 1024;
  static constexpr uint32_t kLimitMax = 10'000;  // 80 MB of address space.

  /// `per_second` 0: no limit.
  SourceRates(uint32_t per_second, const core::HashKey& key)
      : per_second_(per_second),
        key_(key),
        places_(per_second == 0 ? 0 : kPlaces),
        moments_(std::make_unique<core::LazyArray<core::Instant>>(kPlaces * per_second)) {
    CHECK(per_second <= kLimitMax);
  }

  uint32_t per_second() const { return per_second_; }

  [[nodiscard]] bool Admit(const core::IpAddress& source, core::Instant now) {
    if (per_second_ == 0) return true;
    const auto& bytes = source.bytes();
    const uint64_t hash =
        core::SipHash(key_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    const size_t index = hash % kPlaces;
    Place& place = places_[index];
    // Where the next one goes stands the one `per_second` calls ago.
    core::Instant& moment = (*moments_)[index * per_second_ + place.next];
    if (place.count == per_second_ && now - moment < std::chrono::seconds(1)) return false;
    moment = now;
    place.next = (place.next + 1) % per_second_;
    if (place.count < per_second_) ++place.count;
    return true;
  }

 private:
  struct Place {
    uint32_t next = 0;
    uint32_t count = 0;
  };
  uint32_t per_second_;
  core::HashKey key_;
  std::vector<Place> places_;
  std::unique_ptr<core::LazyArray<core::Instant>> moments_;
};

}  // namespace sbc
