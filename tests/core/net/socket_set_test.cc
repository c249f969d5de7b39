// Goal: a set of sockets moves from one process to the next with all that waits in them, whatever
// their number, and what does not come as it should leaves nothing behind (packet-core rule 13).

#include "core/net/socket_set.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/net/udp_socket.h"
#include "core/time/clock.h"
#include "tests/core/net/uring_fixture.h"
#include "tests/support/child_process.h"

namespace tests {
namespace {

using core::Endpoint;
using core::net::BufferGroup;
using core::net::SocketSet;
using testing::HasSubstr;
using namespace std::chrono_literals;

auto Descriptors() {
  namespace fs = std::filesystem;
  return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

class SocketSetTest : public testing::Test {
 protected:
  SocketSetTest() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link_), 0); }
  ~SocketSetTest() override {
    close(link_[0]);
    close(link_[1]);
  }

  // A bound socket; the caller's.
  int Bind(core::IpAddress address = kLoopback, bool share = false, uint16_t port = 0) {
    core::net::SocketOptions options;
    options.local = {address, port};
    options.reuse_port = share;
    options.receive_buffer_bytes = options.send_buffer_bytes = 1 << 16;
    const auto fd = core::net::OpenUdpSocket(options, &clock_);
    EXPECT_TRUE(fd.ok()) << fd.status();
    return fd.value_or(-1);
  }
  std::string WhyRefused() {
    const auto set = SocketSet::Receive(link_[1], 20ms);
    EXPECT_FALSE(set.ok());
    return std::string(set.status().message());
  }
  void SendBytes(std::string_view bytes) {
    ASSERT_EQ(send(link_[0], bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }

  core::KernelClock clock_;
  int link_[2];
};

// More than one message holds: each arrives under its own address, with its group, and nothing is
// left open at either end.
TEST_F(SocketSetTest, CarriesAnyNumberByAddressAndGroup) {
  const auto before = Descriptors();
  {
    std::vector<Endpoint> locals;
    SocketSet sent;
    for (size_t i = 0; i < SocketSet::kPerMessage + 3; ++i) {
      const int fd = Bind();
      locals.push_back(core::net::LocalEndpoint(fd).value());
      ASSERT_TRUE(sent.Add(fd, i % 2 == 0 ? BufferGroup::kSignalling : BufferGroup::kMedia).ok());
      close(fd);  // The set has its own.
    }
    ASSERT_TRUE(sent.Send(link_[0]).ok());
    auto received = SocketSet::Receive(link_[1], 1s);
    ASSERT_TRUE(received.ok()) << received.status();
    EXPECT_EQ(received->size(), locals.size());
    for (size_t i = 0; i < locals.size(); ++i) {
      const auto group = i % 2 == 0 ? BufferGroup::kSignalling : BufferGroup::kMedia;
      const auto other = i % 2 == 0 ? BufferGroup::kMedia : BufferGroup::kSignalling;
      EXPECT_EQ(received->Take(locals[i], other), -1);
      const int fd = received->Take(locals[i], group);
      ASSERT_GE(fd, 0);
      EXPECT_EQ(core::net::LocalEndpoint(fd).value(), locals[i]);
      EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
      if (i % 3 != 0) close(fd);
      if (i % 3 == 0) {
        ASSERT_TRUE(received->Add(fd, group).ok());
        close(fd);
      }
    }
  }  // What was not taken is released.
  EXPECT_EQ(Descriptors(), before);
}

// Workers share an address (SO_REUSEPORT); each gets one of its sockets. IPv6 is as good.
TEST_F(SocketSetTest, GivesEachWorkerItsOwnOfASharedAddress) {
  core::IpAddress v6;
  ASSERT_TRUE(core::IpAddress::Parse("::1", &v6));
  SocketSet sent;
  const int first = Bind(v6, true);
  const Endpoint local = core::net::LocalEndpoint(first).value();
  const int second = Bind(v6, true, local.port);
  for (const int fd : {first, second}) {
    ASSERT_TRUE(sent.Add(fd, BufferGroup::kSignalling).ok());
    close(fd);
  }
  ASSERT_TRUE(sent.Send(link_[0]).ok());
  auto received = SocketSet::Receive(link_[1], 1s);
  ASSERT_TRUE(received.ok());
  const int a = received->Take(local, BufferGroup::kSignalling);
  const int b = received->Take(local, BufferGroup::kSignalling);
  EXPECT_GE(a, 0);
  EXPECT_GE(b, 0);
  EXPECT_NE(a, b);
  EXPECT_EQ(received->Take(local, BufferGroup::kSignalling), -1);
  close(a);
  close(b);
}

TEST_F(SocketSetTest, NoSocketsAreASetToo) {
  ASSERT_TRUE(SocketSet().Send(link_[0]).ok());
  const auto received = SocketSet::Receive(link_[1], 1s);
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(received->size(), 0u);
}

// Whatever else comes, or does not, is refused in words, and no descriptor of it stays open.
TEST_F(SocketSetTest, RefusesWhatIsNoSet) {
  const auto before = Descriptors();
  EXPECT_THAT(WhyRefused(), HasSubstr("nothing came"));
  SendBytes("hello");
  EXPECT_THAT(WhyRefused(), HasSubstr("something else"));
  SendBytes({"RFSS\x02\0\0\0\0\0\0\0", 12});
  EXPECT_THAT(WhyRefused(), HasSubstr("another version"));
  SendBytes({"RFSS\x01\0\0\0\xff\xff\xff\xff", 12});
  EXPECT_THAT(WhyRefused(), HasSubstr("too many sockets"));
  SendBytes({"RFSS\x01\0\0\0\x01\0\0\0", 12});
  EXPECT_THAT(WhyRefused(), HasSubstr("did not come"));  // One was promised.
  SendBytes({"RFSS\x01\0\0\0\x01\0\0\0", 12});
  SendBytes({"\0", 1});  // A name without a descriptor.
  EXPECT_THAT(WhyRefused(), HasSubstr("another number"));
  EXPECT_EQ(Descriptors(), before);

  SocketSet set;
  const int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_FALSE(set.Add(stream, BufferGroup::kSignalling).ok());
  EXPECT_FALSE(set.Add(-1, BufferGroup::kSignalling).ok());
  close(stream);
  EXPECT_EQ(Descriptors(), before);
}

// A process without enough descriptors takes none of the set, and says so.
TEST_F(SocketSetTest, TheLimitOfDescriptorsIsSurvived) {
  SocketSet sent;
  for (int i = 0; i < 40; ++i) {
    const int fd = Bind();
    ASSERT_TRUE(sent.Add(fd, BufferGroup::kMedia).ok());
    close(fd);
  }
  const int result = RunInChild([&] {
    EXPECT_TRUE(sent.Send(link_[0]).ok());
    const auto before = Descriptors();
    const rlimit limit = {static_cast<rlim_t>(before) + 10, static_cast<rlim_t>(before) + 10};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return kChildSkips;
    EXPECT_THAT(WhyRefused(), HasSubstr("no room left"));
    EXPECT_EQ(Descriptors(), before);
    return 0;
  });
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace tests
