// Requests inside a dialog: taken on one leg, said again on the other, answered by what comes back.

#include "core/sip/response_builder.h"
#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"
#include "sbc/header_policy.h"
#include "sbc/product.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::ClientTransaction;
using core::sip::Dialog;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::Method;
using core::sip::ParseError;
using core::sip::ServerTransaction;
using core::sip::TransactionTable;
using Kind = TransactionMark::Kind;

namespace {

bool EndsDialog(uint16_t status_code) { return status_code == 481 || status_code == 408; }

// It was read before the request was taken.
uint32_t SequenceOf(const Message& request) {
  core::sip::CSeqValue cseq;
  (void)request.CSeq(&cseq);
  return cseq.sequence_number;
}

// RFC 3262 §7.2: which response a PRACK acknowledges.
void WriteRAck(uint32_t rseq, uint32_t invite_sequence, MessageWriter* out) {
  out->BeginHeader(HeaderId::kRAck);
  out->value()->AppendNumber(rseq);
  out->value()->Append(' ');
  out->value()->AppendNumber(invite_sequence);
  out->value()->Append(" INVITE");
  out->EndHeader();
}

}  // namespace

void B2bua::OnInDialog(ServerTransaction& transaction, const Message& request, const Packet& packet,
                       Instant now) {
  TagEntry entry;
  Call* call = FindByDialog(request, &entry);
  if (call == nullptr) {
    ++counters_.no_dialog;
    return Answer(transaction, request, 481, now);
  }
  Fork* fork = &call->forks[entry.fork];
  if (call->state == Call::State::kEnding) {
    // A BYE that crossed ours: both sides mean the same.
    Answer(transaction, request, request.method() == Method::kBye ? 200 : 481, now);
    if (request.method() == Method::kBye && entry.leg == LegId::kCaller && call->bye_after_ack) {
      // Who hangs up wants neither our 2xx again nor our BYE.
      options_.table->Acknowledged(call->invite.server, now);
      call->bye_after_ack = false;
      if (--call->byes_pending == 0) Free(call, now);
    }
    return;
  }
  core::sip::CSeqValue cseq;
  if (request.CSeq(&cseq) != ParseError::kOk ||
      !fork->dialog(entry.leg).TakeRemoteSequence(cseq.sequence_number)) {
    return Answer(transaction, request, 500, now);  // §12.2.2: out of order.
  }
  FollowPeer(call, entry.leg, transaction);
  if (request.method() == Method::kBye) {
    return OnBye(call, entry.leg, fork, transaction, request, now);
  }
  // 100rel is of INVITEs alone: where another request names it, which RFC 3262 §3 forbids, that
  // asks for nothing.
  const auto of = request.method() == Method::kInvite ? AbilitiesOf::kDialog : AbilitiesOf::kCall;
  if (CheckAbilities(transaction, request, of, now) != 0) return;
  uint32_t hops = 70;
  if (request.MaxForwards(&hops) == ParseError::kOk && hops == 0 &&
      request.method() != Method::kOptions) {
    ++counters_.loops;
    return Answer(transaction, request, 483, now);
  }
  switch (request.method()) {
    case Method::kInvite:
      return OnReinvite(call, entry.leg, transaction, request, packet, now);
    case Method::kUpdate:
      return OnUpdate(call, entry.leg, fork, transaction, request, packet, now);
    case Method::kPrack:
      return OnPrack(call, fork, transaction, request, packet, now);
    case Method::kOptions:
      return AnswerOptions(transaction, request, now);
    case Method::kMessage:
      if (!MayMessage(*call->policy, call->leg(entry.leg).side)) {
        return AnswerOutside(transaction, request, now);
      }
      [[fallthrough]];
    case Method::kNotify:
      (void)PassRequest(call, entry.leg, fork, transaction, request, packet, now);
      return;
    case Method::kInfo:
      if (!TakeDigit(call, entry.leg, transaction, request, now)) {
        (void)PassRequest(call, entry.leg, fork, transaction, request, packet, now);
      }
      return;
    case Method::kRefer:
      return OnRefer(call, entry.leg, fork, transaction, request, packet, now);
    default:
      return AnswerOutside(transaction, request, now);
  }
}

