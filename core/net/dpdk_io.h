#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/buffer/packet_pool.h"
#include "core/net/dpdk_port.h"
#include "core/net/index_queue.h"
#include "core/net/ipv4_udp.h"
#include "core/net/neighbours.h"
#include "core/net/packet_io.h"
#include "core/net/send_errors.h"
#include "core/net/udp_filter.h"
#include "core/time/clock.h"

namespace core::net {

struct DpdkIoOptions {
  struct Neighbour {
    IpAddress address;
    MacAddress mac = {};
  };
  struct Buffers {
    uint32_t slot_bytes = 2048;  // More than any frame of an MTU of 1,500.
    uint32_t count = 1024;
  };

  DpdkEnvironment environment;
  IpAddress address;  // Ours, IPv4.
  int prefix_length = 24;
  std::optional<IpAddress> gateway;  // For all beyond the prefix.
  std::vector<Neighbour> neighbours;

  Buffers signalling;
  Buffers media;
  uint32_t sockets_max = 1024;
  uint32_t send_queue_length = 1024;  // A turn that sends more sends in between.
  uint32_t burst_max = 256;           // Datagrams that a turn hands out.
  uint32_t neighbours_max = 1024;     // Learnt ones.

  // What came is worked on at most this much later while there is traffic. Without any, looking
  // that often would cost some percent of a core, so the naps grow to `idle_nap_max`.
  Duration latency_budget = std::chrono::milliseconds(1);
  Duration idle_nap_max = std::chrono::milliseconds(4);
  bool poll = false;  // Never nap: the worker's core is its own.
};

/// What the wire brought that was not a datagram for one of our sockets; plain integers.
struct DpdkCounters {
  uint64_t malformed = 0;          // Frames that contradict themselves, and cut ones.
  uint64_t bad_checksum = 0;       // Of IPv4 or of UDP.
  uint64_t fragments = 0;          // Not put together: dropped.
  uint64_t not_for_us = 0;         // Another Ethernet or IPv4 address, or another protocol.
  uint64_t unknown_port = 0;       // Nobody is told: there is no ICMP.
  uint64_t no_slot = 0;            // Dropped while a socket closed, as its pool was dry.
  uint64_t address_conflicts = 0;  // ARP says that another host has our address.
  uint64_t arp_requests = 0;       // Sent.
  uint64_t arp_replies = 0;        // Sent.
};

/// The DPDK backend: one port, one queue, UDP over IPv4, polled.
///
/// Thin:     it proves that the interface fits, and carries calls. One copy a packet each way,
///           between the card's buffers and the packets of our pools, which also makes a shared
///           Packet safe to send; every checksum in software. Not there yet: IPv6, fragments (a
///           datagram longer than the MTU is a SendError of EMSGSIZE; those that come are dropped),
///           several queues, and ICMP: a peer's "port unreachable" is not heard, so a SendError
///           only says what we know ourselves (no route, no answer to ARP, too long), and a
///           datagram for a port that is not open gets no answer. What is sent to our own address
///           is unreachable.
/// Waiting:  the drivers of software have no receive interrupts (rule 18), so a wait is a row of
///           naps on an eventfd, which Wake() ends, with a look at the card between them.
/// Order:    on one destination as sent. What waits for ARP is held, kHeldMax datagrams at most.
/// Lifetime: made on the worker's thread, which becomes DPDK's first. Nothing is allocated after
///           Create(), but for a reach filter.
/// Errors:   Create() and Open() say what is missing and what to do.
class DpdkIo final : public PacketIo {
 public:
  static constexpr size_t kHeldMax = 64;
  static constexpr Duration kHoldTime = std::chrono::seconds(3);  // Three ARP requests.

  static absl::StatusOr<std::unique_ptr<DpdkIo>> Create(const DpdkIoOptions& options, Clock* clock);
  DpdkIo(const DpdkIo&) = delete;
  DpdkIo& operator=(const DpdkIo&) = delete;
  ~DpdkIo() override;

