#pragma once

#include <cstdint>
#include <vector>

#include "core/base/address.h"
#include "core/base/instant.h"
#include "core/base/siphash.h"

namespace sbc {

/// New calls of each source in the running second, so that one source cannot use up the rate of
/// all.
///
/// Shape:  kPlaces places found by a keyed hash; two sources that share one share its rate too,
/// which
///         with admitted sources (a few PBXs) does not come to pass, and strangers never get here.
/// Thread: one worker's.
class SourceRates {
 public:
  static constexpr size_t kPlaces = 4096;

  /// `per_second` 0: no limit.
  SourceRates(uint32_t per_second, const core::HashKey& key)
      : per_second_(per_second), key_(key), places_(per_second == 0 ? 0 : kPlaces) {}

  uint32_t per_second() const { return per_second_; }

  [[nodiscard]] bool Admit(const core::IpAddress& source, core::Instant now) {
    if (per_second_ == 0) return true;
    const auto& bytes = source.bytes();
    const uint64_t hash =
        core::SipHash(key_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    Place& place = places_[hash % kPlaces];
    if (now - place.began >= std::chrono::seconds(1)) place = {now, 0};
    if (place.count == per_second_) return false;
    ++place.count;
    return true;
  }

 private:
  struct Place {
    core::Instant began{};
    uint32_t count = 0;
  };
  uint32_t per_second_;
  core::HashKey key_;
  std::vector<Place> places_;
};

}  // namespace sbc
