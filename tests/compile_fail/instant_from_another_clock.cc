// A moment of the system's clock is not a moment of the worker's.

#include <chrono>

#include "core/base/instant.h"

bool Use(std::chrono::steady_clock::time_point kernel, core::Instant now) {
#ifdef MISUSE
  return kernel < now;
#endif
  return kernel.time_since_epoch() < now.time_since_epoch();
}
