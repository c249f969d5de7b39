#include "tests/support/sim_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tests {
namespace {

constexpr size_t kIcmpQueueMax = 256;
constexpr size_t kUdpPayloadMax = 65507;
constexpr size_t kDatagramOverhead = 768;  // What the kernel charges a queue for a small datagram.

}  // namespace

using core::Cidr;
using core::Endpoint;
using core::Instant;
using core::Packet;
using core::PacketPool;
using core::SocketId;
using core::net::BufferGroup;
using core::net::SendError;
using core::net::SocketOptions;

void SimIo::Socket::OnDatagram(const Endpoint& from, std::string_view bytes, Instant arrived) {
  const bool admitted =
      reach.empty() ||
      std::any_of(reach.begin(), reach.end(), [&](const Cidr& c) { return c.Contains(from.ip); });
  const size_t charge = bytes.size() + kDatagramOverhead;
  if (!admitted || queued_bytes + charge > options.receive_buffer_bytes) {
    ++drops;
    return;
  }
  queued_bytes += charge;
  queue.push_back({from, std::string(bytes), arrived});
}

void SimIo::Socket::OnIcmp(const Endpoint& to, int error, std::string_view quoted) {
  if (!options.icmp_errors || io->icmps_.size() == kIcmpQueueMax) return;
  io->icmps_.push_back({id, to, error, std::string(quoted)});
}

SimIo::SimIo(SimNetwork* network, const SimIoOptions& options)
    : network_(network),
      options_(options),
      signalling_(65535, options.signalling_slots),
      media_(options.media_slot_bytes, options.media_slots) {}

SimIo::~SimIo() {
  for (const auto& socket : sockets_) {
    if (socket->open) network_->Unbind(socket->local, socket.get());
  }
}

SimIo::Socket* SimIo::Find(SocketId socket) {
  return const_cast<Socket*>(std::as_const(*this).Find(socket));
}

const SimIo::Socket* SimIo::Find(SocketId socket) const {
  if (!socket || socket.index >= sockets_.size()) return nullptr;
  const Socket* found = sockets_[socket.index].get();
  return found->open && found->id == socket ? found : nullptr;
}

PacketPool& SimIo::PoolOf(const Socket& socket) {
  return socket.options.group == BufferGroup::kMedia ? media_ : signalling_;
}

absl::StatusOr<SocketId> SimIo::Open(const SocketOptions& options) {
  auto slot =
      std::find_if(sockets_.begin(), sockets_.end(), [](const auto& s) { return !s->open; });
  if (slot == sockets_.end()) slot = sockets_.insert(slot, std::make_unique<Socket>());
  Socket& socket = **slot;
  Endpoint local = options.local;
  if (const int error = network_->Bind(&local, &socket, options.reuse_port); error != 0) {
    const Endpoint::Text text = local.text();
    return absl::UnavailableError(std::string(text.view()) +
                                  ": cannot bind: " + std::strerror(error));
  }
  const uint32_t generation = socket.id.generation + 1;
  socket.io = this;
  socket.id = {static_cast<uint32_t>(slot - sockets_.begin()), generation};
  socket.options = options;
  socket.local = local;
  socket.reach.clear();
  socket.drops = 0;
  socket.open = true;
  return socket.id;
}

void SimIo::Close(SocketId id) {
  Socket* socket = Find(id);
  if (socket == nullptr) return;
  Flush();  // What was queued before still leaves.
  network_->Unbind(socket->local, socket);
  socket->open = false;
  socket->queue.clear();
  socket->queued_bytes = 0;
  std::erase_if(icmps_, [&](const Icmp& icmp) { return icmp.socket == id; });
}

Endpoint SimIo::LocalOf(SocketId id) const {
  const Socket* socket = Find(id);
  return socket == nullptr ? Endpoint{} : socket->local;
}

absl::Status SimIo::SetReachFilter(SocketId id, std::span<const Cidr> reach) {
  Socket* socket = Find(id);
  if (socket == nullptr) return absl::NotFoundError("no such socket");
  socket->reach.assign(reach.begin(), reach.end());
  return absl::OkStatus();
}

void SimIo::Send(Packet packet) { sends_.push_back(std::move(packet)); }

void SimIo::Flush() {
  for (Packet& packet : sends_) {
    const Socket* socket = Find(packet.socket());
    if (socket == nullptr) {
      ++counters_.send_errors;
    } else if (packet.size() > kUdpPayloadMax) {
      ++counters_.send_errors;
      icmps_.push_back(
          {packet.socket(), packet.remote(), EMSGSIZE, std::string(packet.text().substr(0, 512))});
    } else {
      ++counters_.sent;
      counters_.sent_bytes += packet.size();
      network_->Send(socket->local, packet.remote(), packet.text());
    }
  }
  sends_.clear();
}

void SimIo::FlushAndWait(Instant) {
  ++counters_.turns;
  burst_.clear();
  errors_.clear();
  reported_.clear();
  woken_ = false;
  Flush();
  network_->DeliverDue();

  // One of each socket in turn: a flood on one does not starve the rest.
  for (bool took = true; took && burst_.size() < options_.burst_max;) {
    took = false;
    for (size_t i = 0; i < sockets_.size() && burst_.size() < options_.burst_max; ++i) {
      Socket* socket = sockets_[(next_socket_ + i) % sockets_.size()].get();
      if (socket->open && !socket->queue.empty()) took |= TakeOne(socket);
    }
  }
  ++next_socket_;

  reported_.assign(std::make_move_iterator(icmps_.begin()), std::make_move_iterator(icmps_.end()));
  icmps_.clear();
  for (const Icmp& icmp : reported_) {
    ++counters_.icmp_errors;
    errors_.push_back({icmp.socket, icmp.to, icmp.error, icmp.quoted});
  }
}

bool SimIo::TakeOne(Socket* socket) {
  Packet packet = PoolOf(*socket).Acquire();
  if (!packet) {
    ++counters_.starved;  // Delay, not loss: it stays in the socket's queue.
    return false;
  }
  Datagram& datagram = socket->queue.front();
  const size_t size = std::min<size_t>(datagram.bytes.size(), packet.capacity());
  if (size > 0) std::memcpy(packet.data(), datagram.bytes.data(), size);
  packet.set_size(static_cast<uint32_t>(size));
  packet.SetRoute(socket->id, socket->local, datagram.from);
  packet.slot()->truncated = size < datagram.bytes.size();
  packet.slot()->received_at = datagram.arrived;

  ++counters_.received;
  counters_.received_bytes += size;
  if (packet.truncated()) ++counters_.truncated;
  if (size == 0) ++counters_.empty_datagrams;
  socket->queued_bytes -= datagram.bytes.size() + kDatagramOverhead;
  socket->queue.pop_front();
  burst_.push_back(std::move(packet));
  return true;
}

uint64_t SimIo::QueueDrops(SocketId id) const {
  const Socket* socket = Find(id);
  return socket == nullptr ? 0 : socket->drops;
}

bool SimIo::HasWork() const {
  return woken_ || !sends_.empty() || !icmps_.empty() ||
         std::any_of(sockets_.begin(), sockets_.end(),
                     [](const auto& socket) { return socket->open && !socket->queue.empty(); });
}

}  // namespace tests
