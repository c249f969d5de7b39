#include "core/transport/resolution_cache.h"

#include <algorithm>
#include <string_view>

#include "core/base/check.h"

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

bool SameAddresses(const ResolvedHost& host, const ResolveAnswer& answer) {
  return std::equal(host.addresses.begin(), host.addresses.end(), answer.addresses.begin(),
                    answer.addresses.end());
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
    watch->drop_at = last->expires + options_.stale_max;
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
  const bool same = SameAddresses(host, answer) && !host.stale && host.error == ResolveError::kNone;
  const Duration ttl = std::clamp(answer.ttl, options_.ttl_min, options_.ttl_max);
  host.addresses = answer.addresses;
  host.expires = now + ttl;
  host.stale = false;
  host.error = ResolveError::kNone;
  watch->in_flight = false;
  watch->retry = Duration::zero();
  watch->ask_at = now + ttl / 100 * options_.refresh_percent;
  watch->drop_at = host.expires + options_.stale_max;
  if (!same) Changed(watch);
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
    if (now >= watch->drop_at) {
      host.addresses.Clear();
      host.stale = false;
      host.expires = kNever;
      watch->drop_at = kNever;
      ++counters_.given_up;
      Changed(watch);
    }
  });
}

Instant ResolutionCache::NextDue() {
  Instant next = kNever;
  watches_.ForEach([&](Watch* watch) {
    if (!watch->in_flight) next = std::min(next, watch->ask_at);
    if (!watch->host.addresses.empty()) {
      next = std::min(next, watch->host.stale ? watch->drop_at : watch->host.expires);
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
