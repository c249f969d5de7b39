// Goal: the io_uring backend at bad moments, where accounting goes wrong first: completions that
// come late because their queue overflows, submissions that the kernel refuses, receives that end
// over and over, a socket that is none, a thread that is not the ring's (packet-core rules 3, 7, 8
// and 13).

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/net/udp_socket.h"
#include "core/net/uring_io.h"
#include "tests/core/net/uring_fixture.h"
#include "tests/support/child_process.h"

namespace tests {
namespace {

using core::Endpoint;
using core::Instant;
using core::Packet;
using core::SocketId;
using core::net::SocketOptions;
using core::net::UringIo;
using core::net::UringIoOptions;
using namespace std::chrono_literals;

using UringFaultTest = UringKernelTest;

INSTANTIATE_TEST_SUITE_P(BothWaits, UringFaultTest,
                         testing::Values(core::net::WaitMode::kAuto, core::net::WaitMode::kSleep),
                         NameOfWait);

void Send(UringIo* io, core::PacketStore* store, SocketId from, const Endpoint& to,
          std::string_view bytes) {
  Packet packet = store->Copy(bytes);
  ASSERT_TRUE(static_cast<bool>(packet));
  packet.SetRoute(from, io->LocalOf(from), to);
  io->Send(std::move(packet));
}

// Rules 7 and 8: a send's error is known before the send is settled, also when the completion queue
// overflows with receives and the error waits behind them. It is never taken for a later send's.
TEST_P(UringFaultTest, AnErrorBehindAnOverflowIsItsOwnSends) {
  constexpr size_t kSockets = 200;
  constexpr size_t kLivePerRound = 4;
  UringIoOptions options = Options();
  options.send_queue_length = 8;
  options.completion_queue_length = 16;
  options.burst_max = 4;  // So that turns end while completions still wait in the kernel.
  std::unique_ptr<UringIo> io = MakeIo(&clock_, options);
  core::PacketStore store({.small = 64});
  const SocketId from = Open(io.get());
  const SocketId to = Open(io.get());
  std::vector<SocketId> busy;
  for (size_t i = 0; i < kSockets; ++i) busy.push_back(Open(io.get()));
  const SocketId closed = Open(io.get());
  const Endpoint dead = io->LocalOf(closed);
  io->Close(closed);
  io->FlushAndWait(Instant{});

  PlainSocket sender;
  size_t live = 0;
  size_t others = 0;
  const auto turn = [&] {
    io->FlushAndWait(Instant{});
    for (const Packet& packet : io->Receive()) ++(packet.socket() == to ? live : others);
  };
  constexpr size_t kRounds = 20;
  for (size_t round = 0; round < kRounds; ++round) {
    for (const SocketId socket : busy) sender.SendTo(io->LocalOf(socket), "x");
    for (size_t i = 0; i < kLivePerRound; ++i) {
      Send(io.get(), &store, from, dead, "dead");
      Send(io.get(), &store, from, io->LocalOf(to), "live");
    }
    turn();
  }
  const Instant deadline = clock_.Now() + 5s;
  const auto done = [&] { return live == kRounds * kLivePerRound && others == kRounds * kSockets; };
  while (!done() && clock_.Now() < deadline) turn();
  EXPECT_EQ(live, kRounds * kLivePerRound);
  EXPECT_EQ(others, kRounds * kSockets);
  EXPECT_GT(io->counters().resent, 0u);
  EXPECT_EQ(io->counters().send_errors, 0u);
}

// Makes io_uring_enter(2) refuse what waits and submits `submissions` entries, as a kernel without
// memory for them does. What only submits still works.
bool RefuseToSubmit(uint32_t submissions) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_enter, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, submissions, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[3])),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, IORING_ENTER_EXT_ARG, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | uint32_t{EAGAIN}),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {.len = 8, .filter = program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// Rule 7: a buffer is ours again when its send was submitted, not when the kernel refused to take
// it. Else what goes out is whatever the buffer holds by then.
TEST_P(UringFaultTest, ARefusedSubmissionKeepsItsBuffers) {
  const int result = RunInChild([&] {
    UringIoOptions options = Options();
    options.latency_budget = 0ms;  // Every wait is one call that submits too.
    std::unique_ptr<UringIo> io = MakeIo(&clock_, options);
    core::PacketStore store({.small = 3});
    const SocketId from = Open(io.get());
    const SocketId to = Open(io.get());
    io->FlushAndWait(Instant{});
    if (!RefuseToSubmit(3)) return kChildSkips;
    const std::vector<std::string> sent = {"one", "two", "three"};
    for (const std::string& text : sent) Send(io.get(), &store, from, io->LocalOf(to), text);
    io->FlushAndWait(clock_.Now() + 100ms);
    std::vector<std::string> got = TakeAll(io.get());
    EXPECT_EQ(store.used(), 0u);
    // Written over what was sent, had its slot come back too early.
    std::vector<Packet> over;
    for (int i = 0; i < 3; ++i) over.push_back(store.Copy("xxxxxx"));
    const Instant deadline = clock_.Now() + 2s;
    while (got.size() < sent.size() && clock_.Now() < deadline) {
      io->FlushAndWait(clock_.Now() + 10ms);
      for (std::string& text : TakeAll(io.get())) got.push_back(std::move(text));
    }
    EXPECT_EQ(got, sent);
    return 0;
  });
  if (result == kChildSkips) GTEST_SKIP() << "seccomp is not to be had";
  EXPECT_EQ(result, 0);
}

// Rule 3: while one group's window is dry and stays dry (somebody holds its packets against rule
// 2), the worker looks again now and then. It does not spin because the other group is well.
TEST_P(UringFaultTest, ADryGroupDoesNotSpinBesideAHealthyOne) {
  UringIoOptions options = Options();
  options.media = {.slot_bytes = 2048, .count = 8};
  std::unique_ptr<UringIo> io = MakeIo(&clock_, options);
  Open(io.get());
  SocketOptions media;
  media.local = {kLoopback, 0};
  media.group = core::net::BufferGroup::kMedia;
  const SocketId socket = *io->Open(media);
  io->FlushAndWait(Instant{});
  PlainSocket sender;
  for (int i = 0; i < 16; ++i) sender.SendTo(io->LocalOf(socket), std::to_string(i));
  std::vector<Packet> held;
  const auto take = [&] {
    for (Packet& packet : io->Receive()) held.push_back(std::move(packet));
  };
  for (int turns = 0; turns < 50 && held.size() < 8; ++turns) {
    io->FlushAndWait(clock_.Now() + 10ms);
    take();
  }
  ASSERT_EQ(held.size(), 8u);
  const uint64_t before = io->counters().turns;
  const Instant end = clock_.Now() + 200ms;
  while (clock_.Now() < end) io->FlushAndWait(end);
  EXPECT_LE(io->counters().turns - before, 30u);

  held.clear();
  for (int turns = 0; turns < 50 && held.size() < 8; ++turns) {
    io->FlushAndWait(clock_.Now() + 20ms);
    take();
  }
  EXPECT_EQ(held.size(), 8u);
}

// Rule 3: an empty datagram ends the receive. Whoever sends many of them between his datagrams (a
// forged source is enough) does not slow a socket down to one receive a turn.
TEST_P(UringFaultTest, EmptyDatagramsDoNotThrottleASocket) {
  constexpr size_t kPairs = 100;
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  const SocketId socket = Open(io.get());
  io->FlushAndWait(Instant{});
  PlainSocket sender;
  for (size_t i = 0; i < kPairs; ++i) {
    sender.SendTo(io->LocalOf(socket), "");
    sender.SendTo(io->LocalOf(socket), "x");
  }
  size_t received = 0;
  const uint64_t before = io->counters().turns;
  while (received < 2 * kPairs && io->counters().turns - before < 1000) {
    io->FlushAndWait(clock_.Now() + 10ms);
    received += io->Receive().size();
  }
  EXPECT_EQ(received, 2 * kPairs);
  EXPECT_LE(io->counters().turns - before, 10u);
  EXPECT_EQ(io->counters().empty_datagrams, kPairs);
}

// Rule 13: what another process passes is looked at before it is armed. A descriptor that is no UDP
// socket would fail each receive at once, for ever.
TEST_P(UringFaultTest, OnlyUdpSocketsAreAdopted) {
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  const int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  char address[core::net::kSockaddrMax];
  const socklen_t size = core::net::WriteSockaddr({kLoopback, 0}, address);
  ASSERT_EQ(bind(stream, reinterpret_cast<sockaddr*>(address), size), 0);
  const int unbound = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (const int fd : {stream, unbound, file, -1}) {
    const auto adopted = io->OpenAdopted(fd, {});
    ASSERT_FALSE(adopted.ok()) << fd;
    EXPECT_THAT(std::string(adopted.status().message()), testing::StartsWith("udp"));
    if (fd >= 0) {
      EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC) << "it is still the caller's";
      close(fd);
    }
  }
  EXPECT_EQ(io->open_sockets(), 0u);
}