// Rule 19: a leg's signalling comes from where its peer is now, as a PBX may move to another
// address of its side and a NAT forget. Who knows the dialog's tags is the peer; elsewhere than
// behind a NAT another port of the same host is none to answer to, as some send from any.
void B2bua::FollowPeer(Call* call, LegId leg, const ServerTransaction& transaction) {
  CallLeg& of = call->leg(leg);
  if (side_ != of.side || transaction.return_path().socket != of.face.socket) return;
  const bool is_nat =
      of.side == Side::kCustomer && call->customer != nullptr && call->customer->nat;
  if (is_nat || transaction.source().ip != of.peer.ip) of.peer = transaction.source();
}

void B2bua::OnBye(Call* call, LegId leg, Fork* fork, ServerTransaction& transaction,
                  const Message& request, Instant now) {
  if (call->bridged() == nullptr) {
    if (leg == LegId::kCallee && fork->held_answer) {
      Answer(transaction, request, 200, now);
      return OnHeldBye(call, fork, now);
    }
    if (leg == LegId::kCallee) {
      ++counters_.no_dialog;
      return Answer(transaction, request, 481, now);  // §15: not on an early dialog.
    }
    Answer(transaction, request, 200, now);
    return OnEarlyBye(call, fork, request, now);
  }
  Answer(transaction, request, 200, now);
  // Who hangs up has seen our 2xx, or cares no more: it need not come again.
  if (call->invite.from == leg && call->invite.answered) {
    options_.table->Acknowledged(call->invite.server, now);
  }
  EndCall(call, leg == LegId::kCaller ? CallEnd::kCallerHungUp : CallEnd::kCalleeHungUp, leg, "",
          now, &request);
}

bool B2bua::AcceptTimer(Call* call, LegId leg, ServerTransaction& transaction,
                        const Message& request, Instant now) {
  const SessionTimer& timer = call->leg(leg).session;
  if (timer.Acceptable(request)) return true;
  char number[16];
  core::sip::TextWriter min_se({number, sizeof(number)});
  min_se.AppendNumber(timer.min_se_s());
  TransactionTable::Answer answer;
  answer.status_code = 422;
  answer.field = HeaderId::kMinSe;
  answer.field_value = min_se.text();
  Answer(transaction, request, answer, now);
  return false;
}

void B2bua::OnReinvite(Call* call, LegId leg, ServerTransaction& transaction,
                       const Message& request, const Packet& packet, Instant now) {
  Fork* fork = call->bridged();
  if (fork == nullptr || call->invite.active) {
    const bool peers_own = fork == nullptr || (!call->invite.own && call->invite.from == leg);
    return AnswerGlare(peers_own, transaction, request, now);
  }
  if (const auto offerer = OfferFrom(*call, *fork)) {  // By an UPDATE or a PRACK.
    return AnswerGlare(*offerer == leg, transaction, request, now);
  }
  if (!AcceptTimer(call, leg, transaction, request, now)) return;
  if (!options_.table->KeepRequest(transaction, packet)) {
    return Answer(transaction, request, 500, now);
  }
  if (const uint16_t refusal = TakeSdp(call, leg, MediaAnchor::Role::kOffer, request, now)) {
    return Answer(transaction, request, refusal, now);
  }
  const LegId to = Other(leg);
  Dialog& out_dialog = fork->dialog(to);
  InviteExchange exchange;
  exchange.active = true;
  exchange.offerless = request.body().empty();
  exchange.from = leg;
  exchange.from_sequence = fork->dialog(leg).remote_sequence();
  exchange.to_sequence = out_dialog.NextSequence();
  exchange.server = options_.table->HandleOf(transaction);
  const CallLeg& out_leg = call->leg(to);
  uint32_t hops = 70;
  (void)request.MaxForwards(&hops);
  const ClientTransaction* sent =
      SendInDialog(call, to, &out_dialog,
                   {.method = Method::kInvite,
                    .sequence = exchange.to_sequence,
                    .max_forwards = hops == 0 ? 0 : hops - 1,
                    .mark = {Kind::kReinvite, static_cast<uint8_t>(to), calls_.HandleOf(call)}},
                   now, [&](MessageWriter* out) {
                     WriteAbilities(*call, to, false, out);
                     out_leg.session.WriteOffer(out);
                     CopyPassing(request, {out_leg.side, call->emergency}, *call->policy, out);
                     out->Header(HeaderId::kUserAgent, kProduct);
                     WriteBody(call, to, MediaAnchor::Role::kOffer, request, out);
                   });
  if (sent == nullptr) {
    DropOffer(call, fork, leg);
    return Answer(transaction, request, 500, now);
  }
  exchange.client = options_.table->HandleOf(*sent);
  transaction.set_user(
      TransactionMark{Kind::kReinvite, static_cast<uint8_t>(leg), calls_.HandleOf(call)}.bits());
  BeginExchange(call, exchange, now);
}

