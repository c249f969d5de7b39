#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "core/base/address.h"
#include "core/base/bounded_vector.h"
#include "sbc/config.h"

namespace sbc {

/// One address of a host, with what its SRV record says of it (RFC 2782): lower priorities first,
/// and inside one a share by weight. All are alike where there is no such record.
struct HostAddress {
  core::Endpoint endpoint;
  uint16_t priority = 0;
  uint16_t weight = 0;  // Of its target, however many addresses that has.
  uint8_t target = 0;   // Which SRV record it is of; one's addresses stand together.
  friend bool operator==(const HostAddress&, const HostAddress&) = default;
};
static_assert(std::is_trivially_copyable_v<HostAddress>);  // It goes to workers by envelope.

/// The addresses that the host names of routes and trunks have now, and which of them are up.
///
/// Names resolve anew while calls run, so this is apart from the immutable Policy, which refers to
/// a host by its index (host_registry.h). Each worker has its own copy: the control thread sends it
/// addresses, each host's home worker sends it which are down.
///
/// Shape:    at most `hosts_max` hosts with at most kAddressesMax addresses each; more are cut off.
/// Lifetime: all memory is made at construction.
/// Thread:   one worker's.
class HostTable {
 public:
  static constexpr size_t kAddressesMax = 16;

  explicit HostTable(size_t hosts_max);

  /// Our own listener and advertised addresses: an address among them is never a target (rule 1).
  /// The span's endpoints are copied.
  void SetOwn(std::span<const core::Endpoint> own);

  /// A host's addresses after resolving. Those that stay keep their state; new ones start up.
  /// None: no policy in use names it any more, or its name does not resolve.
  void SetAddresses(uint16_t host, Side side, std::span<const HostAddress> addresses);
  /// What the host's home worker found. False if the address is not the host's (any more).
  bool SetUp(uint16_t host, const core::Endpoint& address, bool up);

  /// True if a host of that side has this address now: it may reach us (rule 2).
  bool IsAddressOf(Side side, const core::IpAddress& address) const;
  /// The same, as the list that a socket filter is made from (rule 4); sorted, each once.
  std::span<const core::IpAddress> AddressesOf(Side side) const;

  /// Bit i stands for addresses(host)[i].
  uint32_t up(uint16_t host) const { return usable(host) & ~hosts_[host].down; }
  uint32_t usable(uint16_t host) const { return all(host) & ~hosts_[host].own; }
  uint32_t all(uint16_t host) const { return (1u << addresses(host).size()) - 1; }
  std::span<const HostAddress> addresses(uint16_t host) const {
    CHECK(host < hosts_.size());
    return {hosts_[host].addresses.begin(), hosts_[host].addresses.size()};
  }
  size_t hosts_max() const { return hosts_.size(); }

 private:
  struct Host {
    core::BoundedVector<HostAddress, kAddressesMax> addresses;
    uint32_t down = 0;
    uint32_t own = 0;
    Side side = Side::kCustomer;
  };

  void MarkOwn(Host* host) const;
  void RebuildReach();

  std::vector<Host> hosts_;
  std::vector<core::Endpoint> own_;
  std::vector<core::IpAddress> reach_[kSideCount];  // Sorted, each once.
};

}  // namespace sbc
