// SipHash-1-3 is the published function, for every length of the last block: against the vectors of
// Rust's standard library and what CPython 3.11 computes for bytes under the zero key.

#include "core/base/siphash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace core {
namespace {

TEST(SipHashTest, MatchesTheVectorsOfTheReferenceKey) {
  // The key is bytes 0 to 15; the message of length n is bytes 0 to n - 1.
  const HashKey key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  const struct {
    size_t size;
    uint64_t hash;
  } vectors[] = {{0, 0xabac0158050fc4dcu}, {1, 0xc9f49bf37d57ca93u}, {2, 0x82cb9b024dc7d44du},
                 {3, 0x8bf80ab8e7ddf7fbu}, {8, 0x369095118d299a8eu}, {15, 0xd320d86d2a519956u},
                 {63, 0x9d199062b7bbb3a8u}};
  for (const auto& vector : vectors) {
    std::string message;
    for (size_t i = 0; i < vector.size; ++i) message.push_back(static_cast<char>(i));
    EXPECT_EQ(SipHash(key, message), vector.hash) << vector.size;
  }
}

TEST(SipHashTest, MatchesAnotherImplementationUnderTheZeroKey) {
  const HashKey key = {0, 0};
  EXPECT_EQ(SipHash(key, "a"), 0x407448d2b89b1813u);
  EXPECT_EQ(SipHash(key, "abcdefg"), 0x6db12aae9070f506u);
  EXPECT_EQ(SipHash(key, "abcdefgh"), 0x3f7b849c0b8e35eau);
  EXPECT_EQ(SipHash(key, "abcdefghi"), 0xf89b34a3d11eb6e5u);
  EXPECT_EQ(SipHash(key, "the quick brown fox jumps over the lazy dog"), 0x80a65583f613da2du);
}

TEST(SipHashTest, EveryKeyBitAndEveryByteCounts) {
  const HashKey key = {1, 2};
  const std::string message = "z9hG4bK74bf9, 17 bytes or so";
  std::set<uint64_t> hashes = {SipHash(key, message)};
  for (int bit = 0; bit < 64; ++bit) {
    hashes.insert(SipHash({key[0] ^ (uint64_t{1} << bit), key[1]}, message));
    hashes.insert(SipHash({key[0], key[1] ^ (uint64_t{1} << bit)}, message));
  }
  for (size_t i = 0; i < message.size(); ++i) {
    std::string changed = message;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    hashes.insert(SipHash(key, changed));
    hashes.insert(SipHash(key, message.substr(0, i)));
  }
  EXPECT_EQ(hashes.size(), 1 + 128 + 2 * message.size());
}

}  // namespace
}  // namespace core
