#include "sbc/control/host_watch.h"

#include <algorithm>
#include <utility>

#include "core/base/concat.h"
#include "core/base/status.h"

namespace sbc {

using core::Instant;
using core::LogLine;
using core::transport::ResolvedHost;
using core::transport::ResolveError;
using core::transport::Resolver;

std::set<uint16_t> HostsOf(const Policy& policy) {
  std::set<uint16_t> hosts;
  for (const Connector& connector : policy.connectors()) {
    for (const Route& route : connector.routes) hosts.insert(route.host);
    for (const Route& route : connector.trunk) hosts.insert(route.host);
  }
  return hosts;
}

absl::Status HostWatch::Configure(const DnsConfig& dns, Instant now) {
  Resolver::Options options;
  for (const core::Endpoint& server : dns.servers) {
    const core::Endpoint::Text text = server.text();
    options.servers.emplace_back(text.view());
  }
  options.cache.stale_max = dns.stale_max;
  options.cache.watches_max = registry_->hosts_max();
  auto resolver = Resolver::Create(options);
  RETURN_IF_ERROR(resolver.status());
  const std::unique_ptr<Resolver> before = std::exchange(resolver_, std::move(*resolver));
  const auto watched = std::exchange(watches_, {});
  for (const auto& [host, id] : watched) WatchName(host, now, before->Find(id));
  return absl::OkStatus();
}

void HostWatch::Watch(const std::set<uint16_t>& hosts, Instant now) {
  for (auto it = addresses_.begin(); it != addresses_.end();) {
    const uint16_t host = it->first;
    if (hosts.count(host) != 0) {
      ++it;
      continue;
    }
    SetAddresses(host, {});
    if (const auto watch = watches_.find(host); watch != watches_.end()) {
      resolver_->Unwatch(watch->second);
      watches_.erase(watch);
    }
    stale_.erase(host);
    it = addresses_.erase(it);
  }
  for (const uint16_t host : hosts) {
    if (!addresses_.emplace(host, std::vector<HostAddress>()).second) continue;
    const HostSpec& spec = registry_->hosts()[host];
    if (spec.ip) {
      SetAddresses(host, {{.endpoint = {*spec.ip, spec.port}}});
    } else {
      WatchName(host, now);
    }
  }
}

void HostWatch::WatchName(uint16_t host, Instant now, const ResolvedHost* last) {
  const HostSpec& spec = registry_->hosts()[host];
  const auto id = resolver_->Watch(
      {.host = spec.name, .port = spec.port, .service = spec.srv ? "_sip._udp" : ""}, now, last);
  if (id) {
    watches_[host] = *id;
  } else {
    LogLine(log_, &too_many_).Text("host", NameOf(host));
  }
}

void HostWatch::Poll(Instant now) {
  resolver_->Poll(now);
  while (const auto id = resolver_->TakeChanged()) {
    const ResolvedHost* resolved = resolver_->Find(*id);
    if (resolved == nullptr) continue;
    for (const auto& [host, watch] : watches_) {
      if (watch == *id) {
        OnResolved(host, *resolved);
        break;
      }
    }
  }
}

void HostWatch::OnResolved(uint16_t host, const ResolvedHost& resolved) {
  if (resolved.error == ResolveError::kNotYet && resolved.addresses.empty()) return;
  if (resolved.addresses.empty()) {
    LogLine(log_, &unresolved_)
        .Text("host", NameOf(host))
        .Text("error", ResolveErrorName(resolved.error));
  }
  if (!resolved.stale) {
    stale_.erase(host);
  } else if (stale_.insert(host).second) {
    LogLine(log_, &gone_stale_)
        .Text("host", NameOf(host))
        .Text("error", ResolveErrorName(resolved.error));
  }
  std::vector<HostAddress> addresses;
  for (const core::transport::ResolvedAddress& address : resolved.addresses) {
    if (!address.endpoint.ip.is_one_host()) {  // The configuration may not name it either.
      const core::IpAddress::Text text = address.endpoint.ip.text();
      LogLine(log_, &no_host_).Text("host", NameOf(host)).Text("address", text.view());
      continue;
    }
    addresses.push_back({address.endpoint, address.priority, address.weight, address.target});
  }
  SetAddresses(host, std::move(addresses));
}

void HostWatch::SetAddresses(uint16_t host, std::vector<HostAddress> addresses) {
  std::vector<HostAddress>& known = addresses_[host];
  if (known == addresses) return;
  known = addresses;
  std::string text;
  for (const HostAddress& address : addresses) {
    const core::Endpoint::Text word = address.endpoint.text();
    text += core::Concat(text.empty() ? "" : ",", word.view());
  }
  if (!addresses.empty() && !registry_->hosts()[host].ip) {
    LogLine(log_, &resolved_).Text("host", NameOf(host)).Text("addresses", text);
  }
  changes_.push_back({host, registry_->hosts()[host].side, std::move(addresses)});
}

void HostWatch::AddPollFds(std::vector<pollfd>* fds) const { resolver_->AddPollFds(fds); }

Instant HostWatch::NextDue(Instant now) { return resolver_->NextDue(now); }

core::transport::ResolutionCache::Counters HostWatch::counters() const {
  return resolver_->counters();
}

size_t HostWatch::unresolved() const {
  return static_cast<size_t>(std::count_if(addresses_.begin(), addresses_.end(),
                                           [](const auto& host) { return host.second.empty(); }));
}

std::string HostWatch::NameOf(uint16_t host) const {
  const HostSpec& spec = registry_->hosts()[host];
  return core::Concat(spec.name, ":", spec.port);
}

}  // namespace sbc
