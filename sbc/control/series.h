#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/concat.h"
#include "sbc/host_registry.h"

namespace sbc {

/// The connector, or the route, of what came after a bound was reached.
inline constexpr std::string_view kOtherSeries = "other";

/// The series of that key; beyond `max` of them the one that all others share.
template <typename Map>
typename Map::mapped_type& SeriesOf(typename Map::key_type key, size_t max, Map* map) {
  const auto found = map->find(key);
  if (found != map->end()) return found->second;
  if (map->size() >= max) {
    key = {};
    key.connector = kOtherSeries;
  }
  return (*map)[std::move(key)];
}

/// A route as the configuration says it: "pbx-a.example.com:5060".
inline std::string RouteNameOf(uint16_t host, const HostRegistry& registry) {
  if (host >= registry.hosts().size()) return std::string(kOtherSeries);
  const HostSpec& spec = registry.hosts()[host];
  return core::Concat(spec.name, ":", spec.port);
}

}  // namespace sbc
