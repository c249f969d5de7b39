#include "loadgen/action_runner.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <variant>

#include "core/base/ascii.h"
#include "core/base/concat.h"
#include "core/sip/cursor.h"
#include "loadgen/pause_length.h"

namespace loadgen {
namespace {

using core::HexValue;
using core::Instant;

std::string_view HeadOf(std::string_view message) {
  const size_t end = message.find("\r\n\r\n");
  return end == std::string_view::npos ? message : message.substr(0, end + 2);
}

bool BeginsWith(std::string_view text, std::string_view prefix, bool ignore_case) {
  if (text.size() < prefix.size()) return false;
  if (!ignore_case) return text.starts_with(prefix);
  return core::sip::EqualsIgnoreCase(text.substr(0, prefix.size()), prefix);
}

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

void UrlEncode(std::string_view text, core::sip::TextWriter* out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out->Append(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out->Append('%');
    out->Append(kDigits[byte >> 4]);
    out->Append(kDigits[byte & 15]);
  }
}

void UrlDecode(std::string_view text, core::sip::TextWriter* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
                        HexValue(text[i + 2]) >= 0;
    if (escape) {
      out->Append(static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2])));
      i += 2;
    } else {
      out->Append(text[i]);
    }
  }
}

}  // namespace

VariableStore* ActionRunner::StoreOf(ScenarioPlayer* player, Call* call, VariableId variable) {
  switch (variable.scope) {
    case VariableScope::kCall:
      return &call->variables;
    case VariableScope::kUser:
      return UserStore(player, call);
    case VariableScope::kGlobal:
      break;
  }
  return &player->globals_;
}

VariableStore* ActionRunner::UserStore(ScenarioPlayer* player, Call* call) {
  const auto user = static_cast<size_t>(call->user_id);
  return user >= 1 && user <= player->users_.size() ? &player->users_[user - 1]
                                                    : &call->own_user_variables;
}

ActionRunner::Outcome ActionRunner::Run(const std::vector<Action>& actions, std::string_view bytes,
                                        const core::sip::Message* received) {
  bytes_ = bytes;
  received_ = received;
  outcome_ = Outcome::kGoOn;
  for (const Action& action : actions) {
    std::visit([this](const auto& what) { Do(what); }, action.what);
    if (outcome_ == Outcome::kStopCall) break;
  }
  return outcome_;
}

std::string_view ActionRunner::Render(const MessageTemplate& text) {
  ScenarioPlayer::Rendering rendering = player_.RenderingOf(call_, call_.step, now_);
  if (received_ != nullptr) rendering.last = received_;
  const size_t size = text.Render(player_.ContextOf(&call_, rendering), text_);
  return {text_, size};
}

double ActionRunner::Number(const NumberOperand& operand) {
  if (!operand.variable) return operand.value;
  double value = 0;
  (void)Store(*operand.variable)->ReadNumber(operand.variable->index, &value);
  return value;
}

void ActionRunner::SetText(VariableId variable, VariableType type, std::string_view text) {
  if (Store(variable)->SetText(variable.index, type, text)) return;
  player_.environment_.trace->Warn({"Call-Id: ", call_.call_id(), ", no room for the variable ",
                                    player_.scenario_.variables.name(variable)});
}

void ActionRunner::SetNumber(VariableId variable, double number) {
  Store(variable)->SetNumber(variable.index, number);
}

void ActionRunner::Judge(Check check, bool held, Failure not_true, Failure not_false) {
  if (check == Check::kMustBeTrue && !held) call_.failure = not_true;
  if (check == Check::kMustBeFalse && held) call_.failure = not_false;
}

// SIPp's header search is one for text: what stands between the end of `header`, wherever that is
// in the head, and the end of the line.
std::string_view ActionRunner::SearchedText(const EregAction& action, bool* found) {
  *found = true;
  switch (action.where) {
    case EregAction::Where::kMessage:
      return bytes_;
    case EregAction::Where::kBody: {
      const size_t end = bytes_.find("\r\n\r\n");
      return end == std::string_view::npos ? std::string_view() : bytes_.substr(end + 4);
    }
    case EregAction::Where::kVariable:
      return Store(action.variable)->text(action.variable.index);
    case EregAction::Where::kHeader:
      break;
  }
  const std::string_view head = HeadOf(bytes_);
  uint32_t left = std::max<uint32_t>(action.occurrence, 1);
  for (size_t at = 0; at < head.size(); ++at) {
    if (action.start_of_line && at > 0 && head[at - 1] != '\n') continue;
    if (!BeginsWith(head.substr(at), action.header, action.ignore_case) || --left > 0) continue;
    const std::string_view rest = head.substr(at + action.header.size());
    return rest.substr(0, rest.find_first_of("\r\n"));
  }
  *found = false;
  return {};
}

void ActionRunner::Do(const EregAction& action) {
  bool found = false;
  const std::string_view text = SearchedText(action, &found);
  if (!found && action.check == Check::kMustBeTrue) {
    call_.failure = Failure::kRegexpHeaderNotFound;
    return;
  }
  std::array<std::string_view, RegularExpression::kGroupsMax> groups;
  const bool matched = action.expression.Search(text, groups);
  Judge(action.check, matched, Failure::kRegexpDoesntMatch, Failure::kRegexpShouldntMatch);
  if (!matched) return;
  for (size_t i = 0; i < action.assign_to.size() && i < groups.size(); ++i) {
    if (groups[i].data() == nullptr) {
      Store(action.assign_to[i])->Unset(action.assign_to[i].index);
    } else {
      SetText(action.assign_to[i], VariableType::kRegexp, groups[i]);
    }
  }
}

