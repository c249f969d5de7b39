#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/base/instant.h"
#include "loadgen/scenario.h"
#include "loadgen/template.h"
#include "loadgen/xml_reader.h"

namespace loadgen {

/// What a scenario that is being loaded needs beside itself.
struct LoadState {
  /// A `next` or `ontimeout`, resolved when all labels are known.
  struct LabelUse {
    size_t step;
    bool on_timeout;
    std::string label;
    int line;
  };
  struct Rtd {
    bool stopped = false;
    int started_line = 0;  // 0: no start_rtd names it.
  };
  struct Transaction {
    int line = 0;  // Of its first mention.
    bool started = false;
    bool invite = false;
    bool answered = false;
    bool acknowledged = false;
  };

  Scenario* scenario = nullptr;
  std::string file_name;
  const InjectionFiles* injections = nullptr;
  const std::map<std::string, std::string, std::less<>>* keys = nullptr;
  uint8_t rtp_payload_type = 8;  // Of an rtp_stream that does not say its own.
  std::string sent_methods;
  std::map<std::string, uint16_t, std::less<>> labels;
  std::vector<LabelUse> label_uses;
  std::vector<Rtd> rtds;                  // As scenario->rtds.
  std::vector<Transaction> transactions;  // As scenario->transactions.
  bool after_optional_recv = false;
  bool after_timewait = false;
};

/// One XML element with its attributes read as what they mean. Each error says file, line, element,
/// attribute, value, and what was wanted. An attribute that is not there leaves `out` as it was.
///
/// Lifetime: borrows the document and the state.
class ElementReader {
 public:
  ElementReader(const XmlElement& element, LoadState* state) : element_(element), state_(state) {}

  std::string_view name() const { return element_.name(); }
  int line() const { return element_.line(); }
  const XmlElement& element() const { return element_; }
  LoadState* state() const { return state_; }
  std::optional<std::string_view> Text(const char* name) const {
    asked_.push_back(name);
    return element_.Attribute(name);
  }
  bool Has(const char* name) const { return Text(name).has_value(); }

  absl::Status RequiredText(const char* name, std::string_view* out) const;
  absl::Status Number(const char* name, double* out) const;
  absl::Status Whole(const char* name, int64_t min, int64_t max, int64_t* out) const;
  absl::Status Bool(const char* name, bool* out) const;
  /// Whole milliseconds, not negative.
  absl::Status Milliseconds(const char* name, core::Duration* out) const;
  /// `<check_it>` and its inverse, which exclude each other.
  absl::Status CheckIt(Check* out) const;

  absl::Status RequiredVariable(const char* name, VariableId* out) const;
  absl::Status Variable(const char* name, std::optional<VariableId>* out) const;
  /// A list of names with commas between them, at most `max`.
  absl::Status Variables(const char* name, size_t max, std::vector<VariableId>* out) const;
  /// `value` or `variable`, of which one must be there.
  absl::Status Operand(const char* value, const char* variable, NumberOperand* out) const;
  absl::Status RequiredTemplate(const char* name, MessageTemplate* out) const;

  TemplateScope Scope() const;
  /// "scenario.xml:12: <recv>: " before `what`.
  absl::Status Error(std::string_view what) const;
  absl::Status NotYet(std::string_view what) const;
  absl::Status Annotate(const absl::Status& status) const;
  /// What SIPp ignores without a word, we ignore with one: it is misspelt, most often.
  void Warn(std::string_view what) const;
  /// Warns of the attributes that nobody has asked for.
  void WarnOfUnread() const;
  /// Warns of the elements in one that has nothing to say by them.
  void WarnOfChildren() const;

 private:
  absl::Status UseVariable(std::string_view text, const char* attribute, VariableId* out) const;
  absl::Status Wanted(const char* name, std::string_view value, std::string_view wanted) const;

  XmlElement element_;
  LoadState* state_;
  mutable std::vector<const char*> asked_;  // Names, all literals.
};

}  // namespace loadgen
