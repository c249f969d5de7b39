#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/address.h"
#include "core/sip/header_id.h"
#include "sbc/config.h"
#include "sbc/connector_ledger.h"
#include "sbc/host_registry.h"
#include "sbc/router.h"

namespace sbc {

/// One connector, ready to be asked.
///
/// Lifetime: `config` is the owning Policy's.
struct Connector {
  const ConnectorConfig* config = nullptr;
  uint16_t number = 0;       // Of HostRegistry: the same across reloads.
  uint16_t home_worker = 0;  // Owns its ConnectorLedger and its RouteHealth.
  RouteSet routes;           // Towards the customer: origination.
  RouteSet trunk;            // Towards the trunk: termination's one route.
  Failover failover;
  ConnectorLedger::Limits limits;
  bool allow_diverted = false;                   // `caller_id: {allow_diverted: true}`
  std::set<std::string, std::less<>> inventory;  // E.164.

  /// An empty inventory owns every number: it is optional.
  bool Owns(std::string_view e164) const {
    return inventory.empty() || inventory.find(e164) != inventory.end();
  }
  bool AllowsRegion(Country country) const;
};

/// Who a source is allowed to be when it starts a call.
struct StartEntry {
  Side side = Side::kCustomer;
  uint16_t connector = 0;                    // Index in Policy::connectors().
  const CustomerConfig* customer = nullptr;  // Null on the trunk's side.
};

/// The configuration as one worker reads it: compiled, immutable, and counted by those calls that
/// began under it.
///
/// Shape:    what host names resolve to is not in here (HostTable): it changes while calls run.
/// Lifetime: built on the control thread, one for each worker, so that the count is a plain
/// integer.
///           A worker sends a superseded one back for deletion once references() is 0.
/// Thread:   one worker's, after Build().
class Policy {
 public:
  /// Errors: what only shows when everything is seen at once: two connectors by one name, hosts
  /// that
  ///         exceed the registry, sides that overlap on a listener of both.
  static absl::StatusOr<std::unique_ptr<Policy>> Build(const Config& config,
                                                       HostRegistry* registry);

  const Config& config() const { return config_; }
  const std::vector<Connector>& connectors() const { return connectors_; }
  const Connector& connector(size_t index) const {
    CHECK(index < connectors_.size());
    return connectors_[index];
  }

  /// Who may start calls, by source: rule 2's second set.
  const core::CidrTable<StartEntry>& starters(Side side) const {
    return starters_[static_cast<size_t>(side)];
  }
  /// The connector of this id, or of this host name (in any case); -1: none.
  int FindConnectorById(std::string_view id) const;
  int FindConnectorByHost(std::string_view host) const;
  /// By HostRegistry's number of it, which outlives a reload; null: it is gone. Looks at each.
  const Connector* FindConnectorByNumber(uint16_t number) const;

  /// The source is a customer's with `nat`: its Via says what it calls itself in there, and the way
  /// back is the address and port that its requests come from.
  bool IsBehindNat(Side side, const core::IpAddress& source) const;

  /// Our own listener and advertised addresses: HostTable::SetOwn().
  std::span<const core::Endpoint> own_endpoints() const { return own_endpoints_; }
  bool IsLocal(const core::IpAddress& peer) const;  // In local_networks: told `address`.

  /// Unknown header fields that pass because `headers.pass` names them, in any case; and known ones
  /// that the table drops by default.
  bool PassesByName(std::string_view name) const;
  bool PassesById(core::sip::HeaderId id) const { return passed_ids_[static_cast<size_t>(id)]; }

  bool IsEmergency(std::string_view user) const { return config_.emergency.numbers.Contains(user); }

  uint32_t references() const { return references_; }

 private:
  friend class PolicyRef;
  static constexpr uint16_t kSharedHost = UINT16_MAX;  // In by_host_: more than one connector's.

  Policy() = default;

  absl::Status Compile(HostRegistry* registry);
  absl::Status CompileConnector(size_t index, HostRegistry* registry);
  absl::Status CompileStarters();

  Config config_;  // Our own copy: the compiled parts point into it.
  std::vector<Connector> connectors_;
  std::array<core::CidrTable<StartEntry>, kSideCount> starters_;
  std::map<std::string, uint16_t, std::less<>> by_id_;
  std::map<std::string, uint16_t, std::less<>> by_host_;  // In lower case.
  std::vector<core::Endpoint> own_endpoints_;
  bool has_nat_ = false;                   // Of any customer.
  std::vector<std::string> passed_names_;  // In lower case, as written by the operator.
  std::array<bool, core::sip::kHeaderIdCount> passed_ids_ = {};
  mutable uint32_t references_ = 0;
};

/// One holder of a Policy: the worker, for new calls, and each call for its own.
class PolicyRef {
 public:
  PolicyRef() = default;
  explicit PolicyRef(const Policy* policy) : policy_(policy) {
    if (policy_ != nullptr) ++policy_->references_;
  }
  PolicyRef(PolicyRef&& other) noexcept : policy_(std::exchange(other.policy_, nullptr)) {}
  PolicyRef& operator=(PolicyRef&& other) noexcept {
    std::swap(policy_, other.policy_);
    return *this;
  }
  ~PolicyRef() {
    if (policy_ != nullptr) --policy_->references_;
  }

  [[nodiscard]] PolicyRef Share() const { return PolicyRef(policy_); }
  const Policy& operator*() const { return *policy_; }
  const Policy* operator->() const { return policy_; }
  const Policy* get() const { return policy_; }
  explicit operator bool() const { return policy_ != nullptr; }

 private:
  const Policy* policy_ = nullptr;
};

}  // namespace sbc
