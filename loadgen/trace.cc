#include "loadgen/trace.h"

#include <chrono>

namespace loadgen {
namespace {

using core::sip::TextWriter;

void AppendPadded(int64_t number, int width, TextWriter* out) {
  int64_t limit = 1;
  for (int i = 1; i < width; ++i) limit *= 10;
  for (; limit > number && limit > 1; limit /= 10) out->Append('0');
  out->AppendNumber(static_cast<uint64_t>(number));
}

}  // namespace

void WriteWallTime(core::WallTime wall, int32_t utc_offset_s, TextWriter* out) {
  using std::chrono::microseconds;
  const std::chrono::sys_time<microseconds> local{
      microseconds(wall.unix_us + int64_t{utc_offset_s} * 1'000'000)};
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<microseconds> time(local - day);
  AppendPadded(static_cast<int>(date.year()), 4, out);
  out->Append('-');
  AppendPadded(static_cast<unsigned>(date.month()), 2, out);
  out->Append('-');
  AppendPadded(static_cast<unsigned>(date.day()), 2, out);
  out->Append('\t');
  AppendPadded(time.hours().count(), 2, out);
  out->Append(':');
  AppendPadded(time.minutes().count(), 2, out);
  out->Append(':');
  AppendPadded(time.seconds().count(), 2, out);
  out->Append('.');
  AppendPadded(time.subseconds().count(), 6, out);
  out->Append('\t');
  out->AppendNumber(static_cast<uint64_t>(wall.unix_us / 1'000'000));
  out->Append('.');
  AppendPadded(wall.unix_us % 1'000'000, 6, out);
}

void Trace::WriteMessage(std::string_view what, std::string_view bytes) {
  char memory[256];
  TextWriter head(memory);
  head.Append("----------------------------------------------- ");
  WriteWallTime(wall_, files_.utc_offset_s, &head);
  head.Append("\nUDP message ");
  head.Append(what);
  head.Append(" [");
  head.AppendNumber(bytes.size());
  head.Append("] bytes:\n\n");
  files_.messages->Write(head.text());
  files_.messages->Write(bytes);
  files_.messages->Write("\n");
}

void Trace::Warn(std::initializer_list<std::string_view> pieces, std::string_view message) {
  if (files_.errors == nullptr) return;
  char memory[kWarningMax];
  TextWriter line(memory);
  WriteWallTime(wall_, files_.utc_offset_s, &line);
  line.Append(": ");
  for (const std::string_view piece : pieces) {
    line.Append(piece.substr(0, sizeof(memory) - 2 - line.size()));
  }
  line.Append(message.empty() ? "\n" : ":\n");
  files_.errors->Write(line.text());
  if (message.empty()) return;
  files_.errors->Write(message);
  files_.errors->Write("\n");
}

}  // namespace loadgen
