#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bounded_vector.h"
#include "core/rtp/ntp_time.h"

namespace core::rtp {

// The packets of RTCP as plain structs (RFC 3550 §6.4, RFC 3611 §4). rtcp_reader.h and
// rtcp_writer.h turn bytes into them and back.

enum class RtcpType : uint8_t {
  kSenderReport = 200,
  kReceiverReport = 201,
  kSourceDescription = 202,
  kBye = 203,
  kApplication = 204,
  kTransportFeedback = 205,  // RFC 4585
  kPayloadFeedback = 206,
  kExtendedReport = 207,  // RFC 3611
};

inline constexpr size_t kReportBlocksMax = 31;  // The count has five bits.

/// What a receiver says of one source (§6.4.1).
struct ReportBlock {
  static constexpr int32_t kLostMax = 0x7fffff;  // 24 bits with a sign.
  static constexpr int32_t kLostMin = -0x800000;

  uint32_t ssrc = 0;
  uint8_t fraction_lost = 0;    // In 1/256, since the report before.
  int32_t cumulative_lost = 0;  // Negative where packets came twice.
  uint32_t highest_sequence_number = 0;
  uint32_t jitter_ticks = 0;
  uint32_t last_sr = 0;              // The middle of its NTP time; 0: none came.
  uint32_t delay_since_last_sr = 0;  // In 2^-16 s.

  friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

using ReportBlocks = BoundedVector<ReportBlock, kReportBlocksMax>;

/// What a sender says of what it sent (§6.4.1), without the report blocks that may follow.
struct SenderReport {
  uint32_t ssrc = 0;
  NtpTime ntp{};
  uint32_t rtp_timestamp = 0;  // The same moment on the media's clock.
  uint32_t packets = 0;
  uint32_t octets = 0;  // Payload only: no header, no padding.

  friend bool operator==(const SenderReport&, const SenderReport&) = default;
};

/// RFC 3611 §4.7, the VoIP Metrics Report Block. The defaults are the RFC's "unavailable".
struct VoipMetrics {
  static constexpr uint8_t kUnavailable = 127;

  uint32_t ssrc = 0;
  uint8_t loss_rate = 0;  // In 1/256, as are the three below.
  uint8_t discard_rate = 0;
  uint8_t burst_density = 0;
  uint8_t gap_density = 0;
  uint16_t burst_duration_ms = 0;
  uint16_t gap_duration_ms = 0;
  uint16_t round_trip_ms = 0;  // 0: unavailable.
  uint16_t end_system_delay_ms = 0;
  uint8_t signal_level = kUnavailable;
  uint8_t noise_level = kUnavailable;
  uint8_t residual_echo_return_loss = kUnavailable;
  uint8_t gap_min = 16;
  uint8_t r_factor = kUnavailable;  // 0 to 100.
  uint8_t external_r_factor = kUnavailable;
  uint8_t mos_lq = kUnavailable;  // 10 to 50: ten times the MOS.
  uint8_t mos_cq = kUnavailable;
  uint8_t receiver_config = 0;  // §4.7.6: loss concealment, buffer kind, buffer rate.
  uint16_t buffer_nominal_ms = 0;
  uint16_t buffer_maximum_ms = 0;
  uint16_t buffer_absolute_maximum_ms = 0;

  friend bool operator==(const VoipMetrics&, const VoipMetrics&) = default;
};

/// RFC 3611 §4.4: a receiver's clock, so that it too can learn the round trip.
struct ReceiverReferenceTime {
  NtpTime ntp{};
  friend bool operator==(const ReceiverReferenceTime&, const ReceiverReferenceTime&) = default;
};

/// RFC 3611 §4.5: the answer to one, as LSR and DLSR are to an SR.
struct DlrrItem {
  uint32_t ssrc = 0;
  uint32_t last_rr = 0;
  uint32_t delay_since_last_rr = 0;
  friend bool operator==(const DlrrItem&, const DlrrItem&) = default;
};

/// RFC 4585 §6.2.1: this packet is missing, and of the 16 behind it those whose bits are set.
struct MissingPackets {
  uint16_t sequence_number = 0;
  uint16_t behind = 0;
  friend bool operator==(const MissingPackets&, const MissingPackets&) = default;
};

// The FMT of what we know of RTPFB (RFC 4585 §6.2) and PSFB (§6.3; RFC 5104 §4.3.1).
inline constexpr uint8_t kNackFormat = 1;
inline constexpr uint8_t kPictureLossFormat = 1;
inline constexpr uint8_t kFirFormat = 4;

/// RFC 5104 §4.3.1: one sender that is to begin anew. Who asks again for the same reason says the
/// same number.
struct FirEntry {
  uint32_t ssrc = 0;
  uint8_t sequence_number = 0;
  friend bool operator==(const FirEntry&, const FirEntry&) = default;
};

/// What a receiver of video asks its sender for (RFC 4585 §6.2.1, §6.3.1; RFC 5104 §4.3.1).
struct Feedback {
  enum class Kind : uint8_t { kOther, kNack, kPictureLoss, kFullIntraRequest };
  static constexpr size_t kMissingMax = 16;  // 272 packets: more are worth a new picture.
  static constexpr size_t kFirEntriesMax = 8;

  Kind kind = Kind::kOther;
  uint32_t sender_ssrc = 0;  // Who asks,
  uint32_t media_ssrc = 0;   // and of whose stream; of a FIR its entries say that.
  BoundedVector<MissingPackets, kMissingMax> missing{};  // Of a NACK.
  BoundedVector<FirEntry, kFirEntriesMax> fir{};         // Of a FIR.
};

}  // namespace core::rtp
