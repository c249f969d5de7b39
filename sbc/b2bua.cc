#include "sbc/b2bua.h"

#include "core/sip/cursor.h"
#include "core/sip/message_writer.h"
#include "core/sip/response_builder.h"
#include "core/sip/uri.h"
#include "sbc/b2bua_build.h"
#include "sbc/header_policy.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::ClientTransaction;
using core::sip::Dialog;
using core::sip::Failure;
using core::sip::HeaderId;
using core::sip::Hop;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::Method;
using core::sip::NameAddr;
using core::sip::ParseError;
using core::sip::ServerTransaction;
using core::sip::TransactionTable;
using Kind = TransactionMark::Kind;

namespace {

// Each call has a tag towards the callee and one towards the caller, each further early dialog one
// towards the caller.
constexpr size_t kTagsPerCall = 2;

// Early dialogs beyond each call's first: one a call, as few calls have more, and one of them any.
constexpr size_t kForksMin = Forks::kMax;

// MESSAGEs on their way at once: few beside calls. More are answered as if no route were left.
constexpr size_t kPagersMin = 64;
constexpr size_t kCallsPerPager = 16;

// What we take wherever it comes from (RFC 3261 §20.5). MESSAGE comes to it where `message` lets it
// pass, REFER where `transfer` does.
constexpr std::string_view kAllow =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY";

// RFC 3261 §19.1.1: sips is TLS, and without a transport parameter sip is UDP.
bool IsOverUdp(const core::sip::Uri& uri) {
  const auto transport = core::sip::FindUriParameter(uri, "transport");
  return uri.scheme == core::sip::UriScheme::kSip &&
         (!transport.has_value() || core::sip::EqualsIgnoreCase(*transport, "udp"));
}

}  // namespace

B2bua::B2bua(const Options& options)
    : options_(options),
      calls_(options.calls_max),
      forks_(std::max(kForksMin, options.calls_max)),
      setups_(options.calls_max),
      pagers_(std::max<size_t>(kPagersMin, options.calls_max / kCallsPerPager)),
      tags_(options.calls_max * kTagsPerCall + forks_.capacity()),
      body_scratch_(std::make_unique<char[]>(core::PacketStore::kLargeBytes)),
      builder_(options.store),
      credentials_({.store = options.store, .mint = options.mint, .shard = options.shard}),
      orphans_({.table = options.table,
                .transport = options.transport,
                .store = options.store,
                .mint = options.mint,
                .shard = options.shard,
                .tag_key = options.tag_key,
                .builder = &builder_,
                .credentials = &credentials_,
                .host = options.host}) {
  CHECK(options.calls_max <= TransactionMark::kCallsMax);
}

B2bua::~B2bua() = default;

B2buaCounters B2bua::counters() const {
  B2buaCounters counters = counters_;
  counters.unwritable = builder_.unwritable();
  counters.orphan_answers = orphans_.ended();
  return counters;
}

// ---- what comes -------------------------------------------------------------------------------

void B2bua::OnRequest(ServerTransaction& transaction, const Message& request, const Packet& packet,
                      Instant now) {
  NameAddr to;
  if (request.To(&to) == ParseError::kOk && !to.tag.empty()) {
    OnInDialog(transaction, request, packet, now);
  } else if (request.method() == Method::kInvite) {
    OnInvite(transaction, request, packet, now);
  } else if (request.method() == Method::kMessage && MayMessage(*options_.host->policy(), side_)) {
    OnPagerMessage(transaction, request, packet, now);
  } else {
    AnswerOutside(transaction, request, now);
  }
}

void B2bua::OnResponse(ClientTransaction& transaction, const Message& response,
                       const Packet& /*packet*/, Instant now) {
  const TransactionMark mark = TransactionMark::From(transaction.user());
  if (mark.kind == Kind::kProbe) {
    if (response.status_code() >= 200) {
      options_.host->OnOtherResponse(mark, response.status_code(), now);
    }
    return;
  }
  if (mark.kind == Kind::kPager) return OnPagerResponse(mark, response, now);
  Call* call = FindCall(mark);
  const bool asks = response.status_code() == 401 || response.status_code() == 407;
  if (asks && call != nullptr && AnswerChallenge(call, transaction, response, now)) return;
  switch (mark.kind) {
    case Kind::kInvite:
      if (call != nullptr && call->attempt.active && call->attempt.serial == mark.detail) {
        return OnAttemptResponse(call, transaction, response, now);
      }
      [[fallthrough]];
    case Kind::kOrphan:
      if (response.status_code() / 100 == 2) {
        OnOrphanAnswer(transaction, response, nullptr, now);
      } else if (response.status_code() < 200) {
        (void)options_.table->Cancel(transaction, "", now);  // Too late for this route (rule 7).
      }
      return;
    case Kind::kOrphanBye:
      return orphans_.OnByeResponse(transaction, response, now);
    case Kind::kReinvite:
      if (call != nullptr) return OnReinviteResponse(call, transaction, response, now);
      if (response.status_code() / 100 == 2) {
        Dialog over;
        (void)orphans_.Ack(transaction, response, &over);
      }
      return;
    case Kind::kRelay:
      if (call != nullptr) OnRelayResponse(call, mark.detail, response, now);
      return;
    case Kind::kDigit:
      if (call != nullptr) OnDigitAnswered(call, response.status_code(), now);
      return;
    case Kind::kUpdate:
      if (call != nullptr && response.status_code() >= 200) {
        OnRefreshResponse(call, static_cast<LegId>(mark.detail), response, now);
      }
      return;
    case Kind::kBye:
      if (call != nullptr && response.status_code() >= 200 && --call->byes_pending == 0)
        Free(call, now);
      return;
    case Kind::kProbe:
    case Kind::kPager:
    case Kind::kNone:
      return;
  }
}

