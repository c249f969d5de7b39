#pragma once

#include "absl/status/status.h"
#include "loadgen/element_reader.h"

namespace loadgen {

/// Reads one message element (<send>, <recv>, <pause>, <timewait>, <nop>) with its common
/// attributes and its actions, and appends it to the scenario's steps. `*known` is false for any
/// other element.
absl::Status LoadStep(const XmlElement& element, LoadState* state, bool* known);

}  // namespace loadgen
