#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/instant.h"
#include "core/sip/digest_hash.h"
#include "core/sip/nonce_counts.h"
#include "core/sip/parse_error.h"
#include "core/sip/text_writer.h"

namespace core::sip {

enum class DigestQop : uint8_t { kNone, kAuth, kAuthInt };

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

/// What both ends hash of a request.
struct DigestRequest {
  std::string_view method;
  std::string_view uri;   // What stands in the uri parameter: usually the Request-URI.
  std::string_view body;  // For auth-int.
};

struct DigestSecret {
  std::string_view username;
  std::string_view password;
};

/// One use of a nonce by a client.
struct NonceUse {
  uint32_t count = 1;       // 1 for the first use of a nonce, then one more each time.
  std::string_view cnonce;  // Fresh chance, of a token's characters.
};

/// Writes the value of Authorization or Proxy-Authorization that answers a challenge. Takes
/// auth-int only where auth is not offered. False: the algorithm or each qop is unknown to us, the
/// user name would need an escape, or `out` is too small.
[[nodiscard]] bool WriteDigestCredentials(const DigestChallenge& challenge,
                                          const DigestSecret& secret, const DigestRequest& request,
                                          const NonceUse& use, TextWriter* out);

/// The server's side: challenges, and judges what comes back.
///
/// Shape:  a nonce is the time it was made, its server and serial number there, and a keyed MAC of
///         these, the realm, the algorithm and the client. It is good for `nonce_lifetime`, and for
///         any number of requests with a count each, which only its own server keeps
///         (NonceCounts). Servers that share `key` and realm, and differ in `index`, know each
///         other's nonces, and find them stale.
/// Thread: one worker's.
class DigestServer {
 public:
  enum class Outcome : uint8_t {
    kAccepted,
    kNoCredentials,  // None for our realm: challenge.
    // A true nonce and the right password, but it is too old, another server's or no longer kept,
    // or this count of it was used before: challenge, stale=true.
    kStale,
    kRefused,  // Wrong password, a nonce not ours, a uri that is not the request's: challenge.
  };
  static constexpr size_t kRealmMax = 128;

  DigestServer(std::string_view realm, std::array<uint8_t, 32> key, Duration nonce_lifetime,
               uint16_t index = 0);

  /// One challenge, of kMd5 or kSha256. A server that offers both algorithms writes two fields,
  /// SHA-256's first (RFC 8760).
  /// `client`: who is challenged, as its address in text. A nonce serves no other, so that nobody
  /// can use credentials that were overheard from elsewhere; NonceCounts sees to the same address.
  void WriteChallenge(DigestAlgorithm algorithm, bool stale, std::string_view client, Instant now,
                      TextWriter* out);

  /// Judges one Authorization value against the password of its user. What is accepted is used up.
  /// Retransmissions are the transaction's: they must not come here.
  Outcome Verify(const DigestCredentials& credentials, const DigestRequest& request,
                 std::string_view password, std::string_view client, Instant now);

  std::string_view realm() const { return {realm_.data(), realm_size_}; }

 private:
  struct Nonce {
    Instant made;
    uint16_t index = 0;
    uint64_t serial = 0;
  };

  std::string_view SignNonce(std::string_view fields, DigestAlgorithm algorithm,
                             std::string_view client, DigestHex* hex) const;
  bool ReadNonce(const DigestCredentials& credentials, std::string_view client, Nonce* nonce) const;

  std::array<uint8_t, 32> key_;
  std::array<char, kRealmMax> realm_{};
  size_t realm_size_ = 0;
  Duration nonce_lifetime_;
  uint16_t index_;
  uint64_t serial_ = 0;  // Of the last nonce that was made.
  NonceCounts counts_;
};

}  // namespace core::sip
