#include "loadgen/scenario.h"

namespace loadgen {

Scenario::Role Scenario::role() const {
  for (const Step& step : steps) {
    if (std::holds_alternative<SendStep>(step.what)) return Role::kClient;
    if (std::holds_alternative<RecvStep>(step.what)) return Role::kServer;
  }
  return Role::kClient;
}

double Scenario::DurationMs(double option_ms) const {
  double sum = 0;
  for (const Step& step : steps) {
    const auto* pause = std::get_if<PauseStep>(&step.what);
    if (pause == nullptr) continue;
    if (pause->source == PauseStep::Source::kOption) sum += option_ms;
    if (pause->source == PauseStep::Source::kDistribution) sum += pause->duration_ms.Percentile99();
  }
  return sum;
}

}  // namespace loadgen
