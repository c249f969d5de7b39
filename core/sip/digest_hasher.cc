#include "core/sip/digest_hasher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstring>

#include "core/base/check.h"

namespace core::sip {
namespace {

constexpr size_t kBlockSize = 64;  // Of SHA-256, RFC 2104's B.
constexpr size_t kDigestMax = 32;

std::string_view ToHex(const unsigned char* bytes, size_t size, DigestHasher::Hex* hex) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; ++i) {
    (*hex)[2 * i] = kDigits[bytes[i] >> 4];
    (*hex)[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return {hex->data(), 2 * size};
}

// OpenSSL fails here only where a context or algorithm is broken, which the constructor checked.
void Start(EVP_MD_CTX* context, const EVP_MD* algorithm) {
  CHECK(EVP_DigestInit_ex(context, algorithm, nullptr) == 1);
}
void Update(EVP_MD_CTX* context, const void* bytes, size_t size) {
  CHECK(EVP_DigestUpdate(context, bytes, size) == 1);
}
size_t End(EVP_MD_CTX* context, unsigned char* digest) {
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(context, digest, &size) == 1 && size <= kDigestMax);
  return size;
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

// Each algorithm is fetched once and keeps its own context: to change a context's algorithm, or to
// name one without fetching it, allocates.
DigestHasher::DigestHasher()
    : md5_(EVP_MD_fetch(nullptr, "MD5", nullptr)),
      sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
      md5_context_(EVP_MD_CTX_new()),
      sha256_context_(EVP_MD_CTX_new()) {
  CHECK(md5_ != nullptr && sha256_ != nullptr);
  CHECK(md5_context_ != nullptr && sha256_context_ != nullptr);
  Start(md5_context_, md5_);
  Start(sha256_context_, sha256_);
}

DigestHasher::~DigestHasher() {
  EVP_MD_CTX_free(md5_context_);
  EVP_MD_CTX_free(sha256_context_);
  EVP_MD_free(md5_);
  EVP_MD_free(sha256_);
}

std::string_view DigestHasher::Hash(DigestAlgorithm algorithm,
                                    std::initializer_list<std::string_view> pieces, Hex* hex) {
  CHECK(algorithm != DigestAlgorithm::kUnknown);
  const bool is_md5 = algorithm == DigestAlgorithm::kMd5 || algorithm == DigestAlgorithm::kMd5Sess;
  EVP_MD_CTX* context = is_md5 ? md5_context_ : sha256_context_;
  Start(context, is_md5 ? md5_ : sha256_);
  for (const std::string_view piece : pieces) Update(context, piece.data(), piece.size());
  unsigned char digest[kDigestMax];
  const size_t size = End(context, digest);
  return ToHex(digest, size, hex);
}

std::string_view DigestHasher::Mac(std::string_view key,
                                   std::initializer_list<std::string_view> pieces, Hex* hex) {
  CHECK(key.size() <= kBlockSize);
  unsigned char inner[kBlockSize];
  unsigned char outer[kBlockSize];
  for (size_t i = 0; i < kBlockSize; ++i) {
    const auto byte = static_cast<unsigned char>(i < key.size() ? key[i] : 0);
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  unsigned char digest[kDigestMax];
  Start(sha256_context_, sha256_);
  Update(sha256_context_, inner, sizeof(inner));
  for (const std::string_view piece : pieces) Update(sha256_context_, piece.data(), piece.size());
  size_t size = End(sha256_context_, digest);
  Start(sha256_context_, sha256_);
  Update(sha256_context_, outer, sizeof(outer));
  Update(sha256_context_, digest, size);
  size = End(sha256_context_, digest);
  return ToHex(digest, size, hex);
}

bool EqualsInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace core::sip
