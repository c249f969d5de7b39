// What kinds of sockets cost a relay: the same datagrams, forwarded by the least that io_uring
// needs, over sockets that differ. It answers one question of the design and is no part of the
// product, so it uses liburing as it comes.
//
//     socket_stub KIND LATENCY_BUDGET_US ROUTES
//
// KIND, of how datagrams are taken and sent:
//
//     recvmsg    by one receive that stays armed (multishot), with the source; sent to an address,
//                as the relay does
//     single     the same, but each receive is for one datagram and is armed anew
//     recv       one that stays armed, and no source: who sent it nobody knows
//     connected  each port is connected to its peer, and has no addresses either way
//
// ROUTES is forward_stub's: "IN FROM OUT TO" a line. Where several have one IN they are told apart
// by FROM, which takes a kind that has the source. It prints "ready" and runs until SIGTERM.

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/address.h"
#include "core/base/check.h"

namespace {

using core::Endpoint;

constexpr unsigned kEntries = 8192;
constexpr unsigned kBuffers = 4096;  // A power of two.
constexpr unsigned kBufferBytes = 2048;
constexpr unsigned kWaitFor = 1024;  // More than a budget brings: it ends the wait.
constexpr int kGroup = 0;
constexpr uint64_t kSent = uint64_t{1} << 63;  // Of user data: a send, and its buffer.

volatile std::sig_atomic_t stop_asked = 0;

sockaddr_in AddressOf(const Endpoint& endpoint) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(endpoint.ip.v4());
  address.sin_port = htons(endpoint.port);
  return address;
}
uint64_t KeyOf(const sockaddr_in& address) {
  return uint64_t{address.sin_addr.s_addr} << 16 | address.sin_port;
}

struct Route {
  int out = -1;
  sockaddr_in to{};
};
struct Port {
  int fd = -1;
  size_t routes = 0;
  Route only;
  absl::flat_hash_map<uint64_t, Route> by_source;
};
enum class Kind { kRecvmsg, kSingle, kRecv, kConnected };

// A single receive's message: where its source and its bytes go is known when it is done.
struct Receiving {
  msghdr message{};
  iovec bytes{};
  sockaddr_in from{};
};
// A send's message lives as long as its buffer is away.
struct Sending {
  msghdr message{};
  iovec bytes{};
  sockaddr_in to{};
};

class SocketStub {
 public:
  explicit SocketStub(Kind kind) : kind_(kind), sendings_(kBuffers) {
    CHECK(io_uring_queue_init(kEntries, &ring_,
                              IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) == 0);
    void* ring = mmap(nullptr, kBuffers * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(ring != MAP_FAILED);
    buffers_ = static_cast<io_uring_buf_ring*>(ring);
    io_uring_buf_reg registration = {};
    registration.ring_addr = reinterpret_cast<uint64_t>(ring);
    registration.ring_entries = kBuffers;
    registration.bgid = kGroup;
    CHECK(io_uring_register_buf_ring(&ring_, &registration, 0) == 0);
    io_uring_buf_ring_init(buffers_);
    memory_ = std::make_unique<char[]>(size_t{kBuffers} * kBufferBytes);
    for (unsigned i = 0; i < kBuffers; ++i) GiveBack(i);
    template_.msg_namelen = sizeof(sockaddr_in);
  }

  bool Add(const Endpoint& in, const Endpoint& from, const Endpoint& out, const Endpoint& to) {
    const bool connects = kind_ == Kind::kConnected;
    const int in_fd = Open(in, connects ? &from : nullptr);
    const int out_fd = Open(out, connects ? &to : nullptr);
    if (in_fd < 0 || out_fd < 0) return false;
    Port& port = ports_[static_cast<size_t>(in_fd)];
    const Route route{out_fd, AddressOf(to)};
    if (port.routes++ == 0) port.only = route;
    port.by_source[KeyOf(AddressOf(from))] = route;
    return port.routes == 1 || has_source();
  }

  void Run(unsigned budget_us) {
    for (const auto& [at, fd] : open_) Arm(fd);
    while (stop_asked == 0) {
      // The first datagram, then whatever a budget brings.
      io_uring_cqe* first = nullptr;
      __kernel_timespec second = {1, 0};
      (void)io_uring_submit_and_wait_timeout(&ring_, &first, 1, &second, nullptr);
      if (budget_us > 0) {
        __kernel_timespec budget = {0, static_cast<long long>(budget_us) * 1000};
        (void)io_uring_submit_and_wait_timeout(&ring_, &first, kWaitFor, &budget, nullptr);
      }
      unsigned head = 0;
      unsigned count = 0;
      io_uring_cqe* cqe = nullptr;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        ++count;
        On(*cqe);
      }
      io_uring_cq_advance(&ring_, count);
    }
  }

 private:
  bool has_source() const { return kind_ == Kind::kRecvmsg || kind_ == Kind::kSingle; }

