// A worker's thread builds its parts on its own core, takes turns until it is told to stop, and
// ends even from the deepest sleep; a start that fails says why (design, section 2).

#include "core/engine/worker_thread.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>

#include "core/engine/wake_fd.h"

namespace core::engine {
namespace {

/// Sleeps in every turn until it is woken.
class SleepyBody final : public WorkerThread::Body {
 public:
  absl::Status Start() override {
    EXPECT_EQ(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
    EXPECT_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
    starter = std::this_thread::get_id();
    return start_status;
  }
  void Turn() override {
    EXPECT_EQ(std::this_thread::get_id(), starter);
    ++turns;
    pollfd fd = {wake.fd(), POLLIN, 0};
    EXPECT_EQ(poll(&fd, 1, 20'000), 1);
    wake.Clear();
  }
  void Wake() override { wake.Wake(); }

  absl::Status start_status;
  WakeFd wake;
  std::atomic<int> turns = 0;
  std::thread::id starter;
  cpu_set_t cpus = {};
  char name[16] = {};
};

int SomeAllowedCpu() {
  cpu_set_t cpus;
  EXPECT_EQ(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
    if (CPU_ISSET(cpu, &cpus)) return cpu;
  }
  return -1;
}

TEST(WorkerThreadTest, RunsUntilStoppedOnItsCoreUnderItsName) {
  SleepyBody body;
  WorkerThread thread;
  const int cpu = SomeAllowedCpu();
  ASSERT_TRUE(thread.Start({.name = "worker-with-a-long-name", .cpu = cpu}, &body).ok());
  EXPECT_TRUE(thread.running());
  EXPECT_EQ(CPU_COUNT(&body.cpus), 1);
  EXPECT_TRUE(CPU_ISSET(cpu, &body.cpus));
  EXPECT_STREQ(body.name, "worker-with-a-l");
  EXPECT_NE(body.starter, std::this_thread::get_id());

  thread.Stop();
  EXPECT_FALSE(thread.running());
  thread.Stop();  // Twice is once.
}

TEST(WorkerThreadTest, TakesATurnForEachWake) {
  SleepyBody body;
  WorkerThread thread;
  ASSERT_TRUE(thread.Start({.name = "w"}, &body).ok());
  for (int turn = 1; turn < 100; ++turn) {
    while (body.turns < turn) std::this_thread::yield();
    body.Wake();
  }
  while (body.turns < 100) std::this_thread::yield();
  thread.Stop();
  EXPECT_EQ(body.turns, 100);
}

TEST(WorkerThreadTest, SaysWhyItsBodyDidNotStart) {
  SleepyBody body;
  body.start_status = absl::UnavailableError("no ring");
  WorkerThread thread;
  EXPECT_EQ(thread.Start({.name = "w"}, &body), absl::UnavailableError("no ring"));
  EXPECT_FALSE(thread.running());
  EXPECT_EQ(body.turns, 0);

  body.start_status = absl::OkStatus();
  EXPECT_TRUE(thread.Start({.name = "w"}, &body).ok());  // It may be tried again.
}

TEST(WorkerThreadTest, SaysThatACoreCannotBeHad) {
  SleepyBody body;
  WorkerThread thread;
  const absl::Status status = thread.Start({.name = "w", .cpu = CPU_SETSIZE - 1}, &body);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("1023"), absl::string_view::npos) << status;
  EXPECT_FALSE(PinThisThread(CPU_SETSIZE).ok());
  EXPECT_EQ(body.starter, std::thread::id());
}

TEST(WorkerThreadTest, StopsWhenItDies) {
  SleepyBody body;
  {
    WorkerThread thread;
    ASSERT_TRUE(thread.Start({.name = "w"}, &body).ok());
  }
  EXPECT_LE(body.turns, 2);
}

}  // namespace
}  // namespace core::engine
