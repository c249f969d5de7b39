// How calls go on without their peers' help, and how they end.

#include <algorithm>

#include "core/base/concat.h"
#include "core/sip/small_headers.h"
#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"
#include "sbc/crossing_reason.h"
#include "sbc/header_policy.h"
#include "sbc/product.h"

namespace sbc {

using core::Instant;
using core::sip::ClientTransaction;
using core::sip::Dialog;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::Method;
using core::sip::ParseError;
using core::sip::ServerTransaction;
using Kind = TransactionMark::Kind;

namespace {

// Why, as it may be told to the other side: one that would smuggle must not keep a CANCEL back.
ReasonText ReasonOf(const Message& request) {
  return CrossingReason(request.Find(HeaderId::kReason).value_or(""));
}

// 405 and 501 say so outright; who says 488 wants a description in it, and 503 is what some
// gateways answer to what they cannot do in a call.
bool RefusesUpdate(uint16_t status) {
  return status == 405 || status == 501 || status == 488 || status == 503;
}

}  // namespace

// ---- session timers (RFC 4028, rule 15) --------------------------------------------------------

void B2bua::ArmSessionTimer(Call* call, LegId leg) {
  CallLeg& of = call->leg(leg);
  if (of.session.due() == core::kNever) {
    options_.wheel->Disarm(&of.session_timer);
  } else {
    options_.wheel->Arm(&of.session_timer, of.session.due());
  }
}

void B2bua::OnSessionTimer(Call* call, LegId leg, Instant now) {
  if (call->state == Call::State::kEnding || call->bridged() == nullptr) return;
  CallLeg& of = call->leg(leg);
  if (now < of.session.due()) {
    // It was a refresh put off: by glare, or because another INVITE was under way.
    return SendRefresh(call, leg, now);
  }
  if (of.session.role() == SessionTimer::Role::kRefresher && !of.session.refresh_sent()) {
    return SendRefresh(call, leg, now);
  }
  ++counters_.session_expiries;
  EndCall(call, CallEnd::kSessionExpired, std::nullopt,
          "SIP;cause=408;text=\"Session timer expired\"", now);
}

void B2bua::SendRefresh(Call* call, LegId leg, Instant now) {
  CallLeg& of = call->leg(leg);
  Dialog& dialog = call->bridged()->dialog(leg);
  of.session.OnRefreshSent();
  ArmSessionTimer(call, leg);
  if (of.refreshing) return;
  const bool by_update = of.allows_update;
  const bool is_busy = call->invite.active || OfferFrom(*call, *call->bridged()).has_value();
  if (!by_update && (is_busy || !of.sdp)) {
    // Another INVITE or offer goes first, and may itself refresh. Look again soon, but before the
    // end.
    const Instant again = now + std::chrono::seconds(2);
    if (again < of.session.due()) options_.wheel->Arm(&of.session_timer, again);
    return;
  }
  const uint32_t sequence = dialog.NextSequence();
  const ClientTransaction* sent =
      SendInDialog(call, leg, &dialog,
                   {.method = by_update ? Method::kUpdate : Method::kInvite,
                    .sequence = sequence,
                    .mark = {by_update ? Kind::kUpdate : Kind::kReinvite, static_cast<uint8_t>(leg),
                             calls_.HandleOf(call)}},
                   now, [&](MessageWriter* out) {
                     WriteAbilities(*call, leg, false, out);
                     of.session.WriteOffer(out);
                     out->Header(HeaderId::kUserAgent, kProduct);
                     if (by_update) {
                       out->NoBody();
                     } else {
                       out->Body("application/sdp", of.sdp.text());
                     }
                   });
  if (sent == nullptr) return;
  ++counters_.session_refreshes;
  of.refreshing = true;
  if (by_update) return;
  InviteExchange exchange;
  exchange.active = true;
  exchange.own = true;
  exchange.from = Other(leg);
  exchange.to_sequence = sequence;
  exchange.client = options_.table->HandleOf(*sent);
  BeginExchange(call, exchange, now);
}

void B2bua::OnOwnInviteResponse(Call* call, LegId leg, const Message& response, Instant now) {
  if (response.status_code() < 200) return;
  call->invite.active = false;
  if (response.status_code() / 100 == 2) {
    SendAck(call, leg, call->bridged(), call->invite.to_sequence, nullptr);
    TakeRefreshed(call, leg, response);
  }
  OnRefreshResponse(call, leg, response, now);
}

void B2bua::OnRefreshResponse(Call* call, LegId leg, const Message& response, Instant now) {
  if (call->state == Call::State::kEnding || call->bridged() == nullptr) return;
  CallLeg& of = call->leg(leg);
  of.refreshing = false;
  const uint16_t status = response.status_code();
  if (status / 100 == 2) {
    return AcceptOnLeg(call, leg, response, now);
  }
  if (status == 481 || status == 408) {
    return EndCall(call, CallEnd::kPeerLost, std::nullopt, "SIP;cause=481;text=\"Peer lost\"", now);
  }
  // Who refuses UPDATE, whatever its Allow says, is refreshed by INVITE from here on.
  const bool tries_invite = of.allows_update && of.sdp && RefusesUpdate(status);
  if (tries_invite) of.allows_update = false;
  if (status == 422 && !of.session.OnTooSmall(response)) return;
  uint32_t later_s = 0;
  if (status == 500 && response.Number(HeaderId::kRetryAfter, &later_s) == ParseError::kOk) {
    // §14.2: an INVITE of the peer's own is under way, and it says when that is over.
    const Instant again = now + std::chrono::seconds(std::max(1u, later_s));
    if (again < of.session.due()) options_.wheel->Arm(&of.session_timer, again);
    return;
  }
  if (status == 491 || status == 422 || tries_invite) {
    // §14.1: who made the Call-ID waits 2.1 to 4 s, the other up to 2 s, in steps of 10 ms.
    const uint64_t steps =
        leg == LegId::kCallee ? 210 + options_.random->Below(191) : options_.random->Below(201);
    const Instant again = now + std::chrono::milliseconds(10 * static_cast<int64_t>(steps));
    if (again < of.session.due()) options_.wheel->Arm(&of.session_timer, again);
  }
  // Anything else: the session lives until its end, and a refresh of the peer's may save it.
}

// ---- ends --------------------------------------------------------------------------------------

void B2bua::OnCancel(ServerTransaction& invite, const Message& cancel, Instant now) {
  const TransactionMark mark = TransactionMark::From(invite.user());
  Call* call = FindCall(mark);
  if (call == nullptr) return;
  if (mark.kind == Kind::kInvite) return CancelCall(call, cancel, now);
  // A re-INVITE's CANCEL crosses over, and so does what comes of it: the two legs must not end up
  // with different sessions.
  if (ClientTransaction* client = options_.table->Find(call->invite.client)) {
    const ReasonText reason = ReasonOf(cancel);
    (void)options_.table->Cancel(*client, reason.view(), now);
  }
}

void B2bua::CancelCall(Call* call, const Message& cancel, Instant now) {
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction != nullptr && scratch_message_.Index(transaction->request()) == ParseError::kOk) {
    Answer(*transaction, scratch_message_, 487, now);
  }
  call->setup->plan.OnCancel(now);
  if (ClientTransaction* client = options_.table->Find(call->attempt.client)) {
    call->attempt.active = false;
    DropHeldAnswers(call, nullptr, now);
    const ReasonText reason = ReasonOf(cancel);
    (void)options_.table->Cancel(*client, reason.view(), now);
    options_.table->Abandon(*client);
  }
  Record(call, CallEnd::kCanceled, 487, now);
  Free(call, now);
}

