// Goal: the io_uring backend on what only a real kernel does: full send buffers, processes that
// die, sockets that move between processes, waiting, queues that overflow (packet-core rules 3 to
// 13).

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/net/udp_socket.h"
#include "core/net/uring_io.h"
#include "core/time/clock.h"
#include "tests/support/allocations.h"
#include "tests/support/child_process.h"

namespace tests {
namespace {

using core::Duration;
using core::Endpoint;
using core::Instant;
using core::IpAddress;
using core::Packet;
using core::SocketId;
using core::net::SocketOptions;
using core::net::UringIo;
using core::net::UringIoOptions;
using core::net::WaitMode;
using namespace std::chrono_literals;

constexpr IpAddress kLoopback = IpAddress::FromV4(0x7f000001);

std::unique_ptr<UringIo> MakeIo(core::Clock* clock, const UringIoOptions& options = {}) {
  auto io = UringIo::Create(options, clock);
  EXPECT_TRUE(io.ok()) << io.status();
  return *std::move(io);
}

SocketId Open(UringIo* io, uint16_t port = 0) {
  SocketOptions options;
  options.local = {kLoopback, port};
  options.receive_buffer_bytes = 1 << 18;
  auto socket = io->Open(options);
  EXPECT_TRUE(socket.ok()) << socket.status();
  return socket.ok() ? *socket : SocketId{};
}

// A peer that needs nothing of the backend under test.
class PlainSocket {
 public:
  PlainSocket() : fd_(core::net::OpenUdpSocket(Options(), &clock_).value()) {}
  ~PlainSocket() { close(fd_); }
  void SendTo(const Endpoint& to, std::string_view bytes) {
    char address[core::net::kSockaddrMax];
    const socklen_t size = core::net::WriteSockaddr(to, address);
    ASSERT_EQ(
        sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(address), size),
        static_cast<ssize_t>(bytes.size()));
  }
  Endpoint local() const { return core::net::LocalEndpoint(fd_).value(); }

 private:
  static SocketOptions Options() {
    SocketOptions options;
    options.local = {kLoopback, 0};
    return options;
  }
  core::KernelClock clock_;
  int fd_;
};

std::vector<std::string> TakeAll(UringIo* io) {
  std::vector<std::string> all;
  for (const Packet& packet : io->Receive()) all.emplace_back(packet.text());
  return all;
}

class UringKernelTest : public testing::TestWithParam<WaitMode> {
 protected:
  UringIoOptions Options() const {
    UringIoOptions options;
    options.wait_mode = GetParam();
    options.latency_budget = 1ms;
    return options;
  }
  core::KernelClock clock_;
};

INSTANTIATE_TEST_SUITE_P(BothWaits, UringKernelTest,
                         testing::Values(WaitMode::kAuto, WaitMode::kSleep),
                         [](const testing::TestParamInfo<WaitMode>& mode) {
                           return mode.param == WaitMode::kAuto ? "minimum_wait" : "sleep";
                         });

// Rule 7: a full send buffer drops, counted, and what does get out keeps its order. Loopback never
// fills one, so this runs in a network of its own whose loopback is slow.
TEST_P(UringKernelTest, AFullSendBufferDropsAndKeepsOrder) {
  constexpr int kCount = 200;
  const int result = RunInChild([&] {
    if (unshare(CLONE_NEWNET) != 0) return kChildSkips;
    if (std::system("ip link set lo mtu 1500 up 2>/dev/null && tc qdisc add dev lo root tbf "
                    "rate 100mbit burst 3000 limit 10000000 2>/dev/null") != 0) {
      return kChildSkips;
    }
    std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
    core::PacketStore store({.small = kCount});
    SocketOptions options;
    options.local = {kLoopback, 0};
    options.send_buffer_bytes = 4096;
    const SocketId from = *io->Open(options);
    const SocketId to = Open(io.get());
    for (int i = 0; i < kCount; ++i) {
      std::string bytes = std::to_string(i);
      bytes.resize(1000, ' ');
      Packet packet = store.Copy(bytes);
      packet.SetRoute(from, io->LocalOf(from), io->LocalOf(to));
      io->Send(std::move(packet));
    }
    std::vector<int> got;
    const Instant deadline = clock_.Now() + 2s;
    while (clock_.Now() < deadline) {
      io->FlushAndWait(clock_.Now() + 20ms);
      for (const std::string& text : TakeAll(io.get())) got.push_back(std::stoi(text));
      const core::net::IoCounters& counters = io->counters();
      if (counters.sent > 0 && got.size() == counters.sent) break;
    }
    EXPECT_GT(io->counters().send_dropped, 0u);
    EXPECT_GT(got.size(), 1u);
    EXPECT_EQ(io->counters().send_dropped + got.size(), static_cast<size_t>(kCount));
    EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
    EXPECT_EQ(store.used(), 0u);
    return 0;
  });
  if (result == kChildSkips) GTEST_SKIP() << "needs a network namespace and tc";
  EXPECT_EQ(result, 0);
}

// Rule 9: a process that was killed with a receive armed keeps its port for some milliseconds. The
// next one's Open() waits for it.
TEST_P(UringKernelTest, APortOfAKilledProcessCanBeBound) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
    const uint16_t port = io->LocalOf(Open(io.get())).port;
    io->FlushAndWait(Instant{});
    if (write(ends[1], &port, sizeof(port)) != sizeof(port)) _exit(1);
    for (;;) io->FlushAndWait(core::kNever);
  }
  uint16_t port = 0;
  ASSERT_EQ(read(ends[0], &port, sizeof(port)), static_cast<ssize_t>(sizeof(port)));
  kill(pid, SIGKILL);
  ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
  close(ends[0]);
  close(ends[1]);
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  const SocketId socket = Open(io.get(), port);
  EXPECT_EQ(io->LocalOf(socket).port, port);
}

