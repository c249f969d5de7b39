#include "loadgen/media/wav_file.h"

#include <algorithm>

#include "absl/status/status.h"

namespace loadgen {
namespace {

constexpr size_t kRiffBytes = 12;        // "RIFF", size, "WAVE".
constexpr size_t kChunkHeaderBytes = 8;  // Name, size.
constexpr size_t kFormatBytes = 16;
constexpr size_t kExtensibleBytes = 26;  // As far as the subformat's tag.
constexpr uint16_t kExtensible = 0xfffe;

uint32_t Byte(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }

uint16_t Little16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(Byte(bytes, at) | Byte(bytes, at + 1) << 8);
}

uint32_t Little32(std::string_view bytes, size_t at) {
  return Little16(bytes, at) | uint32_t{Little16(bytes, at + 2)} << 16;
}

absl::Status ReadFormat(std::string_view chunk, WavFile* wav) {
  if (chunk.size() < kFormatBytes) return absl::InvalidArgumentError("its fmt chunk is too short");
  wav->format = Little16(chunk, 0);
  wav->channels = Little16(chunk, 2);
  wav->rate_hz = Little32(chunk, 4);
  wav->bits = Little16(chunk, 14);
  if (wav->format != kExtensible) return absl::OkStatus();
  if (chunk.size() < kExtensibleBytes) {
    return absl::InvalidArgumentError("its extensible fmt chunk is too short");
  }
  wav->format = Little16(chunk, 24);
  return absl::OkStatus();
}

}  // namespace

bool LooksLikeWav(std::string_view bytes) {
  return bytes.size() >= kRiffBytes && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WAVE";
}

absl::StatusOr<WavFile> ParseWav(std::string_view bytes) {
  if (!LooksLikeWav(bytes)) return absl::InvalidArgumentError("it is no WAV file");
  WavFile wav;
  bool has_format = false;
  std::string_view left = bytes.substr(kRiffBytes);
  while (left.size() >= kChunkHeaderBytes) {
    const std::string_view name = left.substr(0, 4);
    const size_t size = Little32(left, 4);
    const std::string_view chunk = left.substr(kChunkHeaderBytes, size);
    if (name == "fmt ") {
      if (const absl::Status status = ReadFormat(chunk, &wav); !status.ok()) return status;
      has_format = true;
    }
    if (name == "data") {
      if (!has_format) return absl::InvalidArgumentError("its data stand before its fmt chunk");
      wav.samples = chunk;
      return wav;
    }
    // Chunks begin at even places.
    left.remove_prefix(std::min(left.size(), kChunkHeaderBytes + size + size % 2));
  }
  return absl::InvalidArgumentError("it has no data chunk");
}

}  // namespace loadgen
