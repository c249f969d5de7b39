// INVITEs inside the dialog as far as their ACKs and their offers go: which 2xx is acknowledged
// with what (RFC 3261 §13.2.2.4), and who may make an offer now (RFC 3264 §4, RFC 3311 §5.2).

#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::ClientTransaction;
using core::sip::Dialog;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::Method;
using core::sip::ParseError;
using core::sip::ServerTransaction;

void B2bua::BeginExchange(Call* call, const InviteExchange& exchange, Instant now) {
  call->invite = exchange;
  options_.wheel->Arm(&call->reliable_timer, now + call->connector->failover.ring_timeout);
}

// A peer that only ever says that it is trying would keep the other one, and every refresh, from an
// INVITE of its own: it has the time of a first INVITE. What comes of the CANCEL ends it.
void B2bua::OnExchangeTimer(Call* call, Instant now) {
  const InviteExchange& exchange = call->invite;
  if (call->state == Call::State::kEnding || !exchange.active || exchange.answered) return;
  if (ClientTransaction* client = options_.table->Find(exchange.client)) {
    ++counters_.invites_timed_out;
    (void)options_.table->Cancel(*client, "", now);
  }
}

Packet B2bua::WriteAck(Call* call, LegId to, const Dialog& dialog, uint32_t sequence,
                       const Message* carrier) {
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  options_.mint->MintBranch(call->shard, &branch);
  return builder_.Build([&](MessageWriter* out) {
    Dialog::RequestHead head;
    head.method = Method::kAck;
    head.sent_by = call->leg(to).face.sent_by.view();
    head.branch = branch.view();
    head.sequence_number = sequence;
    dialog.WriteRequestHead(head, out);
    TrunkCredentials::WriteOfInvite(call->leg(to).credentials, out);
    if (carrier == nullptr) {
      out->NoBody();
    } else {
      WriteBody(call, to, MediaAnchor::Role::kAnswer, *carrier, out);
    }
  });
}

void B2bua::SendAck(Call* call, LegId to, Fork* fork, uint32_t sequence, const Message* carrier) {
  const Dialog& dialog = fork->dialog(to);
  Packet packet = WriteAck(call, to, dialog, sequence, carrier);
  if (!packet) return;  // The callee's 2xx comes again, and asks for it again.
  call->invite.acknowledged = true;
  const core::sip::Hop hop = HopOf(call, to, dialog);
  if (ClientTransaction* invite = options_.table->Find(call->invite.client)) {
    options_.table->SendAck(*invite, std::move(packet), hop);
  } else {  // The caller took longer over its answer than the INVITE's transaction lives.
    options_.table->SendStateless(std::move(packet), hop);
  }
}

// A 2xx that came before, to an INVITE of ours. Its ACK is the one that went out; only where the
// store was dry it is made anew, and bare.
void B2bua::AckAgain(Call* call, LegId to, Fork* fork, ClientTransaction& transaction,
                     const Message& response) {
  if (transaction.has_ack()) return options_.table->AckAgain(transaction);
  const InviteExchange& last = call->invite;
  if (options_.table->HandleOf(transaction) == last.client && last.active && last.offerless &&
      !last.acknowledged) {
    return;  // It waits for the other side's answer to its offer.
  }
  const Dialog& dialog = fork->dialog(to);
  core::sip::CSeqValue cseq;
  if (response.CSeq(&cseq) != ParseError::kOk) return;
  if (Packet ack = WriteAck(call, to, dialog, cseq.sequence_number, nullptr)) {
    options_.table->SendAck(transaction, std::move(ack), HopOf(call, to, dialog));
  }
}

// The callee's 2xx has a description that cannot be. It has its ACK, and who sent the INVITE is
// told that nothing has changed. But an offer in it would need an answer, and then a BYE
// (§13.2.2.4).
void B2bua::RefuseAnswer(Call* call, LegId to, Instant now) {
  InviteExchange& exchange = call->invite;
  SendAck(call, to, call->bridged(), exchange.to_sequence, nullptr);
  DropOffer(call, call->bridged(), exchange.offerless ? to : exchange.from);
  RefuseWaiting(exchange.server, 488, now);
  exchange.active = false;
  if (!exchange.offerless) return;
  EndCall(call, CallEnd::kUnusableSdp, std::nullopt, "SIP;cause=488;text=\"Not acceptable\"", now);
}

// Whose offer waits for its answer in these dialogs, early or confirmed: then nobody may make
// another. What another early dialog never answers holds up nobody.
std::optional<LegId> B2bua::OfferFrom(const Call& call, const Fork& fork) {
  for (const Relay& relay : call.relays) {
    if (relay.offers && relay.fork == fork.index) return relay.from;
  }
  const InviteExchange& invite = call.invite;
  if (!invite.active) return std::nullopt;
  const bool first = invite.client == call.attempt.client;
  if (first && fork.agreed) return std::nullopt;
  if (invite.answered) {
    if (!invite.offerless || invite.acknowledged) return std::nullopt;
    return Other(invite.from);  // It is in the 2xx.
  }
  if (first && invite.offerless) {  // It is in the first reliable response (RFC 3262 §5).
    const bool offered = fork.reliable.pending && fork.reliable.has_sdp;
    return offered ? std::optional(LegId::kCallee) : std::nullopt;
  }
  return invite.from;  // A re-INVITE without an offer asks for one, and so excludes it.
}

// RFC 3311 §5.2, RFC 3261 §14.2: an offer that crosses the other side's, or ours, is 491, one
// before the answer to the peer's `own` 500 and when to try again.
void B2bua::AnswerGlare(bool own, ServerTransaction& transaction, const Message& request,
                        Instant now) {
  ++counters_.glare;
  if (own) return AnswerLater(transaction, request, now);
  Answer(transaction, request, 491, now);
}

}  // namespace sbc
