// One route after the other, until one of them owns the call or none is left.

#include "core/sip/response_builder.h"
#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"
#include "sbc/header_policy.h"
#include "sbc/product.h"
#include "sbc/uri_rewrite.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::ClientTransaction;
using core::sip::Failure;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::Method;
using core::sip::NameAddr;
using core::sip::ParseError;
using core::sip::ServerTransaction;
using core::sip::TransactionTable;

namespace {

constexpr size_t kContactsMax = 1024;  // Where a 3xx names more targets than fit, it is 480.

}  // namespace

void B2bua::ArmRouteTimer(Call* call) {
  if (call->setup->plan.deadline() == core::kNever) {
    options_.wheel->Disarm(&call->route_timer);
  } else {
    options_.wheel->Arm(&call->route_timer, call->setup->plan.deadline());
  }
}

void B2bua::TryNextRoute(Call* call, Instant now) {
  RouteTarget target;
  while (call->setup->plan.Next(*options_.hosts, options_.random, now, &target)) {
    if (SendAttempt(call, target, now)) {
      ArmRouteTimer(call);
      return;
    }
    // No listener of its family, or no room for its INVITE: as good as unreachable.
    if (call->setup->plan.OnTransportError(now) == RoutePlan::Verdict::kStop) break;
  }
  FailCall(call, nullptr, now);
}

bool B2bua::SendAttempt(Call* call, const RouteTarget& target, Instant now) {
  CallLeg& leg = call->leg(LegId::kCallee);
  if (!FaceTowards(*call->policy, leg.side, target.endpoint, &leg.face)) return false;
  leg.peer = target.endpoint;
  leg.credentials = {};  // Another address may be another realm.
  if (options_.media->enabled() &&
      !options_.media->Rebind(&call->media, LegId::kCallee, PartyOf(*call, LegId::kCallee), now)) {
    return false;
  }
  ++counters_.attempts;
  Attempt& attempt = call->attempt;
  if (attempt.serial > 0) ++counters_.failovers;
  attempt.serial = static_cast<uint8_t>(attempt.serial + 1);
  attempt.sequence = 1;
  attempt.with_credentials = false;
  attempt.raised_timer = false;
  call->leg(LegId::kCallee).session = SessionTimer(options_.session);  // What the last route asked.
  attempt.hop = {leg.face.socket, leg.face.local, target.endpoint, core::sip::TransportKind::kUdp};
  RemoveTag(attempt.from_tag.view(), {calls_.HandleOf(call), LegId::kCallee, 0});
  options_.mint->MintTag(call->shard, &attempt.from_tag);
  const Tag last = attempt.call_id;
  options_.mint->MintCallId(call->shard, &attempt.call_id);
  if (call->connector->config->logging.enable_sip_logs) {
    CallRecord so_far = RecordOf(*call);
    so_far.callee_call_id.AssignTruncated(last.view());
    options_.host->OnLoggedCall(attempt.call_id.view(), so_far);
  }
  AddTag(attempt.from_tag.view(), {calls_.HandleOf(call), LegId::kCallee, 0});
  const ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr || scratch_message_.Index(transaction->request()) != ParseError::kOk) {
    return false;
  }
  return SendInvite(call, scratch_message_, now);
}

bool B2bua::SendInvite(Call* call, const Message& invite, Instant now) {
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  options_.mint->MintBranch(call->shard, &branch);
  Packet packet =
      builder_.Build([&](MessageWriter* out) { WriteInvite(call, invite, branch.view(), out); });
  if (!packet) return false;
  core::sip::TransactionTable::Request request;
  request.packet = std::move(packet);
  request.hop = call->attempt.hop;
  request.method = Method::kInvite;
  request.branch = branch.view();
  request.urgent = call->emergency;
  request.has_credentials = static_cast<bool>(call->leg(LegId::kCallee).credentials.challenge);
  request.user =
      TransactionMark{TransactionMark::Kind::kInvite, call->attempt.serial, calls_.HandleOf(call)}
          .bits();
  const ClientTransaction* sent = options_.table->SendRequest(std::move(request), now);
  call->attempt.active = sent != nullptr;
  if (sent == nullptr) return false;
  call->attempt.client = options_.table->HandleOf(*sent);
  call->invite.client = call->attempt.client;
  call->invite.to_sequence = call->attempt.sequence;
  return true;
}

