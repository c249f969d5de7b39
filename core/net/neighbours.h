#pragma once

#include <cstdint>
#include <vector>

#include "core/base/fixed_hash_map.h"
#include "core/base/instant.h"
#include "core/net/ethernet.h"

namespace core::net {

/// The Ethernet addresses of the hosts on our wire: those that the configuration gives, and those
/// that ARP tells (RFC 826).
///
/// Shape:    any number of static neighbours, and at most `learnt_max` others. When those are full,
///           the one that was heard of longest ago goes. IPv4 addresses in host order.
/// Ageing:   what ARP told is trusted for kFresh and asked for again after that; it stays in use
///           until kUsable after it was last heard, so that one lost answer costs nothing.
/// Trust:    a host is learnt when it asks for us or answers what we asked. What others say to each
///           other only corrects what we know (RFC 826's merge), and nothing changes a static one.
/// Lifetime: allocates at construction and in AddStatic() only.
/// Thread:   one worker's.
class Neighbours {
 public:
  static constexpr Duration kFresh = std::chrono::seconds(30);
  static constexpr Duration kUsable = std::chrono::seconds(90);
  static constexpr Duration kAskInterval = std::chrono::seconds(1);

  struct Answer {
    const MacAddress* mac = nullptr;  // Null: not known. Good until the next call of any kind.
    bool ask = false;                 // An ARP request is due, and is taken as sent now.
  };

  explicit Neighbours(uint32_t learnt_max);

  /// At start, before anything is learnt.
  void AddStatic(uint32_t address, const MacAddress& mac);

  Answer Find(uint32_t address, Instant now);

  /// The sender of `message`, whose target is our address if `to_us`. True when it is known from
  /// now on: what waited for it can go.
  bool OnArp(const ArpMessage& message, bool to_us, Instant now);

  size_t learnt() const { return learnt_.size(); }  // With those asked for and not heard of yet.

 private:
  struct Static {
    uint32_t address;
    MacAddress mac;
  };
  struct Learnt {
    uint32_t address = 0;
    bool known = false;  // Else it was only asked for.
    MacAddress mac = {};
    Instant heard_at{};  // When it was asked for, until it is known.
    Instant asked_at{};
  };

  const Static* FindStatic(uint32_t address) const;
  Learnt* FindLearnt(uint32_t address);
  Learnt* Add(uint32_t address, Instant now);

  std::vector<Static> statics_;  // By address.
  std::vector<Learnt> learnt_;   // Room for learnt_max.
  FixedHashMap<uint32_t> learnt_index_;
};

}  // namespace core::net
