#include "core/engine/wake_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "core/base/check.h"

namespace core::engine {

WakeFd::WakeFd() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { CHECK(fd_ >= 0); }

WakeFd::~WakeFd() { close(fd_); }

void WakeFd::Wake() {
  const uint64_t one = 1;
  // It can only fail when the count is at its end, and then the descriptor is readable anyway.
  (void)!write(fd_, &one, sizeof(one));
}

void WakeFd::Clear() {
  uint64_t count;
  (void)!read(fd_, &count, sizeof(count));  // Nothing to read means that nobody woke us.
}

}  // namespace core::engine
