#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/rtp/codec.h"
#include "core/rtp/source.h"

namespace sbc {

/// What the payload types carry that may come from a leg's peer, as far as statistics care.
///
/// Shape:  kFormatsMax types of kClocksMax clocks, in 20 bytes, beside those that mean what
///         RFC 3551 has for them: PCMU, PCMA, G722, G729 and comfort noise take no room. Any other
///         that finds none, or was never noted, is voice of an unknown codec whose clock is not
///         known; so who notes more than that notes events and noise first.
/// Thread: one worker's.
class SentFormats {
 public:
  static constexpr size_t kFormatsMax = 7;
  static constexpr size_t kClocksMax = 3;

  struct Meaning {
    core::rtp::PayloadKind kind = core::rtp::PayloadKind::kAudio;
    core::rtp::Codec codec = core::rtp::Codec::kUnknown;
    uint32_t clock_rate_hz = 0;  // 0: not known.

    friend bool operator==(const Meaning&, const Meaning&) = default;
  };

  SentFormats() { types_.fill(kFree); }

  /// What was noted of a type first, counts.
  void Note(uint8_t payload_type, const Meaning& meaning) {
    const auto known = std::find(types_.begin(), types_.end(), payload_type);
    const auto free = std::find(types_.begin(), types_.end(), kFree);
    if (known != types_.end() || free == types_.end()) return;
    if (meaning == StaticMeaningOf(payload_type)) return;
    *free = payload_type;
    meanings_[static_cast<size_t>(free - types_.begin())] = static_cast<uint8_t>(
        static_cast<uint32_t>(meaning.kind) | static_cast<uint32_t>(meaning.codec) << kCodecShift |
        PlaceOf(meaning.clock_rate_hz) << kClockShift);
  }

  Meaning Find(uint8_t payload_type) const {
    const auto found = std::find(types_.begin(), types_.end(), payload_type);
    if (found == types_.end()) return StaticMeaningOf(payload_type);
    const uint32_t bits = meanings_[static_cast<size_t>(found - types_.begin())];
    const size_t clock = bits >> kClockShift;
    return {static_cast<core::rtp::PayloadKind>(bits & kKindMask),
            static_cast<core::rtp::Codec>(bits >> kCodecShift & kCodecMask),
            clock == 0 ? 0 : clocks_[clock - 1] * kClockUnitHz};
  }

 private:
  static constexpr Meaning StaticMeaningOf(uint8_t payload_type) {  // RFC 3551 §6.
    switch (payload_type) {
      case 0:
        return {core::rtp::PayloadKind::kAudio, core::rtp::Codec::kPcmu, 8000};
      case 8:
        return {core::rtp::PayloadKind::kAudio, core::rtp::Codec::kPcma, 8000};
      case 9:
        return {core::rtp::PayloadKind::kAudio, core::rtp::Codec::kG722, 8000};
      case 13:
        return {core::rtp::PayloadKind::kComfortNoise, core::rtp::Codec::kUnknown, 8000};
      case 18:
        return {core::rtp::PayloadKind::kAudio, core::rtp::Codec::kG729, 8000};
      default:
        return {};
    }
  }

  static constexpr uint8_t kFree = 0xff;  // No number of a payload type.
  // All that RFC 3551 and its like name are whole numbers of it; another clock is not known.
  static constexpr uint32_t kClockUnitHz = 25;
  static constexpr uint32_t kKindMask = 3;
  static constexpr uint32_t kCodecMask = 7;
  static constexpr uint32_t kCodecShift = 2;
  static constexpr uint32_t kClockShift = 5;

  uint32_t PlaceOf(uint32_t clock_rate_hz) {  // From 1 on.
    if (clock_rate_hz % kClockUnitHz != 0) return 0;
    if (clock_rate_hz == 0 || clock_rate_hz / kClockUnitHz > 0xffff) return 0;
    for (uint32_t i = 0; i < kClocksMax; ++i) {
      if (clocks_[i] == 0) clocks_[i] = static_cast<uint16_t>(clock_rate_hz / kClockUnitHz);
      if (clocks_[i] == clock_rate_hz / kClockUnitHz) return i + 1;
    }
    return 0;
  }

  std::array<uint8_t, kFormatsMax> types_;
  std::array<uint8_t, kFormatsMax> meanings_{};  // Kind, codec and the place of the clock.
  std::array<uint16_t, kClocksMax> clocks_{};    // In kClockUnitHz; 0: free.
};
static_assert(sizeof(SentFormats) <= 20);

}  // namespace sbc
