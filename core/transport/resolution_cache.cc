#include "core/transport/resolution_cache.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/base/check.h"
#include "core/base/siphash.h"

namespace core::transport {
namespace {

// An address that was written where a name may stand. IPv6 has brackets in a SIP URI and none in a
// configuration.
bool ParseLiteral(std::string_view host, IpAddress* address) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return IpAddress::Parse(host, address);
}

using Addresses = BoundedVector<ResolvedAddress, ResolvedHost::kAddressesMax>;

bool Same(const Addresses& a, const Addresses& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

Instant EarliestEnd(const Addresses& addresses) {
  Instant end = kNever;
  for (const ResolvedAddress& address : addresses) end = std::min(end, address.expires);
  return end;
}

}  // namespace

const char* ResolveErrorName(ResolveError error) {
  switch (error) {
    case ResolveError::kNone:
      return "none";
    case ResolveError::kNotYet:
      return "not yet answered";
    case ResolveError::kNotFound:
      return "no such name or no address";
    case ResolveError::kRefused:
      return "service not offered";
    case ResolveError::kServer:
      return "server failure";
    case ResolveError::kTimeout:
      return "no server answered";
    case ResolveError::kLocal:
      return "local failure";
  }
  return "unknown";
}

// Names are the operator's and his DNS's, who may say what they like anyway: no secret is needed.
uint64_t HashOfName(std::string_view name) { return SipHash(HashKey{}, name); }

ResolutionCache::ResolutionCache(const Options& options)
    : options_(options), watches_(options.watches_max) {
  CHECK(options.ttl_min > Duration::zero() && options.retry_min > Duration::zero());
  CHECK(options.refresh_percent > 0 && options.refresh_percent <= 100);
}

std::optional<WatchId> ResolutionCache::Add(const ResolveTarget& target, Instant now,
                                            const ResolvedHost* last) {
  Watch* watch = watches_.Acquire();
  if (watch == nullptr) return std::nullopt;
  watch->target = target;
  watch->ask_at = now;
  IpAddress address;
  if (ParseLiteral(target.host, &address)) {
    watch->ask_at = kNever;
    watch->host.error = ResolveError::kNone;
    CHECK(watch->host.addresses.PushBack({{address, target.port}, 0, 0}));
    Changed(watch);
  } else if (last != nullptr && !last->addresses.empty()) {
    watch->host = *last;
    watch->host.error = ResolveError::kNotYet;
  }
  return watches_.HandleOf(watch);
}

void ResolutionCache::Remove(WatchId id) {
  if (Watch* watch = watches_.Find(id)) watches_.Release(watch);
}

std::optional<WatchId> ResolutionCache::TakeDue(Instant now) {
  Watch* due = nullptr;
  watches_.ForEach([&](Watch* watch) {
    // The longest waiting first, so that a limit on queries at once starves nobody.
    if (watch->in_flight || watch->ask_at > now) return;
    if (due == nullptr || watch->ask_at < due->ask_at) due = watch;
  });
  if (due == nullptr) return std::nullopt;
  due->in_flight = true;
  ++counters_.queries;
  return watches_.HandleOf(due);
}

const ResolveTarget& ResolutionCache::TargetOf(WatchId id) {
  Watch* watch = watches_.Find(id);
  CHECK(watch != nullptr);
  return watch->target;
}

void ResolutionCache::OnAnswer(WatchId id, const ResolveAnswer& answer, Instant now) {
  if (answer.addresses.empty()) return OnFailure(id, ResolveError::kNotFound, now);
  Watch* watch = watches_.Find(id);
  if (watch == nullptr) return;
  ++counters_.answers;
  ResolvedHost& host = watch->host;
  const Duration ttl = std::clamp(answer.ttl, options_.ttl_min, options_.ttl_max);
  const Merged merged = Merge(host, answer, now + ttl);
  const Instant expires = EarliestEnd(merged.addresses);
  // Past its TTL is only what was kept, and was told so when it came to that.
  const bool stale = host.stale && now >= expires;
  const bool same =
      Same(host.addresses, merged.addresses) && host.stale == stale && host.error == merged.error;
  host.addresses = merged.addresses;
  host.expires = expires;
  host.stale = stale;
  host.error = merged.error;
  watch->in_flight = false;
  watch->ask_at = now + ttl / 100 * options_.refresh_percent;
  if (merged.error == ResolveError::kNone) {
    watch->retry = Duration::zero();
  } else {
    ++counters_.partial;
    watch->retry = std::clamp(watch->retry * 2, options_.retry_min, options_.retry_max);
    watch->ask_at = std::min(watch->ask_at, now + watch->retry);
  }
  if (!same) Changed(watch);
}

// What could not be asked for is what it was, under its record of now. Where nothing was known of
// it there is nothing to keep: one whose server never answers for AAAA is a host like any other.
ResolutionCache::Merged ResolutionCache::Merge(const ResolvedHost& last,
                                               const ResolveAnswer& answer, Instant expires) {
  Merged merged;
  bool truncated = false;
  size_t next = 0;
  const auto take_until = [&](size_t end) {
    for (; next < end; ++next) {
      ResolvedAddress address = answer.addresses[next];
      address.expires = expires;
      truncated |= !merged.addresses.PushBack(address);
    }
  };
  for (const ResolveAnswer::Failed& failed : answer.failed) {
    take_until(failed.at);
    for (const ResolvedAddress& known : last.addresses) {
      if (known.name != failed.as.name || known.endpoint.ip.is_v4() != failed.is_v4) continue;
      ResolvedAddress kept = failed.as;
      kept.endpoint = {known.endpoint.ip, failed.as.endpoint.port};
      kept.expires = known.expires;
      merged.error = failed.error;
      // Two records of one name have its addresses twice.
      const auto& taken = merged.addresses;
      if (std::find(taken.begin(), taken.end(), kept) != taken.end()) continue;
      truncated |= !merged.addresses.PushBack(kept);
    }
  }
  take_until(answer.addresses.size());
  if (truncated) OnTruncated();
  return merged;
}

void ResolutionCache::OnFailure(WatchId id, ResolveError error, Instant now) {
  Watch* watch = watches_.Find(id);
  if (watch == nullptr) return;
  ++counters_.failures;
  watch->in_flight = false;
  watch->retry = std::clamp(watch->retry * 2, options_.retry_min, options_.retry_max);
  watch->ask_at = now + watch->retry;
  if (watch->host.error == error) return;
  watch->host.error = error;
  Changed(watch);
}

void ResolutionCache::Advance(Instant now) {
  watches_.ForEach([&](Watch* watch) {
    ResolvedHost& host = watch->host;
    if (host.addresses.empty()) return;
    if (!host.stale && now >= host.expires) {
      host.stale = true;
      ++counters_.gone_stale;
      Changed(watch);
    }
    if (now < DropAt(host.expires)) return;
    const auto all = std::exchange(host.addresses, {});
    for (const ResolvedAddress& address : all) {
      if (now < DropAt(address.expires)) CHECK(host.addresses.PushBack(address));
    }
    host.expires = EarliestEnd(host.addresses);
    host.stale = now >= host.expires;
    ++counters_.given_up;
    Changed(watch);
  });
}

Instant ResolutionCache::NextDue() {
  Instant next = kNever;
  watches_.ForEach([&](Watch* watch) {
    if (!watch->in_flight) next = std::min(next, watch->ask_at);
    if (!watch->host.addresses.empty()) {
      const Instant expires = watch->host.expires;
      next = std::min(next, watch->host.stale ? DropAt(expires) : expires);
    }
  });
  return next;
}

const ResolvedHost* ResolutionCache::Find(WatchId id) {
  Watch* watch = watches_.Find(id);
  return watch == nullptr ? nullptr : &watch->host;
}

std::optional<WatchId> ResolutionCache::TakeChanged() {
  Watch* changed = nullptr;
  watches_.ForEach([&](Watch* watch) {
    if (watch->changed && changed == nullptr) changed = watch;
  });
  if (changed == nullptr) return std::nullopt;
  changed->changed = false;
  return watches_.HandleOf(changed);
}

void ResolutionCache::Changed(Watch* watch) {
  watch->changed = true;
  ++watch->host.revision;
}

}  // namespace core::transport
