#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/transport/resolution_cache.h"
#include "sbc/control/call_statistics.h"
#include "sbc/control/media_statistics.h"
#include "sbc/host_registry.h"
#include "sbc/worker_snapshot.h"

namespace sbc {

/// What the control thread knows of itself.
struct ControlCounters {
  uint64_t reloads = 0;
  uint64_t reloads_refused = 0;
  uint64_t call_lines_lost = 0;
  uint64_t cdrs_lost = 0;
  uint64_t media_lost = 0;         // Records of the media log,
  uint64_t sip_lost = 0;           // and of the log of SIP messages.
  uint64_t hosts_unresolved = 0;   // Now.
  uint64_t hosts_stale = 0;        // Now.
  bool call_lines_behind = false;  // The log goes on in its file of before.
  bool cdrs_behind = false;
  bool media_behind = false;
  bool sip_behind = false;
  bool ready = false;
  bool draining = false;
  core::transport::ResolutionCache::Counters dns;
};

/// Everything that /metrics shows, borrowed for the time of the call.
struct MetricsSources {
  std::string_view node;
  std::span<const WorkerSnapshot> workers;
  const CallStatistics* calls = nullptr;
  const MediaStatistics* media = nullptr;
  const HostRegistry* registry = nullptr;
  ControlCounters control;
};

/// The text that Prometheus reads (version 0.0.4 of its exposition format).
///
/// Shape: label values come from the configuration and from our own enums, and are bounded by them:
///        addresses of routes by HostTable and kRouteStatesMax a worker.
std::string WriteMetrics(const MetricsSources& sources);

}  // namespace sbc
