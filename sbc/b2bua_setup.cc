// From the INVITE that would begin a call to its first route: who calls, may they, and where to.

#include "core/sip/response_builder.h"
#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"
#include "sbc/termination.h"
#include "sbc/uri_rewrite.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::DigestAlgorithm;
using core::sip::DigestServer;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::ParseError;
using core::sip::ServerTransaction;

namespace {

CallDirection DirectionFrom(Side side) {
  return side == Side::kCustomer ? CallDirection::kTermination : CallDirection::kOrigination;
}

}  // namespace

void B2bua::OnInvite(ServerTransaction& transaction, const Message& invite, const Packet& packet,
                     Instant now) {
  ++counters_.invites;
  NewCall asked;
  asked.policy = options_.host->policy();
  BeginRecord(invite, packet, &asked.record);
  auto refusal = FindConnector(invite, packet, &asked);
  if (refusal.has_value()) {
    return RefuseInvite(transaction, invite, *refusal, &asked.record, now);
  }
  if (const uint16_t status_code = JudgeInvite(transaction, invite, now)) {
    return RecordProtocolRefusal(&asked.record, status_code);
  }
  refusal = CheckNode(asked);
  if (refusal.has_value()) {
    return RefuseInvite(transaction, invite, *refusal, &asked.record, now);
  }
  if (asked.connector->config->logging.enable_sip_logs) {
    options_.host->OnLoggedCall(invite.call_id(), asked.record);
  }
  if (asked.customer != nullptr && !asked.customer->credentials.empty() &&
      !Authenticate(transaction, invite, *asked.customer, now)) {
    return;  // Challenged: the caller tries again, and that is no call yet.
  }
  if (const uint16_t status_code = CheckTakeover(transaction, invite, &asked, now)) {
    return RecordProtocolRefusal(&asked.record, status_code);
  }
  refusal = CheckCall(invite, packet, &asked);
  if (refusal.has_value()) {
    return RefuseInvite(transaction, invite, *refusal, &asked.record, now);
  }
  Call* call = calls_.Acquire(options_.session, &FireSessionCaller, &FireSessionCallee, &FireRoute,
                              &FireReliable);
  if (call == nullptr || !options_.table->KeepRequest(transaction, packet)) {
    if (call != nullptr) calls_.Release(call);
    return RefuseInvite(transaction, invite,
                        Refuse(RejectionCause::kOverload, asked.policy->config().rejections,
                               "no room for another call"),
                        &asked.record, now);
  }
  FillCall(call, &asked, transaction, invite, packet, now);
  // Before it counts against anybody's rate: it may be refused for its description alone.
  if (!AcceptFirstOffer(call, now)) return;
  if (!asked.replaced_on.has_value()) return AskHome(call, now);
  if (!AskForReplaced(*asked.replaced_on, invite.Find(HeaderId::kReplaces).value_or(""),
                      {.call = calls_.HandleOf(call), .server = call->invite.server}, now)) {
    RefuseTakeover(call, transaction, invite, now);
  }
}

void B2bua::AskHome(Call* call, Instant now) {
  const AskGrant ask{.connector = call->connector->number,
                     .to_trunk = call->direction == CallDirection::kTermination,
                     .emergency = call->emergency,
                     .call = calls_.HandleOf(call).bits(),
                     .source = call->leg(LegId::kCaller).peer.ip};
  if (const auto grant = options_.host->Ask(*call->connector, ask, now)) {
    return OnGranted(call, *grant, now);
  }
  options_.wheel->Arm(&call->route_timer, now + kWordTimeout);
}

// The home worker did not answer: its mailbox, or ours, was full. A grant that comes now goes back.
void B2bua::OnGrantTimeout(Call* call, Instant now) {
  if (call->emergency) return OnGranted(call, {.answer = GrantAnswer::kUncounted}, now);  // Rule 6.
  ServerTransaction* transaction = options_.table->Find(call->invite.server);
  CallRecord record = RecordOf(*call);
  if (transaction != nullptr && scratch_message_.Index(transaction->request()) == ParseError::kOk) {
    RefuseInvite(*transaction, scratch_message_,
                 Refuse(RejectionCause::kOverload, call->connector->config->rejections,
                        "the connector's home worker does not answer"),
                 &record, now);
  }
  Free(call, now);
}

// Taking over a dialog is a transfer too (rule 18); without the right to, it is nobody's.
uint16_t B2bua::CheckTakeover(ServerTransaction& transaction, const Message& invite, NewCall* asked,
                              Instant now) {
  if (!invite.Has(HeaderId::kReplaces) ||
      ReadTakeover(invite, &asked->takeover, &asked->replaced_on)) {
    return 0;
  }
  ++counters_.no_dialog;
  Answer(transaction, invite, 481, now);
  return 481;
}