// The 2xx of a target refresh: its sender may have moved (§12.2.1.2), and knows a new time for the
// session. A dry store keeps the old target.
void B2bua::AcceptOnLeg(Call* call, LegId leg, const Message& response, Instant now) {
  (void)call->bridged()->dialog(leg).Refresh(response, options_.store);
  call->leg(leg).session.AcceptResponse(response, now);
  ArmSessionTimer(call, leg);
}

void B2bua::OnReinviteResponse(Call* call, ClientTransaction& transaction, const Message& response,
                               Instant now) {
  Fork* fork = call->bridged();
  if (fork == nullptr) return;
  const uint16_t status = response.status_code();
  const bool success = status / 100 == 2;
  InviteExchange& exchange = call->invite;
  const LegId to = static_cast<LegId>(TransactionMark::From(transaction.user()).detail);
  if (exchange.client != options_.table->HandleOf(transaction) || !exchange.active) {
    // Of an exchange that is over; the ACK of what is no 2xx went by the transaction.
    if (success) AckAgain(call, to, fork, transaction, response);
    return;
  }
  if (exchange.own) return OnOwnInviteResponse(call, to, response, now);
  if (call->state == Call::State::kEnding) {
    if (success) SendAck(call, to, fork, exchange.to_sequence, nullptr);  // It crossed our BYE.
    return;
  }
  const LegId from = exchange.from;
  ServerTransaction* server = options_.table->Find(exchange.server);
  if (success && exchange.answered) return AckAgain(call, to, fork, transaction, response);
  if (status == 100 || server == nullptr) return;
  if (status >= 300)
    DropOffer(call, call->bridged(), from);  // What was agreed on before stays in force.
  if (success) {
    AcceptOnLeg(call, to, response, now);
    if (TakeSdp(call, to, RoleOfAnswer(exchange.offerless), response, now) != 0) {
      return RefuseAnswer(call, to, now);
    }
    if (scratch_message_.Index(server->request()) == ParseError::kOk) {
      (void)fork->dialog(from).Refresh(scratch_message_, options_.store);
      call->leg(from).session.AcceptRequest(scratch_message_, now);
      ArmSessionTimer(call, from);
      KeepSdp(call, to, MediaAnchor::Role::kOffer, scratch_message_);
    }
    KeepSdp(call, from, RoleOfAnswer(exchange.offerless), response);
    if (!exchange.offerless) SendAck(call, to, fork, exchange.to_sequence, nullptr);
  }
  PassFinal(call, from, server, response, now);
  server = options_.table->Find(exchange.server);  // Gone, where there was no room for an answer.
  if (success && server != nullptr && server->final_status() / 100 == 2) {
    exchange.answered = true;
  } else if (status >= 200) {
    exchange.active = false;
    if (EndsDialog(status)) {
      EndCall(call, CallEnd::kPeerLost, std::nullopt, "SIP;cause=481;text=\"Peer lost\"", now);
    }
  }
}