B2bua::OutsideParties B2bua::WriteOutsideHead(const OutsideHead& head, const Connector& connector,
                                              const Message& in, MessageWriter* out) {
  OutsideParties parties;
  const bool to_trunk = head.towards == Side::kTrunk;
  parties.caller = ReadCaller(in, connector);
  if (to_trunk) OverrideCaller(connector, &parties.caller);
  const PartyUser called = CalledParty(in.request_uri(), head.towards, connector.config->home_plan);
  // The trunk is named by its host name (the Voice Connector insists), a PBX by its address.
  const UriHost peer =
      to_trunk ? UriHost::Of(connector.config->trunk.host, head.peer.port) : UriHost::Of(head.peer);
  core::Endpoint own;
  parties.ours = UriHost::Of(head.face->local);
  if (core::Endpoint::Parse(head.face->sent_by.view(), &own)) parties.ours = UriHost::Of(own);

  char uri_bytes[512];
  core::sip::TextWriter uri({uri_bytes, sizeof(uri_bytes)});
  WriteUri(called, peer, &uri);
  if (uri.ok()) (void)parties.uri.Assign(uri.text());
  const std::string_view method = core::sip::Name(head.method);
  out->RequestLine(method, parties.uri.view());
  out->Header(HeaderId::kVia,
              {"SIP/2.0/UDP ", head.face->sent_by.view(), ";rport;branch=", head.branch});
  uint32_t hops = 70;
  (void)in.MaxForwards(&hops);  // Absent in RFC 2543: then 70, as a UAC says.
  out->Header(HeaderId::kMaxForwards, uint64_t{hops == 0 ? 0 : hops - 1});
  NameAddr from;
  NameAddr to;
  (void)in.From(&from);  // Both were judged to be readable.
  (void)in.To(&to);
  out->BeginHeader(HeaderId::kFrom);
  WriteFrom(from, parties.caller, head.towards, parties.ours, head.from_tag, out->value());
  out->EndHeader();
  out->BeginHeader(HeaderId::kTo);
  WriteParty(to, called, peer, "", out->value());
  out->EndHeader();
  const HomePlan home = connector.config->home_plan;
  parties.untouched = !HidesCaller(parties.caller, head.towards) &&
                      IsSameNumber(from, parties.caller.from, home) &&
                      IsSameNumber(to, called, home);
  out->Header(HeaderId::kCallId, head.call_id);
  out->BeginHeader(HeaderId::kCSeq);
  out->value()->AppendNumber(head.sequence);
  out->value()->Append(' ');
  out->value()->Append(method);
  out->EndHeader();
  char asserted_bytes[512];
  core::sip::TextWriter asserted({asserted_bytes, sizeof(asserted_bytes)});
  if (WriteAsserted(parties.caller, head.towards, parties.ours, &asserted) && asserted.ok()) {
    out->Header(HeaderId::kPAssertedIdentity, asserted.text());
  }
  return parties;
}

