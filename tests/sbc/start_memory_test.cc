#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "core/base/lazy_array.h"
#include "core/base/out_of_memory.h"
#include "sbc/config.h"
#include "sbc/host_registry.h"
#include "sbc/policy.h"
#include "tests/support/allocations.h"
#include "tests/support/sbc_world.h"
#include "tests/support/sim_network.h"
#include "tests/support/simulation.h"

namespace tests {
namespace {

constexpr char kYaml[] = R"(
limits: {calls: 100}
listeners:
  - {side: customer, address: 127.0.0.2}
  - {side: trunk, address: 127.0.0.3}
connectors:
  - id: dr3rbaar376u5r4ntcnlq4
    trunk: {host: 127.0.0.9, cidrs: [127.0.0.9/32]}
    termination: {CallingRegions: [US], CidrAllowedList: [127.0.0.4/32]}
    origination: {Routes: [{Host: 127.0.0.4, Priority: 1, Weight: 1}]}
)";

// What makes a worker: its configuration, tables, pools and network, the simulated one. The control
// thread and the kernel's ring are made after it in the same way, but not here.
void Start() {
  SimNetwork network(1);
  Simulation simulation(&network);
  SbcWorld world({.yaml = kYaml}, &network, &simulation);
  CHECK(world.worker().NextDue() > core::Instant{});
}

// The exit status of a start in which allocation `nth` fails.
int StatusOfStart(size_t nth) {
  const pid_t child = fork();
  if (child == 0) {
    (void)!freopen("/dev/null", "w", stderr);
    core::ExitWhenOutOfMemory("test");
    FailAllocation(nth);
    Start();
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

// Memory that runs out anywhere in a start ends it with exit code 1: no crash, no hang, and no
// program that runs with half of what it needs. (Issue of the first call, section 7.)
TEST(StartMemoryTest, EachAllocationOfAStartMayFail) {
  Start();  // What is made once in a process is made here.
  const size_t before = Allocations();
  Start();
  const size_t total = Allocations() - before;
  ASSERT_GT(total, 100u);

  // The first hundred one by one, then every so many, with a step that shares no factor with likely
  // patterns: forks cost milliseconds.
  const size_t step = total / 200 * 2 + 1;
  for (size_t nth = 1; nth <= total; nth += nth < 100 ? 1 : step) {
    const int status = StatusOfStart(nth);
    ASSERT_TRUE(WIFEXITED(status))
        << "allocation " << nth << " of " << total << ": signal " << WTERMSIG(status);
    ASSERT_EQ(WEXITSTATUS(status), 1) << "allocation " << nth << " of " << total;
  }
  EXPECT_EQ(StatusOfStart(total * 2), 0);
}

// A table is mapped, not allocated, and says the same.
TEST(StartMemoryTest, AddressSpaceThatIsRefusedIsToldAsMemoryIs) {
  EXPECT_EXIT(
      {
        core::ExitWhenOutOfMemory("test");
        const core::LazyArray<char> table(size_t{1} << 62);
      },
      testing::ExitedWithCode(1), "test: out of memory: lower limits.calls");
}

}  // namespace
}  // namespace tests
