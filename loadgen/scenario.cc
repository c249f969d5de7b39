#include "loadgen/scenario.h"

namespace loadgen {

Scenario::Role Scenario::role() const {
  for (const Step& step : steps) {
    if (std::holds_alternative<SendStep>(step.what)) return Role::kClient;
    if (std::holds_alternative<RecvStep>(step.what)) return Role::kServer;
  }
  return Role::kClient;
}

bool Scenario::BeginsWith(std::string_view method) const {
  for (const Step& step : steps) {
    if (std::holds_alternative<NopStep>(step.what)) continue;
    const auto* recv = std::get_if<RecvStep>(&step.what);
    if (recv == nullptr) return false;
    const bool matches = recv->pattern ? recv->pattern->Matches(method) : recv->request == method;
    if (!recv->is_response && matches) return true;
    if (recv->optional == RecvStep::Optional::kNo) return false;
  }
  return false;
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
