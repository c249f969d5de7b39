#include "sbc/route_health.h"

#include <algorithm>

namespace sbc {
namespace {

// A new address is probed within this, each at its own moment.
constexpr core::Duration kFirstProbeWithin = std::chrono::seconds(1);

core::Duration Below(core::Duration bound, core::Random* random) {
  if (bound <= core::Duration::zero()) return core::Duration::zero();
  return core::Duration(static_cast<int64_t>(random->Below(static_cast<uint64_t>(bound.count()))));
}

// The interval, a tenth less or more: so that peers and nodes do not fall into step.
core::Duration Jittered(core::Duration interval, core::Random* random) {
  return interval - interval / 10 + Below(interval / 5, random);
}

// Rule 10. Any other final response shows that someone is there who can speak.
bool IsFailure(uint16_t status_code) {
  return status_code == 0 || status_code == 408 || status_code == 503;
}

}  // namespace

void RouteHealth::AddHost(const HostOptions& options) {
  Host* host = Find(options.host);
  if (host == nullptr) {
    if (place_of_host_.size() <= options.host) place_of_host_.resize(options.host + 1u, kNoPlace);
    place_of_host_[options.host] = static_cast<uint32_t>(hosts_.size());
    host = &hosts_.emplace_back();
  }
  host->host = options.host;
  host->side = options.side;
  host->options_interval = options.options_interval;
  host->options_timeout = options.options_timeout;
  host->from_host.AssignTruncated(options.from_host);
  if (options.options_interval == core::Duration::zero()) return;
  for (Address& address : host->addresses) {
    if (address.next_probe == core::kNever) address.next_probe = core::Instant();  // Due at once.
  }
  FindNextDue();
}

void RouteHealth::SetAddresses(uint16_t host, std::span<const core::Endpoint> addresses,
                               core::Random* random, core::Instant now) {
  Host* entry = Find(host);
  if (entry == nullptr) return;
  const auto before = entry->addresses;
  entry->addresses.Clear();
  for (const core::Endpoint& endpoint : addresses) {
    const auto same = [&endpoint](const Address& address) { return address.endpoint == endpoint; };
    if (std::any_of(entry->addresses.begin(), entry->addresses.end(), same)) continue;
    const Address* kept = std::find_if(before.begin(), before.end(), same);
    Address address;
    if (kept != before.end()) {
      address = *kept;
    } else {
      address.endpoint = endpoint;
      if (entry->options_interval > core::Duration::zero()) {
        address.next_probe =
            now + Below(std::min(kFirstProbeWithin, entry->options_interval), random);
      }
    }
    if (!entry->addresses.PushBack(address)) break;
  }
  FindNextDue();
}

RouteHealth::Due RouteHealth::TickAddress(Host* host, size_t slot, core::Random* random,
                                          core::Instant now, Probe* probe, Change* change) {
  Due due;
  Address& address = host->addresses[slot];
  if (address.probe_deadline <= now) {
    ++counters_.probe_failures;
    address.last_status = 0;
    address.probe_deadline = core::kNever;
    due.changed = OnFailure(*host, &address, now, change);
  }
  if (address.next_probe > now || address.probe_deadline != core::kNever) return due;
  if (host->options_interval == core::Duration::zero()) {
    // No probe will tell, so the next call does: half of its failures are forgiven.
    address.next_probe = core::kNever;
    if (!address.up) {
      due.changed = OnSuccess(*host, &address, change);
      address.failures = kFailuresMax - 1;
    }
    return due;
  }
  ++counters_.probes;
  address.serial = ++serial_;
  address.probe_deadline = now + host->options_timeout;
  address.next_probe = now + Jittered(host->options_interval, random);
  *probe = {{host->host, static_cast<uint8_t>(slot), address.serial},
            host->side,
            TransportKind::kUdp,
            address.endpoint,
            host->from_host.view()};
  due.probe = true;
  return due;
}

bool RouteHealth::OnAnswer(ProbeId id, uint16_t status_code, core::Random* random,
                           core::Instant now, Change* change) {
  Host* host = Find(id.host);
  if (host == nullptr) return false;
  // By serial, not by slot: the name may have resolved anew in between.
  for (Address& address : host->addresses) {
    if (address.serial != id.serial || address.probe_deadline == core::kNever) continue;
    address.last_status = status_code;
    address.probe_deadline = core::kNever;
    if (status_code != 0) address.last_answer = now;
    bool changed = false;
    if (IsFailure(status_code)) {
      ++counters_.probe_failures;
      // It answers, so it is not asked again at once: a moment's overload may pass.
      const core::Instant again = status_code == 0 ? now : now + host->options_timeout;
      changed = OnFailure(*host, &address, again, change);
    } else {
      changed = OnSuccess(*host, &address, change);
      address.next_probe = now + Jittered(host->options_interval, random);
    }
    FindNextDue();
    return changed;
  }
  return false;
}

bool RouteHealth::OnCall(uint16_t host, const core::Endpoint& address, CallSign sign,
                         core::Instant now, Change* change) {
  Host* found = Find(host);
  if (found == nullptr) return false;
  for (Address& entry : found->addresses) {
    if (entry.endpoint != address) continue;
    bool changed = false;
    if (sign == CallSign::kAlive) {
      entry.last_answer = now;
      changed = OnSuccess(*found, &entry, change);
    } else {
      ++counters_.call_failures;
      changed = OnFailure(*found, &entry, now, change);
    }
    next_due_ = std::min(next_due_, DueOf(entry));
    return changed;
  }
  return false;
}

RouteHealth::Host* RouteHealth::Find(uint16_t host) {
  const uint32_t place = host < place_of_host_.size() ? place_of_host_[host] : kNoPlace;
  return place == kNoPlace ? nullptr : &hosts_[place];
}

// `again` is when a suspect is asked next, rather than in half a minute.
bool RouteHealth::OnFailure(const Host& host, Address* address, core::Instant again,
                            Change* change) {
  if (address->failures < UINT8_MAX) ++address->failures;
  const bool is_suspect = address->failures < kFailuresMax;
  if (host.options_interval == core::Duration::zero()) {
    if (!is_suspect) address->next_probe = again + kRetryUnprobed;
  } else if (is_suspect) {
    address->next_probe = std::min(address->next_probe, again);
  }
  if (!address->up || is_suspect) return false;
  address->up = false;
  ++counters_.went_down;
  *change = {host.host, address->endpoint, false};
  return true;
}

bool RouteHealth::OnSuccess(const Host& host, Address* address, Change* change) {
  address->probe_deadline = core::kNever;
  address->failures = 0;
  if (address->up) return false;
  address->up = true;
  ++counters_.went_up;
  *change = {host.host, address->endpoint, true};
  return true;
}

// While a probe is under way, the next one waits for its end.
core::Instant RouteHealth::DueOf(const Address& address) {
  return address.probe_deadline != core::kNever ? address.probe_deadline : address.next_probe;
}

void RouteHealth::FindNextDue() {
  next_due_ = core::kNever;
  for (const Host& host : hosts_) {
    for (const Address& address : host.addresses) next_due_ = std::min(next_due_, DueOf(address));
  }
}

}  // namespace sbc
