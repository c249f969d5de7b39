#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace sbc {

/// One worker's part of what the node has as a whole, rounded up.
constexpr size_t PerWorker(size_t total, uint16_t workers) {
  return (total + workers - 1) / workers;
}

/// How many of the node's calls one worker may have to carry: its part, and as much more as a
/// Call-ID's hash brings once in some ten thousand times (four standard deviations). For what is
/// paid for at start, as sockets are; what is mapped lazily has room for all of them on each.
inline size_t CallsOnOneWorker(size_t calls, uint16_t workers) {
  const size_t share = PerWorker(calls, workers);
  const auto more = static_cast<size_t>(std::ceil(4 * std::sqrt(static_cast<double>(share))));
  return std::min(calls, share + more);
}

}  // namespace sbc
