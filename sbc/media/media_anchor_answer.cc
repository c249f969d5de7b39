// What an answer puts into force: where media goes, and which formats may cross (RFC 3264 §6).

#include <algorithm>

#include "core/sdp/answer_judge.h"
#include "core/sdp/feedback.h"
#include "core/sdp/hold.h"
#include "core/sdp/telephone_event.h"
#include "sbc/media/leg_formats.h"
#include "sbc/media/media_anchor.h"

namespace sbc {

using core::sdp::Format;
using core::sdp::ParseError;

// The answer puts both descriptions into force. An offer may be answered several times: by each
// early dialog, and in the 2xx again as in a 18x before it (RFC 3261 §13.2.1).
uint16_t MediaAnchor::TakeAnswer(MediaSession* session, LegId from, const Party parties[2]) {
  if (!session->offer || session->offer_from == from ||
      offer_.Parse(session->offer.text()) != ParseError::kOk ||
      !core::sdp::JudgeAnswer(offer_, description_).is_usable()) {
    return Refuse(kNotAcceptable, "it does not answer the offer");
  }
  const AgreedLines lines = ReadAgreed(*session, parties);
  if (!HaveFormats(lines, parties[Index(Other(from))])) {
    return Refuse(kNotAcceptable, "no codec that the offer went on with");
  }
  // Another call has its peer's place. Who answered cannot be told to send no picture any more,
  // so a video's is refused as a voice's: what it sent would be taken for the other call's.
  if (!SetPlaces(lines, from, parties)) {
    return Refuse(kNotAcceptable, "another call has its address and port on a shared port");
  }
  for (const Agreed& line : lines) SetFormats(line, from, parties);
  session->is_pending = false;
  session->is_agreed = true;
  return 0;
}

MediaAnchor::AgreedLines MediaAnchor::ReadAgreed(const MediaSession& session,
                                                 const Party parties[2]) {
  AgreedLines lines;
  for (size_t i = 0; i < session.stream_count; ++i) {
    Agreed line;
    line.stream = options_.relay->Find(session.streams[i].stream);
    if (line.stream == nullptr) continue;
    const size_t index = session.streams[i].line;
    const bool is_there = index < offer_.media().size();
    line.asked = is_there ? &offer_.media()[index] : nullptr;
    line.answered = is_there ? &description_.media()[index] : nullptr;
    // Of another kind: then another stream of that line's is meant.
    line.is_in_use = is_there && IsVideo(*line.asked) == line.stream->is_video &&
                     line.stream->has_ports() && IsAnchored(*line.asked, parties[0]) &&
                     IsAnchored(*line.answered, parties[0]);
    CHECK(lines.PushBack(line));
  }
  return lines;
}

// RFC 3264 §6.1 lets an answer list more than was offered; what `codecs` took out of the offer may
// be all that it lists.
bool MediaAnchor::HaveFormats(const AgreedLines& lines, const Party& offerer) const {
  return std::all_of(lines.begin(), lines.end(), [&](const Agreed& line) {
    if (!line.is_in_use || line.stream->is_video) return true;
    const auto asked = offer_.formats(*line.asked);
    const auto answered = description_.formats(*line.answered);
    return !SelectAnswer(*line.asked, asked, answered, FormatsOf(offerer)).formats.empty();
  });
}

bool MediaAnchor::SetPlaces(const AgreedLines& lines, LegId from, const Party parties[2]) {
  PeerChanges changes;
  for (const Agreed& line : lines) {
    // An answer that says more than its offer means what the offer allows.
    const bool is_held = line.is_in_use && core::sdp::AnswerDirection(
                                               core::sdp::EffectiveDirection(*line.asked),
                                               core::sdp::EffectiveDirection(*line.answered)) !=
                                               core::sdp::Direction::kSendRecv;
    for (const LegId leg : {Other(from), from}) {
      const Party& party = parties[Index(leg)];
      MediaRelay::PeerChange change = {line.stream, leg, {}, party.sources};
      if (line.is_in_use) {
        change.peer = ReadPeer(leg == from ? *line.answered : *line.asked, party);
        change.peer.is_held = change.peer.is_held || is_held;
      }
      CHECK(changes.PushBack(change));
    }
  }
  return options_.relay->SetPeers({changes.begin(), changes.size()});
}

void MediaAnchor::SetFormats(const Agreed& line, LegId from, const Party parties[2]) {
  MediaStream* stream = line.stream;
  stream->feedback = {};
  for (MediaStream::Leg& leg : stream->legs) {
    leg.map = {};
    leg.bridges_digits = false;
  }
  if (!line.is_in_use) return;
  const Media& asked = *line.asked;
  const LegId offerer = Other(from);
  const auto asked_formats = offer_.formats(asked);
  const auto answered_formats = description_.formats(*line.answered);
  const SelectedFormats offered =
      SelectOffer(asked, asked_formats, FormatsOf(parties[Index(from)]));
  ToldFormats told_answerer;
  ToldFormats told_offerer;
  Tell(offered, asked_formats, &told_answerer);
  Tell(SelectAnswer(asked, asked_formats, answered_formats, FormatsOf(parties[Index(offerer)])),
       answered_formats, &told_offerer);
  // Of the offer, what went on as it came: what `codecs` took out of it nobody may send, though an
  // answer lists it. Who answers may send what it answered, and no more of that (RFC 3264 §6.1).
  ToldFormats went_on;
  ToldFormats chosen;
  Tell({offered.formats}, asked_formats, &went_on);
  KeepAnswered(told_answerer.span(), answered_formats, &chosen);
  stream->leg(offerer).map = core::sdp::MapPayloads({.told_to_sender = told_offerer.span(),
                                                     .said_by_sender = went_on.span(),
                                                     .said_by_receiver = answered_formats});
  stream->leg(from).map = core::sdp::MapPayloads({.told_to_sender = chosen.span(),
                                                  .said_by_sender = answered_formats,
                                                  .said_by_receiver = went_on.span()});
  if (stream->is_video) {
    stream->feedback = core::sdp::AgreeFeedback({&offer_, &asked}, {&description_, line.answered});
  }
  if (!asked.is_rtp()) return;
  // Who has offered sends what the answer chose; who answers, what it chose, under the numbers that
  // it was offered (RFC 3264 §5.1, §7).
  NoteCodecs(told_offerer.span(), asked_formats, &stream->leg(offerer));
  NoteCodecs(answered_formats, told_answerer.span(), &stream->leg(from));
  if (!parties[Index(from)].bridges_digits || stream->is_video) return;
  const bool answers = parties[Index(from)].side == Side::kTrunk;
  for (MediaStream::Leg& leg : stream->legs) leg.bridges_digits = true;
  DigitBridge* digits = options_.relay->BridgeOf(stream);
  digits->trunk = answers ? from : offerer;
  digits->call = parties[Index(from)].call;
  BridgeDigits(stream, from, (answers ? told_answerer : told_offerer).span(),
               answers ? asked_formats : answered_formats,
               answers ? answered_formats : asked_formats);
}

// The trunk's events end here, under the number that it was told and, as many do it, under its own;
// and what we play has the number that it told us.
void MediaAnchor::BridgeDigits(MediaStream* stream, LegId answerer, std::span<const Format> told,
                               std::span<const Format> customers, std::span<const Format> trunks) {
  DigitPlayer& player = stream->digits->player;
  player.SetReceiver(0, 0);
  const Format* events_told = core::sdp::FindEvents(told);
  const Format* events_said = core::sdp::FindEvents(trunks);
  if (events_told == nullptr || events_said == nullptr) return;
  core::sdp::PayloadMap& map = stream->leg(stream->digits->trunk).map;
  map.Set(events_told->number, core::sdp::PayloadMap::kEndsHere);
  const Format* events_theirs = core::sdp::FindEvents(customers);
  const uint8_t crosses_as = map.Find(events_said->number);
  if (crosses_as == core::sdp::PayloadMap::kRefused ||
      (events_theirs != nullptr && crosses_as == events_theirs->number)) {
    map.Set(events_said->number, core::sdp::PayloadMap::kEndsHere);
  }
  // Voice of another clock would give the events times that mean nothing (RFC 4733 §2.1). Which one
  // it is the answer says: an offer may list several.
  if (stream->leg(answerer).source.clock_rate_hz() != core::sdp::kEventClockHz) return;
  player.SetReceiver(events_said->number, core::sdp::EventsOf(events_said->fmtp));
}

}  // namespace sbc
