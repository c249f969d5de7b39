#include "sbc/control/node_status.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "nlohmann/json.hpp"

namespace sbc {

using nlohmann::ordered_json;

std::string WriteNodeStatus(const MetricsSources& sources, std::string_view version,
                            core::Duration uptime) {
  uint64_t calls = 0;
  uint64_t calls_max = 0;
  ordered_json routes = ordered_json::array();
  for (const WorkerSnapshot& worker : sources.workers) {
    calls += worker.calls_now;
    calls_max = std::max(calls_max, worker.calls_max);
    for (size_t i = 0; i < worker.route_state_count; ++i) {
      const WorkerSnapshot::RouteState& state = worker.route_states[i];
      if (state.host >= sources.registry->hosts().size()) continue;
      const HostSpec& host = sources.registry->hosts()[state.host];
      const core::Endpoint::Text address = state.address.text();
      routes.push_back({{"connector", host.connector_id},
                        {"side", SideName(host.side)},
                        {"host", host.name},
                        {"address", address.view()},
                        {"up", state.up},
                        {"last_options_status", state.last_status}});
    }
  }
  const ordered_json status = {
      {"node", sources.node},
      {"version", version},
      {"ready", sources.control.ready},
      {"draining", sources.control.draining},
      {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(uptime).count()},
      {"workers", sources.workers.size()},
      {"calls", calls},
      {"calls_max", calls_max},
      {"hosts_unresolved", sources.control.hosts_unresolved},
      {"routes", std::move(routes)},
  };
  // Names may hold any byte that the file did: what is no UTF-8 is replaced, not thrown about.
  return status.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace sbc
