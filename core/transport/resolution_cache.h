#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/address.h"
#include "core/base/bounded_vector.h"
#include "core/base/instant.h"
#include "core/base/pool.h"

namespace core::transport {

/// A host that somebody wants to know the addresses of.
struct ResolveTarget {
  std::string host;      // A name, or an address literal (IPv6 with or without brackets): no query.
  uint16_t port = 5060;  // For what is found by A and AAAA.
  std::string service;   // "_sip._udp": SRV first (RFC 3263 §4.2). Empty: A and AAAA only.
};

struct ResolvedAddress {
  Endpoint endpoint;
  uint16_t priority = 0;     // Of its SRV record, and 0 without one. Lower ones first.
  uint16_t weight = 0;       // Of its target, however many addresses that has.
  uint8_t target = 0;        // Which SRV record it is of; one's addresses stand together.
  uint64_t name = 0;         // A hash of the name that it was found under, by HashOfName().
  Instant expires = kNever;  // The end of its TTL; the cache writes it.

  /// But for `expires`: an answer that says the same again is no news.
  friend bool operator==(const ResolvedAddress& a, const ResolvedAddress& b) {
    return a.endpoint == b.endpoint && a.priority == b.priority && a.weight == b.weight &&
           a.target == b.target && a.name == b.name;
  }
};
uint64_t HashOfName(std::string_view name);

enum class ResolveError : uint8_t {
  kNone,
  kNotYet,    // Asked, not answered so far.
  kNotFound,  // The name does not exist, or has no address.
  kRefused,   // An SRV of "." says: this service is not offered here (RFC 2782).
  kServer,    // Each server fails, refuses, is not there, or sends what cannot be read.
  kTimeout,   // No server answered.
  kLocal,     // No socket, no memory.
};
const char* ResolveErrorName(ResolveError error);

/// What is known of one host at a moment: plain data, to be posted to workers.
///
/// Shape: at most kAddressesMax addresses, by priority, then as they came; `error` is that of the
/// last
///        attempt, and says nothing about the addresses, which may be the last good ones.
struct ResolvedHost {
  static constexpr size_t kAddressesMax = 16;

  BoundedVector<ResolvedAddress, kAddressesMax> addresses;
  Instant expires = kNever;  // The end of the TTL: the earliest of its addresses'.
  bool stale = false;        // Past it: these serve because nothing newer is to be had (rule 9).
  ResolveError error = ResolveError::kNotYet;
  uint32_t revision = 0;  // Rises with each change of anything but `expires`.
};

/// What the DNS said, taken together: all of it, or what it could be asked for.
struct ResolveAnswer {
  /// The addresses of one name in one family: not "there are none", but no answer.
  struct Failed {
    ResolvedAddress as;  // What they would have been, but for the address.
    bool is_v4 = true;
    size_t at = 0;  // Where in `addresses` they would stand.
    ResolveError error = ResolveError::kServer;
  };
  static constexpr size_t kFailedMax = 16;

  BoundedVector<ResolvedAddress, ResolvedHost::kAddressesMax> addresses;
  BoundedVector<Failed, kFailedMax> failed;  // In the order of `at`.
  Duration ttl = Duration::zero();           // The shortest of all records that led here.
};

/// When to ask for which host, and what to believe meanwhile (rule 9 of the SBC's rules): answers
/// are renewed before their TTL ends, and the last good one outlives it when they cannot be. So it
/// is for each part of an answer: where one name or one family could not be asked for, what it had
/// goes on. It knows no socket and no clock, so a day of TTLs is a test.
///
/// Shape:    at most `watches_max` hosts.
/// Lifetime: a watch lives from Add() to Remove(); an answer that comes after is ignored.
/// Errors:   Add() gives no id when full. A failed query is retried with doubling gaps.
/// Thread:   the control thread's; it allocates.
class ResolutionCache {
 private:
  struct Watch;

 public:
  using WatchId = Handle<Watch>;

  struct Options {
    Duration stale_max = std::chrono::hours(1);  // How long an answer serves beyond its TTL.
    Duration ttl_min = std::chrono::seconds(1);  // A TTL of 0 would have us ask without pause.
    Duration ttl_max = std::chrono::hours(24);
    Duration retry_min = std::chrono::seconds(1);  // After the first failure; doubles from there.
    Duration retry_max = std::chrono::seconds(30);
    int refresh_percent = 80;  // Of the TTL, after which it is asked again.
    size_t watches_max = 1024;
  };

  struct Counters {
    uint64_t queries = 0;
    uint64_t answers = 0;
    uint64_t failures = 0;
    uint64_t partial = 0;     // Answers that lacked addresses known before, which were kept.
    uint64_t gone_stale = 0;  // An answer's TTL ended before a new one came.
    uint64_t given_up = 0;    // Nothing came for stale_max beyond it: the addresses are dropped.
    uint64_t truncated = 0;   // Answers that held more than kAddressesMax addresses.
  };

  explicit ResolutionCache(const Options& options);

  /// Starts to watch a host. A literal is answered here and now, and never asked for.
  /// `last`, if not null, is what another cache knew of the host: it serves until this one has an
  /// answer, as one of its own past its TTL would.
  std::optional<WatchId> Add(const ResolveTarget& target, Instant now,
                             const ResolvedHost* last = nullptr);
  void Remove(WatchId id);

  /// The next host to ask for, which is then in flight until OnAnswer() or OnFailure(). Its target
  /// is valid until Remove().
  std::optional<WatchId> TakeDue(Instant now);
  const ResolveTarget& TargetOf(WatchId id);
  bool watches(WatchId id) { return watches_.Find(id) != nullptr; }

  void OnAnswer(WatchId id, const ResolveAnswer& answer, Instant now);
  void OnFailure(WatchId id, ResolveError error, Instant now);
  void OnTruncated() { ++counters_.truncated; }
  /// Ends TTLs that have ended.
  void Advance(Instant now);
  /// Nothing is to be asked and nothing ends before this moment.
  Instant NextDue();

  /// Null after Remove(). Valid until the next call that changes something.
  const ResolvedHost* Find(WatchId id);
  /// A watch whose host changed since it was last taken, each once.
  std::optional<WatchId> TakeChanged();

  const Counters& counters() const { return counters_; }

 private:
  struct Watch {
    ResolveTarget target;
    ResolvedHost host;
    Instant ask_at;
    Duration retry = Duration::zero();
    bool in_flight = false;
    bool changed = false;
  };

  struct Merged {
    BoundedVector<ResolvedAddress, ResolvedHost::kAddressesMax> addresses;
    ResolveError error = ResolveError::kNone;  // Of what is kept, if anything is.
  };
  Merged Merge(const ResolvedHost& last, const ResolveAnswer& answer, Instant expires);
  void Changed(Watch* watch);
  /// When an address of this TTL is dropped.
  Instant DropAt(Instant expires) const {
    return expires == kNever ? kNever : expires + options_.stale_max;
  }

  Options options_;
  Pool<Watch> watches_;
  Counters counters_;
};

using WatchId = ResolutionCache::WatchId;

}  // namespace core::transport
