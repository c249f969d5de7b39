#include "sbc/host_table.h"

#include <algorithm>

namespace sbc {

HostTable::HostTable(size_t hosts_max) : hosts_(hosts_max) {
  CHECK(hosts_max <= UINT16_MAX);
  for (auto& reach : reach_) reach.reserve(hosts_max * kAddressesMax);
}

void HostTable::SetOwn(std::span<const core::Endpoint> own) {
  own_.assign(own.begin(), own.end());
  for (Host& host : hosts_) MarkOwn(&host);
}

void HostTable::SetAddresses(uint16_t host, Side side, std::span<const HostAddress> addresses) {
  CHECK(host < hosts_.size());
  Host updated;
  updated.side = side;
  for (const HostAddress& address : addresses) {
    const auto same = [&address](const HostAddress& other) {
      return other.endpoint == address.endpoint;
    };
    if (std::any_of(updated.addresses.begin(), updated.addresses.end(), same)) continue;
    if (!updated.addresses.PushBack(address)) break;
    const Host& before = hosts_[host];
    for (size_t i = 0; i < before.addresses.size(); ++i) {
      const bool was_down = ((before.down >> i) & 1) != 0;
      if (was_down && same(before.addresses[i])) {
        updated.down |= 1u << (updated.addresses.size() - 1);
      }
    }
  }
  MarkOwn(&updated);
  hosts_[host] = updated;
  RebuildReach();
}

bool HostTable::SetUp(uint16_t host, const core::Endpoint& address, bool up) {
  CHECK(host < hosts_.size());
  Host& entry = hosts_[host];
  for (size_t i = 0; i < entry.addresses.size(); ++i) {
    if (entry.addresses[i].endpoint != address) continue;
    entry.down = up ? entry.down & ~(1u << i) : entry.down | (1u << i);
    return true;
  }
  return false;
}

bool HostTable::IsAddressOf(Side side, const core::IpAddress& address) const {
  const auto& reach = reach_[static_cast<size_t>(side)];
  return std::binary_search(reach.begin(), reach.end(), address);
}

std::span<const core::IpAddress> HostTable::AddressesOf(Side side) const {
  return reach_[static_cast<size_t>(side)];
}

void HostTable::MarkOwn(Host* host) const {
  host->own = 0;
  for (size_t i = 0; i < host->addresses.size(); ++i) {
    if (std::find(own_.begin(), own_.end(), host->addresses[i].endpoint) != own_.end()) {
      host->own |= 1u << i;
    }
  }
}

// From scratch: addresses change once in a TTL, and several hosts may share one.
void HostTable::RebuildReach() {
  for (auto& reach : reach_) reach.clear();
  for (const Host& host : hosts_) {
    for (const HostAddress& address : host.addresses) {
      reach_[static_cast<size_t>(host.side)].push_back(address.endpoint.ip);
    }
  }
  for (auto& reach : reach_) {
    std::sort(reach.begin(), reach.end());
    reach.erase(std::unique(reach.begin(), reach.end()), reach.end());
  }
}

}  // namespace sbc
