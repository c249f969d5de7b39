#include "sbc/control/control.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "sbc/control/packet_backend.h"
#include "sbc/control/reload.h"
#include "sbc/envelopes.h"

namespace sbc {

using core::Instant;
using core::LogLine;
using core::engine::Envelope;

namespace {

std::string_view SignalName(int signal) {
  return signal == SIGTERM ? "SIGTERM" : signal == SIGINT ? "SIGINT" : "SIGHUP";
}

// Visits the lines of a text that has several: a configuration's errors.
template <typename Visit>
void ForEachLine(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
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
      shutdown_(static_cast<uint16_t>(config_.node.workers)) {
  workers_.inbox().set_waker(&wake_);
  log_.SetTime(now_, clock_->Wall());
}

Control::~Control() = default;

absl::Status Control::Start() {
  RETURN_IF_ERROR(ProbePacketIo(config_.node));
  auto policies = BuildPolicies(config_);
  RETURN_IF_ERROR(policies.status());
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
  wake_.Clear();
}

Instant Control::NextDue(Instant now) {
  return std::min(hosts_.NextDue(now), shutdown_.next_due());
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
      LogLine(&log_, &draining_).Milliseconds("at_most_ms", config_.drain_timeout);
      return workers_.PostAll(EnvelopeKind::kDrain);
    case Shutdown::Order::kStop:
      LogLine(&log_, &stopping_).Flag("calls_left", !shutdown_.all_drained());
      return workers_.PostAll(EnvelopeKind::kStop);
  }
}

void Control::OnEnvelope(const Envelope& envelope) {
  switch (static_cast<EnvelopeKind>(envelope.kind)) {
    case EnvelopeKind::kCallRecord:
      return;
    case EnvelopeKind::kPolicyDone:
      workers_.OnPolicyDone(reinterpret_cast<const Policy*>(envelope.words[0]));
      // Once only the newest is left, hosts of before need not be known any more.
      if (workers_.policies() == workers_.size()) WatchHosts();
      return;
    case EnvelopeKind::kHostHealth:
      return OnHostHealth(envelope);
    case EnvelopeKind::kDrained:
      return Order(shutdown_.OnDrained(envelope.from, now_));
    case EnvelopeKind::kSipMessage:  // Nobody logs them yet.
    case EnvelopeKind::kDatagram:
    case EnvelopeKind::kAskGrant:
    case EnvelopeKind::kGrant:
    case EnvelopeKind::kReturnGrant:
    case EnvelopeKind::kRouteSign:
    case EnvelopeKind::kPolicy:
    case EnvelopeKind::kHostAddresses:
    case EnvelopeKind::kDrain:
    case EnvelopeKind::kStop:
      return;  // The workers'.
  }
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

absl::StatusOr<std::vector<std::unique_ptr<Policy>>> Control::BuildPolicies(const Config& config) {
  std::vector<std::unique_ptr<Policy>> policies;
  for (size_t i = 0; i < workers_.size(); ++i) {
    auto policy = Policy::Build(config, &registry_);
    RETURN_IF_ERROR(policy.status());
    policies.push_back(std::move(*policy));
  }
  return policies;
}

void Control::Reload() {
  const auto refuse = [this](std::string_view errors) {
    ForEachLine(errors, [this](std::string_view line) {
      LogLine(&log_, &reload_refused_).Text("error", line);
    });
  };
  auto read = ReadConfig(config_.path);
  if (!read.ok()) return refuse(std::string(read.status().message()));
  ReloadPlan plan = PlanReload(config_, std::move(*read));
  auto policies = BuildPolicies(plan.config);
  if (!policies.ok()) return refuse(std::string(policies.status().message()));
  if (plan.config.dns.servers != config_.dns.servers ||
      plan.config.dns.stale_max != config_.dns.stale_max) {
    const absl::Status status = hosts_.Configure(plan.config.dns, now_);
    if (!status.ok()) return refuse(std::string(status.message()));
  }
  for (const ConfigChange& change : plan.changes) {
    LogLine(&log_, change.needs_restart ? &kept_ : &changed_).Text("change", change.text);
  }
  for (const std::string& warning : plan.config.warnings) {
    LogLine(&log_, &warning_).Text("text", warning);
  }
  const bool changes_anything = plan.changes_anything();
  if (changes_anything) {
    config_ = std::move(plan.config);
    std::set<uint16_t> hosts = watched_;
    hosts.merge(HostsOf(*policies->front()));
    newest_ = HostsOf(*policies->front());
    watched_ = hosts;
    hosts_.Watch(watched_, now_);
    SendAddresses();
    workers_.Install(std::move(*policies));
  }
  LogLine(&log_, &reloaded_).Flag("changed", changes_anything);
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
