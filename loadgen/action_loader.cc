#include "loadgen/action_loader.h"

#include <algorithm>
#include <utility>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "loadgen/media/media_loader.h"

namespace loadgen {
namespace {

using Loader = absl::Status (*)(const ElementReader& in, Action* action);

absl::Status LoadEreg(const ElementReader& in, Action* action) {
  std::string_view pattern;
  RETURN_IF_ERROR(in.RequiredText("regexp", &pattern));
  bool ignore_case = false;
  RETURN_IF_ERROR(in.Bool("case_indep", &ignore_case));
  absl::StatusOr<RegularExpression> expression = RegularExpression::Compile(pattern, ignore_case);
  if (!expression.ok()) return in.Annotate(expression.status());

  EregAction ereg(*std::move(expression));
  ereg.ignore_case = ignore_case;
  RETURN_IF_ERROR(in.CheckIt(&ereg.check));
  const std::string_view where = in.Text("search_in").value_or("msg");
  if (where == "hdr") {
    ereg.where = EregAction::Where::kHeader;
    std::string_view header;
    RETURN_IF_ERROR(in.RequiredText("header", &header));
    if (header.empty()) return in.Error("header=\"\": wanted the name of a header field");
    ereg.header = std::string(header);
    int64_t occurrence = 1;
    // SIPp's first spelling is still in use.
    RETURN_IF_ERROR(in.Whole("occurence", 1, INT32_MAX, &occurrence));
    RETURN_IF_ERROR(in.Whole("occurrence", 1, INT32_MAX, &occurrence));
    ereg.occurrence = static_cast<uint32_t>(occurrence);
    RETURN_IF_ERROR(in.Bool("start_line", &ereg.start_of_line));
  } else if (where == "body") {
    ereg.where = EregAction::Where::kBody;
  } else if (where == "var") {
    ereg.where = EregAction::Where::kVariable;
    RETURN_IF_ERROR(in.RequiredVariable("variable", &ereg.variable));
  } else if (where != "msg") {
    return in.Error(core::Concat("search_in=\"", where, "\": wanted msg, hdr, body or var"));
  }
  RETURN_IF_ERROR(in.Variables("assign_to", RegularExpression::kGroupsMax, &ereg.assign_to));
  action->what = std::move(ereg);
  return absl::OkStatus();
}

absl::Status LoadLog(const ElementReader& in, Action* action) {
  LogAction log;
  RETURN_IF_ERROR(in.RequiredTemplate("message", &log.message));
  if (in.name() == "warning") log.level = LogAction::Level::kWarning;
  if (in.name() == "error") log.level = LogAction::Level::kError;
  action->what = std::move(log);
  return absl::OkStatus();
}

absl::Status LoadArithmetic(const ElementReader& in, Action* action) {
  using Operator = ArithmeticAction::Operator;
  constexpr std::pair<std::string_view, Operator> kOperators[] = {{"assign", Operator::kAssign},
                                                                  {"add", Operator::kAdd},
                                                                  {"subtract", Operator::kSubtract},
                                                                  {"multiply", Operator::kMultiply},
                                                                  {"divide", Operator::kDivide}};
  ArithmeticAction arithmetic;
  for (const auto& [name, op] : kOperators) {
    if (name == in.name()) arithmetic.op = op;
  }
  RETURN_IF_ERROR(in.RequiredVariable("assign_to", &arithmetic.assign_to));
  RETURN_IF_ERROR(in.Operand("value", "variable", &arithmetic.operand));
  if (arithmetic.op == Operator::kDivide && !arithmetic.operand.variable &&
      arithmetic.operand.value == 0) {
    return in.Error("value=\"0\": wanted a divisor other than 0");
  }
  action->what = arithmetic;
  return absl::OkStatus();
}

absl::Status LoadAssignText(const ElementReader& in, Action* action) {
  AssignTextAction assign;
  RETURN_IF_ERROR(in.RequiredVariable("assign_to", &assign.assign_to));
  RETURN_IF_ERROR(in.RequiredTemplate("value", &assign.value));
  action->what = std::move(assign);
  return absl::OkStatus();
}

absl::Status LoadSample(const ElementReader& in, Action* action) {
  SampleAction sample;
  RETURN_IF_ERROR(in.RequiredVariable("assign_to", &sample.assign_to));
  bool found = false;
  RETURN_IF_ERROR(LoadDistribution(in, false, &sample.distribution, &found));
  if (!found) return in.Error("wanted the attribute distribution");
  action->what = sample;
  return absl::OkStatus();
}

absl::Status LoadToNumber(const ElementReader& in, Action* action) {
  ToNumberAction convert;
  RETURN_IF_ERROR(in.RequiredVariable("assign_to", &convert.assign_to));
  RETURN_IF_ERROR(in.RequiredVariable("variable", &convert.variable));
  action->what = convert;
  return absl::OkStatus();
}

absl::Status LoadTest(const ElementReader& in, Action* action) {
  using Compare = TestAction::Compare;
  constexpr std::pair<std::string_view, Compare> kCompares[] = {
      {"equal", Compare::kEqual},
      {"not_equal", Compare::kNotEqual},
      {"greater_than", Compare::kGreater},
      {"less_than", Compare::kLess},
      {"greater_than_equal", Compare::kGreaterOrEqual},
      {"less_than_equal", Compare::kLessOrEqual}};
  TestAction test;
  std::string_view compare;
  RETURN_IF_ERROR(in.RequiredVariable("variable", &test.variable));
  RETURN_IF_ERROR(in.Operand("value", "variable2", &test.operand));
  RETURN_IF_ERROR(in.RequiredText("compare", &compare));
  const auto* found = std::find_if(std::begin(kCompares), std::end(kCompares),
                                   [&](const auto& row) { return row.first == compare; });
  if (found == std::end(kCompares)) {
    return in.Error(core::Concat("compare=\"", compare,
                                 "\": wanted equal, not_equal, greater_than, less_than, "
                                 "greater_than_equal or less_than_equal"));
  }
  test.compare = found->second;
  RETURN_IF_ERROR(in.CheckIt(&test.check));
  RETURN_IF_ERROR(in.Variable("assign_to", &test.assign_to));
  if (!test.assign_to && test.check == Check::kNone) {
    return in.Error("wanted assign_to, check_it or check_it_inverse");
  }
  action->what = test;
  return absl::OkStatus();
}

absl::Status LoadCompareText(const ElementReader& in, Action* action) {
  CompareTextAction compare;
  RETURN_IF_ERROR(in.RequiredVariable("variable", &compare.variable));
  if (in.Has("value") == in.Has("variable2")) {
    return in.Error("wanted one of the attributes value and variable2");
  }
  compare.value = std::string(in.Text("value").value_or(""));
  RETURN_IF_ERROR(in.Variable("variable2", &compare.other));
  RETURN_IF_ERROR(in.CheckIt(&compare.check));
  RETURN_IF_ERROR(in.Variable("assign_to", &compare.assign_to));
  if (!compare.assign_to && compare.check == Check::kNone) {
    return in.Error("wanted assign_to, check_it or check_it_inverse");
  }
  action->what = std::move(compare);
  return absl::OkStatus();
}

absl::Status LoadJump(const ElementReader& in, Action* action) {
  JumpAction jump;
  RETURN_IF_ERROR(in.Operand("value", "variable", &jump.target));
  // The step that is being read is the last one so far.
  const auto here = static_cast<double>(in.state()->scenario->steps.size() - 1);
  if (!jump.target.variable && jump.target.value == here) {
    return in.Error("value: a jump to its own step never ends; wanted another one");
  }
  action->what = jump;
  return absl::OkStatus();
}

absl::Status LoadPauseRestore(const ElementReader& in, Action* action) {
  PauseRestoreAction restore;
  RETURN_IF_ERROR(in.Operand("value", "variable", &restore.until));
  action->what = restore;
  return absl::OkStatus();
}

absl::Status LoadGetTime(const ElementReader& in, Action* action) {
  std::vector<VariableId> assign_to;
  RETURN_IF_ERROR(in.Variables("assign_to", 2, &assign_to));
  if (assign_to.size() != 2) {
    return in.Error("assign_to: wanted two variables, for seconds and microseconds");
  }
  action->what = GetTimeAction{assign_to[0], assign_to[1]};
  return absl::OkStatus();
}

absl::Status LoadIndex(const ElementReader& in, Action* action) {
  IndexAction index;
  RETURN_IF_ERROR(in.RequiredVariable("assign_to", &index.assign_to));
  action->what = index;
  return absl::OkStatus();
}

absl::Status LoadEditText(const ElementReader& in, Action* action) {
  EditTextAction edit;
  if (in.name() == "urlencode") edit.edit = EditTextAction::Edit::kUrlEncode;
  if (in.name() == "urldecode") edit.edit = EditTextAction::Edit::kUrlDecode;
  const char* attribute = in.name() == "trim" ? "assign_to" : "variable";
  RETURN_IF_ERROR(in.RequiredVariable(attribute, &edit.variable));
  action->what = edit;
  return absl::OkStatus();
}

absl::Status LoadLookup(const ElementReader& in, Action* action) {
  LookupAction lookup;
  std::string_view name;
  RETURN_IF_ERROR(in.RequiredVariable("assign_to", &lookup.assign_to));
  RETURN_IF_ERROR(in.RequiredText("file", &name));
  const InjectionFiles* files = in.state()->injections;
  const std::optional<size_t> file = files == nullptr ? std::nullopt : files->Find(name);
  if (!file || !files->file(*file).indexed()) {
    return in.Error(core::Concat("file=\"", name, "\": wanted an -inf file with an -infindex"));
  }
  lookup.file = *file;
  RETURN_IF_ERROR(in.RequiredTemplate("key", &lookup.key));
  action->what = std::move(lookup);
  return absl::OkStatus();
}

absl::Status LoadExec(const ElementReader& in, Action* action) {
  for (const char* form : {"command", "play_pcap_video", "play_pcap_image"}) {
    if (in.Has(form)) return in.NotYet(core::Concat(form, "="));
  }
  bool is_media = false;
  RETURN_IF_ERROR(LoadMediaExec(in, action, &is_media));
  if (is_media) return absl::OkStatus();
  const std::optional<std::string_view> command = in.Text("int_cmd");
  if (!command) {
    return in.Error(
        "unknown exec: wanted int_cmd, rtp_stream, play_pcap_audio, play_dtmf or rtp_echo");
  }
  InternalCommandAction internal;  // Whatever else it says is stop_call, as SIPp has it.
  if (*command == "stop_gracefully") {
    internal.command = InternalCommandAction::Command::kStopGracefully;
  } else if (*command == "stop_now") {
    internal.command = InternalCommandAction::Command::kStopNow;
  }
  action->what = internal;
  return absl::OkStatus();
}

absl::Status RefuseAction(const ElementReader& in, Action*) { return in.NotYet(""); }

constexpr std::pair<std::string_view, Loader> kActions[] = {
    {"ereg", LoadEreg},
    {"log", LoadLog},
    {"warning", LoadLog},
    {"error", LoadLog},
    {"assign", LoadArithmetic},
    {"add", LoadArithmetic},
    {"subtract", LoadArithmetic},
    {"multiply", LoadArithmetic},
    {"divide", LoadArithmetic},
    {"assignstr", LoadAssignText},
    {"sample", LoadSample},
    {"todouble", LoadToNumber},
    {"test", LoadTest},
    {"strcmp", LoadCompareText},
    {"jump", LoadJump},
    {"pauserestore", LoadPauseRestore},
    {"gettimeofday", LoadGetTime},
    {"index", LoadIndex},
    {"trim", LoadEditText},
    {"urlencode", LoadEditText},
    {"urldecode", LoadEditText},
    {"lookup", LoadLookup},
    {"exec", LoadExec},
    {"verifyauth", RefuseAction},
    {"insert", RefuseAction},
    {"replace", RefuseAction},
    {"setdest", RefuseAction},
    {"closecon", RefuseAction},
    {"rtp_echo", LoadEchoAll},
};

}  // namespace

absl::Status LoadActions(const XmlElement& action_element, LoadState* state,
                         std::vector<Action>* actions) {
  ElementReader(action_element, state).WarnOfUnread();
  for (XmlElement child = action_element.FirstChild(); child; child = child.Next()) {
    const ElementReader in(child, state);
    const auto* found = std::find_if(std::begin(kActions), std::end(kActions),
                                     [&](const auto& row) { return row.first == child.name(); });
    if (found == std::end(kActions)) return in.Error("unknown action: wanted one of SIPp's");
    Action action{.line = child.line(), .what = InternalCommandAction{}};
    RETURN_IF_ERROR(found->second(in, &action));
    in.WarnOfUnread();
    in.WarnOfChildren();
    actions->push_back(std::move(action));
  }
  return absl::OkStatus();
}

}  // namespace loadgen
