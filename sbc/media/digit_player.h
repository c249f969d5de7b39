#pragma once

#include <cstdint>

#include "core/base/bounded_vector.h"
#include "core/base/instant.h"
#include "core/buffer/packet.h"
#include "core/rtp/dtmf.h"
#include "core/rtp/packet_view.h"
#include "sbc/digit.h"

namespace sbc {

/// What became of digits that were to be played; plain integers of one worker.
struct DigitPlayCounts {
  uint64_t played = 0;
  uint64_t dropped = 0;  // They waited when the voice ended, or the call did.
};

/// Plays digits into a stream of voice as telephone-events (RFC 4733): while one is on, each packet
/// of the voice that is about to go becomes a packet of the event, under its own sequence number
/// and SSRC. So no packet is made, no timer runs, and who receives them sees no gap.
///
/// Shape:    kDigitsWaitingMax digits wait. Each has a marker first, ends three times, and a packet
///           of voice behind it. The clock is 8 kHz, the voice's as well.
/// Errors:   Queue() says why a digit cannot be played.
/// Thread:   one worker's.
class DigitPlayer {
 public:
  // Voice that was not heard for so long is none: nothing would carry the digit, and one that
  // comes out when the voice does again is not wanted any more.
  static constexpr core::Duration kSilenceMax = std::chrono::seconds(1);

  enum class Verdict : uint8_t { kQueued, kNoEvents, kNotThatEvent, kNoVoice, kFull };

  /// What the receiver agreed to: the number of telephone-event/8000 there, and its events, a bit
  /// each. Without any, nothing can be queued.
  void SetReceiver(uint8_t payload_type, uint32_t events) {
    payload_type_ = payload_type;
    events_ = events;
  }
  [[nodiscard]] Verdict Queue(const Digit& digit, core::Instant now);

  /// A packet of RTP voice, about to go. True: it is one of an event now.
  bool Play(core::Packet* packet, core::Instant now, DigitPlayCounts* counts);

  size_t waiting() const { return queue_.size() + (playing_ ? 1 : 0); }

 private:
  uint16_t TicksSince(uint32_t timestamp) const;
  bool IsLate(const core::rtp::PacketView& packet) const;
  void Drop(DigitPlayCounts* counts);

  core::BoundedVector<Digit, kDigitsWaitingMax> queue_;
  core::rtp::DtmfSender sender_;
  bool playing_ = false;
  bool pausing_ = false;  // The next packet is voice, whatever waits.
  uint8_t payload_type_ = 0;
  uint32_t events_ = 0;
  uint32_t ssrc_ = 0;         // Of the packet before,
  uint32_t timestamp_ = 0;    // the latest of its time,
  core::Instant heard_at_{};  // and when.
  bool has_heard_ = false;
};

}  // namespace sbc
