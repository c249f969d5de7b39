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

const ConnectorConfig* FindConnector(const Config& config, std::string_view id) {
  for (const ConnectorConfig& connector : config.connectors) {
    if (connector.id == id) return &connector;
  }
  return nullptr;
}

CallStatistics::RouteKey KeyOf(const CallRecord& record, const ConnectorConfig* connector,
                               size_t route) {
  CallStatistics::RouteKey key;
  key.connector = std::string(record.connector_id.view());
  key.route = CallStatistics::kOther;
  const bool to_trunk = record.direction == CallDirection::kTermination;
  key.side = to_trunk ? Side::kTrunk : Side::kCustomer;
  if (connector == nullptr) return key;
  if (to_trunk) {
    key.route = core::Concat(connector->trunk.host, ":", connector->trunk.port);
  } else if (route < connector->routes.size()) {
    const RouteConfig& config = connector->routes[route];
    key.route = core::Concat(config.host, ":", config.port);
  }
  return key;
}

}  // namespace

void CallStatistics::OnCall(const CallRecord& record, const Config& config) {
  CallKey key{std::string(record.connector_id.view()), record.direction};
  ++Entry(std::move(key), &calls_)[static_cast<size_t>(record.end)];
  if (record.answered.unix_us != 0) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(record.setup).count();
    setup_us_[static_cast<size_t>(record.direction)].Record(us);
  }
  if (record.routes.steps.empty()) return;
  const ConnectorConfig* connector = FindConnector(config, record.connector_id.view());
  for (const RouteTrace::Step& step : record.routes.steps) {
    ++Entry(KeyOf(record, connector, step.route), &attempts_)[static_cast<size_t>(step.event)];
  }
}

}  // namespace sbc
