#pragma once

#include <cstdint>

#include "core/base/instant.h"
#include "core/buffer/packet.h"
#include "core/engine/mailbox.h"
#include "core/net/packet_io.h"
#include "core/time/clock.h"
#include "core/time/timer_wheel.h"

namespace core::engine {

/// The program that runs on a worker: the SBC's or the generator's share of one core.
class WorkerProgram {
 public:
  virtual ~WorkerProgram() = default;
  virtual void OnPacket(Packet packet, Instant now) = 0;
  virtual void OnSendError(const net::SendError& error, Instant now) = 0;
  /// One message of another thread; see mailbox.h. The envelope is the worker's again on return.
  virtual void OnEnvelope(const Envelope& envelope, Instant now) = 0;
  /// Once a turn, after everything else: publish a snapshot, open calls that are due.
  virtual void OnTurnEnd(Instant now) = 0;
};

/// One core's loop (rule 5). Owns its turn; borrows the rest, which must outlive it.
///
/// Thread: everything below Turn() runs on one thread, and nothing below it sleeps, locks,
/// allocates or
///         asks the time again.
class Worker {
 public:
  struct Parts {
    net::PacketIo* io = nullptr;
    Clock* clock = nullptr;
    TimerWheel* timers = nullptr;
    MailboxSet* mailboxes = nullptr;  // Null: a worker that nobody writes to.
    WorkerProgram* program = nullptr;
  };

  explicit Worker(const Parts& parts);

  void Turn();
  /// When the next turn must run even if nothing comes.
  Instant NextDue() const;
  Instant now() const { return now_; }
  WallTime wall() const;  // The wall clock of this turn: read once, mapped (rule 4).

 private:
  static constexpr size_t kTimersPerTurnMax =
      4096;  // So that a burst of timers cannot starve the sockets.

  Parts parts_;
  Instant now_;
  WallTime wall_;
};

}  // namespace core::engine
