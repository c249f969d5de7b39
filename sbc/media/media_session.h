#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/pool.h"
#include "core/buffer/text_store.h"
#include "core/sdp/rewrite.h"
#include "sbc/leg_id.h"
#include "sbc/media/media_stream.h"

namespace sbc {

/// What the two peers of one call have said of media, and what we have said to each.
///
/// Shape:    plain, part of a Call. Lines beyond kVoiceMax and kVideoMax are refused in place.
/// Lifetime: MediaAnchor::End() before it goes, or its ports are never given back.
struct MediaSession {
  static constexpr size_t kVoiceMax = 2;  // Voice, and the fax that it turns into (T.38).
  static constexpr size_t kVideoMax = 1;
  static constexpr size_t kStreamsMax = kVoiceMax + kVideoMax;

  /// A line that is in use for video, and then for something else, has a stream for each: what is
  /// counted of the one is not the other's.
  struct Stream {
    core::Handle<MediaStream> stream;
    uint8_t line = 0;  // Which m= line it is; that never changes in a call (RFC 3264 §8).
  };

  Stream streams[kStreamsMax];
  uint8_t stream_count = 0;
  core::sdp::LocalOrigin origins[2];  // By LegId.
  // The last offer, as it came, and whose it is: its answers are read beside it, and each early
  // dialog may have one. Until an answer, what was agreed on before is in force; where the offer is
  // refused it stays so.
  core::KeptText offer;
  LegId offer_from = LegId::kCaller;
  bool is_pending = false;  // It has no answer yet.
  bool is_agreed = false;   // An answer put something into force.
};

}  // namespace sbc
