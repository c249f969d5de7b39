#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/siphash.h"
#include "core/buffer/packet_pool.h"
#include "core/sip/message.h"

namespace core::sip {

/// What a request says of its server transaction (RFC 3261 §17.2.3), and of the request that other
/// paths may have brought here too (§8.2.2.2).
///
/// Shape:    with the magic cookie: branch, sent-by, method. Without (RFC 2543): the whole top Via,
///           the Request-URI, the tags, Call-ID and CSeq. An ACK has the key of its INVITE. Bytes
///           are compared as they stand: repeats, ACK and CANCEL are copies of the same Via by the
///           same client (§9.1, §17.1.1.3).
/// Lifetime: borrows the message.
struct TransactionKey {
  std::string_view via;     // The branch; RFC 2543: the top Via's whole value.
  std::string_view target;  // The sent-by host; RFC 2543: the Request-URI.
  std::string_view from_tag;
  std::string_view call_id;
  std::string_view to_tag;
  uint32_t sequence_number = 0;
  uint16_t port = 0;  // Of sent-by, 0 where it says none.
  Method method = Method::kUnknown;
  bool has_cookie = false;
  bool is_ack = false;

  /// Reads a request that was judged well-formed. False where Via, From, To or CSeq cannot be read.
  [[nodiscard]] static bool FromRequest(const Message& request, TransactionKey* key);

  uint64_t Hash(const HashKey& key) const;
  /// Of what all copies of one request share on whatever way they came.
  uint64_t MergeHash(const HashKey& key) const;
  /// A request that could be such a copy: outside a dialog, and with a From tag to tell it by.
  bool can_merge() const { return to_tag.empty() && !from_tag.empty(); }
  /// The key of the INVITE that this CANCEL is for (§9.2).
  TransactionKey OfCancelledInvite() const;
};

/// A TransactionKey that outlives its message.
///
/// Shape:  texts of kInlineBytes together lie in the object, longer ones in a Packet of the store.
/// Errors: Keep() is false when the store is dry.
class KeptTransactionKey {
 public:
  static constexpr size_t kInlineBytes = 224;  // Branch, host, From tag and Call-ID of all we met.

  [[nodiscard]] bool Keep(const TransactionKey& key, PacketStore* store);

  Method method() const { return method_; }
  TransactionKey view() const;
  bool Matches(const TransactionKey& key) const;
  /// True for another copy of this request, that came by another way (another branch).
  bool IsMerged(const TransactionKey& key) const;

 private:
  static constexpr size_t kTexts = 5;

  char inline_[kInlineBytes];  // Void where `packet_` is set.
  Packet packet_;
  uint32_t sequence_number_ = 0;
  uint16_t sizes_[kTexts] = {};
  uint16_t port_ = 0;
  Method method_ = Method::kUnknown;
  bool has_cookie_ = false;
};

}  // namespace core::sip
