#pragma once

#include "sbc/control/media_statistics.h"
#include "sbc/control/metric_families.h"

namespace sbc {

/// The families of /metrics that say how good media was.
///
/// Shape: labels connector, direction (of calling), route and side (the leg), bounded by
///        MediaStatistics.
void WriteMediaMetrics(const MediaStatistics& media, MetricFamilies* out);

}  // namespace sbc
