#include "loadgen/media/audio_clip.h"

#include "absl/status/status.h"
#include "core/base/concat.h"
#include "core/base/status.h"
#include "loadgen/media/g711.h"
#include "loadgen/media/wav_file.h"

namespace loadgen {
namespace {

using core::rtp::Codec;

std::vector<uint8_t> EncodeG711(std::string_view samples, Codec codec) {
  std::vector<uint8_t> bytes;
  bytes.reserve(samples.size() / 2);
  for (size_t i = 0; i + 1 < samples.size(); i += 2) {
    const auto low = static_cast<unsigned char>(samples[i]);
    const auto high = static_cast<unsigned char>(samples[i + 1]);
    const auto sample = static_cast<int16_t>(low | high << 8);
    bytes.push_back(codec == Codec::kPcmu ? EncodeMuLaw(sample) : EncodeALaw(sample));
  }
  return bytes;
}

absl::StatusOr<std::vector<uint8_t>> ReadWav(std::string_view file, const AudioFormat& format) {
  absl::StatusOr<WavFile> wav = ParseWav(file);
  RETURN_IF_ERROR(wav.status());
  const auto payload = static_cast<unsigned>(format.payload_type);
  if (wav->channels != 1 || wav->rate_hz != AudioFormat::kClockRateHz) {
    return absl::InvalidArgumentError(core::Concat("a WAV file of ", wav->rate_hz, " Hz and ",
                                                   unsigned{wav->channels},
                                                   " channels; wanted 8000 Hz and 1"));
  }
  const Codec own = wav->format == WavFile::kMuLaw  ? Codec::kPcmu
                    : wav->format == WavFile::kALaw ? Codec::kPcma
                                                    : Codec::kUnknown;
  if (own != Codec::kUnknown) {
    if (own == format.codec) return std::vector<uint8_t>(wav->samples.begin(), wav->samples.end());
    return absl::InvalidArgumentError(
        core::Concat("a WAV file of ", own == Codec::kPcmu ? "mu-law" : "A-law",
                     "; wanted payload type ", own == Codec::kPcmu ? "0" : "8", ", not ", payload));
  }
  if (wav->format != WavFile::kPcm || wav->bits != 16) {
    return absl::InvalidArgumentError(core::Concat("a WAV file of format ", unsigned{wav->format},
                                                   " and ", unsigned{wav->bits},
                                                   " bits; wanted PCM of 16, mu-law or A-law"));
  }
  if (format.codec != Codec::kPcmu && format.codec != Codec::kPcma) {
    return absl::InvalidArgumentError(core::Concat(
        "a WAV file of PCM; wanted payload type 0 or 8, as which it can be encoded, not ",
        payload));
  }
  return EncodeG711(wav->samples, format.codec);
}

}  // namespace

absl::StatusOr<AudioClip> MakeAudioClip(std::string_view file, const AudioFormat& format) {
  AudioClip clip{.format = format, .bytes = {}};
  if (LooksLikeWav(file)) {
    absl::StatusOr<std::vector<uint8_t>> bytes = ReadWav(file, format);
    RETURN_IF_ERROR(bytes.status());
    clip.bytes = *std::move(bytes);
  } else {
    clip.bytes.assign(file.begin(), file.end());
  }
  if (clip.bytes.empty()) return absl::InvalidArgumentError("it holds no audio");
  return clip;
}

}  // namespace loadgen
