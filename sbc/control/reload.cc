#include "sbc/control/reload.h"

#include <utility>

namespace sbc {

ReloadPlan PlanReload(const Config& before, Config after) {
  ReloadPlan plan;
  plan.changes = DiffConfig(before, after);
  plan.config = std::move(after);
  plan.config.node = before.node;
  plan.config.limits = before.limits;
  plan.config.listeners = before.listeners;
  plan.config.media = before.media;
  plan.config.sip = before.sip;
  plan.config.emergency.reserve_calls = before.emergency.reserve_calls;
  plan.config.admin = before.admin;
  plan.config.logs = before.logs;
  return plan;
}

}  // namespace sbc
