#include "sbc/sbc_worker.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/concat.h"
#include "sbc/admission.h"
#include "sbc/call_record.h"
#include "sbc/envelope_bytes.h"
#include "sbc/envelopes.h"
#include "sbc/worker_share.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::engine::Envelope;
using core::sip::Hop;
using core::sip::Message;
using core::sip::Method;
using core::sip::NameAddr;
using core::sip::ParseError;

namespace {

constexpr core::Duration kNonceLifetime = std::chrono::minutes(5);

size_t TransactionsMax(const Config& config, uint16_t workers) {
  // Eight a call: its own four, and those of calls before it that linger for 32 s. A part for each
  // worker, unlike the calls: their index is a hash table, which is touched all over. A worker with
  // more calls than others has the less room for what lingers.
  const size_t asked = config.limits.transactions != 0 ? config.limits.transactions
                                                       : size_t{8} * config.limits.calls;
  return std::max<size_t>(64, PerWorker(asked, workers));
}

// One for each call that may be there, where there are eight for each: its BYE must get through.
size_t TransactionsReserve(const Config& config, uint16_t workers) {
  return TransactionsMax(config, workers) / 8;
}

// Rule 2 of the packet core: what transactions and calls keep. Mapped lazily, so this is a bound
// and not a cost.
core::PacketStore::Counts StoreCounts(const Config& config, uint16_t workers) {
  const size_t transactions = TransactionsMax(config, workers);
  const size_t calls = config.limits.calls;  // All of them may be this worker's.
  return {.tiny = static_cast<uint32_t>(transactions + 4 * calls + 256),
          .small = static_cast<uint32_t>(transactions + 4 * calls + 256),
          .medium = static_cast<uint32_t>(4 * calls + 256),
          .large = static_cast<uint32_t>(calls / 16 + 64),
          .texts = static_cast<uint32_t>(8 * calls + 64)};
}

core::sip::TimerValues Timers(const SipConfig& sip) {
  core::sip::TimerValues timers;
  timers.t1 = sip.t1;
  timers.t2 = sip.t2;
  timers.t4 = sip.t4;
  return timers;
}

SessionTimer::Settings Session(const SipConfig& sip) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  return {static_cast<uint32_t>(duration_cast<seconds>(sip.session_expires).count()),
          static_cast<uint32_t>(duration_cast<seconds>(sip.min_se).count())};
}

// What a source must be admitted for, outside of a dialog (rule 2).
bool Begins(Method method) { return method == Method::kInvite || method == Method::kMessage; }

// Where our own signalling and administration are: no place for media (rule 24).
std::vector<core::Endpoint> ControlEndpoints(const Config& config) {
  std::vector<core::Endpoint> endpoints;
  for (const ListenerConfig& listener : config.listeners) {
    endpoints.push_back(listener.local);
    endpoints.push_back(listener.advertised());
  }
  endpoints.push_back(config.admin.local);
  return endpoints;
}

uint8_t OwnShard(const core::engine::Placement& placement, uint16_t worker) {
  size_t shard = 0;
  while (placement.WorkerOf(static_cast<uint8_t>(shard)) != worker) ++shard;
  return static_cast<uint8_t>(shard);
}

}  // namespace

SbcWorker::Secrets SbcWorker::Secrets::From(core::Random* random) {
  Secrets secrets;
  secrets.identifiers = random->NextKey();
  secrets.placement = random->NextKey();
  for (uint8_t& byte : secrets.nonces) byte = static_cast<uint8_t>(random->Next());
  return secrets;
}

