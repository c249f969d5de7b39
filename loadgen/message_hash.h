#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace loadgen {

/// A keyed 64-bit hash of a whole message, 16 bytes a multiplication: what tells a retransmission
/// from a new message of the same call. (Folded multiplication, after Wang Yi's wyhash.)
///
/// A peer that does not know the key cannot aim at another message's hash; it protects one call's
/// bookkeeping and no table, for which core::SipHash() is.
inline uint64_t HashMessage(uint64_t key, std::string_view bytes) {
  __extension__ using Wide = unsigned __int128;
  const auto fold = [](uint64_t a, uint64_t b) {
    const Wide product = Wide{a} * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  constexpr uint64_t kOne = 0xa0761d6478bd642fu;
  constexpr uint64_t kTwo = 0xe7037ed1a0b428dbu;
  uint64_t hash = key ^ fold(bytes.size() ^ kOne, kTwo);
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t words[2];
  for (; left >= sizeof(words); left -= sizeof(words), at += sizeof(words)) {
    std::memcpy(words, at, sizeof(words));
    hash = fold(words[0] ^ kOne ^ hash, words[1] ^ kTwo ^ key);
  }
  words[0] = words[1] = 0;
  if (left > 0) std::memcpy(words, at, left);
  return fold(fold(words[0] ^ kOne ^ hash, words[1] ^ kTwo ^ key), kOne ^ key);
}

}  // namespace loadgen
