#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/net/packet_io.h"

namespace loadgen {

/// The calls' RTP and RTCP ports. All are opened before the run, so that no call opens a socket.
///
/// Shape:    a pair takes the first two of four ports, as SIPp's [auto_media_port] counts: the
///           other two are for video, which we do not have. A place in which a port is taken by
///           somebody else is left out. What was freed longest ago is given out first, so that
///           what still comes for the last call finds nobody.
/// Lifetime: the sockets are the PacketIo's, which outlives this.
/// Errors:   Open() says which ports it looked at; Acquire() is kNone when every pair has a call.
/// Thread:   one worker's.
class MediaPorts {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint16_t kPortsPerCall = 4;
  static constexpr uint32_t kSocketBufferBytes = 256u << 10;  // Some seconds of one call's audio.

  struct Range {
    uint16_t first = 0;
    uint16_t last = 0;
  };
  /// How many pairs fit.
  static size_t CountIn(const Range& range);

  struct Options {
    core::IpAddress address;
    Range range;
    size_t count = 0;
    /// Whether nobody has the port, where that can be asked for less than the second that a failed
    /// PacketIo::Open() takes. Null: it is tried.
    bool (*is_free)(const core::Endpoint& port) = nullptr;
  };
  absl::Status Open(const Options& options, core::net::PacketIo* io);

  struct Pair {
    core::SocketId rtp;
    core::SocketId rtcp;
    core::Endpoint local;  // Of RTP.
  };
  uint32_t Acquire();
  void Release(uint32_t pair);
  const Pair& pair(uint32_t index) const { return pairs_[index]; }

  struct Place {
    uint32_t pair = kNone;
    bool is_rtcp = false;
  };
  /// Whose a socket is; kNone of one that is not of these.
  Place Find(core::SocketId socket) const {
    return socket.index < places_.size() ? places_[socket.index] : Place{};
  }

  size_t count() const { return pairs_.size(); }
  size_t free_count() const { return free_count_; }
  /// Datagrams that the kernel dropped as a queue was full.
  uint64_t QueueDrops(const core::net::PacketIo& io) const;

 private:
  absl::StatusOr<core::SocketId> OpenOne(const core::Endpoint& local, core::net::PacketIo* io);
  void Enter(core::SocketId socket, const Place& place);

  std::vector<Pair> pairs_;
  std::vector<Place> places_;   // By the socket's index.
  std::vector<uint32_t> free_;  // A ring, the one freed longest ago first.
  size_t free_first_ = 0;
  size_t free_count_ = 0;
};

}  // namespace loadgen
