#include "tests/support/failing_start.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/support/allocations.h"

namespace tests {
namespace {

constexpr unsigned kHangsAfter = 30;  // Seconds; then SIGALRM ends it, and that is no exit code.
constexpr size_t kSaidMax = 4096;

[[noreturn]] void RunChild(size_t nth, Start start, int out) {
  (void)alarm(kHangsAfter);
  const int null = open("/dev/null", O_RDWR);
  (void)dup2(null, STDOUT_FILENO);
  (void)dup2(out, STDERR_FILENO);
  FailAllocation(nth);
  const int code = start();
  std::fflush(nullptr);
  _exit(code);
}

}  // namespace

StartOutcome StartWithout(size_t nth, Start start) {
  StartOutcome outcome;
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) RunChild(nth, start, ends[1]);
  close(ends[1]);
  char bytes[512];
  for (ssize_t size = 0; (size = read(ends[0], bytes, sizeof(bytes))) > 0;) {
    if (outcome.said.size() < kSaidMax) outcome.said.append(bytes, static_cast<size_t>(size));
  }
  close(ends[0]);
  EXPECT_EQ(waitpid(child, &outcome.status, 0), child);
  return outcome;
}

size_t ExpectEachAllocationMayFail(Start start, int exit_code) {
  const bool each = std::getenv("RINGFENCE_LONG") != nullptr;
  size_t failed = 0;
  for (size_t nth = 1;; nth += each || nth < 100 ? 1 : std::max<size_t>(1, nth / 30)) {
    const StartOutcome outcome = StartWithout(nth, start);
    if (!WIFEXITED(outcome.status)) {
      ADD_FAILURE() << "allocation " << nth << ": signal " << WTERMSIG(outcome.status) << "\n"
                    << outcome.said;
      return failed;
    }
    const int code = WEXITSTATUS(outcome.status);
    const bool out_of_memory = outcome.said.find(": out of memory: ") != std::string::npos;
    if (code == 0 && !out_of_memory) return failed;
    if (code != exit_code || !out_of_memory) {
      ADD_FAILURE() << "allocation " << nth << ": exit code " << code << "\n" << outcome.said;
      return failed;
    }
    ++failed;
  }
}

}  // namespace tests
