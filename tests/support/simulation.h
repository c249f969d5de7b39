#pragma once

#include <cstdint>
#include <vector>

#include "core/base/instant.h"
#include "tests/support/sim_io.h"
#include "tests/support/sim_network.h"

namespace tests {

/// Whoever takes turns in a simulation: a worker with its program, or a scripted peer.
class Participant {
 public:
  virtual ~Participant() = default;
  /// One turn: FlushAndWait(), then all that came, then the timers that are due.
  virtual void Turn() = 0;
  /// When a turn must run even if nothing comes; kNever when there is no such moment.
  virtual core::Instant NextDue() const = 0;
};

/// Runs participants in virtual time: whoever has work takes turns until nobody has, then the clock
/// jumps to what happens next.
///
/// Order:    participants take turns in the order in which they were added, so a run is a function
///           of the seed.
/// Errors:   CHECK when turns go on without time passing: a participant that is never done.
/// Lifetime: borrows all it is given.
class Simulation {
 public:
  explicit Simulation(SimNetwork* network) : network_(network) {}

  /// `io` is the one that `participant` uses in its turn.
  void Add(Participant* participant, SimIo* io) { seats_.push_back({participant, io}); }
  /// Takes one out: a process that dies.
  void Remove(Participant* participant);

  core::Instant now() { return network_->clock().Now(); }
  void RunUntil(core::Instant end);
  void RunFor(core::Duration duration) { RunUntil(now() + duration); }
  /// Runs until nothing is under way and nobody has a timer. False when `limit` came first.
  [[nodiscard]] bool RunUntilIdle(core::Instant limit);

  uint64_t turns() const { return turns_; }

 private:
  struct Seat {
    Participant* participant;
    SimIo* io;
  };
  static constexpr uint64_t kTurnsAtOneMomentMax = 1'000'000;

  void Settle();  // All turns that have work now.
  core::Instant NextMoment() const;

  SimNetwork* network_;
  std::vector<Seat> seats_;
  uint64_t turns_ = 0;
};

}  // namespace tests
