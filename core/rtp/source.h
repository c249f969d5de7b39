#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/instant.h"
#include "core/rtp/jitter_buffer_model.h"
#include "core/rtp/loss_bursts.h"
#include "core/rtp/packet_view.h"
#include "core/rtp/rtcp.h"

namespace core::rtp {

/// What a payload type carries, as far as statistics care. The owner knows it from the SDP.
enum class PayloadKind : uint8_t {
  kAudio,
  kComfortNoise,  // Timed like audio, but no switch of the codec (RFC 3389).
  kEvent,         // RFC 4733: one timestamp for many packets, so that it says nothing of jitter.
};

/// What became of a packet in the statistics.
enum class Arrival : uint8_t {
  kInOrder,    // New, and the highest sequence number so far.
  kReordered,  // New, behind the highest.
  kDuplicate,  // Had before.
  kProbation,  // The first of an unknown SSRC or another sequence: counted if a second follows.
  kRefused,    // Of another SSRC, and not taken for the stream's: an event, or too soon.
};

/// Everything counted of one stream since the call began, over all its SSRCs and restarts. Two of
/// these taken at different times make an interval's (where lost() and loss_runs may be below 0:
/// what was missing when the interval began came in it).
struct StreamCounts {
  uint32_t packets = 0;     // Each sequence number once.
  uint32_t expected = 0;    // From the first to the highest sequence number.
  uint32_t duplicates = 0;  // Not in `packets`.
  uint32_t reordered = 0;   // In `packets`.
  uint32_t late = 0;        // In `packets`; a jitter buffer would have discarded them.
  uint32_t refused = 0;     // In none of the above: of another SSRC, or of nothing that followed.
  int32_t loss_runs = 0;    // Uninterrupted runs of what was lost or late.
  uint32_t ssrc_changes = 0;
  uint32_t restarts = 0;  // The sender's sequence numbers began anew under the same SSRC (A.1).
  uint32_t payload_switches = 0;
  uint32_t timestamp_jumps = 0;
  uint32_t buffer_packets = 0;  // Judged by the jitter-buffer model,
  Duration buffer_sum{};        // and the sum of its depths, for the mean.
  uint64_t bytes = 0;           // Header, payload and padding, without UDP and IP, of `packets`.

  int32_t lost() const { return static_cast<int32_t>(expected - packets); }
  std::optional<Duration> buffer_depth() const {
    if (buffer_packets == 0) return std::nullopt;
    return buffer_sum / buffer_packets;
  }
  StreamCounts Since(const StreamCounts& earlier) const;
};

/// What one leg receives as one stream of RTP, and how good it was (RFC 3550 §6.4, A.1, A.3, A.8).
///
/// A.1 decides what belongs to the stream: a second packet proves an SSRC, a jump of 3,000 or more
/// is believed when a second packet follows it. Two things differ, since our packets come from an
/// address that was signalled: the proving packets count too, and they need not be neighbours (the
/// first seconds of a call lose packets like any other). Within 128 packets a bit map tells a
/// duplicate from a reordered packet exactly; further back there is only A.1's jump.
///
/// Each SSRC is a source of its own (§8), and a leg has one voice. An event under another SSRC is
/// no change of it (some gateways send RFC 4733 so). Of two that send at once the first stays until
/// two packets of the other come without one of its own between. Who comes back goes on as it was
/// left: what its numbers skipped meanwhile was not of this stream.
///
/// Jitter is A.8's, in order of arrival, without duplicates and RFC 4733 events. A timestamp that
/// jumps by more than a second while neither the clock nor the sequence does is a new beginning of
/// the sender's media, not jitter: it is counted and left out.
///
/// Shape:    the limits of A.1: kDropoutMax, kMisorderMax. A clock outside 1 Hz to kClockRateMax
///           counts as the nearer of the two.
/// Lifetime: none of a packet is kept.
/// Thread:   one worker's.
class Source {
 public:
  static constexpr uint16_t kDropoutMax = 3000;         // A.1: MAX_DROPOUT
  static constexpr uint16_t kMisorderMax = 100;         // A.1: MAX_MISORDER
  static constexpr uint32_t kClockRateMax = 1'000'000;  // No codec has a faster one.
  // Between two new SSRCs (rule 23): each begins the reports anew.
  static constexpr Duration kSsrcChangeMin = std::chrono::milliseconds(500);

