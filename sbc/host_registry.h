#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/address.h"
#include "sbc/config.h"

namespace sbc {

/// A host of a route or a trunk: what has to be resolved, and probed, once for each connector.
struct HostSpec {
  std::string connector_id;
  Side side = Side::kCustomer;        // The side that it is on.
  std::string name;                   // A host name, or an address as text.
  std::optional<core::IpAddress> ip;  // Where the name is an address.
  uint16_t port = 5060;               // Rule 9; SRV answers bring their own.
  bool srv = false;
  friend bool operator==(const HostSpec&, const HostSpec&) = default;
};

/// Numbers for connectors and hosts that stay the same across reloads: what envelopes, HostTable
/// and RouteHealth mean by "host 7" while an old configuration's last calls still run.
///
/// Shape:    at most `hosts_max` hosts and kConnectorsMax connectors, in the lifetime of the
/// process. Errors:   a reload that needs more numbers than there are is refused, and says so.
/// Thread:   the control thread's.
class HostRegistry {
 public:
  static constexpr size_t kConnectorsMax = 4096;

  explicit HostRegistry(size_t hosts_max) : hosts_max_(hosts_max) {}

  absl::StatusOr<uint16_t> Host(const HostSpec& spec);
  absl::StatusOr<uint16_t> Connector(const std::string& id);

  const std::vector<HostSpec>& hosts() const { return hosts_; }  // By number.
  const std::vector<std::string>& connectors() const { return connectors_; }
  size_t hosts_max() const { return hosts_max_; }

 private:
  size_t hosts_max_;
  std::vector<HostSpec> hosts_;
  std::vector<std::string> connectors_;
};

}  // namespace sbc
