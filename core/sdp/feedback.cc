#include "core/sdp/feedback.h"

#include "core/sdp/cursor.h"
#include "core/sdp/format_selection.h"

namespace core::sdp {
namespace {

bool IsOfAllFormats(std::string_view value) {
  Cursor in(value);
  (void)in.TakeUntil(':');
  return in.Take(':') && in.Take('*');
}

FeedbackKinds FeedbackOf(const FeedbackParty& party, uint8_t format) {
  FeedbackKinds kinds;
  const size_t end = size_t{party.media->first_line} + party.media->line_count;
  for (size_t i = party.media->first_line; i < end; ++i) {
    const Line line = party.description->line(i);
    if (line.type != 'a' || line.attribute != Attribute::kRtcpFb) continue;
    if (line.format == format || IsOfAllFormats(line.value)) {
      kinds = kinds | ReadFeedback(line.value);
    }
  }
  return kinds;
}

}  // namespace

// rtcp-fb-syntax = "a=rtcp-fb:" rtcp-fb-pt SP rtcp-fb-val                            RFC 4585 §4.2
FeedbackKinds ReadFeedback(std::string_view value) {
  Cursor in(value);
  (void)in.TakeField();  // "rtcp-fb:" and the payload type.
  const std::string_view type = in.TakeField();
  const std::string_view parameter = in.TakeField();
  if (!in.AtEnd()) return {};
  return {.nack = type == "nack" && parameter.empty(),
          .picture_loss = type == "nack" && parameter == "pli",
          .full_intra_request = type == "ccm" && parameter == "fir"};
}

FeedbackKinds AgreeFeedback(const FeedbackParty& offer, const FeedbackParty& answer) {
  if (offer.media->protocol != Protocol::kRtpAvpf || answer.media->protocol != Protocol::kRtpAvpf) {
    return {};
  }
  const auto offered = offer.description->formats(*offer.media);
  const auto answered = answer.description->formats(*answer.media);
  FormatSelection selection = SelectForAnswer(offered, answered);
  DropRepairs(answered, &selection);
  FeedbackKinds agreed;
  for (const FormatSelection::Entry& entry : selection.entries) {
    for (size_t i = 0; i < offered.size(); ++i) {
      if (offered[i].number != entry.number) continue;
      const FeedbackKinds asked = FeedbackOf(offer, static_cast<uint8_t>(i));
      agreed = agreed | (asked & FeedbackOf(answer, entry.index));
    }
  }
  return agreed;
}

}  // namespace core::sdp
