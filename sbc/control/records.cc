#include "sbc/control/records.h"

#include <cstring>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "sbc/control/call_log.h"

namespace sbc {

absl::Status Records::Open(const std::string& directory) {
  if (directory.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(calls_.Open(core::Concat(directory, "/calls.log")));
  RETURN_IF_ERROR(cdrs_.Open(core::Concat(directory, "/cdr.jsonl")));
  writes_cdrs_ = true;
  return absl::OkStatus();
}

void Records::OnCall(const CallRecord& record, core::Instant now) {
  AppendCallLine(record, calls_.line());
  calls_.Commit(now);
  if (!writes_cdrs_) return;
  cdr_writer_.Append(record, cdrs_.line());
  cdrs_.Commit(now);
}

void Records::OnTime(core::Instant now) {
  calls_.FlushIfDue(now);
  cdrs_.FlushIfDue(now);
  TellLosses(now);
}

void Records::Flush() {
  calls_.Flush();
  cdrs_.Flush();
}

void Records::TellLosses(core::Instant now) {
  const uint64_t losses = calls_.lost() + cdrs_.lost();
  if (losses == losses_told_ || now < tell_again_) return;
  losses_told_ = losses;
  tell_again_ = now + kLossTold;
  const int error = cdrs_.error() != 0 ? cdrs_.error() : calls_.error();
  core::LogLine(log_, &lost_)
      .Number("call_lines", calls_.lost())
      .Number("cdrs", cdrs_.lost())
      .Text("error", std::strerror(error));
}

}  // namespace sbc
