#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/instant.h"
#include "core/sip/method.h"
#include "loadgen/action.h"
#include "loadgen/distribution.h"
#include "loadgen/media/media_checks.h"
#include "loadgen/media/media_library.h"
#include "loadgen/template.h"
#include "loadgen/variables.h"

namespace loadgen {

/// The index of no step, timer, counter or transaction.
inline constexpr uint16_t kNoIndex = 0xffff;

/// <send>
struct SendStep {
  SendTemplate message;
  core::Duration retransmit{0};  // T1 of its retransmissions (UDP); 0: none.
  uint16_t start_transaction = kNoIndex;
  uint16_t ack_transaction = kNoIndex;
};

/// <recv>
struct RecvStep {
  enum class Optional : uint8_t { kNo, kYes, kGlobal };  // kGlobal: also once it has been passed.

  uint16_t response = 0;  // The status code waited for; 0: see `request` and `pattern`.
  std::string request;    // The method waited for, when `pattern` is not set.
  core::sip::Method request_id = core::sip::Method::kUnknown;
  std::optional<RegularExpression> pattern;  // regexp_match: of the method or the status code.
  bool is_response = false;                  // Which of the two `pattern` is for.
  // The methods sent so far in a row. A response belongs here when its CSeq's method is a part of
  // this text: SIPp's rule, in which "INVITEACK" also admits a response to "ITEAC".
  std::string sent_methods;
  uint16_t response_transaction = kNoIndex;  // Instead of `sent_methods`.
  Optional optional = Optional::kNo;
  bool advance_state = true;
  bool record_route_set = false;  // rrs
  bool authenticate = false;      // auth
  core::Duration timeout{0};      // 0: the run's -recv_timeout.
};

/// <pause> and <timewait>
struct PauseStep {
  enum class Source : uint8_t { kOption, kDistribution, kVariable };  // kOption: -d.
  Source source = Source::kOption;
  Distribution duration_ms;
  VariableId variable;
  bool is_timewait = false;  // The call has succeeded when it gets here.
};

/// <nop>
struct NopStep {};

/// One step of a call, with what every kind of step may have.
struct Step {
  static constexpr double kLossOfRun = -1;  // `lost` is not set: the run's -lost.

  int line = 0;
  uint16_t start_rtd = kNoIndex;  // A timer that starts here, and one that ends.
  uint16_t stop_rtd = kNoIndex;
  bool repeat_rtd = false;  // It may be reported more than once in a call.
  uint16_t counter = kNoIndex;
  // Where the call goes on: `next` when `test` is not set or holds, with this chance; else behind
  // this step. A step of size() is the end of the scenario.
  uint16_t next = kNoIndex;
  std::optional<VariableId> test;
  double chance = 1;
  std::optional<VariableId> condition;  // condexec: without it the step is passed by.
  bool condition_inverse = false;
  uint16_t on_timeout = kNoIndex;
  double lost_percent = kLossOfRun;
  bool hidden = false;  // Not in the summary.
  bool ignore_sdp = false;
  MediaChecks media;
  std::vector<Action> actions;
  std::variant<NopStep, SendStep, RecvStep, PauseStep> what;
};

/// A SIPp scenario, ready to be played: what one call does, step by step, with every label, name
/// and expression resolved.
///
/// Shape:    at most kStepsMax steps; labels are indices of steps, and size() is the end.
/// Lifetime: owns all but the injection files, which must outlive it.
/// Thread:   built at start, then only read.
struct Scenario {
  static constexpr size_t kStepsMax = 4096;
  enum class Role : uint8_t { kClient, kServer };  // By its first send or recv.

  std::string name;
  std::vector<Step> steps;
  VariableTable variables;
  std::vector<std::string> rtds;  // "1" for rtd="true".
  std::vector<std::string> counters;
  std::vector<std::string> transactions;  // The names of start_txn.
  std::vector<uint32_t> response_time_borders_ms;
  std::vector<uint32_t> call_length_borders_ms;
  uint16_t on_unexpected = kNoIndex;  // The label _unexp.main.
  MediaLibrary media_files;
  bool uses_media = false;            // Its calls want ports of their own for audio.
  std::vector<std::string> warnings;  // What the file says in vain, each with its line.

  Role role() const;
  /// Whether a request of this method is what a server's call may begin with.
  bool BeginsWith(std::string_view method) const;
  /// The sum of its pauses, with `option_ms` for those that -d sets: what -l defaults from.
  double DurationMs(double option_ms) const;
};

}  // namespace loadgen
