#include "sbc/control/media_metrics.h"

#include <span>
#include <string>
#include <string_view>

#include "sbc/control/record_text.h"

namespace sbc {
namespace {

using Key = MediaStatistics::Key;
using Leg = MediaStatistics::Leg;

MetricFamilies::Labels LabelsOf(const Key& key) {
  return {{"connector", key.connector},
          {"direction", std::string(DirectionName(key.direction))},
          {"route", key.route},
          {"side", std::string(SideName(key.side))}};
}

MetricFamilies::Labels LabelsOf(const Key& key, std::string_view name, std::string_view value) {
  MetricFamilies::Labels labels = LabelsOf(key);
  labels.push_back({std::string(name), std::string(value)});
  return labels;
}

prometheus::ClientMetric::Histogram ToPrometheus(const Distribution& values,
                                                 std::span<const double> bounds) {
  prometheus::ClientMetric::Histogram histogram;
  histogram.sample_count = values.count;
  histogram.sample_sum = values.sum;
  uint64_t seen = 0;
  for (size_t i = 0; i < bounds.size(); ++i) {
    seen += values.up_to[i];
    histogram.bucket.push_back({seen, bounds[i]});
  }
  return histogram;
}

void WriteCounters(const MediaStatistics& media, MetricFamilies* out) {
  MetricFamilies::Family streams =
      out->Counter("ringfence_media_streams_total", "Legs of ended calls from which RTP came.");
  for (const auto& [key, leg] : media.legs()) streams.Add(leg.streams, LabelsOf(key));
  MetricFamilies::Family packets =
      out->Counter("ringfence_media_leg_packets_total", "RTP packets of calls' legs.");
  for (const auto& [key, leg] : media.legs()) {
    packets.Add(leg.received, LabelsOf(key, "flow", "received"));
    packets.Add(leg.sent, LabelsOf(key, "flow", "sent"));
    packets.Add(leg.expected, LabelsOf(key, "flow", "expected"));
  }
  MetricFamilies::Family lost = out->Counter(
      "ringfence_media_lost_packets_total",
      "Missing in what legs sent us, and, as their peers report it, in what we sent them.");
  for (const auto& [key, leg] : media.legs()) {
    lost.Add(leg.lost, LabelsOf(key, "flow", "received"));
    lost.Add(leg.sent_lost, LabelsOf(key, "flow", "sent"));
  }
}

void WriteHistogram(std::string_view name, std::string_view help, std::span<const double> bounds,
                    Distribution Leg::*values, const MediaStatistics& media, MetricFamilies* out) {
  MetricFamilies::Family family = out->Histogram(name, help);
  for (const auto& [key, leg] : media.legs()) {
    family.Add(ToPrometheus(leg.*values, bounds), LabelsOf(key));
  }
}

}  // namespace

void WriteMediaMetrics(const MediaStatistics& media, MetricFamilies* out) {
  WriteCounters(media, out);
  WriteHistogram("ringfence_media_loss_ratio", "Of what a leg sent us in a minute of a call.",
                 MediaStatistics::kLossBounds, &Leg::loss_ratio, media, out);
  WriteHistogram("ringfence_media_jitter_seconds", "RFC 3550's, each minute of a leg.",
                 MediaStatistics::kJitterBounds, &Leg::jitter_s, media, out);
  WriteHistogram("ringfence_media_round_trip_seconds",
                 "Between us and a leg's peer by RTCP, each minute.",
                 MediaStatistics::kRoundTripBounds, &Leg::round_trip_s, media, out);
  MetricFamilies::Family mos = out->Histogram(
      "ringfence_media_mos", "By ITU-T G.107, each minute of a leg, where its codec has values.");
  for (const auto& [key, leg] : media.legs()) {
    mos.Add(ToPrometheus(leg.mos_listening, MediaStatistics::kMosBounds),
            LabelsOf(key, "kind", "listening"));
    mos.Add(ToPrometheus(leg.mos_conversation, MediaStatistics::kMosBounds),
            LabelsOf(key, "kind", "conversation"));
  }
}

}  // namespace sbc
