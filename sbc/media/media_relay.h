#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "core/base/bounded_vector.h"
#include "core/base/fixed_hash_map.h"
#include "core/base/pool.h"
#include "core/base/random.h"
#include "core/buffer/packet.h"
#include "core/buffer/packet_pool.h"
#include "core/engine/worker.h"
#include "core/net/packet_io.h"
#include "core/sdp/address_class.h"
#include "sbc/config.h"
#include "sbc/media/media_ports.h"
#include "sbc/media/media_session.h"
#include "sbc/media/media_stream.h"

namespace sbc {

/// What became of the datagrams that came to media ports; plain integers of one worker.
struct MediaRelayCounters {
  uint64_t relayed = 0;
  uint64_t strays = 0;         // To a port that no call has.
  uint64_t wrong_source = 0;   // To a call's port, from elsewhere than its peer (rule 23).
  uint64_t malformed = 0;      // Neither RTP nor RTCP.
  uint64_t payload_types = 0;  // From the peer, but of a type that was not agreed on.
  uint64_t unwanted = 0;       // The other side takes none: not yet, held, or rejected.
  uint64_t rtcp_received = 0;  // RTCP ends on each leg (rule 25),
  uint64_t rtcp_sent = 0;      // and what goes out is ours.
  uint64_t learnt = 0;         // Ports of peers behind a NAT.
  uint64_t ports_exhausted = 0;
  uint64_t rests_cut_short = 0;      // For emergency calls, where no pair had rested.
  uint64_t video_without_ports = 0;  // Such a line is refused, and the call goes on.
  uint64_t feedback_passed = 0;      // What a receiver of video asks its sender for,
  uint64_t feedback_ended = 0;       // and what was too much, not agreed on or of another stream.
  uint64_t flow_conflicts = 0;  // Refused: another call has that peer's place at each shared port.
  uint64_t events_ended = 0;    // Packets of telephone-events that were for us.
  DigitPlayCounts digits;
};

/// A digit that a trunk's telephone-events said, in a call whose customer hears of it in SIP.
struct HeardDigit {
  core::Handle<Call> call;
  Digit digit;
};

/// Relays the media of one worker's calls between its own ports, and lets nobody else in.
///
/// Shape:    `calls_max` calls' streams; the ports of each `media` entry that this worker has a
///           share of. Nothing is allocated after Open().
/// Lifetime: borrows the PacketIo. Streams that are left when it dies are dropped.
/// Errors:   Open() names the port that cannot be had. Begin() and Bind() say when nothing is left.
/// Thread:   one worker's.
class MediaRelay {
 public:
  struct Options {
    core::net::PacketIo* io = nullptr;
    core::Random* random = nullptr;
    core::PacketStore* store = nullptr;  // For the RTCP that we make.
    core::TimerWheel* wheel = nullptr;
    // The worker whose turn it is: its wall clock is what reports are stamped with.
    const core::engine::Worker* turn = nullptr;
    uint16_t worker = 0;
    uint16_t workers = 1;
    size_t calls_max = 0;
  };

  MediaRelay(const Options& options, const std::vector<MediaConfig>& config);
  MediaRelay(const MediaRelay&) = delete;
  MediaRelay& operator=(const MediaRelay&) = delete;

  absl::Status Open();
  /// Whether media is anchored at all: both sides have ports.
  bool enabled() const { return enabled_; }
  /// Whether the datagram came to one of our ports.
  bool Owns(core::SocketId socket) const {
    return socket.index < places_.size() && places_[socket.index].kind != Place::Kind::kNotOurs;
  }

  /// A stream without ports; null when there is none left. `beside` is another one of the same
  /// call, if it has one: on each side both have one CNAME (RFC 3550 §6.5.1).
  [[nodiscard]] MediaStream* Begin(core::Instant now, const MediaStream* beside = nullptr);
  /// Gives a leg a pair of ports, if it has none. False when all of that side are in use or rest;
  /// the voice of an emergency call has one that rests rather than none.
  [[nodiscard]] bool Bind(MediaStream* stream, LegId leg, Side side, bool v4, core::Instant now);
  /// The same for a leg whose ports may be of another family.
  [[nodiscard]] bool Rebind(MediaStream* stream, LegId leg, Side side, bool v4, core::Instant now);
  /// One leg's part in SetPeers().
  struct PeerChange {
    MediaStream* stream = nullptr;
    LegId leg = LegId::kCaller;
    PeerMedia peer;
    MediaSources sources{};
  };
  static constexpr size_t kPeerChangesMax = 2 * MediaSession::kStreamsMax;  // A call's.
  /// From now on each leg's media goes to that peer, and only that peer's is taken; without ports
  /// there can be none. On shared ports a leg that is in another call's way gets the next pair, if
  /// its peer was not told of one yet. False where one of them finds none: then all stay as they
  /// were.
  [[nodiscard]] bool SetPeers(std::span<const PeerChange> changes);
  [[nodiscard]] bool SetPeer(MediaStream* stream, LegId leg, const PeerMedia& peer,
                             const MediaSources& sources = {}) {
    const PeerChange change = {stream, leg, peer, sources};
    return SetPeers({&change, 1});
  }
  void End(MediaStream* stream, core::Instant now);
  /// The stream's place between digits in SIP and in RTP: a new one, where it has none.
  DigitBridge* BridgeOf(MediaStream* stream);

