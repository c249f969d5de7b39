#include "sbc/router.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace sbc {
namespace {

template <typename Visit>
void ForEachBit(uint32_t bits, Visit&& visit) {
  for (; bits != 0; bits &= bits - 1) visit(static_cast<size_t>(std::countr_zero(bits)));
}

// The bit of `bits` that a fair draw among those set picks.
size_t DrawBit(uint32_t bits, core::Random* random) {
  if (std::has_single_bit(bits)) return static_cast<size_t>(std::countr_zero(bits));
  for (uint64_t skip = random->Below(static_cast<uint64_t>(std::popcount(bits))); skip > 0;
       --skip) {
    bits &= bits - 1;
  }
  return static_cast<size_t>(std::countr_zero(bits));
}

// Which of the addresses in `bits` is tried next (RFC 2782): of those of the lowest priority one by
// weight. A weight of 0 has a small chance beside others, and an equal one among its like: that is
// all that A and AAAA records have.
size_t DrawAddress(std::span<const HostAddress> addresses, uint32_t bits, core::Random* random) {
  uint16_t priority = UINT16_MAX;
  ForEachBit(bits, [&](size_t i) { priority = std::min(priority, addresses[i].priority); });
  uint32_t firsts = 0;  // Of each target its first address, which stands for it.
  uint32_t weightless = 0;
  uint64_t weights = 0;
  std::optional<uint8_t> target;
  ForEachBit(bits, [&](size_t i) {
    if (addresses[i].priority != priority || addresses[i].target == target) return;
    target = addresses[i].target;
    firsts |= 1u << i;
    weights += addresses[i].weight;
    if (addresses[i].weight == 0) weightless |= 1u << i;
  });
  size_t drawn = 0;
  uint64_t at = random->Below(weights + 1);
  if (at == 0 && weightless != 0) {
    drawn = DrawBit(weightless, random);
  } else {
    for (uint32_t rest = firsts & ~weightless; rest != 0; rest &= rest - 1) {
      drawn = static_cast<size_t>(std::countr_zero(rest));
      if (at <= addresses[drawn].weight) break;
      at -= addresses[drawn].weight;
    }
  }
  uint32_t of_target = 0;
  ForEachBit(bits, [&](size_t i) {
    if (addresses[i].target == addresses[drawn].target) of_target |= 1u << i;
  });
  return DrawBit(of_target, random);
}

}  // namespace

Failover::Failover(const FailoverConfig& config)
    : answer_timeout(config.answer_timeout),
      progress_timeout(config.progress_timeout),
      ring_timeout(config.ring_timeout),
      total_timeout(config.total_timeout) {
  for (const uint16_t code : config.codes) {
    if (code >= 300 && code < 600 && code != 401 && code != 407) codes.set(code);
  }
}

std::string_view RouteEventName(RouteEvent event) {
  switch (event) {
    case RouteEvent::kTrying:
      return "trying";
    case RouteEvent::kAnswered:
      return "answered";
    case RouteEvent::kFailedCode:
      return "failed_code";
    case RouteEvent::kNoAnswer:
      return "no_answer";
    case RouteEvent::kNoProgress:
      return "no_progress";
    case RouteEvent::kRangOut:
      return "rang_out";
    case RouteEvent::kTransportError:
      return "transport_error";
    case RouteEvent::kTotalTimeout:
      return "total_timeout";
    case RouteEvent::kCancelled:
      return "cancelled";
  }
  return "";
}

uint16_t UpstreamStatus(uint16_t status_code) {
  if (status_code >= 300 && status_code < 400) return 480;
  if (status_code == 401 || status_code == 407) return 403;
  if (status_code == 503) return 500;
  if (status_code == 420 || status_code == 421) return 500;  // About option tags of a leg's own.
  if (status_code == 422) return 500;  // About a session timer, which is each leg's own (rule 15).
  return status_code;
}

RouteTrace ShortTrace::trace() const {
  RouteTrace trace;
  for (const RouteTrace::Step& step : steps) CHECK(trace.steps.PushBack(step));
  trace.skipped_down = skipped_down;
  trace.skipped_own = skipped_own;
  trace.skipped_unresolved = skipped_unresolved;
  trace.last_resort = last_resort;
  return trace;
}

void RoutePlan::Begin(const RouteSet& routes, const Failover& failover, Side towards,
                      core::Instant now) {
  *this = RoutePlan();
  routes_ = &routes;
  failover_ = &failover;
  towards_ = towards;
  began_ = now;
}

