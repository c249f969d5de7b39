#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/base/address.h"
#include "core/base/bounded_text.h"
#include "core/base/bounded_vector.h"
#include "core/base/instant.h"
#include "core/rtp/codec.h"
#include "core/rtp/dtmf.h"
#include "core/rtp/rtcp_session.h"
#include "core/rtp/source.h"
#include "core/sdp/direction.h"
#include "core/time/timer_wheel.h"
#include "loadgen/media/audio_clip.h"
#include "loadgen/media/digit_list.h"
#include "loadgen/media/media_mark.h"
#include "loadgen/media/media_record.h"
#include "loadgen/media/pcap_clip.h"
#include "loadgen/media/peer_place.h"

namespace loadgen {

class MediaEngine;

/// What a payload type of a call means, by the SDP that named it.
struct PayloadMeaning {
  uint8_t number = 0;
  core::rtp::PayloadKind kind = core::rtp::PayloadKind::kAudio;
  core::rtp::Codec codec = core::rtp::Codec::kUnknown;
  uint32_t clock_rate_hz = 8000;
};
using PayloadMeanings = core::BoundedVector<PayloadMeaning, 12>;

/// What one call sends beside captures: one stream of RTP, whatever plays in it.
struct OutgoingStream {
  uint32_t ssrc = 0;
  uint32_t first_timestamp = 0;
  uint16_t sequence_number = 0;
  bool marker = true;   // The next packet begins a talkspurt (RFC 3551 §4.1).
  core::Instant began;  // When first_timestamp was.

  uint32_t TimestampAt(core::Instant moment) const {
    constexpr int64_t kNanosecondsPerTick = 1'000'000'000 / AudioFormat::kClockRateHz;
    return first_timestamp + static_cast<uint32_t>((moment - began).count() / kNanosecondsPerTick);
  }
};

/// rtp_stream: a clip, or a pattern.
struct AudioPlay {
  const AudioClip* clip = nullptr;
  uint8_t pattern = 0;  // Of a play without a clip; 0: nothing plays.
  AudioFormat format;
  size_t at = 0;  // The clip's next byte.
  int32_t loops_left = 0;
  bool paused = false;
  core::Instant due;

  bool plays() const { return clip != nullptr || pattern != 0; }
};

/// play_pcap_audio.
struct PcapPlay {
  const PcapClip* clip = nullptr;
  size_t next = 0;  // Packet.
  core::Instant began;
};

/// play_dtmf: while it lasts, the audio is silent.
struct DigitPlay {
  DigitList list;
  size_t next = 0;   // Digit, when the one that is on is over.
  int gap_left = 0;  // Packet times until then.
  bool on = false;
  core::rtp::DtmfSender sender;
  core::Instant due;
};

/// How long nothing has come, of the time that counts: what is silent on purpose is not deaf.
class Silence {
 public:
  void OnHeard(core::Instant at) {
    longest_ = std::max(longest_, At(at));
    silent_ = {};
    since_ = std::max(since_, at);
    heard_ = true;
  }
  void Count(bool counts, core::Instant now) {
    if (counts == counts_) return;
    silent_ = At(now);
    counts_ = counts;
    since_ = now;
  }
  core::Duration At(core::Instant now) const {  // Since something came; before that, none.
    if (!heard_) return {};
    return counts_ ? silent_ + std::max(now - since_, core::Duration{0}) : silent_;
  }
  core::Duration Longest(core::Instant now) const { return std::max(longest_, At(now)); }

 private:
  core::Duration silent_{};  // What counted before since_.
  core::Duration longest_{};
  core::Instant since_{};
  bool counts_ = false;
  bool heard_ = false;
};

/// The end of RTCP of one call (RFC 3550 §6).
struct CallRtcp {
  std::optional<core::rtp::RtcpSession> session;  // From when the peer first said where to.
  core::Endpoint remote;    // By the last SDP of both. Port 0: nowhere to send to.
  core::Endpoint separate;  // The peer's place where it is not muxed.
  bool own_muxes = false;   // Our SDP says rtcp-mux,
  bool peer_muxes = false;  // the peer's does,
  bool is_muxed = false;    // and so both do.
  bool has_left = false;    // BYE was said.
  bool has_sent = false;    // Of the stream that is reported.
  bool of_capture = false;  // It is a capture's: our own has not begun.
};

/// The audio of one call: what it plays, and what it hears. Plain state; MediaEngine does the work.
///
/// Shape:    fixed size.
/// Lifetime: from MediaEngine::Open() to MediaEngine::Close().
struct CallMedia {
  static constexpr size_t kDigitsMax = MediaRecord::kDigitsMax;  // Received, and remembered.

  CallMedia(MediaEngine* owner, core::Timer::Fire on_audio, core::Timer::Fire on_pcap,
            core::Timer::Fire on_digits, core::Timer::Fire on_rtcp)
      : engine(owner),
        source({}),
        audio_timer(on_audio, this),
        pcap_timer(on_pcap, this),
        digit_timer(on_digits, this),
        rtcp_timer(on_rtcp, this) {}

  MediaEngine* const engine;
  uint64_t number = 0;  // Of the call.
  uint32_t pair = 0;    // In MediaPorts.
  uint16_t port = 0;

  core::Endpoint remote;        // By the peer's last SDP. Port 0: nowhere to send to.
  PeerPlace place;              // From where it is heard.
  uint8_t peer_event_type = 0;  // Its telephone-event; 0: none.
  core::sdp::Direction own_direction = core::sdp::Direction::kInactive;   // Until our SDP,
  core::sdp::Direction peer_direction = core::sdp::Direction::kInactive;  // or the peer's, says.
  bool has_talked = false;        // Both said sendrecv once,
  bool is_held = false;           // and do not now.
  PayloadMeanings own_meanings;   // By our SDP: what we are sent has these numbers.
  PayloadMeanings peer_meanings;  // By the peer's, where ours names none.

  OutgoingStream out;
  AudioPlay audio;
  PcapPlay pcap;
  DigitPlay digits;
  bool echo = false;
  uint64_t packets_sent = 0;
  uint64_t packets_echoed = 0;  // Not in packets_sent.

  core::rtp::Source source;
  Silence deaf;   // While SDP lets the peer send, and us hear.
  Silence alone;  // While SDP lets both talk, and we do.
  core::rtp::DtmfReader digit_reader;
  core::BoundedText<kDigitsMax> digits_received;
  core::rtp::Codec codec = core::rtp::Codec::kUnknown;  // Of the audio received last.
  uint8_t last_payload_type = 0xff;
  uint64_t packets_received = 0;
  uint64_t foreign = 0;  // Not in packets_received: from elsewhere than `place`.
  uint64_t pattern_packets_sent = 0;
  uint64_t pattern_matched = 0;
  uint64_t pattern_differed = 0;
  uint8_t pattern_sent = 0;    // The one that is waited for,
  uint16_t pattern_bytes = 0;  // and so many of it in a packet.

  CallRtcp rtcp;

  // --media_marks
  uint32_t marks_sent = 0;
  uint64_t unmarked_sent = 0;
  uint64_t unmarked = 0;  // Received.
  uint64_t misrouted = 0;
  MarkReader marks;

  core::Timer audio_timer;
  core::Timer pcap_timer;
  core::Timer digit_timer;
  core::Timer rtcp_timer;
};

}  // namespace loadgen
