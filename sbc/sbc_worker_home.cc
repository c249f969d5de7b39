// What a worker keeps for the connectors whose home it is: rates, calls, and which routes answer.

#include "sbc/sbc_worker.h"

#include "sbc/envelope_bytes.h"
#include "sbc/envelopes.h"

namespace sbc {

using core::Instant;
using core::engine::Envelope;

namespace {

Envelope HealthOf(uint16_t host, const core::Endpoint& address, bool up) {
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kHostHealth);
  envelope.words = {host, up ? 1u : 0u, 0, 0};
  envelope.remote = address;
  return envelope;
}

}  // namespace

bool SbcWorker::LimitsRate() {
  const LimitsConfig& limits = policy()->config().limits;
  return limits.calls_per_second != 0 || limits.calls_per_second_per_source != 0;
}

GrantAnswer SbcWorker::AskRate(const core::IpAddress& source, Instant now) {
  const bool counts = LimitsRate() && options_.index == kRateWorker;
  return counts ? CountRate(source, now) : GrantAnswer::kGranted;
}

GrantAnswer SbcWorker::CountRate(const core::IpAddress& source, Instant now) {
  const bool node_fits = node_rate_.Fits(now);
  if (!node_fits || !rates_.Admit(source, now)) {
    ++counters_.rate_limited;
    return node_fits ? GrantAnswer::kRefusedSourceRate : GrantAnswer::kRefusedRate;
  }
  node_rate_.Record(now);
  return GrantAnswer::kGranted;
}

ConnectorLedger* SbcWorker::LedgerOf(uint16_t connector) {
  return connector < ledgers_.size() ? ledgers_[connector].get() : nullptr;
}

std::optional<Grant> SbcWorker::Ask(const Connector& connector, const AskGrant& ask, Instant now) {
  AskGrant sent = ask;
  sent.asker = options_.index;
  sent.home = connector.home_worker;
  if (IsHome(connector)) return AskLedger(sent, now);
  if (Post(connector.home_worker, EnvelopeKind::kAskGrant, BytesOf(sent))) return std::nullopt;
  // Who would have to be asked is drowning: no more calls for it, but emergencies (rule 6).
  return Grant{ask.connector, ask.emergency ? GrantAnswer::kUncounted : GrantAnswer::kRefusedCalls,
               ask.call, connector.home_worker, now};
}

// The rate of all calls is asked last: what the connector refuses counts against nobody.
std::optional<Grant> SbcWorker::AskLedger(AskGrant ask, Instant now) {
  ConnectorLedger* ledger = LedgerOf(static_cast<uint16_t>(ask.connector));
  if (ledger == nullptr)
    return Grant{ask.connector, GrantAnswer::kRefusedCalls, ask.call, ask.home, now};
  Grant grant = ledger->Ask(ask, now);
  const bool is_rated = !ask.emergency && LimitsRate();
  if (grant.answer != GrantAnswer::kGranted || !is_rated) return grant;
  if (options_.index != kRateWorker) {
    ask.is_rated = true;
    ask.counted_at = grant.counted_at;
    if (Post(kRateWorker, EnvelopeKind::kAskGrant, BytesOf(ask))) return std::nullopt;
    grant.answer = GrantAnswer::kRefusedCalls;
  } else {
    grant.answer = CountRate(ask.source, now);
  }
  if (grant.answer != GrantAnswer::kGranted) ledger->Return(Unused(grant));
  return grant;
}

void SbcWorker::ReturnGrant(const Connector& connector, const ReturnedGrant& returned) {
  GiveBack(returned, connector.home_worker);
}

void SbcWorker::GiveBack(const ReturnedGrant& returned, uint16_t home) {
  const auto connector = static_cast<uint16_t>(returned.connector);
  if (home == options_.index) return LedgerOf(connector)->Return(returned);
  if (Post(home, EnvelopeKind::kReturnGrant, BytesOf(returned))) return;
  // It is owed: a grant that is never returned would take a call from the connector for ever. (Its
  // moment is not: that is over in a second.)
  returns_owed_[connector].home = home;
  ++returns_owed_[connector].count;
  any_return_owed_ = true;
}

void SbcWorker::PayReturns() {
  any_return_owed_ = false;
  for (size_t connector = 0; connector < returns_owed_.size(); ++connector) {
    OwedReturns& owed = returns_owed_[connector];
    const ReturnedGrant returned{.connector = static_cast<uint32_t>(connector)};
    while (owed.count > 0 && Post(owed.home, EnvelopeKind::kReturnGrant, BytesOf(returned))) {
      --owed.count;
    }
    any_return_owed_ |= owed.count > 0;
  }
}

