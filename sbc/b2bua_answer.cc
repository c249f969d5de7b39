// What the callee says becomes what the caller hears: provisional responses, early dialogs, the
// 2xx.

#include <algorithm>

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
using core::sip::NameAddr;
using core::sip::ParseError;
using core::sip::ServerTransaction;

namespace {

std::string_view ToTag(const Message& message) {
  NameAddr to;
  return message.To(&to) == ParseError::kOk ? to.tag : std::string_view();
}

// What a response to a request carries: the answer, unless that had no offer.
MediaAnchor::Role RoleOfAnswer(bool offerless) {
  return offerless ? MediaAnchor::Role::kOffer : MediaAnchor::Role::kAnswer;
}

}  // namespace

// The early dialog that a response belongs to: a known one, or a new one of its To tag (rule 13).
Fork* B2bua::ForkOf(Call* call, const Message& response, Instant /*now*/) {
  const std::string_view remote_tag = ToTag(response);
  for (uint8_t i = 0; i < call->fork_count; ++i) {
    Fork* fork = &call->forks[i];
    Dialog& dialog = fork->dialog(LegId::kCallee);
    if (dialog.state() != Dialog::State::kNone && dialog.remote_tag() == remote_tag) return fork;
    // What has no tag makes no dialog yet (§12.1): the next response that has one completes it.
    if (dialog.state() == Dialog::State::kNone || dialog.remote_tag().empty()) {
      (void)dialog.FromResponse(response, false, options_.store);
      return fork;
    }
  }
  const bool full = call->fork_count == Call::kForksMax;
  const size_t index = full ? Call::kForksMax - 1 : call->fork_count;
  Fork& fork = call->forks[index];
  // A provisional without Contact makes no dialog (§12.1.2); the caller hears of it all the same.
  if (fork.dialog(LegId::kCallee).FromResponse(response, false, options_.store) ==
      Dialog::Result::kStoreDry) {
    return nullptr;
  }
  if (full) return &fork;
  const bool folded = call->fork_count > 0 && call->policy->config().sip.fold_early_dialogs.of(
                                                  call->leg(LegId::kCaller).side);
  Tag tag;
  if (folded) {
    (void)tag.Assign(call->forks[0].dialog(LegId::kCaller).local_tag());
  } else {
    options_.mint->MintTag(call->shard, &tag);
  }
  const ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr || scratch_message_.Index(transaction->request()) != ParseError::kOk ||
      fork.dialog(LegId::kCaller).FromRequest(scratch_message_, tag.view(), options_.store) !=
          Dialog::Result::kOk) {
    return nullptr;
  }
  if (!folded) {
    AddTag(tag.view(), {calls_.HandleOf(call), LegId::kCaller, static_cast<uint8_t>(index)});
  }
  ++call->fork_count;
  return &fork;
}

void B2bua::OnProvisional(Call* call, const Message& response, Instant now) {
  Fork* fork = ForkOf(call, response, now);
  if (fork == nullptr)
    return;  // The store is dry: the caller waits on, the callee may say it again.
  if (call->record.ringing.unix_us == 0) call->record.ringing = options_.host->wall();
  uint32_t callee_rseq = 0;
  // Who was not offered it may not ask for it (§3), and the caller could not answer.
  if (call->attempt.offered_100rel && response.HasToken(HeaderId::kRequire, "100rel")) {
    (void)response.Number(HeaderId::kRSeq, &callee_rseq);  // Absent: as if it were not reliable.
  }
  if (callee_rseq != 0) {
    // RFC 3262 §4: only the next one; a repeat or one past a gap comes again.
    const uint32_t last = fork->last_callee_rseq;
    if (fork->reliable.pending || (last != 0 && callee_rseq != last + 1)) return;
    fork->last_callee_rseq = callee_rseq;
  }
  const bool reliable = callee_rseq != 0 || call->caller_requires_100rel;
  if (reliable && fork->reliable.pending) {
    // §3: not before the last one is acknowledged. The callee, who was not asked, says it once.
    fork->held_provisional = options_.store->Copy(response.bytes());
    return;
  }
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr) return;
  // To the callee its SDP was but a preview of what its 2xx will offer. Said reliably it would be
  // the offer, and the caller's answer would come in a PRACK that the callee never hears (§5).
  const bool preview = reliable && callee_rseq == 0 && call->invite.offerless;
  // A description that cannot be stays here; that it rings is worth telling all the same.
  if (!preview) {
    (void)TakeResponseSdp(call, LegId::kCallee, call->invite.offerless, response, now);
  }
  uint32_t rseq = 0;
  if (reliable) {
    // §3: the first is a random number in the lower half.
    if (fork->last_rseq == 0) {
      fork->last_rseq = static_cast<uint32_t>(options_.random->Below(1u << 16));
    }
    rseq = ++fork->last_rseq;
  }
  Packet packet = WriteResponse(call, LegId::kCaller, transaction, fork, response,
                                {.rseq = rseq, .require_100rel = reliable, .drop_body = preview});
  if (!packet) return;
  if (!reliable) {
    (void)options_.table->Respond(*transaction, std::move(packet), response.status_code(), now);
    return;
  }
  fork->reliable.rseq = rseq;
  fork->reliable.callee_rseq = callee_rseq;
  fork->reliable.has_sdp = !response.body().empty() && !preview;
  if (!preview) KeepSdp(call, LegId::kCaller, RoleOfAnswer(call->invite.offerless), response);
  SendReliable(call, fork, std::move(packet), now);
}

