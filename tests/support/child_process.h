#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace tests {

/// Runs `body` in a forked child, for what would spoil the test process itself: limits, seccomp
/// filters, network namespaces. Returns what `body` returned, 1 when an EXPECT in it failed, and -1
/// when it died.
template <typename Body>
int RunInChild(Body body) {
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    const int code = body();
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : code);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

/// What a child returns when the machine does not let it do its part: the test skips.
inline constexpr int kChildSkips = 77;

}  // namespace tests
