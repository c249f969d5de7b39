#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/engine/mailbox.h"
#include "core/engine/worker_thread.h"
#include "core/net/packet_io.h"
#include "core/time/clock.h"
#include "sbc/sbc_worker.h"

namespace sbc {

/// What runs on one worker's thread: its network, its outbox and its SbcWorker, built there.
///
/// Lifetime: outlives its WorkerThread. The policies of its calls outlive it.
/// Errors:   Start() says which listener cannot be had, or what the machine lacks.
/// Thread:   Start() and Turn() are the worker's; snapshot() is anyone's, once Start() is done.
class WorkerHost final : public core::engine::WorkerThread::Body {
 public:
  struct Options {
    SbcWorker::Options worker;  // Without io, clock, mailboxes and outbox: those are ours.
    std::vector<core::engine::MailboxSet*> threads;  // Each worker's, then the control thread's.
  };

  explicit WorkerHost(Options options);
  ~WorkerHost() override;

  absl::Status Start() override;
  void Turn() override { worker_->Turn(); }
  void Wake() override;

  const core::engine::SnapshotCell<WorkerSnapshot>& snapshot() const { return worker_->snapshot(); }

 private:
  Options options_;
  core::KernelClock clock_;
  core::engine::Outbox outbox_;
  std::unique_ptr<core::net::PacketIo> io_;
  std::optional<SbcWorker> worker_;
};

}  // namespace sbc
