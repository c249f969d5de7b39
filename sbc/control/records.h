#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "core/base/instant.h"
#include "core/base/log.h"
#include "sbc/call_record.h"
#include "sbc/config.h"
#include "sbc/control/cdr.h"
#include "sbc/control/record_file.h"

namespace sbc {

/// What is written of each call at its end: its line, and its CDR.
///
/// Shape:  with `logs.directory`, `calls.log` and `cdr.jsonl` there. Without it, the lines go to
///         standard error and no CDR is written.
/// Errors: Open() says which file cannot be written. What is lost later is counted, and logged once
///         a minute.
/// Thread: the control thread's.
class Records {
 public:
  static constexpr core::Duration kLossTold = std::chrono::minutes(1);

  explicit Records(core::Logger* log) : log_(log) {}

  /// At start, and again to follow rotated files.
  absl::Status Open(const std::string& directory);
  void Configure(const Config& config) { cdr_writer_.Configure(config); }

  void OnCall(const CallRecord& record, core::Instant now);
  void OnTime(core::Instant now);
  core::Instant next_due() const { return std::min(calls_.next_due(), cdrs_.next_due()); }
  void Flush();

  uint64_t lines_lost() const { return calls_.lost(); }
  uint64_t cdrs_lost() const { return cdrs_.lost(); }

 private:
  void TellLosses(core::Instant now);

  core::Logger* log_;
  core::LogSite lost_{core::LogLevel::kError, "records_lost"};
  bool writes_cdrs_ = false;
  CdrWriter cdr_writer_;
  RecordFile calls_;
  RecordFile cdrs_;
  uint64_t losses_told_ = 0;
  core::Instant tell_again_{};
};

}  // namespace sbc
