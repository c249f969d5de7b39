#include "core/base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace core {
namespace {

constexpr std::string_view kTruncated = " truncated=true\n";

std::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "unknown";
}

// Digits with leading zeros, `width` of them.
char* WriteDigits(char* to, int64_t value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return to + width;
}

}  // namespace

bool IsBareValue(std::string_view value) {
  constexpr std::string_view kBare =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@+-";
  return !value.empty() && value.find_first_not_of(kBare) == std::string_view::npos;
}

std::string_view FormatTime(WallTime wall, char (&out)[32]) {
  using std::chrono::days;
  using std::chrono::microseconds;
  const std::chrono::sys_time<microseconds> time{microseconds(wall.unix_us)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char* end = WriteDigits(out, int{date.year()}, 4);
  *end++ = '-';
  end = WriteDigits(end, unsigned{date.month()}, 2);
  *end++ = '-';
  end = WriteDigits(end, unsigned{date.day()}, 2);
  *end++ = 'T';
  end = WriteDigits(end, clock.hours().count(), 2);
  *end++ = ':';
  end = WriteDigits(end, clock.minutes().count(), 2);
  *end++ = ':';
  end = WriteDigits(end, clock.seconds().count(), 2);
  *end++ = '.';
  end = WriteDigits(end, clock.subseconds().count(), 6);
  *end++ = 'Z';
  return {out, static_cast<size_t>(end - out)};
}

FileLogSink::~FileLogSink() {
  if (file_ != STDERR_FILENO) close(file_);
}

absl::Status FileLogSink::Open(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (file < 0) {
    return absl::Status(absl::ErrnoToStatusCode(errno),
                        absl::StrCat(path, ": cannot be written: ", strerror(errno)));
  }
  if (file_ != STDERR_FILENO) close(file_);
  file_ = file;
  return absl::OkStatus();
}

void FileLogSink::Write(std::string_view line) {
  ssize_t written;
  do {
    written = write(file_, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(line.size())) ++lost_;
}

bool LogSite::Admit(Instant now) {
  if (now - second_began_ >= std::chrono::seconds(1) || lines_ == 0) {
    second_began_ = now;
    lines_ = 0;
  }
  if (lines_ >= lines_per_second_) {
    ++suppressed_;
    return false;
  }
  ++lines_;
  return true;
}

LogLine::LogLine(Logger* logger, LogSite* site) : logger_(nullptr) {
  if (!logger->Enabled(site->level_) || !site->Admit(logger->now_)) return;
  logger_ = logger;
  char time[32];
  (void)Append("time=");  // The first three always fit.
  (void)Append(FormatTime(logger->wall_, time));
  Bare("level", NameOf(site->level_)).Bare("event", site->event_);
  if (site->suppressed_ > 0) Number("suppressed", site->suppressed_);
  site->suppressed_ = 0;
}

LogLine::~LogLine() {
  if (logger_ == nullptr) return;
  // Append() keeps room for either ending.
  const std::string_view end = truncated_ ? kTruncated : std::string_view("\n");
  std::memcpy(bytes_ + size_, end.data(), end.size());
  logger_->sink_->Write({bytes_, size_ + end.size()});
}

bool LogLine::Append(std::string_view bytes) {
  if (bytes.size() > kBytesMax - kTruncated.size() - size_) return false;
  std::memcpy(bytes_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  return true;
}

// A field is written whole or not at all: half a number would be a wrong one.
bool LogLine::AppendField(std::string_view key, std::string_view value, bool quoted) {
  const size_t before = size_;
  if (Append(" ") && Append(key) && Append("=") && (quoted ? AppendQuoted(value) : Append(value))) {
    return true;
  }
  size_ = before;
  return false;
}

LogLine& LogLine::Bare(std::string_view key, std::string_view value) {
  if (logger_ == nullptr || full_) return *this;
  full_ = !AppendField(key, value, false);
  truncated_ |= full_;
  return *this;
}

LogLine& LogLine::Text(std::string_view key, std::string_view value) {
  if (logger_ == nullptr || full_) return *this;
  const std::string_view kept = value.substr(0, kValueMax);
  full_ = !AppendField(key, kept, !IsBareValue(kept));
  truncated_ |= full_ || kept.size() < value.size();
  return *this;
}

bool LogLine::AppendQuoted(std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (!Append("\"")) return false;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool printable = byte >= 0x20 && byte < 0x7f;
    const char escaped[] = {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    const char marked[] = {'\\', c};
    std::string_view written(&c, 1);
    if (!printable) written = {escaped, 4};
    if (c == '"' || c == '\\') written = {marked, 2};
    if (!Append(written)) return false;
  }
  return Append("\"");
}

LogLine& LogLine::Milliseconds(std::string_view key, Duration value) {
  const int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(value).count();
  const uint64_t size =
      us < 0 ? uint64_t{0} - static_cast<uint64_t>(us) : static_cast<uint64_t>(us);
  char text[32];
  char* end = text;
  if (us < 0) *end++ = '-';
  end = std::to_chars(end, text + 24, size / 1'000).ptr;
  *end++ = '.';
  end = WriteDigits(end, static_cast<int64_t>(size % 1'000), 3);
  return Bare(key, {text, static_cast<size_t>(end - text)});
}

}  // namespace core
