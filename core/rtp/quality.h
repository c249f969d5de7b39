#pragma once

#include <optional>

#include "core/base/instant.h"
#include "core/rtp/codec.h"
#include "core/rtp/rtcp.h"
#include "core/rtp/source.h"

namespace core::rtp {

/// What a listener would say of a stream, by the E-model (ITU-T G.107).
///
/// Errors: what cannot be known is nullopt: all of it without packets or without published values
///         of the codec; without a round trip what a conversation makes of it.
struct Quality {
  std::optional<double> burst_ratio;  // Of what was lost or late; G.107's 1 to 8.
  std::optional<double> r_listening;
  std::optional<double> mos_listening;  // MOS-LQ: delay left out.
  std::optional<double> r_conversation;
  std::optional<double> mos_conversation;  // MOS-CQ: with mouth-to-ear delay and its echo.
};

/// What is known of the path beside the counts.
struct Path {
  Codec codec = Codec::kUnknown;
  std::optional<Duration> round_trip;
  std::optional<Duration> packet_duration;  // Unknown: 20 ms.
};

/// Judges a whole stream, or an interval (StreamCounts::Since()). Loss is what did not come and
/// what the jitter-buffer model would have discarded.
Quality Judge(const StreamCounts& counts, const Path& path);

/// The VoIP metrics that we send of a source (RFC 3611 §4.7), over its whole life.
VoipMetrics MakeVoipMetrics(const Source& source, Codec codec, std::optional<Duration> round_trip);

}  // namespace core::rtp
