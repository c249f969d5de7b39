#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/base/instant.h"
#include "core/base/log.h"
#include "loadgen/media/media_record.h"

namespace loadgen {

/// -trace_media: a line of CSV for each call with audio, which has one stream each way, written as
/// the call ends: nothing is kept, however many there are. What is not known is empty.
///
/// Shape:  `;` between columns, as in SIPp's files; of a Call-ID what would end a column is `_`.
/// Errors: Open() says why the file cannot be written. A line that the system refuses later (a full
///         disk) is counted in lost(), and the run goes on.
class MediaRecordFile {
 public:
  absl::Status Open(const std::string& path);
  void Write(const MediaRecord& record, core::WallTime wall);
  uint64_t lost() const { return file_.lost(); }

  static std::string_view Header();

 private:
  core::FileLogSink file_;
};

}  // namespace loadgen
