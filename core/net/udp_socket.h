#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/base/address.h"
#include "core/net/packet_io.h"
#include "core/time/clock.h"

namespace core::net {

// Kernel UDP sockets: plain descriptors, IPv4 or IPv6 (never both on one).

/// Bytes that WriteSockaddr() may write: an IPv6 address is the longest.
inline constexpr size_t kSockaddrMax = 28;

/// Writes `endpoint` as its family's sockaddr and returns its length.
socklen_t WriteSockaddr(const Endpoint& endpoint, void* sockaddr);
/// The unspecified endpoint for what is neither IPv4 nor IPv6.
Endpoint ReadSockaddr(const void* sockaddr, size_t size);

/// A bound UDP socket. Retries EADDRINUSE for 1 s (rule 9).
absl::StatusOr<int> OpenUdpSocket(const SocketOptions& options, Clock* clock);

/// Applies what `options` ask of a socket that is already bound: also of one from another process.
absl::Status ConfigureUdpSocket(int fd, const SocketOptions& options);

/// Whether a descriptor that came from elsewhere is a UDP socket at all.
absl::Status CheckUdpSocket(int fd);

absl::StatusOr<Endpoint> LocalEndpoint(int fd);

/// Datagrams dropped at this socket since it was made (SO_MEMINFO, rule 12).
uint64_t SocketDrops(int fd);

/// One entry of a socket's error queue (ip(7), IP_RECVERR): what an ICMP message said.
struct QueuedError {
  Endpoint remote;  // Where the datagram that failed was going.
  int error = 0;    // 0: not from ICMP. What our own kernel refused, the send itself told.
  size_t quoted_size = 0;
};

/// Takes the next entry, and the datagram's first bytes into `quoted`. False when there is none.
bool ReadErrorQueue(int fd, std::span<char> quoted, QueuedError* error);

/// Whether this errno of a send or receive can be another datagram's ICMP error (rule 8).
bool MayBeIcmpError(int error);

}  // namespace core::net
