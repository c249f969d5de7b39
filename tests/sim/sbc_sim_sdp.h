#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "tests/sim/dice.h"

namespace tests {

/// Where those have their media who agree on some and send none.
inline constexpr char kNobodysMedia[] = "192.0.2.77";
inline constexpr char kNobodysMedia6[] = "fd00::77";

// The numbers of telephone-event, of opus and of the other G.711, whoever says it.
inline constexpr uint8_t kEvents = 101;
inline constexpr uint8_t kOpus = 96;
inline constexpr uint8_t kPcma = 8;

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
  uint8_t video_number = 0;   // Of the format on its line of video; 0: it has none.
  uint16_t video_port = 0;    // 0: no picture is wanted.
  bool video_muxed = false;   // With its RTCP at the same port (RFC 5761).
  bool video_first = false;   // That line stands before the voice's.
  enum class Fax : uint8_t { kNone, kInPlace, kOwnLine };
  Fax fax = Fax::kNone;       // By T.38, in place of the voice or behind it.
  bool has_fax_line = false;  // Once it has one it keeps it (RFC 3264 §8).
  uint16_t fax_port = 0;

  std::string Text() const;
  bool Has(uint8_t format) const;
  /// The first of its voices, as records name it.
  std::string Codec() const;
  /// An end's first offer.
  static SpokenSdp Draw(Dice* dice, const std::string& address, uint16_t port);
  /// An end's answer to that one.
  static SpokenSdp DrawAnswer(Dice* dice, const std::string& address, uint16_t port,
                              const SpokenSdp& offer);
};

/// As it is written where both are: an IPv6 address in brackets.
std::string HostPort(const std::string& address, int port);

/// Where a description says that its sender is to be sent to, by the first line that begins so
/// ("m=audio "). Port 0 where it says nothing of the kind.
core::Endpoint TargetOf(const std::string& sdp, const char* line);

}  // namespace tests
