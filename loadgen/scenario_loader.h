#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "loadgen/injection_file.h"
#include "loadgen/scenario.h"

namespace loadgen {

/// What the command line gives to a scenario.
struct ScenarioInputs {
  const InjectionFiles* injections = nullptr;
  const std::map<std::string, std::string, std::less<>>* keys = nullptr;
  uint8_t rtp_payload_type = 8;  // -rtp_payload
};

/// Reads a SIPp scenario. Unknown attributes are ignored, as SIPp ignores them; an unknown element,
/// action or keyword is an error, and one that SIPp knows and we do not is "not supported yet".
///
/// Errors: the file, the line, the element, the value, and what was wanted. Beside what a single
///         element can be wrong about, what SIPp refuses: a label used twice or never defined, an
///         optional recv before a send, a variable named once only, a timer that never stops, a
///         transaction without start, answer or ACK.
absl::StatusOr<std::unique_ptr<Scenario>> LoadScenario(std::string_view text,
                                                       std::string_view file_name,
                                                       const ScenarioInputs& inputs);

absl::StatusOr<std::unique_ptr<Scenario>> ReadScenario(const std::string& path,
                                                       const ScenarioInputs& inputs);

}  // namespace loadgen
