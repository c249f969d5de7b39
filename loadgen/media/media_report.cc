#include "loadgen/media/media_report.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "core/base/concat.h"

namespace loadgen {
namespace {

using core::Histogram;

std::string Decimal(double value, int decimals) {
  char text[64];
  (void)std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text;
}

std::string Percent(uint64_t part, uint64_t whole) {
  return core::Concat(Decimal(static_cast<double>(part) / static_cast<double>(whole) * 100, 3),
                      " %");
}

// Values of which the high ones are bad. `scale` of them are a unit.
std::string Highs(const Histogram& values, double scale, std::string_view unit) {
  std::string text;
  for (const double percent : {50.0, 95.0, 99.0}) {
    text += core::Concat("p", Decimal(percent, 0), " ",
                         Decimal(static_cast<double>(values.Percentile(percent)) / scale, 2), "  ");
  }
  return core::Concat(text, "max ", Decimal(static_cast<double>(values.max()) / scale, 2), unit);
}

// The other way round.
std::string Lows(const Histogram& values, double scale) {
  std::string text;
  for (const double percent : {50.0, 5.0, 1.0}) {
    text += core::Concat("p", Decimal(percent, 0), " ",
                         Decimal(static_cast<double>(values.Percentile(percent)) / scale, 2), "  ");
  }
  return core::Concat(text, "min ", Decimal(static_cast<double>(values.min()) / scale, 2));
}

class Lines {
 public:
  void Add(std::string_view name, std::string_view value) {
    constexpr size_t kWidth = 26;
    std::string padded(name);
    padded.resize(std::max(padded.size(), kWidth), ' ');
    text_ += core::Concat("  ", padded, value, "\n");
  }
  void AddIfAny(std::string_view name, uint64_t count) {
    if (count > 0) Add(name, core::Concat(count));
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

void AddMarks(const MediaStatistics& media, Lines* out) {
  if (media.marked + media.misrouted + media.round_trip_us.count() == 0) return;
  out->Add("  marks", core::Concat(media.marked, " right, ", media.mark_lost, " lost, ",
                                   media.mark_late, " late, ", media.mark_duplicates, " again, ",
                                   media.misrouted, " misrouted"));
  out->AddIfAny("  unmarked", media.unmarked);
  out->Add("  marks sent",
           core::Concat(media.marked_sent, ", and ", media.unmarked_sent, " packets without; ",
                        media.mark_mutual_calls, " calls heard each other"));
  out->AddIfAny("  for the port's last call", media.mark_former);
  out->AddIfAny("  by another clock", media.other_clock);
  if (media.one_way_us.count() > 0) {
    out->Add("  one-way latency", Highs(media.one_way_us, 1000, " ms"));
  }
  if (media.round_trip_us.count() > 0) {
    out->Add("  round trip", Highs(media.round_trip_us, 1000, " ms"));
  }
}

}  // namespace

std::string WriteMediaReport(const MediaStatistics& media) {
  Lines out;
  out.Add("audio sent", core::Concat(media.packets_sent, " packets"));
  out.AddIfAny("  echoed", media.echoed);
  out.AddIfAny("  without an address", media.unsent);
  out.AddIfAny("  left out, as too late", media.frames_skipped);
  out.AddIfAny("  without memory", media.sends_dry);
  if (media.send_late_us.count() > 0) {
    out.Add("  sent late by", Highs(media.send_late_us, 1000, " ms"));
  }
  out.Add("audio received",
          core::Concat(media.packets_received, " packets, ", media.streams, " streams in ",
                       media.calls, " calls, ", media.silent_calls, " heard nothing"));
  out.AddIfAny("  not opened, no port", media.no_port);
  out.AddIfAny("  no result of its own", media.records_left_out);
  if (media.rtcp_sent + media.rtcp_received > 0) {
    out.Add("  RTCP", core::Concat(media.rtcp_sent, " sent, ", media.rtcp_received, " received"));
  }
  out.AddIfAny("  RTCP not from there", media.rtcp_foreign);
  out.AddIfAny("  RTCP malformed", media.rtcp_malformed);
  out.AddIfAny("  RTCP without memory", media.rtcp_unsent);
  out.AddIfAny("  not RTP", media.not_rtp);
  out.AddIfAny("  to a port of no call", media.strays);
  out.AddIfAny("  from an unsaid port", media.unannounced);
  out.AddIfAny("  not from the peer", media.foreign);
  out.AddIfAny("  digits", media.digits_received);
  if (media.pattern_matched + media.pattern_differed > 0) {
    out.Add("  patterns",
            core::Concat(media.pattern_matched, " as sent, ", media.pattern_differed, " not"));
  }
  out.AddIfAny("  calls without pattern", media.pattern_calls_failed);
  if (media.rtcp_round_trip_us.count() > 0) {
    out.Add("  round trip by RTCP", Highs(media.rtcp_round_trip_us, 1000, " ms"));
  }
  AddMarks(media, &out);
  if (media.streams == 0) return out.Take();
  if (media.expected > 0) {
    out.Add("  lost", core::Concat(media.lost, " of ", media.expected, " (",
                                   Percent(media.lost, media.expected), ")"));
  }
  out.Add("  late, again, reordered",
          core::Concat(media.late, ", ", media.duplicates, ", ", media.reordered));
  out.Add("  loss of a call", Highs(media.loss_ppm, 1e4, " %"));
  if (media.jitter_us.count() > 0) out.Add("  jitter", Highs(media.jitter_us, 1000, " ms"));
  out.Add("  longest gap", Highs(media.gap_us, 1000, " ms"));
  if (media.mos_milli.count() > 0) out.Add("  MOS", Lows(media.mos_milli, 1000));
  if (media.mos_conversation_milli.count() > 0) {
    out.Add("  MOS with round trip", Lows(media.mos_conversation_milli, 1000));
  }
  out.AddIfAny("  calls without a MOS", media.unjudged);
  return out.Take();
}

}  // namespace loadgen
