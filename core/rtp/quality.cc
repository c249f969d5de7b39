#include "core/rtp/quality.h"

#include <algorithm>
#include <cmath>

#include "core/rtp/emodel.h"

namespace core::rtp {
namespace {

constexpr Duration kUsualPacket = std::chrono::milliseconds(20);  // RFC 3551 §4.2
constexpr double kBurstRatioMax = 8;                              // G.107 §7.7

double ToMs(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

}  // namespace

Quality Judge(const StreamCounts& counts, const Path& path) {
  Quality quality;
  const std::optional<CodecImpairment> codec = ImpairmentOf(path.codec);
  if (counts.expected == 0) return quality;

  const int64_t missing = int64_t{counts.lost()} + counts.late;
  const auto lost = static_cast<uint32_t>(std::clamp<int64_t>(missing, 0, counts.expected));
  const auto runs = static_cast<uint32_t>(std::max(counts.loss_runs, 0));
  if (const std::optional<double> ratio = BurstRatio(counts.expected, lost, runs)) {
    quality.burst_ratio = std::clamp(*ratio, 1.0, kBurstRatioMax);
  }
  if (!codec || (lost > 0 && !codec->bpl)) return quality;

  Transmission connection;
  connection.ie = codec->ie;
  connection.bpl = codec->bpl.value_or(connection.bpl);  // The default is of no account at no loss.
  connection.ppl = 100.0 * lost / counts.expected;
  connection.burst_r = quality.burst_ratio.value_or(1);
  quality.r_listening = std::max(Rating(connection), 0.0);
  quality.mos_listening = MosOf(*quality.r_listening);

  const std::optional<Duration> depth = counts.buffer_depth();
  if (!path.round_trip || !depth) return quality;
  const Duration mouth_to_ear = *path.round_trip / 2 + *depth +
                                path.packet_duration.value_or(kUsualPacket) + codec->look_ahead;
  connection.ta_ms = ToMs(mouth_to_ear);
  connection.t_ms = connection.ta_ms;
  connection.tr_ms = 2 * connection.ta_ms;
  quality.r_conversation = std::max(Rating(connection), 0.0);
  quality.mos_conversation = MosOf(*quality.r_conversation);
  return quality;
}

namespace {

uint8_t InParts256(uint32_t part, uint32_t whole) {
  if (whole == 0) return 0;
  return static_cast<uint8_t>(std::min<uint64_t>(uint64_t{part} * 256 / whole, 255));
}

uint16_t InMs(Duration duration) {
  const int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return static_cast<uint16_t>(std::clamp<int64_t>(ms, 0, 0xffff));
}

uint8_t Rounded(const std::optional<double>& value, double factor) {
  if (!value) return VoipMetrics::kUnavailable;
  return static_cast<uint8_t>(std::lround(*value * factor));
}

}  // namespace

VoipMetrics MakeVoipMetrics(const Source& source, Codec codec, std::optional<Duration> round_trip) {
  const StreamCounts counts = source.counts();
  const Duration packet = source.packet_duration().value_or(kUsualPacket);
  const Quality quality = Judge(
      counts,
      {.codec = codec, .round_trip = round_trip, .packet_duration = source.packet_duration()});
  const LossBursts::Clusters clusters = source.bursts().clusters();

  VoipMetrics metrics;
  metrics.ssrc = source.ssrc();
  metrics.loss_rate = InParts256(static_cast<uint32_t>(counts.lost()), counts.expected);
  metrics.discard_rate = InParts256(counts.late, counts.expected);
  metrics.burst_density = InParts256(clusters.burst_lost, clusters.burst_packets);
  metrics.gap_density = InParts256(clusters.gap_lost, clusters.gap_packets);
  if (clusters.bursts > 0) {
    metrics.burst_duration_ms = InMs(packet * clusters.burst_packets / clusters.bursts);
  }
  if (clusters.gaps > 0) {
    metrics.gap_duration_ms = InMs(packet * clusters.gap_packets / clusters.gaps);
  }
  if (round_trip) metrics.round_trip_ms = std::max<uint16_t>(InMs(*round_trip), 1);  // 0: unknown.
  metrics.gap_min = LossBursts::kGapMin;
  metrics.r_factor = Rounded(quality.r_conversation, 1);
  metrics.mos_lq = Rounded(quality.mos_listening, 10);
  metrics.mos_cq = Rounded(quality.mos_conversation, 10);

  const JitterBufferModel& buffer = source.buffer();
  const auto in_ms = [&](uint32_t ticks) {
    return static_cast<uint16_t>(
        std::min<uint64_t>(uint64_t{ticks} * 1000 / source.clock_rate_hz(), 0xffff));
  };
  // §4.7.6: what conceals loss is not known; an adaptive buffer (3) that needs 2 * 8 packets to
  // adjust, or a fixed one (2).
  metrics.receiver_config = buffer.adaptive() ? 0x38 : 0x20;
  metrics.buffer_nominal_ms = in_ms(buffer.depth_ticks());
  metrics.buffer_maximum_ms = in_ms(buffer.limits().max_ticks);
  metrics.buffer_absolute_maximum_ms = metrics.buffer_maximum_ms;
  metrics.end_system_delay_ms =
      static_cast<uint16_t>(std::min(metrics.buffer_nominal_ms + InMs(packet), 0xffff));
  return metrics;
}

}  // namespace core::rtp