  int Open(const Endpoint& local, const Endpoint* peer) {
    if (const auto found = open_.find(local); found != open_.end()) return found->second;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int bytes = 4 << 20;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
    const sockaddr_in own = AddressOf(local);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0) return -1;
    if (peer != nullptr) {
      const sockaddr_in other = AddressOf(*peer);
      if (connect(fd, reinterpret_cast<const sockaddr*>(&other), sizeof(other)) != 0) return -1;
    }
    if (ports_.size() <= static_cast<size_t>(fd)) ports_.resize(static_cast<size_t>(fd) + 1);
    ports_[static_cast<size_t>(fd)].fd = fd;
    if (kind_ == Kind::kSingle && receivings_.size() <= static_cast<size_t>(fd)) {
      receivings_.resize(static_cast<size_t>(fd) + 1);
    }
    open_[local] = fd;
    return fd;
  }

  io_uring_sqe* Entry() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry != nullptr) return entry;
    (void)io_uring_submit(&ring_);
    entry = io_uring_get_sqe(&ring_);
    CHECK(entry != nullptr);
    return entry;
  }

  void Arm(int fd) {
    io_uring_sqe* entry = Entry();
    if (kind_ == Kind::kRecvmsg) {
      io_uring_prep_recvmsg_multishot(entry, fd, &template_, 0);
    } else if (kind_ == Kind::kSingle) {
      Receiving& receiving = receivings_[static_cast<size_t>(fd)];
      receiving.bytes = {nullptr, kBufferBytes};
      receiving.message = {};
      receiving.message.msg_name = &receiving.from;
      receiving.message.msg_namelen = sizeof(receiving.from);
      receiving.message.msg_iov = &receiving.bytes;
      receiving.message.msg_iovlen = 1;
      io_uring_prep_recvmsg(entry, fd, &receiving.message, 0);
    } else {
      io_uring_prep_recv_multishot(entry, fd, nullptr, 0, 0);
    }
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = kGroup;
    io_uring_sqe_set_data64(entry, static_cast<uint64_t>(fd));
  }

  void GiveBack(unsigned buffer) {
    io_uring_buf_ring_add(buffers_, &memory_[size_t{buffer} * kBufferBytes], kBufferBytes,
                          static_cast<uint16_t>(buffer), io_uring_buf_ring_mask(kBuffers), 0);
    io_uring_buf_ring_advance(buffers_, 1);
  }

  void On(const io_uring_cqe& cqe) {
    if ((cqe.user_data & kSent) != 0)
      return GiveBack(static_cast<unsigned>(cqe.user_data & ~kSent));
    const int fd = static_cast<int>(cqe.user_data);
    if (cqe.res >= 0 && (cqe.flags & IORING_CQE_F_BUFFER) != 0) {
      Forward(fd, cqe.flags >> IORING_CQE_BUFFER_SHIFT, cqe.res);
    }
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) Arm(fd);
  }

  void Forward(int fd, unsigned buffer, int size) {
    char* bytes = &memory_[size_t{buffer} * kBufferBytes];
    const Port& port = ports_[static_cast<size_t>(fd)];
    const Route* route = &port.only;
    sockaddr_in from{};
    if (kind_ == Kind::kRecvmsg) {
      io_uring_recvmsg_out* out = io_uring_recvmsg_validate(bytes, size, &template_);
      if (out == nullptr) return GiveBack(buffer);
      std::memcpy(&from, io_uring_recvmsg_name(out), sizeof(from));
      size = static_cast<int>(io_uring_recvmsg_payload_length(out, size, &template_));
      bytes = static_cast<char*>(io_uring_recvmsg_payload(out, &template_));
    } else if (kind_ == Kind::kSingle) {
      from = receivings_[static_cast<size_t>(fd)].from;
    }
    if (port.routes > 1) {
      const auto found = port.by_source.find(KeyOf(from));
      if (found == port.by_source.end()) return GiveBack(buffer);
      route = &found->second;
    }
    io_uring_sqe* entry = Entry();
    if (kind_ == Kind::kConnected) {
      io_uring_prep_send(entry, route->out, bytes, static_cast<size_t>(size), 0);
    } else {
      Sending& sending = sendings_[buffer];
      sending.to = route->to;
      sending.bytes = {bytes, static_cast<size_t>(size)};
      sending.message.msg_name = &sending.to;
      sending.message.msg_namelen = sizeof(sending.to);
      sending.message.msg_iov = &sending.bytes;
      sending.message.msg_iovlen = 1;
      io_uring_prep_sendmsg(entry, route->out, &sending.message, 0);
    }
    io_uring_sqe_set_data64(entry, kSent | buffer);
  }

  const Kind kind_;
  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  std::unique_ptr<char[]> memory_;
  std::vector<Sending> sendings_;
  std::vector<Receiving> receivings_;  // By descriptor.
  msghdr template_{};
  std::map<Endpoint, int> open_;
  std::vector<Port> ports_;  // By descriptor.
};

int Fail(const std::string& what) {
  (void)std::fprintf(stderr, "socket_stub: %s\n", what.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  static const std::map<std::string_view, Kind> kKinds = {{"recvmsg", Kind::kRecvmsg},
                                                          {"single", Kind::kSingle},
                                                          {"recv", Kind::kRecv},
                                                          {"connected", Kind::kConnected}};
  const auto kind = argc == 4 ? kKinds.find(argv[1]) : kKinds.end();
  if (kind == kKinds.end()) {
    return Fail("usage: socket_stub recvmsg|single|recv|connected LATENCY_BUDGET_US ROUTES");
  }
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  SocketStub stub(kind->second);
  std::string words[4];
  std::ifstream file(argv[3]);
  while (file >> words[0] >> words[1] >> words[2] >> words[3]) {
    Endpoint ends[4];
    for (size_t i = 0; i < 4; ++i) {
      if (!Endpoint::Parse(words[i], &ends[i])) return Fail("not an address: " + words[i]);
    }
    if (!stub.Add(ends[0], ends[1], ends[2], ends[3])) return Fail("no such sockets: " + words[0]);
  }
  std::puts("ready");
  (void)std::fflush(stdout);
  stub.Run(static_cast<unsigned>(std::atoi(argv[2])));
  return 0;
}
