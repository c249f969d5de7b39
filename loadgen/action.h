#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/sip/header_id.h"
#include "loadgen/distribution.h"
#include "loadgen/media/media_action.h"
#include "loadgen/regular_expression.h"
#include "loadgen/template.h"
#include "loadgen/variables.h"

namespace loadgen {

/// A number that the scenario states, or the variable that holds it.
struct NumberOperand {
  double value = 0;
  std::optional<VariableId> variable;
};

/// What becomes of a call whose check came out one way or the other (`check_it`,
/// `check_it_inverse`).
enum class Check : uint8_t { kNone, kMustBeTrue, kMustBeFalse };

/// <ereg>: searches the last message, or a variable, and keeps what its groups matched.
struct EregAction {
  enum class Where : uint8_t { kMessage, kHeader, kBody, kVariable };
  explicit EregAction(RegularExpression compiled) : expression(std::move(compiled)) {}

  RegularExpression expression;
  Where where = Where::kMessage;
  std::string header;  // As written, colon included: the search is for this text.
  VariableId variable;
  uint32_t occurrence = 1;
  bool start_of_line = false;  // The header only where a line begins with it.
  bool ignore_case = false;
  Check check = Check::kNone;
  std::vector<VariableId> assign_to;  // The whole match, then one for each group.
};

/// <log>, <warning>, <error>.
struct LogAction {
  enum class Level : uint8_t { kLog, kWarning, kError };
  Level level = Level::kLog;
  MessageTemplate message;
};

/// <assign>, <add>, <subtract>, <multiply>, <divide>.
struct ArithmeticAction {
  enum class Operator : uint8_t { kAssign, kAdd, kSubtract, kMultiply, kDivide };
  Operator op = Operator::kAssign;
  VariableId assign_to;
  NumberOperand operand;
};

/// <assignstr>
struct AssignTextAction {
  VariableId assign_to;
  MessageTemplate value;
};

/// <sample>
struct SampleAction {
  VariableId assign_to;
  Distribution distribution;
};

/// <todouble>
struct ToNumberAction {
  VariableId assign_to;
  VariableId variable;
};

/// <test>: compares numbers.
struct TestAction {
  enum class Compare : uint8_t {
    kEqual,
    kNotEqual,
    kGreater,
    kLess,
    kGreaterOrEqual,
    kLessOrEqual,
  };
  VariableId variable;
  Compare compare = Compare::kEqual;
  NumberOperand operand;
  std::optional<VariableId> assign_to;
  Check check = Check::kNone;
};

/// <strcmp>: assigns -1, 0 or 1 as strcmp() does; a check holds where the texts are the same.
struct CompareTextAction {
  VariableId variable;
  std::string value;
  std::optional<VariableId> other;  // Instead of `value`.
  std::optional<VariableId> assign_to;
  Check check = Check::kNone;
};

/// <jump>: goes on at the step of this index.
struct JumpAction {
  NumberOperand target;
};

/// <pauserestore>: the moment a pause ends.
struct PauseRestoreAction {
  NumberOperand until;
};

/// <gettimeofday>: seconds and microseconds since the epoch.
struct GetTimeAction {
  VariableId seconds;
  VariableId microseconds;
};

/// <index>: the index of the step.
struct IndexAction {
  VariableId assign_to;
};

/// <trim>, <urlencode>, <urldecode>: change a variable in place.
struct EditTextAction {
  enum class Edit : uint8_t { kTrim, kUrlEncode, kUrlDecode };
  Edit edit = Edit::kTrim;
  VariableId variable;
};

/// <lookup>: the line of an indexed -inf file, -1 where the key is not in it.
struct LookupAction {
  VariableId assign_to;
  size_t file = 0;
  MessageTemplate key;
};

/// <exec int_cmd="...">
struct InternalCommandAction {
  enum class Command : uint8_t { kStopCall, kStopGracefully, kStopNow };
  Command command = Command::kStopCall;
};

/// <rtp_echo>: whether what comes is sent back, in all calls.
struct EchoAllAction {
  NumberOperand on;
};

/// One child of <action>, in the order of the file.
struct Action {
  int line = 0;
  std::variant<EregAction, LogAction, ArithmeticAction, AssignTextAction, SampleAction,
               ToNumberAction, TestAction, CompareTextAction, JumpAction, PauseRestoreAction,
               GetTimeAction, IndexAction, EditTextAction, LookupAction, InternalCommandAction,
               PlayAudioAction, PlayPatternAction, PauseAudioAction, PlayPcapAction,
               PlayDigitsAction, EchoCallAction, EchoAllAction>
      what;
};

}  // namespace loadgen
