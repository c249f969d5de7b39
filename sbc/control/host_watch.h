#pragma once

#include <poll.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/address.h"
#include "core/base/instant.h"
#include "core/base/log.h"
#include "core/transport/resolver.h"
#include "sbc/config.h"
#include "sbc/host_registry.h"
#include "sbc/host_table.h"
#include "sbc/policy.h"

namespace sbc {

/// The hosts that a configuration's routes and trunks name, by HostRegistry's number.
std::set<uint16_t> HostsOf(const Policy& policy);

/// Keeps the addresses of all hosts in use fresh, and says when they change (rule 9 of the SBC's
/// rules).
///
/// Shape:    a host that is an address is known at once and never asked for.
/// Errors:   Configure() refuses DNS servers that cannot be used. A name that does not resolve is
///           logged, and has no address until it does; one that no longer does keeps its last ones
///           for dns.stale_max.
/// Thread:   the control thread's.
class HostWatch {
 public:
  struct Change {
    uint16_t host = 0;
    Side side = Side::kCustomer;
    std::vector<HostAddress> addresses;
  };

  HostWatch(const HostRegistry* registry, core::Logger* log) : registry_(registry), log_(log) {}

  /// Which servers to ask. Names that are watched are asked for anew; what is known serves
  /// meanwhile, and where the new servers do not answer, for dns.stale_max past its TTL.
  absl::Status Configure(const DnsConfig& dns, core::Instant now);
  /// The hosts to watch from now on. Those no longer among them lose their addresses.
  void Watch(const std::set<uint16_t>& hosts, core::Instant now);

  /// Takes what came, asks what is due. Never waits.
  void Poll(core::Instant now);
  void AddPollFds(std::vector<pollfd>* fds) const;
  core::Instant NextDue(core::Instant now);

  /// What changed since it was last taken.
  std::vector<Change> TakeChanges() { return std::exchange(changes_, {}); }
  core::transport::ResolutionCache::Counters counters() const;
  /// Hosts without any address now, and those that live on an answer past its TTL.
  size_t unresolved() const;
  size_t stale() const { return stale_.size(); }

 private:
  void WatchName(uint16_t host, core::Instant now,
                 const core::transport::ResolvedHost* last = nullptr);
  void OnResolved(uint16_t host, const core::transport::ResolvedHost& resolved);
  void SetAddresses(uint16_t host, std::vector<HostAddress> addresses);
  std::string NameOf(uint16_t host) const;

  const HostRegistry* registry_;
  core::Logger* log_;
  core::LogSite resolved_{core::LogLevel::kInfo, "host_resolved"};
  core::LogSite unresolved_{core::LogLevel::kWarning, "host_unresolved"};
  core::LogSite no_host_{core::LogLevel::kWarning, "host_address_refused"};
  core::LogSite gone_stale_{core::LogLevel::kWarning, "host_stale"};
  core::LogSite too_many_{core::LogLevel::kError, "host_not_watched"};

  std::unique_ptr<core::transport::Resolver> resolver_;
  std::map<uint16_t, core::transport::WatchId> watches_;    // Names only.
  std::map<uint16_t, std::vector<HostAddress>> addresses_;  // Of every watched host.
  std::set<uint16_t> stale_;
  std::vector<Change> changes_;
};

}  // namespace sbc
