#include "loadgen/media/media_engine.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/rtp/packet_view.h"

namespace loadgen {
namespace {

using core::Instant;
using core::Packet;
using core::rtp::PacketView;
using core::rtp::PayloadKind;

constexpr double kMillion = 1e6;

double LossShare(const core::rtp::StreamCounts& counts) {
  if (counts.expected == 0) return 0;
  return std::max(0, counts.lost()) / static_cast<double>(counts.expected);
}

std::optional<core::Duration> RoundTripOf(const CallMedia& media) {
  return media.rtcp.session ? media.rtcp.session->round_trip() : std::nullopt;
}

}  // namespace

MediaEngine::MediaEngine(const Parts& parts)
    : parts_(parts),
      packets_(PcapClip::kPacketBytesMax, kPacketsInFlight),
      calls_(std::max<size_t>(parts.ports.count, 1)),
      by_pair_(parts.ports.count),
      former_numbers_(parts.ports.count) {
  if (parts_.records) records_.reserve(MediaRecord::kRecordsMax);
}

MediaEngine::~MediaEngine() = default;

CallMedia* MediaEngine::Open(uint64_t call_number, Instant now) {
  const uint32_t pair = ports_.Acquire();
  if (pair == MediaPorts::kNone) {
    ++statistics_.no_port;
    return nullptr;
  }
  CallMedia* media = calls_.Acquire(this, OnAudioTimer, OnPcapTimer, OnDigitTimer, OnRtcpTimer);
  CHECK(media != nullptr);  // There are as many as pairs.
  by_pair_[pair] = media;
  media->number = call_number;
  media->pair = pair;
  media->port = ports_.pair(pair).local.port;
  media->out.ssrc = static_cast<uint32_t>(parts_.random->Next());
  media->out.first_timestamp = static_cast<uint32_t>(parts_.random->Next());
  media->out.sequence_number = static_cast<uint16_t>(parts_.random->Next());
  media->out.began = now;
  return media;
}

void MediaEngine::Close(CallMedia* media, std::string_view call_id, Instant now) {
  LeaveRtcp(media, now);
  Settle(media, call_id, now);
  by_pair_[media->pair] = nullptr;
  former_numbers_[media->pair] = media->number;
  ports_.Release(media->pair);
  calls_.Release(media);
}

core::rtp::Quality MediaEngine::QualityOf(const CallMedia& media) const {
  return core::rtp::Judge(media.source.counts(),
                          {.codec = media.codec,
                           .round_trip = RoundTripOf(media),
                           .packet_duration = media.source.packet_duration()});
}

MediaRecord MediaEngine::RecordOf(const CallMedia& media, std::string_view call_id,
                                  Instant now) const {
  const core::rtp::StreamCounts counts = media.source.counts();
  const core::rtp::Quality quality = QualityOf(media);
  MediaRecord record{.call_id = {},
                     .number = media.number,
                     .sent = media.packets_sent,
                     .echoed = media.packets_echoed,
                     .received = media.packets_received,
                     .foreign = media.foreign,
                     .expected = counts.expected,
                     .lost = static_cast<uint32_t>(std::max(0, counts.lost())),
                     .late = counts.late,
                     .duplicates = counts.duplicates,
                     .reordered = counts.reordered,
                     .misrouted = media.misrouted,
                     .bytes = counts.bytes,
                     .ssrc_changes = counts.ssrc_changes,
                     .payload_switches = counts.payload_switches,
                     .digits = media.digits_received,
                     .jitter_us = std::nullopt,
                     .gap_us = std::nullopt,
                     .round_trip_us = std::nullopt,
                     .marks = std::nullopt,
                     .mos = quality.mos_listening,
                     .mos_conversation = quality.mos_conversation};
  record.call_id.AssignTruncated(call_id);
  if (const auto jitter = media.source.jitter()) {
    record.jitter_us = *jitter / std::chrono::microseconds(1);
  }
  if (media.source.active()) {
    record.gap_us = media.deaf.Longest(now) / std::chrono::microseconds(1);
  }
  if (const auto round_trip = RoundTripOf(media)) {
    record.round_trip_us = *round_trip / std::chrono::microseconds(1);
  }
  if (parts_.marks) {
    record.marks = MarkRecord{.own = IdentityOf(media.number),
                              .peer = media.marks.peer(),
                              .is_mutual = media.marks.is_mutual(),
                              .sent = media.marks_sent,
                              .unmarked_sent = media.unmarked_sent,
                              .expected = media.marks.expected(),
                              .lost = media.marks.lost(),
                              .unmarked = media.unmarked};
  }
  return record;
}

// A call's audio becomes a part of the run's.
void MediaEngine::Settle(CallMedia* media, std::string_view call_id, Instant now) {
  Note(media, media->digit_reader.Finish());
  ++statistics_.calls;
  statistics_.mark_lost += media->marks.lost();
  if (media->marks.is_mutual()) ++statistics_.mark_mutual_calls;
  statistics_.pattern_matched += media->pattern_matched;
  statistics_.pattern_differed += media->pattern_differed;
  if (PatternFailed(*media)) ++statistics_.pattern_calls_failed;
  const core::rtp::StreamCounts counts = media->source.counts();
  const MediaRecord record = RecordOf(*media, call_id, now);
  if (records_.size() < records_.capacity()) {
    records_.push_back(record);
  } else if (parts_.records) {
    ++statistics_.records_left_out;
  }
  if (parts_.file != nullptr) parts_.file->Write(record, parts_.wall->At(now));
  if (record.round_trip_us) statistics_.rtcp_round_trip_us.Record(*record.round_trip_us);
  if (!media->source.active()) {
    ++statistics_.silent_calls;
    return;
  }
  statistics_.gap_us.Record(*record.gap_us);
  statistics_.streams += 1 + counts.ssrc_changes;
  statistics_.expected += counts.expected;
  statistics_.lost += record.lost;
  statistics_.duplicates += counts.duplicates;
  statistics_.reordered += counts.reordered;
  statistics_.late += counts.late;
  statistics_.loss_ppm.Record(static_cast<int64_t>(LossShare(counts) * kMillion));
  if (record.jitter_us) statistics_.jitter_us.Record(*record.jitter_us);
  if (record.mos) {
    statistics_.mos_milli.Record(static_cast<int64_t>(*record.mos * 1000));
  } else {
    ++statistics_.unjudged;
  }
  if (record.mos_conversation) {
    statistics_.mos_conversation_milli.Record(
        static_cast<int64_t>(*record.mos_conversation * 1000));
  }
}

void MediaEngine::Note(CallMedia* media, const core::rtp::DtmfReader::Events& events) {
  for (const core::rtp::DtmfReader::Event& event : events) {
    if (event.kind != core::rtp::DtmfReader::Event::Kind::kStart) continue;
    ++statistics_.digits_received;
    const char digit = core::rtp::DigitOf(event.code);
    (void)media->digits_received.Append({&digit, 1});  // So many are compared, and no more.
  }
}

void MediaEngine::OnPacket(Packet packet, Instant) {
  const MediaPorts::Place place = ports_.Find(packet.socket());
  CallMedia* media = place.pair == MediaPorts::kNone ? nullptr : by_pair_[place.pair];
  const bool is_rtcp = place.is_rtcp || core::rtp::LooksLikeRtcp(core::rtp::BytesOf(packet));
  if (media == nullptr) {
    ++(is_rtcp ? statistics_.rtcp_strays : statistics_.strays);
    return;
  }
  if (is_rtcp) return OnRtcp(media, std::move(packet));
  PacketView view;
  if (packet.truncated() ||
      PacketView::Parse(core::rtp::BytesOf(packet), &view) != core::rtp::PacketError::kOk) {
    ++statistics_.not_rtp;
    return;
  }
  ++statistics_.packets_received;
  statistics_.bytes_received += packet.size();
  const bool is_peers = media->place.Hear(packet.remote());
  if (is_peers) {
    if (!media->place.is_said(packet.remote())) ++statistics_.unannounced;
    Measure(media, view, packet.received_at());
  } else {
    NoteForeign(media, view);
  }
  if (!media->echo && !parts_.echo) return;
  ++statistics_.echoed;
  if (is_peers) ++media->packets_echoed;
  const core::Endpoint back = packet.remote();
  packet.SetRoute(packet.socket(), packet.local(), back);
  parts_.io->Send(std::move(packet));
}

// Audio that is not the peer's is none of the call's, whatever is checked. But where it tells that
// it is another call's, it went astray.
void MediaEngine::NoteForeign(CallMedia* media, const PacketView& view) {
  ++statistics_.foreign;
  ++media->foreign;
  MediaMark mark;
  if (!parts_.marks || !mark.Read(view.payload())) return;
  if (media->marks.IsMisrouted(mark, IdentityOf(media->number))) NoteMisrouted(media, mark);
}

// What was still on its way to the call that had the port before is late, and not astray.
void MediaEngine::NoteMisrouted(CallMedia* media, const MediaMark& mark) {
  if (mark.heard == IdentityOf(former_numbers_[media->pair])) {
    ++statistics_.mark_former;
    return;
  }
  ++statistics_.misrouted;
  ++media->misrouted;
}

void MediaEngine::Measure(CallMedia* media, const PacketView& view, Instant at) {
  ++media->packets_received;
  media->deaf.OnHeard(at);
  media->alone.OnHeard(at);
  const PayloadMeaning meaning = FindMeaning(*media, view.payload_type());
  if (meaning.kind == PayloadKind::kAudio && view.payload_type() != media->last_payload_type) {
    media->last_payload_type = view.payload_type();
    media->codec = meaning.codec;
    if (meaning.clock_rate_hz != media->source.clock_rate_hz()) {
      media->source.SetClockRate(meaning.clock_rate_hz);
    }
  }
  (void)media->source.OnPacket(view, at, meaning.kind);  // What became of it is in its counts.
  if (meaning.kind == PayloadKind::kEvent) Note(media, media->digit_reader.OnPacket(view));
  if (parts_.marks) ReadMark(media, view.payload(), at);
  if (media->pattern_sent == 0 || meaning.kind != PayloadKind::kAudio) return;
  std::span<const uint8_t> payload = view.payload();
  const bool whole = payload.size() == media->pattern_bytes;
  if (parts_.marks && payload.size() >= MediaMark::kBytes) {
    payload = payload.subspan(MediaMark::kBytes);  // A mark stands on the pattern.
  }
  const bool same = whole && std::all_of(payload.begin(), payload.end(),
                                         [=](uint8_t byte) { return byte == media->pattern_sent; });
  ++(same ? media->pattern_matched : media->pattern_differed);
}

void MediaEngine::ReadMark(CallMedia* media, std::span<const uint8_t> payload, Instant at) {
  MediaMark mark;
  if (!mark.Read(payload)) {
    ++statistics_.unmarked;
    ++media->unmarked;
    return;
  }
  switch (media->marks.OnMark(mark, IdentityOf(media->number))) {
    case MarkFate::kNew:
      ++statistics_.marked;
      return CountOneWay(at - mark.sent);
    case MarkFate::kDuplicate:
      ++statistics_.mark_duplicates;
      return;
    case MarkFate::kMisrouted:
      return NoteMisrouted(media, mark);
    case MarkFate::kEchoed:
      statistics_.round_trip_us.Record((at - mark.sent) / std::chrono::microseconds(1));
      return;
  }
}

// Of two machines whose clocks have nothing to do with each other there is no latency to tell.
void MediaEngine::CountOneWay(core::Duration latency) {
  constexpr core::Duration kSameClock = std::chrono::minutes(1);
  constexpr core::Duration kMappingError = std::chrono::milliseconds(1);  // Of kernel times.
  if (latency < -kMappingError || latency > kSameClock) {
    ++statistics_.other_clock;
    return;
  }
  if (latency > kLate) ++statistics_.mark_late;
  statistics_.one_way_us.Record(latency / std::chrono::microseconds(1));
}

bool MediaEngine::PatternFailed(const CallMedia& media) const {
  if (media.pattern_packets_sent == 0) return false;  // Nothing could come back.
  const auto sent = static_cast<double>(media.pattern_packets_sent);
  const double share = 1 - static_cast<double>(media.pattern_matched) / sent;
  return std::max(0.0, share) >= parts_.pattern_tolerance;
}

MediaFault MediaEngine::Judge(const CallMedia& media, const MediaChecks& checks,
                              Instant now) const {
  const bool heard = media.source.active();
  const core::rtp::StreamCounts counts = media.source.counts();
  const bool has_sent = media.packets_sent + media.packets_echoed > 0;
  if (checks.two_way && (!heard || !has_sent)) return MediaFault::kOneWay;
  if (checks.two_way && media.alone.At(now) > checks.gap_max.value_or(MediaChecks::kAloneMax)) {
    return MediaFault::kDeaf;
  }
  if (checks.gap_max && (!heard || media.deaf.Longest(now) > *checks.gap_max)) {
    return MediaFault::kGap;
  }
  if (checks.loss_max_percent && (!heard || LossShare(counts) * 100 > *checks.loss_max_percent)) {
    return MediaFault::kLoss;
  }
  if (checks.jitter_max) {
    const std::optional<core::Duration> jitter = media.source.jitter();
    if (!jitter || *jitter > *checks.jitter_max) return MediaFault::kJitter;
  }
  if (checks.mos_min) {
    const std::optional<double> mos = QualityOf(media).mos_listening;
    if (!mos || *mos < *checks.mos_min) return MediaFault::kMos;
  }
  if (!checks.digits.empty() && media.digits_received.view() != checks.digits) {
    return MediaFault::kDigits;
  }
  return MediaFault::kNone;
}

}  // namespace loadgen
