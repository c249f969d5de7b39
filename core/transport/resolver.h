#pragma once

#include <poll.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/instant.h"
#include "core/transport/resolution_cache.h"

namespace core::transport {

/// Addresses of host names, kept fresh by c-ares (RFC 3263 §4.1, §4.2: NAPTR and SRV where a target
/// names a service, else A and AAAA; without SRV records A and AAAA after all).
///
/// Use:      the control loop sleeps in poll(2) over AddPollFds() until NextDue() at the latest,
///           then calls Poll(now), and posts what TakeChanged() names to the workers.
/// Shape:    at most Options::cache.watches_max hosts and kQueriesMax of them asked for at once.
/// Errors:   Create() refuses servers that cannot be read. A query's failure is in its
///           ResolvedHost.
/// Thread:   the control thread's, as it allocates. Nothing in it waits.
class Resolver {
 public:
  struct Options {
    /// "10.0.0.2" or "10.0.0.2:5353" or "[::1]:5353". Empty: those of /etc/resolv.conf, and names
    /// in /etc/hosts count too.
    std::vector<std::string> servers;
    Duration attempt_timeout =
        std::chrono::seconds(2);  // For one server's answer; then the next's.
    int attempts = 2;             // At each server.
    ResolutionCache::Options cache;
  };

  static absl::StatusOr<std::unique_ptr<Resolver>> Create(const Options& options);
  ~Resolver();

  /// Starts to watch a host; no id when there are too many. The first query leaves with Poll().
  /// `last`: see ResolutionCache::Add().
  std::optional<WatchId> Watch(const ResolveTarget& target, Instant now,
                               const ResolvedHost* last = nullptr);
  void Unwatch(WatchId id);

  /// Takes what came, sends what is due. Never waits.
  void Poll(Instant now);
  void AddPollFds(std::vector<pollfd>* fds) const;
  Instant NextDue(Instant now);

  const ResolvedHost* Find(WatchId id);
  /// A watch whose host changed since it was last taken, each once.
  std::optional<WatchId> TakeChanged();

  const ResolutionCache::Counters& counters() const;

 private:
  class Driver;  // All that knows c-ares.
  explicit Resolver(std::unique_ptr<Driver> driver);
  std::unique_ptr<Driver> driver_;
};

}  // namespace core::transport
