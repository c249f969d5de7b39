#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace core::sip {

enum class DigestAlgorithm : uint8_t { kUnknown, kMd5, kMd5Sess, kSha256, kSha256Sess };

/// The registered name: "SHA-256-sess".
std::string_view Name(DigestAlgorithm algorithm);

/// Room for a hash in hex.
using DigestHex = std::array<char, 64>;

/// The lower-case hex hash of the pieces in a row, MD5 or SHA-256; the view is into `hex`.
std::string_view DigestHash(DigestAlgorithm algorithm,
                            std::initializer_list<std::string_view> pieces, DigestHex* hex);

/// HMAC-SHA-256 (RFC 2104) in hex, under a key of at most 64 bytes.
std::string_view DigestMac(std::string_view key, std::initializer_list<std::string_view> pieces,
                           DigestHex* hex);

/// Equal, in a time that does not tell where they differ.
bool EqualsInConstantTime(std::string_view a, std::string_view b);

}  // namespace core::sip