void B2bua::OnFailure(ClientTransaction& transaction, Failure failure, Instant now) {
  const TransactionMark mark = TransactionMark::From(transaction.user());
  if (mark.kind == Kind::kProbe) {
    options_.host->OnOtherResponse(mark, 0, now);
    return;
  }
  if (mark.kind == Kind::kPager) return OnPagerFailure(mark, now);
  Call* call = FindCall(mark);
  if (call == nullptr) return;
  switch (mark.kind) {
    case Kind::kInvite:
      if (call->attempt.active && call->attempt.serial == mark.detail) {
        OnAttemptFailed(call, failure, now);
      }
      return;
    case Kind::kBye:
      if (--call->byes_pending == 0) Free(call, now);
      return;
    case Kind::kDigit:
      return OnDigitAnswered(call, 0, now);
    case Kind::kRelay:
      if (call->bridged() != &call->forks[call->relays[mark.detail].fork]) {
        // The callee never heard a PRACK or UPDATE of an early dialog: its own timers decide.
        RefuseWaiting(call->relays[mark.detail].server, 500, now);
        call->relays[mark.detail] = {};
        return;
      }
      [[fallthrough]];
    case Kind::kReinvite:
    case Kind::kUpdate:
      // A peer that does not answer inside the dialog is gone (RFC 3261 §12.2.1.2).
      if (call->state != Call::State::kEnding) {
        EndCall(call, CallEnd::kPeerLost, std::nullopt, "SIP;cause=408;text=\"No response\"", now);
      }
      return;
    default:
      return;
  }
}

void B2bua::OnStrayResponse(const Message& /*response*/, const Packet& /*packet*/,
                            Instant /*now*/) {
  // Counted by the table. A 2xx this late has outlived timer M, and with it any use of a BYE.
}

// ---- outside of any call ----------------------------------------------------------------------

void B2bua::AnswerOutside(ServerTransaction& transaction, const Message& request, Instant now) {
  switch (request.method()) {
    case Method::kOptions:
      if (CheckAbilities(transaction, request, AbilitiesOf::kCall, now) != 0) return;
      return AnswerOptions(transaction, request, now);
    case Method::kBye:
    case Method::kPrack:
    case Method::kUpdate:
    case Method::kInfo:
    case Method::kNotify:  // RFC 6665 §4.1.3: of no subscription of ours.
      ++counters_.no_dialog;
      return Answer(transaction, request, 481, now);  // They have no meaning outside of a dialog.
    case Method::kRefer:
      return Answer(transaction, request, 403, now);  // Rule 18: what may pass is inside a dialog.
    default:
      break;
  }
  ++counters_.method_refused;
  // §21.4.6: what is allowed instead; so not the method that was just refused.
  TransactionTable::Answer answer;
  answer.status_code = 405;
  answer.field = HeaderId::kAllow;
  answer.field_value = kAllow;
  Answer(transaction, request, answer, now);
}

void B2bua::AnswerOptions(ServerTransaction& transaction, const Message& request, Instant now) {
  // Inside a dialog it asks whether the call lives, and a drain lets calls live (rule 10).
  NameAddr to;
  const bool in_dialog = request.To(&to) == ParseError::kOk && !to.tag.empty();
  const bool draining = !in_dialog && options_.host->draining();
  Tag tag;
  options_.mint->MintTag(options_.shard, &tag);
  Packet packet = builder_.Build([&](MessageWriter* out) {
    core::sip::WriteResponseHead(out, request, transaction.source(),
                                 {.status_code = static_cast<uint16_t>(draining ? 503 : 200),
                                  .reason = {},
                                  .to_tag = tag.view(),
                                  .record_route = false});
    WriteAbilities(*options_.host->policy(), side_, true, out);
    out->Header(HeaderId::kAccept, kAccept);
    out->NoBody();
  });
  if (!packet) return Answer(transaction, request, 500, now);
  (void)options_.table->Respond(transaction, std::move(packet), draining ? 503 : 200, now);
}

