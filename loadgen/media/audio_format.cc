#include "loadgen/media/audio_format.h"

#include "core/sip/cursor.h"

namespace loadgen {

std::optional<AudioFormat> FindAudioFormat(uint8_t payload_type, std::string_view name) {
  using core::rtp::Codec;
  constexpr uint8_t kFirstDynamic = 96;
  switch (payload_type) {
    case 0:
      return AudioFormat{.payload_type = 0, .codec = Codec::kPcmu, .silence = 0xff};
    case 8:
      return AudioFormat{.payload_type = 8, .codec = Codec::kPcma, .silence = 0xd5};
    case 9:
      return AudioFormat{.payload_type = 9, .codec = Codec::kG722};
    case 18:
      return AudioFormat{.payload_type = 18, .codec = Codec::kG729, .frame_bytes = 20};
    default:
      break;
  }
  if (payload_type < kFirstDynamic || payload_type > 127) return std::nullopt;
  if (!core::sip::EqualsIgnoreCase(name, "iLBC/8000")) return std::nullopt;
  return AudioFormat{.payload_type = payload_type, .frame_bytes = 50, .frame_ms = 30};
}

}  // namespace loadgen
