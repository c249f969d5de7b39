// RTCP, which ends on each leg (rule 25).

#include <algorithm>
#include <optional>
#include <utility>

#include "core/rtp/packet_view.h"
#include "sbc/media/media_relay.h"

namespace sbc {

using core::Instant;
using core::Packet;

namespace {

bool IsAgreed(const core::sdp::FeedbackKinds& agreed, core::rtp::Feedback::Kind kind) {
  switch (kind) {
    case core::rtp::Feedback::Kind::kNack:
      return agreed.nack;
    case core::rtp::Feedback::Kind::kPictureLoss:
      return agreed.picture_loss;
    case core::rtp::Feedback::Kind::kFullIntraRequest:
      return agreed.full_intra_request;
    case core::rtp::Feedback::Kind::kOther:
      return false;
  }
  return false;
}

}  // namespace

void MediaRelay::OnRtcp(Packet packet, const Arrival& arrival, Instant now) {
  MediaStream::Leg& from = arrival.stream->leg(arrival.leg);
  const bool known = from.IsFrom(packet.remote(), from.peer.rtcp);
  if (!known && !(from.learns_rtcp && packet.remote().ip == from.learns_from)) {
    ++counters_.wrong_source;
    return;
  }
  core::rtp::RtcpSession::Incoming incoming;
  // Of who is to teach where it is, what is malformed further on tells nothing either.
  std::optional<core::rtp::RtcpSession> before;
  if (!known) before = from.rtcp;
  const bool is_whole = core::rtp::LooksLikeRtcp(core::rtp::BytesOf(packet)) &&
                        from.rtcp.OnPacket(core::rtp::BytesOf(packet), now, &incoming,
                                           &from.source) == core::rtp::RtcpError::kOk;
  if (is_whole) {
    ++counters_.rtcp_received;
    ++from.received.rtcp_packets;
    from.received.rtcp_bytes += static_cast<uint32_t>(packet.size());
  } else {
    ++counters_.malformed;
    if (!known) {  // A valid packet teaches the port, and no other (rule 23).
      from.rtcp = *before;
      return;
    }
  }
  if (!known) {
    from.learns_rtcp = false;
    from.peer.rtcp = packet.remote();
    ArmReport(arrival.stream);
  } else if (from.learns_rtcp && now >= from.old_place_ends_at) {
    from.learns_rtcp = false;
  }
  // Of one that is malformed further on, what stood before that is as good as ever.
  MediaStream::Leg& to = arrival.stream->leg(Other(arrival.leg));
  if (incoming.reports_on_us && to.source.active() && to.source.ssrc() == from.rtcp.sent_ssrc()) {
    from.lost_before_us = to.source.missing_of_ssrc();
  }
  if (arrival.stream->is_video) PassFeedback(incoming, arrival, now);
  if (!incoming.sender_report.has_value() || to.peer.rtcp.port == 0) return;
  // A sender's report goes on, with the counts of what we sent in its place.
  uint8_t bytes[core::rtp::RtcpSession::kCompoundMax];
  const size_t size =
      to.rtcp.Forward(*incoming.sender_report, MediaStream::ReceptionOf(*arrival.stream, &to), now,
                      options_.random, bytes);
  SendRtcp(&to, {bytes, size});
}

// RFC 4585 §3.1: what is asked for stands behind a report and a name, which are ours. Streams cross
// under their own SSRC, so the one that is named is the sender's own. It is not asked for what it
// did not agree to (§4.2).
void MediaRelay::PassFeedback(const core::rtp::RtcpSession::Incoming& incoming,
                              const Arrival& arrival, Instant now) {
  core::BoundedVector<core::rtp::Feedback, core::rtp::RtcpSession::kFeedbackMax> agreed;
  for (const core::rtp::Feedback& feedback : incoming.feedback) {
    if (!IsAgreed(arrival.stream->feedback, feedback.kind)) continue;
    CHECK(agreed.PushBack(feedback));
  }
  counters_.feedback_ended += incoming.feedback_ended + incoming.feedback.size();
  if (agreed.empty()) return;
  MediaStream::Leg& to = arrival.stream->leg(Other(arrival.leg));
  uint8_t bytes[core::rtp::RtcpSession::kFeedbackCompoundMax];
  const auto passed =
      to.rtcp.PassFeedback({agreed.begin(), agreed.size()}, now, options_.turn->wall(), bytes);
  counters_.feedback_passed += passed.requests;
  counters_.feedback_ended -= passed.requests;
  SendRtcp(&to, {bytes, passed.bytes});
}

void MediaRelay::SendRtcp(MediaStream::Leg* to, std::span<const uint8_t> bytes) {
  if (bytes.empty() || to->ports == nullptr || to->peer.rtcp.port == 0) return;
  Packet packet = options_.store->Copy({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!packet) return;  // The next report says as much.
  const MediaPorts::Pair& pair = to->ports->pair(to->pair);
  if (to->peer.is_muxed) {
    packet.SetRoute(pair.rtp, pair.rtp_local, to->peer.rtcp);
  } else {
    packet.SetRoute(pair.rtcp, pair.rtcp_local, to->peer.rtcp);
  }
  ++counters_.rtcp_sent;
  ++to->sent.rtcp_packets;
  to->sent.rtcp_bytes += static_cast<uint32_t>(bytes.size());
  options_.io->Send(std::move(packet));
}

void MediaRelay::Report(MediaStream* stream, Instant now) {
  for (MediaStream::Leg& leg : stream->legs) {
    // What is written and cannot be sent would be taken for sent, and answered for.
    if (leg.peer.rtcp.port == 0 || leg.rtcp.due() > now) continue;
    uint8_t bytes[core::rtp::RtcpSession::kCompoundMax];
    const size_t size = leg.rtcp.Report(MediaStream::ReceptionOf(*stream, &leg), now,
                                        options_.turn->wall(), options_.random, bytes);
    SendRtcp(&leg, {bytes, size});
  }
  ArmReport(stream);
}

void MediaRelay::ArmReport(MediaStream* stream) {
  Instant due = core::kNever;
  for (const MediaStream::Leg& leg : stream->legs) {
    if (leg.peer.rtcp.port != 0) due = std::min(due, leg.rtcp.due());
  }
  if (due == core::kNever) {
    options_.wheel->Disarm(&stream->report_timer);
  } else {
    options_.wheel->Arm(&stream->report_timer, due);
  }
}

void MediaRelay::FireReport(void* stream, core::Timer* /*timer*/, Instant now) {
  auto* of = static_cast<MediaStream*>(stream);
  static_cast<MediaRelay*>(of->relay)->Report(of, now);
}

}  // namespace sbc
