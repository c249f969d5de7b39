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

}  // namespace sbc
