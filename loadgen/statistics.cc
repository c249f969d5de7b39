#include "loadgen/statistics.h"

#include <algorithm>
#include <cmath>

namespace loadgen {
namespace {

constexpr std::array<std::string_view, kFailureCount> kNames = {
    "",
    "CannotSendMessage",
    "MaxUDPRetrans",
    "UnexpectedMessage",
    "CallRejected",
    "RegexpDoesntMatch",
    "RegexpShouldntMatch",
    "RegexpHdrNotFound",
    "TimeoutOnRecv",
    "TestDoesntMatch",
    "TestShouldntMatch",
    "StrcmpDoesntMatch",
    "StrcmpShouldntMatch",
    "EndlessLoop",
    "MediaMos",
    "MediaLoss",
    "MediaJitter",
    "MediaOneWay",
    "MediaGap",
    "MediaDigits",
    "MediaMisrouted",
    "Aborted",
};

int64_t Microseconds(core::Duration duration) { return duration / std::chrono::microseconds(1); }

}  // namespace

std::string_view Name(Failure failure) { return kNames[static_cast<size_t>(failure)]; }

double Moments::deviation() const {
  if (count == 0) return 0;
  const double average = mean();
  return std::sqrt(std::max(0.0, squares / static_cast<double>(count) - average * average));
}

void DurationStatistics::Record(core::Duration planned, core::Duration actual) {
  planned_us.Record(Microseconds(planned));
  actual_us.Record(Microseconds(actual));
  const auto milliseconds = actual / std::chrono::milliseconds(1);
  moments.Add(static_cast<double>(milliseconds));
  if (repartition.empty()) return;
  const auto border = std::find_if(borders_ms.begin(), borders_ms.end(),
                                   [milliseconds](uint32_t b) { return milliseconds < b; });
  ++repartition[static_cast<size_t>(border - borders_ms.begin())];
}

Statistics::Statistics(const Scenario& scenario)
    : steps(scenario.steps.size()),
      counters(scenario.counters.size()),
      response_times(scenario.rtds.size()) {
  const auto prepare = [](const std::vector<uint32_t>& borders, DurationStatistics* duration) {
    if (borders.empty()) return;
    duration->borders_ms = borders;
    duration->repartition.resize(borders.size() + 1);
  };
  for (DurationStatistics& response_time : response_times) {
    prepare(scenario.response_time_borders_ms, &response_time);
  }
  prepare(scenario.call_length_borders_ms, &call_length);
}

}  // namespace loadgen
