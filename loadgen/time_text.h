#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "core/base/instant.h"
#include "core/sip/text_writer.h"

namespace loadgen {

/// Digits with zeros in front.
inline void AppendPadded(uint64_t number, size_t width, core::sip::TextWriter* out) {
  char digits[20];
  size_t at = sizeof(digits);
  for (; number != 0 || width != 0; number /= 10) {
    digits[--at] = static_cast<char>('0' + number % 10);
    if (width != 0) --width;
  }
  out->Append(std::string_view(digits + at, sizeof(digits) - at));
}

/// A moment by the calendar.
struct CivilTime {
  std::chrono::year_month_day date;
  unsigned weekday;
  std::chrono::hh_mm_ss<std::chrono::microseconds> time;
};

inline CivilTime ToCivil(int64_t unix_us) {
  using std::chrono::days;
  using std::chrono::microseconds;
  const std::chrono::sys_time<microseconds> time{microseconds(unix_us)};
  const std::chrono::sys_time<days> day = std::chrono::floor<days>(time);
  return {std::chrono::year_month_day(day), std::chrono::weekday(day).c_encoding(),
          std::chrono::hh_mm_ss<microseconds>(time - day)};
}

/// 23:59:59
inline void AppendClock(const CivilTime& civil, core::sip::TextWriter* out) {
  AppendPadded(static_cast<uint64_t>(civil.time.hours().count()), 2, out);
  out->Append(':');
  AppendPadded(static_cast<uint64_t>(civil.time.minutes().count()), 2, out);
  out->Append(':');
  AppendPadded(static_cast<uint64_t>(civil.time.seconds().count()), 2, out);
}

/// As SIPp prints it in messages, traces and statistics: local date, local time, and seconds since
/// the epoch, a tab between them. Not of a moment before the epoch.
inline void WriteWallTime(core::WallTime wall, int32_t utc_offset_s, core::sip::TextWriter* out) {
  const CivilTime civil = ToCivil(wall.unix_us + int64_t{utc_offset_s} * 1'000'000);
  const auto fraction = static_cast<uint64_t>(civil.time.subseconds().count());
  AppendPadded(static_cast<uint64_t>(static_cast<int>(civil.date.year())), 4, out);
  out->Append('-');
  AppendPadded(static_cast<unsigned>(civil.date.month()), 2, out);
  out->Append('-');
  AppendPadded(static_cast<unsigned>(civil.date.day()), 2, out);
  out->Append('\t');
  AppendClock(civil, out);
  out->Append('.');
  AppendPadded(fraction, 6, out);
  out->Append('\t');
  out->AppendNumber(static_cast<uint64_t>(wall.unix_us / 1'000'000));
  out->Append('.');
  AppendPadded(fraction, 6, out);
}

}  // namespace loadgen
