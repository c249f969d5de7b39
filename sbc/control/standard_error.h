#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/log.h"

namespace sbc {

/// Standard error for the control thread's lines, without ever waiting for its reader: whoever is
/// at the other end of the pipe may have stopped, and a drain must go on.
///
/// Errors: a line for which there is no room is counted in lost().
/// Thread: the control thread's.
class StandardError final : public core::LogSink {
 public:
  void Write(std::string_view line) override;
  uint64_t lost() const { return lost_; }

 private:
  uint64_t lost_ = 0;
};

/// Writes at most what a pipe takes at once (4096 bytes) to standard error; false where it would
/// block or fails, with errno set.
[[nodiscard]] bool WriteToStandardError(std::string_view bytes);

}  // namespace sbc
