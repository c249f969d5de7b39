#include "sbc/control/record_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/concat.h"
#include "sbc/control/standard_error.h"

namespace sbc {
namespace {

constexpr size_t kPipeTakes = 4096;  // PIPE_BUF: what a writable pipe takes without blocking.

// Whether the file ends in part of a line: its disk was full, or its writer was killed.
bool EndsTorn(int file) {
  struct stat found = {};
  if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode) || found.st_size == 0) return false;
  char last = '\n';
  return pread(file, &last, 1, found.st_size - 1) == 1 && last != '\n';
}

ssize_t Write(int file, std::string_view bytes) {
  ssize_t written;
  do {
    written = write(file, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  return written;
}

}  // namespace

RecordFile::~RecordFile() {
  Flush();
  if (file_ != STDERR_FILENO) close(file_);
}

absl::Status RecordFile::Open(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  behind_ = file < 0;
  if (behind_) {
    return absl::Status(absl::ErrnoToStatusCode(errno),
                        core::Concat(path, ": cannot be written: ", std::strerror(errno)));
  }
  Flush();  // What was committed before belongs into the file of before.
  if (file_ != STDERR_FILENO) close(file_);
  file_ = file;
  torn_ = EndsTorn(file);
  return absl::OkStatus();
}

void RecordFile::Commit(core::Instant now) {
  ++lines_;
  if (buffer_.size() >= kBufferMax) return Flush();
  if (due_ == core::kNever) due_ = now + kGatherTime;
}

void RecordFile::Flush() {
  due_ = core::kNever;
  if (buffer_.empty()) return;
  if (file_ == STDERR_FILENO) {
    FlushToStandardError();
  } else {
    FlushToFile();
  }
  buffer_.clear();
}

void RecordFile::FlushToFile() {
  if (torn_) {
    if (Write(file_, "\n") != 1) return Lose(buffer_, errno);
    torn_ = false;
  }
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = Write(file_, rest);
    if (written <= 0) {
      Lose(rest, errno);
      return CutTornLine(buffer_.size() - rest.size());
    }
    rest.remove_prefix(static_cast<size_t>(written));
    torn_ = !rest.empty() && buffer_[buffer_.size() - rest.size() - 1] != '\n';
  }
}

// A full disk takes a part of a line. What is no record should not stand among them.
void RecordFile::CutTornLine(size_t written) {
  if (!torn_) return;
  const size_t line_end = buffer_.rfind('\n', written - 1);
  const size_t torn = line_end == std::string::npos ? written : written - line_end - 1;
  const off_t end = lseek(file_, 0, SEEK_END);
  if (end >= static_cast<off_t>(torn) && ftruncate(file_, end - static_cast<off_t>(torn)) == 0) {
    torn_ = false;
  }
}

void RecordFile::FlushToStandardError() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    // Whole lines, as many as a pipe takes; a longer line goes alone.
    size_t size = std::min(rest.size(), kPipeTakes);
    if (size < rest.size()) {
      const size_t end = rest.rfind('\n', size - 1);
      size = end != std::string_view::npos ? end + 1 : rest.find('\n') + 1;
    }
    if (!WriteToStandardError(rest.substr(0, size))) return Lose(rest, errno);
    rest.remove_prefix(size);
  }
}

void RecordFile::Lose(std::string_view rest, int error) {
  lost_ += static_cast<uint64_t>(std::count(rest.begin(), rest.end(), '\n'));
  error_ = error;
}

}  // namespace sbc