SbcWorker::SbcWorker(const Options& options, Instant now)
    : options_(options),
      random_(options.seed == 0 ? core::Random::FromKernel() : core::Random(options.seed)),
      timers_(now),
      store_(StoreCounts(options.policy->config(), options.workers)),
      mint_({.key = options.secrets.identifiers, .node = options.node, .epoch = options.epoch},
            &random_),
      digest_(options.policy->config().node.name, options.secrets.nonces, kNonceLifetime,
              options.index),
      placement_(options.workers, options.secrets.placement),
      hosts_(options.hosts_max),
      media_(
          {.io = options.io,
           .random = &random_,
           .store = &store_,
           .wheel = &timers_,
           .turn = &worker_,
           .worker = options.index,
           .workers = options.workers,
           .calls_max = CallsOnOneWorker(options.policy->config().limits.calls, options.workers)},
          options.policy->config().media),
      anchor_({.relay = &media_,
               .store = &store_,
               .random = &random_,
               .control = ControlEndpoints(options.policy->config())}),
      transport_({.io = options.io, .store = &store_, .user = this, .key = random_.NextKey()}),
      sip_log_(CallsOnOneWorker(options.policy->config().limits.calls, options.workers),
               options.secrets.placement),
      table_({.clients_max = TransactionsMax(options.policy->config(), options.workers),
              .servers_max = TransactionsMax(options.policy->config(), options.workers),
              .clients_reserve = TransactionsReserve(options.policy->config(), options.workers),
              .servers_reserve = TransactionsReserve(options.policy->config(), options.workers),
              .timers = Timers(options.policy->config().sip),
              .store = &store_,
              .wheel = &timers_,
              .sink = this,
              .user = &b2bua_,
              .key = random_.NextKey()}),
      b2bua_({.calls_max = options.policy->config().limits.calls,
              .placement = &placement_,
              .shard = OwnShard(placement_, options.index),
              .table = &table_,
              .transport = &transport_,
              .store = &store_,
              .wheel = &timers_,
              .random = &random_,
              .mint = &mint_,
              .digest = &digest_,
              .hosts = &hosts_,
              .media = &anchor_,
              .host = this,
              .timers = Timers(options.policy->config().sip),
              .session = Session(options.policy->config().sip),
              .tag_key = random_.NextKey()}),
      worker_({.io = options.io,
               .clock = options.clock,
               .timers = &timers_,
               .mailboxes = options.mailboxes,
               .outbox = options.outbox,
               .program = this}),
      node_rate_(options.policy->config().limits.calls_per_second),
      rates_(options.policy->config().limits.calls_per_second_per_source, random_.NextKey()),
      home_of_host_(options.hosts_max, UINT16_MAX),
      health_timer_(&FireHealth, this),
      held_timer_(&FireHeld, this),
      publish_timer_(&FirePublish, this) {
  policies_.reserve(kPoliciesMax + 1);
  InstallPolicy(options.policy, now);
}

SbcWorker::~SbcWorker() = default;

absl::Status SbcWorker::Open() {
  for (const ListenerConfig& config : policy()->config().listeners) {
    const core::Endpoint::Text local = config.local.text();
    core::net::SocketOptions socket;
    socket.local = config.local;
    socket.reuse_port = options_.workers > 1;
    const absl::StatusOr<core::SocketId> opened = options_.io->Open(socket);
    if (!opened.ok()) {
      return absl::Status(
          opened.status().code(),
          core::Concat("listener ", local.view(), ": ", std::string(opened.status().message())));
    }
    core::transport::Listener listener;
    listener.socket = *opened;
    listener.local = options_.io->LocalOf(*opened);
    listener.advertised = config.advertised();
    if (listener.advertised.port == 0) listener.advertised.port = listener.local.port;
    listener.side = static_cast<uint8_t>(config.side);
    if (!transport_.AddListener(listener) || !listeners_.PushBack(config) ||
        !sockets_.PushBack(*opened)) {
      return absl::ResourceExhaustedError(
          core::Concat("listeners: at most ", core::transport::Transport::kListenersMax));
    }
  }
  UpdateReachFilters();
  absl::Status media = media_.Open();
  if (media.ok()) worker_.Begin();  // The addresses of hosts: calls wait in the sockets already.
  return media;
}

// ---- packets ----------------------------------------------------------------------------------

