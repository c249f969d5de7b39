// What forwarding a datagram of 172 bytes (20 ms of G.711 in RTP) costs the forwarder: UringIo
// beside epoll, recvmmsg and sendmmsg, which is the floor of plain system calls. Loopback; only the
// forwarder's part is timed, with its datagrams already waiting, so neither pays for wake-ups.
//
// The arguments are the datagrams that wait at each turn, and the sockets they are spread over.

#include <benchmark/benchmark.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/net/udp_socket.h"
#include "core/net/uring_io.h"
#include "core/time/clock.h"

namespace {

using core::Endpoint;
using core::IpAddress;
using core::net::SocketOptions;
using core::net::UringIo;

constexpr size_t kDatagramBytes = 172;
constexpr size_t kBatchMax = 64;

int OpenPlain() {
  core::KernelClock clock;
  SocketOptions options;
  options.local = {IpAddress::FromV4(0x7f000001), 0};
  return core::net::OpenUdpSocket(options, &clock).value();
}

// Addresses and buffers for a batch of datagrams.
struct Batch {
  Batch() {
    for (size_t i = 0; i < kBatchMax; ++i) {
      parts[i] = {bytes[i].data(), bytes[i].size()};
      messages[i].msg_hdr = {};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = names[i].data();
      messages[i].msg_hdr.msg_namelen = core::net::kSockaddrMax;
    }
  }
  std::array<std::array<char, 2048>, kBatchMax> bytes = {};
  std::array<std::array<char, core::net::kSockaddrMax>, kBatchMax> names = {};
  std::array<iovec, kBatchMax> parts;
  std::array<mmsghdr, kBatchMax> messages;
};

// Sends to the forwarder's sockets in turn, and takes what it forwards.
class Driver {
 public:
  Driver() : fd_(OpenPlain()), sink_(OpenPlain()) {}
  ~Driver() {
    close(fd_);
    close(sink_);
  }
  Endpoint sink() const { return core::net::LocalEndpoint(sink_).value(); }

  void Send(const std::vector<Endpoint>& to, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      msghdr& message = batch_.messages[i].msg_hdr;
      message.msg_namelen =
          core::net::WriteSockaddr(to[next_++ % to.size()], batch_.names[i].data());
      batch_.parts[i].iov_len = kDatagramBytes;
    }
    (void)sendmmsg(fd_, batch_.messages.data(), static_cast<unsigned>(count), 0);
  }
  size_t Drain() {
    char bytes[2048];
    size_t count = 0;
    while (recv(sink_, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0) ++count;
    return count;
  }

 private:
  int fd_;
  int sink_;
  Batch batch_;
  size_t next_ = 0;
};

template <typename ForwardAll>
void Run(benchmark::State& state, const std::vector<Endpoint>& targets, Driver* driver,
         ForwardAll forward_all) {
  const auto count = static_cast<size_t>(state.range(0));
  size_t arrived = 0;
  core::KernelClock clock;
  for (auto _ : state) {
    driver->Send(targets, count);
    const core::Instant begin = clock.Now();
    forward_all(count);
    const core::Duration spent = clock.Now() - begin;
    state.SetIterationTime(std::chrono::duration<double>(spent).count());
    arrived += driver->Drain();
  }
  state.SetItemsProcessed(static_cast<int64_t>(arrived));
  if (arrived != static_cast<size_t>(state.iterations()) * count) {
    state.SkipWithError("datagrams were lost");
  }
}

void BM_UringForward(benchmark::State& state) {
  core::KernelClock clock;
  auto io = *UringIo::Create({}, &clock);
  Driver driver;
  const Endpoint sink = driver.sink();
  std::vector<Endpoint> targets;
  for (int64_t i = 0; i < state.range(1); ++i) {
    SocketOptions options;
    options.local = {IpAddress::FromV4(0x7f000001), 0};
    options.group = core::net::BufferGroup::kMedia;
    options.icmp_errors = false;
    targets.push_back(io->LocalOf(*io->Open(options)));
  }
  io->FlushAndWait(core::Instant{});
  Run(state, targets, &driver, [&](size_t count) {
    for (size_t done = 0; done < count;) {
      io->FlushAndWait(core::Instant{});
      for (core::Packet& packet : io->Receive()) {
        packet.SetRoute(packet.socket(), packet.local(), sink);
        io->Send(std::move(packet));
        ++done;
      }
    }
    io->FlushAndWait(core::Instant{});
  });
}
BENCHMARK(BM_UringForward)->ArgsProduct({{1, 8, 32, 64}, {1, 32}})->UseManualTime();

void BM_MmsgForward(benchmark::State& state) {
  Driver driver;
  const Endpoint sink = driver.sink();
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  std::vector<int> sockets;
  std::vector<Endpoint> targets;
  for (int64_t i = 0; i < state.range(1); ++i) {
    const int fd = OpenPlain();
    sockets.push_back(fd);
    targets.push_back(core::net::LocalEndpoint(fd).value());
    epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    (void)epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
  const auto batch = std::make_unique<Batch>();
  Run(state, targets, &driver, [&](size_t count) {
    for (size_t done = 0; done < count;) {
      epoll_event events[kBatchMax];
      const int ready = epoll_wait(poller, events, kBatchMax, 0);
      for (int i = 0; i < ready; ++i) {
        for (size_t m = 0; m < kBatchMax; ++m) {
          batch->messages[m].msg_hdr.msg_namelen = core::net::kSockaddrMax;
          batch->parts[m].iov_len = batch->bytes[m].size();
        }
        const int fd = events[i].data.fd;
        const int got = recvmmsg(fd, batch->messages.data(), kBatchMax, MSG_DONTWAIT, nullptr);
        for (size_t m = 0; m < static_cast<size_t>(std::max(got, 0)); ++m) {
          batch->messages[m].msg_hdr.msg_namelen =
              core::net::WriteSockaddr(sink, batch->names[m].data());
          batch->parts[m].iov_len = batch->messages[m].msg_len;
        }
        if (got > 0) {
          done += static_cast<size_t>(got);
          (void)sendmmsg(fd, batch->messages.data(), static_cast<unsigned>(got), MSG_DONTWAIT);
        }
      }
    }
  });
  for (const int fd : sockets) close(fd);
  close(poller);
}
BENCHMARK(BM_MmsgForward)->ArgsProduct({{1, 8, 32, 64}, {1, 32}})->UseManualTime();

}  // namespace
