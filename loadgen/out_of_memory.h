#pragma once

namespace loadgen {

/// From here on, memory that cannot be had ends the program with kExitFatal and one plain line:
/// what it needs it has at the start, so that is the operator's to mend, and no call has failed.
void ExitWhenOutOfMemory();

}  // namespace loadgen