void SbcWorker::OnPacket(Packet packet, Instant now) {
  dirty_ = true;
  if (media_.Owns(packet.socket())) {
    media_.OnPacket(std::move(packet), now);
    if (!media_.heard().empty()) {
      for (const HeardDigit& heard : media_.heard()) b2bua_.OnHeard(heard, now);
      media_.ForgetHeard();
    }
    return;
  }
  const core::transport::Listener* listener = transport_.FindListener(packet.socket());
  if (listener == nullptr) return;
  source_ = packet.remote().ip;
  const auto listener_side = static_cast<ListenerSide>(listener->side);
  auto side = SideOfSource(listener_side, source_);
  only_calls_ = !side.has_value();
  if (only_calls_) side = SideOfHeld(listener_side, source_);
  if (!side.has_value()) {
    ++counters_.strangers;
    return;
  }
  b2bua_.set_side(*side);
  transport_.OnPacket(std::move(packet), now);
}

bool SbcWorker::MayAnswer(const core::Endpoint& /*source*/, uint8_t /*side*/) {
  return !only_calls_;  // Strangers were sent away before.
}

void SbcWorker::OnMessage(const Message& message, Packet& packet, const Hop& return_path,
                          uint8_t /*side*/, Instant now) {
  if (options_.workers > 1 && !placed_) {
    const size_t owner = placement_.OwnerOf(message, mint_);
    if (owner != options_.index) return HandOver(owner, packet);
  }
  if (only_calls_ && !IsOfCallHere(message)) {
    ++counters_.strangers;
    return;
  }
  if (message.is_request() && Begins(message.method())) {
    if (const auto dropped = Dropped(message, packet.remote().ip)) {
      return TellDropped(packet.remote(), *dropped, now);
    }
  }
  Hop way_back = return_path;
  if (message.is_request() && policy()->IsBehindNat(b2bua_.side(), packet.remote().ip)) {
    way_back.remote = packet.remote();  // As RFC 3581 has it of those who ask for it by rport.
  }
  came_ = &packet;
  if (const SipLog::Entry* entry = sip_log_.Find(message.call_id())) LogMessage(*entry, packet);
  table_.OnMessage(message, packet, way_back, now);
  came_ = nullptr;
  SettlePlaces();  // Where an INVITE was refused after all.
}

// Silence must come before a transaction, which would say 100.
std::optional<Refusal> SbcWorker::Dropped(const Message& message, const core::IpAddress& source) {
  NameAddr to;
  if (message.To(&to) != ParseError::kOk || !to.tag.empty()) return std::nullopt;
  Admission admission = MayStart(*policy(), ReadStartRequest(message, b2bua_.side(), source));
  if (admission.refusal.has_value() && !admission.refusal->is_drop()) admission.refusal.reset();
  return admission.refusal;
}

// It leaves no record, so a connector whose name is mistyped would be silence without a word. But
// it may be anyone's INVITE, as often as they like: so a line a second at most.
void SbcWorker::TellDropped(const core::Endpoint& source, const Refusal& refusal, Instant now) {
  ++counters_.dropped_invites;
  ++dropped_untold_;
  if (now < next_dropped_told_) return;
  core::engine::Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kDropped);
  envelope.words = {static_cast<uint64_t>(refusal.cause), dropped_untold_, 0, 0};
  envelope.remote = source;
  envelope.bytes = refusal.detail.view();
  if (!options_.outbox->Post(options_.control, envelope)) return;  // A line of its log.
  dropped_untold_ = 0;
  next_dropped_told_ = now + std::chrono::seconds(1);
}

// ---- envelopes --------------------------------------------------------------------------------

bool SbcWorker::Post(size_t target, EnvelopeKind kind, std::string_view bytes, uint64_t word) {
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(kind);
  envelope.words[0] = word;
  envelope.bytes = bytes;
  if (options_.outbox->Post(target, envelope)) return true;
  ++counters_.mailbox_full;
  return false;
}

void SbcWorker::OnRecord(const CallRecord& record, const CallMedia& media) {
  sip_log_.End(record.caller_call_id.view());
  sip_log_.End(record.callee_call_id.view());
  const bool posted = media.streams == 0
                          ? Post(options_.control, EnvelopeKind::kCallRecord, BytesOf(record))
                          : Post(options_.control, EnvelopeKind::kCallRecord,
                                 BytesOf(CallReport{.call = record, .media = media}));
  if (!posted) ++counters_.records_lost;
}

