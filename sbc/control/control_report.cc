#include <string>
#include <vector>

#include "sbc/control/control.h"
#include "sbc/control/metrics.h"
#include "sbc/control/node_status.h"

// Control's answers to HTTP clients.

namespace sbc {

std::string Control::Answer(AdminQuestion question) {
  std::vector<WorkerSnapshot> snapshots;
  for (size_t i = 0; i < workers_.size() && workers_.running(); ++i) {
    snapshots.push_back(workers_.SnapshotOf(i));
  }
  MetricsSources sources;
  sources.node = config_.node.name;
  sources.workers = snapshots;
  sources.calls = &statistics_;
  sources.media = &media_statistics_;
  sources.registry = &registry_;
  sources.control = {.reloads = reloads_,
                     .reloads_refused = reloads_refused_,
                     .call_lines_lost = records_.lines_lost(),
                     .cdrs_lost = records_.cdrs_lost(),
                     .media_lost = records_.media_lost(),
                     .sip_lost = records_.sip_lost(),
                     .hosts_unresolved = hosts_.unresolved(),
                     .hosts_stale = hosts_.stale(),
                     .call_lines_behind = records_.lines_behind(),
                     .cdrs_behind = records_.cdrs_behind(),
                     .media_behind = records_.media_behind(),
                     .sip_behind = records_.sip_behind(),
                     .ready = shutdown_.state() == Shutdown::State::kRunning,
                     .draining = shutdown_.state() != Shutdown::State::kRunning,
                     .dns = hosts_.counters()};
  switch (question) {
    case AdminQuestion::kMetrics:
      return WriteMetrics(sources);
    case AdminQuestion::kStatus:
      return WriteNodeStatus(sources, version_, now_ - began_);
  }
  return {};
}

}  // namespace sbc
