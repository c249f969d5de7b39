#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/base/address.h"
#include "core/base/instant.h"
#include "sbc/config.h"

namespace sbc {

/// Addresses that no host name resolves to any more, but that calls may still talk with: who is
/// there reaches us for what he is in, and starts nothing (rule 2).
///
/// An address is held for a term. The workers whose calls have a leg there say so to all others
/// once in kTellInterval, which begins the term anew, since a packet may arrive at any worker. So
/// nothing has to be counted, and a word that is lost costs nothing: a term is three of them. It
/// also outlasts the transactions that a call leaves behind (64*T1).
///
/// Shape:    at most kMax; beyond it the one whose term ends first goes, which no call renews.
/// Lifetime: all memory is made at construction.
/// Thread:   one worker's.
class HeldAddresses {
 public:
  static constexpr size_t kMax = 1024;
  static constexpr core::Duration kTellInterval = std::chrono::seconds(32);
  static constexpr core::Duration kTerm = 3 * kTellInterval;

  struct Entry {
    Side side = Side::kCustomer;
    core::IpAddress ip;
    core::Instant until;
  };

  HeldAddresses() { entries_.reserve(kMax); }

  /// A host name has left it.
  void Hold(Side side, const core::IpAddress& ip, core::Instant now);
  /// A call is there. False if it is not held.
  bool Renew(Side side, const core::IpAddress& ip, core::Instant now);
  /// Lets go of those whose term is over. False if there were none.
  bool Expire(core::Instant now);

  bool Contains(Side side, const core::IpAddress& ip) const { return Find(side, ip) != SIZE_MAX; }
  bool empty() const { return entries_.empty(); }
  std::span<const Entry> entries() const { return entries_; }  // Sorted, each once.

 private:
  size_t Place(Side side, const core::IpAddress& ip) const;
  size_t Find(Side side, const core::IpAddress& ip) const;

  std::vector<Entry> entries_;
};

}  // namespace sbc
