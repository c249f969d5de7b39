#include "loadgen/scenario_player.h"

#include <algorithm>
#include <variant>

#include "core/base/check.h"
#include "loadgen/action_runner.h"
#include "loadgen/pause_length.h"

// The walk of a call through its steps. What it sends is in player_send.cc, what it does with what
// comes in player_receive.cc, and its untimely ends in player_end.cc.

namespace loadgen {
namespace {

using core::Duration;
using core::Instant;

constexpr size_t kScratchBytes = core::sip::Message::kBytesMax + 1;
constexpr size_t kGlobalTextBytes = size_t{64} * 1024;
constexpr size_t kUserTextBytes = 1024;

}  // namespace

ScenarioPlayer::ScenarioPlayer(const Scenario* scenario, PlayerEnvironment* environment)
    : scenario_(*scenario),
      environment_(*environment),
      statistics_(*scenario),
      scratch_(kScratchBytes),
      global_values_(scenario->variables.count(VariableScope::kGlobal)),
      global_text_(global_values_.empty() ? 0 : kGlobalTextBytes),
      globals_(global_values_, global_text_),
      return_address_(scenario->variables.Find("_unexp.retaddr")),
      pause_address_(scenario->variables.Find("_unexp.pausedaddr")) {}

void ScenarioPlayer::SetUsers(size_t users) {
  const size_t count = scenario_.variables.count(VariableScope::kUser);
  if (count == 0) return;
  user_values_.resize(count * users);
  user_text_.resize(kUserTextBytes * users);
  users_.reserve(users);
  for (size_t i = 0; i < users; ++i) {
    users_.emplace_back(std::span(user_values_).subspan(i * count, count),
                        std::span(user_text_).subspan(i * kUserTextBytes, kUserTextBytes));
  }
}

void ScenarioPlayer::OnWaitTimer(void* owner, core::Timer*, Instant now) {
  auto* call = static_cast<Call*>(owner);
  call->player->OnWaitOver(call, now);
}

void ScenarioPlayer::OnRetransmitTimer(void* owner, core::Timer*, Instant now) {
  auto* call = static_cast<Call*>(owner);
  call->player->Retransmit(call, now);
}

Call* ScenarioPlayer::Open(const Start& start, Instant now) {
  Call* call = environment_.calls->Open({.player = this,
                                         .scenario = &scenario_,
                                         .call_id = start.call_id,
                                         .on_wait = OnWaitTimer,
                                         .on_retransmit = OnRetransmitTimer});
  if (call == nullptr) return nullptr;
  const bool has_audio = scenario_.uses_media || environment_.options->wants_media();
  if (environment_.media != nullptr && has_audio) {
    call->media = environment_.media->Open(start.number, now);
    if (call->media == nullptr) {
      environment_.calls->Close(call, now);
      return nullptr;
    }
  }
  call->number = start.number;
  call->remote = start.remote;
  call->user_id = start.user_id;
  call->planned = start.planned;
  call->started = now;
  call->is_server = start.is_server;
  call->cseq = environment_.options->base_cseq - 1;  // The first request makes it the base.
  for (ResponseTimer& timer : call->response_timers) {
    timer.planned = start.planned;
    timer.started = now;
  }
  CallCounts& counts = statistics_.counts;
  ++(start.is_server ? counts.incoming : counts.outgoing);
  statistics_.peak = std::max(statistics_.peak, ++statistics_.current);
  return call;
}

void ScenarioPlayer::OnMessage(Call* call, Received* received, Instant now) {
  // What SIPp allows in front of a server's first recv.
  if (call->is_server && call->step == 0 && call->last == nullptr &&
      std::holds_alternative<NopStep>(scenario_.steps.front().what)) {
    call->queued = received;
    return Walk(call, now);
  }
  const Next next = Receive(call, received, now);
  if (next == Next::kGone) return;
  if (next == Next::kAdvance) Advance(call);
  if (next != Next::kWait) return Walk(call, now);
  // A send that waited for the end of the last one's retransmissions can go now.
  const bool at_send = std::holds_alternative<SendStep>(scenario_.steps[call->step].what);
  if (at_send && !call->retransmit_timer.armed()) Walk(call, now);
}

void ScenarioPlayer::Walk(Call* call, Instant now) {
  for (int i = 0; i < kStepsPerWalkMax; ++i) {
    if (call->step >= scenario_.steps.size()) {
      (void)Finish(call, now);  // The call is gone, and this was the last that knew it.
      return;
    }
    if (++call->steps_without_time > kStepsWithoutTimeMax) return FailEndless(call, now);
    switch (Execute(call, now)) {
      case Next::kAdvance:
        Advance(call);
        break;
      case Next::kStay:
        break;
      case Next::kWait:
        call->steps_without_time = 0;
        return;
      case Next::kGone:
        return;
    }
  }
  if (call->step >= scenario_.steps.size()) return (void)Finish(call, now);
  call->waiting_step = kNoIndex;
  environment_.timers->Arm(&call->wait_timer, now);  // It goes on in the next turn.
}

void ScenarioPlayer::FailEndless(Call* call, Instant now) {
  if (environment_.trace->warns()) {
    char memory[32];
    core::sip::TextWriter numbers(memory);
    numbers.AppendNumber(static_cast<uint64_t>(scenario_.steps[call->step].line));
    const size_t line_size = numbers.size();
    numbers.AppendNumber(kStepsWithoutTimeMax);
    environment_.trace->Warn({"Call-Id: ", call->call_id(), ", an endless loop by line ",
                              numbers.text().substr(0, line_size),
                              " of the scenario: ", numbers.text().substr(line_size),
                              " steps, and none of them let time pass"});
  }
  (void)Fail(call, Failure::kEndlessLoop, now);  // The call is gone.
}

ScenarioPlayer::Next ScenarioPlayer::Execute(Call* call, Instant now) {
  const Step& step = scenario_.steps[call->step];
  if (call->resume_pause) {
    call->resume_pause = false;
    return PauseUntil(call, now);
  }
  if (!Runs(call, step)) return Next::kAdvance;
  if (std::holds_alternative<SendStep>(step.what)) return Send(call, step, now);
  if (std::holds_alternative<RecvStep>(step.what)) return Wait(call, now);
  if (std::holds_alternative<PauseStep>(step.what)) return Pause(call, step, now);
  Book(call, step, now);
  ++statistics_.steps[call->step].messages;
  CheckMedia(call, step, now);
  ActionRunner runner(this, call, now);
  switch (runner.Run(step.actions, {}, nullptr)) {
    case ActionRunner::Outcome::kGoOn:
      return Next::kAdvance;
    case ActionRunner::Outcome::kJumped:
      return Next::kStay;
    case ActionRunner::Outcome::kStopCall:
      return Reject(call, now);
  }
  return Next::kAdvance;
}

bool ScenarioPlayer::Runs(Call* call, const Step& step) {
  if (!step.condition) return true;
  return ActionRunner::StoreOf(this, call, *step.condition)->IsTrue(step.condition->index) !=
         step.condition_inverse;
}

void ScenarioPlayer::Advance(Call* call) {
  const Step& step = scenario_.steps[call->step];
  ++call->step;
  if (step.next == kNoIndex) return;
  if (step.test && !ActionRunner::StoreOf(this, call, *step.test)->IsTrue(step.test->index)) return;
  if (step.chance < 1 && !environment_.random->Chance(step.chance)) return;
  call->step = step.next;
}

void ScenarioPlayer::Book(Call* call, const Step& step, Instant at) {
  if (step.counter != kNoIndex) ++statistics_.counters[step.counter];
  if (step.start_rtd != kNoIndex) {
    // A timer that starts in the middle of a call starts when it really does.
    call->response_timers[step.start_rtd].planned = at;
    call->response_timers[step.start_rtd].started = at;
  }
  if (step.stop_rtd == kNoIndex) return;
  ResponseTimer& timer = call->response_timers[step.stop_rtd];
  if (timer.done) return;
  statistics_.response_times[step.stop_rtd].Record(at - timer.planned, at - timer.started);
  timer.done = !step.repeat_rtd;
}

bool ScenarioPlayer::Lost(const Step& step) {
  return step.lost_percent > 0 && environment_.random->Chance(step.lost_percent / 100);
}

ScenarioPlayer::Next ScenarioPlayer::Pause(Call* call, const Step& step, Instant now) {
  const auto& pause = std::get<PauseStep>(step.what);
  Duration duration{0};
  switch (pause.source) {
    case PauseStep::Source::kOption:
      duration = environment_.options->call_duration;
      break;
    case PauseStep::Source::kDistribution:
      duration = PauseLength(pause.duration_ms.Sample(environment_.random));
      break;
    case PauseStep::Source::kVariable: {
      double value = 0;
      (void)ActionRunner::StoreOf(this, call, pause.variable)
          ->ReadNumber(pause.variable.index, &value);  // What is no number is no pause.
      duration = PauseLength(value);
      break;
    }
  }
  ++statistics_.steps[call->step].messages;
  Book(call, step, now);
  call->paused_until = now + duration;
  ActionRunner runner(this, call, now);
  switch (runner.Run(step.actions, {}, nullptr)) {
    case ActionRunner::Outcome::kGoOn:
      break;
    case ActionRunner::Outcome::kJumped:
      return Next::kStay;
    case ActionRunner::Outcome::kStopCall:
      return Reject(call, now);
  }
  if (pause.is_timewait) {
    call->timewait = true;
    if (call->media != nullptr) environment_.media->Stop(call->media, now);
    // Nothing is rendered from it any more: what comes again is answered from itself.
    if (call->last != nullptr) environment_.calls->Release(call->last);
    call->last = nullptr;
  }
  return PauseUntil(call, now);
}

ScenarioPlayer::Next ScenarioPlayer::PauseUntil(Call* call, Instant now) {
  if (call->paused_until <= now) return Next::kAdvance;
  call->pausing = true;
  call->waiting_step = kNoIndex;
  environment_.timers->Arm(&call->wait_timer, call->paused_until);
  return Next::kWait;
}

ScenarioPlayer::Next ScenarioPlayer::Wait(Call* call, Instant now) {
  if (call->queued != nullptr) {
    Received* received = call->queued;
    call->queued = nullptr;
    return Receive(call, received, now);
  }
  ArmRecvTimeout(call, call->step, now);
  return Next::kWait;
}

// The soonest timeout of the recv steps from `from` on that a message may be for. (SIPp looks at
// the first alone until something optional came, so that a timeout on the last never runs out
// against a peer that says nothing.)
void ScenarioPlayer::ArmRecvTimeout(Call* call, size_t from, Instant now) {
  Duration soonest = Duration::max();
  call->waiting_step = kNoIndex;
  for (size_t i = from; i < scenario_.steps.size(); ++i) {
    const auto* recv = std::get_if<RecvStep>(&scenario_.steps[i].what);
    if (recv == nullptr) break;
    const Duration timeout =
        recv->timeout > Duration{0} ? recv->timeout : environment_.options->recv_timeout;
    if (timeout > Duration{0} && timeout < soonest) {
      soonest = timeout;
      call->waiting_step = static_cast<uint16_t>(i);
    }
    if (recv->optional == RecvStep::Optional::kNo) break;
  }
  if (call->waiting_step == kNoIndex) {
    environment_.timers->Disarm(&call->wait_timer);
  } else {
    environment_.timers->Arm(&call->wait_timer, now + soonest);
  }
}

void ScenarioPlayer::OnWaitOver(Call* call, Instant now) {
  if (call->pausing) {
    call->pausing = false;
    Advance(call);
    return Walk(call, now);
  }
  if (call->waiting_step == kNoIndex) return Walk(call, now);
  const size_t step = call->waiting_step;
  call->waiting_step = kNoIndex;
  ++statistics_.steps[step].timeouts;
  if (OnTimeout(call, step, Failure::kTimeoutOnRecv, now) == Next::kStay) Walk(call, now);
}

// Goes where `ontimeout` leads. Without it, or when that is the end of the scenario, the call has
// failed.
ScenarioPlayer::Next ScenarioPlayer::OnTimeout(Call* call, size_t step, Failure failure,
                                               Instant now) {
  const uint16_t target = scenario_.steps[step].on_timeout;
  if (target == kNoIndex || target >= scenario_.steps.size()) return Fail(call, failure, now);
  call->step = target;
  call->pausing = false;
  environment_.timers->Disarm(&call->wait_timer);
  return Next::kStay;
}

}  // namespace loadgen
