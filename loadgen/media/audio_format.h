#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/rtp/codec.h"

namespace loadgen {

/// How audio is cut into RTP packets: what SIPp's rtp_stream knows of a payload type.
///
/// Shape: all of them have a clock of 8 kHz (G.722 too, RFC 3551 §4.5.2).
struct AudioFormat {
  static constexpr uint32_t kClockRateHz = 8000;
  static constexpr uint16_t kFrameBytesMax = 160;

  uint8_t payload_type = 0;
  core::rtp::Codec codec = core::rtp::Codec::kUnknown;
  uint16_t frame_bytes = kFrameBytesMax;  // Of one packet.
  uint16_t frame_ms = 20;
  uint8_t silence = 0;  // What fills a last packet that is not full.
};

/// Errors: nullopt where SIPp's rtp_stream does not know the payload type, or a dynamic one is not
///         iLBC/8000. (`name` is only looked at for those: SIPp ignores it for the others.)
std::optional<AudioFormat> FindAudioFormat(uint8_t payload_type, std::string_view name);

}  // namespace loadgen