void B2bua::SendReliable(Call* call, Fork* fork, Packet packet, Instant now) {
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr) return;
  fork->reliable.pending = true;
  fork->reliable.packet = packet.Share();
  fork->reliable.interval = options_.timers.t1;
  fork->reliable.resend_at = now + options_.timers.t1;
  fork->reliable.give_up_at = now + 64 * options_.timers.t1;
  (void)options_.table->Respond(*transaction, std::move(packet), 183, now);
  options_.wheel->Arm(&call->reliable_timer, fork->reliable.resend_at);
}

void B2bua::OnReliableTimer(Call* call, Instant now) {
  if (call->state != Call::State::kRouting) return;
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  Instant next = core::kNever;
  for (uint8_t i = 0; i < call->fork_count; ++i) {
    ReliableProvisional& reliable = call->forks[i].reliable;
    if (!reliable.pending) continue;
    if (now >= reliable.give_up_at || transaction == nullptr) {
      // §3: no PRACK in 64*T1 fails the INVITE with a 5xx.
      call->plan.OnCancel(now);
      AbandonAttempt(call, now);
      if (transaction != nullptr &&
          scratch_message_.Index(transaction->request()) == ParseError::kOk) {
        Answer(*transaction, scratch_message_, 504, now);
      }
      Record(call, CallEnd::kFailed, 504, now);
      return Free(call, now);
    }
    if (now >= reliable.resend_at) {
      (void)options_.table->Respond(*transaction, reliable.packet.Share(), 183, now);
      reliable.interval *= 2;
      reliable.resend_at = now + reliable.interval;
    }
    next = std::min({next, reliable.resend_at, reliable.give_up_at});
  }
  if (next != core::kNever) options_.wheel->Arm(&call->reliable_timer, next);
}

void B2bua::OnAnswer(Call* call, ClientTransaction& transaction, const Message& response,
                     Instant now) {
  if (call->state != Call::State::kRouting) {
    Fork* fork = call->bridged();
    if (fork != nullptr && fork->dialog(LegId::kCallee).remote_tag() == ToTag(response)) {
      // Its ACK was lost: again, if it went out at all.
      const bool first = call->invite.client == call->attempt.client;
      const Packet& ack = first ? call->invite.ack : call->answer_ack;
      if (ack) {
        options_.table->SendStateless(ack.Share(),
                                      HopOf(call, LegId::kCallee, fork->dialog(LegId::kCallee)));
      }
      return;
    }
    return OnOrphanAnswer(transaction, response, call, now);  // A second fork answered (rule 14).
  }
  Fork* fork = ForkOf(call, response, now);
  if (fork == nullptr ||
      fork->dialog(LegId::kCallee).Confirm(response, options_.store) != Dialog::Result::kOk ||
      TakeResponseSdp(call, LegId::kCallee, call->invite.offerless, response, now) != 0) {
    // Without a dialog, or with a description that cannot be, there is no call: the callee is let
    // go, and the caller told that it is us.
    call->attempt.active = false;
    OnOrphanAnswer(transaction, response, nullptr, now);
    call->plan.OnCancel(now);
    ServerTransaction* invite = options_.table->Find(call->invite.server);
    if (invite != nullptr && scratch_message_.Index(invite->request()) == ParseError::kOk) {
      Answer(*invite, scratch_message_, 500, now);
    }
    Record(call, CallEnd::kFailed, 500, now);
    return Free(call, now);
  }
  options_.host->OnRouteSign(call->plan.current(), RouteHealth::CallSign::kAlive, now);
  if (fork->reliable.pending && fork->reliable.has_sdp) {
    // The callee need not wait with us for the caller's PRACK: early offer, so its ACK is ours.
    if (!fork->held_answer) fork->held_answer = options_.store->Copy(response.bytes());
    if (!fork->held_answer) return;  // Dry: the callee says it again.
    if (!call->invite.offerless) {
      SendAck(call, LegId::kCallee, fork, call->attempt.sequence, nullptr);
    }
    return options_.wheel->Disarm(&call->route_timer);  // The PRACK's own time runs.
  }
  PassAnswer(call, fork, response, now);
}

