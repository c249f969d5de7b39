#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace core {

/// The first of `a` or `b` in [at, end), or `end`. Sixteen bytes a step where the machine has SSE2,
/// eight a step elsewhere; never a byte outside the range.
inline const char* FindEither(const char* at, const char* end, char a, char b) {
#if defined(__SSE2__)
  const __m128i first = _mm_set1_epi8(a);
  const __m128i second = _mm_set1_epi8(b);
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(block, first), _mm_cmpeq_epi8(block, second));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hits));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#else
  static_assert(std::endian::native == std::endian::little, "countr_zero finds the first byte");
  constexpr uint64_t kOnes = 0x0101010101010101u;
  constexpr uint64_t kTops = 0x8080808080808080u;
  const uint64_t first = kOnes * static_cast<unsigned char>(a);
  const uint64_t second = kOnes * static_cast<unsigned char>(b);
  for (; end - at >= 8; at += 8) {
    uint64_t block;
    std::memcpy(&block, at, 8);
    const uint64_t x = block ^ first;
    const uint64_t y = block ^ second;
    // A zero byte borrows from above it, so only the lowest hit is sure; that is the one we want.
    const uint64_t hits = (((x - kOnes) & ~x) | ((y - kOnes) & ~y)) & kTops;
    if (hits != 0) return at + std::countr_zero(hits) / 8;
  }
#endif
  while (at != end && *at != a && *at != b) ++at;
  return at;
}

}  // namespace core
