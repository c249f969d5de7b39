#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/net/packet_io.h"
#include "core/time/clock.h"
#include "sbc/config.h"

namespace sbc {

// `io: dpdk`. The build picks the file behind this: dpdk_backend.cc, or where there is no DPDK,
// dpdk_backend_absent.cc, which says so.

/// As ProbePacketIo(), for a node whose `io` is dpdk.
absl::Status ProbeDpdkIo(const NodeConfig& node);

/// As CreatePacketIo(), for a node whose `io` is dpdk.
absl::StatusOr<std::unique_ptr<core::net::PacketIo>> CreateDpdkIo(const NodeConfig& node,
                                                                  uint32_t sockets_max,
                                                                  core::Clock* clock);

}  // namespace sbc
