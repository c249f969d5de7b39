// Goal: the io_uring backend on what only a real kernel does: full send buffers, processes that
// die, sockets that move between processes, queues that overflow (packet-core rules 3 to 13).

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/net/socket_set.h"
#include "core/net/udp_socket.h"
#include "core/net/uring_io.h"
#include "core/time/clock.h"
#include "tests/core/net/uring_fixture.h"
#include "tests/support/allocations.h"
#include "tests/support/child_process.h"

namespace tests {
namespace {

using core::Endpoint;
using core::Instant;
using core::IpAddress;
using core::Packet;
using core::SocketId;
using core::net::SocketOptions;
using core::net::UringIo;
using core::net::UringIoOptions;
using namespace std::chrono_literals;

INSTANTIATE_TEST_SUITE_P(BothWaits, UringKernelTest,
                         testing::Values(core::net::WaitMode::kAuto, core::net::WaitMode::kSleep),
                         NameOfWait);

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
    Endpoint local;  // As the new process's configuration names it.
    if (read(link[1], &local, sizeof(local)) != sizeof(local)) _exit(1);
    auto set = core::net::SocketSet::Receive(link[1], 20s);
    if (!set.ok() || set->size() != 1) _exit(1);
    const int fd = set->Take(local, core::net::BufferGroup::kSignalling);
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
  core::net::SocketSet set;
  ASSERT_TRUE(set.Add(*released, core::net::BufferGroup::kSignalling).ok());
  ASSERT_EQ(write(link[0], &local, sizeof(local)), static_cast<ssize_t>(sizeof(local)));
  ASSERT_TRUE(set.Send(link[0]).ok());
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
