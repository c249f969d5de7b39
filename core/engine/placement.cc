#include "core/engine/placement.h"

#include "core/base/check.h"

namespace core::engine {
namespace {

using sip::IdentifierMint;
using sip::IdentifierOrigin;

// Of a response to us, or of a request of ours.
std::optional<IdentifierOrigin> OriginOfBranch(const sip::Message& message,
                                               const IdentifierMint& mint) {
  sip::Via via;
  if (message.TopVia(&via) != sip::ParseError::kOk) return std::nullopt;
  return mint.Read(via.branch);
}

std::optional<IdentifierOrigin> OriginOfRequest(const sip::Message& message,
                                                const IdentifierMint& mint) {
  sip::NameAddr to;
  if (message.To(&to) != sip::ParseError::kOk || to.tag.empty()) return std::nullopt;
  return mint.Read(to.tag);
}

}  // namespace

Placement::Placement(size_t workers, const HashKey& key) : workers_(workers), key_(key) {
  CHECK(workers >= 1 && workers <= kShards);
  for (size_t shard = 0; shard < kShards; ++shard) {
    table_[shard] = static_cast<uint8_t>(shard % workers);
  }
}

uint8_t Placement::ShardOfCallId(std::string_view call_id) const {
  return static_cast<uint8_t>(SipHash(key_, call_id));
}

uint8_t Placement::ShardOf(const sip::Message& message, const sip::IdentifierMint& mint) const {
  const std::optional<IdentifierOrigin> origin =
      message.is_request() ? OriginOfRequest(message, mint) : OriginOfBranch(message, mint);
  return origin.has_value() ? origin->shard : ShardOfCallId(message.call_id());
}

std::optional<size_t> Placement::OwnerOfSent(const sip::Message& quoted,
                                             const sip::IdentifierMint& mint) const {
  if (!quoted.is_request()) return std::nullopt;  // Of a response the branch is the peer's.
  const std::optional<IdentifierOrigin> origin = OriginOfBranch(quoted, mint);
  if (!origin.has_value()) return std::nullopt;
  return WorkerOf(origin->shard);
}

// The Call-ID is ours where the dialog's INVITE was. Where it was the peer's, our tag stands first.
std::optional<size_t> Placement::OwnerOfReplaced(const sip::Replaces& replaces,
                                                 const sip::IdentifierMint& mint) const {
  std::optional<IdentifierOrigin> origin = mint.Read(replaces.call_id);
  if (!origin.has_value()) origin = mint.Read(replaces.to_tag);
  if (!origin.has_value()) return std::nullopt;
  return WorkerOf(origin->shard);
}

}  // namespace core::engine