void SbcWorker::OnMediaRecord(const CallRecord& record, const CallMedia& media) {
  CallReport report{.call = record, .media = media};
  report.call.ended = wall();
  if (!Post(options_.control, EnvelopeKind::kMediaRecord, BytesOf(report))) {
    ++counters_.media_records_lost;
  }
}

void SbcWorker::OnEnvelope(const Envelope& envelope, Instant now) {
  dirty_ = true;
  switch (static_cast<EnvelopeKind>(envelope.kind)) {
    case EnvelopeKind::kDatagram:
      return OnDatagram(envelope, now);
    case EnvelopeKind::kSendError:
      return table_.OnSendError(envelope.bytes, envelope.remote, now);
    case EnvelopeKind::kAskGrant:
      return OnAskGrant(envelope, now);
    case EnvelopeKind::kGrant:
      return OnGrant(FromBytes<Grant>(envelope.bytes), now);
    case EnvelopeKind::kAskReplaced:
      return OnAskReplaced(envelope);
    case EnvelopeKind::kReplaced:
      return OnReplaced(envelope, now);
    case EnvelopeKind::kReturnGrant: {
      const auto returned = FromBytes<ReturnedGrant>(envelope.bytes);
      if (ConnectorLedger* ledger = LedgerOf(static_cast<uint16_t>(returned.connector))) {
        ledger->Return(returned);
      }
      return;
    }
    case EnvelopeKind::kRouteSign: {
      RouteTarget target;
      target.host = static_cast<uint16_t>(envelope.words[0]);
      target.endpoint = envelope.remote;
      return OnRouteSign(target, static_cast<RouteHealth::CallSign>(envelope.words[1]), now);
    }
    case EnvelopeKind::kHostHealth:
      (void)hosts_.SetUp(static_cast<uint16_t>(envelope.words[0]), envelope.remote,
                         envelope.words[1] != 0);
      return;
    case EnvelopeKind::kAddressHeld:
      (void)held_.Renew(static_cast<Side>(envelope.words[0]), envelope.remote.ip, now);
      return;
    case EnvelopeKind::kPolicy:
      return InstallPolicy(reinterpret_cast<const Policy*>(envelope.words[0]), now);
    case EnvelopeKind::kHostAddresses:
      return OnHostAddresses(envelope, now);
    case EnvelopeKind::kDrain:
      draining_ = true;
      closed_ = false;
      return;
    case EnvelopeKind::kClose:
      draining_ = closed_ = true;
      return;
    case EnvelopeKind::kStop:
      draining_ = closed_ = stopping_ = true;
      b2bua_.EndAll(now);
      return ArmHealthTimer();
    case EnvelopeKind::kCallRecord:
    case EnvelopeKind::kMediaRecord:
    case EnvelopeKind::kPolicyDone:
    case EnvelopeKind::kSipMessage:
    case EnvelopeKind::kDropped:
    case EnvelopeKind::kDrained:
      return;  // The control thread's.
  }
}

// ---- the log of SIP messages (EnableSIPLogs) ----------------------------------------------------

void SbcWorker::OnLoggedCall(std::string_view call_id, const CallRecord& record) {
  sip_log_.End(record.callee_call_id.view());  // The route before this one, if there was one.
  sip_log_.Begin(call_id, record);
  // What made the call was not known to be its first message when it came.
  const bool first = came_ != nullptr && call_id.starts_with(record.caller_call_id.view());
  if (first) LogMessage(*sip_log_.Find(call_id), *came_);
}

void SbcWorker::Send(Packet packet) {
  if (sip_log_.has_any()) {
    Message message;
    if (message.Index(packet.text()) == ParseError::kOk) {
      if (const SipLog::Entry* entry = sip_log_.Find(message.call_id())) LogMessage(*entry, packet);
    }
  }
  transport_.Send(std::move(packet));
}

