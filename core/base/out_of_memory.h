#pragma once

namespace core {

/// From here on, memory that cannot be had ends the program with exit code 1 and one plain line
/// that names it. All memory is had at start, so this is an operator's answer (a smaller `limits`,
/// a larger machine), never a call's. `program` must live for ever.
void ExitWhenOutOfMemory(const char* program);

/// Where memory that is not `new`'s cannot be had: as if it were.
[[noreturn]] void OutOfMemory();

}  // namespace core
