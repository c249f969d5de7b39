#include "sbc/control/call_statistics.h"

#include <bit>
#include <chrono>
#include <utility>

#include "sbc/control/series.h"

namespace sbc {
namespace {

CallStatistics::RouteKey KeyOf(const CallRecord& record, uint16_t host,
                               const HostRegistry& registry) {
  CallStatistics::RouteKey key;
  key.connector = std::string(record.connector_id.view());
  key.route = RouteNameOf(host, registry);
  const bool to_trunk = record.direction == CallDirection::kTermination;
  key.side = to_trunk ? Side::kTrunk : Side::kCustomer;
  return key;
}

}  // namespace

void CallStatistics::OnCall(const CallRecord& record, const HostRegistry& registry) {
  CallKey key{std::string(record.connector_id.view()), record.direction};
  ++SeriesOf(std::move(key), kSeriesMax, &calls_)[static_cast<size_t>(record.end)];
  if (record.answered.unix_us != 0) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(record.setup).count();
    setup_us_[static_cast<size_t>(record.direction)].Record(us);
  }
  for (const RouteTrace::Step& step : record.routes.steps) {
    ++SeriesOf(KeyOf(record, step.host, registry), kSeriesMax,
               &attempts_)[static_cast<size_t>(step.event)];
  }
  const auto routes = [](uint32_t bits) { return static_cast<uint64_t>(std::popcount(bits)); };
  skipped_.down += routes(record.routes.skipped_down);
  skipped_.own += routes(record.routes.skipped_own);
  skipped_.unresolved += routes(record.routes.skipped_unresolved);
}

}  // namespace sbc
