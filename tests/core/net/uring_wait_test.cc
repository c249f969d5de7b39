// Goal: a worker sleeps when it is idle, collects within its latency budget when it is not, can be
// woken, and knows when a datagram came (packet-core rules 4 to 6).

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/buffer/packet_pool.h"
#include "core/net/uring_io.h"
#include "core/time/clock.h"
#include "tests/core/net/uring_fixture.h"

namespace tests {
namespace {

using core::Endpoint;
using core::Instant;
using core::net::SocketOptions;
using core::net::UringIo;
using core::net::UringIoOptions;
using namespace std::chrono_literals;

using UringWaitTest = UringKernelTest;

INSTANTIATE_TEST_SUITE_P(BothWaits, UringWaitTest,
                         testing::Values(core::net::WaitMode::kAuto, core::net::WaitMode::kSleep),
                         NameOfWait);

// Wake() from another thread ends a wait that is under way, or the next one, long before its
// deadline; in a budget wait it may take that budget.
TEST_P(UringWaitTest, WakeEndsAWait) {
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  PlainSocket sender;
  const Endpoint local = io->LocalOf(Open(io.get()));
  std::atomic<int> waiting{0};
  constexpr int kRounds = 40;
  std::thread other([&] {
    for (int round = 1; round <= kRounds; ++round) {
      while (waiting.load() < round) std::this_thread::yield();
      io->Wake();
    }
  });
  const Instant begin = clock_.Now();
  for (int round = 1; round <= kRounds; ++round) {
    if (round % 2 == 0) {  // The last turn had work: this wait begins with the budget.
      sender.SendTo(local, "x");
      io->FlushAndWait(Instant{});
    }
    waiting = round;
    io->FlushAndWait(clock_.Now() + 20s);
  }
  other.join();
  EXPECT_LT(clock_.Now() - begin, 10s);
}

// Idle workers do not tick (rule 6): with sockets armed and nothing coming, a wait lasts as long as
// it was told to.
TEST_P(UringWaitTest, IdleWorkersSleep) {
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  for (int i = 0; i < 50; ++i) Open(io.get());
  io->FlushAndWait(Instant{});
  const uint64_t before = io->counters().turns;
  const Instant end = clock_.Now() + 300ms;
  while (clock_.Now() < end) io->FlushAndWait(end);
  EXPECT_LE(io->counters().turns - before, 2u);
}

// One wake-up serves all that comes within the latency budget, and with no budget each datagram
// wakes.
TEST_P(UringWaitTest, ABudgetCollects) {
  UringIoOptions options = Options();
  options.latency_budget = 100ms;
  std::unique_ptr<UringIo> io = MakeIo(&clock_, options);
  const Endpoint local = io->LocalOf(Open(io.get()));
  PlainSocket sender;
  sender.SendTo(local, "first");
  io->FlushAndWait(Instant{});              // Arms, and has work: the next wait collects.
  sender.SendTo(local, "before the wait");  // That it waits already does not cut the budget short.
  std::thread other([&] {
    for (int i = 1; i < 10; ++i) {
      sender.SendTo(local, std::to_string(i));
      std::this_thread::yield();
    }
  });
  io->FlushAndWait(clock_.Now() + 10s);
  EXPECT_EQ(io->Receive().size(), 10u);
  other.join();
}

TEST_P(UringWaitTest, NoBudgetWakesAtOnce) {
  UringIoOptions options = Options();
  options.latency_budget = 0ms;
  std::unique_ptr<UringIo> io = MakeIo(&clock_, options);
  const Endpoint local = io->LocalOf(Open(io.get()));
  PlainSocket sender;
  io->FlushAndWait(Instant{});
  const Instant begin = clock_.Now();
  for (int i = 0; i < 100; ++i) {
    sender.SendTo(local, "x");
    io->FlushAndWait(clock_.Now() + 10s);
    ASSERT_EQ(io->Receive().size(), 1u);
  }
  EXPECT_LT(clock_.Now() - begin, 5s);
}

// One submission a turn (rule 5): sixteen sends and their receipt are one system call, or three
// where the budget is slept; and now and then one more that finds nothing.
TEST_P(UringWaitTest, ATurnIsOneSystemCall) {
  constexpr uint64_t kTurns = 100;
  constexpr size_t kSends = 16;
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  core::PacketStore store({.small = kSends});
  const core::SocketId from = Open(io.get());
  const core::SocketId to = Open(io.get());
  io->FlushAndWait(Instant{});
  io->FlushAndWait(Instant{});
  const uint64_t before = io->counters().system_calls;
  size_t received = 0;
  for (uint64_t turns = 0; turns < kTurns; ++turns) {
    for (size_t i = 0; i < kSends; ++i) {
      core::Packet packet = store.Copy("x");
      packet.SetRoute(from, io->LocalOf(from), io->LocalOf(to));
      io->Send(std::move(packet));
    }
    io->FlushAndWait(clock_.Now() + 100ms);
    received += io->Receive().size();
  }
  const uint64_t each = io->wait_mode() == core::net::WaitMode::kMinimumWait ? 1 : 3;
  EXPECT_LE(io->counters().system_calls - before, kTurns * (each + 1));
  EXPECT_GE(received, kTurns * kSends - kSends);
}

// A polling worker enters the kernel only when there is something to do.
TEST(UringPollTest, AnIdleTurnIsNoSystemCall) {
  core::KernelClock clock;
  UringIoOptions options;
  options.poll = true;
  std::unique_ptr<UringIo> io = MakeIo(&clock, options);
  const Endpoint local = io->LocalOf(Open(io.get()));
  PlainSocket sender;
  for (int turns = 0; turns < 10; ++turns) io->FlushAndWait(core::kNever);
  const uint64_t before = io->counters().system_calls;
  for (int turns = 0; turns < 1000; ++turns) io->FlushAndWait(core::kNever);
  EXPECT_EQ(io->counters().system_calls, before);
  EXPECT_EQ(io->counters().waits, 0u);
  sender.SendTo(local, "x");
  std::vector<std::string> got;
  for (int turns = 0; turns < 1'000'000 && got.empty(); ++turns) {
    io->FlushAndWait(core::kNever);
    got = TakeAll(io.get());
  }
  EXPECT_EQ(got, std::vector<std::string>{"x"});
}

// The wall clock, as somebody sets it.
class SteppedClock final : public core::Clock {
 public:
  Instant Now() override { return kernel_.Now(); }
  core::WallTime Wall() override { return {kernel_.Wall().unix_us + step_us}; }
  int64_t step_us = 0;

