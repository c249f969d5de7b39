#include "sbc/control/records.h"

#include <cstring>

#include "core/base/concat.h"
#include "sbc/control/call_log.h"

namespace sbc {

absl::Status Records::Open(const std::string& directory) {
  if (directory.empty()) return absl::OkStatus();
  absl::Status first = calls_.Open(core::Concat(directory, "/calls.log"));
  first.Update(cdrs_.Open(core::Concat(directory, "/cdr.jsonl")));
  first.Update(media_.Open(core::Concat(directory, "/media.jsonl")));
  first.Update(sip_.Open(core::Concat(directory, "/sip.jsonl")));
  has_directory_ |= first.ok();
  return first;
}

void Records::Configure(const Config& config) {
  cdr_writer_.Configure(config);
  media_writer_.Configure(config);
  sip_writer_.Configure(config);
}

void Records::OnCall(const CallReport& report, core::Instant now) {
  AppendCallLine(report, calls_.line());
  calls_.Commit(now);
  if (!has_directory_) return;
  cdr_writer_.Append(report.call, cdrs_.line());
  cdrs_.Commit(now);
  OnMinute(report, now);
}

void Records::OnMinute(const CallReport& report, core::Instant now) {
  if (!has_directory_ || !media_writer_.Wants(report)) return;
  media_writer_.Append(report, media_.line());
  media_.Commit(now);
}

void Records::OnSipMessage(const SipLogWriter::Entry& entry, core::Instant now) {
  if (!has_directory_) return;
  sip_writer_.Append(entry, sip_.line());
  sip_.Commit(now);
}

void Records::OnTime(core::Instant now) {
  calls_.FlushIfDue(now);
  cdrs_.FlushIfDue(now);
  media_.FlushIfDue(now);
  sip_.FlushIfDue(now);
  if (now < tell_again_) return;
  if (TellLosses()) tell_again_ = now + kLossTold;
}

void Records::Flush() {
  calls_.Flush();
  cdrs_.Flush();
  media_.Flush();
  sip_.Flush();
}

void Records::Close() {
  Flush();
  (void)TellLosses();
}

bool Records::TellLosses() {
  const uint64_t losses = calls_.lost() + cdrs_.lost() + media_.lost() + sip_.lost();
  if (losses == losses_told_) return false;
  losses_told_ = losses;
  int error = 0;
  for (const RecordFile* file : {&sip_, &media_, &calls_, &cdrs_}) {
    if (file->error() != 0) error = file->error();
  }
  core::LogLine(log_, &lost_)
      .Number("call_lines", calls_.lost())
      .Number("cdrs", cdrs_.lost())
      .Number("media", media_.lost())
      .Number("sip", sip_.lost())
      .Text("error", std::strerror(error));
  return true;
}

}  // namespace sbc
