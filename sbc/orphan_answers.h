#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/siphash.h"
#include "core/buffer/packet_pool.h"
#include "core/sip/client_transaction.h"
#include "core/sip/dialog.h"
#include "core/sip/identifier.h"
#include "core/sip/message.h"
#include "core/sip/transaction_table.h"
#include "core/transport/transport.h"
#include "sbc/b2bua_host.h"
#include "sbc/message_builder.h"
#include "sbc/trunk_credentials.h"

namespace sbc {

/// 2xx to INVITEs of ours that no call wants: another early dialog's, an abandoned route's, one
/// that crossed our CANCEL. Each is acknowledged as often as it comes and said BYE to once, with or
/// without its call (RFC 3261 §13.2.2.4, rules 7 and 14).
///
/// Shape:    remembers kDialogs that were said BYE to, each by a keyed hash of its INVITE's branch
///           and its To tag. Nothing expires, as no branch comes again: what has the same place
///           pushes out what was there, and the worst that comes of it is one more BYE, told 481.
/// Lifetime: borrows all of Options.
/// Errors:   without room for an ACK or a BYE there is none: the 2xx comes again.
/// Thread:   one worker's.
class OrphanAnswers {
 public:
  struct Options {
    core::sip::TransactionTable* table = nullptr;
    core::transport::Transport* transport = nullptr;
    core::PacketStore* store = nullptr;
    core::sip::IdentifierMint* mint = nullptr;
    uint8_t shard = 0;
    core::HashKey tag_key{};
    MessageBuilder* builder = nullptr;
    TrunkCredentials* credentials = nullptr;
    B2buaHost* host = nullptr;
  };
  explicit OrphanAnswers(const Options& options) : options_(options) {}

  /// ACK, and BYE if there was none. `connector`: whose credentials answer a challenge, or
  /// TransactionMark::kNobody.
  void OnAnswer(const core::sip::ClientTransaction& invite, const core::sip::Message& response,
                uint16_t connector, core::Instant now);
  /// ACK alone. The dialog as it reads from the response; false where that is none.
  bool Ack(const core::sip::ClientTransaction& invite, const core::sip::Message& response,
           core::sip::Dialog* dialog);
  /// The dialog has its BYE, from either side.
  void OnBye(const core::sip::ClientTransaction& invite, std::string_view to_tag) {
    const uint64_t key = KeyOf(invite, to_tag);
    said_bye_[key % kDialogs] = key;
  }
  void OnByeResponse(const core::sip::ClientTransaction& bye, const core::sip::Message& response,
                     core::Instant now);

  uint64_t ended() const { return ended_; }  // Said BYE to.

 private:
  static constexpr size_t kDialogs = 1024;  // Late answers come for 32 s, and few calls have any.

  uint64_t KeyOf(const core::sip::ClientTransaction& invite, std::string_view to_tag) const {
    return core::SipHash(options_.tag_key, invite.branch()) ^
           core::SipHash(options_.tag_key, to_tag);
  }
  core::Endpoint::Text SentByOf(const core::sip::Hop& hop) const;
  core::Packet Write(const core::sip::Dialog& dialog, const core::sip::ClientTransaction& invite,
                     core::sip::Method method, uint32_t sequence, std::string_view branch);

  Options options_;
  std::array<uint64_t, kDialogs> said_bye_{};
  uint64_t ended_ = 0;
};

}  // namespace sbc
