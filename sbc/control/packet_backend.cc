#include "sbc/control/packet_backend.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "core/base/concat.h"
#include "core/net/udp_socket.h"
#include "core/net/uring_io.h"
#include "core/net/uring_setup.h"
#include "sbc/control/dpdk_backend.h"
#include "sbc/media/media_ports.h"

namespace sbc {

namespace {

// The listeners', and two for each pair of media ports.
uint32_t SocketsOf(const Config& config, uint16_t worker) {
  constexpr size_t kListeners = 64;
  const auto workers = static_cast<uint16_t>(config.node.workers);
  size_t sockets = kListeners;
  for (const MediaConfig& media : config.media) {
    sockets += 2 * MediaPorts::PairsFor(media, worker, workers);
  }
  return static_cast<uint32_t>(sockets);
}

}  // namespace

absl::Status ProbePacketIo(const NodeConfig& node) {
  return node.io == IoKind::kUring ? core::net::ProbeUring() : ProbeDpdkIo(node);
}

absl::Status CheckListenersAreFree(const Config& config, core::Clock* clock) {
  // One worker's own bind says it, and DPDK has no sockets.
  if (config.node.workers == 1 || config.node.io != IoKind::kUring) return absl::OkStatus();
  for (const ListenerConfig& listener : config.listeners) {
    const absl::StatusOr<int> opened = core::net::OpenUdpSocket({.local = listener.local}, clock);
    if (!opened.ok()) {
      const core::Endpoint::Text local = listener.local.text();
      return absl::Status(
          opened.status().code(),
          core::Concat("listener ", local.view(), ": ", std::string(opened.status().message())));
    }
    close(*opened);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<core::net::PacketIo>> CreatePacketIo(const Config& config,
                                                                    uint16_t worker,
                                                                    core::Clock* clock) {
  if (config.node.io == IoKind::kDpdk) {
    return CreateDpdkIo(config.node, SocketsOf(config, worker), clock);
  }
  core::net::UringIoOptions options;
  options.latency_budget = config.node.latency_budget;
  options.poll = config.node.poll;
  options.sockets_max = SocketsOf(config, worker);
  if (config.media.empty()) options.media.count = 16;
  auto io = core::net::UringIo::Create(options, clock);
  if (!io.ok()) return io.status();
  return std::unique_ptr<core::net::PacketIo>(std::move(*io));
}

}  // namespace sbc
