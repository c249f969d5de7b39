#pragma once

#include <cstdint>
#include <string_view>

#include "core/sdp/session_description.h"

namespace core::sdp {

/// What an answer does that its offer does not allow (RFC 3264 §6).
enum class AnswerFlaw : uint8_t {
  kNone,
  kMediaCount,  // More or fewer m= lines than the offer.
  kMediaType,   // A line of another media type.
  kProtocol,    // A line over another transport.
  kRevived,     // A line that was offered as rejected, in use.
  kFormat,      // A line in use without one format of the offer's.
  // No ground to refuse: read the line's direction as AnswerDirection().
  kDirection,
};

struct [[nodiscard]] AnswerVerdict {
  AnswerFlaw flaw = AnswerFlaw::kNone;
  uint8_t media_index = 0;  // The line with the flaw.
  bool is_videos = false;   // That line: its picture may be missing, and the call goes on.

  bool is_usable() const {
    return flaw == AnswerFlaw::kNone || flaw == AnswerFlaw::kDirection ||
           (is_videos && flaw != AnswerFlaw::kMediaType && flaw != AnswerFlaw::kMediaCount);
  }
};

/// The first flaw that makes the answer useless; else the first that does not: kDirection where a
/// line says more than was offered, which is wrong and not rare (equipment answers sendrecv to a
/// hold), or what is wrong with a line of video, such as AVP for AVPF.
AnswerVerdict JudgeAnswer(const SessionDescription& offer, const SessionDescription& answer);

std::string_view Name(AnswerFlaw flaw);

}  // namespace core::sdp
