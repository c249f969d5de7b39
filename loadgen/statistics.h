#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/histogram.h"
#include "core/base/instant.h"
#include "loadgen/scenario.h"

namespace loadgen {

/// Why a call failed: SIPp's categories, by its names in the statistics file.
enum class Failure : uint8_t {
  kNone,
  kCannotSendMessage,
  kMaxUdpRetransmits,
  kUnexpectedMessage,
  kCallRejected,
  kRegexpDoesntMatch,
  kRegexpShouldntMatch,
  kRegexpHeaderNotFound,
  kTimeoutOnRecv,
  kTestDoesntMatch,
  kTestShouldntMatch,
  kStrcmpDoesntMatch,
  kStrcmpShouldntMatch,
  // Ours, without a column in SIPp's file.
  kEndlessLoop,  // ScenarioPlayer::kStepsWithoutTimeMax steps, and none that let time pass.
  kMediaMos,     // From here on of MediaChecks.
  kMediaLoss,
  kMediaJitter,
  kMediaOneWay,
  kMediaGap,
  kMediaDigits,
  kMediaMisrouted,  // By --media_marks.
  kAborted,         // Ended with the run: SIPp counts these as failed without a category.
};
inline constexpr size_t kFailureCount = static_cast<size_t>(Failure::kAborted) + 1;

/// As SIPp's statistics file calls it, without "Failed".
std::string_view Name(Failure failure);

/// What happened at one step, over all calls.
struct StepCounts {
  uint64_t messages = 0;  // Sent, or received; of a pause: how often it began.
  uint64_t retransmits = 0;
  uint64_t timeouts = 0;
  uint64_t unexpected = 0;
  uint64_t lost = 0;  // By `lost`, on purpose.
};

/// Sum and squares of durations in milliseconds, for SIPp's mean and standard deviation.
struct Moments {
  uint64_t count = 0;
  double sum = 0;
  double squares = 0;

  void Add(double value) {
    ++count;
    sum += value;
    squares += value * value;
  }
  double mean() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
  double deviation() const;
  friend Moments operator-(const Moments& a, const Moments& b) {
    return {a.count - b.count, a.sum - b.sum, a.squares - b.squares};
  }
};

/// A response timer (`rtd`), or the length of calls.
struct DurationStatistics {
  core::Histogram planned_us;  // From the planned instant of the call, where it starts the timer.
  core::Histogram actual_us;   // From the moment the sending was done.
  Moments moments;             // Of the actual ones.
  std::vector<uint32_t> borders_ms;
  std::vector<uint64_t> repartition;  // Below each border, and from the last one on.

  void Record(core::Duration planned, core::Duration actual);
};

/// The plain counters of a scenario: what the statistics file takes differences of.
struct CallCounts {
  uint64_t incoming = 0;
  uint64_t outgoing = 0;
  uint64_t successful = 0;
  uint64_t failed = 0;
  std::array<uint64_t, kFailureCount> failures{};
  uint64_t retransmits = 0;
  uint64_t auto_answered = 0;
  uint64_t warnings = 0;

  uint64_t created() const { return incoming + outgoing; }
};

/// What is counted of the calls of one scenario.
///
/// Thread: one worker's.
struct Statistics {
  explicit Statistics(const Scenario& scenario);

  CallCounts counts;
  uint64_t current = 0;  // Calls that are open.
  uint64_t peak = 0;
  std::vector<StepCounts> steps;
  std::vector<uint64_t> counters;  // The scenario's own.
  std::vector<DurationStatistics> response_times;
  DurationStatistics call_length;
  core::Histogram start_lag_us;  // How much later than planned a call began.
};

}  // namespace loadgen
