#include "sbc/sbc_worker.h"

#include <algorithm>
#include <cstring>

#include "core/base/concat.h"
#include "sbc/admission.h"
#include "sbc/call_record.h"
#include "sbc/envelopes.h"

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

// A worker's share of something that the node has, rounded up.
size_t Share(size_t total, uint16_t workers) { return (total + workers - 1) / workers; }

size_t TransactionsMax(const Config& config, uint16_t workers) {
  // Eight a call: its own four, and those of calls before it that linger for 32 s.
  const size_t asked = config.limits.transactions != 0 ? config.limits.transactions
                                                       : size_t{8} * config.limits.calls;
  return std::max<size_t>(64, Share(asked, workers));
}

// Rule 2 of the packet core: what transactions and calls keep. Mapped lazily, so this is a bound
// and not a cost.
core::PacketStore::Counts StoreCounts(const Config& config, uint16_t workers) {
  const size_t transactions = TransactionsMax(config, workers);
  const size_t calls = Share(config.limits.calls, workers);
  return {.small = static_cast<uint32_t>(transactions + 4 * calls + 256),
          .medium = static_cast<uint32_t>(4 * calls + 256),
          .large = static_cast<uint32_t>(calls / 16 + 64)};
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

uint8_t OwnShard(const core::engine::Placement& placement, uint16_t worker) {
  size_t shard = 0;
  while (placement.WorkerOf(static_cast<uint8_t>(shard)) != worker) ++shard;
  return static_cast<uint8_t>(shard);
}

template <typename T>
std::string_view BytesOf(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

template <typename T>
T FromBytes(std::string_view bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  CHECK(bytes.size() == sizeof(T));
  T value;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
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
      digest_(options.policy->config().node.name, options.secrets.nonces, kNonceLifetime),
      placement_(options.workers, options.secrets.placement),
      hosts_(options.hosts_max),
      transport_({.io = options.io, .store = &store_, .user = this, .key = random_.NextKey()}),
      table_({.clients_max = TransactionsMax(options.policy->config(), options.workers),
              .servers_max = TransactionsMax(options.policy->config(), options.workers),
              .timers = Timers(options.policy->config().sip),
              .store = &store_,
              .wheel = &timers_,
              .sink = &transport_,
              .user = &b2bua_,
              .key = random_.NextKey()}),
      b2bua_({.calls_max = std::max<size_t>(
                  1, Share(options.policy->config().limits.calls, options.workers)),
              .emergency_reserve =
                  Share(options.policy->config().emergency.reserve_calls, options.workers),
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
      node_rate_(Share(options.policy->config().limits.calls_per_second, options.workers)),
      rates_(options.policy->config().limits.calls_per_second_per_source, random_.NextKey()),
      home_of_host_(options.hosts_max, UINT16_MAX),
      health_timer_(&FireHealth, this),
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
  return absl::OkStatus();
}

// ---- packets ----------------------------------------------------------------------------------

std::optional<Side> SbcWorker::SideOfSource(ListenerSide listener,
                                            const core::IpAddress& source) const {
  // The newest configuration first; but who is in a call of an older one still reaches us (rule 2).
  for (size_t i = policies_.size(); i-- > 0;) {
    if (const auto side = SideOf(*policies_[i], hosts_, listener, source)) return side;
  }
  return std::nullopt;
}

void SbcWorker::OnPacket(Packet packet, Instant now) {
  dirty_ = true;
  const core::transport::Listener* listener = transport_.FindListener(packet.socket());
  if (listener == nullptr) return;
  source_ = packet.remote().ip;
  const auto side = SideOfSource(static_cast<ListenerSide>(listener->side), source_);
  if (!side.has_value()) {
    ++counters_.strangers;
    return;
  }
  b2bua_.set_side(*side);
  transport_.OnPacket(std::move(packet), now);
}

bool SbcWorker::MayAnswer(const core::Endpoint& /*source*/, uint8_t /*side*/) {
  return true;  // Strangers were sent away before.
}

void SbcWorker::OnMessage(const Message& message, Packet& packet, const Hop& return_path,
                          uint8_t /*side*/, Instant now) {
  if (options_.workers > 1 && !placed_) {
    const size_t owner = placement_.OwnerOf(message, mint_);
    if (owner != options_.index) return HandOver(owner, packet);
  }
  if (message.is_request() && message.method() == Method::kInvite &&
      IsDropped(message, packet.remote().ip)) {
    ++counters_.dropped_invites;
    return;
  }
  table_.OnMessage(message, packet, return_path, now);
}

// Silence must come before a transaction, which would say 100.
bool SbcWorker::IsDropped(const Message& message, const core::IpAddress& source) {
  NameAddr to;
  if (message.To(&to) != ParseError::kOk || !to.tag.empty()) return false;
  const Admission admission = MayStart(*policy(), ReadStartRequest(message, b2bua_.side(), source));
  return admission.refusal.has_value() && admission.refusal->is_drop();
}

void SbcWorker::HandOver(size_t owner, const Packet& packet) {
  ++counters_.handed_over;
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kDatagram);
  envelope.local = packet.local();
  envelope.remote = packet.remote();
  for (size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i] == packet.socket()) envelope.words[0] = i;
  }
  envelope.bytes = packet.text();
  if (!options_.outbox->Post(owner, envelope)) ++counters_.mailbox_full;  // As if it were lost.
}

void SbcWorker::OnDatagram(const Envelope& envelope, Instant now) {
  Packet packet = store_.Copy(envelope.bytes);
  if (!packet || envelope.words[0] >= sockets_.size()) return;  // As if it were lost.
  packet.SetRoute(sockets_[envelope.words[0]], envelope.local, envelope.remote);
  packet.slot()->received_at = now;
  placed_ = true;
  OnPacket(std::move(packet), now);
  placed_ = false;
}

void SbcWorker::OnSendError(const core::net::SendError& error, Instant now) {
  table_.OnSendError(error.quoted, error.remote, now);
}

// ---- the connectors whose home this is --------------------------------------------------------

bool SbcWorker::AdmitRate(const core::IpAddress& source, Instant now) {
  if (node_rate_.Fits(now) && rates_.Admit(source, now)) {
    node_rate_.Record(now);
    return true;
  }
  ++counters_.rate_limited;
  return false;
}

ConnectorLedger* SbcWorker::LedgerOf(uint16_t connector) {
  return connector < ledgers_.size() ? ledgers_[connector].get() : nullptr;
}

std::optional<GrantAnswer> SbcWorker::Ask(const Connector& connector, const AskGrant& ask,
                                          Instant now) {
  if (IsHome(connector)) return LedgerOf(connector.number)->Ask(ask, now);
  if (Post(connector.home_worker, EnvelopeKind::kAskGrant, BytesOf(ask))) return std::nullopt;
  return GrantAnswer::kRefusedCalls;  // The home worker is drowning: no more calls for it.
}

void SbcWorker::ReturnGrant(const Connector& connector) {
  if (IsHome(connector)) return LedgerOf(connector.number)->Return();
  (void)Post(connector.home_worker, EnvelopeKind::kReturnGrant, {}, connector.number);
}

void SbcWorker::OnAskGrant(const Envelope& envelope, Instant now) {
  const AskGrant ask = FromBytes<AskGrant>(envelope.bytes);
  Grant grant;
  grant.connector = ask.connector;
  grant.call = ask.call;
  ConnectorLedger* ledger = LedgerOf(static_cast<uint16_t>(ask.connector));
  grant.answer = ledger == nullptr ? GrantAnswer::kRefusedCalls : ledger->Ask(ask, now);
  if (!Post(envelope.from, EnvelopeKind::kGrant, BytesOf(grant)) &&
      grant.answer == GrantAnswer::kGranted) {
    ledger->Return();
  }
}

void SbcWorker::OnGrant(const Envelope& envelope, Instant now) {
  const Grant grant = FromBytes<Grant>(envelope.bytes);
  for (const PolicyRef& candidate : policies_) {
    for (const Connector& connector : candidate->connectors()) {
      if (connector.number != grant.connector) continue;
      return b2bua_.OnGrant(connector, grant, now);
    }
  }
}

void SbcWorker::OnRouteSign(const RouteTarget& target, RouteHealth::CallSign sign, Instant now) {
  const uint16_t home = home_of_host_[target.host];
  if (home != options_.index) {
    // That it lives is news only where it was thought dead; that it does not, always.
    if (sign == RouteHealth::CallSign::kAlive &&
        hosts_.up(target.host) == hosts_.usable(target.host)) {
      return;
    }
    Envelope envelope;
    envelope.kind = static_cast<uint16_t>(EnvelopeKind::kRouteSign);
    envelope.words = {target.host, static_cast<uint64_t>(sign), 0, 0};
    envelope.remote = target.endpoint;
    if (home < options_.workers && !options_.outbox->Post(home, envelope)) ++counters_.mailbox_full;
    return;
  }
  RouteHealth::Change change;
  if (health_.OnCall(target.host, target.endpoint, sign, now, &change)) OnHealthChange(change);
  if (sign == RouteHealth::CallSign::kSuspect) ArmHealthTimer();
}

void SbcWorker::OnOtherResponse(TransactionMark mark, uint16_t status_code, Instant now) {
  RouteHealth::Change change;
  if (health_.OnAnswer(RouteHealth::ProbeId::FromBits(mark.probe_bits()), status_code, &random_,
                       now, &change)) {
    OnHealthChange(change);
  }
  ArmHealthTimer();
}

void SbcWorker::OnHealthChange(const RouteHealth::Change& change) {
  (void)hosts_.SetUp(change.host, change.address, change.up);
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kHostHealth);
  envelope.words = {change.host, change.up ? 1u : 0u, 0, 0};
  envelope.remote = change.address;
  for (size_t target = 0; target <= options_.control; ++target) {  // All workers, and the log.
    if (target == options_.index) continue;
    if (!options_.outbox->Post(target, envelope)) ++counters_.mailbox_full;
  }
}

