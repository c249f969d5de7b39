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

/// The writer of this line does not want to hear: sendonly, inactive, or 0.0.0.0.
inline bool IsHeld(const MediaDescription& media) {
  return !media.is_rejected() && !Receives(EffectiveDirection(media));
}

/// Each line in use is held, and one is in use.
inline bool IsHeld(const SessionDescription& description) {
  bool is_held = false;
  for (const MediaDescription& media : description.media()) {
    if (media.is_rejected()) continue;
    if (!IsHeld(media)) return false;
    is_held = true;
  }
  return is_held;
}

/// What a new description of the same peer changes about its hold.
enum class HoldChange : uint8_t { kNone, kHeld, kResumed };
constexpr HoldChange CompareHold(bool was_held, bool is_held) {
  if (was_held == is_held) return HoldChange::kNone;
  return is_held ? HoldChange::kHeld : HoldChange::kResumed;
}

}  // namespace core::sdp
