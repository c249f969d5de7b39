#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/address.h"
#include "core/base/instant.h"
#include "core/net/packet_io.h"

namespace core::net {

/// The UDP sockets of a process on their way to the one that replaces it (rule 13): what waits in
/// them, and what comes meanwhile, is the new one's.
///
/// The old process stops receiving with ReleaseForHandOver(), adds each descriptor and sends the
/// set; the new one receives it, takes what its configuration names and opens it with
/// OpenAdopted(); what it does not take is released when the set dies.
///
/// Shape:    at most kSocketsMax sockets, in messages of up to kPerMessage over a Unix socket that
///           keeps messages apart (SOCK_SEQPACKET), from and to this version of the format only.
/// Lifetime: owns its descriptors, of which Add() makes copies.
/// Errors:   say what came that was not expected, or what the system refused. A set that came in
///           part is none: its descriptors are closed, and the sender's still live.
/// Thread:   blocks, so the control thread's.
class SocketSet {
 public:
  static constexpr size_t kSocketsMax = 65536;
  static constexpr size_t kPerMessage = 128;  // The kernel takes 253 (SCM_MAX_FD).

  SocketSet() = default;
  SocketSet(SocketSet&& other) noexcept;
  SocketSet& operator=(SocketSet&&) = delete;
  SocketSet(const SocketSet&) = delete;
  SocketSet& operator=(const SocketSet&) = delete;
  ~SocketSet();

  absl::Status Add(int fd, BufferGroup group);
  absl::Status Send(int link) const;
  /// Waits at most `patience` for each message.
  static absl::StatusOr<SocketSet> Receive(int link, Duration patience);

  /// A descriptor of this address and group, now the caller's; -1 when there is none. Several
  /// sockets may share an address (reuse_port): each call gives another.
  int Take(const Endpoint& local, BufferGroup group);

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    int fd;
    Endpoint local;
    BufferGroup group;
  };

  absl::Status ReceiveSome(int link, size_t expected);
  absl::Status Own(int fd, BufferGroup group);

  std::vector<Entry> entries_;
};

}  // namespace core::net
