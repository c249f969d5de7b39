#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/udp_socket.h"
#include "core/net/uring_io.h"
#include "core/time/clock.h"

namespace tests {

inline constexpr core::IpAddress kLoopback = core::IpAddress::FromV4(0x7f000001);

inline std::unique_ptr<core::net::UringIo> MakeIo(core::Clock* clock,
                                                  const core::net::UringIoOptions& options = {}) {
  auto io = core::net::UringIo::Create(options, clock);
  EXPECT_TRUE(io.ok()) << io.status();
  return *std::move(io);
}

inline core::SocketId Open(core::net::UringIo* io, uint16_t port = 0) {
  core::net::SocketOptions options;
  options.local = {kLoopback, port};
  options.receive_buffer_bytes = 1 << 18;
  auto socket = io->Open(options);
  EXPECT_TRUE(socket.ok()) << socket.status();
  return socket.ok() ? *socket : core::SocketId{};
}

// A peer that needs nothing of the backend under test.
class PlainSocket {
 public:
  PlainSocket() : fd_(core::net::OpenUdpSocket(Options(), &clock_).value()) {}
  ~PlainSocket() { close(fd_); }
  void SendTo(const core::Endpoint& to, std::string_view bytes) {
    char address[core::net::kSockaddrMax];
    const socklen_t size = core::net::WriteSockaddr(to, address);
    ASSERT_EQ(
        sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(address), size),
        static_cast<ssize_t>(bytes.size()));
  }
  core::Endpoint local() const { return core::net::LocalEndpoint(fd_).value(); }

 private:
  static core::net::SocketOptions Options() {
    core::net::SocketOptions options;
    options.local = {kLoopback, 0};
    return options;
  }
  core::KernelClock clock_;
  int fd_;
};

inline std::vector<std::string> TakeAll(core::net::UringIo* io) {
  std::vector<std::string> all;
  for (const core::Packet& packet : io->Receive()) all.emplace_back(packet.text());
  return all;
}

// A suite that runs with both ways of waiting (rule 6).
class UringKernelTest : public testing::TestWithParam<core::net::WaitMode> {
 protected:
  core::net::UringIoOptions Options() const {
    core::net::UringIoOptions options;
    options.wait_mode = GetParam();
    options.latency_budget = std::chrono::milliseconds(1);
    return options;
  }
  core::KernelClock clock_;
};

// For INSTANTIATE_TEST_SUITE_P.
inline std::string NameOfWait(const testing::TestParamInfo<core::net::WaitMode>& mode) {
  return mode.param == core::net::WaitMode::kAuto ? "minimum_wait" : "sleep";
}

}  // namespace tests
