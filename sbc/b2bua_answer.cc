// What the callee answers becomes what the caller hears: the 2xx, and how each response is written.

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

void B2bua::OnAnswer(Call* call, ClientTransaction& transaction, const Message& response,
                     Instant now) {
  if (call->state != Call::State::kRouting) {
    Fork* fork = call->bridged();
    if (fork != nullptr && fork->dialog(LegId::kCallee).remote_tag() == ToTag(response)) {
      return AckAgain(call, LegId::kCallee, fork, transaction, response);  // Its ACK was lost.
    }
    return OnOrphanAnswer(transaction, response, call, now);  // A second fork answered (rule 14).
  }
  Fork* fork = ForkOf(call, response);
  if (fork != nullptr && fork->ended) {
    OnOrphanAnswer(transaction, response, call, now);
    return OnEndedAnswer(call, now);
  }
  const bool has_dialog =
      fork != nullptr &&
      fork->dialog(LegId::kCallee).Confirm(response, options_.store) == Dialog::Result::kOk;
  const uint16_t refusal = has_dialog ? TakeFinalSdp(call, fork, response, now) : uint16_t{500};
  if (refusal != 0) {
    // Without a dialog, or with a description that cannot be, there is no call: the callee is let
    // go, and the caller told that it is us.
    call->attempt.active = false;
    Disown(*call, &transaction);
    OnOrphanAnswer(transaction, response, nullptr, now);
    (void)call->setup->plan.OnFinal(response.status_code(), now);
    const auto detail = has_dialog ? DetailOfSdp("the callee's") : core::BoundedText<120>();
    return FailSetup(call, refusal == 503 ? refusal : uint16_t{500}, detail.view(), now);
  }
  options_.host->OnRouteSign(call->setup->plan.current(), RouteHealth::CallSign::kAlive, now);
  const Fork* waiting = call->Unacknowledged(fork);
  if (waiting != nullptr && waiting->reliable.has_sdp) {
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

void B2bua::PassAnswer(Call* call, Fork* fork, const Message& response, Instant now) {
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr || scratch_message_.Index(transaction->request()) != ParseError::kOk) {
    return EndCall(call, CallEnd::kFailed, std::nullopt, "", now);
  }
  (void)call->setup->plan.OnFinal(response.status_code(),
                                  now);  // A 2xx ends the search, whatever it says.
  if (ShortTrace::Fits(call->setup->plan.trace())) {
    call->routes = ShortTrace(call->setup->plan.trace());
    setups_.Release(std::exchange(call->setup, nullptr));
  }
  options_.wheel->Disarm(&call->route_timer);
  options_.wheel->Disarm(&call->reliable_timer);
  call->bridged_fork = fork;
  call->state = Call::State::kAnswered;
  ++counters_.calls_answered;
  call->facts.answered = options_.host->wall();
  call->facts.setup = now - call->received_at;
  call->media_told_at = now;
  WatchMedia(call);

  CallLeg& caller = call->leg(LegId::kCaller);
  CallLeg& callee = call->leg(LegId::kCallee);
  callee.allows_update = response.HasToken(HeaderId::kAllow, "UPDATE");
  caller.session.AcceptRequest(scratch_message_, now);
  callee.session.AcceptResponse(response, now);
  if (!fork->agreed_anew) {
    KeepSdp(call, LegId::kCallee, MediaAnchor::Role::kOffer, scratch_message_);
    KeepSdp(call, LegId::kCaller, RoleOfAnswer(call->invite.offerless), response);
  }
  ArmSessionTimer(call, LegId::kCaller);
  ArmSessionTimer(call, LegId::kCallee);

  if (!call->invite.offerless) SendAck(call, LegId::kCallee, fork, call->attempt.sequence, nullptr);
  // What was agreed anew since is in force, and the INVITE's own answer says nothing any more.
  Packet packet = WriteResponse(call, LegId::kCaller, transaction, fork, response,
                                {.drop_body = fork->agreed_anew});
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
    for (core::KeptText& sdp : other.sdp) sdp.Reset();
    if (&other != fork) other.pending.Reset();
    other.held_provisional.Reset();
    if (&other.shown() != &fork->shown()) other.reliable = {};
  }
}

Packet B2bua::WriteResponse(Call* call, LegId to, ServerTransaction* transaction, Fork* fork,
                            const Message& response, const ResponseExtras& extras) {
  if (scratch_message_.Index(transaction->request()) != ParseError::kOk) return Packet();
  uint16_t status = UpstreamStatus(response.status_code());
  if (status == 408 && !transaction->is_invite()) status = 481;  // RFC 4320: never 408 to these.
  const bool success = status / 100 == 2;
  const bool invite = transaction->is_invite();
  const bool first = invite && ToTag(scratch_message_).empty();  // 100rel is of that alone.
  const bool verbatim = status == response.status_code() && !IsSmuggling(response.reason());
  const CallLeg& leg = call->leg(to);
  const MediaAnchor::Role role = RoleOfAnswer(scratch_message_.body().empty());
  return builder_.Build([&](MessageWriter* out) {
    core::sip::WriteResponseHead(
        out, scratch_message_, transaction->source(),
        {.status_code = status,
         .reason = verbatim ? response.reason() : std::string_view(),
         .to_tag = fork == nullptr ? std::string_view() : fork->dialog(to).local_tag(),
         .record_route = invite && status < 300});
    if (status < 300) {
      if (TakesContact(transaction->method())) WriteContact(leg.face, out);
      WriteAbilities(*call, to, first, out);
    }
    if (status == 405) WriteAllow(*call->policy, leg.side, out);  // RFC 3261 §21.4.6.
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

}  // namespace sbc
