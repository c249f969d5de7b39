#pragma once

#include <algorithm>
#include <chrono>

#include "core/base/instant.h"

namespace core::sip {

/// The timers of RFC 3261 §17 (its table 4) and of RFC 6026, from the three values that they derive
/// from.
///
/// Shape: `reliable` is true over TCP and TLS: nothing is sent again there, and nothing lingers to
///        absorb repeats. A, E and G are first intervals; they double (E and G up to t2).
struct TimerValues {
  Duration t1 = std::chrono::milliseconds(500);  // A guess of the round-trip time.
  Duration t2 = std::chrono::seconds(4);  // The longest interval of a non-INVITE or of a response.
  Duration t4 = std::chrono::seconds(5);  // The longest that a message stays in the network.

  constexpr Duration A() const { return t1; }
  constexpr Duration B() const { return 64 * t1; }
  constexpr Duration D(bool reliable) const {
    // At least 32 s, whatever our t1: it waits for the other side's timer H, by its t1.
    return reliable ? Duration{} : std::max<Duration>(64 * t1, std::chrono::seconds(32));
  }
  constexpr Duration E() const { return t1; }
  constexpr Duration F() const { return 64 * t1; }
  constexpr Duration G() const { return t1; }
  constexpr Duration H() const { return 64 * t1; }
  constexpr Duration I(bool reliable) const { return reliable ? Duration{} : t4; }
  constexpr Duration J(bool reliable) const { return reliable ? Duration{} : 64 * t1; }
  constexpr Duration K(bool reliable) const { return reliable ? Duration{} : t4; }
  constexpr Duration L() const { return 64 * t1; }
  constexpr Duration M() const { return 64 * t1; }
};

}  // namespace core::sip
