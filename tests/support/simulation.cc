#include "tests/support/simulation.h"

#include <algorithm>

namespace tests {

using core::Instant;

void Simulation::Remove(Participant* participant) {
  std::erase_if(seats_, [&](const Seat& seat) { return seat.participant == participant; });
}

void Simulation::Settle() {
  network_->DeliverDue();
  uint64_t turns = 0;
  for (bool worked = true; worked;) {
    worked = false;
    for (size_t i = 0; i < seats_.size(); ++i) {  // By index: a turn may add a participant.
      const Seat seat = seats_[i];
      if (!seat.io->HasWork() && seat.participant->NextDue() > now()) continue;
      seat.participant->Turn();
      ++turns_;
      worked = true;
      CHECK(++turns <= kTurnsAtOneMomentMax);
    }
  }
}

Instant Simulation::NextMoment() const {
  Instant next = network_->NextEvent();
  for (const Seat& seat : seats_) next = std::min(next, seat.participant->NextDue());
  return next;
}

void Simulation::RunUntil(Instant end) {
  Settle();
  for (Instant next = NextMoment(); next <= end; next = NextMoment()) {
    network_->clock().AdvanceTo(std::max(next, now()));
    Settle();
  }
  network_->clock().AdvanceTo(std::max(end, now()));
}

bool Simulation::RunUntilIdle(Instant limit) {
  Settle();
  for (Instant next = NextMoment(); next != core::kNever; next = NextMoment()) {
    if (next > limit) return false;
    network_->clock().AdvanceTo(std::max(next, now()));
    Settle();
  }
  return true;
}

}  // namespace tests
