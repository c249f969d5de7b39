#pragma once

#include <span>
#include <string_view>

#include "core/base/address.h"
#include "sbc/numbering.h"

namespace sbc {

/// A region where Amazon offers Voice Connectors, and the addresses that its calls come from
/// (signalling and media alike; Administrator Guide, "Network configuration").
struct VoiceConnectorRegion {
  std::string_view name;  // "us-east-1"
  std::string_view v4;    // "3.80.16.0/23"
  std::string_view v6;
  HomePlan home_plan;
};

/// All of them. `trunk.cidrs` in the configuration stands in for a row that has become stale.
std::span<const VoiceConnectorRegion> VoiceConnectorRegions();
/// Null when there is no such region.
const VoiceConnectorRegion* FindVoiceConnectorRegion(std::string_view name);

}  // namespace sbc
