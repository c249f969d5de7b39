#include "sbc/control/media_statistics.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "sbc/control/media_judgement.h"
#include "sbc/control/series.h"

namespace sbc {
namespace {

double Seconds(core::Duration duration) { return std::chrono::duration<double>(duration).count(); }

void Record(std::optional<core::Duration> duration, std::span<const double> bounds,
            Distribution* values) {
  if (duration.has_value()) values->Record(Seconds(*duration), bounds);
}

void Record(std::optional<double> value, std::span<const double> bounds, Distribution* values) {
  if (value.has_value()) values->Record(*value, bounds);
}

void Add(const MediaLegSummary& leg, MediaStatistics::Leg* sum) {
  sum->received += leg.lately.received.packets;
  sum->sent += leg.lately.sent.packets;
  Record(leg.round_trip, MediaStatistics::kRoundTripBounds, &sum->round_trip_s);
  const core::rtp::StreamCounts& stream = leg.lately.stream;
  if (!leg.is_active || stream.expected == 0) return;
  // What was missing when the minute began may have come in it.
  const auto lost = static_cast<uint64_t>(std::max(stream.lost(), 0));
  sum->expected += stream.expected;
  sum->lost += lost;
  sum->loss_ratio.Record(static_cast<double>(lost) / stream.expected, MediaStatistics::kLossBounds);
  Record(leg.jitter, MediaStatistics::kJitterBounds, &sum->jitter_s);
  const core::rtp::Quality quality = JudgeLately(leg);
  Record(quality.mos_listening, MediaStatistics::kMosBounds, &sum->mos_listening);
  Record(quality.mos_conversation, MediaStatistics::kMosBounds, &sum->mos_conversation);
}

std::string AnsweredRoute(const RouteTrace& routes, const HostRegistry& registry) {
  for (const RouteTrace::Step& step : routes.steps) {
    if (step.event == RouteEvent::kAnswered) return RouteNameOf(step.host, registry);
  }
  return std::string(kOtherSeries);  // Early media of a call that nobody answered.
}

}  // namespace

void Distribution::Record(double value, std::span<const double> bounds) {
  ++count;
  sum += value;
  const auto at = std::lower_bound(bounds.begin(), bounds.end(), value);
  if (at != bounds.end()) ++up_to[static_cast<size_t>(at - bounds.begin())];
}

void MediaStatistics::OnReport(const CallReport& report, bool ended, const HostRegistry& registry) {
  if (report.media.streams == 0) return;
  Key key{.connector = std::string(report.call.connector_id.view()),
          .direction = report.call.direction,
          .route = AnsweredRoute(report.call.routes, registry)};
  for (const Side side : {Side::kCustomer, Side::kTrunk}) {
    const MediaLegSummary& leg = report.leg(side);
    key.side = side;
    Leg& sum = SeriesOf(key, kSeriesMax, &legs_);
    Add(leg, &sum);
    if (!ended) continue;
    sum.streams += leg.is_active;
    sum.sent_lost += leg.sent_lost.value_or(0);
  }
}

}  // namespace sbc
