#include "sbc/host_registry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sbc {

absl::StatusOr<uint16_t> HostRegistry::Host(const HostSpec& spec) {
  const auto found = std::find(hosts_.begin(), hosts_.end(), spec);
  if (found == hosts_.end() && hosts_.size() >= hosts_max_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("connectors[", spec.connector_id, "]: no room for host ", spec.name, ": ",
                     hosts_max_, " were named since the start; a restart makes room"));
  }
  const auto index = static_cast<uint16_t>(found - hosts_.begin());
  if (found == hosts_.end()) hosts_.push_back(spec);
  return index;
}

absl::StatusOr<uint16_t> HostRegistry::Connector(const std::string& id) {
  const auto found = std::find(connectors_.begin(), connectors_.end(), id);
  if (found == connectors_.end() && connectors_.size() >= kConnectorsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("connectors[", id, "]: no room: ", kConnectorsMax,
                     " were named since the start; a restart makes room"));
  }
  const auto index = static_cast<uint16_t>(found - connectors_.begin());
  if (found == connectors_.end()) connectors_.push_back(id);
  return index;
}

}  // namespace sbc
