#include "sbc/policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/sip/cursor.h"

namespace sbc {
namespace {

constexpr size_t kHostNameMax = 255;
constexpr std::string_view kTrunkDomain = ".voiceconnector.chime.aws";

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), core::sip::LowerCase);
  return lower;
}

int Find(const std::map<std::string, uint16_t, std::less<>>& map, std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? -1 : found->second;
}

// "customer 10.0.0.0/8 and trunk 10.1.0.0/16 overlap": rule 3.
absl::Status RefuseOverlap(std::span<const core::CidrTable<StartEntry>::Entry> customers,
                           std::span<const core::CidrTable<StartEntry>::Entry> trunks) {
  for (const auto& customer : customers) {
    for (const auto& trunk : trunks) {
      if (!customer.cidr.Overlaps(trunk.cidr)) continue;
      const core::Cidr::Text ours = customer.cidr.text();
      const core::Cidr::Text theirs = trunk.cidr.text();
      return absl::InvalidArgumentError(absl::StrCat(
          "listeners: a listener of side any needs sides that do not overlap, but customer ",
          std::string(ours.view()), " and trunk ", std::string(theirs.view()), " do"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool Connector::AllowsRegion(Country country) const {
  const std::vector<Country>& allowed = config->termination.calling_regions;
  return country.known() && std::find(allowed.begin(), allowed.end(), country) != allowed.end();
}

absl::StatusOr<std::unique_ptr<Policy>> Policy::Build(const Config& config,
                                                      HostRegistry* registry) {
  std::unique_ptr<Policy> policy(new Policy);
  policy->config_ = config;
  RETURN_IF_ERROR(policy->Compile(registry));
  return policy;
}

absl::Status Policy::Compile(HostRegistry* registry) {
  connectors_.resize(config_.connectors.size());
  for (size_t i = 0; i < connectors_.size(); ++i) RETURN_IF_ERROR(CompileConnector(i, registry));
  RETURN_IF_ERROR(CompileStarters());
  for (const ListenerConfig& listener : config_.listeners) {
    own_endpoints_.push_back(listener.local);
    if (listener.advertise) own_endpoints_.push_back(listener.advertised());
  }
  for (const std::string& name : config_.headers.pass) {
    const core::sip::HeaderId id = core::sip::FindHeaderId(name);
    if (id == core::sip::HeaderId::kUnknown) {
      passed_names_.push_back(LowerCase(name));
    } else {
      passed_ids_[static_cast<size_t>(id)] = true;
    }
  }
  return absl::OkStatus();
}

absl::Status Policy::CompileConnector(size_t index, HostRegistry* registry) {
  const ConnectorConfig& config = config_.connectors[index];
  Connector& connector = connectors_[index];
  const auto number = registry->Connector(config.id);
  RETURN_IF_ERROR(number.status());
  connector.config = &config;
  connector.number = *number;
  connector.home_worker = HomeWorker(config.id, static_cast<uint16_t>(config_.node.workers));
  connector.failover = Failover(config.failover);
  connector.limits = {config.termination.cps_limit, config.calls_max,
                      config_.emergency.reserve_calls};
  connector.allow_diverted = config_.caller_id.allow_diverted;
  connector.inventory.insert(config.phone_numbers.begin(), config.phone_numbers.end());
  if (config.termination.cps_limit > RateWindow::kLimitMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "connectors[", config.id, "].termination.CpsLimit: more than ", RateWindow::kLimitMax));
  }
  for (const RouteConfig& route : config.routes) {
    const auto host =
        registry->Host({config.id, Side::kCustomer, route.host, route.ip, route.port, route.srv});
    RETURN_IF_ERROR(host.status());
    if (!connector.routes.PushBack({*host, route.transport, route.priority, route.weight})) {
      return absl::InvalidArgumentError(
          absl::StrCat("connectors[", config.id, "]: more than ", kRoutesMax, " routes"));
    }
  }
  core::IpAddress ip;
  const bool is_address = core::IpAddress::Parse(config.trunk.host, &ip);
  const auto trunk = registry->Host({config.id, Side::kTrunk, config.trunk.host,
                                     is_address ? std::optional(ip) : std::nullopt,
                                     config.trunk.port, config.trunk.srv});
  RETURN_IF_ERROR(trunk.status());
  CHECK(connector.trunk.PushBack({*trunk, config.trunk.transport, 1, 1}));

  const auto place = static_cast<uint16_t>(index);
  if (!by_id_.emplace(config.id, place).second) {
    return absl::InvalidArgumentError(
        absl::StrCat("connectors: the id ", config.id, " stands there twice"));
  }
  // Two connectors may share a trunk address in a test bed; such a host then names neither.
  by_host_.emplace(LowerCase(config.id) + std::string(kTrunkDomain), place);
  const auto [entry, is_new] = by_host_.emplace(LowerCase(config.trunk.host), place);
  if (!is_new && entry->second != place) entry->second = kSharedHost;
  return absl::OkStatus();
}

absl::Status Policy::CompileStarters() {
  std::vector<core::CidrTable<StartEntry>::Entry> customers;
  std::vector<core::CidrTable<StartEntry>::Entry> trunks;
  for (size_t i = 0; i < connectors_.size(); ++i) {
    const auto place = static_cast<uint16_t>(i);
    const ConnectorConfig& config = *connectors_[i].config;
    for (const CustomerConfig& customer : config.customers) {
      has_nat_ |= customer.nat;
      for (const core::Cidr& cidr : customer.cidrs) {
        customers.push_back({cidr, {Side::kCustomer, place, &customer}});
      }
    }
    for (const core::Cidr& cidr : config.trunk.cidrs) {
      trunks.push_back({cidr, {Side::kTrunk, place, nullptr}});
    }
  }
  const bool serves_both = std::any_of(
      config_.listeners.begin(), config_.listeners.end(),
      [](const ListenerConfig& listener) { return listener.side == ListenerSide::kAny; });
  if (serves_both) RETURN_IF_ERROR(RefuseOverlap(customers, trunks));
  starters_[static_cast<size_t>(Side::kCustomer)] =
      core::CidrTable<StartEntry>(std::move(customers));
  starters_[static_cast<size_t>(Side::kTrunk)] = core::CidrTable<StartEntry>(std::move(trunks));
  return absl::OkStatus();
}

int Policy::FindConnectorById(std::string_view id) const { return Find(by_id_, id); }

int Policy::FindConnectorByHost(std::string_view host) const {
  char lower[kHostNameMax];
  if (host.size() > sizeof(lower)) return -1;
  std::transform(host.begin(), host.end(), lower, core::sip::LowerCase);
  const int found = Find(by_host_, {lower, host.size()});
  return found == kSharedHost ? -1 : found;
}

const Connector* Policy::FindConnectorByNumber(uint16_t number) const {
  const auto found = std::find_if(connectors_.begin(), connectors_.end(),
                                  [number](const Connector& c) { return c.number == number; });
  return found == connectors_.end() ? nullptr : &*found;
}

bool Policy::IsBehindNat(Side side, const core::IpAddress& source) const {
  if (!has_nat_ || side != Side::kCustomer) return false;
  const StartEntry* entry = starters(side).Find(source);
  return entry != nullptr && entry->customer->nat;
}

bool Policy::IsLocal(const core::IpAddress& peer) const {
  return std::any_of(config_.local_networks.begin(), config_.local_networks.end(),
                     [&peer](const core::Cidr& cidr) { return cidr.Contains(peer); });
}

bool Policy::PassesByName(std::string_view name) const {
  return std::any_of(passed_names_.begin(), passed_names_.end(), [name](const std::string& passed) {
    return core::sip::EqualsIgnoreCase(passed, name);
  });
}

}  // namespace sbc