bool RoutePlan::Next(const HostTable& hosts, core::Random* random, core::Instant now,
                     RouteTarget* target) {
  CHECK(routes_ != nullptr && (phase_ == Phase::kIdle || phase_ == Phase::kEnded));
  if (phase_ == Phase::kEnded) return false;
  if (now - began_ >= failover_->total_timeout) return GiveUp(), false;
  if (pinned_.has_value()) {
    if (!NextPinned(hosts, now)) return GiveUp(), false;
    *target = current_;
    return true;
  }
  if (routes_tried_ == 0) NoteSkips(hosts);
  while (!NextAddress(hosts, random, now)) {
    if (!Draw(hosts, random)) return GiveUp(), false;
  }
  *target = current_;
  return true;
}

// The addresses of a host that this search may send to.
uint32_t RoutePlan::Eligible(const HostTable& hosts, uint16_t host) const {
  return trace_.last_resort ? hosts.usable(host) : hosts.up(host);
}

// Once a search: what is skipped and why, and whether anything is left.
void RoutePlan::NoteSkips(const HostTable& hosts) {
  bool any_up = false;
  for (size_t i = 0; i < routes_->size(); ++i) {
    const uint16_t host = (*routes_)[i].host;
    const uint32_t bit = 1u << i;
    if (hosts.up(host) != 0) {
      any_up = true;
    } else if (hosts.usable(host) != 0) {
      trace_.skipped_down |= bit;
    } else if (hosts.all(host) != 0) {
      trace_.skipped_own |= bit;
    } else {
      trace_.skipped_unresolved |= bit;
    }
  }
  if (any_up || trace_.skipped_down == 0) return;
  trace_.last_resort = true;
  trace_.skipped_down = 0;
}

// Opens the route that the draw picks among those of the best priority left (rule 12).
bool RoutePlan::Draw(const HostTable& hosts, core::Random* random) {
  uint32_t eligible = 0;
  uint64_t weights = 0;
  unsigned priority = UINT8_MAX;
  for (size_t i = 0; i < routes_->size(); ++i) {
    const Route& route = (*routes_)[i];
    if ((routes_tried_ >> i & 1) != 0 || route.priority > priority) continue;
    if (Eligible(hosts, route.host) == 0) continue;
    if (route.priority < priority) {
      priority = route.priority;
      eligible = 0;
      weights = 0;
    }
    eligible |= 1u << i;
    weights += route.weight;
  }
  if (eligible == 0) return false;
  uint64_t at = random->Below(weights);
  for (; eligible != 0; eligible &= eligible - 1) {
    const auto i = static_cast<size_t>(std::countr_zero(eligible));
    const Route& route = (*routes_)[i];
    if (at >= route.weight) {
      at -= route.weight;
      continue;
    }
    routes_tried_ |= 1u << i;
    current_ = {static_cast<uint8_t>(i), 0, route.host, route.transport, {}};
    addresses_tried_.Clear();
    route_open_ = true;
    return true;
  }
  CHECK(false);  // The draw is below the sum of the weights just walked.
  return false;
}

// The open route's next address. Drawn anew each time, for the host's addresses may have changed.
bool RoutePlan::NextAddress(const HostTable& hosts, core::Random* random, core::Instant now) {
  if (!route_open_) return false;
  route_open_ = false;
  if (addresses_tried_.full()) return false;
  const std::span<const HostAddress> addresses = hosts.addresses(current_.host);
  uint32_t left = Eligible(hosts, current_.host);
  for (size_t i = 0; i < addresses.size(); ++i) {
    const auto* end = addresses_tried_.end();
    if (std::find(addresses_tried_.begin(), addresses_tried_.end(), addresses[i].endpoint) != end) {
      left &= ~(1u << i);
    }
  }
  if (left == 0) return false;
  current_.tried = static_cast<uint8_t>(addresses_tried_.size());
  current_.endpoint = addresses[DrawAddress(addresses, left, random)].endpoint;
  CHECK(addresses_tried_.PushBack(current_.endpoint));
  route_open_ = true;
  OpenAttempt(now);
  return true;
}

// Once, by the route whose host has the address: that is whose health the attempt tells of. Who
// called us from an address that no route has goes by the first one's name.
bool RoutePlan::NextPinned(const HostTable& hosts, core::Instant now) {
  if (attempts_ > 0 || routes_->empty()) return false;
  size_t found = 0;
  for (size_t i = routes_->size(); i-- > 0;) {
    for (const HostAddress& address : hosts.addresses((*routes_)[i].host)) {
      if (address.endpoint == *pinned_) found = i;
    }
  }
  const Route& route = (*routes_)[found];
  current_ = {static_cast<uint8_t>(found), 0, route.host, route.transport, *pinned_};
  OpenAttempt(now);
  return true;
}

