#include "sbc/control/record_text.h"

#include <chrono>

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

bool IsBare(std::string_view value) {
  for (const char c : value) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_word && std::string_view("._:/@+-").find(c) == std::string_view::npos) return false;
  }
  return !value.empty();
}

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
  using std::chrono::days;
  using std::chrono::microseconds;
  const std::chrono::sys_time<microseconds> time{microseconds(wall.unix_us)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  AppendDigits(int{date.year()}, 4, out);
  out->push_back('-');
  AppendDigits(unsigned{date.month()}, 2, out);
  out->push_back('-');
  AppendDigits(unsigned{date.day()}, 2, out);
  out->push_back('T');
  AppendDigits(clock.hours().count(), 2, out);
  out->push_back(':');
  AppendDigits(clock.minutes().count(), 2, out);
  out->push_back(':');
  AppendDigits(clock.seconds().count(), 2, out);
  out->push_back('.');
  AppendDigits(clock.subseconds().count(), 6, out);
  out->push_back('Z');
}

void AppendMilliseconds(core::Duration duration, std::string* out) {
  const int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  AppendNumber(us / 1000, out);
  out->push_back('.');
  AppendDigits(us % 1000, 3, out);
}

void AppendValue(std::string_view value, std::string* out) {
  if (IsBare(value)) {
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
  for (const char c : value) {
    if (!IsPrintable(c)) {
      out->append("\\u00");
      AppendHex(c, out);
      continue;
    }
    if (c == '"' || c == '\\') out->push_back('\\');
    out->push_back(c);
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
