#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer/packet_pool.h"
#include "core/net/packet_io.h"
#include "tests/support/sim_network.h"

namespace tests {

struct SimIoOptions {
  uint32_t signalling_slots = 512;
  uint32_t media_slots = 1024;
  uint32_t media_slot_bytes = 2048;
  uint32_t burst_max = 256;  // Datagrams of one turn.
};

/// The network of a simulation, behind the same interface as the real ones, faults included:
/// bounded socket queues, pools that run dry, ICMP errors, truncation.
///
/// FlushAndWait() does not block and does not advance time: it takes what the network has delivered
/// by the clock's now. Simulation (simulation.h) advances it.
///
/// Lifetime: dies before its SimNetwork.
/// Thread:   the test's. Unlike the real backends it allocates.
class SimIo final : public core::net::PacketIo {
 public:
  explicit SimIo(SimNetwork* network, const SimIoOptions& options = {});
  ~SimIo() override;

  absl::StatusOr<core::SocketId> Open(const core::net::SocketOptions& options) override;
  void Close(core::SocketId socket) override;
  core::Endpoint LocalOf(core::SocketId socket) const override;
  absl::Status SetReachFilter(core::SocketId socket, std::span<const core::Cidr> reach) override;
  void Send(core::Packet packet) override;
  void FlushAndWait(core::Instant deadline) override;
  std::span<core::Packet> Receive() override { return burst_; }
  std::span<const core::net::SendError> Errors() override { return errors_; }
  void Wake() override { woken_ = true; }
  const core::net::IoCounters& counters() const override { return counters_; }
  uint64_t QueueDrops(core::SocketId socket) const override;

  /// Whether a turn would find something to send or to take.
  bool HasWork() const;

 private:
  struct Datagram {
    core::Endpoint from;
    std::string bytes;
    core::Instant arrived;
  };
  struct Icmp {
    core::SocketId socket;
    core::Endpoint to;
    int error;
    std::string quoted;
  };

  class Socket final : public SimSocket {
   public:
    void OnDatagram(const core::Endpoint& from, std::string_view bytes,
                    core::Instant arrived) override;
    void OnIcmp(const core::Endpoint& to, int error, std::string_view quoted) override;

    SimIo* io = nullptr;
    core::SocketId id;
    core::net::SocketOptions options;
    core::Endpoint local;
    std::vector<core::Cidr> reach;
    std::deque<Datagram> queue;
    size_t queued_bytes = 0;
    uint64_t drops = 0;
    bool open = false;
  };

  Socket* Find(core::SocketId socket);
  const Socket* Find(core::SocketId socket) const;
  core::PacketPool& PoolOf(const Socket& socket);
  void Flush();
  bool TakeOne(Socket* socket);

  SimNetwork* network_;
  SimIoOptions options_;
  core::PacketPool signalling_;
  core::PacketPool media_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<core::Packet> sends_;
  std::vector<core::Packet> burst_;
  std::deque<Icmp> icmps_;      // Arrived since the last turn.
  std::vector<Icmp> reported_;  // Whose bytes errors_ shows.
  std::vector<core::net::SendError> errors_;
  core::net::IoCounters counters_;
  size_t next_socket_ = 0;  // Where the next burst begins, so that none starves another.
  bool woken_ = false;
};

}  // namespace tests