void SbcWorker::FireHealth(void* self, core::Timer* /*timer*/, Instant now) {
  static_cast<SbcWorker*>(self)->OnHealthTimer(now);
}

void SbcWorker::OnHealthTimer(Instant now) {
  dirty_ = true;
  health_.OnTick(
      &random_, now,
      [&](const RouteHealth::Probe& probe) {
        if (b2bua_.SendProbe(probe, now)) return;
        RouteHealth::Change change;
        if (health_.OnAnswer(probe.id, 0, &random_, now, &change)) OnHealthChange(change);
      },
      [&](const RouteHealth::Change& change) { OnHealthChange(change); });
  ArmHealthTimer();
}

void SbcWorker::ArmHealthTimer() {
  if (stopping_ || health_.next_due() == core::kNever) {
    timers_.Disarm(&health_timer_);
  } else {
    timers_.Arm(&health_timer_, health_.next_due());
  }
}

// ---- configuration ----------------------------------------------------------------------------

void SbcWorker::InstallPolicy(const Policy* policy, Instant now) {
  policies_.push_back(PolicyRef(policy));
  hosts_.SetOwn(policy->own_endpoints());
  for (const Connector& connector : policy->connectors()) {
    if (ledgers_.size() <= connector.number) ledgers_.resize(connector.number + 1u);
    const auto install = [&](const Route& route, Side side) {
      home_of_host_[route.host] = connector.home_worker;
      if (!IsHome(connector)) return;
      health_.AddHost({.host = route.host,
                       .side = side,
                       .options_interval = connector.config->failover.options_interval,
                       .options_timeout = connector.config->failover.options_timeout,
                       .from_host = side == Side::kTrunk
                                        ? std::string_view(connector.config->trunk.host)
                                        : std::string_view()});
    };
    for (const Route& route : connector.routes) install(route, Side::kCustomer);
    for (const Route& route : connector.trunk) install(route, Side::kTrunk);
    if (!IsHome(connector)) continue;
    auto& ledger = ledgers_[connector.number];
    if (ledger == nullptr) {
      ledger = std::make_unique<ConnectorLedger>(connector.limits);
    } else {
      ledger->SetLimits(connector.limits);
    }
  }
  (void)now;
  const LimitsConfig& limits = policy->config().limits;
  const size_t share = Share(limits.calls_per_second, options_.workers);
  if (share != node_rate_.limit()) node_rate_ = RateWindow(share);
  if (limits.calls_per_second_per_source != rates_.per_second()) {
    rates_ = SourceRates(limits.calls_per_second_per_source, random_.NextKey());
  }
  ReturnOldPolicies();
  UpdateReachFilters();
  ArmHealthTimer();
}