  absl::StatusOr<SocketId> Open(const SocketOptions& options) override;
  void Close(SocketId socket) override;
  Endpoint LocalOf(SocketId socket) const override;
  /// In user space, after the card's queue: a flood is dropped early, but not before it cost us a
  /// look.
  absl::Status SetReachFilter(SocketId socket, std::span<const Cidr> reach) override;
  void Send(Packet packet) override;
  void FlushAndWait(Instant deadline) override;
  std::span<Packet> Receive() override { return {ready_.data(), handed_out_}; }
  std::span<const SendError> Errors() override { return errors_.told(); }
  void Wake() override;
  const IoCounters& counters() const override { return counters_; }
  /// What the reach filter refused. The card's queue is shared by all sockets: see missed().
  uint64_t QueueDrops(SocketId socket) const override;

  const DpdkCounters& dpdk_counters() const { return dpdk_counters_; }
  uint64_t missed() const { return port_->missed(); }  // Frames that found the card's queue full.
  const MacAddress& mac() const { return port_->mac(); }
  uint16_t mtu() const { return port_->mtu(); }

 private:
  struct Socket {
    uint32_t generation = 0;
    bool open = false;
    BufferGroup group = BufferGroup::kSignalling;
    Endpoint local;
    std::unique_ptr<ReachSet> reach;
    uint64_t refused = 0;
  };
  // A datagram whose next hop is being asked for. A copy: received packets go back with their turn.
  struct Held {
    Packet packet;
    uint32_t next_hop;
    Instant until;
  };
  static constexpr uint32_t kNoSocket = UINT32_MAX;
  static constexpr uint32_t kNotADatagram = UINT32_MAX;

  DpdkIo(const DpdkIoOptions& options, std::unique_ptr<DpdkPort> port, int wake_fd, Clock* clock);

  // Sockets (dpdk_io.cc).
  const Socket* Find(SocketId id) const;
  Socket* Find(SocketId id);
  uint16_t ChoosePort();
  void DropReadyOf(SocketId socket);

  // The turn and what comes (dpdk_turn.cc).
  void WaitAndReceive(Instant deadline);
  bool Nap(Duration duration);
  size_t RoomToReceive() const;
  void Poll();
  void Drain();
  void OnFrame(DpdkPort::Frame frame);
  void OnArp(DpdkPort::Frame payload);
  void OnIpv4(DpdkPort::Frame payload);
  void OnDatagram(const UdpDatagram& datagram, Socket* socket);

  // What goes (dpdk_send.cc).
  void SendQueued();
  int Transmit(const Packet& packet);
  int NextHop(const IpAddress& destination, uint32_t* next_hop) const;
  bool AppendDatagram(const Packet& packet, const Endpoint& local, const MacAddress& mac);
  void AppendArp(const ArpMessage& message, const MacAddress& destination);
  void AskFor(uint32_t address);
  void Hold(const Packet& packet, uint32_t next_hop);
  void SendHeld(uint32_t next_hop);
  void TendHeld();
  void Fail(const Packet& packet, int error);
  void SendBatch();

  const DpdkIoOptions options_;
  Clock* const clock_;
  const Cidr network_;
  const uint32_t address_;
  PacketPool signalling_;
  PacketPool media_;
  PacketPool held_pool_;
  std::unique_ptr<DpdkPort> port_;
  const int wake_fd_;

  std::vector<Socket> sockets_;
  IndexQueue free_sockets_;
  std::vector<uint32_t> socket_of_port_;  // By UDP port: an index, or kNoSocket.
  uint16_t next_port_;
  Neighbours neighbours_;

  std::vector<Packet> queued_;
  std::vector<Held> held_;
  // For each frame of the port's batch, the bytes of its datagram, or kNotADatagram.
  std::array<uint32_t, DpdkPort::kBatchMax> batch_bytes_ = {};

  std::vector<Packet> ready_;  // [0, handed_out_) is with the caller.
  size_t handed_out_ = 0;
  SendErrors errors_;

  Instant now_{};
  Duration nap_;  // The next one, when there was nothing to do.
  bool worked_last_turn_ = false;
  bool found_work_ = false;    // In this turn.
  bool more_in_card_ = false;  // The last look ended before the card's queue did.
  IoCounters counters_;
  DpdkCounters dpdk_counters_;
};

}  // namespace core::net
