// How a configuration comes to a worker and leaves it, and what host names resolve to meanwhile.

#include "sbc/sbc_worker.h"

#include "sbc/envelope_bytes.h"
#include "sbc/envelopes.h"

namespace sbc {

using core::Instant;
using core::engine::Envelope;

void SbcWorker::InstallPolicy(const Policy* policy, Instant now) {
  policies_.push_back(PolicyRef(policy));
  hosts_.SetOwn(policy->own_endpoints());
  for (const Connector& connector : policy->connectors()) {
    if (ledgers_.size() <= connector.number) {
      ledgers_.resize(connector.number + 1u);
      returns_owed_.resize(connector.number + 1u);
    }
    const auto install = [&](const Route& route, Side side) {
      home_of_host_[route.host] = connector.home_worker;
      if (!IsHome(connector)) return;
      health_.AddHost({.host = route.host,
                       .side = side,
                       .options_interval = connector.config->failover.options_interval,
                       .options_timeout = connector.config->failover.options_timeout,
                       .from_host = side == Side::kTrunk
                                        ? std::string_view(connector.config->trunk.host)
                                        : std::string_view()});
    };
    for (const Route& route : connector.routes) install(route, Side::kCustomer);
    for (const Route& route : connector.trunk) install(route, Side::kTrunk);
    if (!IsHome(connector)) continue;
    auto& ledger = ledgers_[connector.number];
    if (ledger == nullptr) {
      ledger = std::make_unique<ConnectorLedger>(connector.limits);
    } else {
      ledger->SetLimits(connector.limits);
    }
  }
  (void)now;
  const LimitsConfig& limits = policy->config().limits;
  if (limits.calls_per_second != node_rate_.limit()) node_rate_.SetLimit(limits.calls_per_second);
  if (limits.calls_per_second_per_source != rates_.per_second()) {
    rates_ = SourceRates(limits.calls_per_second_per_source, random_.NextKey());
  }
  ReturnOldPolicies();
  UpdateReachFilters();
  ArmHealthTimer();
}

void SbcWorker::ReturnOldPolicies() {
  for (size_t i = 0; i + 1 < policies_.size();) {
    const Policy* old = policies_[i].get();
    if (old->references() > 1) {
      ++i;
      continue;
    }
    policies_.erase(policies_.begin() + static_cast<ptrdiff_t>(i));
    if (!Post(options_.control, EnvelopeKind::kPolicyDone, {}, reinterpret_cast<uint64_t>(old))) {
      policies_.insert(policies_.begin(), PolicyRef(old));  // Next time.
      return;
    }
  }
}

void SbcWorker::OnHostAddresses(const Envelope& envelope, Instant now) {
  const auto host = static_cast<uint16_t>(envelope.words[0]);
  const auto side = static_cast<Side>(envelope.words[1]);
  core::BoundedVector<HostAddress, HostTable::kAddressesMax> addresses;
  core::BoundedVector<core::Endpoint, HostTable::kAddressesMax> endpoints;
  for (size_t at = 0; at + sizeof(HostAddress) <= envelope.bytes.size() && !addresses.full();
       at += sizeof(HostAddress)) {
    const auto address = FromBytes<HostAddress>(envelope.bytes.substr(at, sizeof(HostAddress)));
    CHECK(addresses.PushBack(address) && endpoints.PushBack(address.endpoint));
  }
  core::BoundedVector<core::IpAddress, HostTable::kAddressesMax> before;
  for (const HostAddress& address : hosts_.addresses(host)) {
    CHECK(before.PushBack(address.endpoint.ip));
  }
  hosts_.SetAddresses(host, side, {addresses.begin(), addresses.size()});
  for (const core::IpAddress& address : before) HoldAddress(side, address, now);
  if (home_of_host_[host] == options_.index) {
    health_.SetAddresses(host, {endpoints.begin(), endpoints.size()}, &random_, now);
    ArmHealthTimer();
  }
  UpdateReachFilters();
}

}  // namespace sbc