void B2bua::OnUpdate(Call* call, LegId leg, Fork* fork, ServerTransaction& transaction,
                     const Message& request, const Packet& packet, Instant now) {
  if (!AcceptTimer(call, leg, transaction, request, now)) return;
  if (request.body().empty() && call->bridged() != nullptr) {
    // A refresh, which ends on its leg (rule 15).
    (void)fork->dialog(leg).Refresh(request, options_.store);
    call->leg(leg).session.AcceptRequest(request, now);
    ArmSessionTimer(call, leg);
    Packet answer = builder_.Build([&](MessageWriter* out) {
      core::sip::WriteResponseHead(
          out, request, transaction.source(),
          {.status_code = 200, .reason = {}, .to_tag = {}, .record_route = false});
      WriteContact(call->leg(leg).face, out);
      WriteAbilities(*call, leg, false, out);
      call->leg(leg).session.WriteAnswer(out);
      out->Header(HeaderId::kServer, kProduct);
      out->NoBody();
    });
    if (!answer) return Answer(transaction, request, 500, now);
    (void)options_.table->Respond(transaction, std::move(answer), 200, now);
    return;
  }
  const auto offerer = request.body().empty() ? std::nullopt : OfferFrom(*call, *fork);
  if (offerer.has_value()) {
    const bool by_us = call->invite.active && call->invite.own;  // A refresh of ours.
    return AnswerGlare(*offerer == leg && !by_us, transaction, request, now);
  }
  (void)PassRequest(call, leg, fork, transaction, request, packet, now);
}

bool B2bua::PassRequest(Call* call, LegId from, Fork* fork, ServerTransaction& transaction,
                        const Message& request, const Packet& packet, Instant now,
                        std::string_view refer_to) {
  const LegId to = Other(from);
  Dialog& out_dialog = fork->dialog(to);
  if (out_dialog.state() == Dialog::State::kNone) {
    ++counters_.no_dialog;
    Answer(transaction, request, 481, now);
    return false;
  }
  size_t slot = 0;
  while (slot < call->relays.size() && call->relays[slot].method != Method::kUnknown) ++slot;
  if (slot == call->relays.size() || !options_.table->KeepRequest(transaction, packet)) {
    AnswerLater(transaction, request, now);
    return false;
  }
  const CallLeg& out_leg = call->leg(to);
  // A PRACK answers the offer of the response that it acknowledges, or makes one (RFC 3262 §5).
  const bool answers = request.method() == Method::kPrack && OfferFrom(*call, *fork) == to;
  const MediaAnchor::Role role = RoleOfAnswer(!answers);
  const bool negotiates = request.method() == Method::kUpdate || request.method() == Method::kPrack;
  const uint16_t refusal =
      negotiates ? TakeEarlySdp(call, fork, from, role, request, now) : uint16_t{0};
  if (refusal != 0) {
    Answer(transaction, request, refusal, now);
    return false;
  }
  uint32_t hops = 70;
  (void)request.MaxForwards(&hops);
  const uint32_t to_sequence = out_dialog.NextSequence();
  const ClientTransaction* sent =
      SendInDialog(call, to, &out_dialog,
                   {.method = request.method(),
                    .sequence = to_sequence,
                    .max_forwards = hops == 0 ? 0 : hops - 1,
                    .mark = {Kind::kRelay, static_cast<uint8_t>(slot), calls_.HandleOf(call)}},
                   now, [&](MessageWriter* out) {
                     if (request.method() == Method::kPrack) {
                       WriteRAck(fork->reliable.callee_rseq, call->attempt.sequence, out);
                     }
                     if (request.method() == Method::kUpdate) {
                       WriteAbilities(*call, to, false, out);
                       if (call->bridged() != nullptr) out_leg.session.WriteOffer(out);
                     }
                     if (request.method() == Method::kNotify) WriteEvent(*call, to, request, out);
                     if (!refer_to.empty()) out->Header(HeaderId::kReferTo, refer_to);
                     CopyPassing(request, {out_leg.side, call->emergency}, *call->policy, out);
                     out->Header(HeaderId::kUserAgent, kProduct);
                     if (negotiates) {
                       WriteBody(call, to, role, request, out);
                     } else {
                       CopyBody(request, out);
                     }
                   });
  if (sent == nullptr) {
    DropOffer(call, fork, from);
    Answer(transaction, request, 500, now);
    return false;
  }
  Relay& relay = call->relays[slot];
  relay.offers = negotiates && !request.body().empty() && !answers;
  relay.method = request.method();
  relay.from = from;
  relay.fork = fork->index;
  relay.server = options_.table->HandleOf(transaction);
  relay.client = options_.table->HandleOf(*sent);
  relay.from_sequence = SequenceOf(request);
  if (relay.method == Method::kRefer) call->KeepRefer({from, relay.from_sequence, to_sequence});
  return true;
}