// Answers that waited for a PRACK and will not be passed on: the callee was told nothing, or an ACK
// only.
void B2bua::DropHeldAnswers(Call* call, Call* live, Instant now) {
  for (uint8_t i = 0; i < call->fork_count; ++i) {
    const Packet held = std::move(call->forks[i].held_answer);
    ClientTransaction* transaction = options_.table->Find(call->attempt.client);
    Message answer;
    if (held && transaction != nullptr && answer.Index(held.text()) == ParseError::kOk) {
      OnOrphanAnswer(*transaction, answer, live, now);
    }
  }
}

void B2bua::PassAnswer(Call* call, Fork* fork, const Message& response, Instant now) {
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr || scratch_message_.Index(transaction->request()) != ParseError::kOk) {
    return EndCall(call, CallEnd::kFailed, std::nullopt, "", now);
  }
  (void)call->plan.OnFinal(response.status_code(),
                           now);  // A 2xx ends the search, whatever it says.
  options_.wheel->Disarm(&call->route_timer);
  options_.wheel->Disarm(&call->reliable_timer);
  call->bridged_fork = static_cast<int>(fork - call->forks.data());
  call->state = Call::State::kAnswered;
  ++counters_.calls_answered;
  call->record.answered = options_.host->wall();
  call->record.setup = now - call->received_at;
  call->media_told_at = now;
  WatchMedia(call);

  CallLeg& caller = call->leg(LegId::kCaller);
  CallLeg& callee = call->leg(LegId::kCallee);
  callee.allows_update = response.HasToken(HeaderId::kAllow, "UPDATE");
  caller.session.AcceptRequest(scratch_message_, now);
  callee.session.AcceptResponse(response, now);
  KeepSdp(call, LegId::kCallee, MediaAnchor::Role::kOffer, scratch_message_);
  KeepSdp(call, LegId::kCaller, RoleOfAnswer(call->invite.offerless), response);
  ArmSessionTimer(call, LegId::kCaller);
  ArmSessionTimer(call, LegId::kCallee);

  if (!call->invite.offerless) SendAck(call, LegId::kCallee, fork, call->attempt.sequence, nullptr);
  Packet packet = WriteResponse(call, LegId::kCaller, transaction, fork, response, {});
  if (!packet) {
    Answer(*transaction, scratch_message_, 500, now);
    call->invite.active = false;
    return EndCall(call, CallEnd::kFailed, LegId::kCaller, "", now);
  }
  fork->dialog(LegId::kCaller).Confirm();
  call->invite.answered = true;
  ++counters_.final_responses[2];
  (void)options_.table->Respond(*transaction, std::move(packet), response.status_code(), now);
  DropHeldAnswers(call, call, now);
  for (Fork& other : call->forks) {
    other.held_provisional.Reset();
    if (&other != fork) other.reliable = {};
  }
}

Packet B2bua::WriteResponse(Call* call, LegId to, ServerTransaction* transaction, Fork* fork,
                            const Message& response, const ResponseExtras& extras) {
  if (scratch_message_.Index(transaction->request()) != ParseError::kOk) return Packet();
  uint16_t status = UpstreamStatus(response.status_code());
  if (status == 408 && !transaction->is_invite()) status = 481;  // RFC 4320: never 408 to these.
  const bool success = status / 100 == 2;
  const bool invite = transaction->is_invite();
  const bool verbatim = status == response.status_code() && !IsSmuggling(response.reason());
  const CallLeg& leg = call->leg(to);
  const MediaAnchor::Role role = RoleOfAnswer(scratch_message_.body().empty());
  return Build([&](MessageWriter* out) {
    core::sip::WriteResponseHead(
        out, scratch_message_, transaction->source(),
        {.status_code = status,
         .reason = verbatim ? response.reason() : std::string_view(),
         .to_tag = fork == nullptr ? std::string_view() : fork->dialog(to).local_tag(),
         .record_route = invite && status < 300});
    if (status < 300) {
      if (TakesContact(transaction->method())) WriteContact(leg.face, out);
      WriteAbilities(*call, to, invite, out);
    }
    if (extras.require_100rel) {
      out->Header(HeaderId::kRequire, "100rel");
      out->Header(HeaderId::kRSeq, uint64_t{extras.rseq});
    }
    if (success && (invite || transaction->method() == Method::kUpdate)) {
      leg.session.WriteAnswer(out);
    }
    CopyPassing(response, {leg.side, call->emergency}, *call->policy, out);
    out->Header(HeaderId::kServer, kProduct);
    if (extras.drop_body) return out->NoBody();
    WriteBody(call, to, role, response, out);
  });
}