void B2bua::Answer(ServerTransaction& transaction, const Message& request, uint16_t status_code,
                   Instant now) {
  if (transaction.is_invite() && status_code >= 200) ++counters_.final_responses[status_code / 100];
  TransactionTable::Answer answer;
  answer.status_code = status_code;
  Answer(transaction, request, answer, now);
}

void B2bua::Answer(ServerTransaction& transaction, const Message& request,
                   const TransactionTable::Answer& answer, Instant now) {
  if (options_.table->Respond(transaction, request, answer, now)) return;
  if (transaction.final_status() == 0) options_.table->Drop(transaction, now);
}

bool B2bua::SendProbe(const RouteHealth::Probe& probe, Instant now) {
  Face face;
  if (!FaceTowards(*options_.host->policy(), probe.side, probe.to, &face)) return false;
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  Tag tag;
  Tag call_id;
  options_.mint->MintBranch(options_.shard, &branch);
  options_.mint->MintTag(options_.shard, &tag);
  options_.mint->MintCallId(options_.shard, &call_id);
  const core::Endpoint::Text to = probe.to.text();
  const std::string_view from_host =
      probe.from_host.empty() ? face.sent_by.view() : probe.from_host;
  Packet packet = builder_.Build([&](MessageWriter* out) {
    const std::string_view target[] = {"sip:", to.view()};
    core::BoundedText<64> uri;
    (void)uri.Append(target[0]);
    (void)uri.Append(target[1]);
    out->RequestLine("OPTIONS", uri.view());
    out->Header(HeaderId::kVia,
                {"SIP/2.0/UDP ", face.sent_by.view(), ";rport;branch=", branch.view()});
    out->Header(HeaderId::kMaxForwards, 70);
    out->Header(HeaderId::kFrom, {"<sip:", from_host, ">;tag=", tag.view()});
    out->Header(HeaderId::kTo, {"<", uri.view(), ">"});
    out->Header(HeaderId::kCallId, call_id.view());
    out->Header(HeaderId::kCSeq, "1 OPTIONS");
    WriteContact(face, out);
    out->Header(HeaderId::kAccept, "application/sdp");
    out->NoBody();
  });
  if (!packet) return false;
  TransactionTable::Request request;
  request.packet = std::move(packet);
  request.hop = {face.socket, face.local, probe.to, core::sip::TransportKind::kUdp};
  request.method = Method::kOptions;
  request.branch = branch.view();
  request.user = TransactionMark::OfProbe(probe.id.bits()).bits();
  return options_.table->SendRequest(std::move(request), now) != nullptr;
}

// ---- parts that all use -----------------------------------------------------------------------

bool B2bua::FaceTowards(const Policy& policy, Side side, const core::Endpoint& peer,
                        Face* face) const {
  for (const core::transport::Listener& listener : options_.transport->listeners()) {
    const auto listener_side = static_cast<ListenerSide>(listener.side);
    const bool serves = listener_side == ListenerSide::kAny ||
                        (listener_side == ListenerSide::kCustomer) == (side == Side::kCustomer);
    if (!serves || listener.local.ip.is_v4() != peer.ip.is_v4()) continue;
    face->socket = listener.socket;
    face->local = listener.local;
    face->sent_by = (policy.IsLocal(peer.ip) ? listener.local : listener.advertised).text();
    return true;
  }
  return false;
}

void B2bua::WriteAbilities(const Call& call, LegId leg, bool offer_100rel,
                           MessageWriter* out) const {
  WriteAbilities(*call.policy, call.leg(leg).side, offer_100rel, out);
}

// Who is not told that it may transfer will not try to (RFC 3515 §2.4.1, RFC 3891 §4).
void B2bua::WriteAllow(const Policy& policy, Side side, MessageWriter* out) {
  out->Header(HeaderId::kAllow, {kAllow, MayMessage(policy, side) ? ", MESSAGE" : "",
                                 MayTransfer(policy, side) ? ", REFER" : ""});
}

void B2bua::WriteAbilities(const Policy& policy, Side side, bool offer_100rel, MessageWriter* out) {
  const bool transfer = MayTransfer(policy, side);
  WriteAllow(policy, side, out);
  out->Header(HeaderId::kSupported,
              {"timer", offer_100rel ? ", 100rel" : "", transfer ? ", replaces" : ""});
}

