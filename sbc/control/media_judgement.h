#pragma once

#include "core/rtp/quality.h"
#include "sbc/media/media_summary.h"

namespace sbc {

// How good what a leg sent us was. Done here and not by the workers, as it costs logarithms.

/// Since the call began.
inline core::rtp::Quality JudgeWhole(const MediaLegSummary& leg) {
  return core::rtp::Judge(leg.whole.stream, {.codec = leg.judged_by,
                                             .round_trip = leg.round_trip,
                                             .packet_duration = leg.packet_duration});
}

/// Since the summary before.
inline core::rtp::Quality JudgeLately(const MediaLegSummary& leg) {
  return core::rtp::Judge(leg.lately.stream, {.codec = leg.lately_judged_by,
                                              .round_trip = leg.round_trip,
                                              .packet_duration = leg.packet_duration});
}

}  // namespace sbc