void B2bua::WriteInvite(Call* call, const Message& invite, std::string_view branch,
                        MessageWriter* out) {
  const CallLeg& leg = call->leg(LegId::kCallee);
  const OutsideParties parties = WriteOutsideHead({.method = Method::kInvite,
                                                   .towards = leg.side,
                                                   .face = &leg.face,
                                                   .peer = leg.peer,
                                                   .branch = branch,
                                                   .from_tag = call->attempt.from_tag.view(),
                                                   .call_id = call->attempt.call_id.view(),
                                                   .sequence = call->attempt.sequence},
                                                  *call->connector, invite, out);
  call->facts.caller_sent.AssignTruncated(parties.caller.caller().shown());
  WriteContact(leg.face, out);
  call->attempt.offered_100rel = call->caller_supports_100rel || call->caller_requires_100rel;
  WriteAbilities(*call, LegId::kCallee, call->attempt.offered_100rel, out);
  leg.session.WriteOffer(out);
  WriteCredentials(call, LegId::kCallee,
                   {.method = "INVITE", .uri = parties.uri.view(), .body = {}}, out);
  if (call->setup->takeover.replaces) {
    out->Header(HeaderId::kReplaces, call->setup->takeover.replaces.text());
    out->Header(HeaderId::kRequire, "replaces");
  }
  CopyPassing(invite, {leg.side, call->emergency, parties.untouched}, *call->policy, out);
  out->Header(HeaderId::kUserAgent, kProduct);
  WriteBody(call, LegId::kCallee, MediaAnchor::Role::kOffer, invite, out);
}

void B2bua::OnAttemptResponse(Call* call, ClientTransaction& transaction, const Message& response,
                              Instant now) {
  const uint16_t status = response.status_code();
  if (status / 100 == 2) return OnAnswer(call, transaction, response, now);
  if (call->state != Call::State::kRouting) return;  // It was answered by another early dialog.
  // A 100 may be a proxy's in front of a dead PBX; 408 and 503 are what probes count as down (rule
  // 10).
  if (status > 100 && status != 408 && status != 503) {
    options_.host->OnRouteSign(call->setup->plan.current(), RouteHealth::CallSign::kAlive, now);
  }
  if (status >= 300) return OnAttemptFinal(call, response, now);
  call->setup->plan.OnProvisional(status, now);
  ArmRouteTimer(call);
  if (status > 100) OnProvisional(call, response, now);
}

void B2bua::OnAttemptFinal(Call* call, const Message& response, Instant now) {
  call->attempt.active = false;
  if (RetryAttempt(call, response, now)) return;
  if (call->setup->plan.OnFinal(response.status_code(), now) == RoutePlan::Verdict::kTryNext) {
    TryNextRoute(call, now);
  } else {
    FailCall(call, &response, now);
  }
}

// The same route again, with what it asked for: our password, or a longer session.
bool B2bua::RetryAttempt(Call* call, const Message& response, Instant now) {
  const uint16_t status = response.status_code();
  Attempt& attempt = call->attempt;
  const bool challenged = (status == 401 || status == 407) &&
                          AcceptChallenge(call, LegId::kCallee, response, attempt.with_credentials);
  const bool too_small = status == 422 && !attempt.raised_timer &&
                         call->leg(LegId::kCallee).session.OnTooSmall(response);
  if (!challenged && !too_small) return false;
  const ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr || scratch_message_.Index(transaction->request()) != ParseError::kOk) {
    return false;
  }
  attempt.with_credentials |= challenged;
  attempt.raised_timer |= too_small;
  ++attempt.sequence;
  return SendInvite(call, scratch_message_, now);
}

void B2bua::OnAttemptFailed(Call* call, Failure failure, Instant now) {
  call->attempt.active = false;
  if (call->state != Call::State::kRouting) return;
  options_.host->OnRouteSign(call->setup->plan.current(), RouteHealth::CallSign::kSuspect, now);
  const RoutePlan::Verdict verdict = failure == Failure::kTransport
                                         ? call->setup->plan.OnTransportError(now)
                                         : call->setup->plan.OnTimeOut(now);
  if (verdict == RoutePlan::Verdict::kTryNext) {
    TryNextRoute(call, now);
  } else {
    FailCall(call, nullptr, now);
  }
}