  core::Handle<MediaStream> HandleOf(const MediaStream* stream) const {
    return streams_.HandleOf(stream);
  }
  MediaStream* Find(core::Handle<MediaStream> handle) { return streams_.Find(handle); }

  /// One datagram that Owns() its socket.
  void OnPacket(core::Packet packet, core::Instant now);

  /// The digits that ended with the last packet: whoever gave it takes them before the next one.
  using HeardDigits = core::BoundedVector<HeardDigit, 16>;
  const HeardDigits& heard() const { return heard_; }
  void ForgetHeard() { heard_ = {}; }

  const MediaRelayCounters& counters() const { return counters_; }
  size_t streams() const { return streams_.size(); }
  /// What descriptions on that side say where our media is; nothing where it has no such ports.
  std::optional<core::IpAddress> AdvertisedAddress(Side side, bool v4) const;
  /// Whether a peer on that side may have such a place. Ports of ours are refused, as two legs that
  /// named each other would send one packet round for ever; but a customer may be told to name the
  /// customer's side, by a PBX that connects two calls of its own directly. A way round would need
  /// a port of the trunk's side, too.
  bool MayBeAt(Side side, const core::Endpoint& place) const;
  /// What its configuration allows beside the side's own class of addresses (rule 24).
  core::sdp::AddressClassSet AllowedClasses(Side side) const;
  size_t ports_used(Side side) const;
  size_t ports_count(Side side) const;

 private:
  /// Whose one of our sockets is.
  struct Place {
    enum class Kind : uint8_t { kNotOurs, kFree, kOwn, kShared };
    Kind kind = Kind::kNotOurs;
    LegId leg = LegId::kCaller;
    bool is_rtcp = false;
    core::Handle<MediaStream> stream;  // Where it is a stream's own.
  };
  /// Who sends from `remote` to a shared socket.
  struct SharedFlow {
    core::SocketId socket;
    core::Endpoint remote;
    core::Handle<MediaStream> stream;
    LegId leg = LegId::kCaller;
    friend bool operator==(const SharedFlow&, const SharedFlow&) = default;
  };
  /// What a datagram belongs to.
  struct Arrival {
    MediaStream* stream = nullptr;
    LegId leg = LegId::kCaller;
    bool is_rtcp = false;
  };

  MediaPorts* LongestRested(Side side, bool v4) const;
  void Lend(MediaPorts* ports, uint32_t pair, MediaStream* stream, LegId id);
  Arrival Find(const core::Packet& packet);
  void OnRtp(core::Packet packet, const Arrival& arrival, core::Instant now);
  void OnRtcp(core::Packet packet, const Arrival& arrival, core::Instant now);
  void OnEvent(core::rtp::PacketView view, const Arrival& arrival, core::rtp::Arrival counted,
               core::Instant now);
  void Hear(MediaStream* stream, const core::rtp::DtmfReader::Events& events);
  core::rtp::PayloadKind Bridge(core::Packet* packet, const Arrival& arrival,
                                core::rtp::PayloadKind kind, core::Instant now);
  void Forward(core::Packet packet, core::rtp::PacketView view, const Arrival& arrival,
               core::rtp::PayloadKind kind, core::Instant now);
  void PassFeedback(const core::rtp::RtcpSession::Incoming& incoming, const Arrival& arrival,
                    core::Instant now);
  void SendRtcp(MediaStream::Leg* to, std::span<const uint8_t> bytes);
  void Report(MediaStream* stream, core::Instant now);
  void ArmReport(MediaStream* stream);
  static void FireReport(void* stream, core::Timer* timer, core::Instant now);
  void Unbind(MediaStream* stream, LegId leg, core::Instant now);
  std::optional<uint32_t> FindPairFor(const MediaStream::Leg& leg) const;
  bool Install(MediaStream* stream, LegId leg);
  void Apply(const PeerChange& change, const PeerMedia& before);
  void Uninstall(MediaStream* stream, LegId leg);
  void SetOwner(const MediaPorts::Pair& pair, Place::Kind kind, core::Handle<MediaStream> stream,
                LegId leg);
  uint64_t HashOf(core::SocketId socket, const core::Endpoint& remote) const;
  const SharedFlow* FindShared(core::SocketId socket, const core::Endpoint& remote) const;

  Options options_;
  bool enabled_ = false;
  core::Pool<MediaStream> streams_;
  core::Pool<DigitBridge> bridges_;
  std::vector<std::unique_ptr<MediaPorts>> ports_;
  HeardDigits heard_;
  std::vector<Place> places_;  // By socket index.
  core::FixedHashMap<SharedFlow> shared_;
  uint64_t hash_key_;
  MediaRelayCounters counters_;
};

}  // namespace sbc
