// The dialogs of a call before its answer (RFC 3261 §12, rule 13): which response belongs to which,
// what the caller hears of each, and the responses that it must acknowledge (RFC 3262).

#include <algorithm>

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
using Kind = TransactionMark::Kind;

// The early dialog that a response belongs to: a known one, or a new one of its To tag (rule 13).
Fork* B2bua::ForkOf(Call* call, const Message& response) {
  const std::string_view remote_tag = ToTag(response);
  for (Fork& fork : call->forks) {
    Dialog& dialog = fork.dialog(LegId::kCallee);
    if (dialog.state() != Dialog::State::kNone && dialog.remote_tag() == remote_tag) return &fork;
    // What has no tag makes no dialog yet (§12.1): the next response that has one completes it.
    if (dialog.state() == Dialog::State::kNone || dialog.remote_tag().empty()) {
      (void)dialog.FromResponse(response, false, options_.store);
      return &fork;
    }
  }
  Dialog dialog;
  // A provisional without Contact makes no dialog (§12.1.2); the caller hears of it all the same.
  if (dialog.FromResponse(response, false, options_.store) == Dialog::Result::kStoreDry) {
    return nullptr;
  }
  const bool is_first = call->forks.size() == 0;
  Fork* fork = call->forks.Add(&forks_);
  if (fork == nullptr) return ForkWithoutRoom(call, std::move(dialog));
  fork->dialog(LegId::kCallee) = std::move(dialog);
  if (!is_first &&
      call->policy->config().sip.fold_early_dialogs.of(call->leg(LegId::kCaller).side)) {
    fork->folded_into = &call->forks.first();
  } else if (!ShowDialog(call, fork)) {
    call->forks.RemoveLast(&forks_);
    return nullptr;
  }
  return fork;
}

// One more than we can tell apart: what the caller took for the last one that it has not ended is
// the new one's from here on. There is such a one, or there were no call.
Fork* B2bua::ForkWithoutRoom(Call* call, Dialog dialog) {
  Fork* last = nullptr;
  for (Fork& fork : call->forks) {
    if (!fork.ended) last = &fork;
  }
  last->GiveWay();
  if (call->offer_fork == last->index) call->offer_fork = Call::kOfNone;
  if (call->sdp_fork == last->index) {
    call->sdp_fork = Call::kOfNone;
    options_.media->Suspend(&call->media);
  }
  last->dialog(LegId::kCallee) = std::move(dialog);
  ++counters_.forks_shared;
  return last;
}

// A To tag of ours for it, and with it a dialog of the caller's.
bool B2bua::ShowDialog(Call* call, Fork* fork) {
  Tag tag;
  options_.mint->MintTag(call->shard, &tag);
  const ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr || scratch_message_.Index(transaction->request()) != ParseError::kOk ||
      fork->dialog(LegId::kCaller).FromRequest(scratch_message_, tag.view(), options_.store) !=
          Dialog::Result::kOk) {
    return false;
  }
  fork->heard = fork->index;
  AddTag(tag.view(), {calls_.HandleOf(call), LegId::kCaller, fork->index});
  return true;
}

