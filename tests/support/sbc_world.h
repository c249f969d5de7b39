#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/engine/mailbox.h"
#include "core/engine/shared_places.h"
#include "sbc/call_record.h"
#include "sbc/host_registry.h"
#include "sbc/sbc_worker.h"
#include "tests/support/sim_io.h"
#include "tests/support/sim_network.h"
#include "tests/support/simulation.h"

namespace tests {

/// Stands around the turns of a worker and between it and its network, to measure the one without
/// the other.
class TurnMeter {
 public:
  virtual ~TurnMeter() = default;
  virtual core::net::PacketIo* Wrap(core::net::PacketIo* io) = 0;
  virtual void BeginTurn() = 0;
  virtual void EndTurn() = 0;
};

/// One SBC of one or several workers in a simulated network, with the test in the control thread's
/// place.
///
/// Shape:    `yaml` is a configuration as ringfence-sbc reads it; its host names resolve to what
/// the
///           test says with SetAddresses(), addresses to themselves.
/// Lifetime: borrows the network and adds itself to the simulation, which it must outlive.
class SbcWorld {
 public:
  struct Options {
    std::string yaml;
    uint16_t workers = 1;
    uint64_t seed = 1;
    TurnMeter* meter = nullptr;
  };

  SbcWorld(const Options& options, SimNetwork* network, Simulation* simulation);
  ~SbcWorld();

  sbc::SbcWorker& worker(size_t index = 0) { return *workers_[index]->sbc; }
  size_t workers() const { return workers_.size(); }

  /// What a host name resolves to from now on.
  void SetAddresses(std::string_view host, const std::vector<core::Endpoint>& addresses);
  /// A worker that takes no turns for a while: its core is busy with something else.
  void Pause(size_t worker, bool paused);
  /// `from` has told a worker that takes no turns so much that there is room for nothing more.
  void FillMailbox(size_t from, size_t to);
  void Post(size_t worker, sbc::EnvelopeKind kind);
  void PostAll(sbc::EnvelopeKind kind);
  void Reload(const std::string& yaml);

  /// Takes what the workers told the control thread.
  void Drain();
  const std::vector<sbc::CallRecord>& records() {
    Drain();
    return records_;
  }
  /// Of calls with media, at their end and each minute.
  const std::vector<sbc::CallReport>& media() {
    Drain();
    return media_;
  }
  /// Of logged calls, in the order in which they were handed over.
  struct LoggedMessage {
    uint64_t transaction_id;  // Its first word.
    std::string text;
  };
  const std::vector<LoggedMessage>& sip_messages() {
    Drain();
    return sip_messages_;
  }
  /// How many workers have said that no call is left, and not that there is one again.
  size_t drained() {
    Drain();
    return static_cast<size_t>(std::count(drained_.begin(), drained_.end(), true));
  }
  size_t calls() const;
  size_t places() const { return calls_->taken(); }  // As many as calls.
  size_t transactions() const;
  size_t packets() const;
  size_t timers() const;

 private:
  struct Seat final : Participant {
    void Turn() override {
      if (meter != nullptr) meter->BeginTurn();
      sbc->Turn();
      if (meter != nullptr) meter->EndTurn();
    }
    // Between its turns it does not sleep as a thread would, so mail does not wake it: it is due.
    core::Instant NextDue() const override {
      return mailboxes->pending() ? core::Instant{} : sbc->NextDue();
    }
    TurnMeter* meter = nullptr;
    std::unique_ptr<SimIo> io;
    std::unique_ptr<core::engine::MailboxSet> mailboxes;
    std::unique_ptr<core::engine::Outbox> outbox;
    std::unique_ptr<sbc::SbcWorker> sbc;
  };

  const sbc::Policy* BuildPolicy(const std::string& yaml);
  void PostAddresses(uint16_t host, const std::vector<core::Endpoint>& addresses);

  Simulation* simulation_;
  sbc::HostRegistry registry_{1024};
  std::vector<std::unique_ptr<sbc::Policy>> policies_;
  std::unique_ptr<core::engine::MailboxSet> control_mailboxes_;
  std::unique_ptr<core::engine::SharedPlaces> calls_;
  std::vector<std::unique_ptr<Seat>> workers_;
  std::unique_ptr<core::engine::Outbox> control_outbox_;
  std::vector<sbc::CallRecord> records_;
  std::vector<sbc::CallReport> media_;
  std::vector<LoggedMessage> sip_messages_;
  std::vector<bool> drained_;  // By worker.
};

}  // namespace tests
