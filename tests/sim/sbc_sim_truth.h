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

/// Types that no description has.
inline constexpr uint8_t kUselessTypes[] = {3, 15, 34, 77, 127};

/// A packet of voice, or of a key that was pressed (RFC 4733).
struct BroughtRtp {
  core::Instant at;
  uint16_t number = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
  size_t bytes = 0;  // From the header on.
  uint8_t type = 0;
  uint8_t key = 0;  // Of a key's packet, as the next two.
  bool ends = false;
  uint16_t ticks = 0;
  bool is_break = false;  // No packet: here it was held, or the call became a fax.

  static BroughtRtp Read(core::Instant at, std::string_view bytes);
  bool is_key() const { return type == 101; }
  bool is_of_no_use() const;  // Its type is none that anybody agrees on.
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
/// The SSRC of whose reports it answers, so that who sent that knows how long it was gone.
std::optional<uint32_t> AnsweredSsrc(std::string_view rtcp);
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
