#include "sbc/media/media_summary.h"

#include <algorithm>
#include <iterator>

#include "sbc/media/media_stream.h"

namespace sbc {
namespace {

void Add(const MediaCounts& more, MediaCounts* sum) {
  sum->packets += more.packets;
  sum->bytes += more.bytes;
  sum->rtcp_packets += more.rtcp_packets;
  sum->rtcp_bytes += more.rtcp_bytes;
}

ToldCounts::Direction Told(const MediaCounts& counts) {
  return {.packets = counts.packets,
          .bytes = static_cast<uint32_t>(counts.bytes),
          .rtcp_packets = counts.rtcp_packets,
          .rtcp_bytes = counts.rtcp_bytes};
}

MediaCounts Since(const MediaCounts& now, const ToldCounts::Direction& earlier) {
  return {.packets = now.packets - earlier.packets,
          .bytes = static_cast<uint32_t>(now.bytes) - earlier.bytes,
          .rtcp_packets = now.rtcp_packets - earlier.rtcp_packets,
          .rtcp_bytes = now.rtcp_bytes - earlier.rtcp_bytes};
}

// Of the present SSRC. Sequence numbers cross us unchanged, or closed up where events ended here,
// so what was missing when it came to us is missing there.
uint32_t SentLost(const MediaStream::Leg& leg) {
  const auto& report = leg.rtcp.peer_report();
  if (!report.has_value()) return leg.sent_loss.of_present;
  const int32_t lost = std::max(report->cumulative_lost - leg.lost_before_us, 0);
  // Who has forgotten the SSRC that comes back counts it from nothing: what was lost stays so.
  return std::max(static_cast<uint32_t>(lost), leg.sent_loss.of_present);
}

constexpr core::Duration kJitterBelieved = std::chrono::seconds(60);

void SummarizePeerReport(const MediaStream::Leg& leg, const MediaStream::Leg& other,
                         MediaLegSummary* out) {
  out->round_trip = leg.rtcp.round_trip();
  const auto& report = leg.rtcp.peer_report();
  if (!report.has_value() && !leg.has_sent_loss) return;
  const core::Duration jitter = report.has_value()
                                    ? core::Duration(std::chrono::nanoseconds(
                                          uint64_t{report->jitter_ticks} * 1'000'000'000 /
                                          std::max<uint32_t>(other.source.clock_rate_hz(), 1)))
                                    : core::Duration::zero();
  // Who has lost more than he was sent, or minutes of time, has not counted: nothing is told of it.
  const uint32_t lost = leg.sent_loss.of_all - leg.sent_loss.of_present + SentLost(leg);
  if (lost > leg.sent.packets || jitter > kJitterBelieved) return;
  out->sent_lost = lost;
  if (report.has_value()) out->sent_jitter = jitter;
}

void SummarizeLeg(MediaStream::Leg* leg, const MediaStream::Leg& other, MediaLegSummary* out) {
  const MediaLegSummary::Span whole = {leg->received, leg->sent, leg->source.counts()};
  Add(whole.received, &out->whole.received);
  Add(whole.sent, &out->whole.sent);
  Add(Since(whole.received, leg->told.received), &out->lately.received);
  Add(Since(whole.sent, leg->told.sent), &out->lately.sent);
  out->dtmf_digits += leg->dtmf_digits;
  out->wrong_source += leg->wrong_source;
  if (leg->source.active() && !out->is_active) {
    out->is_active = true;
    out->whole.stream = whole.stream;
    out->lately.stream = whole.stream.Since(leg->told.stream);
    out->codec = leg->codec;
    out->judged_by = core::rtp::JudgedBy(leg->heard, leg->codec);
    out->lately_judged_by = core::rtp::JudgedBy(leg->heard_lately, leg->codec);
    out->packet_duration = leg->source.packet_duration();
    out->jitter = leg->source.jitter();
    out->jitter_max = leg->source.jitter_max();
    out->longest_gap = leg->source.longest_gap();
  }
  if (!out->round_trip.has_value() && !out->sent_lost.has_value()) {
    SummarizePeerReport(*leg, other, out);
  }
  leg->told = {Told(whole.received), Told(whole.sent), whole.stream};
  leg->heard_lately = {};
  leg->voice_type = MediaStream::Leg::kNoVoice;  // So that the next one of it is heard anew.
}

}  // namespace

void LeaveSentSsrc(uint32_t next_ssrc, LegId to, MediaStream* stream) {
  MediaStream::Leg& leg = stream->leg(to);
  SentLoss& loss = leg.sent_loss;
  const uint32_t lost = SentLost(leg);
  const bool returns = leg.rtcp.sent_packets() > 0 && next_ssrc == loss.former_ssrc;
  leg.has_sent_loss = leg.has_sent_loss || leg.rtcp.peer_report().has_value();
  loss.of_all += lost - loss.of_present;
  loss.of_present = returns ? loss.of_former : 0;
  loss.of_former = lost;
  loss.former_ssrc = leg.rtcp.sent_ssrc();
}

void Summarize(MediaStream* stream, CallMedia* media) {
  if (stream->is_video) return;
  const bool has_flowed = std::any_of(
      std::begin(stream->legs), std::end(stream->legs),
      [](const MediaStream::Leg& leg) { return leg.received.packets > 0 || leg.sent.packets > 0; });
  if (!has_flowed && !stream->in_force()) {
    // It was offered, and nothing came of it; or it was a fax, which is in no count, and is over.
    for (const LegId id : {LegId::kCaller, LegId::kCallee}) {
      media->legs[Index(id)].wrong_source += stream->leg(id).wrong_source;
    }
    return;
  }
  ++media->streams;
  for (const LegId id : {LegId::kCaller, LegId::kCallee}) {
    SummarizeLeg(&stream->leg(id), stream->leg(Other(id)), &media->legs[Index(id)]);
  }
}

}  // namespace sbc
