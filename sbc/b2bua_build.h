#pragma once

#include <span>
#include <utility>

#include "core/sip/message_writer.h"
#include "sbc/b2bua.h"

// How every message of the B2bua is made; included by its own .cc files only.

namespace sbc {

constexpr std::string_view kAccept = "application/sdp, multipart/mixed";

// How long another worker may take over its word. What a mailbox needs is microseconds; one that is
// late by this is drowning.
constexpr core::Duration kWordTimeout = std::chrono::seconds(2);

/// Whether it has our Contact: only where the peer may learn from it where to send. INVITE and
/// UPDATE, whose target it refreshes, REFER and NOTIFY (RFC 3515 §2.2, RFC 6665 §8.2.1), OPTIONS
/// (RFC 3261 §20 table 2).
inline bool TakesContact(core::sip::Method method) {
  using core::sip::Method;
  return method == Method::kInvite || method == Method::kUpdate || method == Method::kRefer ||
         method == Method::kNotify || method == Method::kOptions;
}

/// What a response to a request carries: the answer, unless that had no offer.
inline MediaAnchor::Role RoleOfAnswer(bool offerless) {
  return offerless ? MediaAnchor::Role::kOffer : MediaAnchor::Role::kAnswer;
}

/// Who was asked has refused it, or it never left: what was agreed on before stays.
inline void DropOffer(Call* call, Fork* fork, LegId from) {
  if (fork->pending && fork->pending_from == from) {
    fork->pending.Reset();
    if (call->offer_fork == fork->index) call->offer_fork = Call::kOfNone;
  }
  if (call->media.offer_from != from) return;
  MediaAnchor::DropOffer(&call->media);
  if (call->bridged() != nullptr) MediaAnchor::ForgetOffer(&call->media);
}

/// A request inside the dialog: its head and our Contact, then what `write(MessageWriter*)` adds,
/// which ends with the body.
template <typename Write>
core::sip::ClientTransaction* B2bua::SendInDialog(Call* call, LegId leg, core::sip::Dialog* dialog,
                                                  const OutRequest& request, core::Instant now,
                                                  Write&& write) {
  const Face& face = call->leg(leg).face;
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  options_.mint->MintBranch(call->shard, &branch);
  core::Packet packet = builder_.Build([&](core::sip::MessageWriter* out) {
    core::sip::Dialog::RequestHead head;
    head.method = request.method;
    head.sent_by = face.sent_by.view();
    head.branch = branch.view();
    head.sequence_number = request.sequence;
    head.max_forwards = request.max_forwards;
    dialog->WriteRequestHead(head, out);
    if (TakesContact(request.method)) WriteContact(face, out);
    WriteCredentials(
        call, leg,
        {.method = core::sip::Name(request.method), .uri = dialog->request_uri(), .body = {}}, out);
    write(out);
  });
  if (!packet) return nullptr;
  core::sip::TransactionTable::Request out;
  out.packet = std::move(packet);
  out.hop = HopOf(call, leg, *dialog);
  out.method = request.method;
  out.branch = branch.view();
  out.user = request.mark.bits();
  out.urgent = true;
  out.has_credentials = static_cast<bool>(call->leg(leg).credentials.challenge);
  return options_.table->SendRequest(std::move(out), now);
}

}  // namespace sbc
