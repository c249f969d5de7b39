#include "sbc/dtmf_info.h"

#include <algorithm>
#include <optional>

#include "core/base/ascii.h"

namespace sbc {
namespace {

constexpr std::string_view kKeys = "0123456789*#ABCD!";  // By RFC 4733's code.
constexpr uint8_t kNumberFirst = 10;                     // Below it the key is its own number.
constexpr uint8_t kFlash = 16;
static_assert(kKeys.size() == kFlash + 1);

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

// Digits alone; any number beyond `most` is that.
std::optional<uint32_t> ReadNumber(std::string_view text, uint32_t most) {
  if (text.empty()) return std::nullopt;
  uint32_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = std::min(number * 10 + static_cast<uint32_t>(c - '0'), most);
  }
  return number;
}

std::optional<uint8_t> ReadSignal(std::string_view text) {
  if (text.size() == 1) {
    const char key =
        text[0] >= 'a' && text[0] <= 'd' ? static_cast<char>(text[0] - 'a' + 'A') : text[0];
    const size_t code = kKeys.find(key);
    if (code == std::string_view::npos) return std::nullopt;
    return static_cast<uint8_t>(code);
  }
  const auto number = text.size() == 2 ? ReadNumber(text, 99) : std::nullopt;
  if (!number.has_value() || *number < kNumberFirst || *number > kFlash) return std::nullopt;
  return static_cast<uint8_t>(*number);
}

std::string_view TakeLine(std::string_view* rest) {
  const size_t end = std::min(rest->find_first_of("\r\n"), rest->size());
  const std::string_view line = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return line;
}

DtmfInfoError ParseRelay(std::string_view body, Digit* digit) {
  std::optional<uint8_t> signal;
  std::optional<uint32_t> duration_ms;
  while (!body.empty()) {
    const std::string_view line = TakeLine(&body);
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = Trim(line.substr(0, equals));
    const std::string_view value = Trim(line.substr(equals + 1));
    if (core::EqualsIgnoreCase(key, "Signal")) {
      if (signal.has_value()) return DtmfInfoError::kSignal;
      signal = ReadSignal(value);
      if (!signal.has_value()) return DtmfInfoError::kSignal;
    } else if (core::EqualsIgnoreCase(key, "Duration")) {
      if (duration_ms.has_value()) return DtmfInfoError::kDuration;
      duration_ms = ReadNumber(value, kDigitMsMax);
      if (!duration_ms.has_value()) return DtmfInfoError::kDuration;
    }
  }
  if (!signal.has_value()) return DtmfInfoError::kSignal;
  const uint32_t wanted_ms = duration_ms.value_or(kDigitMsDefault);
  *digit = {*signal, static_cast<uint16_t>(std::max<uint32_t>(wanted_ms, kDigitMsMin))};
  return DtmfInfoError::kOk;
}

}  // namespace

DtmfBody DtmfBodyOf(std::string_view content_type) {
  const std::string_view type = Trim(content_type.substr(0, content_type.find(';')));
  if (core::EqualsIgnoreCase(type, "application/dtmf-relay")) return DtmfBody::kRelay;
  if (core::EqualsIgnoreCase(type, "application/dtmf")) return DtmfBody::kPlain;
  return DtmfBody::kNone;
}

std::string_view Name(DtmfInfoError error) {
  switch (error) {
    case DtmfInfoError::kOk:
      return "none";
    case DtmfInfoError::kLength:
      return "The body is too long for a digit";
    case DtmfInfoError::kSignal:
      return "The body names no single key";
    case DtmfInfoError::kDuration:
      return "The duration is no number of milliseconds";
  }
  return "unknown";
}

DtmfInfoError ParseDtmfInfo(DtmfBody kind, std::string_view body, Digit* digit) {
  if (body.size() > kDtmfBodyMax) return DtmfInfoError::kLength;
  if (kind == DtmfBody::kRelay) return ParseRelay(body, digit);
  const auto signal = ReadSignal(Trim(body));
  if (!signal.has_value()) return DtmfInfoError::kSignal;
  *digit = {*signal, kDigitMsDefault};
  return DtmfInfoError::kOk;
}

void WriteDtmfRelay(const Digit& digit, core::TextWriter* out) {
  out->Append("Signal=");
  if (digit.event < kFlash) {
    out->Append(kKeys[digit.event]);
  } else {
    out->AppendNumber(digit.event);
  }
  out->Append("\r\nDuration=");
  out->AppendNumber(digit.duration_ms);
  out->Append("\r\n");
}

}  // namespace sbc
