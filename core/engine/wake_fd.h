#pragma once

#include "core/engine/mailbox.h"

namespace core::engine {

/// A waker for a thread that sleeps in poll(2): the control thread.
///
/// Shape:  a descriptor that is readable from Wake() to Clear(), however often it was woken.
/// Thread: Wake() is any thread's, the rest the sleeper's.
class WakeFd final : public Waker {
 public:
  WakeFd();
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;
  ~WakeFd() override;

  int fd() const { return fd_; }
  void Wake() override;
  void Clear();

 private:
  int fd_;
};

}  // namespace core::engine
