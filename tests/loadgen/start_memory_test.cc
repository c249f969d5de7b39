// Memory that runs out anywhere in a run of ringfence-load, from its command line to its report,
// ends it with 255 and says so (SIPp's code of what is wrong with the run, not with a call).

#include <gtest/gtest.h>

#include <csignal>
#include <ctime>
#include <initializer_list>
#include <vector>

#include "core/time/clock.h"
#include "loadgen/load_run.h"
#include "loadgen/options.h"
#include "loadgen/report.h"
#include "loadgen/signals.h"
#include "tests/support/failing_start.h"

namespace loadgen {
namespace {

// SIGTERM in a moment: one that comes before the first wait is only seen after it.
void EndSoon() {
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGTERM;
  timer_t timer = {};
  const itimerspec soon = {.it_interval = {}, .it_value = {0, 2'000'000}};
  EXPECT_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  EXPECT_EQ(timer_settime(timer, 0, &soon, nullptr), 0);
}

// As loadgen/main.cc does it.
int RunWith(std::initializer_list<const char*> words) {
  core::ExitWhenOutOfMemory(kOutOfMemory);
  const std::vector<const char*> arguments(words);
  absl::StatusOr<Options> options = ParseOptions(arguments);
  if (!options.ok()) return 2;
  core::KernelClock clock;
  LoadRun run(&*options, &clock);
  CatchSignals();
  if (!run.Prepare().ok() || !run.Open().ok() || !run.Start().ok()) return 3;
  EndSoon();
  const int code = run.Run();
  return code == kExitOk || code == kExitCallsFailed || code == kExitInternal ? 0 : code;
}

int StartServer() {
  return RunWith({"-sf", "scenarios/connector-outbound-talking.xml", "-i", "127.0.0.1", "-p", "0",
                  "-l", "4", "--json", "/dev/null", "-trace_msg", "-message_file", "/dev/null",
                  "-nostdin"});
}

int StartClient() {
  return RunWith({"-sf", "scenarios/pbx-outbound.xml", "-i", "127.0.0.1", "-r", "1", "-m", "1",
                  "-l", "4", "-s", "+18155558245", "-trace_stat", "-stf", "/dev/null", "-nostdin",
                  "127.0.0.1:9"});
}

TEST(LoadStartMemoryTest, EachAllocationOfAServersRunMayFail) {
  EXPECT_GT(tests::ExpectEachAllocationMayFail(&StartServer, kExitFatal), 100u);
}

TEST(LoadStartMemoryTest, EachAllocationOfAClientsRunMayFail) {
  EXPECT_GT(tests::ExpectEachAllocationMayFail(&StartClient, kExitFatal), 100u);
}

}  // namespace
}  // namespace loadgen
