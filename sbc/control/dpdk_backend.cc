#include "sbc/control/dpdk_backend.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/concat.h"
#include "core/base/status.h"
#include "core/net/dpdk_io.h"

namespace sbc {

absl::Status ProbeDpdkIo(const NodeConfig& node) {
  if (node.workers == 1) return absl::OkStatus();
  return absl::UnimplementedError(core::Concat("node.workers: ", node.workers,
                                               ": io: dpdk has one queue, which is one worker's"));
}

absl::StatusOr<std::unique_ptr<core::net::PacketIo>> CreateDpdkIo(const NodeConfig& node,
                                                                  uint32_t sockets_max,
                                                                  core::Clock* clock) {
  CHECK(node.dpdk.has_value());  // The configuration's reader saw to it.
  const DpdkConfig& dpdk = *node.dpdk;
  core::net::DpdkIoOptions options;
  options.environment = {.device = dpdk.device, .eal = dpdk.eal, .file_prefix = dpdk.file_prefix};
  options.address = dpdk.address;
  options.prefix_length = dpdk.prefix_length;
  options.gateway = dpdk.gateway;
  for (const DpdkNeighbour& neighbour : dpdk.neighbours) {
    options.neighbours.push_back({neighbour.address, neighbour.mac});
  }
  options.latency_budget = node.latency_budget;
  options.poll = node.poll;
  options.sockets_max = sockets_max;
  auto io = core::net::DpdkIo::Create(options, clock);
  RETURN_IF_ERROR(io.status());
  return std::unique_ptr<core::net::PacketIo>(std::move(*io));
}

}  // namespace sbc
