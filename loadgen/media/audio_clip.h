#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "loadgen/media/audio_format.h"

namespace loadgen {

/// What rtp_stream plays: encoded audio as packets carry it.
///
/// Shape:    at least one byte.
/// Lifetime: owns its bytes; made at start, then only read.
struct AudioClip {
  AudioFormat format;
  std::vector<uint8_t> bytes;
};

/// From a file's bytes: a WAV file of 8 kHz mono (16 bit PCM is encoded as the payload type wants;
/// mu-law and A-law pass as they are), or whatever the codec's encoder wrote, as SIPp takes it.
///
/// Errors: what the file is, and what was wanted.
absl::StatusOr<AudioClip> MakeAudioClip(std::string_view file, const AudioFormat& format);

}  // namespace loadgen
