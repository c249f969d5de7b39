#include <array>
#include <cstring>
#include <utility>

#include "core/rtp/packet_view.h"
#include "core/rtp/rtcp_session.h"
#include "loadgen/media/media_engine.h"

// The calls' ends of RTCP: reports when RFC 3550 §6.2 has them due, what the peer reports, BYE.

namespace loadgen {
namespace {

using core::Instant;
using core::Packet;
using core::rtp::PacketView;
using core::rtp::PayloadKind;
using core::rtp::RtcpSession;

using Compound = std::array<uint8_t, RtcpSession::kCompoundMax>;

RtcpSession::Reception ReceptionOf(CallMedia* media) {
  return {.source = &media->source, .codec = media->codec};
}

}  // namespace

void MediaEngine::OnRtcpTimer(void* owner, core::Timer*, Instant now) {
  auto* media = static_cast<CallMedia*>(owner);
  media->engine->SendReport(media, now);
}

// SDP of one of us came. Whoever offered it, mux is what both say (RFC 5761 §5.1.1).
void MediaEngine::OpenRtcp(CallMedia* media, Instant now) {
  CallRtcp& rtcp = media->rtcp;
  rtcp.is_muxed = rtcp.own_muxes && rtcp.peer_muxes;
  rtcp.remote = rtcp.is_muxed ? media->remote : rtcp.separate;
  if (!parts_.rtcp || rtcp.remote.port == 0 || rtcp.has_left) return;
  if (!rtcp.session) {
    rtcp.session.emplace(RtcpSession::Config{.ssrc = media->out.ssrc, .is_sender = true}, now,
                         parts_.random);
  }
  if (!media->rtcp_timer.armed()) parts_.timers->Arm(&media->rtcp_timer, rtcp.session->due());
}

// One stream is reported. A capture has an SSRC of its own: it is that stream where it plays alone,
// and left out beside ours, or the reports of both would begin anew with each packet.
void MediaEngine::NoteSent(CallMedia* media, const PacketView& view, Instant now) {
  CallRtcp& rtcp = media->rtcp;
  if (!rtcp.session) return;
  const bool is_own = view.ssrc() == media->out.ssrc;
  if (!is_own && rtcp.has_sent && !rtcp.of_capture) return;
  rtcp.of_capture = !is_own;
  const PayloadMeaning meaning = FindMeaning(*media, view.payload_type());
  if (meaning.kind != PayloadKind::kEvent) {
    rtcp.session->set_clock_rate_hz(meaning.clock_rate_hz);
  }
  rtcp.session->OnSent(view, now, meaning.kind);
  rtcp.has_sent = true;
}

void MediaEngine::OnRtcp(CallMedia* media, Packet packet) {
  CallRtcp& rtcp = media->rtcp;
  ++statistics_.rtcp_received;
  if (!rtcp.session) return;
  if (packet.remote() != rtcp.remote) {
    ++statistics_.rtcp_foreign;
    return;
  }
  RtcpSession::Incoming incoming;
  const bool is_whole =
      !packet.truncated() &&
      rtcp.session->OnPacket(core::rtp::BytesOf(packet), packet.received_at(), &incoming,
                             &media->source) == core::rtp::RtcpError::kOk;
  if (!is_whole) ++statistics_.rtcp_malformed;
}

void MediaEngine::SendReport(CallMedia* media, Instant now) {
  CallRtcp& rtcp = media->rtcp;
  if (rtcp.remote.port == 0) return;  // The next SDP that says a place arms the timer again.
  Compound bytes;
  const size_t size =
      rtcp.session->Report(ReceptionOf(media), now, parts_.wall->At(now), parts_.random, bytes);
  SendRtcp(media, std::span(bytes).first(size));
  parts_.timers->Arm(&media->rtcp_timer, rtcp.session->due());
}

// §6.3.7: who never sent anything leaves without a word.
void MediaEngine::LeaveRtcp(CallMedia* media, Instant now) {
  CallRtcp& rtcp = media->rtcp;
  parts_.timers->Disarm(&media->rtcp_timer);
  if (!rtcp.session || std::exchange(rtcp.has_left, true) || rtcp.remote.port == 0) return;
  if (!rtcp.has_sent && rtcp.session->counts().packets_out == 0) return;
  Compound bytes;
  const size_t size = rtcp.session->Leave(ReceptionOf(media), now, parts_.wall->At(now), bytes);
  SendRtcp(media, std::span(bytes).first(size));
}

void MediaEngine::SendRtcp(CallMedia* media, std::span<const uint8_t> bytes) {
  if (bytes.empty()) return;
  Packet packet = packets_.Acquire();
  if (!packet) {
    ++statistics_.rtcp_unsent;
    return;
  }
  std::memcpy(packet.data(), bytes.data(), bytes.size());
  packet.set_size(static_cast<uint32_t>(bytes.size()));
  const MediaPorts::Pair& pair = ports_.pair(media->pair);
  core::Endpoint local = pair.local;
  if (!media->rtcp.is_muxed) ++local.port;
  packet.SetRoute(media->rtcp.is_muxed ? pair.rtp : pair.rtcp, local, media->rtcp.remote);
  ++statistics_.rtcp_sent;
  parts_.io->Send(std::move(packet));
}

}  // namespace loadgen
