#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/histogram.h"
#include "core/base/random.h"
#include "core/buffer/packet_pool.h"
#include "core/engine/wall_mapping.h"
#include "core/engine/worker.h"
#include "core/net/packet_io.h"
#include "core/time/clock.h"
#include "core/time/timer_wheel.h"
#include "loadgen/call_rate.h"
#include "loadgen/call_set.h"
#include "loadgen/injection_file.h"
#include "loadgen/options.h"
#include "loadgen/render_context.h"
#include "loadgen/scenario.h"
#include "loadgen/scenario_player.h"
#include "loadgen/trace.h"

namespace loadgen {

/// What is counted of the run beside the calls.
struct RunCounts {
  uint64_t planned = 0;            // Calls that came due by the plan.
  uint64_t not_opened = 0;         // Of these, not opened because -l were open.
  uint64_t calls_dry = 0;          // Calls and messages that found no room here.
  uint64_t out_of_call = 0;        // Messages of no call that we know.
  uint64_t dead_call = 0;          // Messages of calls that have ended.
  uint64_t not_sip = 0;            // Datagrams that are not SIP, or have no Call-ID.
  uint64_t auto_answered = 0;      // By -aa, outside of calls.
  uint64_t icmp_errors = 0;        // "Port unreachable" and its like.
  core::Histogram receive_lag_us;  // From the kernel's reception to our working on it.
};

/// The generator's share of one core: opens the calls that are due, and gives each message to its
/// call.
///
/// Shape:    at most kOpensPerTurnMax calls are opened in a turn, so that a backlog cannot starve
///           the sockets; what is late stays planned, and its lag is measured.
/// Lifetime: borrows Parts. Nothing is allocated for a call or message after construction.
/// Thread:   one.
class LoadWorker final : public core::engine::WorkerProgram {
 public:
  static constexpr size_t kOpensPerTurnMax = 256;
  static constexpr size_t kServerCallsMax = size_t{1} << 18;
  static constexpr size_t kOutOfCallMax = 4096;

  struct Parts {
    const Options* options = nullptr;
    const RunValues* run = nullptr;
    const InjectionFiles* injections = nullptr;
    const Scenario* scenario = nullptr;
    const Scenario* out_of_call = nullptr;  // Null: none.
    core::net::PacketIo* io = nullptr;
    core::Clock* clock = nullptr;
    core::Random* random = nullptr;
    Trace* trace = nullptr;
    core::SocketId socket;
    core::Endpoint local;
    core::Endpoint target;
    bool target_is_all = false;
    MediaRecordFile* media_file = nullptr;  // -trace_media; null: off.
    core::IpAddress media_address{};  // What audio's ports are bound to; unspecified: as `local`.
  };
  explicit LoadWorker(const Parts& parts);
  ~LoadWorker() override;

  enum class Phase : uint8_t {
    kRunning,
    kDraining,  // No new calls; those that are open go on to their end.
    kEnded,
  };

  /// Opens the ports of the calls' audio, where the scenario or -rtp_echo wants some; `is_free` as
  /// in MediaPorts. Before the first turn.
  absl::Status OpenMedia(bool (*is_free)(const core::Endpoint& port) = nullptr);
  /// How many calls with audio may be open at once; 0: none has any.
  static size_t MediaCalls(const Options& options, const Scenario& scenario,
                           const Scenario* out_of_call);

  /// One turn: flush and wait, packets, errors, timers, calls that are due.
  void Turn();
  /// When the next turn must run even if nothing comes.
  core::Instant NextDue() const;

  /// No new calls from now on. What is still open at `until` is ended then; a second Drain() does
  /// not put that off.
  void Drain(core::Instant until = core::kNever);
  /// How long a call in good order may still go on: its pauses, and a transaction's whole life for
  /// what it waits for (RFC 3261 §17.1.1.2: 64*T1). What lasts longer waits for nothing that comes.
  core::Duration DrainMax() const;
  /// Ends all calls now: those that cannot be said to have succeeded have failed.
  void EndNow();

  /// By hand: so many calls a period more, or fewer, from now on. Not below none.
  void ChangeRate(double more, core::Instant now);
  /// By hand: no new calls until it is asked again. What would have come due is not made up for.
  void TogglePause(core::Instant now);
  bool paused() const { return paused_; }

  void OnPacket(core::Packet packet, core::Instant now) override;
  void OnSendError(const core::net::SendError& error, core::Instant now) override;
  void OnEnvelope(const core::engine::Envelope& envelope, core::Instant now) override;
  void OnTurnEnd(core::Instant now) override;

  Phase phase() const { return phase_; }
  bool is_server() const { return is_server_; }
  core::Instant now() const { return now_; }
  core::Instant started() const { return started_; }
  core::WallTime wall() const { return wall_.At(now_); }
  core::TimerWheel* timers() { return &timers_; }
  const RunRequests& requests() const { return requests_; }
  const RunCounts& counts() const { return counts_; }
  const CallRate& rate() const { return *rate_; }
  int64_t users() const { return parts_.options->users; }  // -1: without -users.
  const Statistics& statistics() const { return player_->statistics(); }
  const Statistics* out_of_call_statistics() const {
    return out_of_call_ == nullptr ? nullptr : &out_of_call_->statistics();
  }
  const MediaEngine* media() const { return media_.get(); }  // Null: no call has audio.
  uint64_t store_dry() const { return environment_.store_dry; }
  ScenarioPlayer* player() { return player_.get(); }
  CallSet* calls() { return calls_.get(); }
  const core::PacketStore& store() const { return store_; }

  /// How many calls may be open at once.
  static size_t CallsAtOnce(const Options& options, const Scenario& scenario);
  static size_t CallsAtOnce(const Options& options, const Scenario& scenario, double rate);

 private:
  static void OnCallEnd(void* owner, int64_t user_id);

  void OnUnknown(const core::Packet& packet, std::string_view call_id, core::Instant now);
  void OnMessageOfCall(Call* call, const core::Packet& packet, core::Instant now);
  void OpenIncoming(const core::Packet& packet, std::string_view call_id, ScenarioPlayer* player,
                    core::Instant now);
  void AnswerOutside(const core::Packet& packet);
  void OpenDue(core::Instant now);
  void OpenForUsers(core::Instant now);
  void OpenOutgoing(core::Instant planned, int64_t user_id, core::Instant now);
  void AssignLines(Call* call);
  std::string_view NextCallId();
  bool HasAllCalls() const;

  Parts parts_;
  bool is_server_;
  Phase phase_ = Phase::kRunning;
  core::Instant now_;
  core::Instant started_;
  core::Instant opened_{};  // When calls were opened last.
  core::Instant drain_until_ = core::kNever;
  bool paused_ = false;
  bool has_begun_ = false;  // A turn has ended.
  core::Duration pace_quantum_;
  core::engine::WallMapping wall_;
  core::TimerWheel timers_;
  core::PacketStore store_;
  RunRequests requests_;
  RunCounts counts_;
  std::optional<CallRate> rate_;
  size_t calls_at_once_;
  std::vector<uint32_t> line_cursors_;  // Of each -inf file.
  std::vector<int64_t> free_users_;
  std::vector<char> call_id_;
  std::vector<char> answer_;
  PlayerEnvironment environment_;
  std::unique_ptr<MediaEngine> media_;
  std::unique_ptr<CallSet> calls_;
  std::unique_ptr<ScenarioPlayer> player_;
  std::unique_ptr<ScenarioPlayer> out_of_call_;
};

}  // namespace loadgen
