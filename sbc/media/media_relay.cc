#include "sbc/media/media_relay.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/rtp/packet_view.h"
#include "core/sdp/telephone_event.h"
#include "sbc/media/media_session.h"

namespace sbc {

using core::Handle;
using core::Instant;
using core::Packet;

namespace {

constexpr size_t kFlowsPerStream = 4;  // RTP and RTCP on each leg.
constexpr uint8_t kPayloadTypeMax = 0x7f;
// An event whose three ends were lost is over when voice comes this long after its last packet.
constexpr core::Duration kEventSilenceMax = std::chrono::milliseconds(200);

void CountDigits(const core::rtp::PacketView& view, MediaStream::Leg* leg) {
  for (const auto& event : leg->dtmf.OnPacket(view)) {
    const bool is_digit = core::rtp::DigitOf(event.code) != 0;
    leg->dtmf_digits += is_digit && event.kind == core::rtp::DtmfReader::Event::Kind::kStart;
  }
}

// What a packet carries whose type or SSRC is not that of the voice before it. Its voice may go on
// in another of the codecs that were agreed on, by the type alone (RFC 3264 §7): what is measured
// by is that of the type in use, and so is the clock of what we send on.
SentFormats::Meaning LookUp(const core::rtp::PacketView& view, MediaStream::Leg* from,
                            MediaStream::Leg* to) {
  SentFormats::Meaning meaning = from->formats.Find(view.payload_type());
  const uint32_t clock_rate_hz = meaning.clock_rate_hz;
  if (meaning.kind == core::rtp::PayloadKind::kEvent) CountDigits(view, from);
  if (meaning.kind == core::rtp::PayloadKind::kComfortNoise && clock_rate_hz != 0 &&
      clock_rate_hz != from->source.clock_rate_hz()) {
    meaning.kind = core::rtp::PayloadKind::kEvent;  // Its times tell nothing of this voice's.
  }
  if (meaning.kind != core::rtp::PayloadKind::kAudio) return meaning;
  from->voice_type = MediaStream::Leg::kNoVoice;
  if (from->source.active() && view.ssrc() != from->source.ssrc()) return meaning;  // Beside it.
  from->voice_type = view.payload_type();
  from->codec = meaning.codec;
  from->heard.Add(meaning.codec);
  from->heard_lately.Add(meaning.codec);
  if (clock_rate_hz == 0) return meaning;
  from->source.SetClockRate(clock_rate_hz);
  to->rtcp.set_clock_rate_hz(clock_rate_hz);
  return meaning;
}

}  // namespace

MediaRelay::MediaRelay(const Options& options, const std::vector<MediaConfig>& config)
    : options_(options),
      streams_(std::max<size_t>(1, options.calls_max * MediaSession::kStreamsMax)),
      bridges_(streams_.capacity()),
      shared_(streams_.capacity() * kFlowsPerStream),
      hash_key_(options.random->Next()) {
  bool has[kSideCount] = {};
  for (const MediaConfig& media : config) {
    ports_.push_back(std::make_unique<MediaPorts>(media, options.worker, options.workers));
    has[static_cast<size_t>(media.side)] = true;
  }
  enabled_ = has[0] && has[1];
}

absl::Status MediaRelay::Open() {
  for (const auto& ports : ports_) {
    absl::Status opened = ports->Open(options_.io);
    if (!opened.ok()) return opened;
    const auto kind = ports->shared() ? Place::Kind::kShared : Place::Kind::kFree;
    for (uint32_t i = 0; i < ports->count(); ++i) {
      const MediaPorts::Pair& pair = ports->pair(i);
      const size_t size = std::max(pair.rtp.index, pair.rtcp.index) + size_t{1};
      if (places_.size() < size) places_.resize(size);
      SetOwner(pair, kind, {}, LegId::kCaller);
    }
  }
  return absl::OkStatus();
}

// ---- streams ------------------------------------------------------------------------------------

MediaStream* MediaRelay::Begin(Instant now, const MediaStream* beside) {
  return streams_.Acquire(now, options_.random, &FireReport, this, beside);
}

bool MediaRelay::Bind(MediaStream* stream, LegId id, Side side, bool v4, Instant now) {
  MediaStream::Leg& leg = stream->leg(id);
  if (leg.ports != nullptr) return true;
  for (const auto& ports : ports_) {
    if (ports->side() != side || ports->is_v4() != v4) continue;
    // The last quarter of a side's pairs is for voice.
    const size_t spare = stream->is_video ? (ports->count() + 3) / 4 : 0;
    const std::optional<uint32_t> pair = ports->Acquire(options_.random, now, spare);
    if (!pair.has_value()) continue;
    Lend(ports.get(), *pair, stream, id);
    return true;
  }
  // What the last peer may still send is no reason to refuse who calls for help.
  MediaPorts* rested =
      stream->is_emergency && !stream->is_video ? LongestRested(side, v4) : nullptr;
  if (rested != nullptr) {
    Lend(rested, rested->AcquireResting(), stream, id);
    ++counters_.rests_cut_short;
    return true;
  }
  ++(stream->is_video ? counters_.video_without_ports : counters_.ports_exhausted);
  return false;
}

MediaPorts* MediaRelay::LongestRested(Side side, bool v4) const {
  MediaPorts* found = nullptr;
  for (const auto& ports : ports_) {
    if (ports->side() != side || ports->is_v4() != v4 || !ports->rest_ends()) continue;
    if (found == nullptr || *ports->rest_ends() < *found->rest_ends()) found = ports.get();
  }
  return found;
}

void MediaRelay::Lend(MediaPorts* ports, uint32_t pair, MediaStream* stream, LegId id) {
  MediaStream::Leg& leg = stream->leg(id);
  leg.ports = ports;
  leg.pair = pair;
  if (ports->shared()) return;
  SetOwner(ports->pair(pair), Place::Kind::kOwn, streams_.HandleOf(stream), id);
}

bool MediaRelay::Rebind(MediaStream* stream, LegId id, Side side, bool v4, Instant now) {
  const MediaPorts* ports = stream->leg(id).ports;
  if (ports != nullptr && (ports->side() != side || ports->is_v4() != v4)) Unbind(stream, id, now);
  return Bind(stream, id, side, v4, now);
}

void MediaRelay::Unbind(MediaStream* stream, LegId id, Instant now) {
  MediaStream::Leg& leg = stream->leg(id);
  if (leg.ports == nullptr) return;
  Uninstall(stream, id);
  if (!leg.ports->shared()) SetOwner(leg.ports->pair(leg.pair), Place::Kind::kFree, {}, id);
  leg.ports->Release(leg.pair, now);
  leg.ports = nullptr;
  leg.is_told = false;
  leg.learns_rtp = leg.learns_rtcp = false;
  leg.peer = {};
}

DigitBridge* MediaRelay::BridgeOf(MediaStream* stream) {
  if (stream->digits == nullptr) stream->digits = bridges_.Acquire();  // As many as streams.
  return stream->digits;
}

void MediaRelay::End(MediaStream* stream, Instant now) {
  if (stream->digits != nullptr) {
    counters_.digits.dropped += stream->digits->player.waiting();
    bridges_.Release(stream->digits);
  }
  options_.wheel->Disarm(&stream->report_timer);
  for (const LegId id : {LegId::kCaller, LegId::kCallee}) {
    MediaStream::Leg& leg = stream->leg(id);
    if (leg.rtcp.sent_packets() > 0) {  // Who was sent media is told that there is no more.
      uint8_t bytes[core::rtp::RtcpSession::kCompoundMax];
      const size_t size = leg.rtcp.Leave(MediaStream::ReceptionOf(*stream, &leg), now,
                                         options_.turn->wall(), bytes);
      SendRtcp(&leg, {bytes, size});
    }
    Unbind(stream, id, now);
  }
  streams_.Release(stream);
}

std::optional<core::IpAddress> MediaRelay::AdvertisedAddress(Side side, bool v4) const {
  for (const auto& ports : ports_) {
    if (ports->side() == side && ports->is_v4() == v4) return ports->advertised();
  }
  return std::nullopt;
}

void MediaRelay::SetOwner(const MediaPorts::Pair& pair, Place::Kind kind,
                          Handle<MediaStream> stream, LegId leg) {
  places_[pair.rtp.index] = {kind, leg, false, stream};
  places_[pair.rtcp.index] = {kind, leg, true, stream};
}

core::sdp::AddressClassSet MediaRelay::AllowedClasses(Side side) const {
  for (const auto& ports : ports_) {
    if (ports->side() == side) return ports->allowed();
  }
  return {};
}

size_t MediaRelay::ports_used(Side side) const {
  size_t used = 0;
  for (const auto& ports : ports_) used += ports->side() == side ? ports->used() : 0;
  return used;
}

size_t MediaRelay::ports_count(Side side) const {
  size_t count = 0;
  for (const auto& ports : ports_) count += ports->side() == side ? ports->count() : 0;
  return count;
}

// ---- packets ------------------------------------------------------------------------------------

void MediaRelay::OnPacket(Packet packet, Instant now) {
  const Arrival arrival = Find(packet);
  if (arrival.stream == nullptr) return;
  if (packet.truncated()) {  // Half of it is no one's.
    ++counters_.malformed;
    return;
  }
  const bool muxed = arrival.stream->leg(arrival.leg).peer.is_muxed;
  if (arrival.is_rtcp || (muxed && core::rtp::LooksLikeRtcp(core::rtp::BytesOf(packet)))) {
    OnRtcp(std::move(packet), arrival, now);
  } else {
    OnRtp(std::move(packet), arrival, now);
  }
}

MediaRelay::Arrival MediaRelay::Find(const Packet& packet) {
  const Place& place = places_[packet.socket().index];
  if (place.kind == Place::Kind::kOwn) {
    return {streams_.Find(place.stream), place.leg, place.is_rtcp};
  }
  if (place.kind == Place::Kind::kShared) {
    if (const SharedFlow* flow = FindShared(packet.socket(), packet.remote())) {
      return {streams_.Find(flow->stream), flow->leg, place.is_rtcp};
    }
  }
  ++counters_.strays;
  return {};
}

void MediaRelay::OnRtp(Packet packet, const Arrival& arrival, Instant now) {
  MediaStream::Leg& from = arrival.stream->leg(arrival.leg);
  const bool known = from.IsFrom(packet.remote(), from.peer.rtp);
  if (!known && !(from.learns_rtp && packet.remote().ip == from.learns_from)) {
    ++counters_.wrong_source;
    ++from.wrong_source;
    return;
  }
  MediaStream::Leg& to = arrival.stream->leg(Other(arrival.leg));
  auto kind = core::rtp::PayloadKind::kAudio;
  core::rtp::PacketView view;
  if (from.peer.is_rtp) {
    if (core::rtp::PacketView::Parse(core::rtp::BytesOf(packet), &view) !=
        core::rtp::PacketError::kOk) {
      ++counters_.malformed;
      return;
    }
    const uint8_t payload_type = view.payload_type();
    const uint8_t mapped = from.map.Find(payload_type);
    if (mapped > kPayloadTypeMax) {
      if (mapped == core::sdp::PayloadMap::kEndsHere) {
        const auto counted =
            from.source.OnPacket(view, packet.received_at(), core::rtp::PayloadKind::kEvent);
        return OnEvent(view, arrival, counted, now);
      }
      ++counters_.payload_types;
      return;
    }
    uint32_t clock_rate_hz = 0;
    if (payload_type != from.voice_type || view.ssrc() != from.source.ssrc()) [[unlikely]] {
      const SentFormats::Meaning meaning = LookUp(view, &from, &to);
      kind = meaning.kind;
      clock_rate_hz = meaning.clock_rate_hz;
    }
    // What it counts, it counts.
    (void)from.source.OnPacket(view, packet.received_at(), kind, clock_rate_hz);
    if (mapped != payload_type) view.set_payload_type(mapped);
  }
  if (!known) {
    from.learns_rtp = false;
    from.peer.rtp = packet.remote();
    if (from.peer.is_muxed) {
      from.peer.rtcp = packet.remote();
      from.learns_rtcp = false;
      ArmReport(arrival.stream);
    }
    ++counters_.learnt;
  } else if (from.learns_rtp && now >= from.old_place_ends_at) {
    from.learns_rtp = false;
  }
  from.heard_at = now;
  if (from.peer.is_rtp) {
    ++from.received.packets;
    from.received.bytes += packet.size();
  }
  if (to.ports == nullptr || to.peer.rtp.port == 0) {
    ++counters_.unwanted;
    return;
  }
  if (from.bridges_digits) {
    kind = Bridge(&packet, arrival, kind, now);
    view = {};  // It may be another packet now.
  }
  Forward(std::move(packet), view, arrival, kind, now);
}

// A trunk's event where the customer has digits in SIP: it is read, and goes no further.
void MediaRelay::OnEvent(core::rtp::PacketView view, const Arrival& arrival,
                         core::rtp::Arrival counted, Instant now) {
  MediaStream* stream = arrival.stream;
  MediaStream::Leg& from = stream->leg(arrival.leg);
  from.heard_at = now;
  ++from.received.packets;
  from.received.bytes += view.size();
  ++counters_.events_ended;
  stream->digits->event_at = now;
  // Under an SSRC of its own it has none of the voice's numbers.
  if (counted != core::rtp::Arrival::kRefused) stream->digits->shift.Take(view.sequence_number());
  Hear(stream, from.dtmf.OnPacket(view));
}

void MediaRelay::Hear(MediaStream* stream, const core::rtp::DtmfReader::Events& events) {
  MediaStream::Leg& from = stream->leg(stream->digits->trunk);
  for (const core::rtp::DtmfReader::Event& event : events) {
    if (core::rtp::DigitOf(event.code) == 0 && event.code != core::sdp::kFlashEvent) continue;
    if (event.kind == core::rtp::DtmfReader::Event::Kind::kStart) {
      ++from.dtmf_digits;
      continue;
    }
    const uint32_t duration_ms = event.duration_ticks / (core::sdp::kEventClockHz / 1000);
    const Digit digit = {event.code,
                         static_cast<uint16_t>(std::min<uint32_t>(duration_ms, UINT16_MAX))};
    // One packet says no more than there is room for, and its reader took what was there before.
    CHECK(heard_.PushBack({stream->digits->call, digit}));
  }
}

// What crosses where digits do not: the customer's voice is their carrier on its way to the trunk,
// and the trunk's closes up where events were.
core::rtp::PayloadKind MediaRelay::Bridge(Packet* packet, const Arrival& arrival,
                                          core::rtp::PayloadKind kind, Instant now) {
  DigitBridge& digits = *arrival.stream->digits;
  if (arrival.leg != digits.trunk) {
    if (kind == core::rtp::PayloadKind::kEvent) return kind;
    return digits.player.Play(packet, now, &counters_.digits) ? core::rtp::PayloadKind::kEvent
                                                              : kind;
  }
  core::rtp::PacketView view;
  if (core::rtp::PacketView::Parse(core::rtp::BytesOf(*packet), &view) !=
      core::rtp::PacketError::kOk) {
    return kind;
  }
  view.set_sequence_number(digits.shift.Apply(view.sequence_number()));
  core::rtp::DtmfReader& reader = arrival.stream->leg(arrival.leg).dtmf;
  if (reader.on() && now - digits.event_at > kEventSilenceMax) {
    Hear(arrival.stream, reader.Finish());
  }
  return kind;
}

// Rule 23: all that the leg's peer sends goes on, under whatever SSRC; what is told of a stream in
// RTCP and in the records is of one SSRC at a time, and Source says of which.
// `view`: of the packet, where it was read already; else empty.
void MediaRelay::Forward(Packet packet, core::rtp::PacketView view, const Arrival& arrival,
                         core::rtp::PayloadKind kind, Instant now) {
  const core::rtp::Source& source = arrival.stream->leg(arrival.leg).source;
  MediaStream::Leg* to = &arrival.stream->leg(Other(arrival.leg));
  const MediaPorts::Pair& pair = to->ports->pair(to->pair);
  if (to->peer.is_rtp &&
      (view.size() > 0 || core::rtp::PacketView::Parse(core::rtp::BytesOf(packet), &view) ==
                              core::rtp::PacketError::kOk)) {
    if (source.active() && view.ssrc() != source.ssrc()) [[unlikely]] {
      to->rtcp.OnSentBeside(view, kind);
    } else {
      if (view.ssrc() != to->rtcp.sent_ssrc()) [[unlikely]] {
        LeaveSentSsrc(view.ssrc(), Other(arrival.leg), arrival.stream);
      }
      to->rtcp.OnSent(view, now, kind);
    }
    ++to->sent.packets;
    to->sent.bytes += packet.size();
  }
  ++counters_.relayed;
  packet.SetRoute(pair.rtp, pair.rtp_local, to->peer.rtp);
  options_.io->Send(std::move(packet));
}

}  // namespace sbc