void SbcWorker::ReturnOldPolicies() {
  for (size_t i = 0; i + 1 < policies_.size();) {
    const Policy* old = policies_[i].get();
    if (old->references() > 1) {
      ++i;
      continue;
    }
    policies_.erase(policies_.begin() + static_cast<ptrdiff_t>(i));
    if (!Post(options_.control, EnvelopeKind::kPolicyDone, {}, reinterpret_cast<uint64_t>(old))) {
      policies_.insert(policies_.begin(), PolicyRef(old));  // Next time.
      return;
    }
  }
}

void SbcWorker::UpdateReachFilters() {
  for (size_t i = 0; i < sockets_.size(); ++i) {
    std::vector<core::Cidr> reach;
    for (const Side side : {Side::kCustomer, Side::kTrunk}) {
      if (!listeners_[i].serves(side)) continue;
      for (const PolicyRef& policy : policies_) {
        for (const auto& entry : policy->starters(side).entries()) reach.push_back(entry.cidr);
      }
      for (const core::IpAddress& address : hosts_.AddressesOf(side)) {
        reach.push_back(core::Cidr(address));
      }
    }
    std::sort(reach.begin(), reach.end());
    reach.erase(std::unique(reach.begin(), reach.end()), reach.end());
    // Too many for a filter: OnPacket() judges them all the same, at the price of a flood's cost.
    if (!options_.io->SetReachFilter(sockets_[i], reach).ok()) {
      (void)options_.io->SetReachFilter(sockets_[i], {});
      ++counters_.filters_refused;
    }
  }
}

