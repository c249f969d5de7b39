#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/address.h"
#include "core/base/instant.h"
#include "core/buffer/packet.h"

namespace core::net {

/// Which window of the receive pools a socket draws from, so that none starves another (rule 1).
enum class BufferGroup : uint8_t { kSignalling, kMedia };
inline constexpr size_t kBufferGroups = 2;

struct SocketOptions {
  Endpoint local;  // Port 0: the kernel chooses; LocalOf() tells.
  BufferGroup group = BufferGroup::kSignalling;
  // What a stall of some 100 ms brings at 50,000 packets/s.
  uint32_t receive_buffer_bytes = 4u << 20;
  uint32_t send_buffer_bytes = 4u << 20;
  bool icmp_errors = true;  // Attribute ICMP errors (rule 8); listeners want it.
  bool reuse_port = false;  // Each worker has its own socket on the address (SO_REUSEPORT).
  bool kernel_receive_time = false;  // received_at from the kernel, not from the turn (rule 4).
};

/// A datagram that did not reach its peer, as an ICMP message or the kernel said.
///
/// Shape:    `quoted` is the start of the datagram that failed (from the error queue), for the
///           branch in it to tell whose it was; it may be short or empty.
/// Lifetime: until the next FlushAndWait().
struct SendError {
  SocketId socket;
  Endpoint remote;
  int error = 0;  // errno: ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ...
  std::string_view quoted;
};

/// Counters of one backend; plain integers of one worker.
struct IoCounters {
  uint64_t received = 0;
  uint64_t received_bytes = 0;
  uint64_t sent = 0;
  uint64_t sent_bytes = 0;
  uint64_t send_dropped = 0;  // -EAGAIN: the socket's send buffer was full (rule 7).
  uint64_t send_errors = 0;   // Any other failed send.
  uint64_t truncated = 0;
  uint64_t starved = 0;  // A receive ended because its buffer ring was dry: delay, not loss.
  uint64_t empty_datagrams = 0;  // NAT keep-alives.
  uint64_t icmp_errors = 0;
  uint64_t resent = 0;    // Sends that had failed of another datagram's ICMP error (rule 8).
  uint64_t filtered = 0;  // Outside the reach set, and dropped here rather than in the kernel.
  uint64_t wall_clock_steps = 0;  // Seen while mapping the kernel's receive times (rule 4).
  uint64_t turns = 0;
  uint64_t waits = 0;  // Turns that slept.
  uint64_t system_calls = 0;
};

/// The only way to the network: flush and wait, receive a burst, queue a send.
///
/// Order:    datagrams that are sent from one socket leave in the order of Send(), except those
///           that the kernel refuses: counted drops, never a queue. (One that failed of another's
///           ICMP error goes out again behind its turn's others: rule 8.)
/// Lifetime: a Packet from Receive() is the caller's, and is back in its pool by the end of the
///           turn. Buffers that are sent are ours again when the flush returns.
/// Thread:   one worker's, except Wake(), which any thread may call.
class PacketIo {
 public:
  virtual ~PacketIo() = default;

  /// Opens, binds and arms a UDP socket. Retries EADDRINUSE for 1 s (rule 9): after kill -9 a port
  /// stays bound for some milliseconds.
  virtual absl::StatusOr<SocketId> Open(const SocketOptions& options) = 0;
  virtual void Close(SocketId socket) = 0;
  virtual Endpoint LocalOf(SocketId socket) const = 0;

  /// Drops datagrams from sources outside `reach` before they take room in the socket's queue, so
  /// that strangers cannot starve those who are trusted. An empty set admits everyone again.
  virtual absl::Status SetReachFilter(SocketId socket, std::span<const Cidr> reach) = 0;

  /// Queues one datagram, by its socket() and remote(). It leaves with the next flush.
  virtual void Send(Packet packet) = 0;

  /// Sends what is queued, and waits for work until `deadline` at most, in one submission. With
  /// `deadline` in the past it does not wait.
  virtual void FlushAndWait(Instant deadline) = 0;

  /// What came since: a bounded burst. The span and its Packets are valid until the next
  /// FlushAndWait(), which returns to the pool what the caller left.
  virtual std::span<Packet> Receive() = 0;
  virtual std::span<const SendError> Errors() = 0;

  /// Ends a wait that is under way, or the next one.
  virtual void Wake() = 0;

  virtual const IoCounters& counters() const = 0;
  /// Datagrams that the kernel dropped at this socket (SO_MEMINFO, rule 12): its queue was full,
  /// or, where one is set, the reach filter refused them.
  virtual uint64_t QueueDrops(SocketId socket) const = 0;
};

}  // namespace core::net
