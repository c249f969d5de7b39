// What descriptions have to do with a call: which messages carry an offer and which an answer
// (RFC 3264; RFC 3261 §13.2.1, RFC 3262 §5, RFC 3311 §5), and what is written in their place.

#include <algorithm>

#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"
#include "sbc/header_policy.h"
#include "sbc/media/leg_formats.h"
#include "sbc/media/sdp_in_body.h"

namespace sbc {

using core::Instant;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::ParseError;
using core::sip::ServerTransaction;
using Role = MediaAnchor::Role;

namespace {

constexpr core::Duration kTellTime = std::chrono::minutes(1);  // As often as the trunk does.

}  // namespace

MediaAnchor::Party B2bua::PartyOf(const Call& call, LegId id) const {
  const CallLeg& leg = call.legs[Index(id)];
  const ConnectorConfig& connector = *call.connector->config;
  MediaAnchor::Party party;
  party.side = leg.side;
  if (leg.face.socket) {
    party.v4 = leg.face.local.ip.is_v4();
  } else {  // No route is tried yet, so its family is a guess: the caller's, if that side has it.
    party.v4 =
        options_.media->FamilyOf(leg.side, call.legs[Index(Other(id))].face.local.ip.is_v4());
  }
  party.told_local = call.policy->IsLocal(leg.peer.ip);
  party.codecs = CodecsTold(connector.codecs, leg.side);
  party.bridges_digits = connector.dtmf == DtmfKind::kInfo;
  party.relays_video = connector.video == VideoKind::kRelay;
  party.is_emergency = call.emergency;
  party.call = calls_.HandleOf(&call);
  if (leg.side == Side::kTrunk) {
    party.sources.media_cidrs = connector.trunk.media_cidrs;
    return party;
  }
  if (call.policy->IsBehindNat(leg.side, leg.peer.ip)) party.sources.nat = &leg.peer.ip;
  return party;
}

// 0, or the code that refuses the description in it. What carries none is no matter of ours.
uint16_t B2bua::TakeSdp(Call* call, LegId from, Role role, const Message& message, Instant now) {
  SdpInBody body;
  if (!options_.media->enabled()) return 0;
  if (!body.Find(message)) return body.is_unread() ? RefuseUnread() : uint16_t{0};
  return TakeDescription(call, from, role, body.sdp(), now);
}

uint16_t B2bua::RefuseUnread() {
  ++counters_.sdp_refused;
  return options_.media->RefuseUnread();
}

uint16_t B2bua::TakeDescription(Call* call, LegId from, Role role, std::string_view sdp,
                                Instant now) {
  const MediaAnchor::Party parties[] = {PartyOf(*call, LegId::kCaller),
                                        PartyOf(*call, LegId::kCallee)};
  const uint16_t refusal = options_.media->Take(&call->media, from, role, parties, sdp, now);
  // Ports that run out are no fault of the description's, and have a count of their own.
  if (refusal != 0 && refusal != 503) ++counters_.sdp_refused;
  if (call->bridged() != nullptr) WatchMedia(call);
  return refusal;
}

// Before the answer each early dialog has offers and answers of its own. What was agreed on last is
// in force; what is kept serves when another one answers.
uint16_t B2bua::TakeEarlySdp(Call* call, Fork* fork, LegId from, Role role, const Message& message,
                             Instant now) {
  SdpInBody body;
  if (!options_.media->enabled()) return 0;
  if (!body.Find(message)) return body.is_unread() ? RefuseUnread() : uint16_t{0};
  // What an early dialog still says once another one was answered is about no media of ours.
  if (call->bridged() != nullptr && call->bridged() != fork) return 0;
  if (role == Role::kOffer) {
    const uint16_t refusal = TakeDescription(call, from, role, body.sdp(), now);
    if (refusal != 0) return refusal;
    call->offer_fork = fork->index;
    fork->pending_from = from;
    fork->pending = options_.store->texts()->Copy(body.sdp());
    return 0;
  }
  if (const uint16_t refusal = TakeOfferAgain(call, fork, from, now)) return refusal;
  const uint16_t refusal = TakeDescription(call, from, role, body.sdp(), now);
  if (refusal != 0) return refusal;
  call->sdp_fork = fork->index;
  if (call->bridged() == nullptr) {  // Else no other one will be answered any more.
    fork->offer_from = Other(from);
    fork->sdp[Index(fork->offer_from)] = std::move(fork->pending);
    fork->sdp[Index(from)] = options_.store->texts()->Copy(body.sdp());
  }
  fork->pending.Reset();
  return 0;
}

// The offer that an answer in this early dialog is to: what came last may be another one's. 0, or
// the code that refuses what was taken before.
uint16_t B2bua::TakeOfferAgain(Call* call, Fork* fork, LegId answerer, Instant now) {
  if (fork->pending && fork->pending_from != answerer) {
    if (call->offer_fork == fork->index) return 0;
    call->offer_fork = fork->index;
    return TakeDescription(call, fork->pending_from, Role::kOffer, fork->pending.text(), now);
  }
  if (!call->invite.offerless && answerer == LegId::kCallee) {
    return call->offer_fork == Call::kOfInvite ? uint16_t{0} : TakeFirstOffer(call, now);
  }
  const bool has_offer = call->bridged() == fork && call->offer_fork == fork->index;
  if (has_offer) return 0;  // It is the session's alone, as its copy had no room.
  call->offer_fork = Call::kOfNone;
  MediaAnchor::DropOffer(&call->media);
  MediaAnchor::ForgetOffer(&call->media);
  return 0;  // What answers nothing is refused as such.
}

// Of the 2xx. One without a description leaves it to what its own early dialog has said (RFC 3261
// §13.2.1, RFC 3262 §5), and one after a reliable answer only repeats that; what was agreed with
// another one ends with that.
uint16_t B2bua::TakeFinalSdp(Call* call, Fork* fork, const Message& response, Instant now) {
  SdpInBody body;
  if (!options_.media->enabled()) return 0;
  const bool has_body = body.Find(response);
  if (!has_body && body.is_unread()) return RefuseUnread();
  const bool is_anew = call->sdp_fork != fork->index;
  if (is_anew) options_.media->Suspend(&call->media);
  call->sdp_fork = fork->index;
  uint16_t refusal = 0;
  if (is_anew && (fork->agreed || !has_body)) {
    refusal = ResumeSdp(call, fork, now);
    KeepAgreed(call, *fork);
  }
  if (refusal != 0) return refusal;
  if (fork->agreed || !has_body) {
    // The offer at hand may be another one's, which nobody answers any more.
    if (call->offer_fork == fork->index) return 0;
    if (fork->pending) return TakeOfferAgain(call, fork, Other(fork->pending_from), now);
    MediaAnchor::DropOffer(&call->media);
    return 0;
  }
  fork->pending.Reset();  // A preview of this one, at most.
  const Role role = RoleOfAnswer(call->invite.offerless);
  if (role == Role::kAnswer && call->offer_fork != Call::kOfInvite) {
    refusal = TakeFirstOffer(call, now);
  } else if (role == Role::kOffer) {
    call->offer_fork = fork->index;
  }
  return refusal != 0 ? refusal : TakeDescription(call, LegId::kCallee, role, body.sdp(), now);
}

// 0, or the code that refuses what was taken before: then it can be in force no longer.
uint16_t B2bua::ResumeSdp(Call* call, Fork* fork, Instant now) {
  const LegId offerer = fork->offer_from;
  const core::KeptText& offer = fork->sdp[Index(offerer)];
  const core::KeptText& answer = fork->sdp[Index(Other(offerer))];
  uint16_t refusal = 0;
  call->offer_fork = Call::kOfNone;
  if (offer) {
    refusal = TakeDescription(call, offerer, Role::kOffer, offer.text(), now);
  } else if (!call->invite.offerless) {
    refusal = TakeFirstOffer(call, now);
  }
  if (refusal != 0 || !answer) return refusal;
  return TakeDescription(call, Other(offerer), Role::kAnswer, answer.text(), now);
}

// The body as the other leg is told it: a description with our addresses in place of the peer's,
// all else as it came. A description that was not taken does not cross.
void B2bua::WriteBody(Call* call, LegId to, Role role, const Message& message, MessageWriter* out) {
  SdpInBody body;
  if (!options_.media->enabled()) return CopyBody(message, out);
  if (!body.Find(message)) return body.is_unread() ? out->NoBody() : CopyBody(message, out);
  const auto sdp = options_.media->Write(&call->media, to, role, PartyOf(*call, to), body.sdp());
  core::TextWriter text({body_scratch_.get(), core::PacketStore::kLargeBytes});
  if (sdp.has_value()) body.Write(*sdp, &text);
  if (!sdp.has_value() || !text.ok()) return out->NoBody();
  out->Body(body.content_type(), text.text());
}

// Who cannot take an UPDATE is refreshed by an INVITE with the SDP of old (rule 15). Who says that
// it can may refuse it all the same, and any refresh may make us the refresher; so every leg keeps
// its last one: a packet each.
void B2bua::KeepSdp(Call* call, LegId sent_to, Role role, const Message& message) {
  SdpInBody body;
  if (body.Find(message)) KeepDescription(call, sent_to, role, body.sdp());
}

void B2bua::KeepDescription(Call* call, LegId sent_to, Role role, std::string_view text) {
  if (options_.media->enabled()) {
    text = options_.media->Write(&call->media, sent_to, role, PartyOf(*call, sent_to), text)
               .value_or("");
  }
  if (text.empty()) return;
  // Dry: no such refresh, and the session ends.
  call->leg(sent_to).sdp = options_.store->texts()->Copy(text);
}

// Of an early dialog that was answered while another one's descriptions were in force: what each
// leg was told last may have been that one's.
void B2bua::KeepAgreed(Call* call, const Fork& fork) {
  for (const LegId leg : {LegId::kCaller, LegId::kCallee}) {
    const core::KeptText& told = fork.sdp[Index(Other(leg))];
    const Role role = RoleOfAnswer(fork.offer_from == Other(leg));
    if (told) KeepDescription(call, leg, role, told.text());
  }
}

// ---- what comes of it ---------------------------------------------------------------------------

// Before its answer nothing is expected of a call: its routes' own timers run. And nothing is of an
// emergency call: who cannot speak must not be hung up on (rule 6).
std::optional<Instant> B2bua::SilentSince(const Call& call, LegId leg) const {
  if (call.emergency) return std::nullopt;
  const std::optional<Instant> since = options_.media->SilentSince(call.media, leg);
  if (!since.has_value()) return std::nullopt;
  return std::max(*since, call.received_at + call.facts.setup);
}

void B2bua::WatchMedia(Call* call) {
  if (call->state == Call::State::kEnding || call->media.stream_count == 0) return;
  Instant due = call->media_told_at + kTellTime;
  const core::Duration timeout = call->connector->config->media_timeout;
  for (const LegId leg : {LegId::kCaller, LegId::kCallee}) {
    const auto since = SilentSince(*call, leg);
    if (timeout > core::Duration::zero() && since.has_value()) {
      due = std::min(due, *since + timeout);
    }
  }
  options_.wheel->Arm(&call->route_timer, due);
}

void B2bua::OnMediaTimer(Call* call, Instant now) {
  if (call->state == Call::State::kEnding || EndIfSilent(call, now)) return;
  if (now >= call->media_told_at + kTellTime) {
    call->media_told_at = now;
    CallMedia media;
    options_.media->Summarize(call->media, &media);
    options_.host->OnMediaRecord(RecordOf(*call), media);
  }
  WatchMedia(call);
}

bool B2bua::EndIfSilent(Call* call, Instant now) {
  const core::Duration timeout = call->connector->config->media_timeout;
  if (timeout <= core::Duration::zero()) return false;
  for (const LegId leg : {LegId::kCaller, LegId::kCallee}) {
    const auto since = SilentSince(*call, leg);
    if (!since.has_value() || now < *since + timeout) continue;
    ++counters_.media_timeouts;
    call->silent = leg;
    EndCall(call, CallEnd::kMediaTimeout, std::nullopt, "SIP;cause=408;text=\"Media timeout\"",
            now);
    return true;
  }
  return false;
}

// The answer to a refresh of ours, which repeated what that leg had been told. One that cannot be
// has had its ACK, and changes nothing.
void B2bua::TakeRefreshed(Call* call, LegId from, const Message& response) {
  SdpInBody body;
  if (!options_.media->enabled() || !body.Find(response)) return;
  if (!options_.media->Move(&call->media, from, PartyOf(*call, from), body.sdp())) {
    ++counters_.sdp_refused;
  }
}

// The INVITE's own offer: 0, or the code that refuses it.
uint16_t B2bua::TakeFirstOffer(Call* call, Instant now) {
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr || scratch_message_.Index(transaction->request()) != ParseError::kOk) {
    return 0;  // Whoever tries a route, or answers, sees to that.
  }
  const uint16_t refusal = TakeSdp(call, LegId::kCaller, Role::kOffer, scratch_message_, now);
  if (refusal == 0) call->offer_fork = Call::kOfInvite;
  return refusal;
}

// Before any route is tried. False: the call was refused for it.
bool B2bua::AcceptFirstOffer(Call* call, Instant now) {
  if (!options_.media->enabled()) return true;
  const uint16_t refusal = TakeFirstOffer(call, now);
  if (refusal == 0) return true;
  const auto detail = DetailOfSdp("the caller's");
  FailSetup(call, refusal, detail.view(), now);
  return false;
}

// A call that was not answered ends for a description of either side. Ports that run out are an
// overload of ours, whether the caller's offer wants them or the callee's.
void B2bua::FailSetup(Call* call, uint16_t status, std::string_view detail, Instant now) {
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  const Message& invite = scratch_message_;
  const bool waits =
      transaction != nullptr && scratch_message_.Index(transaction->request()) == ParseError::kOk;
  if (waits && status == 503) {
    CallRecord record = RecordOf(*call);
    RefuseInvite(*transaction, invite,
                 Refuse(RejectionCause::kOverload, call->connector->config->rejections,
                        options_.media->why_refused()),
                 &record, now);
  } else {
    if (waits) Answer(*transaction, invite, status, now);
    Record(call, CallEnd::kFailed, status, now, detail);
  }
  Free(call, now);
}

}  // namespace sbc