 private:
  core::KernelClock kernel_;
};

// Rule 4: received_at is when the datagram came, not when its turn did; a step of the wall clock,
// in which the kernel stamps, is noticed and believed by nobody.
TEST(UringReceiveTimeTest, IsTheKernelsAndSurvivesAWallClockStep) {
  SteppedClock clock;
  std::unique_ptr<UringIo> io = MakeIo(&clock);
  SocketOptions options;
  options.local = {kLoopback, 0};
  options.kernel_receive_time = true;
  const Endpoint local = io->LocalOf(*io->Open(options));
  PlainSocket sender;
  io->FlushAndWait(Instant{});
  // Sends one, lets 3 ms pass, takes it: the three moments and the stamp.
  struct Moments {
    Instant sent, arrived, turn, stamp;
  };
  const auto receive = [&] {
    Moments moments;
    moments.sent = clock.Now();
    sender.SendTo(local, "x");
    moments.arrived = clock.Now();
    while (clock.Now() < moments.arrived + 3ms) {
    }
    moments.turn = clock.Now();
    io->FlushAndWait(moments.turn + 1s);
    EXPECT_EQ(io->Receive().size(), 1u);
    moments.stamp = io->Receive().empty() ? Instant{} : io->Receive()[0].received_at();
    return moments;
  };
  // A busy machine may deliver late, or stop us between two moments: one try of many has to do.
  const auto expect_true_stamp = [&] {
    for (int tries = 0; tries < 50; ++tries) {
      const Moments moments = receive();
      if (moments.stamp >= moments.sent - 1ms && moments.stamp <= moments.arrived + 1ms) return;
    }
    ADD_FAILURE() << "no receive time was the datagram's own";
  };
  const auto expect_time_of_turn = [&] {
    const Moments moments = receive();
    EXPECT_GE(moments.stamp, moments.turn);
  };
  expect_true_stamp();
  clock.step_us = 3'600'000'000;
  expect_time_of_turn();  // Stamped before the step, read after it.
  expect_time_of_turn();  // An hour old: nothing waits so long in a socket.
  clock.step_us = 0;
  expect_time_of_turn();
  expect_true_stamp();
  EXPECT_EQ(io->counters().wall_clock_steps, 2u);
}

}  // namespace
}  // namespace tests
