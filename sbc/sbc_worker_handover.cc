// What comes to one worker's socket and belongs to another's call (rule 15 of the packet core).

#include "sbc/envelopes.h"
#include "sbc/sbc_worker.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::engine::Envelope;
using core::sip::Message;

void SbcWorker::HandOver(size_t owner, const Packet& packet) {
  ++counters_.handed_over;
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kDatagram);
  envelope.local = packet.local();
  envelope.remote = packet.remote();
  for (size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i] == packet.socket()) envelope.words[0] = i;
  }
  envelope.bytes = packet.text();
  if (!options_.outbox->Post(owner, envelope)) ++counters_.mailbox_full;  // As if it were lost.
}

void SbcWorker::OnDatagram(const Envelope& envelope, Instant now) {
  Packet packet = store_.Copy(envelope.bytes);
  if (!packet || envelope.words[0] >= sockets_.size()) return;  // As if it were lost.
  packet.SetRoute(sockets_[envelope.words[0]], envelope.local, envelope.remote);
  packet.slot()->received_at = now;
  placed_ = true;
  OnPacket(std::move(packet), now);
  placed_ = false;
}

void SbcWorker::OnSendError(const core::net::SendError& error, Instant now) {
  if (options_.workers > 1) {
    // The kernel brings an ICMP error to whichever of the workers' sockets the dead peer's address
    // picks, not to the one that sent (packet core, rule 8).
    Message quoted;
    (void)quoted.Index(error.quoted);  // It may end anywhere; the branch is there or it is not.
    const auto owner = placement_.OwnerOfSent(quoted, mint_);
    if (owner.has_value() && *owner != options_.index) return HandOver(*owner, error);
  }
  table_.OnSendError(error.quoted, error.remote, now);
}

void SbcWorker::HandOver(size_t owner, const core::net::SendError& error) {
  ++counters_.handed_over;
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kSendError);
  envelope.remote = error.remote;
  envelope.bytes = error.quoted;
  if (!options_.outbox->Post(owner, envelope)) ++counters_.mailbox_full;  // Its timers say it.
}

}  // namespace sbc
