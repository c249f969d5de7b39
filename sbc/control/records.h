#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "core/base/instant.h"
#include "core/base/log.h"
#include "sbc/call_record.h"
#include "sbc/config.h"
#include "sbc/control/cdr.h"
#include "sbc/control/media_log.h"
#include "sbc/control/record_file.h"
#include "sbc/control/sip_log_writer.h"

namespace sbc {

/// What is written of each call: at its end its line, its CDR, and what its media did, which is
/// written once a minute too; and its SIP messages where they are logged.
///
/// Shape:  with `logs.directory`, `calls.log`, `cdr.jsonl`, `media.jsonl` and `sip.jsonl` there.
///         Without it, the lines go to standard error and nothing else is written.
/// Errors: Open() says which file cannot be written. What is lost later is counted, and logged once
///         a minute.
/// Thread: the control thread's.
class Records {
 public:
  static constexpr core::Duration kLossTold = std::chrono::minutes(1);

  explicit Records(core::Logger* log) : log_(log) {}

  /// At start, and again to follow rotated files. Each is tried; the first error is told.
  absl::Status Open(const std::string& directory);
  void Configure(const Config& config);

  void OnCall(const CallReport& report, core::Instant now);
  /// It goes on.
  void OnMinute(const CallReport& report, core::Instant now);
  void OnSipMessage(const SipLogWriter::Entry& entry, core::Instant now);
  void OnTime(core::Instant now);
  core::Instant next_due() const {
    return std::min({calls_.next_due(), cdrs_.next_due(), media_.next_due(), sip_.next_due()});
  }
  void Flush();
  /// The last of it: what was lost since it was last told is told.
  void Close();

  uint64_t lines_lost() const { return calls_.lost(); }
  uint64_t cdrs_lost() const { return cdrs_.lost(); }
  uint64_t media_lost() const { return media_.lost(); }
  uint64_t sip_lost() const { return sip_.lost(); }
  // Those that go on in the file of before, as the last Open() had an error for them.
  bool lines_behind() const { return calls_.is_behind(); }
  bool cdrs_behind() const { return cdrs_.is_behind(); }
  bool media_behind() const { return media_.is_behind(); }
  bool sip_behind() const { return sip_.is_behind(); }

 private:
  bool TellLosses();  // False: nothing new was lost.

  core::Logger* log_;
  core::LogSite lost_{core::LogLevel::kError, "records_lost"};
  bool has_directory_ = false;
  CdrWriter cdr_writer_;
  MediaLogWriter media_writer_;
  SipLogWriter sip_writer_;
  RecordFile calls_;
  RecordFile cdrs_;
  RecordFile media_;
  RecordFile sip_;
  uint64_t losses_told_ = 0;
  core::Instant tell_again_{};
};

}  // namespace sbc
