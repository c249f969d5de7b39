#include "core/sdp/answer_judge.h"

#include "core/base/ascii.h"
#include "core/sdp/format_selection.h"
#include "core/sdp/hold.h"

namespace core::sdp {
namespace {

// A line that is rejected in the answer has nothing left to be wrong, but for its type (§6).
AnswerFlaw JudgeLine(const MediaDescription& offered, const MediaDescription& answered,
                     std::span<const Format> offered_formats,
                     std::span<const Format> answered_formats) {
  if (offered.type_text != answered.type_text) return AnswerFlaw::kMediaType;
  if (answered.is_rejected()) return AnswerFlaw::kNone;
  if (offered.is_rejected()) return AnswerFlaw::kRevived;
  if (!EqualsIgnoreCase(offered.protocol_text, answered.protocol_text)) {
    return AnswerFlaw::kProtocol;
  }
  if (SelectForAnswer(offered_formats, answered_formats).empty()) return AnswerFlaw::kFormat;
  const Direction said = EffectiveDirection(answered);
  return AnswerDirection(offered.direction, said) == said ? AnswerFlaw::kNone
                                                          : AnswerFlaw::kDirection;
}

}  // namespace

AnswerVerdict JudgeAnswer(const SessionDescription& offer, const SessionDescription& answer) {
  const size_t lines = offer.media().size();
  if (answer.media().size() != lines) return {AnswerFlaw::kMediaCount, 0};
  AnswerVerdict verdict;
  for (size_t i = 0; i < lines; ++i) {
    const MediaDescription& offered = offer.media()[i];
    const MediaDescription& answered = answer.media()[i];
    const AnswerFlaw flaw =
        JudgeLine(offered, answered, offer.formats(offered), answer.formats(answered));
    if (flaw == AnswerFlaw::kNone) continue;
    const AnswerVerdict found = {flaw, static_cast<uint8_t>(i), offered.type == MediaType::kVideo};
    if (!found.is_usable()) return found;
    if (verdict.flaw == AnswerFlaw::kNone) verdict = found;
  }
  return verdict;
}

std::string_view Name(AnswerFlaw flaw) {
  switch (flaw) {
    case AnswerFlaw::kNone:
      return "none";
    case AnswerFlaw::kMediaCount:
      return "another number of media lines";
    case AnswerFlaw::kMediaType:
      return "another media type";
    case AnswerFlaw::kProtocol:
      return "another protocol";
    case AnswerFlaw::kRevived:
      return "a rejected line in use";
    case AnswerFlaw::kFormat:
      return "no format of the offer's";
    case AnswerFlaw::kDirection:
      return "more than was offered";
  }
  return "unknown";
}

}  // namespace core::sdp
