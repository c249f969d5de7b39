#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/address.h"
#include "core/base/instant.h"
#include "core/base/pool.h"
#include "core/base/random.h"
#include "core/rtp/codec.h"
#include "core/rtp/dtmf.h"
#include "core/rtp/rtcp_session.h"
#include "core/rtp/source.h"
#include "core/sdp/feedback.h"
#include "core/sdp/format_selection.h"
#include "core/time/timer_wheel.h"
#include "sbc/leg_id.h"
#include "sbc/media/digit_player.h"
#include "sbc/media/media_summary.h"
#include "sbc/media/sent_formats.h"
#include "sbc/media/sequence_shift.h"

namespace sbc {

class MediaPorts;
struct Call;

/// Between a customer who says digits in SIP INFO and a trunk that has them in RTP (`dtmf: info`).
///
/// Shape:    plain. No other call has one: see MediaStream::Leg::bridges_digits.
/// Lifetime: MediaRelay's pool, until its stream ends.
struct DigitBridge {
  LegId trunk = LegId::kCallee;  // The leg that has telephone-event.
  core::Handle<Call> call;       // Who is told of what the trunk pressed.
  DigitPlayer player;            // Towards the trunk.
  SequenceShift shift;           // Of what the trunk sends, without its events.
  core::Instant event_at{};      // When the trunk's last event packet came.
};

/// What the description of one peer says of one stream: where it takes media, and what it sends.
///
/// Shape: plain. The default wants nothing.
struct PeerMedia {
  core::Endpoint rtp;    // Port 0: it takes none.
  core::Endpoint rtcp;   // Port 0: none. Equal to `rtp` where both sides multiplex (RFC 5761).
  bool is_rtp = true;    // Else datagrams of any kind: T.38's UDPTL.
  bool is_held = false;  // Nothing is expected from it: its silence is no failure.
  bool is_muxed = false;
  friend bool operator==(const PeerMedia&, const PeerMedia&) = default;
};

/// What a peer said that it missed of what we sent it, over all SSRCs: its reports count each by
/// itself.
///
/// Shape: the present SSRC and the one before it are known again when they come back, as Source has
///        it; another one that does is a new one, so what it lost before counts again.
struct SentLoss {
  uint32_t of_all = 0;      // As they were left: of all SSRCs so far,
  uint32_t of_present = 0;  // in that, of the present one,
  uint32_t of_former = 0;   // and of the one before.
  uint32_t former_ssrc = 0;
};

/// What the last summary of a leg said.
///
/// Shape: bytes modulo 2^32, as no minute has so many.
struct ToldCounts {
  struct Direction {
    uint32_t packets = 0;
    uint32_t bytes = 0;
    uint32_t rtcp_packets = 0;
    uint32_t rtcp_bytes = 0;
  };
  Direction received;
  Direction sent;
  core::rtp::StreamCounts stream;
};

/// From where a peer's media may come beside the place that its description names (rule 23).
///
/// Lifetime: borrows what outlives the stream: the call's leg and its configuration.
struct MediaSources {
  const core::IpAddress* nat = nullptr;       // Where its signalling comes from, behind a NAT.
  std::span<const core::Cidr> media_cidrs{};  // trunk.media_cidrs: the operator's own risk.
};

/// One stream of a call: a pair of our ports on each leg, and who may talk to it.
///
/// Lifetime: MediaRelay's pool; a Handle across time. Its ports are given back when it ends.
/// Thread:   one worker's.
struct MediaStream {
  struct Leg {
    static constexpr uint8_t kNoVoice = 0xff;  // Not known; the next packet is to be looked up.

    Leg(core::Instant now, core::Random* random, const Leg* beside)
        : heard_at(now),
          source({}),
          rtcp({.ssrc = static_cast<uint32_t>(random->Next()),
                .cname = beside != nullptr ? beside->rtcp.cname() : std::string_view()},
               now, random) {}

    /// Whether what comes from there is this leg's peer, whose place is `at`.
    bool IsFrom(const core::Endpoint& remote, const core::Endpoint& at) const {
      if (at.port == 0) return false;
      if (remote == at) return true;
      for (const core::Cidr& cidr : media_cidrs) {
        if (cidr.Contains(remote.ip)) return true;
      }
      return false;
    }