void B2bua::EndCall(Call* call, CallEnd end, std::optional<LegId> spare, std::string_view reason,
                    Instant now, const Message* bye) {
  CHECK(call->state != Call::State::kEnding);
  RefuseRelays(call, now);
  RefuseInvites(call, now);
  for (CallLeg& leg : call->legs) {
    leg.session.Stop();
    options_.wheel->Disarm(&leg.session_timer);
  }
  options_.wheel->Disarm(&call->route_timer);
  options_.wheel->Disarm(&call->reliable_timer);
  const auto detail =
      end == CallEnd::kUnusableSdp ? DetailOfSdp("the last") : core::BoundedText<120>();
  Record(call, end, call->facts.answered.unix_us != 0 ? 200 : 0, now, detail.view());
  call->state = Call::State::kEnding;
  options_.media->End(&call->media, now);  // From here on nobody's media passes.

  Fork* fork = call->bridged();
  if (fork == nullptr) return Free(call, now);
  const InviteExchange& exchange = call->invite;
  const bool answered = exchange.active && exchange.answered && !exchange.own;
  const LegId waiting = Other(exchange.from);
  if (answered && exchange.offerless && !exchange.acknowledged && spare != waiting) {
    SendAck(call, waiting, fork, exchange.to_sequence, nullptr);  // Its 2xx waits for one.
  }
  // §15: no BYE to the caller before its ACK, or before it is clear that none comes.
  const bool waits = answered && exchange.from == LegId::kCaller && end != CallEnd::kNoAck &&
                     options_.table->Find(exchange.server) != nullptr;
  for (const LegId leg : {LegId::kCallee, LegId::kCaller}) {
    if (spare == leg) continue;
    if (leg == LegId::kCaller && waits) {
      call->bye_after_ack = true;
      // Dry: it goes without.
      if (!reason.empty()) call->bye_reason = options_.store->texts()->Copy(reason);
      ++call->byes_pending;
    } else if (SendBye(call, leg, reason, now, bye)) {
      ++call->byes_pending;
    }
  }
  if (call->byes_pending == 0) Free(call, now);
}

