#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/buffer/packet_pool.h"
#include "core/net/packet_io.h"
#include "core/time/timer_wheel.h"
#include "loadgen/call.h"
#include "loadgen/call_set.h"
#include "loadgen/injection_file.h"
#include "loadgen/media/media_engine.h"
#include "loadgen/options.h"
#include "loadgen/render_context.h"
#include "loadgen/scenario.h"
#include "loadgen/statistics.h"
#include "loadgen/trace.h"

namespace loadgen {

/// What a scenario asks of the whole run.
struct RunRequests {
  bool stop_gracefully = false;
  bool stop_now = false;
  bool fatal = false;       // <error>, or an injection file with too few lines.
  std::string why_fatal{};  // For people. The first reason counts: the run ends by it.
};

/// What the players of one worker share. All of it outlives them.
struct PlayerEnvironment {
  const Options* options = nullptr;
  const RunValues* run = nullptr;
  const InjectionFiles* injections = nullptr;
  core::net::PacketIo* io = nullptr;
  core::TimerWheel* timers = nullptr;
  core::PacketStore* store = nullptr;
  core::Random* random = nullptr;
  CallSet* calls = nullptr;
  Trace* trace = nullptr;
  RunRequests* requests = nullptr;
  MediaEngine* media = nullptr;  // Null: no call has audio.
  core::SocketId socket;
  core::Endpoint local;
  core::Endpoint target;       // Where a client's calls go; with -rsa, where all goes.
  bool target_is_all = false;  // -rsa
  core::Instant run_started;
  uint64_t store_dry = 0;  // Messages that had no room: the generator was the limit.
};

/// Plays the calls of one scenario, by SIPp's rules of what belongs where.
///
/// A call is at one step. A message that comes is looked for from there on, past what is optional,
/// then backwards over what was optional. What is found nowhere is unexpected, and by default ends
/// the call. A message that is the same, byte for byte, as one of the last Call::kSeenMax is a
/// retransmission: a request gets its last response again, a response its ACK, and nothing else
/// happens. (SIPp sends again whatever it sent first, which answers an INVITE's retransmission with
/// 180 and a REGISTER's 200 with the next INVITE.)
///
/// Shape:  a walk takes at most kStepsPerWalkMax steps at once, so that a scenario that loops
///         without waiting cannot hold the worker. A call that took kStepsWithoutTimeMax of them
///         and waited for nothing has failed. (SIPp takes them for ever, and -timeout waits.)
/// Thread: one worker's. Nothing is allocated for a message, but by ereg's regexec().
class ScenarioPlayer {
 public:
  static constexpr int kStepsPerWalkMax = 1000;
  // No loop is this long in earnest: SIPp, which takes a step a millisecond, would be at it for
  // more than a minute and a half. Here one that has no end is over in two seconds if it sends a
  // message a step, and much sooner if not.
  static constexpr int kStepsWithoutTimeMax = 100'000;

  ScenarioPlayer(const Scenario* scenario, PlayerEnvironment* environment);
  ScenarioPlayer(const ScenarioPlayer&) = delete;
  ScenarioPlayer& operator=(const ScenarioPlayer&) = delete;

  struct Start {
    std::string_view call_id;
    core::Endpoint remote;
    core::Instant planned;
    uint64_t number = 0;  // [call_number]
    int64_t user_id = 0;
    bool is_server = false;
  };
  /// Opens a call; it does nothing before Begin() or OnMessage(). Null where there is no room.
  Call* Open(const Start& start, core::Instant now);
  /// Takes the first step: of a client's call.
  void Begin(Call* call, core::Instant now) { Walk(call, now); }
  /// A message of this call, which takes it over. The call may be gone on return.
  void OnMessage(Call* call, Received* received, core::Instant now);
  /// Ends a call with the run: with BYE, CANCEL or ACK as its state wants.
  void Abort(Call* call, core::Instant now) { Fail(call, Failure::kAborted, now); }

  const Scenario& scenario() const { return scenario_; }
  const Statistics& statistics() const { return statistics_; }
  Statistics* mutable_statistics() { return &statistics_; }

  /// Users' variables: a store for each, by `user_id` - 1.
  void SetUsers(size_t users);
  VariableStore* globals() { return &globals_; }
  /// Called when a call of a user has ended, so that the next can begin.
  void SetOnEnd(void* owner, void (*on_end)(void* owner, int64_t user_id)) {
    end_owner_ = owner;
    on_end_ = on_end;
  }

 private:
  friend class ActionRunner;

