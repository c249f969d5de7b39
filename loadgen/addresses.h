#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/base/address.h"

namespace loadgen {

// What the operator names by host, once at start: this may block.

/// The first address of a host name, or the address itself, with or without brackets.
absl::StatusOr<core::Endpoint> ResolveHost(const std::string& host, uint16_t port);

/// Our address on the way to `remote`, by the routing table. Nothing is sent. 127.0.0.1 or ::1
/// where there is no way.
core::IpAddress LocalAddressTo(const core::Endpoint& remote);

/// Whether a UDP socket can be bound there now.
bool PortIsFree(const core::Endpoint& port);

/// As a message shows it: an IPv6 address in brackets.
std::string PrintedAddress(const core::IpAddress& address);

}  // namespace loadgen
