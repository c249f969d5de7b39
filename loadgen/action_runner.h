#pragma once

#include <string_view>
#include <vector>

#include "core/base/instant.h"
#include "core/sip/message.h"
#include "loadgen/action.h"
#include "loadgen/call.h"
#include "loadgen/scenario_player.h"

namespace loadgen {

/// Does what stands in a step's <action>, in order.
///
/// A check that fails does not end the call: it goes on, and counts as failed when it ends (SIPp).
///
/// Lifetime: of one step.
class ActionRunner {
 public:
  enum class Outcome : uint8_t {
    kGoOn,
    kJumped,    // The call's step was set.
    kStopCall,  // exec int_cmd="stop_call"
  };

  ActionRunner(ScenarioPlayer* player, Call* call, core::Instant now)
      : player_(*player), call_(*call), now_(now) {}

  /// `bytes` is the message that the step is about, sent or received; `received` its index where it
  /// was received, which [last_X] then means.
  Outcome Run(const std::vector<Action>& actions, std::string_view bytes,
              const core::sip::Message* received);

  /// Where the variable's value is.
  static VariableStore* StoreOf(ScenarioPlayer* player, Call* call, VariableId variable);
  static VariableStore* UserStore(ScenarioPlayer* player, Call* call);

 private:
  static constexpr size_t kTextMax = 8192;  // Of a rendered text: <log>, <assignstr>, a key.

  void Do(const EregAction& action);
  void Do(const LogAction& action);
  void Do(const ArithmeticAction& action);
  void Do(const AssignTextAction& action);
  void Do(const SampleAction& action);
  void Do(const ToNumberAction& action);
  void Do(const TestAction& action);
  void Do(const CompareTextAction& action);
  void Do(const JumpAction& action);
  void Do(const PauseRestoreAction& action);
  void Do(const GetTimeAction& action);
  void Do(const IndexAction& action);
  void Do(const EditTextAction& action);
  void Do(const LookupAction& action);
  void Do(const InternalCommandAction& action);
  // Media (media/media_actions.cc).
  void Do(const PlayAudioAction& action);
  void Do(const PlayPatternAction& action);
  void Do(const PauseAudioAction& action);
  void Do(const PlayPcapAction& action);
  void Do(const PlayDigitsAction& action);
  void Do(const EchoCallAction& action);
  void Do(const EchoAllAction& action);

  std::string_view SearchedText(const EregAction& action, bool* found);
  std::string_view Render(const MessageTemplate& text);
  double Number(const NumberOperand& operand);
  void SetText(VariableId variable, VariableType type, std::string_view text);
  void SetNumber(VariableId variable, double number);
  void Judge(Check check, bool held, Failure not_true, Failure not_false);
  VariableStore* Store(VariableId variable) { return StoreOf(&player_, &call_, variable); }

  ScenarioPlayer& player_;
  Call& call_;
  core::Instant now_;
  std::string_view bytes_;
  const core::sip::Message* received_ = nullptr;
  Outcome outcome_ = Outcome::kGoOn;
  char text_[kTextMax];
};

}  // namespace loadgen