// Rule 9, and nothing leaks: 10,000 sockets one after another, each armed, leave no descriptor.
TEST_P(UringKernelTest, TenThousandSocketsLeaveNothing) {
  const auto descriptors = [] {
    namespace fs = std::filesystem;
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  io->FlushAndWait(Instant{});
  const auto before = descriptors();
  for (int i = 0; i < 10'000; ++i) {
    const SocketId socket = Open(io.get());
    io->FlushAndWait(Instant{});
    ASSERT_EQ(io->armed_sockets(), 1u);
    io->Close(socket);
  }
  EXPECT_EQ(descriptors(), before);
  EXPECT_EQ(io->open_sockets(), 0u);
  EXPECT_EQ(io->armed_sockets(), 0u);
}

// Rule 13: a socket moves to a second process while datagrams keep coming. Each of them is received
// by one of the two, once.
TEST_P(UringKernelTest, HandOverLosesAndDoublesNothing) {
  constexpr int kCount = 3000;
  int link[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
  const pid_t adopter = fork();
  ASSERT_GE(adopter, 0);
  if (adopter == 0) {
    int fd = -1;
    {
      char byte;
      iovec bytes = {&byte, 1};
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
      msghdr message = {};
      message.msg_iov = &bytes;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      if (recvmsg(link[1], &message, 0) != 1) _exit(1);
      std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    }
    std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
    if (!io->OpenAdopted(fd, {}).ok()) _exit(1);
    const Instant deadline = clock_.Now() + 5s;
    for (bool more = true; more && clock_.Now() < deadline;) {
      io->FlushAndWait(clock_.Now() + 10ms);
      for (const std::string& text : TakeAll(io.get())) {
        if (write(link[1], text.data(), text.size()) < 0) _exit(1);
        more = text != "end";
      }
    }
    _exit(0);
  }

  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  SocketOptions options;
  options.local = {kLoopback, 0};
  const SocketId socket = *io->Open(options);
  const Endpoint local = io->LocalOf(socket);
  PlainSocket sender;
  std::vector<int> got(kCount, 0);
  const auto turn = [&] {
    io->FlushAndWait(Instant{});
    for (const std::string& text : TakeAll(io.get())) ++got[std::stoul(text)];
  };
  int next = 0;
  const auto send = [&](int count) {
    for (; count > 0; --count) sender.SendTo(local, std::to_string(next++));
  };
  for (int i = 0; i < 100; ++i) {
    send(10);
    turn();
  }
  send(300);  // Some of these the kernel hands to us, the rest wait in the socket.
  const auto released = io->ReleaseForHandOver(socket);
  ASSERT_TRUE(released.ok());
  send(200);
  char byte = 'f';
  iovec bytes = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(part), &*released, sizeof(int));
  ASSERT_EQ(sendmsg(link[0], &message, 0), 1);
  send(100);
  for (int i = 0; i < 10; ++i) turn();
  io->Close(socket);
  send(kCount - next);
  sender.SendTo(local, "end");

  char text[64];
  for (ssize_t size = 0; (size = read(link[0], text, sizeof(text))) > 0;) {
    const std::string number(text, static_cast<size_t>(size));
    if (number == "end") break;
    ++got[std::stoul(number)];
  }
  EXPECT_EQ(std::count(got.begin(), got.end(), 1), kCount);
  EXPECT_EQ(waitpid(adopter, nullptr, 0), adopter);
  close(link[0]);
  close(link[1]);
}

// A released socket still sends: the old process answers what it took before.
TEST_P(UringKernelTest, AReleasedSocketStillSends) {
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  core::PacketStore store({.small = 4});
  const SocketId released = Open(io.get());
  const SocketId peer = Open(io.get());
  io->FlushAndWait(Instant{});
  ASSERT_TRUE(io->ReleaseForHandOver(released).ok());
  Packet packet = store.Copy("answer");
  packet.SetRoute(released, io->LocalOf(released), io->LocalOf(peer));
  io->Send(std::move(packet));
  io->FlushAndWait(clock_.Now() + 1s);
  EXPECT_EQ(TakeAll(io.get()), std::vector<std::string>{"answer"});
}

// Wake() from another thread ends a wait that is under way, or the next one, long before its
// deadline; in a budget wait it may take that budget.
TEST_P(UringKernelTest, WakeEndsAWait) {
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
TEST_P(UringKernelTest, IdleWorkersSleep) {
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
TEST_P(UringKernelTest, ABudgetCollects) {
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

TEST_P(UringKernelTest, NoBudgetWakesAtOnce) {
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

// More sockets complete at once than the completion queue holds: the rest wait in the kernel, and
// nothing is lost.
void OverflowTheCompletionQueue(UringIoOptions options) {
  constexpr size_t kSockets = 300;
  core::KernelClock clock;
  options.send_queue_length = 8;
  options.completion_queue_length = 16;
  std::unique_ptr<UringIo> io = MakeIo(&clock, options);
  PlainSocket sender;
  std::vector<SocketId> sockets;
  for (size_t i = 0; i < kSockets; ++i) sockets.push_back(Open(io.get()));
  io->FlushAndWait(Instant{});
  for (int wave = 0; wave < 3; ++wave) {
    for (const SocketId socket : sockets) {
      sender.SendTo(io->LocalOf(socket), "a");
      sender.SendTo(io->LocalOf(socket), "b");
    }
    size_t received = 0;
    const Instant deadline = clock.Now() + 5s;
    while (received < 2 * kSockets && clock.Now() < deadline) {
      io->FlushAndWait(clock.Now() + 10ms);
      received += io->Receive().size();
    }
    EXPECT_EQ(received, 2 * kSockets);
    io->FlushAndWait(Instant{});
    EXPECT_EQ(io->armed_sockets(), kSockets);
  }
}

TEST_P(UringKernelTest, ACompletionQueueThatOverflowsLosesNothing) {
  OverflowTheCompletionQueue(Options());
}

TEST(UringPollTest, ACompletionQueueThatOverflowsLosesNothing) {
  UringIoOptions options;
  options.poll = true;
  OverflowTheCompletionQueue(options);
}

// Rule 3: sockets whose receive ended on a dry window are all armed again once it has recovered,
// and nobody spins meanwhile.
TEST_P(UringKernelTest, StarvedReceivesAreAllArmedAgain) {
  constexpr size_t kSockets = 1000;
  UringIoOptions options = Options();
  options.signalling.count = 16;
  std::unique_ptr<UringIo> io = MakeIo(&clock_, options);
  PlainSocket sender;
  std::vector<SocketId> sockets;
  for (size_t i = 0; i < kSockets; ++i) sockets.push_back(Open(io.get()));
  io->FlushAndWait(Instant{});
  for (const SocketId socket : sockets) sender.SendTo(io->LocalOf(socket), "x");
  size_t received = 0;
  for (int turns = 0; turns < 500 && received < kSockets; ++turns) {
    io->FlushAndWait(clock_.Now() + 10ms);
    received += io->Receive().size();
  }
  EXPECT_EQ(received, kSockets);
  EXPECT_GT(io->counters().starved, 0u);
  for (int turns = 0; turns < 50; ++turns) io->FlushAndWait(Instant{});
  EXPECT_EQ(io->armed_sockets(), kSockets);
  const uint64_t before = io->counters().turns;
  const Instant end = clock_.Now() + 50ms;
  while (clock_.Now() < end) io->FlushAndWait(end);
  EXPECT_LE(io->counters().turns - before, 3u);
}

// A ring that the main thread made serves the worker that first takes a turn; when that worker is
// gone, the main thread may destroy it, and its port comes free.
TEST_P(UringKernelTest, AnotherThreadMayTakeTheRing) {
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  const Endpoint local = io->LocalOf(Open(io.get()));
  PlainSocket sender;
  std::vector<std::string> got;
  std::thread worker([&] {
    io->FlushAndWait(Instant{});
    sender.SendTo(local, "hello");
    for (int turns = 0; turns < 100 && got.empty(); ++turns) {
      io->FlushAndWait(clock_.Now() + 50ms);
      got = TakeAll(io.get());
    }
  });
  worker.join();
  EXPECT_EQ(got, std::vector<std::string>{"hello"});
  io.reset();
  io = MakeIo(&clock_, Options());
  EXPECT_EQ(io->LocalOf(Open(io.get(), local.port)), local);
}

// Nothing is allocated after start: an echo of many turns leaves the count of operator new alone.
TEST_P(UringKernelTest, TurnsAllocateNothing) {
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  core::PacketStore store({.small = 64});
  const SocketId a = Open(io.get());
  const SocketId b = Open(io.get());
  const auto send = [&] {
    Packet packet = store.Copy("there and back");
    packet.SetRoute(a, io->LocalOf(a), io->LocalOf(b));
    io->Send(std::move(packet));
  };
  for (int i = 0; i < 32; ++i) send();
  uint64_t before = 0;
  for (int turns = 0; turns < 300; ++turns) {
    if (turns == 100) before = Allocations();
    io->FlushAndWait(clock_.Now() + 1ms);
    for (Packet& packet : io->Receive()) {
      packet.SetRoute(packet.socket(), packet.local(), packet.remote());
      io->Send(std::move(packet));
    }
  }
  EXPECT_EQ(Allocations(), before);
  EXPECT_GT(io->counters().received, 1000u);
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

// A reach set that is too long for the kernel is checked here instead, with the same answers.
TEST(UringReachTest, AnOverlongFilterIsCheckedInUserSpace) {
  core::KernelClock clock;
  std::unique_ptr<UringIo> io = MakeIo(&clock);
  const SocketId socket = Open(io.get());
  PlainSocket sender;
  std::vector<core::Cidr> reach;
  for (uint32_t i = 0; i < 5000; ++i) {
    reach.emplace_back(IpAddress::FromV4(0x0a000000 + 512 * i), 24);
  }
  EXPECT_FALSE(core::net::ReachFilterFits(reach));
  ASSERT_TRUE(io->SetReachFilter(socket, reach).ok());
  EXPECT_FALSE(io->reach_filter_in_kernel(socket));
  sender.SendTo(io->LocalOf(socket), "stranger");
  io->FlushAndWait(clock.Now() + 1s);
  EXPECT_TRUE(io->Receive().empty());
  EXPECT_EQ(io->counters().filtered, 1u);

  reach.emplace_back(kLoopback);
  ASSERT_TRUE(io->SetReachFilter(socket, reach).ok());
  sender.SendTo(io->LocalOf(socket), "friend");
  io->FlushAndWait(clock.Now() + 1s);
  EXPECT_EQ(TakeAll(io.get()), std::vector<std::string>{"friend"});

  ASSERT_TRUE(io->SetReachFilter(socket, std::span(reach).first(1)).ok());
  EXPECT_TRUE(io->reach_filter_in_kernel(socket));
}

}  // namespace
}  // namespace tests
