#pragma once

#include <string>

#include "core/base/check.h"

namespace tests {

/// How a start ended in which one allocation was refused.
struct StartOutcome {
  int status = -1;   // As waitpid() gives it.
  std::string said;  // On standard error, the first part of it.
};

/// A program's start: its exit code.
using Start = int (*)();

/// Runs `start` in a child in which allocation `nth` fails (1: the first).
StartOutcome StartWithout(size_t nth, Start start);

/// Runs `start` again and again, each time with the next allocation refused, until there is none
/// left to refuse; each ends with `exit_code` and says that memory ran out, and the last with what
/// it returns, which must be 0. With RINGFENCE_LONG that is every allocation; else the first
/// hundred, then in growing steps, for forks cost milliseconds. How many starts failed.
size_t ExpectEachAllocationMayFail(Start start, int exit_code);

}  // namespace tests
