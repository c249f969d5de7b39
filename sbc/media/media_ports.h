#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/base/address.h"
#include "core/base/instant.h"
#include "core/base/random.h"
#include "core/net/packet_io.h"
#include "sbc/config.h"

namespace sbc {

/// One worker's share of the media ports of one `media` entry: pairs of an even port for RTP and
/// the odd one after it for RTCP (RFC 3550 §11, rule 26).
///
/// Shape:    every `workers`-th pair of the range: how many calls may begin a second is what the
///           range has for those that rest, so its width is the operator's to choose. All sockets
///           are opened at start and stay armed (rule 9 of the packet core): a call borrows a pair,
///           and what comes to one that nobody has borrowed is a stray. Where the entry is
///           `shared`, a few pairs are opened, and many calls borrow one at once, told apart by
///           where their media comes from (rule 11 there): a socket costs 3.6 kB in the kernel, and
///           twenty thousand are all a process gets on many machines.
/// Order:    pairs are drawn at random (rule 22). One that was a call's own rests for kRest before
///           it is drawn again; AcquireResting() alone hands one out sooner.
/// Lifetime: borrows the PacketIo, whose sockets they are until it dies.
/// Errors:   Open() names the port that cannot be had. Acquire() has none when all are borrowed or
///           resting: the call is answered 503.
/// Thread:   one worker's.
class MediaPorts {
 public:
  // What the peer of the last call still sends must not reach the next one. A peer that heard the
  // BYE stops within a round trip; 32 s, as long as a transaction may take, would tie up three
  // times as many ports.
  static constexpr core::Duration kRest = std::chrono::seconds(10);
  // Of a shared entry: each has a queue of its own in the kernel, and more of them gain nothing.
  static constexpr size_t kSharedPairsMax = 32;

  struct Pair {
    core::SocketId rtp;
    core::SocketId rtcp;
    core::Endpoint rtp_local;
    core::Endpoint rtcp_local;
  };

  /// How many pairs so many calls have at once, where none has voice and a fax on lines of their
  /// own.
  static constexpr size_t PairsMax(size_t calls, bool video) { return video ? 2 * calls : calls; }

  MediaPorts(const MediaConfig& config, uint16_t worker, uint16_t workers);

  absl::Status Open(core::net::PacketIo* io);

  /// None where no more than `spare` pairs are free; shared ones always are.
  [[nodiscard]] std::optional<uint32_t> Acquire(core::Random* random, core::Instant now,
                                                size_t spare = 0);
  /// When the pair that has rested longest is drawn again; nothing where none rests.
  std::optional<core::Instant> rest_ends() const;
  /// That pair at once, for who cannot wait. There must be one.
  uint32_t AcquireResting();
  void Release(uint32_t pair, core::Instant now);

  const Pair& pair(uint32_t index) const { return pairs_[index]; }
  size_t count() const { return count_; }
  /// Calls that have a pair; of a shared entry more than count().
  size_t used() const { return used_; }
  size_t resting() const { return resting_size_; }
  bool shared() const { return config_.shared; }
  Side side() const { return config_.side; }
  bool is_v4() const { return config_.address.is_v4(); }
  /// What SDP says towards peers beyond `local_networks`.
  const core::IpAddress& advertised() const { return advertised_; }
  const core::IpAddress& address() const { return config_.address; }
  core::sdp::AddressClassSet allowed() const { return config_.allow; }
  /// Whether that is one of the entry's places, of any worker, as we or our peers know it.
  bool Contains(const core::Endpoint& place) const {
    const bool is_of_ours = place.ip == config_.address || place.ip == advertised_;
    return is_of_ours && place.port >= config_.port_first && place.port <= config_.port_last;
  }

  /// The pairs of a range: for the check of a configuration, too.
  static uint32_t PairsIn(const MediaConfig& config);
  /// How many of them one worker opens.
  static size_t PairsFor(const MediaConfig& config, uint16_t worker, uint16_t workers);

 private:
  struct Resting {
    uint32_t pair = 0;
    core::Instant until;
  };

  void EndRests(core::Instant now);
  uint32_t PopResting();

  MediaConfig config_;
  core::IpAddress advertised_;
  uint16_t worker_;
  uint16_t workers_;
  size_t count_;
  std::vector<Pair> pairs_;
  std::vector<uint32_t> free_;
  std::vector<Resting> resting_;  // A ring, in the order of their ends; room for all.
  size_t resting_head_ = 0;
  size_t resting_size_ = 0;
  size_t used_ = 0;
};

/// Descriptors that a node of this configuration may have open: the sockets of all its workers, and
/// room for rings, logs, name servers and connections to `admin`. What DPDK carries has none.
uint64_t FilesWanted(const Config& config);

}  // namespace sbc