// Who calls, and under which connector.
std::optional<Refusal> B2bua::FindConnector(const Message& invite, const Packet& packet,
                                            NewCall* asked) const {
  const Policy& policy = *asked->policy;
  const StartRequest start = ReadStartRequest(invite, side_, packet.remote().ip);
  const Admission admission = MayStart(policy, start);
  if (!admission.admitted()) return admission.refusal;
  asked->connector = &policy.connector(admission.connector);
  asked->customer = admission.customer;
  CallRecord& record = asked->record;
  record.connector = asked->connector->number;
  record.connector_id.AssignTruncated(asked->connector->config->id);
  record.emergency = side_ == Side::kCustomer && policy.IsEmergency(start.called_user);
  return std::nullopt;
}

// What the connector's termination or origination says of this caller and this number.
std::optional<Refusal> B2bua::CheckCall(const Message& invite, const Packet& packet,
                                        NewCall* asked) const {
  const Connector& connector = *asked->connector;
  CallRecord& record = asked->record;
  const StartRequest start = ReadStartRequest(invite, side_, packet.remote().ip);
  const CallerIdentity caller = ReadCaller(invite, connector);
  record.caller.AssignTruncated(caller.original.view());
  E164 called;
  std::optional<Refusal> refusal;
  if (side_ == Side::kCustomer) {
    refusal = CheckTermination(
        connector,
        {.called_user = start.called_user, .caller = &caller, .emergency = record.emergency},
        &called);
  } else {
    refusal = CheckOrigination(connector, start.called_user, &called);
  }
  if (!called.empty()) record.called.AssignTruncated(called.view());
  if (!refusal.has_value() && start.called_user.size() > PartyUser::kUserMax) {
    // Nobody has such a number, and no URI of ours could name it.
    refusal = Refuse(RejectionCause::kUnknownNumber, connector.config->rejections,
                     "the called user part is too long");
  }
  return refusal;
}

void B2bua::FillCall(Call* call, NewCall* asked, ServerTransaction& transaction,
                     const Message& invite, const Packet& packet, Instant now) {
  const core::Handle<Call> handle = calls_.HandleOf(call);
  call->owner = this;
  call->shard = options_.placement->ShardOfCallId(invite.call_id());
  call->emergency = asked->record.emergency;
  if (call->emergency) ++counters_.emergency_calls;
  call->direction = asked->record.direction;
  call->policy = PolicyRef(asked->policy);
  call->connector = asked->connector;
  call->customer = asked->customer;
  call->received_at = now;
  call->facts = asked->record;
  call->setup = setups_.Acquire();  // As many as calls.
  call->setup->caller_call_id = asked->record.caller_call_id;
  call->setup->takeover = std::move(asked->takeover);
  call->caller_supports_100rel = invite.HasToken(HeaderId::kSupported, "100rel");
  call->caller_requires_100rel = invite.HasToken(HeaderId::kRequire, "100rel");
  CallLeg& leg = call->leg(LegId::kCaller);
  leg.side = side_;
  leg.peer = call->came_from = packet.remote();
  leg.allows_update = invite.HasToken(HeaderId::kAllow, "UPDATE");
  leg.face.socket = transaction.return_path().socket;
  leg.face.local = transaction.return_path().local;
  const core::transport::Listener* listener = options_.transport->FindListener(leg.face.socket);
  const bool told_local = listener == nullptr || asked->policy->IsLocal(leg.peer.ip);
  leg.face.sent_by = (told_local ? leg.face.local : listener->advertised).text();
  call->leg(LegId::kCallee).side = side_ == Side::kCustomer ? Side::kTrunk : Side::kCustomer;
  call->invite.active = true;
  call->invite.from = LegId::kCaller;
  call->invite.offerless = invite.body().empty();
  call->invite.server = options_.table->HandleOf(transaction);
  core::sip::CSeqValue cseq;
  if (invite.CSeq(&cseq) == ParseError::kOk) call->invite.from_sequence = cseq.sequence_number;
  transaction.set_user(TransactionMark{TransactionMark::Kind::kInvite, 0, handle}.bits());
}

void B2bua::OnGrant(const Connector& connector, const Grant& grant, Instant now) {
  Call* call = calls_.Find(core::Handle<Call>::FromBits(grant.call));
  if (call == nullptr || call->state != Call::State::kAsking) {
    // The caller gave up while we asked.
    if (grant.answer == GrantAnswer::kGranted) {
      options_.host->ReturnGrant(connector, Unused(grant));
    }
    return;
  }
  OnGranted(call, grant, now);
}

