#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "core/base/instant.h"
#include "core/base/log.h"

namespace loadgen {

/// The files of -trace_msg and -trace_err.
///
/// Shape:  a warning is cut at kWarningMax bytes.
/// Thread: one worker's. Off, each costs a comparison; on, a write(2) for each message.
class Trace {
 public:
  static constexpr size_t kWarningMax = 4096;

  struct Files {
    core::LogSink* messages = nullptr;  // Null: off.
    core::LogSink* errors = nullptr;
    int32_t utc_offset_s = 0;
  };
  Trace() = default;
  explicit Trace(const Files& files) : files_(files) {}

  /// Once a turn.
  void SetWall(core::WallTime wall) { wall_ = wall; }
  core::WallTime wall() const { return wall_; }

  void Sent(std::string_view bytes) {
    if (files_.messages != nullptr) WriteMessage("sent", bytes);
  }
  void Received(std::string_view bytes) {
    if (files_.messages != nullptr) WriteMessage("received", bytes);
  }
  bool warns() const { return files_.errors != nullptr; }
  /// One line of these pieces, and behind it, where there is one, the message that it is about.
  void Warn(std::initializer_list<std::string_view> pieces, std::string_view message = {});

 private:
  void WriteMessage(std::string_view what, std::string_view bytes);

  Files files_;
  core::WallTime wall_;
};

}  // namespace loadgen
