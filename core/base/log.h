#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/base/instant.h"

namespace core {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

/// UTC by RFC 3339, to the microsecond: "2026-11-26T12:00:00.000000Z". The text lies in `out`.
std::string_view FormatTime(WallTime wall, char (&out)[32]);
/// Whether a line's value needs no quotes: words and numbers, addresses, paths.
bool IsBareValue(std::string_view value);

/// Where lines go. A worker's sink hands them to the control thread, a test's keeps them.
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// `line` ends in '\n' and dies with the call.
  virtual void Write(std::string_view line) = 0;
};

/// Standard error, or a file that is appended to: one write(2) a line, so that lines of several
/// processes do not mix.
///
/// Errors: Open() says why a file cannot be written. A line that the system refuses later (a full
///         disk) is counted in lost(), as a log must never stop a call.
class FileLogSink final : public LogSink {
 public:
  FileLogSink() = default;  // Standard error, until Open().
  FileLogSink(const FileLogSink&) = delete;
  FileLogSink& operator=(const FileLogSink&) = delete;
  ~FileLogSink() override;

  /// Opening the same path again follows a rotated file.
  [[nodiscard]] absl::Status Open(const std::string& path);
  void Write(std::string_view line) override;
  uint64_t lost() const { return lost_; }

 private:
  int file_ = 2;
  uint64_t lost_ = 0;
};

/// One place that logs: its event's name, its level, and how often it may speak. A member of the
/// object that logs, so that each worker counts for itself.
///
/// Shape: at most `lines_per_second` lines in a second; the next line that passes says how many
///        were suppressed in between.
class LogSite {
 public:
  constexpr LogSite(LogLevel level, std::string_view event, uint32_t lines_per_second = 10)
      : event_(event), lines_per_second_(lines_per_second), level_(level) {}

 private:
  friend class LogLine;
  bool Admit(Instant now);

  std::string_view event_;  // A literal.
  uint32_t lines_per_second_;
  uint32_t lines_ = 0;  // Since second_began_.
  uint64_t suppressed_ = 0;
  Instant second_began_{};
  LogLevel level_;
};

/// What a worker, or the control thread, logs through: sink, least level, and the time of this
/// turn.
class Logger {
 public:
  Logger(LogSink* sink, LogLevel least) : sink_(sink), least_(least) {}

  /// Once a turn, by whoever has read the clock.
  void SetTime(Instant now, WallTime wall) {
    now_ = now;
    wall_ = wall;
  }
  void SetLeast(LogLevel least) { least_ = least; }
  bool Enabled(LogLevel level) const { return level >= least_; }

 private:
  friend class LogLine;
  LogSink* sink_;
  LogLevel least_;
  Instant now_{};
  WallTime wall_{};
};

/// One line, `time=... level=... event=... key=value ...`, written when it dies:
///
///     LogLine(&log_, &route_down_).Text("route", route.host).Number("code", 503);
///
/// Shape:    at most kBytesMax bytes. A value is cut after kValueMax bytes, so that a peer's cannot
///           push out the ones after it; a field that still does not fit ends the line. Either way
///           the line says truncated=true. A value outside [A-Za-z0-9._:/@+-] is quoted, and every
///           byte of it that is not printable ASCII is written as \xNN: no value can end the line,
///           forge a key or drive a terminal.
/// Lifetime: a temporary of one statement. No allocation, whether it is written or suppressed.
class LogLine {
 public:
  static constexpr size_t kBytesMax = 2048;
  static constexpr size_t kValueMax = 256;

  LogLine(Logger* logger, LogSite* site);
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;
  ~LogLine();

  /// `key` is a literal of ours; `value` may be anybody's bytes.
  LogLine& Text(std::string_view key, std::string_view value);
  LogLine& Flag(std::string_view key, bool value) {
    return Bare(key, value ? std::string_view("true") : std::string_view("false"));
  }
  template <std::integral T>
  LogLine& Number(std::string_view key, T value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    return Bare(key, {digits, static_cast<size_t>(end - digits)});
  }
  /// In milliseconds, to the microsecond; the key ends in _ms.
  LogLine& Milliseconds(std::string_view key, Duration value);

 private:
  LogLine& Bare(std::string_view key, std::string_view value);
  bool AppendField(std::string_view key, std::string_view value, bool quoted);
  bool Append(std::string_view bytes);
  bool AppendQuoted(std::string_view value);

  Logger* logger_;  // Null when the line is suppressed.
  size_t size_ = 0;
  bool full_ = false;
  bool truncated_ = false;
  char bytes_[kBytesMax];
};

}  // namespace core