void B2bua::OnGranted(Call* call, const Grant& grant, Instant now) {
  call->holds_grant = grant.answer == GrantAnswer::kGranted;
  call->granted_at = grant.counted_at;
  if (const auto refusal = RefuseGrant(*call->connector, grant.answer)) {
    ServerTransaction* transaction = options_.table->Find(call->invite.server);
    CallRecord record = RecordOf(*call);
    if (transaction != nullptr &&
        scratch_message_.Index(transaction->request()) == ParseError::kOk) {
      RefuseInvite(*transaction, scratch_message_, *refusal, &record, now);
    }
    Free(call, now);
    return;
  }
  StartCall(call, now);
}

void B2bua::StartCall(Call* call, Instant now) {
  ++counters_.calls_started;
  call->state = Call::State::kRouting;
  const bool to_trunk = call->direction == CallDirection::kTermination;
  call->setup->plan.Begin(to_trunk ? call->connector->trunk : call->connector->routes,
                          call->connector->failover, to_trunk ? Side::kTrunk : Side::kCustomer,
                          now);
  if (call->setup->takeover.replaces) call->setup->plan.Pin(call->setup->takeover.peer);
  TryNextRoute(call, now);
}

std::optional<Refusal> B2bua::CheckNode(const NewCall& asked) const {
  const Policy& policy = *asked.policy;
  if (options_.host->closed()) {
    // An emergency call as well: nobody would be left to carry it, or to answer it, and who is told
    // 503 now goes another way at once.
    return Refuse(RejectionCause::kDrain, policy.config().rejections, "the node is going down");
  }
  const bool emergency = asked.record.emergency;
  if (!emergency && options_.host->draining()) {
    return Refuse(RejectionCause::kDrain, policy.config().rejections, "the node is draining");
  }
  if (options_.host->TakePlace(emergency)) return std::nullopt;
  return Refuse(RejectionCause::kOverload, policy.config().rejections,
                emergency ? "every call is in use" : "limits.calls is reached");
}

bool B2bua::Authenticate(ServerTransaction& transaction, const Message& invite,
                         const CustomerConfig& customer, Instant now) {
  const core::IpAddress::Text client = transaction.source().ip.text();
  DigestServer::Outcome outcome = DigestServer::Outcome::kNoCredentials;
  for (size_t i = invite.FirstIndex(HeaderId::kAuthorization); i != Message::kNone;
       i = invite.NextIndex(i)) {
    core::sip::DigestCredentials credentials;
    if (core::sip::ParseDigestCredentials(invite.header(i).value, &credentials) !=
            ParseError::kOk ||
        credentials.realm != options_.digest->realm()) {
      continue;
    }
    // One that is only stale is told so, whatever stands beside it.
    const bool was_stale = outcome == DigestServer::Outcome::kStale;
    outcome = DigestServer::Outcome::kRefused;
    for (const Credential& known : customer.credentials) {
      if (known.username != credentials.username) continue;
      outcome = options_.digest->Verify(
          credentials,
          {.method = invite.method_text(), .uri = invite.request_uri(), .body = invite.body()},
          known.password, client.view(), now);
      if (outcome == DigestServer::Outcome::kAccepted) return true;
      break;
    }
    if (was_stale) outcome = DigestServer::Outcome::kStale;
  }
  ++counters_.challenged;
  ++counters_.final_responses[4];
  const bool stale = outcome == DigestServer::Outcome::kStale;
  Tag tag;
  options_.mint->MintTag(options_.shard, &tag);
  Packet packet = builder_.Build([&](MessageWriter* out) {
    core::sip::WriteResponseHead(
        out, invite, transaction.source(),
        {.status_code = 401, .reason = {}, .to_tag = tag.view(), .record_route = false});
    for (const DigestAlgorithm algorithm : {DigestAlgorithm::kSha256, DigestAlgorithm::kMd5}) {
      out->BeginHeader(HeaderId::kWwwAuthenticate);
      options_.digest->WriteChallenge(algorithm, stale, client.view(), now, out->value());
      out->EndHeader();
    }
    out->NoBody();
  });
  if (packet) {
    (void)options_.table->Respond(transaction, std::move(packet), 401, now);
  } else {
    Answer(transaction, invite, 500, now);
  }
  return false;
}

void B2bua::BeginRecord(const Message& invite, const Packet& packet, CallRecord* record) const {
  record->direction = DirectionFrom(side_);
  record->started = options_.host->wall();
  record->transaction_id[0] = options_.random->Next();
  record->transaction_id[1] = options_.random->Next();
  record->source = packet.remote().text();
  record->caller_call_id.AssignTruncated(invite.call_id());
  core::sip::Uri uri;
  if (core::sip::ParseUri(invite.request_uri(), &uri) == ParseError::kOk) {
    record->called.AssignTruncated(uri.user);
  }
}

}  // namespace sbc