// A filter that the kernel does not take leaves the one before it in place: an error must not open
// the socket to everyone.
TEST_P(UringFaultTest, ARefusedReachFilterLeavesTheOldOne) {
  std::unique_ptr<UringIo> io = MakeIo(&clock_, Options());
  SocketOptions options;
  options.local = {kLoopback, 0};
  const int fd = core::net::OpenUdpSocket(options, &clock_).value();
  const SocketId socket = *io->OpenAdopted(fd, options);
  std::vector<core::Cidr> reach;  // Too long for the kernel, so it is kept here.
  for (uint32_t i = 0; i < 5000; ++i) {
    reach.emplace_back(core::IpAddress::FromV4(0x0a000000 + 512 * i), 24);
  }
  ASSERT_TRUE(io->SetReachFilter(socket, reach).ok());
  const int on = 1;
  ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)), 0);
  EXPECT_FALSE(io->SetReachFilter(socket, std::span(reach).first(1)).ok());
  PlainSocket stranger;
  stranger.SendTo(io->LocalOf(socket), "stranger");
  io->FlushAndWait(clock_.Now() + 1s);
  EXPECT_TRUE(io->Receive().empty());
  EXPECT_EQ(io->counters().filtered, 1u);
}

// Each ring has one thread (style section 4). A second one would spin in Close() for ever.
TEST(UringFaultDeathTest, ATurnOnAnotherThreadIsABugOfOurs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  core::KernelClock clock;
  const auto take_a_turn_elsewhere = [&] {
    std::unique_ptr<UringIo> io = MakeIo(&clock);
    io->FlushAndWait(Instant{});
    std::thread([&] { io->FlushAndWait(Instant{}); }).join();
  };
  EXPECT_DEATH(take_a_turn_elsewhere(), "CHECK");
}

}  // namespace
}  // namespace tests
