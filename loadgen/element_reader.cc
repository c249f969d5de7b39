#include "loadgen/element_reader.h"

#include <algorithm>
#include <cmath>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "core/sip/cursor.h"
#include "loadgen/text.h"

namespace loadgen {

absl::Status ElementReader::Error(std::string_view what) const {
  return absl::InvalidArgumentError(
      core::Concat(state_->file_name, ":", line(), ": <", name(), ">: ", what));
}

absl::Status ElementReader::NotYet(std::string_view what) const {
  return absl::UnimplementedError(core::Concat(state_->file_name, ":", line(), ": <", name(),
                                               ">: ", what, what.empty() ? "" : " is ",
                                               "not supported yet"));
}

absl::Status ElementReader::Annotate(const absl::Status& status) const {
  return {status.code(), core::Concat(state_->file_name, ":", line(), ": <", name(),
                                      ">: ", std::string(status.message()))};
}

void ElementReader::Warn(std::string_view what) const {
  state_->scenario->warnings.push_back(
      core::Concat(state_->file_name, ":", line(), ": <", name(), ">: ", what));
}

void ElementReader::WarnOfUnread() const {
  for (const std::string_view name : element_.AttributeNames()) {
    const bool read = std::any_of(asked_.begin(), asked_.end(),
                                  [name](const char* asked) { return name == asked; });
    if (!read) Warn(core::Concat("the attribute ", name, " is ignored: it has no meaning here"));
  }
}

void ElementReader::WarnOfChildren() const {
  for (XmlElement child = element_.FirstChild(); child; child = child.Next()) {
    Warn(core::Concat("the <", child.name(), "> in line ", child.line(),
                      " is ignored: it has no meaning here"));
  }
}

absl::Status ElementReader::Wanted(const char* name, std::string_view value,
                                   std::string_view wanted) const {
  return Error(core::Concat(name, "=\"", value, "\": wanted ", wanted));
}

absl::Status ElementReader::RequiredText(const char* name, std::string_view* out) const {
  const std::optional<std::string_view> text = Text(name);
  if (!text) return Error(core::Concat("wanted the attribute ", name));
  *out = *text;
  return absl::OkStatus();
}

absl::Status ElementReader::Number(const char* name, double* out) const {
  const std::optional<std::string_view> text = Text(name);
  if (!text) return absl::OkStatus();
  double number = 0;  // An empty text is 0, as SIPp's strtod() has it.
  if (!text->empty() && (!ParseNumber(*text, &number) || !std::isfinite(number))) {
    return Wanted(name, *text, "a number");
  }
  *out = number;
  return absl::OkStatus();
}

absl::Status ElementReader::Whole(const char* name, int64_t min, int64_t max, int64_t* out) const {
  const std::optional<std::string_view> text = Text(name);
  if (!text) return absl::OkStatus();
  int64_t number = 0;
  if ((!text->empty() && !ParseNumber(*text, &number)) || number < min || number > max) {
    return Wanted(name, *text, core::Concat("a whole number, ", min, " to ", max));
  }
  *out = number;
  return absl::OkStatus();
}

absl::Status ElementReader::Bool(const char* name, bool* out) const {
  const std::optional<std::string_view> text = Text(name);
  if (!text) return absl::OkStatus();
  int64_t number = 0;
  if (core::sip::EqualsIgnoreCase(*text, "true")) {
    *out = true;
  } else if (core::sip::EqualsIgnoreCase(*text, "false")) {
    *out = false;
  } else if (ParseNumber(*text, &number)) {
    *out = number != 0;
  } else {
    return Wanted(name, *text, "true or false");
  }
  return absl::OkStatus();
}

absl::Status ElementReader::Milliseconds(const char* name, core::Duration* out) const {
  int64_t number = 0;
  if (!Has(name)) return absl::OkStatus();
  RETURN_IF_ERROR(Whole(name, 0, INT32_MAX, &number));
  *out = std::chrono::milliseconds(number);
  return absl::OkStatus();
}

absl::Status ElementReader::CheckIt(Check* out) const {
  bool must = false;
  bool must_not = false;
  RETURN_IF_ERROR(Bool("check_it", &must));
  RETURN_IF_ERROR(Bool("check_it_inverse", &must_not));
  if (must && must_not) return Error("check_it and check_it_inverse: wanted at most one of them");
  *out = must ? Check::kMustBeTrue : must_not ? Check::kMustBeFalse : Check::kNone;
  return absl::OkStatus();
}

absl::Status ElementReader::UseVariable(std::string_view text, const char* attribute,
                                        VariableId* out) const {
  const std::string_view name = core::sip::Trim(text);
  if (name.empty() || (name.find('$') != std::string_view::npos) ||
      (name.find(',') != std::string_view::npos)) {
    return Wanted(attribute, text, "the name of a variable, without $ and ,");
  }
  const std::optional<VariableId> id = state_->scenario->variables.Use(name, line());
  if (!id) {
    return Wanted(attribute, text,
                  core::Concat("at most ", VariableTable::kVariablesMax, " variables"));
  }
  *out = *id;
  return absl::OkStatus();
}

absl::Status ElementReader::RequiredVariable(const char* name, VariableId* out) const {
  std::string_view text;
  RETURN_IF_ERROR(RequiredText(name, &text));
  return UseVariable(text, name, out);
}

absl::Status ElementReader::Variable(const char* name, std::optional<VariableId>* out) const {
  const std::optional<std::string_view> text = Text(name);
  if (!text) return absl::OkStatus();
  return UseVariable(*text, name, &out->emplace());
}

absl::Status ElementReader::Variables(const char* name, size_t max,
                                      std::vector<VariableId>* out) const {
  std::string_view text;
  RETURN_IF_ERROR(RequiredText(name, &text));
  for (const std::string_view part : Split(text, ',')) {
    if (out->size() == max) return Wanted(name, text, core::Concat("at most ", max, " variables"));
    RETURN_IF_ERROR(UseVariable(part, name, &out->emplace_back()));
  }
  return absl::OkStatus();
}

absl::Status ElementReader::Operand(const char* value, const char* variable,
                                    NumberOperand* out) const {
  if (Has(value) == Has(variable)) {
    return Error(core::Concat("wanted one of the attributes ", value, " and ", variable));
  }
  RETURN_IF_ERROR(Number(value, &out->value));
  return Variable(variable, &out->variable);
}

TemplateScope ElementReader::Scope() const {
  return {&state_->scenario->variables, state_->injections, state_->keys, line()};
}

absl::Status ElementReader::RequiredTemplate(const char* name, MessageTemplate* out) const {
  std::string_view text;
  RETURN_IF_ERROR(RequiredText(name, &text));
  absl::StatusOr<MessageTemplate> compiled = MessageTemplate::Compile(text, Scope());
  if (!compiled.ok()) return Annotate(compiled.status());
  *out = *std::move(compiled);
  return absl::OkStatus();
}

}  // namespace loadgen
