#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace core::sdp {

/// The encodings that somebody here treats by name. All others are kUnknown: they are told apart by
/// their name, clock rate and channels alone.
enum class Codec : uint8_t {
  kUnknown,
  kPcmu,
  kPcma,
  kG722,
  kG729,
  kOpus,
  kGsm,
  kG723,
  kG728,
  kG726,  // Any rate of it.
  kIlbc,
  kAmr,
  kAmrWb,
  kEvs,
  kSpeex,
  kL16,
  kTelephoneEvent,  // RFC 4733: not voice, but digits beside it.
  kComfortNoise,    // RFC 3389.
  kRedundancy,      // RFC 2198: its fmtp names other payload types.
  kRetransmission,  // RFC 4588: the same.
};
inline constexpr size_t kCodecCount = static_cast<size_t>(Codec::kRetransmission) + 1;

/// By its encoding name, without regard to case (RFC 8866 §6.6: the names are media subtypes).
Codec FindCodec(std::string_view encoding);

/// The name as registered, for configuration and records; empty for kUnknown.
std::string_view Name(Codec codec);

/// A payload type that needs no rtpmap (RFC 3551 §6, tables 4 and 5).
struct StaticPayload {
  std::string_view encoding;  // Empty: the number is dynamic or was never assigned.
  uint32_t clock_rate_hz = 0;
  uint8_t channels = 1;
  Codec codec = Codec::kUnknown;
};
inline constexpr uint8_t kStaticPayloadsMax = 35;
const StaticPayload& FindStaticPayload(uint8_t payload_type);

}  // namespace core::sdp
