#pragma once

#include <cstdint>
#include <optional>

#include "core/base/instant.h"
#include "core/rtp/codec.h"
#include "core/rtp/source.h"
#include "sbc/leg_id.h"

namespace sbc {

struct MediaStream;

/// Counts of one direction of one leg; plain integers, of 32 bits where a call does not live to see
/// them wrap: 4 billion packets take it two years. A fax's UDPTL is not in them.
struct MediaCounts {
  uint32_t packets = 0;  // RTP.
  uint64_t bytes = 0;    // From the RTP header on, as the trunk counts them.
  uint32_t rtcp_packets = 0;
  uint32_t rtcp_bytes = 0;
};

/// What one leg of a call received and sent, and how good it was.
///
/// Shape:  plain. What is not known is nullopt, never a good value: a peer that sends no RTCP has
///         said nothing of what it hears, and gives no round trip.
/// Errors: counts are of all streams of the call; what tells quality is of the first one from which
///         RTP came, as a call has one voice.
struct MediaLegSummary {
  struct Span {
    MediaCounts received;
    MediaCounts sent;
    core::rtp::StreamCounts stream;  // Of what was received.
  };
  Span whole;                                           // Since the call began,
  Span lately;                                          // and since the summary before.
  core::rtp::Codec codec = core::rtp::Codec::kUnknown;  // Of its voice, now.
  // By whose values a span is judged: kUnknown of one in which codecs of different values were.
  core::rtp::Codec judged_by = core::rtp::Codec::kUnknown;
  core::rtp::Codec lately_judged_by = core::rtp::Codec::kUnknown;
  bool is_active = false;  // RTP came from the peer: `stream` and the next are of it.
  std::optional<core::Duration> packet_duration;
  std::optional<core::Duration> jitter;  // RFC 3550's, now; and the highest it ever was.
  std::optional<core::Duration> jitter_max;
  core::Duration longest_gap{};
  uint32_t dtmf_digits = 0;                  // RFC 4733's, each once.
  uint32_t wrong_source = 0;                 // Refused: RTP to its own port from somebody else.
  std::optional<core::Duration> round_trip;  // From LSR and DLSR: between us and the peer.
  // What the peer's reports say of what we sent: nullopt where it makes none. What had been lost
  // before it came to us is taken off.
  std::optional<uint32_t> sent_lost;  // Over all SSRCs.
  std::optional<core::Duration> sent_jitter;
};

/// Both legs of a call, by LegId.
///
/// Shape: plain, so that it crosses a mailbox by copy.
struct CallMedia {
  uint8_t streams = 0;  // 0: nothing of its media came through us.
  MediaLegSummary legs[2];

  const MediaLegSummary& leg(LegId id) const { return legs[Index(id)]; }
};

/// What is sent to a leg goes on under another SSRC: its peer's reports begin to count anew.
void LeaveSentSsrc(uint32_t next_ssrc, LegId to, MediaStream* stream);

/// Adds one stream to its call's summary, and begins the stream's next interval. Video adds
/// nothing: what is told of a call is its voice.
void Summarize(MediaStream* stream, CallMedia* media);

}  // namespace sbc
