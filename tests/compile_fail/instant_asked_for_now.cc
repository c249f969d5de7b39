// Protocol code is given the moment: the clock behind an Instant has no now() to ask.

#include "core/base/instant.h"

core::Instant Use(core::Instant now) {
#ifdef MISUSE
  now = core::WorkerTime::now();
#endif
  return now;
}
