#include "sbc/control/call_statistics.h"

#include <chrono>
#include <utility>

#include "core/base/concat.h"

namespace sbc {
namespace {

template <typename Map>
typename Map::mapped_type& Entry(typename Map::key_type key, Map* map) {
  const auto found = map->find(key);
  if (found != map->end()) return found->second;
  if (map->size() >= CallStatistics::kSeriesMax) {
    key = {};
    key.connector = CallStatistics::kOther;
  }
  return (*map)[std::move(key)];
}

CallStatistics::RouteKey KeyOf(const CallRecord& record, uint16_t host,
                               const HostRegistry& registry) {
  CallStatistics::RouteKey key;
  key.connector = std::string(record.connector_id.view());
  key.route = CallStatistics::kOther;
  const bool to_trunk = record.direction == CallDirection::kTermination;
  key.side = to_trunk ? Side::kTrunk : Side::kCustomer;
  if (host < registry.hosts().size()) {
    const HostSpec& spec = registry.hosts()[host];
    key.route = core::Concat(spec.name, ":", spec.port);
  }
  return key;
}

}  // namespace

void CallStatistics::OnCall(const CallRecord& record, const HostRegistry& registry) {
  CallKey key{std::string(record.connector_id.view()), record.direction};
  ++Entry(std::move(key), &calls_)[static_cast<size_t>(record.end)];
  if (record.answered.unix_us != 0) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(record.setup).count();
    setup_us_[static_cast<size_t>(record.direction)].Record(us);
  }
  for (const RouteTrace::Step& step : record.routes.steps) {
    ++Entry(KeyOf(record, step.host, registry), &attempts_)[static_cast<size_t>(step.event)];
  }
}

}  // namespace sbc
