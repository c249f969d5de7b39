#pragma once

#include <cstdint>

namespace loadgen {

/// What the operator asks for by signals: SIGUSR1 and SIGINT let the calls that are open come to
/// their end, a second one does not wait, SIGTERM never does. SIGUSR2 is SIPp's for its screens:
/// the report so far. SIGPIPE is ignored.
///
/// Shape: a wait that is under way is interrupted; a signal that comes just before one is seen when
///        the run next looks, a fraction of a second later.
void CatchSignals();

enum class Asked : uint8_t { kNothing, kDrain, kEnd };
Asked AskedBySignal();
/// Whether a report was asked for since the last time this was called.
bool TakeReportSignal();

}  // namespace loadgen
