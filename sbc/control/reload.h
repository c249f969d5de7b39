#pragma once

#include <vector>

#include "sbc/config.h"

namespace sbc {

/// What a reload would run, and what it changes.
struct ReloadPlan {
  Config config;                      // `after`, but for what needs a restart.
  std::vector<ConfigChange> changes;  // Those that need a restart are not in `config`.

  bool changes_anything() const {
    for (const ConfigChange& change : changes) {
      if (!change.needs_restart) return true;
    }
    return false;
  }
};

/// Sockets, threads, pools and timers are made at start, so those settings of `before` stay, and
/// the operator is told; all others come from `after`.
ReloadPlan PlanReload(const Config& before, Config after);

}  // namespace sbc
