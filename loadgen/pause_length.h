#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/instant.h"

namespace loadgen {

/// How long a pause of so many milliseconds is, whatever number a scenario came to: none where that
/// is below one or no number, as SIPp has it, and thirty years at most.
inline core::Duration PauseLength(double milliseconds) {
  constexpr double kLongest = 1e12;
  if (!(milliseconds >= 1)) return core::Duration{0};
  return std::chrono::milliseconds(static_cast<int64_t>(std::min(milliseconds, kLongest)));
}

}  // namespace loadgen