void RoutePlan::OpenAttempt(core::Instant now) {
  phase_ = Phase::kCalling;
  deadline_ = std::min(now + failover_->answer_timeout, began_ + failover_->total_timeout);
  ++attempts_;
  const RouteTrace::Step step = {.route = current_.route,
                                 .event = RouteEvent::kTrying,
                                 .host = current_.host,
                                 .endpoint = current_.endpoint};
  if (trace_.steps.PushBack(step)) return;
  trace_.steps.back() = step;
  ++trace_.more_steps;
}

void RoutePlan::OnProvisional(uint16_t status_code, core::Instant now) {
  if (phase_ != Phase::kCalling && phase_ != Phase::kProceeding) return;
  if (status_code > 100) {
    phase_ = Phase::kRinging;
    deadline_ = now + failover_->ring_timeout;
  } else if (phase_ == Phase::kCalling) {
    phase_ = Phase::kProceeding;
    deadline_ = std::min(now + failover_->progress_timeout, began_ + failover_->total_timeout);
  }
}

RoutePlan::Verdict RoutePlan::OnFinal(uint16_t status_code, core::Instant now) {
  CHECK(phase_ != Phase::kIdle && phase_ != Phase::kEnded);
  if (!owned() && failover_->Lists(status_code)) {
    return Fail(RouteEvent::kFailedCode, status_code, now);
  }
  EndAttempt(RouteEvent::kAnswered, status_code, now);
  Stop(UpstreamStatus(status_code));
  return Verdict::kStop;
}

RoutePlan::Verdict RoutePlan::OnTimeOut(core::Instant now) {
  CHECK(phase_ != Phase::kIdle && phase_ != Phase::kEnded);
  if (owned()) {
    EndAttempt(RouteEvent::kRangOut, 0, now);
    Stop(480);
    return Verdict::kStop;
  }
  if (now - began_ >= failover_->total_timeout) return Fail(RouteEvent::kTotalTimeout, 0, now);
  const bool silent = phase_ == Phase::kCalling;
  return Fail(silent ? RouteEvent::kNoAnswer : RouteEvent::kNoProgress, 0, now);
}

RoutePlan::Verdict RoutePlan::OnTransportError(core::Instant now) {
  CHECK(phase_ != Phase::kIdle && phase_ != Phase::kEnded);
  if (!owned()) return Fail(RouteEvent::kTransportError, 0, now);
  EndAttempt(RouteEvent::kTransportError, 0, now);
  Stop(500);  // As a 503 of that peer would be (RFC 3261 §16.9).
  return Verdict::kStop;
}

void RoutePlan::OnCancel(core::Instant now) {
  if (phase_ == Phase::kEnded) return;
  if (phase_ != Phase::kIdle) EndAttempt(RouteEvent::kCancelled, 0, now);
  Stop(487);
}

void RoutePlan::EndAttempt(RouteEvent event, uint16_t status_code, core::Instant now) {
  phase_ = Phase::kIdle;
  deadline_ = core::kNever;
  RouteTrace::Step& step = trace_.steps.back();
  step.event = event;
  step.status_code = status_code;
  const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_).count();
  step.after_ms = static_cast<uint32_t>(std::clamp<int64_t>(after, 0, UINT32_MAX));
}

RoutePlan::Verdict RoutePlan::Fail(RouteEvent event, uint16_t status_code, core::Instant now) {
  EndAttempt(event, status_code, now);
  // What the attempt amounts to: silence is a 408 (RFC 3261 §16.7), an unreachable peer a 503
  // (§16.9). Of several the lowest class is the best answer, and the first of its class.
  if (event == RouteEvent::kTransportError) {
    status_code = 503;
  } else if (status_code == 0) {
    status_code = 408;
  }
  if (best_status_ == 0 || status_code / 100 < best_status_ / 100) best_status_ = status_code;
  return Verdict::kTryNext;
}

void RoutePlan::Stop(uint16_t upstream_status) {
  phase_ = Phase::kEnded;
  answer_ = {upstream_status, std::nullopt};
}

// Rule 11: the trunk is told 503 (kNoRoute's code), which makes it try its next route. A customer
// learns what the trunk answered.
void RoutePlan::GiveUp() {
  phase_ = Phase::kEnded;
  if (towards_ == Side::kCustomer || best_status_ == 0) {
    answer_ = {0, RejectionCause::kNoRoute};
  } else {
    answer_ = {UpstreamStatus(best_status_), std::nullopt};
  }
}

}  // namespace sbc
