#pragma once

#include <optional>

namespace sbc {

/// SIGTERM, SIGINT and SIGHUP as a descriptor that the control loop polls. SIGPIPE is ignored.
///
/// Lifetime: made before any thread starts, so that all inherit the mask and none is interrupted.
/// Thread:   the control thread's.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int fd() const { return fd_; }
  /// The next signal that came; nothing when there is none.
  std::optional<int> Take();

 private:
  int fd_;
};

}  // namespace sbc
