#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bounded_text.h"
#include "core/buffer/packet_pool.h"
#include "core/sip/digest.h"
#include "core/sip/identifier.h"
#include "core/sip/message.h"
#include "core/sip/message_writer.h"
#include "sbc/config.h"

namespace sbc {

using Tag = core::BoundedText<core::sip::IdentifierMint::kSize>;

/// How we prove who we are on a leg whose peer has asked (RFC 3261 §22.3): in every request there
/// from then on, so that each is not asked for again.
///
/// Shape: the challenge's value, and what the last INVITE answered, which its ACK repeats.
struct LegCredentials {
  static constexpr uint8_t kChallengesMax = 8;  // A peer that asks for ever ends as a refusal.

  core::KeptText challenge;  // Empty: nobody asked.
  core::KeptText of_invite;
  uint32_t uses = 0;  // Of the challenge's nonce.
  uint8_t challenges = 0;
  bool proxy = false;  // It was a 407.
};

/// Who we are to a trunk that asks (RFC 3261 §22.2, RFC 8760).
///
/// Lifetime: borrows all of Options.
/// Errors:   what cannot be answered is false, or is left out: the peer asks again, and has its
///           refusal.
/// Thread:   one worker's.
class TrunkCredentials {
 public:
  struct Options {
    core::PacketStore* store = nullptr;
    core::sip::IdentifierMint* mint = nullptr;
    uint8_t shard = 0;
  };
  explicit TrunkCredentials(const Options& options) : options_(options) {}

  /// Keeps the challenge of a 401 or 407 to answer it. False where it cannot be answered, or was
  /// and the peer asks again.
  bool TakeChallenge(const Credential& secret, const core::sip::Message& response,
                     bool had_credentials, LegCredentials* credentials);

  /// The answer to the challenge that is kept.
  void Write(const Credential& secret, const core::sip::DigestRequest& request,
             LegCredentials* credentials, core::sip::MessageWriter* out);

  /// What the last INVITE had: "The ACK MUST contain the same credentials" (§13.2.2.4).
  static void WriteOfInvite(const LegCredentials& credentials, core::sip::MessageWriter* out);

  struct Again {
    std::string_view sent_by;
    std::string_view branch;
    uint32_t sequence = 0;
  };
  /// A request of ours once more, with credentials (§22.2).
  void WriteAgain(const core::sip::Message& request, const Again& again, const Credential& secret,
                  LegCredentials* credentials, core::sip::MessageWriter* out);

 private:
  Options options_;
};

inline bool HasCredentials(const core::sip::Message& request) {
  return request.Has(core::sip::HeaderId::kAuthorization) ||
         request.Has(core::sip::HeaderId::kProxyAuthorization);
}

}  // namespace sbc
