#include <algorithm>

#include "core/sdp/codec.h"
#include "loadgen/media/media_engine.h"

// What the calls' SDP says of their audio.

namespace loadgen {
namespace {

using core::rtp::Codec;
using core::rtp::PayloadKind;
using core::sdp::MediaDescription;
using core::sdp::SessionDescription;

// The SDP in a SIP message: its body, or a part of it. (SIPp goes by the text alone, too: what a
// scenario sends has no index, and may be broken on purpose.)
std::string_view FindSdp(std::string_view message) {
  constexpr std::string_view kBegin = "\r\n\r\nv=0";
  const size_t at = message.find(kBegin);
  if (at == std::string_view::npos) return {};
  const std::string_view sdp = message.substr(at + 4);
  const size_t delimiter = sdp.find("\r\n--");
  return delimiter == std::string_view::npos ? sdp : sdp.substr(0, delimiter + 2);
}

// Whoever says or hears it talks no more (RFC 3261 §15).
bool IsBye(std::string_view message) { return message.starts_with("BYE "); }

Codec ToRtp(core::sdp::Codec codec) {
  switch (codec) {
    case core::sdp::Codec::kPcmu:
      return Codec::kPcmu;
    case core::sdp::Codec::kPcma:
      return Codec::kPcma;
    case core::sdp::Codec::kG722:
      return Codec::kG722;
    case core::sdp::Codec::kG729:
      return Codec::kG729;
    case core::sdp::Codec::kOpus:
      return Codec::kOpus;
    default:
      return Codec::kUnknown;
  }
}

PayloadKind KindOf(core::sdp::Codec codec) {
  if (codec == core::sdp::Codec::kTelephoneEvent) return PayloadKind::kEvent;
  if (codec == core::sdp::Codec::kComfortNoise) return PayloadKind::kComfortNoise;
  return PayloadKind::kAudio;
}

const MediaDescription* FindAudio(const SessionDescription& description) {
  for (const MediaDescription& media : description.media()) {
    if (media.type == core::sdp::MediaType::kAudio && !media.is_rejected()) return &media;
  }
  return nullptr;
}

// Of none, and of the old way to say hold (RFC 3264 §8.4), nothing is to come.
core::sdp::Direction DirectionOf(const MediaDescription* audio) {
  const bool flows = audio != nullptr && !audio->connection.address.is_unspecified();
  return flows ? audio->direction : core::sdp::Direction::kInactive;
}

void ReadMeanings(const SessionDescription& description, const MediaDescription& audio,
                  PayloadMeanings* meanings) {
  meanings->Clear();
  for (const core::sdp::Format& format : description.formats(audio)) {
    const PayloadMeaning meaning{.number = format.number,
                                 .kind = KindOf(format.codec),
                                 .codec = ToRtp(format.codec),
                                 .clock_rate_hz = format.clock_rate_hz};
    if (meaning.clock_rate_hz != 0 && !meanings->PushBack(meaning)) return;
  }
}

const PayloadMeaning* FindIn(const PayloadMeanings& meanings, uint8_t payload_type) {
  const auto* found =
      std::find_if(meanings.begin(), meanings.end(),
                   [=](const PayloadMeaning& row) { return row.number == payload_type; });
  return found == meanings.end() ? nullptr : found;
}

}  // namespace

PayloadMeaning FindMeaning(const CallMedia& media, uint8_t payload_type) {
  if (const PayloadMeaning* own = FindIn(media.own_meanings, payload_type)) return *own;
  if (const PayloadMeaning* peer = FindIn(media.peer_meanings, payload_type)) return *peer;
  const core::sdp::StaticPayload& known = core::sdp::FindStaticPayload(payload_type);
  PayloadMeaning meaning{
      .number = payload_type, .kind = KindOf(known.codec), .codec = ToRtp(known.codec)};
  if (known.clock_rate_hz != 0) meaning.clock_rate_hz = known.clock_rate_hz;
  return meaning;
}

bool MediaEngine::ParseDescription(std::string_view message) {
  const std::string_view sdp = FindSdp(message);
  return !sdp.empty() && description_.Parse(sdp) == core::sdp::ParseError::kOk;
}

void MediaEngine::OnOwnMessage(CallMedia* media, std::string_view message, core::Instant now) {
  if (IsBye(message)) return ExpectNothing(media, now);
  if (!ParseDescription(message)) return;
  const MediaDescription* audio = FindAudio(description_);
  media->own_direction = DirectionOf(audio);
  NoteHold(media);
  CountSilence(media, now);
  if (audio == nullptr) return;
  ReadMeanings(description_, *audio, &media->own_meanings);
  media->rtcp.own_muxes = audio->has_rtcp_mux;
  OpenRtcp(media, now);
}

// The call is over, and what stays away is nobody's fault. SDP of both would begin anew.
void MediaEngine::ExpectNothing(CallMedia* media, core::Instant now) const {
  media->own_direction = core::sdp::Direction::kInactive;
  media->peer_direction = core::sdp::Direction::kInactive;
  CountSilence(media, now);
}

// Both when a hold begins and when it ends: what is under way then comes in between. Who holds may
// say sendonly and send nothing; music that goes on is counted as ever, says Source::Pause().
void MediaEngine::NoteHold(CallMedia* media) {
  using core::sdp::Direction;
  const bool talk =
      media->own_direction == Direction::kSendRecv && media->peer_direction == Direction::kSendRecv;
  media->has_talked = media->has_talked || talk;
  const bool is_held = media->has_talked && !talk;
  if (is_held != media->is_held) media->source.Pause();
  media->is_held = is_held;
}

// Who holds says sendonly as a rule, and need not send: to be alone takes sendrecv of both.
void MediaEngine::CountSilence(CallMedia* media, core::Instant now) const {
  using core::sdp::Direction;
  const AudioPlay& audio = media->audio;
  const bool talks =
      (audio.plays() && !audio.paused) || media->pcap.clip != nullptr || media->digits.on;
  media->deaf.Count(
      core::sdp::Receives(media->own_direction) && core::sdp::Sends(media->peer_direction), now);
  media->alone.Count(talks && media->own_direction == Direction::kSendRecv &&
                         media->peer_direction == Direction::kSendRecv,
                     now);
}

void MediaEngine::OnPeerMessage(CallMedia* media, std::string_view message, core::Instant now) {
  if (IsBye(message)) return ExpectNothing(media, now);
  if (!ParseDescription(message)) return;
  media->remote = {};
  media->rtcp.remote = media->rtcp.separate = {};
  const MediaDescription* audio = FindAudio(description_);
  media->peer_direction = DirectionOf(audio);
  NoteHold(media);
  CountSilence(media, now);
  if (audio == nullptr) return;
  // An unspecified address is the old way to say hold (RFC 3264 §8.4): it is nowhere. (What the
  // direction says is for the scenario to keep to, as in SIPp.)
  if (!audio->connection.address.is_unspecified()) {
    media->remote = audio->rtp();
    media->place.Say(media->remote);
    media->rtcp.separate = audio->RtcpEndpoint(false);
    media->rtcp.peer_muxes = audio->has_rtcp_mux;
    OpenRtcp(media, now);
  }
  ReadMeanings(description_, *audio, &media->peer_meanings);
  media->peer_event_type = 0;
  for (const PayloadMeaning& meaning : media->peer_meanings) {
    if (meaning.kind == PayloadKind::kEvent && meaning.clock_rate_hz == 8000) {
      media->peer_event_type = meaning.number;
    }
  }
}

}  // namespace loadgen
