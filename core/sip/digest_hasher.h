#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX and EVP_MD, which stay behind digest_hasher.cc.
struct evp_md_st;

namespace core::sip {

enum class DigestAlgorithm : uint8_t { kUnknown, kMd5, kMd5Sess, kSha256, kSha256Sess };

/// The registered name: "SHA-256-sess".
std::string_view Name(DigestAlgorithm algorithm);

/// MD5 and SHA-256 without an allocation per use.
///
/// Thread: one worker's.
class DigestHasher {
 public:
  static constexpr size_t kHexMax = 64;
  using Hex = std::array<char, kHexMax>;

  DigestHasher();
  ~DigestHasher();
  DigestHasher(const DigestHasher&) = delete;
  DigestHasher& operator=(const DigestHasher&) = delete;

  /// The lower-case hex hash of the pieces in a row; the view is into `hex`.
  std::string_view Hash(DigestAlgorithm algorithm, std::initializer_list<std::string_view> pieces,
                        Hex* hex);
  /// HMAC-SHA-256 (RFC 2104) in hex, under a key of at most 64 bytes.
  std::string_view Mac(std::string_view key, std::initializer_list<std::string_view> pieces,
                       Hex* hex);

 private:
  evp_md_st* md5_;
  evp_md_st* sha256_;
  evp_md_ctx_st* md5_context_;
  evp_md_ctx_st* sha256_context_;
};

/// Equal, in a time that does not tell where they differ.
bool EqualsInConstantTime(std::string_view a, std::string_view b);

}  // namespace core::sip
