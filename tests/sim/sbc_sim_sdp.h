#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/dice.h"

namespace tests {

/// What one end of a conversation says of its media, as it stands now.
///
/// Shape: plain; Text() is the description. PCMU is always in it, since that is what they speak.
struct SpokenSdp {
  std::string address;
  uint16_t port = 0;
  uint32_t version = 1;  // Of o=: the one who changes something raises it (RFC 3264 §8).
  std::vector<uint8_t> formats{0};
  std::string direction{};  // "sendonly" and the like; empty: none is said.
  bool address_in_media = false;
  bool says_rtcp = false;
  bool refused_line = false;  // A second line of audio, which is refused.

  std::string Text() const;
  /// An end's first offer.
  static SpokenSdp Draw(Dice* dice, const std::string& address, uint16_t port);
  /// An end's answer to that one.
  static SpokenSdp DrawAnswer(Dice* dice, const std::string& address, uint16_t port,
                              const SpokenSdp& offer);
};

}  // namespace tests