    MediaPorts* ports = nullptr;  // Null: no pair yet.
    uint32_t pair = 0;
    bool is_installed = false;  // On shared ports: `peer` is in the table of flows.
    bool is_told = false;       // Its peer has read of this pair: no other may take its place.
    // Rule 23: of a customer behind a NAT the first valid packet from this address teaches the
    // port, once after each description. Where it had a place before, that stays in force until
    // then, and what comes from there ends the lesson only from `old_place_ends_at` on.
    bool learns_rtp = false;
    bool learns_rtcp = false;
    core::Instant old_place_ends_at{};
    uint32_t described = 0;       // A hash of the place that its last description named.
    bool bridges_digits = false;  // Of both legs: what it sends is MediaStream::digits' concern.
    bool has_sent_loss = false;   // There was a report on one of `sent_loss` that was left.
    core::IpAddress learns_from;
    std::span<const core::Cidr> media_cidrs;  // Of MediaSources.
    PeerMedia peer;
    core::sdp::PayloadMap map;  // Of what it sends: which cross, and their numbers there.
    // When its last packet came; later, when a description changed what is to be expected.
    core::Instant heard_at;
    core::rtp::Source source;     // What it sends us, and how good that is.
    core::rtp::RtcpSession rtcp;  // RTCP ends here (rule 25).
    SentFormats formats;          // What the types are that it sends.
    // Its voice's, as it came last; before it came, the first that was agreed on.
    core::rtp::Codec codec = core::rtp::Codec::kUnknown;
    uint8_t voice_type = kNoVoice;     // Which of `formats` that is.
    core::rtp::CodecSet heard;         // Voice under one of `formats` came in these,
    core::rtp::CodecSet heard_lately;  // and since the last summary.
    MediaCounts received;
    MediaCounts sent;
    uint32_t wrong_source = 0;  // Came to this leg's own port, and was not its peer's.
    core::rtp::DtmfReader dtmf;
    uint32_t dtmf_digits = 0;
    // Of what we sent, how much was missing already when the peer last reported on it.
    int32_t lost_before_us = 0;
    SentLoss sent_loss;
    ToldCounts told;
  };

  MediaStream(core::Instant now, core::Random* random, core::Timer::Fire on_report,
              void* relay_of_stream, const MediaStream* beside)
      : relay(relay_of_stream),
        legs{Leg(now, random, beside != nullptr ? &beside->legs[0] : nullptr),
             Leg(now, random, beside != nullptr ? &beside->legs[1] : nullptr)},
        report_timer(on_report, this) {}
  MediaStream(const MediaStream&) = delete;
  MediaStream& operator=(const MediaStream&) = delete;

  /// What reports to a leg's peer describe: of video no quality of voice.
  static core::rtp::RtcpSession::Reception ReceptionOf(const MediaStream& stream, Leg* leg) {
    return {&leg->source, core::rtp::JudgedBy(leg->heard, leg->codec), !stream.is_video};
  }

  Leg& leg(LegId id) { return legs[Index(id)]; }
  const Leg& leg(LegId id) const { return legs[Index(id)]; }
  /// On both legs. Video may have none on one, where the family of the route that is tried has no
  /// more: then its line is refused.
  bool has_ports() const { return legs[0].ports != nullptr && legs[1].ports != nullptr; }
  /// Media flows both ways: each peer has a place, told or to be learnt.
  bool in_force() const {
    const auto has_place = [](const Leg& leg) { return leg.peer.rtp.port != 0 || leg.learns_rtp; };
    return has_place(legs[0]) && has_place(legs[1]);
  }
  /// Neither peer takes anything: its line is rejected, or not agreed on yet.
  bool is_at_rest() const {
    const auto rests = [](const Leg& leg) { return leg.peer.rtp.port == 0 && !leg.learns_rtp; };
    return rests(legs[0]) && rests(legs[1]);
  }

  void* relay;            // The MediaRelay, for the timer.
  bool is_video = false;  // Known when it begins: it changes nothing that is told of the voice.
  bool is_emergency = false;
  core::sdp::FeedbackKinds feedback;  // What both peers agreed to be asked for.
  Leg legs[2];
  DigitBridge* digits = nullptr;  // Of the relay's pool; null in calls that never bridged any.
  core::Timer report_timer;       // When the next leg's RTCP is due.
};

}  // namespace sbc
