#pragma once

#include <string_view>

#include "core/sdp/session_description.h"

namespace core::sdp {

/// What a receiver of video may ask its sender for, of what crosses here (RFC 4585 §4.2, RFC 5104
/// §7.1): missing packets, a picture that was lost, a whole new one.
struct FeedbackKinds {
  bool nack = false;
  bool picture_loss = false;
  bool full_intra_request = false;

  bool any() const { return nack || picture_loss || full_intra_request; }
  friend FeedbackKinds operator&(const FeedbackKinds& a, const FeedbackKinds& b) {
    return {a.nack && b.nack, a.picture_loss && b.picture_loss,
            a.full_intra_request && b.full_intra_request};
  }
  friend FeedbackKinds operator|(const FeedbackKinds& a, const FeedbackKinds& b) {
    return {a.nack || b.nack, a.picture_loss || b.picture_loss,
            a.full_intra_request || b.full_intra_request};
  }
  friend bool operator==(const FeedbackKinds&, const FeedbackKinds&) = default;
};

/// The one that an a=rtcp-fb line allows; none where it is of another kind.
FeedbackKinds ReadFeedback(std::string_view value);

/// A description, and one of its m= lines.
struct FeedbackParty {
  const SessionDescription* description = nullptr;
  const MediaDescription* media = nullptr;
};

/// What both sides of a line allow: of the profile AVPF alone, of a format that the answer took, by
/// its number or by `*`. What is allowed of one of its formats is of all: redundancy, say, has no
/// line of its own and carries one that has.
FeedbackKinds AgreeFeedback(const FeedbackParty& offer, const FeedbackParty& answer);

}  // namespace core::sdp
