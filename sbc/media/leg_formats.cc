#include "sbc/media/leg_formats.h"

#include <algorithm>

#include "core/sdp/telephone_event.h"

namespace sbc {

using core::rtp::PayloadKind;
using core::sdp::Format;
using core::sdp::FormatSelection;
using core::sdp::MediaDescription;

namespace {

core::rtp::Codec VoiceOf(core::sdp::Codec codec) {
  switch (codec) {
    case core::sdp::Codec::kPcmu:
      return core::rtp::Codec::kPcmu;
    case core::sdp::Codec::kPcma:
      return core::rtp::Codec::kPcma;
    case core::sdp::Codec::kG722:
      return core::rtp::Codec::kG722;
    case core::sdp::Codec::kG729:
      return core::rtp::Codec::kG729;
    case core::sdp::Codec::kOpus:
      return core::rtp::Codec::kOpus;
    default:
      return core::rtp::Codec::kUnknown;
  }
}

PayloadKind KindOf(const Format& format) {
  switch (format.codec) {
    case core::sdp::Codec::kTelephoneEvent:
      return PayloadKind::kEvent;
    case core::sdp::Codec::kComfortNoise:
      return PayloadKind::kComfortNoise;
    default:
      return PayloadKind::kAudio;
  }
}

// Of what may cross at all, the voices or what is none; but for the numbers that `others` have.
void NoteFormats(std::span<const Format> formats, std::span<const Format> others, bool is_voice,
                 MediaStream::Leg* leg) {
  for (const Format& format : formats) {
    if (format.number == Format::kNoNumber) continue;
    if (leg->map.Find(format.number) == core::sdp::PayloadMap::kRefused) continue;
    const auto is_it = [&](const Format& other) { return other.number == format.number; };
    if (std::any_of(others.begin(), others.end(), is_it)) continue;
    const PayloadKind kind = KindOf(format);
    if ((kind == PayloadKind::kAudio) != is_voice) continue;
    leg->formats.Note(format.number, {kind, VoiceOf(format.codec), format.clock_rate_hz});
  }
}

}  // namespace

void NoteCodecs(std::span<const Format> sends, std::span<const Format> says,
                MediaStream::Leg* leg) {
  if (sends.empty()) return;  // A fax has none; what the call's voice was stays known.
  const bool has_spoken = leg->heard.bits != 0;  // Then its codec is the last that was heard.
  if (!has_spoken) leg->codec = core::rtp::Codec::kUnknown;
  leg->voice_type = MediaStream::Leg::kNoVoice;
  leg->formats = {};
  for (const bool is_voice : {false, true}) {  // What is taken for voice by mistake costs more.
    NoteFormats(sends, {}, is_voice, leg);
    NoteFormats(says, sends, is_voice, leg);
  }
  uint32_t clock_rate_hz = 0;
  for (const Format& format : sends) {
    if (KindOf(format) != PayloadKind::kAudio || format.clock_rate_hz == 0) continue;
    if (!has_spoken) leg->codec = VoiceOf(format.codec);
    clock_rate_hz = format.clock_rate_hz;
    break;
  }
  if (clock_rate_hz == 0) return;
  leg->source.SetClockRate(clock_rate_hz);
  leg->rtcp.set_clock_rate_hz(clock_rate_hz);
}

core::sdp::CodecPolicy CodecsTold(const PerSide<std::vector<core::sdp::Codec>>& codecs, Side to) {
  const std::vector<core::sdp::Codec>& own = codecs.of(to);
  const std::vector<core::sdp::Codec>& others =
      codecs.of(to == Side::kTrunk ? Side::kCustomer : Side::kTrunk);
  core::sdp::CodecPolicy policy;
  policy.is_limited = !own.empty() || !others.empty();
  policy.reorder = !own.empty();
  for (const core::sdp::Codec codec : own.empty() ? others : own) {
    const bool is_in_both =
        others.empty() || std::find(others.begin(), others.end(), codec) != others.end();
    if (is_in_both) (void)policy.allowed.PushBack(codec);  // There is room for each codec once.
  }
  return policy;
}

SelectedFormats SelectOffer(const MediaDescription& media, std::span<const Format> formats,
                            const FormatsParty& to) {
  SelectedFormats selected{core::sdp::SelectForOffer(media, formats, to.codecs)};
  if (IsVideo(media)) core::sdp::DropRepairs(formats, &selected.formats);
  if (!to.bridges_digits || IsVideo(media)) return selected;
  if (to.side == Side::kCustomer) {
    core::sdp::DropEvents(formats, &selected.formats);
  } else {
    selected.event_number = core::sdp::EventNumberForOffer(formats, selected.formats);
  }
  return selected;
}
SelectedFormats SelectAnswer(const MediaDescription& media, std::span<const Format> offered,
                             std::span<const Format> answered, const FormatsParty& to) {
  SelectedFormats selected{core::sdp::SelectForAnswer(media, offered, answered, to.codecs)};
  if (IsVideo(media)) core::sdp::DropRepairs(answered, &selected.formats);
  if (!to.bridges_digits || IsVideo(media)) return selected;
  if (to.side == Side::kCustomer) {
    core::sdp::DropEvents(answered, &selected.formats);
  } else {
    selected.event_number = core::sdp::EventNumberForAnswer(offered, answered, selected.formats);
  }
  return selected;
}

void Tell(const SelectedFormats& selected, std::span<const Format> source, ToldFormats* told) {
  for (const FormatSelection::Entry& entry : selected.formats.entries) {
    Format& format = told->formats[told->count++];
    format = source[entry.index];
    format.number = entry.number;
  }
  if (selected.event_number == Format::kNoNumber) return;
  Format& events = told->formats[told->count++];
  events = {};
  events.codec = core::sdp::Codec::kTelephoneEvent;
  events.encoding = core::sdp::Name(events.codec);
  events.clock_rate_hz = core::sdp::kEventClockHz;
  events.number = selected.event_number;
}

void KeepAnswered(std::span<const Format> told, std::span<const Format> answered,
                  ToldFormats* kept) {
  const FormatSelection selected = core::sdp::SelectForAnswer(told, answered);
  for (const Format& format : told) {
    const auto is_it = [&](const auto& entry) { return entry.number == format.number; };
    if (std::any_of(selected.entries.begin(), selected.entries.end(), is_it)) {
      kept->formats[kept->count++] = format;
    }
  }
}

}  // namespace sbc
