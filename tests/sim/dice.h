#pragma once

#include <cstdint>

#include "core/base/instant.h"
#include "core/base/random.h"

namespace tests {

/// All chance of one seed, in words that plans are made of.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  bool Chance(double p) { return random_.Chance(p); }
  size_t Below(size_t n) { return static_cast<size_t>(random_.Below(n)); }
  core::Duration Within(core::Duration longest) {
    return core::Duration(
        static_cast<int64_t>(random_.Below(static_cast<uint64_t>(longest.count()) + 1)));
  }
  template <typename T, size_t kSize>
  T Of(const T (&values)[kSize]) {
    return values[Below(kSize)];
  }

 private:
  core::Random random_;
};

}  // namespace tests
