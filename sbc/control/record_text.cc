#include "sbc/control/record_text.h"

#include <algorithm>
#include <chrono>

#include "core/base/log.h"
#include "core/base/utf8.h"

namespace sbc {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void AppendDigits(int64_t value, int width, std::string* out) {
  char digits[8];
  for (int i = width - 1; i >= 0; --i) {
    digits[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out->append(digits, static_cast<size_t>(width));
}

bool IsPrintable(char c) { return c >= 0x20 && c < 0x7f; }

void AppendHex(char c, std::string* out) {
  const auto byte = static_cast<unsigned char>(c);
  const char digits[] = {kHex[byte >> 4], kHex[byte & 15]};
  out->append(digits, 2);
}

void AppendHexWord(uint64_t word, int first_nibble, int count, std::string* out) {
  for (int i = first_nibble; i < first_nibble + count; ++i) {
    out->push_back(kHex[(word >> (60 - 4 * i)) & 15]);
  }
}

}  // namespace

void AppendTime(core::WallTime wall, std::string* out) {
  char text[32];
  out->append(core::FormatTime(wall, text));
}

void AppendMilliseconds(core::Duration duration, std::string* out) {
  const int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  AppendNumber(us / 1000, out);
  out->push_back('.');
  AppendDigits(us % 1000, 3, out);
}

void AppendValue(std::string_view value, std::string* out) {
  if (core::IsBareValue(value)) {
    out->append(value);
    return;
  }
  out->push_back('"');
  for (const char c : value) {
    if (!IsPrintable(c)) {
      out->append("\\x");
      AppendHex(c, out);
      continue;
    }
    if (c == '"' || c == '\\') out->push_back('\\');
    out->push_back(c);
  }
  out->push_back('"');
}

void AppendJson(std::string_view value, std::string* out) {
  while (!value.empty()) {
    const char c = value.front();
    const size_t size = std::max<size_t>(1, core::Utf8CharacterSize(value));
    if (size == 1 && !IsPrintable(c)) {
      out->append("\\u00");
      AppendHex(c, out);
    } else {
      if (c == '"' || c == '\\') out->push_back('\\');
      out->append(value.substr(0, size));
    }
    value.remove_prefix(size);
  }
}

void AppendJsonField(std::string_view key, std::string_view value, std::string* out) {
  out->append(",\"").append(key).append("\":\"");
  AppendJson(value, out);
  out->push_back('"');
}

void AppendUuid(const uint64_t (&id)[2], std::string* out) {
  // xxxxxxxx-xxxx-4xxx-[89ab]xxx-xxxxxxxxxxxx: all random but six bits.
  const uint64_t high = (id[0] & ~uint64_t{0xf000}) | 0x4000;
  const uint64_t low = (id[1] & ~(uint64_t{3} << 62)) | uint64_t{2} << 62;
  AppendHexWord(high, 0, 8, out);
  out->push_back('-');
  AppendHexWord(high, 8, 4, out);
  out->push_back('-');
  AppendHexWord(high, 12, 4, out);
  out->push_back('-');
  AppendHexWord(low, 0, 4, out);
  out->push_back('-');
  AppendHexWord(low, 4, 12, out);
}

std::string_view CallEndName(CallEnd end) {
  switch (end) {
    case CallEnd::kRefused:
      return "refused";
    case CallEnd::kFailed:
      return "failed";
    case CallEnd::kCanceled:
      return "canceled";
    case CallEnd::kCallerHungUp:
      return "caller_hung_up";
    case CallEnd::kCalleeHungUp:
      return "callee_hung_up";
    case CallEnd::kSessionExpired:
      return "session_expired";
    case CallEnd::kNoAck:
      return "no_ack";
    case CallEnd::kPeerLost:
      return "peer_lost";
    case CallEnd::kUnusableSdp:
      return "unusable_sdp";
    case CallEnd::kMediaTimeout:
      return "media_timeout";
    case CallEnd::kStopped:
      return "stopped";
  }
  return "unknown";
}

std::string_view DirectionName(CallDirection direction) {
  return direction == CallDirection::kTermination ? "termination" : "origination";
}

}  // namespace sbc
