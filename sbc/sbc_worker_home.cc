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

std::optional<GrantAnswer> SbcWorker::AskRate(const core::IpAddress& source, Instant now) {
  const LimitsConfig& limits = policy()->config().limits;
  if (limits.calls_per_second == 0 && limits.calls_per_second_per_source == 0) {
    return GrantAnswer::kGranted;
  }
  if (options_.index != kRateWorker) return std::nullopt;
  return CountRate(source, now);
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

std::optional<GrantAnswer> SbcWorker::Ask(const Connector& connector, const AskGrant& ask,
                                          Instant now) {
  if (IsHome(connector) && !ask.ask_rate) return LedgerOf(connector.number)->Ask(ask, now);
  AskGrant sent = ask;
  sent.asker = options_.index;
  sent.home = connector.home_worker;
  const uint16_t next = ask.ask_rate ? kRateWorker : connector.home_worker;
  if (Post(next, EnvelopeKind::kAskGrant, BytesOf(sent))) return std::nullopt;
  // Who would have to be asked is drowning: no more calls for it, but emergencies (rule 6).
  return ask.emergency ? GrantAnswer::kUncounted : GrantAnswer::kRefusedCalls;
}

void SbcWorker::ReturnGrant(const Connector& connector) {
  if (IsHome(connector)) return LedgerOf(connector.number)->Return();
  PostReturn(connector.number, connector.home_worker);
}

void SbcWorker::PostReturn(uint16_t connector, uint16_t home) {
  if (Post(home, EnvelopeKind::kReturnGrant, {}, connector)) return;
  // It is owed: a grant that is never returned would take a call from the connector for ever.
  returns_owed_[connector].home = home;
  ++returns_owed_[connector].count;
  any_return_owed_ = true;
}

void SbcWorker::PayReturns() {
  any_return_owed_ = false;
  for (size_t connector = 0; connector < returns_owed_.size(); ++connector) {
    OwedReturns& owed = returns_owed_[connector];
    while (owed.count > 0 && Post(owed.home, EnvelopeKind::kReturnGrant, {}, connector)) {
      --owed.count;
    }
    any_return_owed_ |= owed.count > 0;
  }
}

void SbcWorker::OnAskGrant(const Envelope& envelope, Instant now) {
  AskGrant ask = FromBytes<AskGrant>(envelope.bytes);
  if (ask.ask_rate) {
    const GrantAnswer rate = CountRate(ask.source, now);
    if (rate != GrantAnswer::kGranted) return Tell(ask, rate, now);
    ask.ask_rate = false;
    if (ask.home != options_.index) {
      if (!Post(ask.home, EnvelopeKind::kAskGrant, BytesOf(ask))) {
        Tell(ask, GrantAnswer::kRefusedCalls, now);
      }
      return;
    }
  }
  ConnectorLedger* ledger = LedgerOf(static_cast<uint16_t>(ask.connector));
  Tell(ask, ledger == nullptr ? GrantAnswer::kRefusedCalls : ledger->Ask(ask, now), now);
}

void SbcWorker::Tell(const AskGrant& ask, GrantAnswer answer, Instant now) {
  const Grant grant{.connector = ask.connector, .answer = answer, .call = ask.call};
  if (ask.asker == options_.index) return OnGrant(grant, options_.index, now);
  if (Post(ask.asker, EnvelopeKind::kGrant, BytesOf(grant))) return;
  // Nobody hears of it: the asker's patience ends by itself.
  if (answer == GrantAnswer::kGranted) LedgerOf(static_cast<uint16_t>(ask.connector))->Return();
}

void SbcWorker::OnGrant(const Grant& grant, size_t home, Instant now) {
  for (const PolicyRef& candidate : policies_) {
    for (const Connector& connector : candidate->connectors()) {
      if (connector.number != grant.connector) continue;
      return b2bua_.OnGrant(connector, grant, now);
    }
  }
  // Neither the call nor its configuration is there any more.
  if (grant.answer == GrantAnswer::kGranted) {
    PostReturn(static_cast<uint16_t>(grant.connector), static_cast<uint16_t>(home));
  }
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