void B2bua::OnRelayResponse(Call* call, size_t slot, const Message& response, Instant now) {
  if (response.status_code() < 200 || slot >= call->relays.size()) return;
  const Relay relay = call->relays[slot];
  call->relays[slot] = {};
  const LegId to = Other(relay.from);
  const uint16_t status = response.status_code();
  ServerTransaction* server = options_.table->Find(relay.server);
  if (server == nullptr || call->state == Call::State::kEnding) return;
  Fork* fork = &call->forks[relay.fork];
  const bool live = call->bridged() == fork;
  const bool offers = relay.method == Method::kUpdate || relay.method == Method::kPrack;
  if (offers && status >= 300) DropOffer(call, fork, relay.from);
  const bool unusable =
      relay.offers && status / 100 == 2 &&
      TakeEarlySdp(call, fork, to, MediaAnchor::Role::kAnswer, response, now) != 0;
  if (unusable) {  // As in a 2xx to a re-INVITE: nothing has changed.
    DropOffer(call, fork, relay.from);
    if (live && relay.method == Method::kUpdate) AcceptOnLeg(call, to, response, now);
    return RefuseWaiting(relay.server, 488, now);
  }
  if (offers && status / 100 == 2 && scratch_message_.Index(server->request()) == ParseError::kOk) {
    fork->agreed_anew |= relay.offers;
    // A PRACK whose response answers nothing was itself the answer (RFC 3262 §5).
    const bool asked = !response.body().empty() || relay.method == Method::kUpdate;
    KeepSdp(call, to, asked ? MediaAnchor::Role::kOffer : MediaAnchor::Role::kAnswer,
            scratch_message_);
    KeepSdp(call, relay.from, MediaAnchor::Role::kAnswer, response);
  }
  if (relay.method == Method::kUpdate && status / 100 == 2 && live &&
      scratch_message_.Index(server->request()) == ParseError::kOk) {
    (void)call->bridged()->dialog(relay.from).Refresh(scratch_message_, options_.store);
    call->leg(relay.from).session.AcceptRequest(scratch_message_, now);
    ArmSessionTimer(call, relay.from);
    AcceptOnLeg(call, to, response, now);
  }
  PassFinal(call, relay.from, server, response, now);
  if (call->state == Call::State::kTalking) MediaAnchor::ForgetOffer(&call->media);
  // A NOTIFY that is told 481 ends its subscription, and not the call beside it (RFC 5057 §5.1).
  const bool of_dialog = relay.method != Method::kNotify || status == 408;
  if (EndsDialog(status) && live && of_dialog) {
    EndCall(call, CallEnd::kPeerLost, std::nullopt, "SIP;cause=481;text=\"Peer lost\"", now);
  }
}

