// The floor of the media benchmark: what the kernel costs to forward a datagram, with no RTP at
// all. It takes the relay's place between the same ends, on the same sockets, backend and waiting
// rule, and finds where a datagram goes by its socket, or, on a socket that several calls share, by
// where it came from.
//
//     forward_stub LATENCY_BUDGET_US ROUTES [receive_times]
//
// A budget of "poll" is none: it never sleeps.
//
// With receive_times it asks the kernel when each datagram came, as the relay does: then what it
// receives is the same, and what is left between the two is the relay's own. Without, it is the
// least that forwarding costs.
//
// Each line of ROUTES is a direction of a call: "IN FROM OUT TO": what comes to our port IN from
// FROM leaves from our port OUT to TO. It prints "ready" and runs until SIGTERM.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/address.h"
#include "core/engine/worker.h"
#include "core/net/uring_io.h"
#include "core/time/clock.h"
#include "core/time/timer_wheel.h"

namespace {

using core::Endpoint;
using core::Instant;
using core::Packet;
using core::SocketId;

volatile std::sig_atomic_t stop_asked = 0;

class ForwardStub final : public core::engine::WorkerProgram {
 public:
  ForwardStub(core::net::PacketIo* io, bool receive_times)
      : io_(io), receive_times_(receive_times) {}

  absl::Status Add(const Endpoint& in, const Endpoint& from, const Endpoint& out,
                   const Endpoint& to) {
    const auto in_socket = Open(in);
    if (!in_socket.ok()) return in_socket.status();
    const auto out_socket = Open(out);
    if (!out_socket.ok()) return out_socket.status();
    const Route route{*out_socket, out, to};
    Port& port = ports_[in_socket->index];
    if (port.count++ == 0) port.only = route;
    port.by_source[Key(from)] = route;
    return absl::OkStatus();
  }

  void OnPacket(Packet packet, Instant /*now*/) override {
    const Port& port = ports_[packet.socket().index];
    const Route* route = &port.only;
    if (port.count > 1) {
      const auto found = port.by_source.find(Key(packet.remote()));
      if (found == port.by_source.end()) return;
      route = &found->second;
    }
    packet.SetRoute(route->socket, route->local, route->remote);
    io_->Send(std::move(packet));
  }
  void OnSendError(const core::net::SendError& /*error*/, Instant /*now*/) override {}
  void OnEnvelope(const core::engine::Envelope& /*envelope*/, Instant /*now*/) override {}
  void OnTurnEnd(Instant /*now*/) override {}

 private:
  struct Route {
    SocketId socket;
    Endpoint local;
    Endpoint remote;
  };
  struct Port {
    size_t count = 0;
    Route only;
    absl::flat_hash_map<uint64_t, Route> by_source;
  };

  static uint64_t Key(const Endpoint& endpoint) {
    return uint64_t{endpoint.ip.v4()} << 16 | endpoint.port;
  }

  absl::StatusOr<SocketId> Open(const Endpoint& local) {
    if (const auto found = open_.find(local); found != open_.end()) return found->second;
    core::net::SocketOptions options;
    options.local = local;
    options.group = core::net::BufferGroup::kMedia;
    options.icmp_errors = false;
    options.kernel_receive_time = receive_times_;
    auto opened = io_->Open(options);
    if (!opened.ok()) return opened;
    if (ports_.size() <= opened->index) ports_.resize(opened->index + size_t{1});
    open_[local] = *opened;
    return opened;
  }

  core::net::PacketIo* io_;
  const bool receive_times_;
  std::map<Endpoint, SocketId> open_;
  std::vector<Port> ports_;  // By socket index.
};

int Fail(const std::string& what) {
  std::fprintf(stderr, "forward_stub: %s\n", what.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool receive_times = argc == 4 && std::string_view(argv[3]) == "receive_times";
  if (argc != 3 && !receive_times) {
    return Fail("usage: forward_stub LATENCY_BUDGET_US ROUTES [receive_times]");
  }
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  core::KernelClock clock;
  core::net::UringIoOptions options;
  options.poll = std::string_view(argv[1]) == "poll";
  options.latency_budget = std::chrono::microseconds(std::atoi(argv[1]));
  auto io = core::net::UringIo::Create(options, &clock);
  if (!io.ok()) return Fail(io.status().ToString());
  ForwardStub stub(io->get(), receive_times);
  std::string words[4];
  std::ifstream file(argv[2]);
  while (file >> words[0] >> words[1] >> words[2] >> words[3]) {
    Endpoint ends[4];
    for (size_t i = 0; i < 4; ++i) {
      if (!Endpoint::Parse(words[i], &ends[i])) return Fail("not an address: " + words[i]);
    }
    const absl::Status added = stub.Add(ends[0], ends[1], ends[2], ends[3]);
    if (!added.ok()) return Fail(added.ToString());
  }
  core::TimerWheel timers(clock.Now());
  core::engine::Worker worker(
      {.io = io->get(), .clock = &clock, .timers = &timers, .program = &stub});
  std::puts("ready");
  std::fflush(stdout);
  core::Timer tick([](void*, core::Timer*, Instant) {}, nullptr);  // So that SIGTERM is seen.
  while (stop_asked == 0) {
    if (!tick.armed()) timers.Arm(&tick, clock.Now() + std::chrono::milliseconds(200));
    worker.Turn();
  }
  return 0;
}
