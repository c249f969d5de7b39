#pragma once

#include <cstdio>
#include <cstdlib>

namespace core {

/// Says where our own invariant broke and aborts. The supervisor restarts us; going on could bridge
/// the wrong call.
[[noreturn]] inline void CheckFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace core

/// An invariant of ours. On in release too: it is never used for what a peer or an operator can
/// cause.
#define CHECK(expression)                             \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? (void)0                                      \
       : ::core::CheckFailed(#expression, __FILE__, __LINE__))
