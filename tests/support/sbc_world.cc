#include "tests/support/sbc_world.h"

#include "sbc/envelope_bytes.h"

#include <cstdio>

namespace tests {

using core::engine::Envelope;
using sbc::EnvelopeKind;

SbcWorld::SbcWorld(const Options& options, SimNetwork* network, Simulation* simulation)
    : simulation_(simulation), drained_(options.workers, false) {
  const uint16_t count = options.workers;
  core::Random random(options.seed);
  const auto secrets = sbc::SbcWorker::Secrets::From(&random);
  const auto writers = static_cast<uint16_t>(count + 1);
  control_mailboxes_ = std::make_unique<core::engine::MailboxSet>(writers);
  std::vector<core::engine::MailboxSet*> targets;
  for (uint16_t i = 0; i < count; ++i) {
    auto seat = std::make_unique<Seat>();
    seat->io = std::make_unique<SimIo>(network);
    seat->mailboxes = std::make_unique<core::engine::MailboxSet>(writers);
    targets.push_back(seat->mailboxes.get());
    workers_.push_back(std::move(seat));
  }
  targets.push_back(control_mailboxes_.get());
  for (uint16_t i = 0; i < count; ++i) {
    Seat* seat = workers_[i].get();
    seat->outbox = std::make_unique<core::engine::Outbox>(i, targets);
    sbc::SbcWorker::Options worker;
    worker.index = i;
    worker.workers = count;
    worker.control = count;
    worker.secrets = secrets;
    worker.seed = options.seed * 1000 + i + 1;
    worker.policy = BuildPolicy(options.yaml);
    if (i == 0) {
      calls_ = std::make_unique<core::engine::SharedPlaces>(worker.policy->config().limits.calls);
    }
    worker.calls = calls_.get();
    seat->meter = options.meter;
    worker.io = options.meter == nullptr ? seat->io.get() : options.meter->Wrap(seat->io.get());
    worker.clock = &network->clock();
    worker.mailboxes = seat->mailboxes.get();
    worker.outbox = seat->outbox.get();
    seat->sbc = std::make_unique<sbc::SbcWorker>(worker, network->clock().Now());
    const absl::Status opened = seat->sbc->Open();
    if (!opened.ok()) std::fprintf(stderr, "%s\n", opened.ToString().c_str());
    CHECK(opened.ok());
    simulation->Add(seat, seat->io.get());
  }
  control_outbox_ = std::make_unique<core::engine::Outbox>(count, targets);
  for (uint16_t host = 0; host < registry_.hosts().size(); ++host) {
    const sbc::HostSpec& spec = registry_.hosts()[host];
    if (spec.ip.has_value()) PostAddresses(host, {{*spec.ip, spec.port}});
  }
}

SbcWorld::~SbcWorld() {
  for (const auto& seat : workers_) simulation_->Remove(seat.get());
  for (const auto& seat : workers_) seat->sbc.reset();  // Before the policies that they count.
}

const sbc::Policy* SbcWorld::BuildPolicy(const std::string& yaml) {
  const auto config = sbc::ParseConfig(yaml, "test.yaml");
  if (!config.ok()) std::fprintf(stderr, "%s\n", config.status().ToString().c_str());
  CHECK(config.ok());
  auto policy = sbc::Policy::Build(*config, &registry_);
  if (!policy.ok()) std::fprintf(stderr, "%s\n", policy.status().ToString().c_str());
  CHECK(policy.ok());
  policies_.push_back(std::move(*policy));
  return policies_.back().get();
}

void SbcWorld::PostAddresses(uint16_t host, const std::vector<core::Endpoint>& addresses) {
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kHostAddresses);
  envelope.words = {host, static_cast<uint64_t>(registry_.hosts()[host].side), 0, 0};
  std::vector<sbc::HostAddress> records;
  for (const core::Endpoint& address : addresses) records.push_back({.endpoint = address});
  envelope.bytes = {reinterpret_cast<const char*>(records.data()),
                    records.size() * sizeof(sbc::HostAddress)};
  for (size_t i = 0; i < workers_.size(); ++i) CHECK(control_outbox_->Post(i, envelope));
  control_outbox_->Flush();
  for (const auto& seat : workers_) seat->io->Wake();
}

void SbcWorld::SetAddresses(std::string_view host, const std::vector<core::Endpoint>& addresses) {
  for (uint16_t i = 0; i < registry_.hosts().size(); ++i) {
    if (registry_.hosts()[i].name == host) PostAddresses(i, addresses);
  }
}

void SbcWorld::FillMailbox(size_t from, size_t to) {
  core::engine::Envelope envelope;
  envelope.kind = static_cast<uint16_t>(EnvelopeKind::kReturnGrant);
  // Of a connector that nobody has: it changes nothing.
  const sbc::ReturnedGrant nobodys{.connector = UINT16_MAX};
  envelope.bytes = sbc::BytesOf(nobodys);
  while (workers_[from]->outbox->Post(to, envelope)) {
  }
}

void SbcWorld::Pause(size_t worker, bool paused) {
  Seat* seat = workers_[worker].get();
  if (paused) {
    simulation_->Remove(seat);
  } else {
    simulation_->Add(seat, seat->io.get());
  }
}

void SbcWorld::Post(size_t worker, EnvelopeKind kind) {
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(kind);
  CHECK(control_outbox_->Post(worker, envelope));
  control_outbox_->Flush();
  workers_[worker]->io->Wake();
}

void SbcWorld::PostAll(EnvelopeKind kind) {
  for (size_t i = 0; i < workers_.size(); ++i) Post(i, kind);
}

void SbcWorld::Reload(const std::string& yaml) {
  for (size_t i = 0; i < workers_.size(); ++i) {
    Envelope envelope;
    envelope.kind = static_cast<uint16_t>(EnvelopeKind::kPolicy);
    envelope.words[0] = reinterpret_cast<uint64_t>(BuildPolicy(yaml));
    CHECK(control_outbox_->Post(i, envelope));
    control_outbox_->Flush();
    workers_[i]->io->Wake();
  }
}

void SbcWorld::Drain() {
  control_mailboxes_->Drain(SIZE_MAX, [&](const Envelope& envelope) {
    const auto kind = static_cast<EnvelopeKind>(envelope.kind);
    if (kind == EnvelopeKind::kSipMessage) {
      sip_messages_.push_back({envelope.words[1], std::string(envelope.bytes)});
    }
    if (kind == EnvelopeKind::kDrained) drained_[envelope.from] = envelope.words[0] != 0;
    if (kind != EnvelopeKind::kCallRecord && kind != EnvelopeKind::kMediaRecord) return;
    const sbc::CallReport report = sbc::CallReportFromBytes(envelope.bytes);
    if (kind == EnvelopeKind::kCallRecord) records_.push_back(report.call);
    if (report.media.streams > 0) media_.push_back(report);
  });
}

size_t SbcWorld::calls() const {
  size_t sum = 0;
  for (const auto& seat : workers_) sum += seat->sbc->calls();
  return sum;
}
size_t SbcWorld::transactions() const {
  size_t sum = 0;
  for (const auto& seat : workers_) sum += seat->sbc->transactions();
  return sum;
}
size_t SbcWorld::packets() const {
  size_t sum = 0;
  for (const auto& seat : workers_) sum += seat->sbc->packets();
  return sum;
}
size_t SbcWorld::timers() const {
  size_t sum = 0;
  for (const auto& seat : workers_) sum += seat->sbc->timers();
  return sum;
}

}  // namespace tests
