// Who a leg's peer is, and where it may be (rule 23).

#include <algorithm>
#include <array>
#include <bit>

#include "core/base/check.h"
#include "sbc/media/media_relay.h"

namespace sbc {

using core::Endpoint;
using core::Handle;
using core::Instant;
using core::SocketId;

namespace {

// A peer behind a NAT that says that it moves goes on sending from its old port until it has the
// answer, and what is under way comes later still. What comes from there after that, or at once
// where it says that it stays, ends the lesson.
constexpr core::Duration kOldPlaceStays = std::chrono::seconds(2);

// At a port of its own, not among the RTP (RFC 5761).
bool HasOwnRtcp(const PeerMedia& peer) { return !peer.is_muxed && peer.rtcp.port != 0; }

// What a customer behind a NAT says of itself is an address there: nothing is sent to it, nor taken
// (rule 24). What it sends tells where it is, and that is where it stays until a packet tells
// otherwise: between a description and the next packet it is to be heard, too.
PeerMedia Behind(const MediaRelay::PeerChange& change, const PeerMedia& before) {
  PeerMedia peer = change.peer;
  const bool stays = peer.rtp.port != 0 && before.rtp.ip == *change.sources.nat;
  peer.rtp = stays ? before.rtp : Endpoint{};
  peer.rtcp = {};
  if (stays && peer.is_muxed) peer.rtcp = peer.rtp;
  if (stays && !peer.is_muxed && !before.is_muxed) peer.rtcp = before.rtcp;
  return peer;
}

}  // namespace

bool MediaRelay::SetPeers(std::span<const PeerChange> changes) {
  // What is to be undone where one finds no place: the old ones are free again by then.
  struct Former {
    PeerMedia peer;
    uint32_t pair = 0;
  };
  core::BoundedVector<Former, kPeerChangesMax> formers;
  for (const PeerChange& change : changes) {
    MediaStream::Leg& leg = change.stream->leg(change.leg);
    CHECK(leg.ports != nullptr || change.peer == PeerMedia{});
    CHECK(formers.PushBack({leg.peer, leg.pair}));
    Uninstall(change.stream, change.leg);
  }
  bool have_room = true;
  for (const PeerChange& change : changes) {
    MediaStream::Leg& leg = change.stream->leg(change.leg);
    leg.peer = change.sources.nat == nullptr ? change.peer : Behind(change, leg.peer);
    have_room = have_room && Install(change.stream, change.leg);
  }
  if (!have_room) {
    for (const PeerChange& change : changes) Uninstall(change.stream, change.leg);
  }
  for (size_t i = 0; i < changes.size(); ++i) {
    MediaStream::Leg& leg = changes[i].stream->leg(changes[i].leg);
    if (have_room) {
      if (leg.ports != nullptr) Apply(changes[i], formers[i].peer);
      continue;
    }
    leg.peer = formers[i].peer;
    leg.pair = formers[i].pair;
    CHECK(Install(changes[i].stream, changes[i].leg));
  }
  return have_room;
}

// What changes beside the place.
void MediaRelay::Apply(const PeerChange& change, const PeerMedia& before) {
  MediaStream::Leg& leg = change.stream->leg(change.leg);
  const PeerMedia& peer = change.peer;
  const core::IpAddress* nat = change.sources.nat;
  const Instant now = options_.turn->now();
  const auto described = static_cast<uint32_t>(HashOf({}, peer.rtp));
  const bool moved = nat == nullptr ? before.rtp != peer.rtp : leg.described != described;
  if (moved || before.is_held != peer.is_held || before.is_rtp != peer.is_rtp) {
    // Who was held, or moves, or talks to one who does, has not been silent by itself. A refresh
    // that says the same again changes nothing.
    for (MediaStream::Leg& each : change.stream->legs) each.heard_at = now;
  }
  // Both when a hold begins and when it ends: what is under way then comes in between.
  const bool stops = before.is_rtp && (!peer.is_rtp || peer.rtp.port == 0);
  if (stops || before.is_held != peer.is_held) leg.source.Pause();
  leg.media_cidrs = change.sources.media_cidrs;
  leg.learns_rtp = leg.learns_rtcp = nat != nullptr && peer.rtp.port != 0;
  if (nat != nullptr) {
    leg.learns_from = *nat;
    leg.old_place_ends_at = moved ? now + kOldPlaceStays : now;
    leg.described = described;
  }
  ArmReport(change.stream);
}

bool MediaRelay::MayBeAt(Side side, const Endpoint& place) const {
  return std::none_of(ports_.begin(), ports_.end(), [&](const auto& ports) {
    return ports->Contains(place) && (side == Side::kTrunk || ports->side() == Side::kTrunk);
  });
}

// A shared pair that has the leg's peer from no other call: the leg's own, or, while its peer knows
// of none, the next that is. The walk begins where chance put the leg (rule 22).
std::optional<uint32_t> MediaRelay::FindPairFor(const MediaStream::Leg& leg) const {
  const size_t tries = leg.is_told ? 1 : leg.ports->count();
  for (size_t i = 0; i < tries; ++i) {
    const auto index = static_cast<uint32_t>((leg.pair + i) % leg.ports->count());
    const MediaPorts::Pair& pair = leg.ports->pair(index);
    if (FindShared(pair.rtp, leg.peer.rtp) != nullptr) continue;
    if (HasOwnRtcp(leg.peer) && FindShared(pair.rtcp, leg.peer.rtcp) != nullptr) continue;
    return index;
  }
  return std::nullopt;
}

// On a call's own ports its peer is found by the port; on shared ones by where it sends from.
bool MediaRelay::Install(MediaStream* stream, LegId id) {
  MediaStream::Leg& leg = stream->leg(id);
  if (leg.ports == nullptr || !leg.ports->shared() || leg.peer.rtp.port == 0) return true;
  const std::optional<uint32_t> free = FindPairFor(leg);
  if (!free.has_value()) {
    ++counters_.flow_conflicts;
    return false;
  }
  leg.pair = *free;  // Of shared pairs nothing but the flows is kept: to change is to choose.
  const MediaPorts::Pair& pair = leg.ports->pair(leg.pair);
  const Handle<MediaStream> handle = streams_.HandleOf(stream);
  shared_.Insert(HashOf(pair.rtp, leg.peer.rtp), {pair.rtp, leg.peer.rtp, handle, id});
  if (HasOwnRtcp(leg.peer)) {
    shared_.Insert(HashOf(pair.rtcp, leg.peer.rtcp), {pair.rtcp, leg.peer.rtcp, handle, id});
  }
  leg.is_installed = true;
  return true;
}

void MediaRelay::Uninstall(MediaStream* stream, LegId id) {
  MediaStream::Leg& leg = stream->leg(id);
  if (!leg.is_installed) return;
  const MediaPorts::Pair& pair = leg.ports->pair(leg.pair);
  const Handle<MediaStream> handle = streams_.HandleOf(stream);
  CHECK(shared_.Erase(HashOf(pair.rtp, leg.peer.rtp), {pair.rtp, leg.peer.rtp, handle, id}));
  if (HasOwnRtcp(leg.peer)) {
    CHECK(shared_.Erase(HashOf(pair.rtcp, leg.peer.rtcp), {pair.rtcp, leg.peer.rtcp, handle, id}));
  }
  leg.is_installed = false;
}

// Only who is in the table can make it slow, and that is what the trunk's descriptions name.
uint64_t MediaRelay::HashOf(SocketId socket, const Endpoint& remote) const {
  const auto words = std::bit_cast<std::array<uint64_t, 2>>(remote.ip.bytes());
  uint64_t hash = hash_key_ ^ words[0];
  for (const uint64_t word : {words[1], uint64_t{socket.index} << 16 | remote.port}) {
    hash = std::rotl((hash ^ word) * 0x9e3779b97f4a7c15u, 29);
  }
  return hash ^ hash >> 32;
}

const MediaRelay::SharedFlow* MediaRelay::FindShared(SocketId socket,
                                                     const Endpoint& remote) const {
  return shared_.Find(HashOf(socket, remote), [&](const SharedFlow& flow) {
    return flow.socket == socket && flow.remote == remote;
  });
}

}  // namespace sbc