  struct Config {
    uint32_t clock_rate_hz = 8000;
    std::chrono::milliseconds buffer_min{40};
    std::chrono::milliseconds buffer_max{200};  // buffer_min: a fixed buffer.
  };

  explicit Source(const Config& config);

  /// `clock_rate_hz`: of voice under another SSRC than the present one, that of its payload type,
  /// for when it is taken for the stream's; 0: the present one's.
  Arrival OnPacket(const PacketView& packet, Instant now, PayloadKind kind,
                   uint32_t clock_rate_hz = 0);

  /// The payload type in use has another clock (RFC 7160). Jitter is converted, timing starts anew.
  void SetClockRate(uint32_t clock_rate_hz);

  /// Nothing is to come for a while (a fax has the stream's place, or it is held), or was so: the
  /// next packet ends no gap, tells nothing of jitter, and what its numbers skip was nobody's to
  /// receive. So that is in no count and in no report; the highest number that reports tell goes on
  /// (§6.4.1). What follows the packet before as if there were no pause was on its way, or is music
  /// that goes on: it is counted as ever, and kInFlightMax of those leave the pause to come.
  void Pause();

  bool active() const { return active_; }  // An SSRC was proved.
  uint32_t ssrc() const { return ssrc_; }  // Of an active source.
  uint32_t clock_rate_hz() const { return clock_rate_hz_; }

  StreamCounts counts() const;
  /// With the packets whose fate is still open judged as if the stream ended now.
  LossBursts bursts() const;
  uint32_t held() const { return candidate_.held ? 1 : 0; }  // On probation: not in the counts yet.

  /// nullopt until two packets were timed.
  std::optional<uint32_t> jitter_ticks() const;
  std::optional<Duration> jitter() const;
  std::optional<Duration> jitter_max() const;       // The highest that jitter() ever was.
  std::optional<Duration> packet_duration() const;  // From timestamps of neighbours.
  std::optional<Instant> last_arrival() const;
  Duration longest_gap() const { return longest_gap_; }  // Between two arrivals of the stream.
  const JitterBufferModel& buffer() const { return buffer_; }

  /// What an RR or SR says of this source, and the beginning of its next interval (§6.4.1, A.3).
  /// LSR and DLSR are left 0: they are the leg's. nullopt before an SSRC was proved.
  std::optional<ReportBlock> TakeReport();

  /// What who gets this SSRC from us counts as lost before it came to us: he knows of no pause.
  int32_t missing_of_ssrc() const {
    return active_ ? static_cast<int32_t>(expected_of_ssrc() + skipped_ - received_) : 0;
  }

 private:
  __extension__ using Window = unsigned __int128;  // Bit n: the packet n before the highest.
  static constexpr uint32_t kWindowBits = 128;
  static constexpr uint32_t kFirstCycle = 0x10000;  // So that the window may reach below the first.
  static constexpr uint8_t kNoPayloadType = 0xff;
  static constexpr uint8_t kInFlightMax = 25;  // Half a second of voice.
  static constexpr Duration kInFlightGap = std::chrono::milliseconds(100);

  struct Candidate {  // A packet that would begin another sequence.
    Instant arrival;
    uint32_t ssrc = 0;
    uint32_t bytes = 0;
    uint32_t timestamp = 0;
    uint32_t clock_rate_hz = 0;  // 0: the present one's.
    uint16_t sequence_number = 0;
    uint8_t payload_type = kNoPayloadType;  // Of voice; else none.
    bool is_timed = false;  // Its timestamp tells when it was said: it is no RFC 4733 event.
    bool held = false;
  };