void SbcWorker::OnHostAddresses(const Envelope& envelope, Instant now) {
  const auto host = static_cast<uint16_t>(envelope.words[0]);
  const auto side = static_cast<Side>(envelope.words[1]);
  core::BoundedVector<core::Endpoint, HostTable::kAddressesMax> addresses;
  for (size_t at = 0; at + sizeof(core::Endpoint) <= envelope.bytes.size() && !addresses.full();
       at += sizeof(core::Endpoint)) {
    (void)addresses.PushBack(
        FromBytes<core::Endpoint>(envelope.bytes.substr(at, sizeof(core::Endpoint))));
  }
  hosts_.SetAddresses(host, side, {addresses.begin(), addresses.size()});
  if (home_of_host_[host] == options_.index) {
    health_.SetAddresses(host, {addresses.begin(), addresses.size()}, &random_, now);
    ArmHealthTimer();
  }
  UpdateReachFilters();
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

void SbcWorker::OnRecord(const CallRecord& record) {
  if (!Post(options_.control, EnvelopeKind::kCallRecord, BytesOf(record))) ++counters_.records_lost;
}

void SbcWorker::OnEnvelope(const Envelope& envelope, Instant now) {
  dirty_ = true;
  switch (static_cast<EnvelopeKind>(envelope.kind)) {
    case EnvelopeKind::kDatagram:
      return OnDatagram(envelope, now);
    case EnvelopeKind::kAskGrant:
      return OnAskGrant(envelope, now);
    case EnvelopeKind::kGrant:
      return OnGrant(envelope, now);
    case EnvelopeKind::kReturnGrant:
      if (ConnectorLedger* ledger = LedgerOf(static_cast<uint16_t>(envelope.words[0]))) {
        ledger->Return();
      }
      return;
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
    case EnvelopeKind::kPolicy:
      return InstallPolicy(reinterpret_cast<const Policy*>(envelope.words[0]), now);
    case EnvelopeKind::kHostAddresses:
      return OnHostAddresses(envelope, now);
    case EnvelopeKind::kDrain:
      draining_ = true;
      return;
    case EnvelopeKind::kStop:
      draining_ = stopping_ = true;
      b2bua_.EndAll(now);
      return ArmHealthTimer();
    case EnvelopeKind::kCallRecord:
    case EnvelopeKind::kPolicyDone:
    case EnvelopeKind::kSipMessage:
    case EnvelopeKind::kDrained:
      return;  // The control thread's.
  }
}

// ---- the end of a turn ------------------------------------------------------------------------

void SbcWorker::OnTurnEnd(Instant now) {
  if (policies_.size() > 1) ReturnOldPolicies();
  if (draining_ && !drained_said_ && b2bua_.calls() == 0) {
    drained_said_ = Post(options_.control, EnvelopeKind::kDrained, {}, options_.index);
  }
  PublishIfDue(now);
}

void SbcWorker::FirePublish(void* self, core::Timer* /*timer*/, Instant now) {
  static_cast<SbcWorker*>(self)->PublishIfDue(now);
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
  snapshot.calls_now = b2bua_.calls();
  snapshot.calls_max = b2bua_.calls_max();
  snapshot.client_transactions_now = table_.client_count();
  snapshot.server_transactions_now = table_.server_count();
  snapshot.store_packets_now = store_.used();
  snapshot.policies_now = policies_.size();
  snapshot.draining = draining_;
  health_.ForEachState([&](const RouteHealth::State& state) {
    if (snapshot.route_state_count == WorkerSnapshot::kRouteStatesMax) return;
    snapshot.route_states[snapshot.route_state_count++] = {state.host, state.up, state.last_status,
                                                           state.address};
  });
  return snapshot;
}

}  // namespace sbc
