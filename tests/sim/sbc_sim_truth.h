#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/instant.h"

namespace tests {

// What the network brought to the SBC of one end's media, in the order in which it came, and what
// follows from that: made by nobody's reader but these few lines.

/// A packet of voice, or of a key that was pressed (RFC 4733).
struct BroughtRtp {
  core::Instant at;
  uint16_t number = 0;
  uint32_t timestamp = 0;
  uint8_t type = 0;
  uint8_t key = 0;  // Of a key's packet, as the next two.
  bool ends = false;
  uint16_t ticks = 0;
  bool is_break = false;  // No packet: the call became a fax here.

  static BroughtRtp Read(core::Instant at, std::string_view bytes);
  bool is_key() const { return type == 101; }
};

/// What statistics of RFC 3550 must say of them, of 8 kHz and one SSRC.
struct VoiceTruth {
  uint64_t packets = 0;
  uint64_t keys = 0;                  // Packets of keys among them.
  uint64_t distinct = 0;              // Each number once,
  uint64_t voices = 0;                // and of these the voice's.
  uint64_t lost = 0;                  // Of each run between breaks, from its first to its last.
  bool unproved = false;              // One that passed was taken for nobody's, as a break came.
  std::optional<uint32_t> jitter_16;  // Appendix A.8's, in ticks / 16.
  uint32_t jitter_max_16 = 0;

  static VoiceTruth Of(std::span<const BroughtRtp> brought);
};

/// A key and how long it was said to be pressed.
struct PressedKey {
  uint8_t key = 0;
  uint32_t ms = 0;
  friend bool operator==(const PressedKey&, const PressedKey&) = default;
};
std::string Text(const std::vector<PressedKey>& keys);

/// The keys whose end who gets these packets has heard of: by their end bit, by the next key, or by
/// voice that comes 200 ms after them.
std::vector<PressedKey> KeysEnded(std::span<const BroughtRtp> brought);
/// The keys that begin in them, as a receiver takes them that does not go back in time.
std::vector<PressedKey> KeysBegun(std::span<const BroughtRtp> got);

/// As RFC 5761 §4 tells it from RTP at the same port.
bool LooksLikeRtcp(std::string_view datagram);
/// What is none of it.
std::vector<std::string> PicturesIn(const std::vector<std::string>& datagrams);

/// A compound of RTCP that came.
struct BroughtRtcp {
  core::Instant at;
  std::string bytes;
};
/// What these ask the sender of a video for: "nack 7", "pli", "fir 3". RTP among them is passed
/// over.
std::vector<std::string> RequestsIn(const std::vector<std::string>& datagrams);
/// Those of them that may cross: a compound in 10 ms, a request for a picture in 200 ms.
std::vector<std::string> RequestsThatPass(const std::vector<BroughtRtcp>& brought);

}  // namespace tests
