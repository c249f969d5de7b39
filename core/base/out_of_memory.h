#pragma once

namespace core {

/// How a program ends where memory cannot be had, and what it says then: "<program>: out of memory:
/// <advice>, or give the machine more".
///
/// Lifetime: its texts must live for ever.
struct OutOfMemoryAnswer {
  const char* program;
  const char* advice;  // What to ask for less of.
  int exit_code = 1;
};

/// From here on, memory that cannot be had ends the program with that code and that one line; so
/// does any exception that nobody catches, with a line of its own: we throw none, so it is a
/// library's, a refused thread most likely. All is had at start, so this is an operator's answer
/// (less to ask for, a larger machine), never a call's.
void ExitWhenOutOfMemory(const OutOfMemoryAnswer& answer);

/// Where memory that is not `new`'s cannot be had: as if it were.
[[noreturn]] void OutOfMemory();

}  // namespace core
