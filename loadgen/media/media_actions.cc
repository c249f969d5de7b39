#include "core/buffer/text_writer.h"
#include "loadgen/action_runner.h"
#include "loadgen/media/digit_list.h"
#include "loadgen/media/media_engine.h"

// The media part of what stands in an <action>, and the checks of what was heard. Where nobody has
// opened ports (a simulation of signalling alone), both do nothing.

namespace loadgen {
namespace {

void AppendMilliseconds(core::Duration duration, core::TextWriter* out) {
  out->AppendNumber(static_cast<uint64_t>(duration / std::chrono::milliseconds(1)));
}

}  // namespace

void ActionRunner::Do(const PlayAudioAction& action) {
  if (call_.media != nullptr) player_.environment_.media->Play(call_.media, action, now_);
}

void ActionRunner::Do(const PlayPatternAction& action) {
  if (call_.media != nullptr) player_.environment_.media->Play(call_.media, action, now_);
}

void ActionRunner::Do(const PauseAudioAction& action) {
  if (call_.media != nullptr) player_.environment_.media->Pause(call_.media, action.pause, now_);
}

void ActionRunner::Do(const PlayPcapAction& action) {
  if (call_.media != nullptr) player_.environment_.media->Play(call_.media, action, now_);
}

void ActionRunner::Do(const PlayDigitsAction& action) {
  if (call_.media == nullptr) return;
  const std::string_view text = Render(action.text);
  DigitList digits;
  if (ParseDigitList(text, &digits)) {
    return player_.environment_.media->Play(call_.media, digits, now_);
  }
  ++player_.statistics_.counts.warnings;
  player_.environment_.trace->Warn(
      {"Call-Id: ", call_.call_id(), ", play_dtmf: no list of digits: ", text});
}

void ActionRunner::Do(const EchoCallAction& action) {
  if (call_.media != nullptr) call_.media->echo = action.on;
}

void ActionRunner::Do(const EchoAllAction& action) {
  MediaEngine* media = player_.environment_.media;
  if (media != nullptr) media->SetEchoOfAll(Number(action.on) != 0);
}

// Nothing that a call asks for makes another call's audio right.
void ScenarioPlayer::CheckMarks(Call* call) {
  if (call->media == nullptr || call->media->misrouted == 0) return;
  if (call->failure == Failure::kNone) call->failure = Failure::kMediaMisrouted;
  environment_.trace->Warn({"Call-Id: ", call->call_id(), ", audio of another call came"});
}

// The call is as good as it was: the run's exit code says it (SIPp).
void ScenarioPlayer::CheckPattern(const Call& call) {
  if (call.media == nullptr || !environment_.media->PatternFailed(*call.media)) return;
  environment_.trace->Warn({"Call-Id: ", call.call_id(), ", too little of its pattern came back"});
}

void ScenarioPlayer::CheckMedia(Call* call, const Step& step, core::Instant now) {
  if (call->media == nullptr || !step.media.any()) return;
  Failure failure = Failure::kNone;
  std::string_view reason;
  char memory[CallMedia::kDigitsMax];
  core::TextWriter detail(memory);
  switch (environment_.media->Judge(*call->media, step.media, now)) {
    case MediaFault::kNone:
      return;
    case MediaFault::kMos:
      failure = Failure::kMediaMos;
      reason = ", audio below rf_min_mos, or that nobody can judge";
      break;
    case MediaFault::kLoss:
      failure = Failure::kMediaLoss;
      reason = ", audio above rf_max_loss, or none at all";
      break;
    case MediaFault::kJitter:
      failure = Failure::kMediaJitter;
      reason = ", audio above rf_max_jitter, or none at all";
      break;
    case MediaFault::kOneWay:
      failure = Failure::kMediaOneWay;
      reason = ", rf_two_way: no audio came, or none was sent";
      break;
    case MediaFault::kDeaf:
      failure = Failure::kMediaOneWay;
      reason = ", rf_two_way: no audio comes any more; ms without: ";
      AppendMilliseconds(call->media->alone.At(now), &detail);
      break;
    case MediaFault::kGap:
      failure = Failure::kMediaGap;
      reason = ", audio with a gap above rf_max_gap, or none at all; ms without: ";
      AppendMilliseconds(call->media->deaf.Longest(now), &detail);
      break;
    case MediaFault::kDigits:
      detail.Append(call->media->digits_received.view());
      failure = Failure::kMediaDigits;
      reason = ", other digits than rf_dtmf wants: ";
      break;
  }
  call->failure = failure;
  environment_.trace->Warn({"Call-Id: ", call->call_id(), reason, detail.text()});
}

}  // namespace loadgen
