#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/base/bounded_vector.h"
#include "core/base/random.h"
#include "core/engine/mailbox.h"
#include "core/engine/placement.h"
#include "core/engine/shared_places.h"
#include "core/engine/snapshot.h"
#include "core/engine/worker.h"
#include "core/net/packet_io.h"
#include "core/sip/digest.h"
#include "core/sip/identifier.h"
#include "core/sip/transaction_table.h"
#include "core/time/clock.h"
#include "core/time/timer_wheel.h"
#include "core/transport/transport.h"
#include "sbc/b2bua.h"
#include "sbc/envelopes.h"
#include "sbc/held_addresses.h"
#include "sbc/host_table.h"
#include "sbc/media/media_anchor.h"
#include "sbc/media/media_relay.h"
#include "sbc/rate_window.h"
#include "sbc/route_health.h"
#include "sbc/sip_log.h"
#include "sbc/source_rates.h"
#include "sbc/worker_snapshot.h"

namespace sbc {

/// One worker's share of the SBC: its sockets, transactions, calls, and its part of what is kept
/// once for all (the ledgers and the route health of the connectors whose home it is).
///
/// Lifetime: borrows what Options points to. Built and run on one thread; in the simulation, on the
///           only one there is.
/// Thread:   its worker's, except snapshot().
class SbcWorker final : public core::engine::WorkerProgram,
                        private core::transport::TransportUser,
                        private core::sip::PacketSink,
                        private B2buaHost {
 public:
  /// What all workers of a node have in common, and what nobody outside it may guess.
  struct Secrets {
    core::HashKey identifiers{};
    core::HashKey placement{};
    std::array<uint8_t, 32> nonces{};
    static Secrets From(core::Random* random);
  };

  struct Options {
    uint16_t index = 0;  // This worker's number; its writer number in every mailbox set too.
    uint16_t workers = 1;
    uint16_t control = 1;  // The control thread's number among the outbox's targets.
    uint8_t node = 0;
    uint16_t epoch = 0;  // Which start of the node this is.
    Secrets secrets;
    uint64_t seed = 0;  // 0: chance from the kernel. Else the simulation's.
    size_t hosts_max = 1024;
    const Policy* policy = nullptr;               // The first; the worker's until it is given back.
    core::engine::SharedPlaces* calls = nullptr;  // The node's, limits.calls.
    core::net::PacketIo* io = nullptr;
    core::Clock* clock = nullptr;
    core::engine::MailboxSet* mailboxes = nullptr;
    core::engine::Outbox* outbox = nullptr;
  };

  SbcWorker(const Options& options, core::Instant now);
  ~SbcWorker() override;

  /// Opens the listeners and the media ports of the first policy. Says which cannot be had, and
  /// why.
  absl::Status Open();

  core::engine::Worker* worker() { return &worker_; }
  void Turn() { worker_.Turn(); }
  core::Instant NextDue() const { return worker_.NextDue(); }

  /// For the control thread.
  const core::engine::SnapshotCell<WorkerSnapshot>& snapshot() const { return snapshot_; }

  // For tests and invariants: what is held.
  size_t calls() const { return b2bua_.calls(); }
  size_t transactions() const { return table_.client_count() + table_.server_count(); }
  size_t packets() const { return store_.used(); }
  size_t timers() const { return timers_.armed(); }
  size_t policies() const { return policies_.size(); }
  const MediaRelay& media() const { return media_; }
  WorkerSnapshot CurrentSnapshot();

  void OnPacket(core::Packet packet, core::Instant now) override;
  void OnSendError(const core::net::SendError& error, core::Instant now) override;
  void OnEnvelope(const core::engine::Envelope& envelope, core::Instant now) override;
  void OnTurnEnd(core::Instant now) override;

 private:
  static constexpr size_t kPoliciesMax =
      8;  // In use at once: the newest, and those with old calls.

  // core::transport::TransportUser
  void OnMessage(const core::sip::Message& message, core::Packet& packet,
                 const core::sip::Hop& return_path, uint8_t side, core::Instant now) override;
  bool MayAnswer(const core::Endpoint& source, uint8_t side) override;

  // core::sip::PacketSink: between the transactions and the transport, for the log of messages.
  void Send(core::Packet packet) override;

  // B2buaHost
  const Policy* policy() override { return policies_.back().get(); }
  core::WallTime wall() override { return worker_.wall(); }
  bool draining() override { return draining_; }
  bool closed() override { return closed_; }
  bool TakePlace(bool emergency) override;
  GrantAnswer AskRate(const core::IpAddress& source, core::Instant now) override;
  std::optional<Grant> Ask(const Connector& connector, const AskGrant& ask,
                           core::Instant now) override;
  void ReturnGrant(const Connector& connector, const ReturnedGrant& returned) override;
  bool AskReplaced(size_t worker, uint64_t question, Side side, std::string_view replaces) override;
  void OnRouteSign(const RouteTarget& target, RouteHealth::CallSign sign,
                   core::Instant now) override;
  void OnRecord(const CallRecord& record, const CallMedia& media) override;
  void OnMediaRecord(const CallRecord& record, const CallMedia& media) override;
  void OnLoggedCall(std::string_view call_id, const CallRecord& record) override;
  void OnOtherResponse(TransactionMark mark, uint16_t status_code, core::Instant now) override;

  std::optional<Side> SideOfSource(ListenerSide listener, const core::IpAddress& source) const;
  std::optional<Side> SideOfHeld(ListenerSide listener, const core::IpAddress& source) const;
  bool IsOfCallHere(const core::sip::Message& message);
  std::optional<Refusal> Dropped(const core::sip::Message& message, const core::IpAddress& source);
  void TellDropped(const core::Endpoint& source, const Refusal& refusal, core::Instant now);
  void HandOver(size_t owner, const core::Packet& packet);
  void HandOver(size_t owner, const core::net::SendError& error);
  void LogMessage(const SipLog::Entry& entry, const core::Packet& packet);
  void OnDatagram(const core::engine::Envelope& envelope, core::Instant now);
  void OnAskGrant(const core::engine::Envelope& envelope, core::Instant now);
  std::optional<Grant> AskLedger(AskGrant ask, core::Instant now);
  bool LimitsRate();
  GrantAnswer CountRate(const core::IpAddress& source, core::Instant now);
  void Tell(const AskGrant& ask, const Grant& grant, core::Instant now);
  void OnGrant(const Grant& grant, core::Instant now);
  void OnAskReplaced(const core::engine::Envelope& envelope);
  void OnReplaced(const core::engine::Envelope& envelope, core::Instant now);
  void OnHostAddresses(const core::engine::Envelope& envelope, core::Instant now);
  void InstallPolicy(const Policy* policy, core::Instant now);
  void ReturnOldPolicies();
  void UpdateReachFilters();
  void HoldAddress(Side side, const core::IpAddress& ip, core::Instant now);
  void OnHeldTimer(core::Instant now);
  void TellHeld(const HeldAddresses::Entry& entry);
  void OnHealthTimer(core::Instant now);
  void ArmHealthTimer();
  void OnHealthChange(const RouteHealth::Change& change);
  void GiveBack(const ReturnedGrant& returned, uint16_t home);
  void PayReturns();
  void PayHealth();
  bool IsHome(const Connector& connector) const { return connector.home_worker == options_.index; }
  ConnectorLedger* LedgerOf(uint16_t connector);
  [[nodiscard]] bool Post(size_t target, EnvelopeKind kind, std::string_view bytes,
                          uint64_t word = 0);
  void PublishIfDue(core::Instant now);
  void TellDrained();
  void SettlePlaces();

  static void FireHealth(void* self, core::Timer* timer, core::Instant now);
  static void FireHeld(void* self, core::Timer* timer, core::Instant now);
  static void FirePublish(void* self, core::Timer* timer, core::Instant now);

  Options options_;
  core::Random random_;
  core::TimerWheel timers_;
  core::PacketStore store_;
  core::sip::IdentifierMint mint_;
  core::sip::DigestServer digest_;
  core::engine::Placement placement_;
  HostTable hosts_;
  HeldAddresses held_;
  RouteHealth health_;
  MediaRelay media_;
  MediaAnchor anchor_;
  core::transport::Transport transport_;
  SipLog sip_log_;
  const core::Packet* came_ = nullptr;  // The message at hand, while it may have to be logged.
  core::sip::TransactionTable table_;
  B2bua b2bua_;
  core::engine::Worker worker_;
  RateWindow node_rate_;  // limits.calls_per_second; used by kRateWorker only, as rates_ is.
  SourceRates rates_;
  core::BoundedVector<ListenerConfig, core::transport::Transport::kListenersMax> listeners_;
  core::BoundedVector<core::SocketId, core::transport::Transport::kListenersMax> sockets_;
  std::vector<PolicyRef> policies_;  // The newest last; older ones for as long as calls use them.
  std::vector<std::unique_ptr<ConnectorLedger>> ledgers_;  // By connector number; null: not home.
  std::vector<uint16_t> home_of_host_;                     // By host number.
  core::Timer health_timer_;
  core::Timer held_timer_;
  core::Timer publish_timer_;
  core::engine::SnapshotCell<WorkerSnapshot> snapshot_;
  WorkerCounters counters_;
  core::IpAddress source_;  // Of the packet at hand.
  struct OwedReturns {
    uint16_t home = 0;
    uint32_t count = 0;
  };
  std::vector<OwedReturns> returns_owed_;  // By connector number: where a mailbox was full.
  bool any_return_owed_ = false;
  // By worker: changes that its mailbox had no room for.
  std::vector<bool> health_owed_ = std::vector<bool>(options_.workers);
  bool any_health_owed_ = false;
  uint64_t dropped_untold_ = 0;
  core::Instant next_dropped_told_{};
  bool placed_ = false;      // The packet at hand came by hand-over: it is ours.
  bool only_calls_ = false;  // Its source may reach us for what is going on, and start nothing.
  size_t places_ =
      0;  // Of options_.calls: as many as calls here, and one more while one is judged.
  bool draining_ = false;
  bool closed_ = false;  // Nothing new is admitted.
  bool stopping_ = false;
  bool drained_said_ = false;
  bool dirty_ = false;       // Something happened since the last snapshot.
  uint64_t fires_seen_ = 0;  // Of the timers: what they did is something, too.
};

}  // namespace sbc
