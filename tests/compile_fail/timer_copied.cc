// A timer stands in its wheel by its address: a copy would be armed nowhere, or twice.

#include "core/time/timer_wheel.h"

void Use() {
  core::Timer timer(nullptr, nullptr);
#ifdef MISUSE
  core::Timer copy = timer;
  (void)copy;
#endif
  (void)timer;
}
