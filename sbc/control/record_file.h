#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/base/instant.h"

namespace sbc {

/// Whole lines, gathered and appended to a file or to standard error.
///
/// Shape:  at most kBufferMax bytes wait; they leave when they are that many, a second old, or at
///         Flush().
/// Errors: Open() says why a file cannot be written. Later a line that cannot be written (a full
///         disk, a reader of standard error that is slow) is dropped and counted, and error() says
///         why: no log may stop a call. A file that ends in part of a line, from now or from
///         a run before, gets an end of line before the next, so that no two run together.
/// Thread: the control thread's. A write to a file may block; one to standard error does not, as
///         long as it is a pipe, a file or a terminal.
class RecordFile {
 public:
  static constexpr size_t kBufferMax = size_t{64} << 10;
  static constexpr core::Duration kGatherTime = std::chrono::seconds(1);

  RecordFile() { buffer_.reserve(2 * kBufferMax); }  // Standard error, until Open().
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;
  ~RecordFile();

  /// Once more with the same path, it follows a rotated file. On an error the file of before stays,
  /// and is_behind() until an Open() succeeds.
  absl::Status Open(const std::string& path);
  bool is_behind() const { return behind_; }

  /// The buffer to append one line to; Commit() follows.
  std::string* line() { return &buffer_; }
  void Commit(core::Instant now);
  void FlushIfDue(core::Instant now) {
    if (now >= due_) Flush();
  }
  void Flush();
  core::Instant next_due() const { return due_; }

  uint64_t lines() const { return lines_; }  // Committed, lost ones included.
  uint64_t lost() const { return lost_; }
  int error() const { return error_; }  // The errno of the last loss.

 private:
  void CutTornLine(size_t written);
  void FlushToStandardError();
  void FlushToFile();
  void Lose(std::string_view rest, int error);

  int file_ = 2;
  std::string buffer_;
  core::Instant due_ = core::kNever;
  bool behind_ = false;
  bool torn_ = false;  // The file ends in part of a line.
  uint64_t lines_ = 0;
  uint64_t lost_ = 0;
  int error_ = 0;
};

}  // namespace sbc
