// Who may reach a worker: by the newest configuration or an older one, by what host names resolve
// to, or for a call's sake alone (rule 2).

#include <algorithm>

#include "sbc/admission.h"
#include "sbc/envelopes.h"
#include "sbc/sbc_worker.h"

namespace sbc {

using core::Instant;
using core::engine::Envelope;
using core::sip::Message;

std::optional<Side> SbcWorker::SideOfSource(ListenerSide listener,
                                            const core::IpAddress& source) const {
  // The newest configuration first; but who is in a call of an older one still reaches us (rule 2).
  for (size_t i = policies_.size(); i-- > 0;) {
    if (const auto side = SideOf(*policies_[i], hosts_, listener, source)) return side;
  }
  return std::nullopt;
}

std::optional<Side> SbcWorker::SideOfHeld(ListenerSide listener,
                                          const core::IpAddress& source) const {
  if (held_.empty()) return std::nullopt;
  if (listener != ListenerSide::kTrunk && held_.Contains(Side::kCustomer, source)) {
    return Side::kCustomer;
  }
  if (listener != ListenerSide::kCustomer && held_.Contains(Side::kTrunk, source)) {
    return Side::kTrunk;
  }
  return std::nullopt;
}

// A response finds its transaction by a branch that nobody guesses, or is dropped.
bool SbcWorker::IsOfCallHere(const Message& message) {
  return !message.is_request() || table_.Knows(message) || b2bua_.Knows(message);
}

void SbcWorker::UpdateReachFilters() {
  for (size_t i = 0; i < sockets_.size(); ++i) {
    std::vector<core::Cidr> reach;
    for (const Side side : {Side::kCustomer, Side::kTrunk}) {
      if (!listeners_[i].serves(side)) continue;
      for (const PolicyRef& policy : policies_) {
        for (const auto& entry : policy->starters(side).entries()) reach.push_back(entry.cidr);
      }
      for (const core::IpAddress& address : hosts_.AddressesOf(side)) {
        reach.push_back(core::Cidr(address));
      }
      for (const HeldAddresses::Entry& held : held_.entries()) {
        if (held.side == side) reach.push_back(core::Cidr(held.ip));
      }
    }
    std::sort(reach.begin(), reach.end());
    reach.erase(std::unique(reach.begin(), reach.end()), reach.end());
    // Too many for a filter: OnPacket() judges them all the same, at the price of a flood's cost.
    if (!options_.io->SetReachFilter(sockets_[i], reach).ok()) {
      (void)options_.io->SetReachFilter(sockets_[i], {});
      ++counters_.filters_refused;
    }
  }
}

void SbcWorker::HoldAddress(Side side, const core::IpAddress& ip, Instant now) {
  if (hosts_.IsAddressOf(side, ip)) return;
  held_.Hold(side, ip, now);
  if (!held_timer_.armed()) timers_.Arm(&held_timer_, now + HeldAddresses::kTellInterval);
}

void SbcWorker::FireHeld(void* self, core::Timer* /*timer*/, Instant now) {
  static_cast<SbcWorker*>(self)->OnHeldTimer(now);
}

// One walk over the calls in half a minute, and only after a name has changed.
void SbcWorker::OnHeldTimer(Instant now) {
  b2bua_.ForEachPeer(
      [&](Side side, const core::IpAddress& ip) { (void)held_.Renew(side, ip, now); });
  for (const HeldAddresses::Entry& entry : held_.entries()) {
    if (entry.until == now + HeldAddresses::kTerm) TellHeld(entry);
  }
  if (held_.Expire(now)) UpdateReachFilters();
  if (!held_.empty() && !stopping_) {
    timers_.Arm(&held_timer_, now + HeldAddresses::kTellInterval);
  }
}

void SbcWorker::TellHeld(const HeldAddresses::Entry& entry) {
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kAddressHeld);
  envelope.words[0] = static_cast<uint64_t>(entry.side);
  envelope.remote.ip = entry.ip;
  for (size_t target = 0; target < options_.workers; ++target) {
    if (target == options_.index) continue;
    if (!options_.outbox->Post(target, envelope)) ++counters_.mailbox_full;  // Told again later.
  }
}

}  // namespace sbc