bool B2bua::SendBye(Call* call, LegId leg, std::string_view reason, Instant now,
                    const Message* bye) {
  Dialog& dialog = call->bridged()->dialog(leg);
  return SendInDialog(
             call, leg, &dialog,
             {.method = Method::kBye,
              .sequence = dialog.NextSequence(),
              .mark = {Kind::kBye, static_cast<uint8_t>(leg), calls_.HandleOf(call)}},
             now, [&](MessageWriter* out) {
               out->Header(HeaderId::kUserAgent, kProduct);
               if (bye != nullptr) {
                 CopyPassing(*bye, {call->leg(leg).side, call->emergency}, *call->policy, out);
                 return CopyBody(*bye, out);
               }
               if (!reason.empty()) out->Header(HeaderId::kReason, reason);
               out->NoBody();
             }) != nullptr;
}

void B2bua::RefuseWaiting(core::Handle<ServerTransaction> handle, uint16_t status_code,
                          Instant now) {
  ServerTransaction* waiting = options_.table->Find(handle);
  if (waiting != nullptr && waiting->final_status() == 0 &&
      scratch_message_.Index(waiting->request()) == ParseError::kOk) {
    Answer(*waiting, scratch_message_, status_code, now);
  }
}

// Whoever waits for an answer through us gets one now: there will be no other.
void B2bua::RefuseRelays(Call* call, Instant now) {
  for (Relay& relay : call->relays) {
    if (relay.method != Method::kUnknown) RefuseWaiting(relay.server, 481, now);
    relay = {};
  }
}

void B2bua::RefuseInvites(Call* call, Instant now) {
  if (!call->invite.active || call->invite.answered) return;
  if (!call->invite.own) RefuseWaiting(call->invite.server, 487, now);
  if (ClientTransaction* client = options_.table->Find(call->invite.client)) {
    (void)options_.table->Cancel(*client, "", now);
    options_.table->Abandon(*client);
  }
}

