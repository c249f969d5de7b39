#pragma once

#include <poll.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/log.h"
#include "core/engine/wake_fd.h"
#include "core/time/clock.h"
#include "sbc/config.h"
#include "sbc/control/admin_server.h"
#include "sbc/control/call_statistics.h"
#include "sbc/control/host_watch.h"
#include "sbc/control/media_statistics.h"
#include "sbc/control/records.h"
#include "sbc/control/shutdown.h"
#include "sbc/control/signals.h"
#include "sbc/control/worker_group.h"
#include "sbc/host_registry.h"

namespace sbc {

/// The control thread: everything that may block or allocate. It starts the workers, resolves
/// names, reloads, drains, and writes what the workers tell it.
///
/// Use:      Start(), then Run() until it returns.
/// Errors:   Start() says in one line what is missing; nothing runs then. Afterwards nothing ends
///           the loop but Shutdown.
/// Thread:   the one that made it, and made Signals before any other.
class Control final : private AdminServer::Answerer {
 public:
  struct Options {
    Config config;
    std::string version;
    core::Clock* clock = nullptr;
    core::LogSink* log = nullptr;
    Signals* signals = nullptr;
  };

  explicit Control(Options options);
  ~Control() override;

  absl::Status Start();
  void Run();

 private:
  // While records come, they are gathered for so long: one wake-up serves many, and workers do not
  // pay for waking us.
  static constexpr core::Duration kGatherTime = std::chrono::milliseconds(10);
  static constexpr size_t kEnvelopesPerTurnMax = 1024;  // Of each worker.

  static size_t HostsMax(const Config& config);

  void Turn();
  void Wait(core::Instant now);
  core::Instant NextDue(core::Instant now);
  void OnSignal(int signal);
  void Order(Shutdown::Order order);
  void OnEnvelope(const core::engine::Envelope& envelope);
  void OnCallReport(const CallReport& report, bool ended);
  void OnSipMessage(const core::engine::Envelope& envelope);
  void OnHostHealth(const core::engine::Envelope& envelope);
  void OnDropped(const core::engine::Envelope& envelope);
  void Reload();
  absl::StatusOr<std::vector<std::unique_ptr<Policy>>> BuildPolicies(const Config& config);
  void WatchHosts();
  void SendAddresses();
  std::string Answer(AdminQuestion question) override;

  Config config_;
  core::Clock* clock_;
  Signals* signals_;
  core::Logger log_;
  core::Instant now_;
  HostRegistry registry_;
  core::engine::WakeFd wake_;
  WorkerGroup workers_;
  HostWatch hosts_;
  Shutdown shutdown_;
  Records records_;
  CallStatistics statistics_;
  MediaStatistics media_statistics_;
  std::unique_ptr<AdminServer> admin_;
  std::string version_;
  core::Instant began_;
  uint64_t reloads_ = 0;
  uint64_t reloads_refused_ = 0;
  std::vector<pollfd> fds_;
  size_t mail_ = 0;             // Envelopes of the last turn.
  std::set<uint16_t> newest_;   // Hosts of the newest configuration.
  std::set<uint16_t> watched_;  // Those, and of older ones that calls still use.

  core::LogSite started_{core::LogLevel::kInfo, "started"};
  core::LogSite warning_{core::LogLevel::kWarning, "config_warning", 1000};
  core::LogSite media_{core::LogLevel::kWarning, "media_not_anchored"};
  core::LogSite signal_{core::LogLevel::kInfo, "signal"};
  core::LogSite draining_{core::LogLevel::kInfo, "draining"};
  core::LogSite stopping_{core::LogLevel::kInfo, "stopping"};
  core::LogSite stopped_{core::LogLevel::kInfo, "stopped"};
  core::LogSite reloaded_{core::LogLevel::kInfo, "reloaded"};
  core::LogSite reload_refused_{core::LogLevel::kError, "reload_refused", 1000};
  core::LogSite changed_{core::LogLevel::kInfo, "config_changed", 1000};
  core::LogSite reopen_failed_{core::LogLevel::kError, "logs_not_reopened"};
  core::LogSite kept_{core::LogLevel::kWarning, "config_needs_restart", 1000};
  core::LogSite dropped_{core::LogLevel::kWarning, "dropped_without_answer"};
  core::LogSite route_up_{core::LogLevel::kInfo, "route_up"};
  core::LogSite route_down_{core::LogLevel::kWarning, "route_down"};
};

}  // namespace sbc
