#include "core/engine/worker.h"

#include <utility>

#include "core/base/check.h"

namespace core::engine {

Worker::Worker(const Parts& parts) : parts_(parts) {
  CHECK(parts.io != nullptr && parts.clock != nullptr && parts.timers != nullptr &&
        parts.program != nullptr);
  if (parts_.mailboxes != nullptr) parts_.mailboxes->set_waker(this);
  now_ = parts_.clock->Now();
  wall_.Update(now_, parts_.clock->Wall());
}

void Worker::Turn() {
  Wait();
  now_ = parts_.clock->Now();  // After the wait, or it is stale by the whole of it.
  wall_.Update(now_, parts_.clock->Wall());

  for (Packet& packet : parts_.io->Receive()) parts_.program->OnPacket(std::move(packet), now_);
  for (const net::SendError& error : parts_.io->Errors()) {
    parts_.program->OnSendError(error, now_);
  }
  TakeMail(kEnvelopesPerTurnMax);
  parts_.timers->FireDue(now_, kTimersPerTurnMax);
  parts_.program->OnTurnEnd(now_);
  // In one batch and with one wake a target, however many were posted (rule 15).
  if (parts_.outbox != nullptr) parts_.outbox->Flush();
}

void Worker::Begin() { TakeMail(SIZE_MAX); }

void Worker::TakeMail(size_t per_writer_max) {
  if (parts_.mailboxes == nullptr) return;
  parts_.mailboxes->Drain(per_writer_max, [this](const Envelope& envelope) {
    parts_.program->OnEnvelope(envelope, now_);
  });
}

void Worker::Wait() {
  const Instant due = NextDue();
  if (parts_.mailboxes == nullptr || due <= now_) {
    parts_.io->FlushAndWait(due);
    return;
  }
  // Mail that the last turn left, or that came since, is work that is due now.
  parts_.io->FlushAndWait(parts_.mailboxes->BeginSleep() ? due : now_);
  parts_.mailboxes->EndSleep();
}

}  // namespace core::engine
