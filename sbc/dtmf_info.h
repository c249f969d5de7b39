#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/buffer/text_writer.h"
#include "sbc/digit.h"

// Digits in the body of an INFO. Nobody registered either type; Cisco's description of the first is
// what equipment follows, and for the second what it sends.

namespace sbc {

enum class DtmfBody : uint8_t {
  kNone,   // No digits.
  kRelay,  // application/dtmf-relay: lines of `Signal=5` and `Duration=160`.
  kPlain,  // application/dtmf: the key and nothing else.
};
/// By the Content-Type, parameters left out.
DtmfBody DtmfBodyOf(std::string_view content_type);

enum class DtmfInfoError : uint8_t { kOk, kLength, kSignal, kDuration };
/// In a few words, for who sent it.
std::string_view Name(DtmfInfoError error);

inline constexpr size_t kDtmfBodyMax = 256;
// Shorter than 40 ms is below what Q.24 wants every receiver to take; longer than 5 s is a key that
// somebody leans on, or a counter of another unit.
inline constexpr uint16_t kDigitMsMin = 40;
inline constexpr uint16_t kDigitMsMax = 5000;
inline constexpr uint16_t kDigitMsDefault = 160;  // What equipment says that says always the same.

/// Reads one digit. Keys of lines have no case, spaces may stand around each `=` and value, lines
/// end in CR, LF or both, and lines of other keys are not ours. A key is a character (`!` is the
/// flash, as Asterisk has it) or RFC 4733's number from 10 to 16. A duration outside the limits
/// counts as the nearer one.
///
/// Errors: kLength beyond kDtmfBodyMax; else what is missing, there twice, or cannot be read.
[[nodiscard]] DtmfInfoError ParseDtmfInfo(DtmfBody kind, std::string_view body, Digit* digit);

/// Writes the body that DtmfBody::kRelay reads.
void WriteDtmfRelay(const Digit& digit, core::TextWriter* out);

}  // namespace sbc