void SbcWorker::LogMessage(const SipLog::Entry& entry, const Packet& packet) {
  if (&packet == came_) came_ = nullptr;  // Once.
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kSipMessage);
  envelope.words = {static_cast<uint64_t>(wall().unix_us), entry.transaction_id[0],
                    entry.transaction_id[1], entry.connector};
  envelope.local = packet.local();
  envelope.remote = packet.remote();
  envelope.bytes = packet.text();
  if (!options_.outbox->Post(options_.control, envelope)) ++counters_.sip_messages_lost;
}

// ---- the end of a turn ------------------------------------------------------------------------

void SbcWorker::OnTurnEnd(Instant now) {
  if (any_return_owed_) PayReturns();
  if (any_health_owed_) PayHealth();
  if (policies_.size() > 1) ReturnOldPolicies();
  SettlePlaces();
  if (draining_) TellDrained();
  if (std::exchange(fires_seen_, timers_.fired()) != timers_.fired()) dirty_ = true;
  PublishIfDue(now);
}

// The places of calls that have ended may be another worker's next, and count against this one's.
bool SbcWorker::TakePlace(bool emergency) {
  SettlePlaces();
  if (!options_.calls->Take(emergency ? 0 : policy()->config().emergency.reserve_calls)) {
    return false;
  }
  ++places_;
  return true;
}

void SbcWorker::SettlePlaces() {
  const size_t calls = b2bua_.calls();
  CHECK(places_ >= calls);
  if (places_ == calls) return;  // As after all packets but those that begin or end a call.
  options_.calls->Return(static_cast<uint32_t>(places_ - calls));
  places_ = calls;
}

// Whenever it changes: an emergency call may come to a worker that has said that it is drained.
void SbcWorker::TellDrained() {
  const bool drained = b2bua_.calls() == 0;
  if (drained == drained_said_) return;
  if (Post(options_.control, EnvelopeKind::kDrained, {}, drained ? 1 : 0)) drained_said_ = drained;
}

void SbcWorker::FirePublish(void* self, core::Timer* /*timer*/, Instant now) {
  auto* worker = static_cast<SbcWorker*>(self);
  ++worker->fires_seen_;  // Else the worker would wake each second to tell that it woke.
  worker->PublishIfDue(now);
}

void SbcWorker::PublishIfDue(Instant now) {
  if (!dirty_) return;
  if (snapshot_.Due(now)) {
    snapshot_.Publish(CurrentSnapshot(), now);
    dirty_ = false;
    timers_.Disarm(&publish_timer_);
  } else if (!publish_timer_.armed()) {
    // So that the last of what happened is seen even if nothing follows. (Idle, nothing ticks.)
    timers_.Arm(&publish_timer_, now + std::chrono::seconds(1));
  }
}

WorkerSnapshot SbcWorker::CurrentSnapshot() {
  WorkerSnapshot snapshot;
  snapshot.calls = b2bua_.counters();
  snapshot.transactions = table_.counters();
  snapshot.transport = transport_.counters();
  snapshot.io = options_.io->counters();
  snapshot.health = health_.counters();
  snapshot.worker = counters_;
  for (const core::SocketId socket : sockets_) {
    snapshot.queue_drops += options_.io->QueueDrops(socket);
  }
  snapshot.media = media_.counters();
  snapshot.media_streams_now = media_.streams();
  for (const Side side : {Side::kCustomer, Side::kTrunk}) {
    snapshot.media_ports_used[static_cast<size_t>(side)] = media_.ports_used(side);
    snapshot.media_ports_count[static_cast<size_t>(side)] = media_.ports_count(side);
  }
  snapshot.calls_now = b2bua_.calls();
  snapshot.calls_max = options_.calls->count();
  snapshot.client_transactions_now = table_.client_count();
  snapshot.server_transactions_now = table_.server_count();
  snapshot.store_packets_now = store_.used();
  snapshot.policies_now = policies_.size();
  snapshot.draining = draining_;
  health_.ForEachState([&](const RouteHealth::State& state) {
    if (snapshot.route_state_count == WorkerSnapshot::kRouteStatesMax) {
      ++snapshot.route_states_left_off;
      return;
    }
    snapshot.route_states[snapshot.route_state_count++] = {state.host, state.up, state.last_status,
                                                           state.address};
  });
  return snapshot;
}

}  // namespace sbc
