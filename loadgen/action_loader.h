#pragma once

#include <vector>

#include "absl/status/status.h"
#include "loadgen/action.h"
#include "loadgen/distribution.h"
#include "loadgen/element_reader.h"

namespace loadgen {

/// Reads the children of <action>, in order.
absl::Status LoadActions(const XmlElement& action_element, LoadState* state,
                         std::vector<Action>* actions);

/// Reads `distribution` and its parameters. Of a <pause> also what stands for it in old scenarios:
/// milliseconds, min and max, or the distribution's name as an attribute. `*found` says whether
/// there was one.
absl::Status LoadDistribution(const ElementReader& in, bool is_pause, Distribution* out,
                              bool* found);

}  // namespace loadgen