  // What the walk does after a step.
  enum class Next : uint8_t {
    kAdvance,  // To the step behind, or where `next` leads.
    kStay,     // The call's step was set: go on there.
    kWait,     // Something must happen first.
    kGone,     // There is no call any more.
  };
  // How a message that came fits the scenario.
  struct Match {
    size_t step = 0;
    bool found = false;
    bool handled = false;  // Of an old transaction, and dealt with.
  };
  // What a message is rendered for, and from.
  struct Rendering {
    size_t step = 0;
    const core::sip::Message* last = nullptr;
    uint32_t cseq = 0;
    std::string_view peer_tag_param;
    core::Instant now;
  };
  // What is asked of steps while one is looked for.
  struct Wanted {
    const core::sip::Message* message;
    std::string_view cseq_method;
    uint64_t branch_hash;
  };

  static void OnWaitTimer(void* owner, core::Timer* timer, core::Instant now);
  static void OnRetransmitTimer(void* owner, core::Timer* timer, core::Instant now);

  // The walk (scenario_player.cc).
  void Walk(Call* call, core::Instant now);
  void FailEndless(Call* call, core::Instant now);
  Next Execute(Call* call, core::Instant now);
  void Advance(Call* call);
  Next Send(Call* call, const Step& step, core::Instant now);
  Next Pause(Call* call, const Step& step, core::Instant now);
  Next PauseUntil(Call* call, core::Instant now);
  Next Wait(Call* call, core::Instant now);
  void ArmRecvTimeout(Call* call, size_t from, core::Instant now);
  Next OnTimeout(Call* call, size_t step, Failure failure, core::Instant now);
  void OnWaitOver(Call* call, core::Instant now);
  void Book(Call* call, const Step& step, core::Instant at);
  bool Runs(Call* call, const Step& step);
  bool Lost(const Step& step);
  void CheckMedia(Call* call, const Step& step, core::Instant now);
  void CheckMarks(Call* call);
  void CheckPattern(const Call& call);

  // Sending (player_send.cc).
  RenderContext ContextOf(Call* call, const Rendering& rendering);
  Rendering RenderingOf(const Call& call, size_t step, core::Instant now) const;
  size_t RenderSend(Call* call, const Rendering& rendering);
  core::Packet ScratchPacket(const Call& call, size_t size);
  bool SendPacket(core::Packet packet, const Step& step);
  void SendAgain(Call* call, const SeenMessage& seen, const core::sip::Message& again,
                 core::Instant now);
  void StartRetransmits(Call* call, const SendStep& send, core::Instant now);
  void StopRetransmits(Call* call);
  void Retransmit(Call* call, core::Instant now);
  void RememberAnswer(Call* call, const SendStep& send, size_t step);
  void ApplyTransactions(Call* call, const SendStep& send, size_t step, std::string_view sent);

  // Receiving (player_receive.cc).
  Next Receive(Call* call, Received* received, core::Instant now);
  bool IsAgain(Call* call, const Received& received, core::Instant now);
  void Note(Call* call, const Received& received);
  Match Find(Call* call, const Wanted& wanted, const Received& received, core::Instant now);
  bool Matches(Call* call, size_t step, const Wanted& wanted) const;
  bool AnswerOld(Call* call, size_t step, const Wanted& wanted, const Received& received,
                 core::Instant now);
  Next Accept(Call* call, Received* received, size_t step, core::Instant now);
  void KeepDialog(Call* call, const core::sip::Message& message);
  void KeepChallenge(Call* call, const core::sip::Message& message);
  void QuietRetransmits(Call* call, const core::sip::Message& message, size_t step,
                        core::Instant now);

  // What is not in the scenario, and the end (player_end.cc).
  Next OnUnexpected(Call* call, Received* received, core::Instant now);
  Next AutoAnswer(Call* call, Received* received, core::Instant now, bool* done);
  Next GiveUpUnexpected(Call* call, Received* received, core::Instant now);
  void SetLast(Call* call, Received* received);
  void SendDefault(Call* call, const core::sip::TextWriter& out);
  void SayGoodbye(Call* call);
  Next Fail(Call* call, Failure failure, core::Instant now);
  Next Reject(Call* call, core::Instant now);
  Next Finish(Call* call, core::Instant now);
  void End(Call* call, bool succeeded, Failure failure, core::Instant now);

  const Scenario& scenario_;
  PlayerEnvironment& environment_;
  Statistics statistics_;
  std::vector<char> scratch_;  // Where messages are rendered.
  std::vector<VariableValue> global_values_;
  std::vector<char> global_text_;
  VariableStore globals_;
  std::vector<VariableValue> user_values_;
  std::vector<char> user_text_;
  std::vector<VariableStore> users_;
  std::optional<VariableId> return_address_;  // _unexp.retaddr and _unexp.pausedaddr
  std::optional<VariableId> pause_address_;
  void* end_owner_ = nullptr;
  void (*on_end_)(void* owner, int64_t user_id) = nullptr;
};

}  // namespace loadgen
