#include "core/net/dpdk_io.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/check.h"
#include "core/base/concat.h"
#include "core/base/status.h"
#include "core/net/uring_setup.h"

namespace core::net {
namespace {

constexpr uint16_t kEphemeralFirst = 49152;  // RFC 6335 §6.
constexpr size_t kPorts = 65536;
constexpr uint16_t kMtuMin = 576;  // RFC 791: what every host must take.

absl::Status Invalid(const DpdkIoOptions& options, std::string_view what) {
  return absl::InvalidArgumentError(
      Concat("dpdk: device ", options.environment.device, ": ", what));
}

absl::Status Check(const DpdkIoOptions& options) {
  const auto is_host = [](const IpAddress& address) {
    return address.is_v4() && !address.is_unspecified() && !address.is_multicast();
  };
  if (!is_host(options.address)) {
    return Invalid(options, "its address must be one IPv4 host's: IPv6 is not supported yet");
  }
  if (options.prefix_length < 1 || options.prefix_length > 32) {
    return Invalid(options, "the length of its network is outside 1..32");
  }
  const Cidr network(options.address, options.prefix_length);
  if (options.gateway &&
      (!network.Contains(*options.gateway) || *options.gateway == options.address)) {
    return Invalid(options, "its gateway must be another host of its own network");
  }
  for (const DpdkIoOptions::Neighbour& neighbour : options.neighbours) {
    if (!network.Contains(neighbour.address)) {
      const IpAddress::Text text = neighbour.address.text();
      return Invalid(options, Concat("the neighbour ", text.view(), " is outside its network"));
    }
  }
  return CheckDpdkDevice(options.environment.device, options.address);
}

}  // namespace

absl::StatusOr<std::unique_ptr<DpdkIo>> DpdkIo::Create(const DpdkIoOptions& options, Clock* clock) {
  RETURN_IF_ERROR(Check(options));
  auto port = DpdkPort::Open(options.environment);
  RETURN_IF_ERROR(port.status());
  if ((*port)->mtu() < kMtuMin) return Invalid(options, Concat("its MTU is ", (*port)->mtu()));
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) return SocketRefused("eventfd", errno);
  return std::unique_ptr<DpdkIo>(new DpdkIo(options, *std::move(port), wake_fd, clock));
}

DpdkIo::DpdkIo(const DpdkIoOptions& options, std::unique_ptr<DpdkPort> port, int wake_fd,
               Clock* clock)
    : options_(options),
      clock_(clock),
      network_(options.address, options.prefix_length),
      address_(options.address.v4()),
      signalling_(options.signalling.slot_bytes, options.signalling.count),
      media_(options.media.slot_bytes, options.media.count),
      held_pool_(port->mtu(), kHeldMax),
      port_(std::move(port)),
      wake_fd_(wake_fd),
      free_sockets_(options.sockets_max),
      socket_of_port_(kPorts, kNoSocket),
      next_port_(kEphemeralFirst),
      neighbours_(options.neighbours_max),
      nap_(options.latency_budget) {
  sockets_.resize(options.sockets_max);
  for (uint32_t i = 0; i < options.sockets_max; ++i) free_sockets_.Push(i);
  for (const DpdkIoOptions::Neighbour& neighbour : options.neighbours) {
    neighbours_.AddStatic(neighbour.address.v4(), neighbour.mac);
  }
  queued_.reserve(options.send_queue_length);
  held_.reserve(kHeldMax);
  // Twice: when Close() takes in what the card holds, the turn still has its burst, whose places
  // stay though their slots may be free again.
  ready_.reserve(2 * (size_t{options.signalling.count} + options.media.count));
  now_ = clock->Now();
}

DpdkIo::~DpdkIo() { close(wake_fd_); }

const DpdkIo::Socket* DpdkIo::Find(SocketId id) const {
  if (!id || id.index >= sockets_.size()) return nullptr;
  const Socket& socket = sockets_[id.index];
  return socket.open && socket.generation == id.generation ? &socket : nullptr;
}

DpdkIo::Socket* DpdkIo::Find(SocketId id) {
  return const_cast<Socket*>(std::as_const(*this).Find(id));
}

// The next that is free, so that a port does not come again soon. 0: none.
uint16_t DpdkIo::ChoosePort() {
  for (size_t tries = kPorts - kEphemeralFirst; tries > 0; --tries) {
    const uint16_t port = next_port_;
    next_port_ = port == UINT16_MAX ? kEphemeralFirst : static_cast<uint16_t>(port + 1);
    if (socket_of_port_[port] == kNoSocket) return port;
  }
  return 0;
}

absl::StatusOr<SocketId> DpdkIo::Open(const SocketOptions& options) {
  if (options.local.ip != options_.address) {
    const Endpoint::Text wanted = options.local.text();
    const IpAddress::Text ours = options_.address.text();
    return absl::InvalidArgumentError(
        Concat("udp: ", wanted.view(), ": the address of the DPDK device is ", ours.view()));
  }
  if (free_sockets_.empty()) {
    return absl::ResourceExhaustedError(
        Concat("udp: all ", sockets_.size(), " sockets of this worker are open"));
  }
  Endpoint local = options.local;
  if (local.port == 0) local.port = ChoosePort();
  if (local.port == 0) return absl::ResourceExhaustedError("udp: all ephemeral ports are in use");
  if (socket_of_port_[local.port] != kNoSocket) {
    const Endpoint::Text text = local.text();
    return absl::UnavailableError(
        Concat("udp: ", text.view(), ": another socket has this address and port"));
  }
  const uint32_t index = free_sockets_.Pop();
  Socket& socket = sockets_[index];
  if (++socket.generation == 0) socket.generation = 1;
  socket.open = true;
  socket.group = options.group;
  socket.local = local;
  socket.refused = 0;
  socket_of_port_[local.port] = index;
  return SocketId{index, socket.generation};
}

// What waits in the card's queue is taken out, so that nothing of it is seen as the next socket's
// on the same port.
void DpdkIo::Close(SocketId id) {
  Socket* socket = Find(id);
  if (socket == nullptr) return;
  SendQueued();
  Drain();
  DropReadyOf(id);
  socket_of_port_[socket->local.port] = kNoSocket;
  socket->open = false;
  socket->reach.reset();
  free_sockets_.Push(id.index);
}

void DpdkIo::DropReadyOf(SocketId socket) {
  const auto rest = ready_.begin() + static_cast<ptrdiff_t>(handed_out_);
  ready_.erase(std::remove_if(rest, ready_.end(),
                              [&](const Packet& packet) { return packet.socket() == socket; }),
               ready_.end());
}

Endpoint DpdkIo::LocalOf(SocketId id) const {
  const Socket* socket = Find(id);
  return socket == nullptr ? Endpoint{} : socket->local;
}

absl::Status DpdkIo::SetReachFilter(SocketId id, std::span<const Cidr> reach) {
  Socket* socket = Find(id);
  if (socket == nullptr) return absl::NotFoundError("udp: no such socket");
  socket->reach = reach.empty() ? nullptr : std::make_unique<ReachSet>(reach, true);
  return absl::OkStatus();
}

uint64_t DpdkIo::QueueDrops(SocketId id) const {
  const Socket* socket = Find(id);
  return socket == nullptr ? 0 : socket->refused;
}

void DpdkIo::Wake() {
  const uint64_t one = 1;
  // Fails only after 2^64 wakes, and then the descriptor is readable already.
  const ssize_t written = write(wake_fd_, &one, sizeof(one));
  (void)written;
}

}  // namespace core::net
