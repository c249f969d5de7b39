#pragma once

#include "core/rtp/quality.h"
#include "sbc/media/media_summary.h"

namespace sbc {

/// How good what a leg sent us was over a span of the call: `leg.whole.stream` or
/// `leg.lately.stream`. Done here and not by the workers, as it costs logarithms.
inline core::rtp::Quality JudgeLeg(const MediaLegSummary& leg,
                                   const core::rtp::StreamCounts& span) {
  return core::rtp::Judge(
      span,
      {.codec = leg.codec, .round_trip = leg.round_trip, .packet_duration = leg.packet_duration});
}

}  // namespace sbc
