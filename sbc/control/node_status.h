#pragma once

#include <string>
#include <string_view>

#include "core/base/instant.h"
#include "sbc/control/metrics.h"

namespace sbc {

/// What /api/v1/status answers: the node at a glance, as JSON. Keys stay once they are there.
std::string WriteNodeStatus(const MetricsSources& sources, std::string_view version,
                            core::Duration uptime);

}  // namespace sbc
