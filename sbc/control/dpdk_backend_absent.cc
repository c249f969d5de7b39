#include "sbc/control/dpdk_backend.h"

namespace sbc {
namespace {

absl::Status NoDpdk() {
  return absl::UnimplementedError(
      "node.io: dpdk: this program was built without it. Use io: uring, or build with DPDK "
      "(Debian: libdpdk-dev; cmake -DWITH_DPDK=ON)");
}

}  // namespace

absl::Status ProbeDpdkIo(const NodeConfig&) { return NoDpdk(); }

absl::StatusOr<std::unique_ptr<core::net::PacketIo>> CreateDpdkIo(const NodeConfig&, uint32_t,
                                                                  core::Clock*) {
  return NoDpdk();
}

}  // namespace sbc
