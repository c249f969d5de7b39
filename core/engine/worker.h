#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/instant.h"
#include "core/buffer/packet.h"
#include "core/engine/mailbox.h"
#include "core/engine/wall_mapping.h"
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
/// Order:  flush and wait; read the clock; packets; send errors; mailboxes; timers; the program's
///         end of turn; hand over what was posted. Each step is bounded, so none starves another.
/// Thread: everything below Turn() runs on one thread, and nothing below it sleeps, locks,
/// allocates
///         or asks the time again. Wake() is any thread's.
class Worker final : public Waker {
 public:
  struct Parts {
    net::PacketIo* io = nullptr;
    Clock* clock = nullptr;
    TimerWheel* timers = nullptr;
    MailboxSet* mailboxes = nullptr;  // Null: a worker that nobody writes to.
    Outbox* outbox = nullptr;         // Null: a worker that writes to nobody.
    WorkerProgram* program = nullptr;
  };

  /// Made on the thread that runs it, or before that thread starts.
  explicit Worker(const Parts& parts);

  /// Takes all mail that is there: what was posted before the start is known before the first
  /// packet. Once, before the first Turn().
  void Begin();
  void Turn();
  void Wake() override { parts_.io->Wake(); }

  /// When the next turn must run even if nothing comes.
  Instant NextDue() const { return parts_.timers->NextDue(); }
  Instant now() const { return now_; }
  WallTime wall() const { return wall_.At(now_); }  // Of this turn: read once (rule 4).
  const WallMapping& wall_mapping() const { return wall_; }

 private:
  static constexpr size_t kTimersPerTurnMax =
      4096;  // A burst of timers must not starve the sockets.
  static constexpr size_t kEnvelopesPerTurnMax = 512;  // Of each writer, for the same reason.

  void TakeMail(size_t per_writer_max);
  void Wait();

  Parts parts_;
  Instant now_;
  WallMapping wall_;
};

}  // namespace core::engine
