#include "sbc/control/control.h"

#include <csignal>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "sbc/control/packet_backend.h"
#include "sbc/envelope_bytes.h"
#include "sbc/envelopes.h"

namespace sbc {

using core::Instant;
using core::LogLine;
using core::engine::Envelope;

namespace {

std::string_view SignalName(int signal) {
  return signal == SIGTERM ? "SIGTERM" : signal == SIGINT ? "SIGINT" : "SIGHUP";
}

}  // namespace

// Room for reloads: numbers are never used again in the lifetime of the process.
size_t Control::HostsMax(const Config& config) {
  size_t hosts = 0;
  for (const ConnectorConfig& connector : config.connectors) hosts += 1 + connector.routes.size();
  return std::min<size_t>(std::max<size_t>(1024, 4 * hosts), UINT16_MAX);
}

Control::Control(Options options)
    : config_(std::move(options.config)),
      clock_(options.clock),
      signals_(options.signals),
      log_(options.log, core::LogLevel::kInfo),
      now_(clock_->Now()),
      registry_(HostsMax(config_)),
      workers_(static_cast<uint16_t>(config_.node.workers)),
      hosts_(&registry_, &log_),
      shutdown_(static_cast<uint16_t>(config_.node.workers)),
      records_(&log_),
      version_(std::move(options.version)),
      began_(now_) {
  workers_.inbox().set_waker(&wake_);
  log_.SetTime(now_, clock_->Wall());
}

Control::~Control() = default;

absl::Status Control::Start() {
  RETURN_IF_ERROR(ProbePacketIo(config_.node));
  RETURN_IF_ERROR(CheckListenersAreFree(config_, clock_));
  auto policies = BuildPolicies(config_);
  RETURN_IF_ERROR(policies.status());
  RETURN_IF_ERROR(records_.Open(config_.logs.directory));
  records_.Configure(config_);
  // Before the workers: /healthz and /readyz tell of the start too.
  auto admin = AdminServer::Start(config_.admin.local, &wake_);
  RETURN_IF_ERROR(admin.status());
  admin_ = std::move(*admin);
  RETURN_IF_ERROR(hosts_.Configure(config_.dns, now_));
  newest_ = HostsOf(*policies->front());
  WatchHosts();
  SendAddresses();  // Those that are literals; workers read them before their first packet.
  workers_.Flush();
  RETURN_IF_ERROR(
      workers_.Start({.policies = std::move(*policies),
                      .hosts_max = registry_.hosts_max(),
                      // Seconds: what tells this start from the last one.
                      .epoch = static_cast<uint16_t>(clock_->Wall().unix_us / 1'000'000)}));
  now_ = clock_->Now();
  log_.SetTime(now_, clock_->Wall());
  for (const std::string& warning : config_.warnings)
    LogLine(&log_, &warning_).Text("text", warning);
  if (config_.media.empty()) {
    LogLine(&log_, &media_)
        .Text("text", "no media: this node relays signalling only, and SDP passes as it came");
  }
  admin_->SetReady(true);
  LogLine(&log_, &started_)
      .Text("node", config_.node.name)
      .Number("workers", workers_.size())
      .Number("listeners", config_.listeners.size())
      .Number("connectors", config_.connectors.size());
  return absl::OkStatus();
}

void Control::Run() {
  while (shutdown_.state() != Shutdown::State::kEnded) Turn();
  workers_.Stop();
  // What they wrote in their last turns.
  while (workers_.inbox().Drain(kEnvelopesPerTurnMax,
                                [this](const Envelope& envelope) { OnEnvelope(envelope); }) > 0) {
  }
  records_.Close();
  admin_.reset();
  LogLine(&log_, &stopped_).Text("node", config_.node.name);
}

void Control::Turn() {
  Wait(now_);
  now_ = clock_->Now();
  log_.SetTime(now_, clock_->Wall());
  while (const auto signal = signals_->Take()) OnSignal(*signal);
  mail_ = workers_.inbox().Drain(kEnvelopesPerTurnMax,
                                 [this](const Envelope& envelope) { OnEnvelope(envelope); });
  hosts_.Poll(now_);
  SendAddresses();
  Order(shutdown_.OnTime(now_));
  records_.OnTime(now_);
  admin_->Serve(this);
  workers_.Flush();
}

void Control::Wait(Instant now) {
  fds_.clear();
  fds_.push_back({signals_->fd(), POLLIN, 0});
  fds_.push_back({wake_.fd(), POLLIN, 0});
  hosts_.AddPollFds(&fds_);
  Instant due = NextDue(now);
  const bool gathers = mail_ > 0;
  if (gathers) {
    due = std::min(due, now + kGatherTime);
  } else if (!workers_.inbox().BeginSleep()) {
    due = now;
  }
  const core::Duration wait = std::max(due - now, core::Duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  const timespec timeout = {seconds.count(), (wait - seconds).count()};
  const int ready =
      ppoll(fds_.data(), fds_.size(), due == core::kNever ? nullptr : &timeout, nullptr);
  CHECK(ready >= 0 || errno == EINTR);
  if (!gathers) workers_.inbox().EndSleep();
  wake_.Clear();  // Before what it stands for is looked at.
}

Instant Control::NextDue(Instant now) {
  return std::min({hosts_.NextDue(now), shutdown_.next_due(), records_.next_due()});
}

void Control::OnSignal(int signal) {
  LogLine(&log_, &signal_).Text("signal", SignalName(signal));
  if (signal == SIGHUP) return Reload();
  Order(shutdown_.OnSignal(config_.drain_timeout, now_));
}

void Control::Order(Shutdown::Order order) {
  switch (order) {
    case Shutdown::Order::kNone:
      return;
    case Shutdown::Order::kDrain:
      admin_->SetReady(false);
      LogLine(&log_, &draining_).Milliseconds("at_most_ms", config_.drain_timeout);
      return workers_.PostAll(EnvelopeKind::kDrain);
    case Shutdown::Order::kReopen:
      LogLine(&log_, &draining_).Text("text", "an emergency call came last");
      return workers_.PostAll(EnvelopeKind::kDrain);
    case Shutdown::Order::kClose:
      LogLine(&log_, &stopping_).Flag("calls_left", false);
      return workers_.PostAll(EnvelopeKind::kClose);
    case Shutdown::Order::kStop:
      LogLine(&log_, &stopping_).Flag("calls_left", !shutdown_.all_drained());
      return workers_.PostAll(EnvelopeKind::kStop);
  }
}

void Control::OnEnvelope(const Envelope& envelope) {
  switch (static_cast<EnvelopeKind>(envelope.kind)) {
    case EnvelopeKind::kCallRecord:
      return OnCallReport(CallReportFromBytes(envelope.bytes), true);
    case EnvelopeKind::kMediaRecord:
      return OnCallReport(CallReportFromBytes(envelope.bytes), false);
    case EnvelopeKind::kPolicyDone:
      workers_.OnPolicyDone(reinterpret_cast<const Policy*>(envelope.words[0]));
      // Once only the newest is left, hosts of before need not be known any more.
      if (workers_.policies() == workers_.size()) WatchHosts();
      return;
    case EnvelopeKind::kHostHealth:
      return OnHostHealth(envelope);
    case EnvelopeKind::kDropped:
      return OnDropped(envelope);
    case EnvelopeKind::kDrained:
      return Order(shutdown_.OnDrained(envelope.from, envelope.words[0] != 0, now_));
    case EnvelopeKind::kSipMessage:
      return OnSipMessage(envelope);
    case EnvelopeKind::kDatagram:
    case EnvelopeKind::kSendError:
    case EnvelopeKind::kAskGrant:
    case EnvelopeKind::kGrant:
    case EnvelopeKind::kAskReplaced:
    case EnvelopeKind::kReplaced:
    case EnvelopeKind::kReturnGrant:
    case EnvelopeKind::kAddressHeld:
    case EnvelopeKind::kRouteSign:
    case EnvelopeKind::kPolicy:
    case EnvelopeKind::kHostAddresses:
    case EnvelopeKind::kDrain:
    case EnvelopeKind::kClose:
    case EnvelopeKind::kStop:
      return;  // The workers'.
  }
}

void Control::OnCallReport(const CallReport& report, bool ended) {
  media_statistics_.OnReport(report, ended, registry_);
  if (!ended) return records_.OnMinute(report, now_);
  records_.OnCall(report, now_);
  statistics_.OnCall(report.call, registry_);
}

void Control::OnSipMessage(const Envelope& envelope) {
  if (envelope.words[3] >= registry_.connectors().size()) return;
  records_.OnSipMessage({.connector_id = registry_.connectors()[envelope.words[3]],
                         .transaction_id = {envelope.words[1], envelope.words[2]},
                         .at = {static_cast<int64_t>(envelope.words[0])},
                         .message = envelope.bytes},
                        now_);
}

void Control::OnHostHealth(const Envelope& envelope) {
  if (envelope.words[0] >= registry_.hosts().size()) return;
  const HostSpec& host = registry_.hosts()[envelope.words[0]];
  const core::Endpoint::Text address = envelope.remote.text();
  LogLine(&log_, envelope.words[1] != 0 ? &route_up_ : &route_down_)
      .Text("connector", host.connector_id)
      .Text("side", SideName(host.side))
      .Text("host", host.name)
      .Text("address", address.view());
}

void Control::OnDropped(const Envelope& envelope) {
  const core::Endpoint::Text source = envelope.remote.text();
  LogLine(&log_, &dropped_)
      .Text("source", source.view())
      .Text("cause", RejectionCauseName(static_cast<RejectionCause>(envelope.words[0])))
      .Text("reason", envelope.bytes)
      .Number("requests", envelope.words[1]);
}

void Control::WatchHosts() {
  watched_ = newest_;
  hosts_.Watch(watched_, now_);
}

void Control::SendAddresses() {
  for (const HostWatch::Change& change : hosts_.TakeChanges()) {
    workers_.PostAddresses(change.host, change.side, change.addresses);
  }
}

}  // namespace sbc