void SbcWorker::OnAskGrant(const Envelope& envelope, Instant now) {
  const auto ask = FromBytes<AskGrant>(envelope.bytes);
  if (!ask.is_rated) {
    if (const auto grant = AskLedger(ask, now)) Tell(ask, *grant, now);
    return;
  }
  const Grant grant{ask.connector, CountRate(ask.source, now), ask.call, ask.home, ask.counted_at};
  if (grant.answer != GrantAnswer::kGranted) GiveBack(Unused(grant), ask.home);
  Tell(ask, grant, now);
}

void SbcWorker::Tell(const AskGrant& ask, const Grant& grant, Instant now) {
  if (ask.asker == options_.index) return OnGrant(grant, now);
  if (Post(ask.asker, EnvelopeKind::kGrant, BytesOf(grant))) return;
  // Nobody hears of it: the asker's patience ends by itself.
  if (grant.answer == GrantAnswer::kGranted) GiveBack(Unused(grant), ask.home);
}

void SbcWorker::OnGrant(const Grant& grant, Instant now) {
  for (const PolicyRef& candidate : policies_) {
    for (const Connector& connector : candidate->connectors()) {
      if (connector.number != grant.connector) continue;
      return b2bua_.OnGrant(connector, grant, now);
    }
  }
  // Neither the call nor its configuration is there any more.
  if (grant.answer == GrantAnswer::kGranted) GiveBack(Unused(grant), grant.home);
}

void SbcWorker::OnRouteSign(const RouteTarget& target, RouteHealth::CallSign sign, Instant now) {
  const uint16_t home = home_of_host_[target.host];
  if (home != options_.index) {
    // That it lives is news only where it was thought dead; that it does not, always.
    if (sign == RouteHealth::CallSign::kAlive &&
        hosts_.up(target.host) == hosts_.usable(target.host)) {
      return;
    }
    Envelope envelope;
    envelope.kind = static_cast<uint16_t>(EnvelopeKind::kRouteSign);
    envelope.words = {target.host, static_cast<uint64_t>(sign), 0, 0};
    envelope.remote = target.endpoint;
    if (home < options_.workers && !options_.outbox->Post(home, envelope)) ++counters_.mailbox_full;
    return;
  }
  RouteHealth::Change change;
  if (health_.OnCall(target.host, target.endpoint, sign, now, &change)) OnHealthChange(change);
  if (sign == RouteHealth::CallSign::kSuspect) ArmHealthTimer();
}

void SbcWorker::OnOtherResponse(TransactionMark mark, uint16_t status_code, Instant now) {
  RouteHealth::Change change;
  if (health_.OnAnswer(RouteHealth::ProbeId::FromBits(mark.probe_bits()), status_code, &random_,
                       now, &change)) {
    OnHealthChange(change);
  }
  ArmHealthTimer();
}

void SbcWorker::OnHealthChange(const RouteHealth::Change& change) {
  (void)hosts_.SetUp(change.host, change.address, change.up);
  const Envelope envelope = HealthOf(change.host, change.address, change.up);
  for (size_t target = 0; target <= options_.control; ++target) {  // All workers, and the log.
    if (target == options_.index || options_.outbox->Post(target, envelope)) continue;
    ++counters_.mailbox_full;
    if (target == options_.control) continue;  // A line of its log.
    health_owed_[target] = true;
    any_health_owed_ = true;
  }
}

// A worker that missed a change would skip a healthy route until its next one. It is told all that
// is so now, as often as it takes.
void SbcWorker::PayHealth() {
  any_health_owed_ = false;
  for (size_t target = 0; target < health_owed_.size(); ++target) {
    if (!health_owed_[target]) continue;
    bool told = true;
    health_.ForEachState([&](const RouteHealth::State& state) {
      told = told && options_.outbox->Post(target, HealthOf(state.host, state.address, state.up));
    });
    health_owed_[target] = !told;
    any_health_owed_ |= !told;
  }
}

void SbcWorker::FireHealth(void* self, core::Timer* /*timer*/, Instant now) {
  static_cast<SbcWorker*>(self)->OnHealthTimer(now);
}

void SbcWorker::OnHealthTimer(Instant now) {
  dirty_ = true;
  health_.OnTick(
      &random_, now,
      [&](const RouteHealth::Probe& probe) {
        if (b2bua_.SendProbe(probe, now)) return;
        RouteHealth::Change change;
        if (health_.OnAnswer(probe.id, 0, &random_, now, &change)) OnHealthChange(change);
      },
      [&](const RouteHealth::Change& change) { OnHealthChange(change); });
  ArmHealthTimer();
}

void SbcWorker::ArmHealthTimer() {
  if (stopping_ || health_.next_due() == core::kNever) {
    timers_.Disarm(&health_timer_);
  } else {
    timers_.Arm(&health_timer_, health_.next_due());
  }
}

}  // namespace sbc
