#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/sdp/format_selection.h"
#include "core/sdp/session_description.h"
#include "sbc/config.h"
#include "sbc/media/media_stream.h"

namespace sbc {

inline bool IsVideo(const core::sdp::MediaDescription& media) {
  return media.type == core::sdp::MediaType::kVideo;
}

/// What statistics need to know of what a leg sends: its voice, and the numbers that are none.
/// `sends`: what it was told that it may, the likeliest first (RFC 3264 §7: who has offered sends
/// what the answer chose); `says`: its own description, whose numbers some use all the same. After
/// leg->map, which tells what may come at all.
void NoteCodecs(std::span<const core::sdp::Format> sends, std::span<const core::sdp::Format> says,
                MediaStream::Leg* leg);

/// What a connector's `codecs` let `to` be told, in an offer or in an answer.
///
/// An answer crosses as it was chosen, since nothing is transcoded: so what one side is offered the
/// other one will be told. A codec is told to either side only if both sides' lists have it; a list
/// that is not there has all. An offer's order is that of the list of who is told, else the
/// offerer's own.
core::sdp::CodecPolicy CodecsTold(const PerSide<std::vector<core::sdp::Codec>>& codecs, Side to);

/// Whom something is told, as far as formats go.
struct FormatsParty {
  Side side = Side::kCustomer;
  const core::sdp::CodecPolicy& codecs;
  bool bridges_digits = false;  // The customer says digits in SIP, the trunk in RTP.
};

/// What a leg is told of a line: which of the other one's formats, and events of our own beside
/// them where it has the digits in RTP and the other one does not.
struct SelectedFormats {
  core::sdp::FormatSelection formats;
  uint8_t event_number = core::sdp::Format::kNoNumber;
};
SelectedFormats SelectOffer(const core::sdp::MediaDescription& media,
                            std::span<const core::sdp::Format> formats, const FormatsParty& to);
SelectedFormats SelectAnswer(const core::sdp::MediaDescription& media,
                             std::span<const core::sdp::Format> offered,
                             std::span<const core::sdp::Format> answered, const FormatsParty& to);

/// The formats of a selection as they were told, under the numbers that were told.
struct ToldFormats {
  std::array<core::sdp::Format, core::sdp::SessionDescription::kFormatsPerMediaMax + 1> formats;
  size_t count = 0;
  std::span<const core::sdp::Format> span() const { return {formats.data(), count}; }
};
void Tell(const SelectedFormats& selected, std::span<const core::sdp::Format> source,
          ToldFormats* told);
/// Of what was told, what the answer kept, as it was told.
void KeepAnswered(std::span<const core::sdp::Format> told,
                  std::span<const core::sdp::Format> answered, ToldFormats* kept);

}  // namespace sbc
