#include "sbc/media/media_anchor.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/sdp/hold.h"
#include "core/sdp/rewrite.h"
#include "sbc/media/leg_formats.h"

namespace sbc {

using core::Instant;
using core::sdp::AddressPolicy;
using core::sdp::AddressVerdict;
using core::sdp::MediaRewrite;
using core::sdp::MediaType;
using core::sdp::ParseError;
using core::sdp::Protocol;
using core::sdp::SessionDescription;

namespace {

constexpr uint16_t kNoRoom = 500;
constexpr uint16_t kNoPorts = 503;
// What is written is at most what was read, with our own addresses in place of the peer's, CRLF
// where LF stood, and numbers of three digits where one stood, in up to four places each.
constexpr size_t kTextMax = SessionDescription::kBytesMax + 4096;

}  // namespace

MediaAnchor::MediaAnchor(Options options)
    : options_(std::move(options)), text_(std::make_unique<char[]>(kTextMax)) {}

// Voice and video in the clear, and T.38. Keys would be the two ends' own, and we could not read
// RTP.
bool MediaAnchor::IsAnchored(const Media& media, const Party& party) {
  if (media.is_rejected()) return false;
  if (media.is_t38()) return true;
  const bool is_wanted = media.type == MediaType::kAudio || (IsVideo(media) && party.relays_video);
  return is_wanted && media.port_count == 1 &&
         (media.protocol == Protocol::kRtpAvp || media.protocol == Protocol::kRtpAvpf);
}

uint16_t MediaAnchor::Refuse(uint16_t status_code, std::string_view why) {
  why_ = why;
  return status_code;
}

uint16_t MediaAnchor::Take(MediaSession* session, LegId from, Role role, const Party parties[2],
                           std::string_view sdp, Instant now) {
  const ParseError error = description_.Parse(sdp);
  if (error != ParseError::kOk) {
    return Refuse(core::sdp::StatusCodeOf(error), core::sdp::Name(error));
  }
  const std::string_view flaw = JudgePlaces(parties[Index(from)]);
  if (!flaw.empty()) return Refuse(kNotAcceptable, flaw);
  return role == Role::kOffer ? TakeOffer(session, from, parties, sdp, now)
                              : TakeAnswer(session, from, parties);
}

// Rule 24: what is wrong with where it says that its media is; empty: nothing. Of a peer behind a
// NAT the address is neither judged nor sent to; who is in `local_networks` is on the same network
// as we are.
std::string_view MediaAnchor::JudgePlaces(const Party& party) const {
  if (party.sources.nat != nullptr) return "";
  AddressPolicy policy;
  const auto own = options_.relay->AdvertisedAddress(party.side, party.v4);
  if (!own.has_value()) return "";  // Then there are no ports either.
  policy.side = core::sdp::ClassOf(*own);
  policy.control = options_.control;
  policy.allow = options_.relay->AllowedClasses(party.side);
  if (party.told_local) policy.allow.Add(core::sdp::AddressClass::kPrivate);
  if (core::sdp::Judge(policy, description_) == AddressVerdict::kRefuse) {
    return "an address in it is of a class that this side does not allow";
  }
  for (const Media& media : description_.media()) {
    if (media.is_rejected()) continue;
    const bool may_be = options_.relay->MayBeAt(party.side, media.rtp()) &&
                        options_.relay->MayBeAt(party.side, media.RtcpEndpoint(media.has_rtcp_mux));
    if (!may_be) return "a place in it is one of our own media ports";
  }
  return "";
}

PeerMedia MediaAnchor::ReadPeer(const Media& media, const Party& party) const {
  PeerMedia peer;
  peer.is_rtp = media.is_rtp();
  peer.is_muxed = peer.is_rtp && media.has_rtcp_mux;
  peer.is_held = core::sdp::EffectiveDirection(media) != core::sdp::Direction::kSendRecv;
  // Held in the old way (RFC 3264 §8.4), or of a family that we have no ports of: nowhere to send.
  const bool is_of_ours =
      party.sources.nat != nullptr || media.connection.address.is_v4() == party.v4;
  if (media.connection.address.is_unspecified() || !is_of_ours) {
    peer.is_held = true;
    return peer;
  }
  peer.rtp = media.rtp();
  if (!peer.is_rtp) return peer;
  // a=rtcp may name another address (RFC 3605), and what has none is our own host to the kernel.
  const core::Endpoint rtcp = media.RtcpEndpoint(peer.is_muxed);
  const bool is_place = !rtcp.ip.is_unspecified() && rtcp.ip.is_v4() == peer.rtp.ip.is_v4();
  if (is_place) peer.rtcp = rtcp;
  return peer;
}

MediaStream* MediaAnchor::FindStream(const MediaSession& session, const Use& use) {
  for (size_t i = 0; i < session.stream_count; ++i) {
    MediaStream* stream = options_.relay->Find(session.streams[i].stream);
    const bool is_its_line = session.streams[i].line == use.line;
    if (stream != nullptr && is_its_line && stream->is_video == use.is_video) return stream;
  }
  return nullptr;
}

// The stream's place in the session; null where the call has as many as it may have: one line too
// many is refused in its place. A line that has ended gives its place to the next one of its kind,
// as who adds a line anew does not always take up the old one.
MediaSession::Stream* MediaAnchor::FindSlot(MediaSession* session, const Use& use,
                                            const Party& party) {
  size_t used = 0;
  MediaSession::Stream* ended = nullptr;
  for (size_t i = 0; i < session->stream_count; ++i) {
    MediaSession::Stream& slot = session->streams[i];
    const MediaStream* stream = options_.relay->Find(slot.stream);
    if (stream == nullptr || stream->is_video != use.is_video) continue;
    if (slot.line == use.line) return &slot;
    ++used;
    const bool is_offered = slot.line < description_.media().size() &&
                            IsAnchored(description_.media()[slot.line], party) &&
                            IsVideo(description_.media()[slot.line]) == use.is_video;
    if (!is_offered && stream->is_at_rest()) ended = &slot;
  }
  const size_t max = use.is_video ? MediaSession::kVideoMax : MediaSession::kVoiceMax;
  return used < max ? &session->streams[session->stream_count] : ended;
}

// A new stream has ports on both legs: one that gets none leaves no trace.
bool MediaAnchor::AddStream(MediaSession* session, MediaSession::Stream* slot, const Use& use,
                            const Party parties[2], Instant now) {
  const bool is_new = slot == session->streams + session->stream_count;
  const MediaStream* beside = nullptr;
  for (size_t i = 0; i < session->stream_count && beside == nullptr; ++i) {
    beside = options_.relay->Find(session->streams[i].stream);
  }
  MediaStream* stream =
      is_new ? options_.relay->Begin(now, beside) : options_.relay->Find(slot->stream);
  if (stream == nullptr) return false;
  stream->is_video = use.is_video;
  for (const LegId leg : {LegId::kCaller, LegId::kCallee}) {
    const Party& party = parties[Index(leg)];
    stream->is_emergency = party.is_emergency;
    if (options_.relay->Bind(stream, leg, party.side, party.v4, now)) continue;
    if (is_new) options_.relay->End(stream, now);
    return false;
  }
  *slot = {options_.relay->HandleOf(stream), static_cast<uint8_t>(use.line)};
  if (is_new) ++session->stream_count;
  return true;
}

uint16_t MediaAnchor::TakeOffer(MediaSession* session, LegId from, const Party parties[2],
                                std::string_view sdp, Instant now) {
  bool lacks_ports = false;
  bool lacks_codecs = false;
  bool has_voice = false;
  for (const bool is_video : {false, true}) {  // Voice first: it is not to want for ports.
    for (size_t line = 0; line < description_.media().size(); ++line) {
      const Media& media = description_.media()[line];
      const Use use = {line, is_video};
      if (!IsAnchored(media, parties[Index(from)]) || IsVideo(media) != is_video) continue;
      const FormatsParty told = FormatsOf(parties[Index(Other(from))]);
      if (SelectOffer(media, description_.formats(media), told).formats.empty()) {
        lacks_codecs = true;  // Refused in its place, unless it is all there is.
        continue;
      }
      has_voice = has_voice || !is_video;
      MediaSession::Stream* slot = FindSlot(session, use, parties[Index(from)]);
      if (slot == nullptr || AddStream(session, slot, use, parties, now)) continue;
      // Video without ports is refused in its place; without voice there is no call.
      if (!is_video) return Refuse(kNoPorts, "no media ports left");
      lacks_ports = true;
    }
  }
  if (lacks_codecs && !has_voice) {
    return Refuse(kNotAcceptable, "no codec that the connector's `codecs` allow");
  }
  // Ending all media within a call is legal (RFC 3264 §8.2); a call that begins without is none.
  if (session->stream_count == 0) {
    return lacks_ports ? Refuse(kNoPorts, "no media ports left")
                       : Refuse(kNotAcceptable, "no line that can be relayed (plain RTP, or T.38)");
  }
  session->offer = options_.store->texts()->Copy(sdp);
  if (!session->offer) return Refuse(kNoRoom, "no room for another description");
  session->offer_from = from;
  session->is_pending = true;
  return 0;
}

DigitPlayer::Verdict MediaAnchor::PlayDigit(const MediaSession& session, const Digit& digit,
                                            Instant now) {
  for (size_t i = 0; i < session.stream_count; ++i) {
    MediaStream* stream = options_.relay->Find(session.streams[i].stream);
    if (stream != nullptr && stream->legs[0].bridges_digits && stream->in_force()) {
      return stream->digits->player.Queue(digit, now);
    }
  }
  return DigitPlayer::Verdict::kNoVoice;
}

bool MediaAnchor::Move(MediaSession* session, LegId from, const Party& party,
                       std::string_view sdp) {
  if (description_.Parse(sdp) != ParseError::kOk || !JudgePlaces(party).empty()) return false;
  PeerChanges changes;
  for (size_t i = 0; i < session->stream_count; ++i) {
    MediaStream* stream = options_.relay->Find(session->streams[i].stream);
    const size_t line = session->streams[i].line;
    if (stream == nullptr) continue;
    if (line >= description_.media().size()) return false;  // It answers something else.
    const Media& media = description_.media()[line];
    const bool is_meant =
        IsVideo(media) == stream->is_video && stream->has_ports() && IsAnchored(media, party);
    // Voice does not end or become a fax by the answer to what it was told before: the other leg
    // has not agreed to that.
    const PeerMedia& before = stream->leg(from).peer;
    const bool had_place = before.rtp.port != 0 || stream->leg(from).learns_rtp;
    if (is_meant ? media.is_rtp() != before.is_rtp : had_place) return false;
    const PeerMedia peer = is_meant ? ReadPeer(media, party) : PeerMedia{};
    CHECK(changes.PushBack({stream, from, peer, party.sources}));
  }
  return options_.relay->SetPeers({changes.begin(), changes.size()});
}

void MediaAnchor::Suspend(MediaSession* session) {
  PeerChanges changes;
  for (size_t i = 0; i < session->stream_count; ++i) {
    MediaStream* stream = options_.relay->Find(session->streams[i].stream);
    if (stream == nullptr) continue;
    stream->feedback = {};
    for (const LegId leg : {LegId::kCaller, LegId::kCallee}) {
      stream->leg(leg).map = {};
      CHECK(changes.PushBack({stream, leg, {}, {}}));
    }
  }
  CHECK(options_.relay->SetPeers({changes.begin(), changes.size()}));  // Nowhere is never taken.
  session->is_pending = static_cast<bool>(session->offer);
  session->is_agreed = false;
}

// Video without ports there is refused in its place, and keeps those of the other leg: the route
// behind this one may be of a family that has some again.
bool MediaAnchor::Rebind(MediaSession* session, LegId leg, const Party& party, Instant now) {
  bool has_ports = session->stream_count == 0;
  for (size_t i = 0; i < session->stream_count; ++i) {
    MediaStream* stream = options_.relay->Find(session->streams[i].stream);
    if (stream == nullptr) continue;
    if (options_.relay->Rebind(stream, leg, party.side, party.v4, now)) {
      has_ports = true;
    } else if (!stream->is_video) {
      return false;
    }
  }
  return has_ports;  // Without any there is nothing left to offer.
}

std::optional<std::string_view> MediaAnchor::Write(MediaSession* session, LegId to, Role role,
                                                   const Party& party, std::string_view sdp) {
  if (description_.Parse(sdp) != ParseError::kOk) return std::nullopt;
  const bool answers = role == Role::kAnswer && session->offer &&
                       offer_.Parse(session->offer.text()) == ParseError::kOk;
  const auto own = options_.relay->AdvertisedAddress(party.side, party.v4);
  if (!own.has_value()) return std::nullopt;
  core::sdp::Rewrite rewrite;
  rewrite.address = *own;
  std::array<MediaRewrite, SessionDescription::kMediaMax> lines;
  for (size_t i = 0; i < description_.media().size(); ++i) {
    const Media& media = description_.media()[i];
    const auto formats = description_.formats(media);
    lines[i] = core::sdp::KeepMedia(media, formats);
    MediaStream* stream =
        IsAnchored(media, party) ? FindStream(*session, {i, IsVideo(media)}) : nullptr;
    lines[i].is_rejected = stream == nullptr || !stream->has_ports();
    if (lines[i].is_rejected) continue;
    MediaStream::Leg& leg = stream->leg(to);
    const MediaPorts::Pair& pair = leg.ports->pair(leg.pair);
    if (party.told_local) rewrite.address = leg.ports->address();
    lines[i].port = pair.rtp_local.port;
    lines[i].keeps_feedback = IsVideo(media);
    lines[i].rtcp_port = media.is_rtp() ? pair.rtcp_local.port : uint16_t{0};
    if (answers && i < offer_.media().size()) {
      // Under the numbers that the offer has, and multiplexed where it asked for that.
      const auto selected =
          SelectAnswer(media, offer_.formats(offer_.media()[i]), formats, FormatsOf(party));
      lines[i].formats = selected.formats;
      lines[i].event_number = selected.event_number;
      lines[i].has_rtcp_mux = offer_.media()[i].has_rtcp_mux;
      lines[i].direction = core::sdp::AnswerDirection(
          core::sdp::EffectiveDirection(offer_.media()[i]), lines[i].direction);
    } else if (role == Role::kOffer) {
      const auto selected = SelectOffer(media, formats, FormatsOf(party));
      lines[i].formats = selected.formats;
      lines[i].event_number = selected.event_number;
      lines[i].has_rtcp_mux = media.has_rtcp_mux;
    }
    lines[i].is_rejected = lines[i].formats.empty();
    leg.is_told = leg.is_told || !lines[i].is_rejected;
  }
  rewrite.media = {lines.data(), description_.media().size()};
  core::sdp::LocalOrigin& origin = session->origins[Index(to)];
  if (origin.session_id == 0) origin.session_id = options_.random->Next() >> 1;  // 63 bits.
  const auto size = core::sdp::WriteForLeg(description_, rewrite, &origin, {text_.get(), kTextMax});
  if (!size.has_value()) return std::nullopt;
  return std::string_view(text_.get(), *size);
}

void MediaAnchor::End(MediaSession* session, Instant now) {
  for (size_t i = 0; i < session->stream_count; ++i) {
    MediaStream* stream = options_.relay->Find(session->streams[i].stream);
    if (stream != nullptr) options_.relay->End(stream, now);
  }
  *session = {};
}

void MediaAnchor::Summarize(const MediaSession& session, CallMedia* media) {
  for (size_t i = 0; i < session.stream_count; ++i) {
    MediaStream* stream = options_.relay->Find(session.streams[i].stream);
    if (stream != nullptr) sbc::Summarize(stream, media);
  }
}

std::optional<Instant> MediaAnchor::SilentSince(const MediaSession& session, LegId leg) {
  // Whose answer never came has nowhere to send to, and will never be heard.
  if (!session.is_agreed && session.stream_count > 0) return Instant{};
  std::optional<Instant> since;
  Instant seen{};  // Video is a sign of life, and none is expected: a camera may be off.
  for (size_t i = 0; i < session.stream_count; ++i) {
    const MediaStream* stream = options_.relay->Find(session.streams[i].stream);
    if (stream == nullptr || !stream->in_force()) continue;
    if (stream->is_video) {
      seen = stream->leg(leg).heard_at;
      continue;
    }
    if (!stream->leg(leg).peer.is_rtp) return std::nullopt;
    if (stream->legs[0].peer.is_held || stream->legs[1].peer.is_held) continue;
    since = std::max(since.value_or(Instant{}), stream->leg(leg).heard_at);
  }
  if (since.has_value()) since = std::max(*since, seen);
  return since;
}

}  // namespace sbc