void B2bua::WriteContact(const Face& face, MessageWriter* out) const {
  out->Header(HeaderId::kContact, {"<sip:", face.sent_by.view(), ">"});
}

std::string_view B2bua::ToTag(const Message& message) {
  NameAddr to;
  return message.To(&to) == ParseError::kOk ? to.tag : std::string_view();
}

void B2bua::RemoveTag(std::string_view tag, const TagEntry& entry) {
  (void)tags_.Erase(TagHash(tag), entry);
}

// What belongs to a call that is there, and emergency calls (rule 6).
bool B2bua::IsUrgent(const Message& request, const Packet& packet) {
  TagEntry entry;
  if (FindByDialog(request, &entry) != nullptr) return true;
  const StartRequest start = ReadStartRequest(request, side_, packet.remote().ip);
  return request.method() == Method::kInvite && side_ == Side::kCustomer &&
         options_.host->policy()->IsEmergency(start.called_user);
}

Call* B2bua::FindByDialog(const Message& message, TagEntry* entry) {
  NameAddr to;
  NameAddr from;
  if (message.To(&to) != ParseError::kOk || message.From(&from) != ParseError::kOk) return nullptr;
  Call* found = nullptr;
  (void)tags_.Find(TagHash(to.tag), [&](const TagEntry& candidate) {
    Call* call = calls_.Find(candidate.call);
    if (call == nullptr) return false;
    // Folded early dialogs share a tag: once one is bridged, that is the one; before, the one that
    // the caller last heard.
    Fork* fork = call->bridged();
    if (fork != nullptr && !fork->dialog(candidate.leg).Matches(message)) return false;
    if (fork == nullptr) fork = EarlyDialog(call, candidate, message);
    if (fork == nullptr) return false;
    *entry = candidate;
    entry->fork =
        candidate.leg == LegId::kCaller && call->bridged() == nullptr ? fork->heard : fork->index;
    found = call;
    return true;
  });
  return found;
}

// The callee has one tag of ours for all its early dialogs: its own tells which is meant.
Fork* B2bua::EarlyDialog(Call* call, const TagEntry& entry, const Message& message) {
  for (Fork& fork : call->forks) {
    if (entry.leg == LegId::kCaller && fork.index != entry.fork) continue;
    if (!fork.ended && fork.dialog(entry.leg).Matches(message)) return &fork;
  }
  return nullptr;
}

bool B2bua::Knows(const Message& message) {
  TagEntry entry;
  return FindByDialog(message, &entry) != nullptr;
}

Hop B2bua::HopOf(Call* call, LegId leg, const Dialog& dialog) {
  const CallLeg& to = call->leg(leg);
  Hop hop{to.face.socket, to.face.local, to.peer, core::sip::TransportKind::kUdp};
  if (dialog.route_set().empty()) return hop;
  // Rule 19: the first Route, if that side may be reached there, over the leg's own socket; else
  // where its signalling came from. So a Route of another family, or over a transport that we lack,
  // leads to who wrote it, over what it spoke itself.
  core::sip::Uri route;
  core::IpAddress address;
  if (dialog.NextHop(&route) == ParseError::kOk && IsOverUdp(route) &&
      core::IpAddress::Parse(route.host_port.host, &address) &&
      address.is_v4() == to.face.local.ip.is_v4()) {
    const auto listener =
        to.side == Side::kCustomer ? ListenerSide::kCustomer : ListenerSide::kTrunk;
    if (SideOf(*call->policy, *options_.hosts, listener, address) == to.side) {
      hop.remote = {address,
                    static_cast<uint16_t>(route.host_port.port == 0 ? 5060 : route.host_port.port)};
      return hop;
    }
  }
  if (address != to.peer.ip) ++counters_.off_route;
  return hop;
}

// ---- timers -----------------------------------------------------------------------------------

void B2bua::FireSessionCaller(void* call, core::Timer* /*timer*/, Instant now) {
  Call* of = static_cast<Call*>(call);
  static_cast<B2bua*>(of->owner)->OnSessionTimer(of, LegId::kCaller, now);
}
void B2bua::FireSessionCallee(void* call, core::Timer* /*timer*/, Instant now) {
  Call* of = static_cast<Call*>(call);
  static_cast<B2bua*>(of->owner)->OnSessionTimer(of, LegId::kCallee, now);
}
void B2bua::FireRoute(void* call, core::Timer* /*timer*/, Instant now) {
  Call* of = static_cast<Call*>(call);
  static_cast<B2bua*>(of->owner)->OnRouteTimer(of, now);
}
void B2bua::FireReliable(void* call, core::Timer* /*timer*/, Instant now) {
  Call* of = static_cast<Call*>(call);
  static_cast<B2bua*>(of->owner)->OnReliableTimer(of, now);
}

}  // namespace sbc