  struct Former {  // The SSRC before this one, as it was left.
    uint32_t ssrc = 0;
    uint32_t highest = 0;  // 0: there was none.
    uint32_t base = 0;
    uint32_t received = 0;
    uint32_t skipped = 0;
    uint32_t jitter_16 = 0;
  };

  bool MayChange(const PacketView& packet, Instant now, PayloadKind kind) const;
  void Refuse(uint32_t ssrc);
  Arrival OnStranger(const PacketView& packet, Instant now, PayloadKind kind,
                     uint32_t clock_rate_hz);
  Arrival OnMember(const PacketView& packet, Instant now, PayloadKind kind);
  Arrival OnBehind(const PacketView& packet, uint16_t behind, Instant now, PayloadKind kind);
  void Begin(Instant now);
  void Advance(uint16_t steps);
  void AdvancePaused(uint16_t steps, Instant now);
  void Resume(uint16_t steps, Instant now);
  void BeginSsrc(Instant now);
  void Count(const PacketView& packet, uint32_t behind, Instant now, PayloadKind kind);
  void NotePayloadType(uint8_t payload_type);
  bool OnTiming(const PacketView& packet, uint32_t arrival_ticks, bool next_in_order,
                PayloadKind kind);
  void Settle(uint32_t count, LossBursts* bursts) const;
  uint32_t TicksAt(Instant now) const;
  Duration ToDuration(uint64_t ticks) const;
  JitterBufferModel::Depth DepthTicks() const;
  uint32_t expected_of_ssrc() const { return highest_ - base_ + 1; }

  // What each packet touches stands first.
  uint32_t ssrc_ = 0;
  uint32_t highest_ = 0;  // Extended sequence number (A.1: cycles + max_seq), from kFirstCycle on.
  uint32_t base_ = 0;     // A.1's base_seq, moved by what pauses skipped.
  uint32_t window_count_ = 0;  // Bits that stand for packets since the start or the last pause.
  Window had_ = 0;
  Window played_ = 0;
  Instant origin_;
  Instant last_arrival_;
  Duration longest_gap_ = Duration::zero();
  uint64_t ticks_per_ns_64_ = 0;  // 2^64 * clock / 10^9.
  uint32_t clock_rate_hz_ = 0;
  uint32_t transit_ = 0;
  uint32_t last_timestamp_ = 0;
  uint32_t jitter_16_ = 0;  // A.8's, in 1/16 tick.
  uint32_t jitter_max_16_ = 0;
  uint32_t packet_ticks_ = 0;   // 0: not known yet.
  uint32_t received_ = 0;       // Of this SSRC, duplicates too, as A.1 counts for reports.
  uint16_t last_sequence_ = 0;  // Of the packet that was timed last.
  uint8_t last_payload_type_ = kNoPayloadType;  // Of the voice.
  bool active_ = false;
  bool timed_ = false;         // transit_ is the present timing's.
  uint8_t pause_left_ = 0;     // Of kInFlightMax; 0: no pause.
  bool jitter_known_ = false;  // Two packets of this SSRC were timed.
  uint16_t buffer_min_ms_ = 0;
  uint16_t buffer_max_ms_ = 0;
  JitterBufferModel buffer_{{}};
  LossBursts bursts_;
  StreamCounts totals_;  // Without `expected` of the present SSRC and `loss_runs`.

  Candidate candidate_;
  Former former_;
  Instant last_change_;
  uint32_t expected_prior_ = 0;  // Since the last TakeReport().
  uint32_t received_prior_ = 0;
  uint32_t settled_to_ = 0;  // The highest number before the last pause; 0: there was none.
  uint32_t skipped_ = 0;     // Numbers of this SSRC that pauses skipped.
};
static_assert(sizeof(Source) <= 368);

}  // namespace core::rtp
