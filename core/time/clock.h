#pragma once

#include "core/base/instant.h"

namespace core {

/// The one reader of time. A worker asks once a turn; the simulation has its own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() = 0;
  virtual WallTime Wall() = 0;
};

/// CLOCK_MONOTONIC and CLOCK_REALTIME.
class KernelClock final : public Clock {
 public:
  Instant Now() override;
  WallTime Wall() override;
};

}  // namespace core
