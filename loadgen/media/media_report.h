#pragma once

#include <string>

#include "core/base/instant.h"
#include "loadgen/media/media_statistics.h"

namespace loadgen {

/// The audio's part of the summary, for people.
std::string WriteMediaReport(const MediaStatistics& media);

}  // namespace loadgen