void B2bua::OnProvisional(Call* call, const Message& response, Instant now) {
  Fork* fork = ForkOf(call, response);
  // A dry store: the caller waits on, the callee may say it again.
  if (fork == nullptr || fork->ended) return;
  if (call->facts.ringing.unix_us == 0) call->facts.ringing = options_.host->wall();
  uint32_t callee_rseq = 0;
  // Who was not offered it may not ask for it (§3), and the caller could not answer.
  if (call->attempt.offered_100rel && response.HasToken(HeaderId::kRequire, "100rel")) {
    (void)response.Number(HeaderId::kRSeq, &callee_rseq);  // Absent: as if it were not reliable.
  }
  if (callee_rseq != 0) {
    // RFC 3262 §4: only the next one; a repeat or one past a gap comes again.
    const uint32_t last = fork->last_callee_rseq;
    if (fork->reliable.pending || (last != 0 && callee_rseq != last + 1)) return;
  }
  const bool reliable = callee_rseq != 0 || call->caller_requires_100rel;
  if (reliable && call->Unacknowledged(fork) != nullptr) {
    // §3: not before the last one is acknowledged. The callee who was not asked says it once; one
    // whose dialog is folded into another's need not repeat itself.
    fork->held_provisional = options_.store->Copy(response.bytes());
    return;
  }
  if (callee_rseq != 0) fork->last_callee_rseq = callee_rseq;
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr) return;
  // To the callee its SDP was but a preview of what its 2xx will offer. Said reliably it would be
  // the offer, and the caller's answer would come in a PRACK that the callee never hears (§5).
  const bool preview = reliable && callee_rseq == 0 && call->invite.offerless;
  // A description that cannot be stays here; that it rings is worth telling all the same. So does
  // one after a reliable answer, which says nothing any more (RFC 3261 §13.2.1).
  const MediaAnchor::Role role = RoleOfAnswer(call->invite.offerless);
  const bool taken = !preview && !fork->agreed &&
                     TakeEarlySdp(call, fork, LegId::kCallee, role, response, now) == 0;
  uint32_t rseq = 0;
  if (reliable) {
    // §3: the first is a random number in the lower half, and each dialog has its own sequence.
    uint32_t& last = fork->shown().last_rseq;
    if (last == 0) last = static_cast<uint32_t>(options_.random->Below(1u << 16));
    rseq = ++last;
  }
  Packet packet = WriteResponse(call, LegId::kCaller, transaction, fork, response,
                                {.rseq = rseq, .require_100rel = reliable, .drop_body = !taken});
  if (!packet) return;
  fork->shown().heard = fork->index;
  if (!reliable) {
    (void)options_.table->Respond(*transaction, std::move(packet), response.status_code(), now);
    return;
  }
  fork->reliable.rseq = rseq;
  fork->reliable.callee_rseq = callee_rseq;
  fork->reliable.has_sdp = !response.body().empty() && taken;
  // What the callee did not say reliably answers nothing for it.
  fork->agreed |= fork->reliable.has_sdp && callee_rseq != 0 && !call->invite.offerless;
  if (taken) KeepSdp(call, LegId::kCaller, role, response);
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
  if (call->bridged() != nullptr) return OnExchangeTimer(call, now);
  if (call->state != Call::State::kRouting) return;
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  Instant next = core::kNever;
  for (Fork& fork : call->forks) {
    ReliableProvisional& reliable = fork.reliable;
    if (!reliable.pending) continue;
    if (now >= reliable.give_up_at || transaction == nullptr) {
      // §3: no PRACK in 64*T1 fails the INVITE with a 5xx.
      call->setup->plan.OnCancel(now);
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

// `named`: one whose dialog with the caller the PRACK is in; RAck says which it is for.
void B2bua::OnPrack(Call* call, Fork* named, ServerTransaction& transaction, const Message& request,
                    const Packet& packet, Instant now) {
  core::sip::RAckValue rack;
  Fork* fork = call->Unacknowledged(named);
  if (request.RAck(&rack) != ParseError::kOk || fork == nullptr ||
      rack.response_number != fork->reliable.rseq ||
      rack.sequence_number != call->invite.from_sequence || rack.method != Method::kInvite) {
    return Answer(transaction, request, 481, now);  // RFC 3262 §3: matches nothing.
  }
  ReliableProvisional& reliable = fork->reliable;
  const bool outlived = call->bridged() != nullptr && call->bridged() != fork;
  if (reliable.callee_rseq == 0 || outlived) {
    // It was ours alone, or its callee was let go; an offer in it has nobody who could answer (RFC
    // 3264 §4).
    const bool answers = outlived && reliable.has_sdp && call->invite.offerless;
    Answer(transaction, request, request.body().empty() || answers ? 200 : 488, now);
  } else if (!PassRequest(call, LegId::kCaller, fork, transaction, request, packet, now)) {
    return;  // It may come again, for what it acknowledges still waits.
  }
  fork->agreed |= call->invite.offerless && reliable.has_sdp && !request.body().empty();
  reliable.pending = false;
  reliable.packet.Reset();
  if (call->state == Call::State::kRouting) PassHeld(call, fork, now);
}

// What waited for the PRACK: an answer, or the next that must be acknowledged. Which early dialog
// said it makes no difference to a caller who has one for all.
void B2bua::PassHeld(Call* call, Fork* acknowledged, Instant now) {
  Message held;
  for (Fork& fork : call->forks) {
    if (&fork.shown() != &acknowledged->shown() || !fork.held_answer) continue;
    if (held.Index(fork.held_answer.text()) != ParseError::kOk) return;
    const uint16_t refusal =
        call->sdp_fork == fork.index ? uint16_t{0} : TakeFinalSdp(call, &fork, held, now);
    if (refusal != 0) {  // What was agreed on has no place any more, as in OnAnswer().
      call->attempt.active = false;
      (void)call->setup->plan.OnFinal(held.status_code(), now);
      DropHeldAnswers(call, nullptr, now);
      const auto detail = DetailOfSdp("the callee's");
      return FailSetup(call, refusal == 503 ? refusal : uint16_t{500}, detail.view(), now);
    }
    const Packet answer = std::move(fork.held_answer);
    return PassAnswer(call, &fork, held, now);
  }
  for (Fork& fork : call->forks) {
    if (&fork.shown() != &acknowledged->shown() || !fork.held_provisional) continue;
    const Packet provisional = std::move(fork.held_provisional);
    if (held.Index(provisional.text()) == ParseError::kOk) OnProvisional(call, held, now);
    if (call->Unacknowledged(acknowledged) != nullptr) return;
  }
}

// The callee, whose answer waits for the caller's PRACK, hangs up: for it the dialog is confirmed
// and over, and the caller is told that there is no call.
void B2bua::OnHeldBye(Call* call, Fork* fork, Instant now) {
  fork->held_answer.Reset();
  if (const ClientTransaction* invite = options_.table->Find(call->attempt.client)) {
    orphans_.OnBye(*invite, fork->dialog(LegId::kCallee).remote_tag());  // By itself.
  }
  DropHeldAnswers(call, call, now);
  call->attempt.active = false;
  RefuseWaiting(call->invite.server, 480, now);
  Record(call, CallEnd::kFailed, 480, now);
  Free(call, now);
}

// RFC 3261 §15: a BYE of the caller ends the early dialog that it is in, and no other. With the
// last one the call is cancelled: there the callee rings by nobody's wish.
void B2bua::OnEarlyBye(Call* call, Fork* fork, const Message& bye, Instant now) {
  fork->ended = true;
  bool is_last = true;
  for (Fork& other : call->forks) {
    if (!other.ended && &other.shown() != &fork->shown()) is_last = false;
  }
  if (is_last) return CancelCall(call, bye, now);
  RemoveTag(fork->dialog(LegId::kCaller).local_tag(),
            {calls_.HandleOf(call), LegId::kCaller, fork->index});
  fork->reliable = {};
  fork->held_provisional.Reset();
  if (fork->held_answer) {
    DropHeldAnswer(call, fork, call, now);
    return OnEndedAnswer(call, now);
  }
  Dialog& dialog = fork->dialog(LegId::kCallee);
  if (dialog.state() == Dialog::State::kNone) return;  // There is nothing to say it in.
  const Side side = call->leg(LegId::kCallee).side;
  (void)SendInDialog(call, LegId::kCallee, &dialog,
                     {.method = Method::kBye,
                      .sequence = dialog.NextSequence(),
                      .mark = TransactionMark::OfOrphan(Kind::kOrphanBye, TrunkOf(*call))},
                     now, [&](MessageWriter* out) {
                       out->Header(HeaderId::kUserAgent, kProduct);
                       CopyPassing(bye, {side, call->emergency}, *call->policy, out);
                       CopyBody(bye, out);
                     });
}

// An early dialog that the caller had ended answered our INVITE: others can only with a 2xx of
// their own, and no longer than such may come (§13.2.2.4).
void B2bua::OnEndedAnswer(Call* call, Instant now) {
  options_.wheel->Arm(&call->route_timer,
                      std::min(call->setup->plan.deadline(), now + 64 * options_.timers.t1));
}

}  // namespace sbc
