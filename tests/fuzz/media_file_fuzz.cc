// Whatever bytes a media file has: a WAV file's samples lie inside it, and a clip has a byte for
// each of them or for two; a capture's packets lie side by side in its bytes, none empty or too
// long, and their times never go back. What was accepted is accepted again with nothing changed.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "core/base/check.h"
#include "loadgen/media/audio_clip.h"
#include "loadgen/media/pcap_clip.h"
#include "loadgen/media/wav_file.h"

namespace {

using loadgen::PcapClip;
using loadgen::WavFile;

void CheckWav(std::string_view file) {
  const auto wav = loadgen::ParseWav(file);
  if (!wav.ok()) return;
  CHECK(wav->samples.data() >= file.data());
  CHECK(wav->samples.data() + wav->samples.size() <= file.data() + file.size());
}

void CheckClip(std::string_view file, uint8_t payload_type) {
  const auto clip = loadgen::MakeAudioClip(file, *loadgen::FindAudioFormat(payload_type, ""));
  if (!clip.ok()) return;
  CHECK(!clip->bytes.empty() && clip->bytes.size() <= file.size());
  if (loadgen::LooksLikeWav(file)) {
    const auto wav = loadgen::ParseWav(file);
    CHECK(wav.ok());
    const size_t samples = wav->samples.size();
    CHECK(clip->bytes.size() == (wav->format == WavFile::kPcm ? samples / 2 : samples));
  }
}

void CheckPcap(std::string_view file) {
  const auto clip = loadgen::ParsePcap(file);
  if (!clip.ok()) return;
  CHECK(!clip->packets.empty() && clip->packets.front().at == core::Duration{0});
  size_t end = 0;
  core::Duration latest{0};
  for (const PcapClip::Packet& packet : clip->packets) {
    CHECK(packet.begin == end && packet.size > 0 && packet.size <= PcapClip::kPacketBytesMax);
    CHECK(packet.at >= latest);
    latest = packet.at;
    end += packet.size;
  }
  CHECK(end == clip->bytes.size());
  const auto again = loadgen::ParsePcap(file);
  CHECK(again.ok() && again->bytes == clip->bytes && again->left_out == clip->left_out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // In a block of its exact size, so that AddressSanitizer sees the first byte read past its end.
  const auto exact = std::make_unique<char[]>(size);
  std::memcpy(exact.get(), data, size);
  const std::string_view file(exact.get(), size);
  CheckWav(file);
  for (const uint8_t payload_type : {uint8_t{0}, uint8_t{8}, uint8_t{9}}) {
    CheckClip(file, payload_type);
  }
  CheckPcap(file);
  return 0;
}
