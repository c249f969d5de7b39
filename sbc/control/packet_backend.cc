#include "sbc/control/packet_backend.h"

#include <utility>

#include "core/net/uring_io.h"
#include "core/net/uring_setup.h"
#include "sbc/control/dpdk_backend.h"

namespace sbc {

absl::Status ProbePacketIo(const NodeConfig& node) {
  return node.io == IoKind::kUring ? core::net::ProbeUring() : ProbeDpdkIo(node);
}

absl::StatusOr<std::unique_ptr<core::net::PacketIo>> CreatePacketIo(const NodeConfig& node,
                                                                    core::Clock* clock) {
  if (node.io == IoKind::kDpdk) return CreateDpdkIo(node, clock);
  core::net::UringIoOptions options;
  options.latency_budget = node.latency_budget;
  options.sockets_max = 64;  // Listeners only: media has no sockets yet.
  options.media.count = 16;
  auto io = core::net::UringIo::Create(options, clock);
  if (!io.ok()) return io.status();
  return std::unique_ptr<core::net::PacketIo>(std::move(*io));
}

}  // namespace sbc