void B2bua::EndAll(Instant now) {
  calls_.ForEach([&](Call* call) {
    if (call->state == Call::State::kEnding) return;
    if (call->bridged() != nullptr) {
      return EndCall(call, CallEnd::kStopped, std::nullopt, "SIP;cause=503;text=\"Shutting down\"",
                     now);
    }
    ServerTransaction* transaction = options_.table->Find(call->invite.server);
    if (transaction != nullptr &&
        scratch_message_.Index(transaction->request()) == ParseError::kOk) {
      Answer(*transaction, scratch_message_, 503, now);
    }
    call->setup->plan.OnCancel(now);
    AbandonAttempt(call, now);
    Record(call, CallEnd::kStopped, 503, now);
    Free(call, now);
  });
}

CallRecord B2bua::RecordOf(const Call& call) {
  CallRecord record;
  record.caller_call_id.AssignTruncated(call.setup != nullptr
                                            ? call.setup->caller_call_id.view()
                                            : call.bridged_fork->dialog(LegId::kCaller).call_id());
  static_cast<CallFacts&>(record) = call.facts;
  record.connector_id.AssignTruncated(call.connector->config->id);
  record.source = call.came_from.text();
  record.callee_call_id.AssignTruncated(call.attempt.call_id.view());
  record.routes = call.trace();
  return record;
}

// What an operator asks first of a call that ended with 488.
core::BoundedText<120> B2bua::DetailOfSdp(std::string_view whose) const {
  core::BoundedText<120> detail;
  detail.AssignTruncated(core::Concat(whose, " SDP: ", options_.media->why_refused()));
  return detail;
}

void B2bua::Record(Call* call, CallEnd end, uint16_t status_code, Instant /*now*/,
                   std::string_view detail) {
  CallRecord record = RecordOf(*call);
  record.end = end;
  record.detail.AssignTruncated(detail);
  if (end == CallEnd::kMediaTimeout) {
    record.detail.AssignTruncated(call->leg(call->silent).side == Side::kTrunk
                                      ? "no RTP from the trunk for media_timeout"
                                      : "no RTP from the customer for media_timeout");
  }
  record.status_code = status_code;
  record.ended = options_.host->wall();
  CallMedia media;
  options_.media->Summarize(call->media, &media);
  options_.host->OnRecord(record, media);
}

void B2bua::Free(Call* call, Instant now) {
  RefuseRelays(call, now);
  // Another early dialog may still answer, and the bridged one's 2xx come again.
  if (ClientTransaction* invite = options_.table->Find(call->attempt.client)) {
    Disown(*call, invite);
    if (Fork* fork = call->bridged()) {
      orphans_.OnBye(*invite, fork->dialog(LegId::kCallee).remote_tag());
    }
  }
  if (call->invite.active && call->invite.answered && !call->invite.own) {
    // The dialog is over on both sides: our 2xx need not come again, and nobody is left who would
    // know its ACK.
    options_.table->Acknowledged(call->invite.server, now);
  }
  ++counters_.calls_ended;
  counters_.digits_lost += call->digits.size();
  const core::Handle<Call> handle = calls_.HandleOf(call);
  RemoveTag(call->attempt.from_tag.view(), {handle, LegId::kCallee, 0});
  for (Fork& fork : call->forks) {
    RemoveTag(fork.dialog(LegId::kCaller).local_tag(), {handle, LegId::kCaller, fork.index});
  }
  call->forks.Clear(&forks_);
  if (call->setup != nullptr) setups_.Release(call->setup);
  if (call->holds_grant) {
    options_.host->ReturnGrant(*call->connector,
                               {.connector = call->connector->number,
                                .is_unused = call->attempt.serial == 0,  // None was sent.
                                .to_trunk = call->direction == CallDirection::kTermination,
                                .counted_at = call->granted_at});
  }
  options_.media->End(&call->media, now);
  calls_.Release(call);
}

}  // namespace sbc
