#pragma once

#include <cstdint>

#include "core/base/histogram.h"

namespace loadgen {

/// What is counted of the audio of all calls. What was received of a call is judged when the call
/// ends, and in the sums and distributions from then on; packets are counted as they go.
///
/// Thread: one worker's.
struct MediaStatistics {
  // Sent.
  uint64_t packets_sent = 0;
  uint64_t bytes_sent = 0;      // RTP header and payload.
  uint64_t echoed = 0;          // Not in packets_sent.
  uint64_t unsent = 0;          // Were due, and no SDP had said where to.
  uint64_t sends_dry = 0;       // Were due, and found no memory: the generator was the limit.
  uint64_t frames_skipped = 0;  // Not sent, as the generator had fallen behind.
  // How much later than its due moment each left, as of the beginning of its turn. What was left
  // out is in it, with the lateness of the first of a stall.
  core::Histogram send_late_us;

  // Received.
  uint64_t packets_received = 0;  // RTP, of open calls.
  uint64_t bytes_received = 0;
  uint64_t not_rtp = 0;
  uint64_t strays = 0;       // To a port that no call had.
  uint64_t unannounced = 0;  // Of the packets: the peer's, from elsewhere than its last SDP said,
  uint64_t foreign = 0;      // and those that are not the peer's: see PeerPlace.

  // RTCP.
  uint64_t rtcp_sent = 0;
  uint64_t rtcp_unsent = 0;  // Were due, and found no memory.
  uint64_t rtcp_received = 0;
  uint64_t rtcp_malformed = 0;  // Of these.
  uint64_t rtcp_foreign = 0;    // Of these, and not read: from elsewhere than the SDP said.
  uint64_t rtcp_strays = 0;     // To a port that no call had.

  // Calls that had a port and have ended.
  uint64_t calls = 0;
  uint64_t silent_calls = 0;      // That received no audio.
  uint64_t records_left_out = 0;  // With --json, beyond MediaRecord::kRecordsMax.
  uint64_t no_port = 0;           // Were not opened: every port had its call.
  uint64_t streams = 0;           // Received: one for each SSRC that proved itself.
  uint64_t expected = 0;
  uint64_t lost = 0;
  uint64_t duplicates = 0;
  uint64_t reordered = 0;
  uint64_t late = 0;  // For the jitter buffer of core::rtp::JitterBufferModel.
  uint64_t digits_received = 0;
  uint64_t pattern_matched = 0;        // Packets that came back as "apattern" had sent them,
  uint64_t pattern_differed = 0;       // and those that came otherwise.
  uint64_t pattern_calls_failed = 0;   // By MediaEngine::PatternFailed().
  uint64_t unjudged = 0;               // Calls with audio that has no MOS: see core::rtp::Codec.
  core::Histogram loss_ppm;            // Of each call's audio, parts in a million.
  core::Histogram jitter_us;           // At the end of the call.
  core::Histogram gap_us;              // The longest of each call: see CallMedia::deaf.
  core::Histogram mos_milli;           // MOS-LQ times 1000.
  core::Histogram rtcp_round_trip_us;  // The last that each call knew, of those that knew one,
  core::Histogram mos_conversation_milli;  // and what they make of it: MOS-CQ times 1000.

  // By --media_marks.
  uint64_t marked = 0;    // Received, each once.
  uint64_t unmarked = 0;  // Came without a mark.
  uint64_t marked_sent = 0;
  uint64_t unmarked_sent = 0;      // Digits, comfort noise, and frames shorter than a mark.
  uint64_t mark_mutual_calls = 0;  // Whose peer said that it hears them.
  uint64_t mark_lost = 0;          // Before the last that came, the first of all included.
  uint64_t mark_duplicates = 0;
  uint64_t mark_late = 0;  // On their way for more than MediaEngine::kLate.
  uint64_t misrouted = 0;
  uint64_t mark_former = 0;  // For the call that had the port before.
  uint64_t other_clock = 0;  // Whose latency cannot be told.
  core::Histogram one_way_us;
  core::Histogram round_trip_us;  // Of what was echoed.
};

}  // namespace loadgen
