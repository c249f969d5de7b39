#include "sbc/control/reload.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sbc {

ReloadPlan PlanReload(const Config& before, Config after) {
  ReloadPlan plan;
  plan.changes = DiffConfig(before, after);
  plan.config = std::move(after);
  plan.config.node = before.node;
  plan.config.limits.calls = before.limits.calls;
  plan.config.limits.transactions = before.limits.transactions;
  plan.config.listeners = before.listeners;
  plan.config.media = before.media;
  const auto fold_early_dialogs = plan.config.sip.fold_early_dialogs;
  plan.config.sip = before.sip;  // Transactions and calls have their timers from the start.
  plan.config.sip.fold_early_dialogs = fold_early_dialogs;
  plan.config.emergency.reserve_calls = before.emergency.reserve_calls;
  plan.config.admin = before.admin;
  plan.config.logs = before.logs;
  // What is said to need a restart is what was kept, by comparison and not by a second list.
  const std::vector<ConfigChange> taken = DiffConfig(before, plan.config);
  for (ConfigChange& change : plan.changes) {
    change.needs_restart = std::none_of(taken.begin(), taken.end(), [&](const ConfigChange& other) {
      return other.text == change.text;
    });
  }
  return plan;
}

}  // namespace sbc