void ActionRunner::Do(const LogAction& action) {
  const bool fatal = action.level == LogAction::Level::kError;
  RunRequests* requests = player_.environment_.requests;
  if (fatal && !requests->fatal) {
    requests->fatal = true;
    requests->why_fatal = core::Concat("error: ", Render(action.message));
  }
  if (action.level != LogAction::Level::kLog) ++player_.statistics_.counts.warnings;
  if (player_.environment_.trace->warns()) {
    player_.environment_.trace->Warn({fatal ? "error: " : "", Render(action.message)});
  }
}

void ActionRunner::Do(const ArithmeticAction& action) {
  using Operator = ArithmeticAction::Operator;
  const double operand = Number(action.operand);
  const double before = Number({.variable = action.assign_to});
  switch (action.op) {
    case Operator::kAssign:
      return SetNumber(action.assign_to, operand);
    case Operator::kAdd:
      return SetNumber(action.assign_to, before + operand);
    case Operator::kSubtract:
      return SetNumber(action.assign_to, before - operand);
    case Operator::kMultiply:
      return SetNumber(action.assign_to, before * operand);
    case Operator::kDivide:
      if (operand != 0) return SetNumber(action.assign_to, before / operand);
      player_.environment_.trace->Warn({"Call-Id: ", call_.call_id(), ", a division by zero"});
  }
}

void ActionRunner::Do(const AssignTextAction& action) {
  SetText(action.assign_to, VariableType::kString, Render(action.value));
}

void ActionRunner::Do(const SampleAction& action) {
  SetNumber(action.assign_to, action.distribution.Sample(player_.environment_.random));
}

void ActionRunner::Do(const ToNumberAction& action) {
  SetNumber(action.assign_to, Number({.variable = action.variable}));
}

void ActionRunner::Do(const TestAction& action) {
  using Compare = TestAction::Compare;
  const double left = Number({.variable = action.variable});
  const double right = Number(action.operand);
  bool held = false;
  switch (action.compare) {
    case Compare::kEqual:
      held = left == right;
      break;
    case Compare::kNotEqual:
      held = left != right;
      break;
    case Compare::kGreater:
      held = left > right;
      break;
    case Compare::kLess:
      held = left < right;
      break;
    case Compare::kGreaterOrEqual:
      held = left >= right;
      break;
    case Compare::kLessOrEqual:
      held = left <= right;
      break;
  }
  if (action.assign_to) Store(*action.assign_to)->SetBool(action.assign_to->index, held);
  Judge(action.check, held, Failure::kTestDoesntMatch, Failure::kTestShouldntMatch);
}

void ActionRunner::Do(const CompareTextAction& action) {
  const std::string_view left = Store(action.variable)->text(action.variable.index);
  const std::string_view right =
      action.other ? Store(*action.other)->text(action.other->index) : action.value;
  const int order = left.compare(right);
  if (action.assign_to) SetNumber(*action.assign_to, order < 0 ? -1 : order > 0 ? 1 : 0);
  Judge(action.check, order == 0, Failure::kStrcmpDoesntMatch, Failure::kStrcmpShouldntMatch);
}

void ActionRunner::Do(const JumpAction& action) {
  const double target = Number(action.target);
  const auto steps = static_cast<double>(player_.scenario_.steps.size());
  if (!(target >= 0) || target > steps) {
    player_.environment_.trace->Warn({"Call-Id: ", call_.call_id(), ", a jump to no step"});
    return;
  }
  call_.step = static_cast<uint16_t>(target);
  outcome_ = Outcome::kJumped;
}

void ActionRunner::Do(const PauseRestoreAction& action) {
  const double until = Number(action.until);
  if (!(until > 0)) return;  // Nothing was paused.
  call_.paused_until = player_.environment_.run_started + PauseLength(until);
  call_.resume_pause = true;
}

void ActionRunner::Do(const GetTimeAction& action) {
  const int64_t wall_us = player_.environment_.trace->wall().unix_us;
  const int64_t whole_seconds = wall_us / 1'000'000;
  SetNumber(action.seconds, static_cast<double>(whole_seconds));
  SetNumber(action.microseconds, static_cast<double>(wall_us % 1'000'000));
}

void ActionRunner::Do(const IndexAction& action) { SetNumber(action.assign_to, call_.step); }

void ActionRunner::Do(const EditTextAction& action) {
  const std::string_view text = Store(action.variable)->text(action.variable.index);
  if (action.edit == EditTextAction::Edit::kTrim) {
    const std::string_view trimmed = core::sip::Trim(text);
    core::sip::TextWriter copy(text_);
    copy.Append(trimmed);
    return SetText(action.variable, VariableType::kString, copy.text());
  }
  core::sip::TextWriter out(text_);
  if (action.edit == EditTextAction::Edit::kUrlEncode) {
    UrlEncode(text, &out);
  } else {
    UrlDecode(text, &out);
  }
  SetText(action.variable, VariableType::kString, out.text());
}

void ActionRunner::Do(const LookupAction& action) {
  const InjectionFile& file = player_.environment_.injections->file(action.file);
  const std::optional<uint32_t> line = file.Lookup(Render(action.key));
  SetNumber(action.assign_to, line ? static_cast<double>(*line) : -1);
}

void ActionRunner::Do(const InternalCommandAction& action) {
  using Command = InternalCommandAction::Command;
  switch (action.command) {
    case Command::kStopCall:
      outcome_ = Outcome::kStopCall;
      return;
    case Command::kStopGracefully:
      player_.environment_.requests->stop_gracefully = true;
      return;
    case Command::kStopNow:
      player_.environment_.requests->stop_now = true;
      return;
  }
}

}  // namespace loadgen
