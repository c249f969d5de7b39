#include "loadgen/scenario_loader.h"

#include <utility>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "core/sip/cursor.h"
#include "loadgen/element_reader.h"
#include "loadgen/step_loader.h"
#include "loadgen/text.h"
#include "loadgen/text_file.h"
#include "loadgen/xml_reader.h"
#include "loadgen/xml_repair.h"

namespace loadgen {
namespace {

absl::Status LoadLabel(const ElementReader& in) {
  std::string_view id;
  RETURN_IF_ERROR(in.RequiredText("id", &id));
  LoadState* state = in.state();
  const auto index = static_cast<uint16_t>(state->scenario->steps.size());
  if (!state->labels.emplace(std::string(id), index).second) {
    return in.Error(core::Concat("id=\"", id, "\": used twice; wanted each label once"));
  }
  return absl::OkStatus();
}

absl::Status LoadVariables(const ElementReader& in) {
  std::string_view names;
  RETURN_IF_ERROR(in.RequiredText("variables", &names));
  VariableTable& table = in.state()->scenario->variables;
  for (const std::string_view part : Split(names, ',')) {
    const std::string_view name = core::sip::Trim(part);
    if (name.empty()) return in.Error("variables: wanted names with commas between them");
    if (in.name() == "Reference") {
      if (!table.Find(name)) {
        return in.Error(core::Concat("variables=\"", names, "\": nothing before it names \"", name,
                                     "\"; wanted a variable that is used"));
      }
      (void)table.Use(name, in.line());  // It exists, so there is room for it.
      continue;
    }
    const auto scope = in.name() == "Global" ? VariableScope::kGlobal : VariableScope::kUser;
    if (!table.Declare(scope, name, in.line())) {
      return in.Error(core::Concat("wanted at most ", VariableTable::kVariablesMax, " variables"));
    }
  }
  return absl::OkStatus();
}

absl::Status LoadBorders(const ElementReader& in) {
  std::string_view text;
  RETURN_IF_ERROR(in.RequiredText("value", &text));
  Scenario* scenario = in.state()->scenario;
  std::vector<uint32_t>* borders = in.name() == "ResponseTimeRepartition"
                                       ? &scenario->response_time_borders_ms
                                       : &scenario->call_length_borders_ms;
  borders->clear();
  for (const std::string_view part : Split(text, ',')) {
    uint32_t border = 0;
    if (!ParseNumber(part, &border)) {
      return in.Error(
          core::Concat("value=\"", text, "\": wanted whole milliseconds, as in 10, 20"));
    }
    borders->push_back(border);
  }
  return absl::OkStatus();
}

absl::Status LoadElement(const XmlElement& element, LoadState* state) {
  bool is_step = false;
  RETURN_IF_ERROR(LoadStep(element, state, &is_step));
  if (is_step) return absl::OkStatus();
  const ElementReader in(element, state);
  const std::string_view name = in.name();
  if (name == "label") {
    RETURN_IF_ERROR(LoadLabel(in));
  } else if (name == "Global" || name == "User" || name == "Reference") {
    RETURN_IF_ERROR(LoadVariables(in));
  } else if (name == "ResponseTimeRepartition" || name == "CallLengthRepartition") {
    RETURN_IF_ERROR(LoadBorders(in));
  } else if (name == "sendCmd" || name == "recvCmd" || name == "init" || name == "DefaultMessage") {
    return in.NotYet("");
  } else {
    return in.Error("unknown element; wanted send, recv, pause, nop, label or another of SIPp's");
  }
  in.WarnOfUnread();
  in.WarnOfChildren();
  return absl::OkStatus();
}

absl::Status ResolveLabels(LoadState* state) {
  for (const LoadState::LabelUse& use : state->label_uses) {
    const auto label = state->labels.find(use.label);
    if (label == state->labels.end()) {
      return absl::InvalidArgumentError(
          core::Concat(state->file_name, ":", use.line, ": ", use.on_timeout ? "ontimeout" : "next",
                       "=\"", use.label, "\": wanted a <label id=\"", use.label, "\"/>"));
    }
    Step& step = state->scenario->steps[use.step];
    (use.on_timeout ? step.on_timeout : step.next) = label->second;
  }
  const auto unexpected = state->labels.find("_unexp.main");
  if (unexpected != state->labels.end()) state->scenario->on_unexpected = unexpected->second;
  return absl::OkStatus();
}

absl::Status CheckTransactions(const LoadState& state) {
  for (size_t i = 0; i < state.transactions.size(); ++i) {
    const LoadState::Transaction& transaction = state.transactions[i];
    const char* missing = !transaction.started                              ? "a start_txn"
                          : !transaction.answered                           ? "a response_txn"
                          : transaction.invite && !transaction.acknowledged ? "an ack_txn"
                                                                            : nullptr;
    if (missing == nullptr) continue;
    return absl::InvalidArgumentError(
        core::Concat(state.file_name, ":", transaction.line, ": transaction \"",
                     state.scenario->transactions[i], "\": wanted ", missing, " for it"));
  }
  return absl::OkStatus();
}

// Most often a misspelt name; SIPp refuses it too.
absl::Status CheckVariables(const LoadState& state) {
  for (const VariableTable::Entry& entry : state.scenario->variables.entries()) {
    if (entry.references != 1 || entry.name == "_") continue;
    return absl::InvalidArgumentError(
        core::Concat(state.file_name, ":", entry.line, ": variable \"", entry.name,
                     "\": named only here; wanted it both set and used, or a <Reference "
                     "variables=\"",
                     entry.name, "\"/>"));
  }
  return absl::OkStatus();
}

absl::Status CheckTimers(const LoadState& state) {
  for (size_t i = 0; i < state.rtds.size(); ++i) {
    if (state.rtds[i].started_line == 0 || state.rtds[i].stopped) continue;
    return absl::InvalidArgumentError(core::Concat(
        state.file_name, ":", state.rtds[i].started_line, ": start_rtd=\"", state.scenario->rtds[i],
        "\": it never stops; wanted an rtd=\"", state.scenario->rtds[i], "\""));
  }
  return absl::OkStatus();
}

// Where a call always goes on from a step, and without time passing: what asks for a test, chance,
// jump, message or pause is not known here, and an action may end the call or the run.
std::optional<size_t> SureNext(const Scenario& scenario, size_t index) {
  const Step& step = scenario.steps[index];
  if (std::holds_alternative<RecvStep>(step.what)) return std::nullopt;
  const auto* send = std::get_if<SendStep>(&step.what);
  if (send != nullptr && send->retransmit > core::Duration{0}) return std::nullopt;
  if (const auto* pause = std::get_if<PauseStep>(&step.what)) {
    const bool is_none = pause->source == PauseStep::Source::kDistribution &&
                         pause->duration_ms.kind == Distribution::Kind::kFixed &&
                         pause->duration_ms.first <= 0;
    if (!is_none) return std::nullopt;
  }
  for (const Action& action : step.actions) {
    const auto* log = std::get_if<LogAction>(&action.what);
    if ((log != nullptr && log->level == LogAction::Level::kError) ||
        std::holds_alternative<JumpAction>(action.what) ||
        std::holds_alternative<PauseRestoreAction>(action.what) ||
        std::holds_alternative<InternalCommandAction>(action.what)) {
      return std::nullopt;
    }
  }
  if (step.next == kNoIndex) return index + 1;
  if (step.test || step.chance < 1) return std::nullopt;
  return step.next;
}

// A warning for each loop that nothing leads out of. SIPp says no word of it, and a file may hold
// one where no call gets to; the call that does will fail.
void WarnOfEndlessLoops(LoadState* state) {
  Scenario* scenario = state->scenario;
  const std::vector<Step>& steps = scenario->steps;
  std::vector<size_t> walk_of(steps.size(),
                              steps.size());  // The first step of the walk through it.
  for (size_t first = 0; first < steps.size(); ++first) {
    size_t at = first;
    while (at < steps.size() && walk_of[at] == steps.size()) {
      walk_of[at] = first;
      const std::optional<size_t> next = SureNext(*scenario, at);
      if (!next) break;
      if (*next < steps.size() && walk_of[*next] == first) {
        scenario->warnings.push_back(core::Concat(
            state->file_name, ":", steps[at].line, ": the call goes back to line ",
            steps[*next].line, " from here, and so for ever without time passing: it will fail; ",
            "wanted a <recv>, a <pause> or a test on the way"));
      }
      at = *next;
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Scenario>> LoadScenario(std::string_view text,
                                                       std::string_view file_name,
                                                       const ScenarioInputs& inputs) {
  absl::StatusOr<std::unique_ptr<XmlDocument>> document = XmlDocument::Parse(text, file_name);
  RETURN_IF_ERROR(document.status());
  const XmlElement root = (*document)->root();
  if (!root || root.name() != "scenario") {
    return absl::InvalidArgumentError(
        core::Concat(file_name, ":", root ? root.line() : 1, ": wanted <scenario> as the root"));
  }
  auto scenario = std::make_unique<Scenario>();
  LoadState state;
  state.scenario = scenario.get();
  state.file_name = std::string(file_name);
  const ElementReader in(root, &state);
  scenario->name = std::string(in.Text("name").value_or(""));
  if (scenario->name.empty()) scenario->name = state.file_name;
  in.WarnOfUnread();
  state.injections = inputs.injections;
  state.keys = inputs.keys;
  state.rtp_payload_type = inputs.rtp_payload_type;
  if (!(*document)->root_is_closed()) {
    scenario->warnings.push_back(core::Concat(
        file_name, ":", root.line(), ": this <scenario> is never closed: is the file whole?"));
  }
  for (XmlElement child = root.FirstChild(); child; child = child.Next()) {
    RETURN_IF_ERROR(LoadElement(child, &state));
  }
  if (scenario->steps.empty()) {
    return absl::InvalidArgumentError(core::Concat(
        file_name, ":", root.line(), ": the scenario does nothing; wanted a <send> or a <recv>"));
  }
  RETURN_IF_ERROR(ResolveLabels(&state));
  RETURN_IF_ERROR(CheckTransactions(state));
  RETURN_IF_ERROR(CheckTimers(state));
  RETURN_IF_ERROR(CheckVariables(state));
  WarnOfEndlessLoops(&state);
  return scenario;
}

absl::StatusOr<std::unique_ptr<Scenario>> ReadScenario(const std::string& path,
                                                       const ScenarioInputs& inputs) {
  const absl::StatusOr<std::string> text = ReadTextFile(path, kXmlBytesMax);
  RETURN_IF_ERROR(text.status());
  return LoadScenario(*text, path, inputs);
}

}  // namespace loadgen