void B2bua::SendAck(Call* call, LegId to, Fork* fork, uint32_t sequence, const Message* carrier) {
  const Dialog& dialog = fork->dialog(to);
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  options_.mint->MintBranch(call->shard, &branch);
  Packet packet = Build([&](MessageWriter* out) {
    Dialog::RequestHead head;
    head.method = Method::kAck;
    head.sent_by = call->leg(to).face.sent_by.view();
    head.branch = branch.view();
    head.sequence_number = sequence;
    dialog.WriteRequestHead(head, out);
    WriteAckCredentials(call->leg(to), out);
    if (carrier == nullptr) {
      out->NoBody();
    } else {
      WriteBody(call, to, MediaAnchor::Role::kAnswer, *carrier, out);
    }
  });
  if (!packet) return;  // The callee's 2xx comes again, and asks for it again.
  call->invite.acknowledged = true;
  call->invite.ack = packet.Share();
  options_.table->SendStateless(std::move(packet), HopOf(call, to, dialog));
}

// A 2xx that no call wants: another fork's, an abandoned route's, one that crossed our CANCEL. What
// is needed to end it stands in the response itself (RFC 3261 §13.2.2.4).
void B2bua::OnOrphanAnswer(ClientTransaction& transaction, const Message& response, Call* live,
                           Instant now) {
  Dialog dialog;
  core::sip::CSeqValue cseq;
  if (dialog.FromResponse(response, false, options_.store) != Dialog::Result::kOk ||
      response.CSeq(&cseq) != ParseError::kOk) {
    return;  // The store is dry, and it comes again; or it makes no dialog, and nothing is there.
  }
  const core::Endpoint::Text sent_by = [&] {
    const core::transport::Listener* listener =
        options_.transport->FindListener(transaction.hop().socket);
    return (listener == nullptr ? transaction.hop().local : listener->advertised).text();
  }();
  const auto write = [&](Method method, uint32_t sequence, std::string_view branch) {
    return Build([&](MessageWriter* out) {
      Dialog::RequestHead head;
      head.method = method;
      head.sent_by = sent_by.view();
      head.branch = branch;
      head.sequence_number = sequence;
      dialog.WriteRequestHead(head, out);
      out->NoBody();
    });
  };
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  options_.mint->MintBranch(options_.shard, &branch);
  if (Packet ack = write(Method::kAck, cseq.sequence_number, branch.view())) {
    options_.table->SendStateless(std::move(ack), transaction.hop());
  }
  // One BYE for each To tag; a repeat of the 2xx needs its ACK only. A live call's transaction must
  // keep its mark, so the call remembers.
  TransactionMark mark;
  mark.kind = TransactionMark::Kind::kOrphan;
  mark.call.index = static_cast<uint32_t>(TagHash(ToTag(response)) % TransactionMark::kCallsMax);
  mark.call.generation = 1;
  if (live != nullptr ? live->orphan_tag == mark.call.index : transaction.user() == mark.bits()) {
    return;
  }
  options_.mint->MintBranch(options_.shard, &branch);
  // PRACKs and UPDATEs may have used the next numbers; a gap is legal (§12.2.2), a step back is
  // not.
  constexpr uint32_t kPastAnyOther = 1000;
  Packet bye = write(Method::kBye, cseq.sequence_number + kPastAnyOther, branch.view());
  if (!bye) return;
  core::sip::TransactionTable::Request request;
  request.packet = std::move(bye);
  request.hop = transaction.hop();
  request.method = Method::kBye;
  request.branch = branch.view();
  request.urgent = true;
  if (options_.table->SendRequest(std::move(request), now) == nullptr) return;
  ++counters_.orphan_answers;
  if (live != nullptr) {
    live->orphan_tag = mark.call.index;
  } else {
    transaction.set_user(mark.bits());
  }
}

}  // namespace sbc
