// Goal: a socket is had as soon as its address is free, and not waited for for ever (packet-core
// rule 9).

#include "core/net/udp_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "tests/core/net/uring_fixture.h"

namespace tests {
namespace {

using core::Instant;
using namespace std::chrono_literals;

// Time passes as it is asked for, and at the given moment somebody lets a descriptor go.
class HolderClock final : public core::Clock {
 public:
  Instant Now() override {
    if (holder >= 0 && now >= lets_go) {
      close(holder);
      holder = -1;
    }
    return now += 10ms;
  }
  core::WallTime Wall() override { return {}; }

  int holder = -1;
  Instant lets_go = core::kNever;
  Instant now{};
};

class UdpSocketTest : public testing::Test {
 protected:
  UdpSocketTest() {
    options_.local = {kLoopback, 0};
    clock_.holder = core::net::OpenUdpSocket(options_, &clock_).value();
    options_.local = core::net::LocalEndpoint(clock_.holder).value();
    clock_.now = {};
  }
  ~UdpSocketTest() override {
    if (clock_.holder >= 0) close(clock_.holder);
  }
  core::net::SocketOptions options_;
  HolderClock clock_;
};

// After kill -9 a port stays bound for a while.
TEST_F(UdpSocketTest, RetriesAnAddressInUse) {
  clock_.lets_go = Instant{} + 500ms;
  const auto fd = core::net::OpenUdpSocket(options_, &clock_);
  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_EQ(core::net::LocalEndpoint(*fd).value(), options_.local);
  close(*fd);
}

TEST_F(UdpSocketTest, GivesUpAfterASecond) {
  const auto fd = core::net::OpenUdpSocket(options_, &clock_);
  ASSERT_FALSE(fd.ok());
  EXPECT_THAT(std::string(fd.status().message()),
              testing::HasSubstr("another socket has this address and port"));
  EXPECT_GE(clock_.now, Instant{} + 1s);
  EXPECT_LT(clock_.now, Instant{} + 2s);
}

}  // namespace
}  // namespace tests
