#include "loadgen/media/g711.h"

#include <algorithm>
#include <bit>

namespace loadgen {
namespace {

constexpr int kMuBias = 132;    // 33 in the law's 14 bits: makes each segment twice the one below.
constexpr int kMuMost = 32635;  // What is louder has the loudest code.
constexpr uint8_t kAMask = 0x55;  // Every other bit is sent inverted.

}  // namespace

uint8_t EncodeMuLaw(int16_t sample) {
  const int sign = sample < 0 ? 0x80 : 0;
  const int magnitude = std::min(sample < 0 ? -int{sample} : int{sample}, kMuMost) + kMuBias;
  const int segment = static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 8;
  const int step = (magnitude >> (segment + 3)) & 0x0f;
  return static_cast<uint8_t>(~(sign | segment << 4 | step));
}

int16_t DecodeMuLaw(uint8_t code) {
  const int bits = ~code & 0xff;
  const int segment = (bits >> 4) & 7;
  const int magnitude = (((bits & 0x0f) << 3) + kMuBias) << segment;
  return static_cast<int16_t>((bits & 0x80) != 0 ? kMuBias - magnitude : magnitude - kMuBias);
}

uint8_t EncodeALaw(int16_t sample) {
  const int sign = sample < 0 ? 0 : 0x80;
  const int magnitude = (sample < 0 ? ~int{sample} : int{sample}) >> 3;  // 12 bits.
  const int width = static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude)));
  const int segment = std::max(width - 5, 0);
  const int step = (magnitude >> (segment == 0 ? 1 : segment)) & 0x0f;
  return static_cast<uint8_t>((sign | segment << 4 | step) ^ kAMask);
}

int16_t DecodeALaw(uint8_t code) {
  const int bits = code ^ kAMask;
  const int segment = (bits >> 4) & 7;
  int magnitude = ((bits & 0x0f) << 4) + 8;
  if (segment > 0) magnitude = (magnitude + 0x100) << (segment - 1);
  return static_cast<int16_t>((bits & 0x80) != 0 ? magnitude : -magnitude);
}

}  // namespace loadgen
