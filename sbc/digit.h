#pragma once

#include <cstdint>

namespace sbc {

/// A key that was pressed, and for how long.
struct Digit {
  uint8_t event = 0;  // RFC 4733's code: 0 to 9, 10 is *, 11 is #, 12 to 15 are A to D, 16 flash.
  uint16_t duration_ms = 0;
  friend bool operator==(const Digit&, const Digit&) = default;
};

/// How many may wait on one call, in each direction. Who dials by machine sends a number at once.
inline constexpr unsigned kDigitsWaitingMax = 16;

}  // namespace sbc
