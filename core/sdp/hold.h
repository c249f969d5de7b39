#pragma once

#include "core/sdp/session_description.h"

namespace core::sdp {

/// The direction that a description means: one that names no address to send to receives nothing,
/// whatever its attribute says (RFC 3264 §8.4), and a rejected line does neither.
inline Direction EffectiveDirection(const MediaDescription& media) {
  if (media.is_rejected()) return Direction::kInactive;
  const bool has_place = !media.connection.address.is_unspecified();
  return MakeDirection(Sends(media.direction), Receives(media.direction) && has_place);
}

}  // namespace core::sdp
