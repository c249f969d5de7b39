#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/siphash.h"
#include "core/sip/identifier.h"
#include "core/sip/message.h"
#include "core/sip/small_headers.h"

namespace core::engine {

/// Who owns which call (rule 14 of the packet core): a call has a shard for life, and an immutable
/// table says which worker has which shard. So the number of workers may change from one start to
/// the next, and identifiers of before still find one place.
///
/// Shape:  kShards shards over 1 to kShards workers, in turn.
/// Thread: any; immutable.
class Placement {
 public:
  static constexpr size_t kShards = 256;

  /// `key` is the Call-ID hash's, so that a peer cannot aim all its calls at one worker.
  Placement(size_t workers, const HashKey& key);

  size_t workers() const { return workers_; }
  size_t WorkerOf(uint8_t shard) const { return table_[shard]; }

  /// The shard of a call that begins with this Call-ID: its retransmissions and its CANCEL come to
  /// the same place.
  uint8_t ShardOfCallId(std::string_view call_id) const;

  /// The shard that a message belongs to, by the first of these that is an identifier of ours:
  /// in a response the top Via's branch (RFC 3261 §17.1.3); in a request To's tag (it is in one of
  /// our dialogs, or acknowledges our response). Else the hash of its Call-ID, which a response to
  /// something that is not ours gets too. Replaces is not read: the INVITE's CANCEL has none.
  ///
  /// A request's own Call-ID and From-tag are not read: where they are ours and To's tag is not,
  /// our own request came round to us, and starts a call like any other.
  uint8_t ShardOf(const sip::Message& message, const sip::IdentifierMint& mint) const;
  size_t OwnerOf(const sip::Message& message, const sip::IdentifierMint& mint) const {
    return workers_ == 1 ? 0 : WorkerOf(ShardOf(message, mint));
  }

  /// Who sent the request that an ICMP error quotes, by its branch: the network brings the error to
  /// the socket that the dead peer's address picks. Nothing where it is no request of ours.
  std::optional<size_t> OwnerOfSent(const sip::Message& quoted,
                                    const sip::IdentifierMint& mint) const;

  /// Who has the call whose dialog this names (RFC 3891 §3), by the first of its Call-ID and its
  /// to-tag that is ours. Nothing where neither is.
  std::optional<size_t> OwnerOfReplaced(const sip::Replaces& replaces,
                                        const sip::IdentifierMint& mint) const;

 private:
  size_t workers_;
  HashKey key_;
  std::array<uint8_t, kShards> table_;
};

}  // namespace core::engine
