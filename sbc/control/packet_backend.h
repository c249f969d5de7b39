#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/net/packet_io.h"
#include "core/time/clock.h"
#include "sbc/config.h"

namespace sbc {

/// The network of one worker, as `node.io` asks for it. What else is carried in this program knows
/// only core::net::PacketIo.
///
/// Errors: what the machine or this build lacks, in words for its operator.
/// Thread: the worker's own, as a ring has a single issuer.
absl::StatusOr<std::unique_ptr<core::net::PacketIo>> CreatePacketIo(const Config& config,
                                                                    uint16_t worker,
                                                                    core::Clock* clock);

/// The same question before any worker starts, so that the answer is said once and not by each.
absl::Status ProbePacketIo(const NodeConfig& node);

/// That nobody has the listeners' addresses. Several workers share each by SO_REUSEPORT, and so
/// could any program of the same user: two nodes on one address would each get a part of the
/// other's calls. So each address is had alone for a moment, before the workers share it. Waits a
/// second for what a killed process still holds (rule 9 of the packet core). Two that start in the
/// same moment may still miss each other: the kernel lends no address to one process's sockets.
absl::Status CheckListenersAreFree(const Config& config, core::Clock* clock);

}  // namespace sbc
