#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/base/bounded_vector.h"
#include "core/rtp/packet_view.h"

namespace core::rtp {

/// The character of an event code: 0 to 9, *, #, A to D (RFC 4733 §3.2). 0 for any other event.
char DigitOf(uint8_t event);
/// Errors: nullopt for a character that no key has. Lower-case letters count as capitals.
std::optional<uint8_t> EventOf(char digit);

/// Reads the telephone-events of one stream (RFC 4733 §2.5): each digit once, however often its
/// packets are repeated, and also where the packets that would have ended it were lost.
///
/// What is older than the last event is a packet that was overtaken. Timestamps of another SSRC, or
/// further back than any network holds a packet, are a new beginning, as after a transfer.
///
/// Shape:    at most kReportsMax events in one packet (§2.5.1.5). An event longer than 65,535 ticks
///           comes in segments (§2.5.1.3) and is one event here.
/// Errors:   a payload that is no list of events changes nothing and is counted in malformed().
/// Thread:   one worker's.
class DtmfReader {
 public:
  static constexpr size_t kReportsMax = 4;

  struct Event {
    enum class Kind : uint8_t { kStart, kEnd };
    Kind kind = Kind::kStart;
    uint8_t code = 0;             // DigitOf() tells its character.
    uint32_t timestamp = 0;       // When it began.
    uint32_t duration_ticks = 0;  // So far; of a kEnd all of it, as far as packets told.
  };
  // Each report can end the event before, start its own and end it.
  using Events = BoundedVector<Event, 3 * kReportsMax>;

  /// What is new in a packet of the telephone-event payload type.
  Events OnPacket(const PacketView& packet);
  /// The end of the stream ends what is still on.
  Events Finish();

  bool on() const { return on_; }
  uint32_t malformed() const { return malformed_; }

 private:
  struct Report {
    uint8_t code = 0;
    bool end = false;
    uint16_t duration = 0;
  };
  void OnReport(const Report& report, uint32_t timestamp, bool marker, Events* events);
  void End(Events* events);

  bool known_ = false;  // The fields below are an event's, on or ended.
  bool on_ = false;
  uint8_t code_ = 0;
  uint32_t ssrc_ = 0;              // Whose the event is.
  uint32_t timestamp_ = 0;         // Of its present segment.
  uint32_t segment_ticks_ = 0;     // Longest duration told of the present segment.
  uint32_t began_ = 0;             // Timestamp of its first segment.
  uint32_t earlier_segments_ = 0;  // Their ticks.
  uint32_t malformed_ = 0;
};
static_assert(sizeof(DtmfReader) <= 32);

/// One digit as the packets to send (RFC 4733 §2.5.1): all with the timestamp of its start, the
/// first with the marker, each with the duration so far, and the last three times with the end bit.
///
/// Shape:    the owner asks for one packet each packet time, and puts its own sequence numbers on.
class DtmfSender {
 public:
  static constexpr size_t kPayloadBytes = 4;
  static constexpr uint8_t kEndsSent = 3;  // §2.5.1.4: so that two may be lost.

  struct Digit {
    uint8_t code = 0;
    uint8_t volume = 10;            // 0 to 63, in -dBm0.
    uint32_t timestamp = 0;         // When it begins.
    uint16_t duration_ticks = 800;  // All of it: 100 ms at 8 kHz.
    uint16_t packet_ticks = 160;    // Between two packets; at least 1.
  };

  /// Whatever was on is forgotten.
  void Start(const Digit& digit);
  bool done() const { return ends_left_ == 0; }

  struct Frame {
    bool marker = false;
    uint32_t timestamp = 0;
    std::array<uint8_t, kPayloadBytes> payload{};
  };
  /// The next packet. Only while not done().
  Frame Next() { return Next(digit_.packet_ticks); }
  /// The same, `ticks` after the packet before it.
  Frame Next(uint16_t ticks);

 private:
  Digit digit_;
  uint16_t told_ = 0;  // Duration of the packet before; 0: none was sent.
  uint8_t ends_left_ = 0;
};

}  // namespace core::rtp
