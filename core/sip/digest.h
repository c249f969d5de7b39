#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/instant.h"
#include "core/sip/parse_error.h"
#include "core/sip/text_writer.h"

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX and EVP_MD, which stay behind digest.cc.
struct evp_md_st;

namespace core::sip {

/// RFC 2617, RFC 7616, RFC 8760. In order of preference, the weakest first.
enum class DigestAlgorithm : uint8_t { kUnknown, kMd5, kMd5Sess, kSha256, kSha256Sess };
enum class DigestQop : uint8_t { kNone, kAuth, kAuthInt };

std::string_view Name(DigestAlgorithm algorithm);

/// WWW-Authenticate or Proxy-Authenticate of scheme Digest (RFC 3261 §20.44).
///
/// Lifetime: borrows the bytes it was read from. Quoted values stand without quotes, still escaped.
struct DigestChallenge {
  std::string_view realm;
  std::string_view nonce;
  std::string_view opaque;
  std::string_view algorithm_text;  // As written; empty where it says none (which means MD5).
  DigestAlgorithm algorithm = DigestAlgorithm::kMd5;
  bool has_opaque = false;
  bool has_qop = false;  // Without it: RFC 2069's form.
  bool qop_auth = false;
  bool qop_auth_int = false;
  bool stale = false;
};
/// kToken: another scheme than Digest. kMissing: no realm or no nonce.
ParseError ParseDigestChallenge(std::string_view value, DigestChallenge* challenge);

/// Authorization or Proxy-Authorization of scheme Digest (RFC 3261 §20.7).
struct DigestCredentials {
  std::string_view username;
  std::string_view realm;
  std::string_view nonce;
  std::string_view uri;
  std::string_view response;
  std::string_view cnonce;
  std::string_view opaque;
  std::string_view nonce_count_text;  // Eight hex digits, as written.
  uint32_t nonce_count = 0;
  DigestAlgorithm algorithm = DigestAlgorithm::kMd5;
  DigestQop qop = DigestQop::kNone;
};
/// kToken: another scheme than Digest.
ParseError ParseDigestCredentials(std::string_view value, DigestCredentials* credentials);

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
  /// HMAC-SHA-256 (RFC 2104), in hex.
  std::string_view Mac(std::string_view key, std::string_view text, Hex* hex);

 private:
  evp_md_st* md5_;
  evp_md_st* sha256_;
  evp_md_ctx_st* md5_context_;
  evp_md_ctx_st* sha256_context_;
};

/// What both ends hash of a request.
struct DigestRequest {
  std::string_view method;
  std::string_view
      uri;  // The digest-uri: what stands in the uri parameter, usually the Request-URI.
  std::string_view body;  // For auth-int.
};

struct DigestSecret {
  std::string_view username;
  std::string_view password;
};

/// Writes the value of Authorization or Proxy-Authorization that answers a challenge. Takes
/// auth-int only where auth is not offered. `nonce_count` starts at 1 for a nonce and rises by 1
/// with each use; `cnonce` is fresh chance. False: the algorithm or each qop is unknown to us, or
/// `out` is too small.
[[nodiscard]] bool WriteDigestCredentials(const DigestChallenge& challenge,
                                          const DigestSecret& secret, const DigestRequest& request,
                                          uint32_t nonce_count, std::string_view cnonce,
                                          DigestHasher* hasher, TextWriter* out);

/// The server's side: challenges, and judges what comes back, without state for each nonce.
///
/// Shape:  a nonce is the time it was made and a keyed MAC of it. It is good for `nonce_lifetime`,
/// and
///         for any number of requests: without state a replay inside the lifetime is not seen.
/// Thread: one worker's; workers that share `key` accept each other's nonces.
class DigestServer {
 public:
  enum class Outcome : uint8_t {
    kAccepted,
    kNoCredentials,  // None for our realm: challenge.
    kStale,    // A true nonce of ours, too old, and the right password: challenge, stale=true.
    kRefused,  // Wrong password, a nonce not ours, a uri that is not the request's: challenge.
  };
  static constexpr size_t kRealmMax = 128;

  DigestServer(std::string_view realm, std::array<uint8_t, 32> key, Duration nonce_lifetime);

  /// One challenge. A server that offers both algorithms writes two fields, SHA-256's first (RFC
  /// 8760).
  void WriteChallenge(DigestAlgorithm algorithm, bool stale, Instant now, TextWriter* out);

  /// Judges one Authorization value against the password of its user.
  Outcome Verify(const DigestCredentials& credentials, const DigestRequest& request,
                 std::string_view password, Instant now);

  std::string_view realm() const { return {realm_.data(), realm_size_}; }
  DigestHasher* hasher() { return &hasher_; }

 private:
  void WriteNonce(Instant now, TextWriter* out);
  bool IsOurNonce(std::string_view nonce, Instant* made);

  DigestHasher hasher_;
  std::array<uint8_t, 32> key_;
  std::array<char, kRealmMax> realm_{};
  size_t realm_size_ = 0;
  Duration nonce_lifetime_;
};

}  // namespace core::sip
