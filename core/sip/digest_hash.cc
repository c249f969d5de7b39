#include "core/sip/digest_hash.h"

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#include "core/base/check.h"

// OpenSSL 3 would rather see EVP than these functions, but its EVP allocates at each start of a
// hash (3.0, as Debian 12 has it), and nothing here is allocated per message. With them a hash
// lives on the stack; CMakeLists.txt silences the advice for this file.

namespace core::sip {
namespace {

std::string_view ToHex(const unsigned char* bytes, size_t size, DigestHex* hex) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; ++i) {
    (*hex)[2 * i] = kDigits[bytes[i] >> 4];
    (*hex)[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return {hex->data(), 2 * size};
}

}  // namespace

std::string_view Name(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::kUnknown:
      return "";
    case DigestAlgorithm::kMd5:
      return "MD5";
    case DigestAlgorithm::kMd5Sess:
      return "MD5-sess";
    case DigestAlgorithm::kSha256:
      return "SHA-256";
    case DigestAlgorithm::kSha256Sess:
      return "SHA-256-sess";
  }
  return "";
}

std::string_view DigestHash(DigestAlgorithm algorithm,
                            std::initializer_list<std::string_view> pieces, DigestHex* hex) {
  CHECK(algorithm != DigestAlgorithm::kUnknown);
  if (algorithm == DigestAlgorithm::kMd5 || algorithm == DigestAlgorithm::kMd5Sess) {
    MD5_CTX context;
    unsigned char digest[MD5_DIGEST_LENGTH];
    CHECK(MD5_Init(&context) == 1);
    for (const auto piece : pieces) CHECK(MD5_Update(&context, piece.data(), piece.size()) == 1);
    CHECK(MD5_Final(digest, &context) == 1);
    return ToHex(digest, sizeof(digest), hex);
  }
  SHA256_CTX context;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  CHECK(SHA256_Init(&context) == 1);
  for (const auto piece : pieces) CHECK(SHA256_Update(&context, piece.data(), piece.size()) == 1);
  CHECK(SHA256_Final(digest, &context) == 1);
  return ToHex(digest, sizeof(digest), hex);
}

std::string_view DigestMac(std::string_view key, std::initializer_list<std::string_view> pieces,
                           DigestHex* hex) {
  CHECK(key.size() <= SHA256_CBLOCK);
  unsigned char inner[SHA256_CBLOCK];
  unsigned char outer[SHA256_CBLOCK];
  for (size_t i = 0; i < SHA256_CBLOCK; ++i) {
    const auto byte = static_cast<unsigned char>(i < key.size() ? key[i] : 0);
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  SHA256_CTX context;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  CHECK(SHA256_Init(&context) == 1 && SHA256_Update(&context, inner, sizeof(inner)) == 1);
  for (const auto piece : pieces) CHECK(SHA256_Update(&context, piece.data(), piece.size()) == 1);
  CHECK(SHA256_Final(digest, &context) == 1);
  CHECK(SHA256_Init(&context) == 1 && SHA256_Update(&context, outer, sizeof(outer)) == 1);
  CHECK(SHA256_Update(&context, digest, sizeof(digest)) == 1);
  CHECK(SHA256_Final(digest, &context) == 1);
  return ToHex(digest, sizeof(digest), hex);
}

bool EqualsInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace core::sip
