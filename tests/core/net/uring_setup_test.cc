// Goal: what the machine lacks is said at start in words that an operator can act on (packet-core
// rule 19): a kernel that is too old, io_uring forbidden by seccomp, too few descriptors.

#include "core/net/uring_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/net/uring_io.h"
#include "core/time/clock.h"
#include "tests/support/child_process.h"

namespace tests {
namespace {

using core::net::UringIo;
using testing::HasSubstr;

auto Descriptors() {
  namespace fs = std::filesystem;
  return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

// Makes the system call fail with `error`, as containers' seccomp profiles do.
bool Forbid(uint32_t call, int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {.len = 4, .filter = program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(UringSetupTest, ThisMachinePasses) {
  EXPECT_TRUE(core::net::ProbeUring().ok()) << core::net::ProbeUring();
}

// Rule 19: whatever io_uring_setup(2) says, the message names what is missing and what to do.
TEST(UringSetupTest, WhatTheKernelRefusesIsNamed) {
  const std::pair<int, const char*> cases[] = {
      {EPERM, "Allow io_uring_setup, io_uring_enter and io_uring_register in the profile"},
      {ENOSYS, "seccomp profile"},
      {ENOMEM, "Raise it (ulimit -l, LimitMEMLOCK= in the unit)"},
      {EINVAL, "Run Linux 6.1 or newer"},
      {EMFILE, "Raise the limit (ulimit -n, LimitNOFILE="},
      {ENFILE, "fs.file-max"},
  };
  for (const auto& [error, words] : cases) {
    const int result = RunInChild([error = error, words = words] {
      const auto before = Descriptors();
      if (!Forbid(__NR_io_uring_setup, error)) return kChildSkips;
      core::KernelClock clock;
      EXPECT_THAT(MessageOf(core::net::ProbeUring()), HasSubstr(words));
      const auto io = UringIo::Create({}, &clock);
      EXPECT_FALSE(io.ok());
      EXPECT_THAT(MessageOf(io.status()), HasSubstr("io_uring"));
      EXPECT_THAT(MessageOf(io.status()), HasSubstr(words));
      EXPECT_EQ(Descriptors(), before);
      return 0;
    });
    if (result == kChildSkips) GTEST_SKIP() << "seccomp is not to be had";
    EXPECT_EQ(result, 0) << error;
  }
}

// A start that fails half-way takes back what it had: the ring exists, its buffers are refused, or
// its eventfd is.
TEST(UringSetupTest, ARefusedRegistrationLeavesNothing) {
  for (const uint32_t call : {uint32_t{__NR_io_uring_register}, uint32_t{__NR_eventfd2}}) {
    const int result = RunInChild([call] {
      const auto before = Descriptors();
      if (!Forbid(call, ENOMEM)) return kChildSkips;
      core::KernelClock clock;
      const auto io = UringIo::Create({}, &clock);
      EXPECT_FALSE(io.ok());
      EXPECT_FALSE(MessageOf(io.status()).empty());
      EXPECT_EQ(Descriptors(), before);
      return 0;
    });
    if (result == kChildSkips) GTEST_SKIP() << "seccomp is not to be had";
    EXPECT_EQ(result, 0) << call;
  }
}

TEST(UringSetupTest, OldKernelsAreTold) {
  EXPECT_TRUE(core::net::KernelIsNewEnough("6.1.0-28-amd64"));
  EXPECT_TRUE(core::net::KernelIsNewEnough("6.12.1"));
  EXPECT_TRUE(core::net::KernelIsNewEnough("10.0.0"));
  EXPECT_FALSE(core::net::KernelIsNewEnough("6.0.19"));
  EXPECT_FALSE(core::net::KernelIsNewEnough("5.15.0-generic"));
  EXPECT_FALSE(core::net::KernelIsNewEnough(""));
  EXPECT_THAT(MessageOf(core::net::RingRefused(EINVAL)), HasSubstr("Linux 6.1"));
}

// The limit of descriptors is reached while sockets are opened: the error says so, the sockets that
// are open stay, and a closed one makes room.
TEST(UringSetupTest, TheLimitOfDescriptorsIsNamedAndSurvived) {
  const int result = RunInChild([] {
    core::KernelClock clock;
    auto io = *UringIo::Create({}, &clock);
    const rlimit limit = {64, 64};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return kChildSkips;
    core::net::SocketOptions options;
    options.local.ip = core::IpAddress::FromV4(0x7f000001);
    std::vector<core::SocketId> sockets;
    absl::StatusOr<core::SocketId> socket = io->Open(options);
    for (; socket.ok() && sockets.size() < 64; socket = io->Open(options)) {
      sockets.push_back(*socket);
    }
    EXPECT_TRUE(absl::IsResourceExhausted(socket.status())) << socket.status();
    EXPECT_THAT(MessageOf(socket.status()), HasSubstr("all 64 descriptors"));
    EXPECT_THAT(MessageOf(socket.status()), HasSubstr("LimitNOFILE"));
    EXPECT_FALSE(UringIo::Create({}, &clock).ok());
    EXPECT_THAT(MessageOf(core::net::ReserveFiles(65)), HasSubstr("hard limit is 64"));

    io->FlushAndWait(core::Instant{});
    EXPECT_EQ(io->armed_sockets(), sockets.size());
    io->Close(sockets.back());
    EXPECT_TRUE(io->Open(options).ok());
    return 0;
  });
  EXPECT_EQ(result, 0);
}

TEST(UringSetupTest, ReserveFilesRaisesTheSoftLimit) {
  const int result = RunInChild([] {
    rlimit limit = {};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 64) return kChildSkips;
    limit.rlim_cur = 32;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_TRUE(core::net::ReserveFiles(64).ok());
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    EXPECT_EQ(limit.rlim_cur, 64u);
    return 0;
  });
  EXPECT_EQ(result, 0);
}

// A receive queue that the kernel cuts short is told before calls are lost by it.
TEST(UringSetupTest, AShortReceiveBufferIsTold) {
  EXPECT_TRUE(core::net::CheckReceiveBuffer(4096).ok());
  const int result = RunInChild([] {
    if (setuid(65534) != 0) return kChildSkips;  // Without CAP_NET_ADMIN net.core.rmem_max counts.
    const absl::Status status = core::net::CheckReceiveBuffer(1u << 30);
    EXPECT_THAT(MessageOf(status), HasSubstr("net.core.rmem_max"));
    return 0;
  });
  if (result == kChildSkips) GTEST_SKIP() << "runs as root only";
  EXPECT_EQ(result, 0);
}

// No socket is opened twice over, and the worker's own limit has its own words.
TEST(UringSetupTest, TheWorkersOwnLimitIsNamed) {
  core::KernelClock clock;
  auto io = *UringIo::Create({.sockets_max = 2}, &clock);
  core::net::SocketOptions options;
  options.local.ip = core::IpAddress::FromV4(0x7f000001);
  ASSERT_TRUE(io->Open(options).ok());
  ASSERT_TRUE(io->Open(options).ok());
  EXPECT_THAT(MessageOf(io->Open(options).status()), HasSubstr("all 2 sockets"));
}

TEST(UringSetupTest, AnAddressThatIsNotOursIsNamed) {
  core::KernelClock clock;
  auto io = *UringIo::Create({}, &clock);
  core::net::SocketOptions options;
  ASSERT_TRUE(core::Endpoint::Parse("192.0.2.1:5060", &options.local));
  EXPECT_THAT(MessageOf(io->Open(options).status()),
              testing::AllOf(HasSubstr("192.0.2.1:5060"), HasSubstr("does not have that address")));
}

}  // namespace
}  // namespace tests
