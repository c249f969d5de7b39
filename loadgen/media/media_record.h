#pragma once

#include <cstdint>
#include <optional>

#include "core/base/bounded_text.h"
#include "loadgen/media/media_mark.h"

namespace loadgen {

/// What the marks of one call say. Who has the same of the other end can judge both: the ends of
/// one call have each other's identities, and what `sent` of the one exceeds `expected` of the
/// other was lost behind the last that came.
struct MarkRecord {
  CallIdentity own;
  CallIdentity peer;           // run 0: none was heard.
  bool is_mutual = false;      // The peer's marks said that it hears us.
  uint64_t sent = 0;           // Packets with a mark,
  uint64_t unmarked_sent = 0;  // and without.
  uint64_t expected = 0;       // Up to the last that came.
  uint64_t lost = 0;           // Of these.
  uint64_t unmarked = 0;       // Received.
};

/// What one call sent and heard, for --json and -trace_media: to be held against what others say of
/// the same call.
struct MediaRecord {
  static constexpr size_t kRecordsMax = 10'000;  // In --json, which says how many more there were.
  static constexpr size_t kCallIdMax = 96;       // A longer one is cut.
  static constexpr size_t kDigitsMax = 65;       // More are cut. One more than rf_dtmf can want.

  core::BoundedText<kCallIdMax> call_id;
  uint64_t number = 0;  // [call_number]
  uint64_t sent = 0;    // Packets, as all that follows.
  uint64_t echoed = 0;  // Not in `sent`.
  uint64_t received = 0;
  uint64_t foreign = 0;  // Not in `received`.
  uint32_t expected = 0;
  uint32_t lost = 0;
  uint32_t late = 0;
  uint32_t duplicates = 0;
  uint32_t reordered = 0;
  uint64_t misrouted = 0;
  uint64_t bytes = 0;  // Of the stream: RTP header and payload, each packet once.
  uint32_t ssrc_changes = 0;
  uint32_t payload_switches = 0;
  core::BoundedText<kDigitsMax> digits;    // RFC 4733, as received.
  std::optional<int64_t> jitter_us;        // nullopt: not known.
  std::optional<int64_t> gap_us;           // The longest, by Silence.
  std::optional<int64_t> round_trip_us;    // By RTCP.
  std::optional<MarkRecord> marks;         // With --media_marks.
  std::optional<double> mos;               // MOS-LQ,
  std::optional<double> mos_conversation;  // and with the round trip: MOS-CQ.
};

}  // namespace loadgen
