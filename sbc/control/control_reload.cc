#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "sbc/control/control.h"
#include "sbc/control/reload.h"

// Control's reload: SIGHUP.

namespace sbc {

using core::LogLine;

namespace {

// Visits the lines of a text that has several: a configuration's errors.
template <typename Visit>
void ForEachLine(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<Policy>>> Control::BuildPolicies(const Config& config) {
  std::vector<std::unique_ptr<Policy>> policies;
  for (size_t i = 0; i < workers_.size(); ++i) {
    auto policy = Policy::Build(config, &registry_);
    RETURN_IF_ERROR(policy.status());
    policies.push_back(std::move(*policy));
  }
  return policies;
}

void Control::Reload() {
  const auto refuse = [this](std::string_view errors) {
    ++reloads_refused_;
    ForEachLine(errors, [this](std::string_view line) {
      LogLine(&log_, &reload_refused_).Text("error", line);
    });
  };
  if (const absl::Status logs = records_.Open(config_.logs.directory); !logs.ok()) {
    LogLine(&log_, &reopen_failed_).Text("error", std::string(logs.message()));
  }
  auto read = ReadConfig(config_.path);
  if (!read.ok()) return refuse(std::string(read.status().message()));
  if (workers_.policies() >= WorkerGroup::kGenerationsMax * workers_.size()) {
    return refuse("calls of too many older configurations still run: try again once some ended");
  }
  ReloadPlan plan = PlanReload(config_, std::move(*read));
  auto policies = BuildPolicies(plan.config);
  if (!policies.ok()) return refuse(std::string(policies.status().message()));
  if (plan.config.dns.servers != config_.dns.servers ||
      plan.config.dns.stale_max != config_.dns.stale_max) {
    const absl::Status status = hosts_.Configure(plan.config.dns, now_);
    if (!status.ok()) return refuse(std::string(status.message()));
  }
  for (const ConfigChange& change : plan.changes) {
    LogLine(&log_, change.needs_restart ? &kept_ : &changed_).Text("change", change.text);
  }
  for (const std::string& warning : plan.config.warnings) {
    LogLine(&log_, &warning_).Text("text", warning);
  }
  ++reloads_;
  const bool changes_anything = plan.changes_anything();
  if (changes_anything) {
    config_ = std::move(plan.config);
    records_.Configure(config_);
    newest_ = HostsOf(*policies->front());
    watched_.insert(newest_.begin(), newest_.end());
    // First, as it tells the workers which of them is a new host's home.
    workers_.Install(std::move(*policies));
    hosts_.Watch(watched_, now_);
    SendAddresses();
  }
  LogLine(&log_, &reloaded_).Flag("changed", changes_anything);
}

}  // namespace sbc
