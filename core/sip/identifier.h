#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/bounded_text.h"
#include "core/base/check.h"
#include "core/base/random.h"
#include "core/base/siphash.h"

namespace core::sip {

/// Where an identifier of ours comes from: what finds the call it belongs to (rule 14 of the packet
/// core) without a table of calls.
struct IdentifierOrigin {
  uint8_t shard = 0;   // Which worker, by the placement table of the day.
  uint8_t node = 0;    // Which of the cluster's nodes.
  uint16_t epoch = 0;  // Which start of that node.
  friend bool operator==(const IdentifierOrigin&, const IdentifierOrigin&) = default;
};

/// Makes the tags, branches and Call-IDs of ours, and recognises them (RFC 3261 §8.1.1.4, §8.1.1.7,
/// §19.3).
///
/// Shape:  kSize characters of lower-case hexadecimal: 64 random bits, then the origin enciphered
/// by
///         a keyed hash of them, then 32 bits of a keyed hash over both. So a peer can neither
///         guess one nor read the node's size from it, nor aim a message at a worker of its choice
///         (rule 22 of the SBC's rules). A branch has the magic cookie before it. Letters of either
///         case are read: these are tokens, which some peers rewrite.
/// Errors: Read() has no value for what we did not mint: another key, another length, a changed
/// digit. Thread: one worker's, because of its Random. Workers (and nodes that may take over from
/// each
///         other) share the key.
class IdentifierMint {
 public:
  static constexpr size_t kSize = 32;
  static constexpr std::string_view kMagicCookie = "z9hG4bK";
  static constexpr size_t kBranchSize = kMagicCookie.size() + kSize;

  struct Options {
    HashKey key = {};  // From Random::NextKey().
    uint8_t node = 0;
    uint16_t epoch = 0;
  };

  /// `random` outlives the mint.
  IdentifierMint(const Options& options, Random* random) : options_(options), random_(random) {}

  template <size_t kMax>
  void MintTag(uint8_t shard, BoundedText<kMax>* tag) {
    static_assert(kMax >= kSize);
    const Text text = Mint(shard);
    CHECK(tag->Assign({text.data(), text.size()}));
  }
  template <size_t kMax>
  void MintCallId(uint8_t shard, BoundedText<kMax>* call_id) {
    MintTag(shard, call_id);
  }
  template <size_t kMax>
  void MintBranch(uint8_t shard, BoundedText<kMax>* branch) {
    static_assert(kMax >= kBranchSize);
    const Text text = Mint(shard);
    CHECK(branch->Assign(kMagicCookie) && branch->Append({text.data(), text.size()}));
  }

  /// The origin of a tag, Call-ID or branch of ours.
  std::optional<IdentifierOrigin> Read(std::string_view text) const;

 private:
  using Text = std::array<char, kSize>;
  Text Mint(uint8_t shard);

  Options options_;
  Random* random_;
};

}  // namespace core::sip
