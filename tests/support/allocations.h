#pragma once

#include <cstddef>

/// How often this program has called operator new, on any thread. Linking test_allocations replaces
/// the global operators, so a test can say "nothing is allocated after start" and mean it.
///
/// They stand in a file of their own: inlined into a test, gcc takes their free() for a mismatch.
size_t Allocations();

/// The n-th allocation from now on (1: the next) fails, as if the machine had no more memory.
void FailAllocation(size_t nth);