// What came for a request inside the dialog goes back to who sent that.
void B2bua::PassFinal(Call* call, LegId to, ServerTransaction* server, const Message& response,
                      Instant now) {
  const uint16_t status = response.status_code();
  const bool readable = scratch_message_.Index(server->request()) == ParseError::kOk;
  if (status == 422 && readable && call->leg(Other(to)).session.OnTooSmall(response)) {
    // The session timer of that leg is ours to raise (rule 15): the next request there asks for it.
    return AnswerLater(*server, scratch_message_, now);
  }
  Fork* fork = call->bridged();
  if (fork == nullptr) fork = &call->forks.first();  // Only for the tag, which the request has.
  Packet packet = WriteResponse(call, to, server, fork, response, {});
  if (packet) {
    (void)options_.table->Respond(*server, std::move(packet), UpstreamStatus(status), now);
  } else if (status >= 200 && readable) {
    Answer(*server, scratch_message_, 500, now);  // Too long, or dry: but it must end.
  }
}

void B2bua::OnAck(const Message& ack, const Packet& /*packet*/, Instant now) {
  TagEntry entry;
  Call* call = FindByDialog(ack, &entry);
  core::sip::CSeqValue cseq;
  if (call == nullptr || ack.CSeq(&cseq) != ParseError::kOk) return;
  InviteExchange& exchange = call->invite;
  Fork* fork = call->bridged();
  if (fork == nullptr || !exchange.active || exchange.own || !exchange.answered ||
      exchange.from != entry.leg || exchange.from_sequence != cseq.sequence_number) {
    return;  // A repeat, or for nothing that waits.
  }
  options_.table->Acknowledged(exchange.server, now);
  exchange.active = false;
  const bool over = call->state == Call::State::kEnding;  // Then the callee has left, or its ACK.
  if (exchange.offerless && !exchange.acknowledged && !over) {
    const bool usable = TakeSdp(call, entry.leg, MediaAnchor::Role::kAnswer, ack, now) == 0;
    SendAck(call, Other(entry.leg), fork, exchange.to_sequence, usable ? &ack : nullptr);
    if (!usable) {  // Nobody is left who could be told so.
      return EndCall(call, CallEnd::kUnusableSdp, std::nullopt,
                     "SIP;cause=488;text=\"Not acceptable\"", now);
    }
    KeepSdp(call, Other(entry.leg), MediaAnchor::Role::kAnswer, ack);
  }
  if (call->state == Call::State::kAnswered) call->state = Call::State::kTalking;
  // What is not answered by now will not be, unless it is an UPDATE's that is under way.
  if (!fork->pending) MediaAnchor::DropOffer(&call->media);
  MediaAnchor::ForgetOffer(&call->media);
  if (call->bye_after_ack) {
    call->bye_after_ack = false;
    const std::string_view reason = call->bye_reason ? call->bye_reason.text() : "";
    if (!SendBye(call, LegId::kCaller, reason, now)) --call->byes_pending;
    if (call->byes_pending == 0) Free(call, now);
  }
}

void B2bua::OnUnacknowledged(ServerTransaction& invite, Instant now) {
  const TransactionMark mark = TransactionMark::From(invite.user());
  Call* call = FindCall(mark);
  if (call == nullptr || invite.final_status() / 100 != 2) return;
  if (call->bye_after_ack) {
    call->bye_after_ack = false;
    const std::string_view reason = call->bye_reason ? call->bye_reason.text() : "";
    if (!SendBye(call, LegId::kCaller, reason, now)) --call->byes_pending;
    if (call->byes_pending == 0) Free(call, now);
    return;
  }
  if (call->state == Call::State::kEnding) return;
  EndCall(call, CallEnd::kNoAck, std::nullopt, "SIP;cause=408;text=\"ACK timeout\"", now);
}

void B2bua::AnswerLater(ServerTransaction& transaction, const Message& request, Instant now) {
  // §14.2: 500 with a random Retry-After of 0 to 10 s.
  char number[16];
  core::sip::TextWriter seconds({number, sizeof(number)});
  seconds.AppendNumber(options_.random->Below(11));
  TransactionTable::Answer answer;
  answer.status_code = 500;
  answer.field = HeaderId::kRetryAfter;
  answer.field_value = seconds.text();
  Answer(transaction, request, answer, now);
}

}  // namespace sbc