void B2bua::OnRouteTimer(Call* call, Instant now) {
  if (call->state == Call::State::kAsking) return OnGrantTimeout(call, now);
  if (call->bridged() != nullptr) return OnMediaTimer(call, now);
  if (call->state != Call::State::kRouting) return;
  if (!call->setup->plan.may_cancel()) {  // It said nothing at all. Who only rings on is alive.
    options_.host->OnRouteSign(call->setup->plan.current(), RouteHealth::CallSign::kSuspect, now);
  }
  AbandonAttempt(call, now);
  if (call->setup->plan.OnTimeOut(now) == RoutePlan::Verdict::kTryNext) {
    TryNextRoute(call, now);
  } else {
    FailCall(call, nullptr, now);
  }
}

// Its transaction is kept, for RFC 3261 §9.1 lets no CANCEL go before a provisional response: the
// table sends it when one comes, and a late 2xx gets ACK and BYE (rule 7).
void B2bua::AbandonAttempt(Call* call, Instant now) {
  ClientTransaction* transaction = options_.table->Find(call->attempt.client);
  call->attempt.active = false;
  if (transaction == nullptr) return;
  Disown(*call, transaction);
  DropHeldAnswers(call, nullptr, now);
  (void)options_.table->Cancel(*transaction, "", now);
  options_.table->Abandon(*transaction);
}

void B2bua::FailCall(Call* call, const Message* response, Instant now) {
  if (call->attempt.active) AbandonAttempt(call, now);
  const RoutePlan::Answer answer = call->setup->plan.answer();
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  if (transaction == nullptr || scratch_message_.Index(transaction->request()) != ParseError::kOk) {
    Record(call, CallEnd::kFailed, 0, now);
    return Free(call, now);
  }
  if (answer.cause.has_value()) {
    CallRecord record = RecordOf(*call);
    RefuseInvite(*transaction, scratch_message_,
                 Refuse(*answer.cause, call->connector->config->rejections, "no route answered"),
                 &record, now);
    return Free(call, now);
  }
  uint16_t status = answer.status_code;
  char contact_bytes[kContactsMax];
  core::sip::TextWriter contacts({contact_bytes, sizeof(contact_bytes)});
  if (response != nullptr && response->status_code() / 100 == 3) {
    WriteRedirect(*call, *response, scratch_message_, &contacts);
    if (contacts.ok() && contacts.size() > 0) status = response->status_code();
  }
  // Its reason phrase goes with its own code only: ours have their own.
  const bool verbatim =
      response != nullptr && response->status_code() == status && !IsSmuggling(response->reason());
  ++counters_.final_responses[status / 100];
  Tag minted;
  options_.mint->MintTag(call->shard, &minted);
  // RFC 3261 §8.2.6.2: the caller that heard of an early dialog has its tag for the whole.
  const std::string_view told = transaction->to_tag();
  const Message& invite = scratch_message_;
  Packet packet = builder_.Build([&](MessageWriter* out) {
    core::sip::WriteResponseHead(out, invite, transaction->source(),
                                 {.status_code = status,
                                  .reason = verbatim ? response->reason() : std::string_view(),
                                  .to_tag = told.empty() ? minted.view() : told,
                                  .record_route = false});
    if (status == 405) WriteAllow(*call->policy, call->leg(LegId::kCaller).side, out);
    if (status / 100 == 3) out->Header(HeaderId::kContact, contacts.text());
    if (response != nullptr) {
      CopyPassing(*response, {call->leg(LegId::kCaller).side, call->emergency}, *call->policy, out);
    }
    out->Header(HeaderId::kServer, kProduct);
    out->NoBody();
  });
  if (packet) {
    (void)options_.table->Respond(*transaction, std::move(packet), status, now);
  } else {
    Answer(*transaction, scratch_message_, TransactionTable::Answer{status}, now);
  }
  Record(call, CallEnd::kFailed, status, now);
  Free(call, now);
}

}  // namespace sbc
