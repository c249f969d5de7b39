#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace loadgen {

/// A WAV file, read in place: what it says of its samples, and the samples.
///
/// Lifetime: borrows the bytes it was parsed from.
struct WavFile {
  static constexpr uint16_t kPcm = 1;
  static constexpr uint16_t kALaw = 6;
  static constexpr uint16_t kMuLaw = 7;

  uint16_t format = 0;  // Its tag; of an extensible one, that of its subformat.
  uint16_t channels = 0;
  uint32_t rate_hz = 0;
  uint16_t bits = 0;  // Of a sample.
  std::string_view samples;
};

/// Whether these are the bytes of a WAV file, rather than of samples alone.
bool LooksLikeWav(std::string_view bytes);

/// Errors: what is missing or too short. A data chunk that says to be longer than the file, as
///         programs leave it that were stopped, ends with the file.
absl::StatusOr<WavFile> ParseWav(std::string_view bytes);

}  // namespace loadgen
