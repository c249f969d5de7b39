// The floor of the system benchmark: what the kernel costs for one call's datagrams, with no SIP at
// all. It takes the SBC's place between the same two generators, on the same sockets, backend and
// waiting rule, receives a call's 6 datagrams and sends its 7, and looks at no more of a datagram
// than its first bytes and its CSeq line.
//
//     floor_stub CUSTOMER_LISTENER TRUNK_LISTENER CALLEE LATENCY_BUDGET_US   (endpoints:
//     address:port)
//
// What it sends is what it received with another first line, so sizes are the call's own, and a
// real generator on each end is content. It prints "ready", runs until SIGTERM, and then prints its
// counts.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "core/base/address.h"
#include "core/buffer/packet_pool.h"
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

class FloorStub final : public core::engine::WorkerProgram {
 public:
  FloorStub(core::net::PacketIo* io, const Endpoint& callee) : io_(io), callee_(callee) {}

  absl::Status Open(const Endpoint& customer, const Endpoint& trunk) {
    core::net::SocketOptions options;
    options.local = customer;
    auto opened = io_->Open(options);
    if (!opened.ok()) return opened.status();
    customer_ = *opened;
    options.local = trunk;
    opened = io_->Open(options);
    if (!opened.ok()) return opened.status();
    trunk_ = *opened;
    customer_local_ = customer;
    trunk_local_ = trunk;
    return absl::OkStatus();
  }

  void OnPacket(Packet packet, Instant /*now*/) override {
    ++received_;
    const std::string_view text = packet.text();
    if (packet.socket() == customer_) {
      caller_ = packet.remote();
      if (text.starts_with("INVITE")) {
        SendAs("SIP/2.0 100 Trying", text, customer_, customer_local_, caller_);
        SendAs({}, text, trunk_, trunk_local_, callee_);
      } else if (text.starts_with("BYE")) {
        SendAs("SIP/2.0 200 OK", text, customer_, customer_local_, caller_);
        SendAs({}, text, trunk_, trunk_local_, callee_);
      }
      return;  // The ACK ends here, as it does in the SBC: the callee has had its own.
    }
    if (text.starts_with("SIP/2.0 18")) {
      SendAs({}, text, customer_, customer_local_, caller_);
    } else if (text.starts_with("SIP/2.0 200") && text.find(" INVITE\r\n") != text.npos) {
      SendAs({}, text, customer_, customer_local_, caller_);
      SendAs("ACK sip:callee SIP/2.0", text, trunk_, trunk_local_, callee_);
    }
  }

  void OnSendError(const core::net::SendError& /*error*/, Instant /*now*/) override {}
  void OnEnvelope(const core::engine::Envelope& /*envelope*/, Instant /*now*/) override {}
  void OnTurnEnd(Instant /*now*/) override {}

  uint64_t received() const { return received_; }
  uint64_t sent() const { return sent_; }

 private:
  // `text` with another first line, or as it is.
  void SendAs(std::string_view first_line, std::string_view text, SocketId socket,
              const Endpoint& local, const Endpoint& remote) {
    const std::string_view rest = first_line.empty() ? text : text.substr(text.find('\r'));
    Packet packet = store_.Acquire(first_line.size() + rest.size());
    if (!packet) return;
    std::memcpy(packet.data(), first_line.data(), first_line.size());
    std::memcpy(packet.data() + first_line.size(), rest.data(), rest.size());
    packet.set_size(static_cast<uint32_t>(first_line.size() + rest.size()));
    packet.SetRoute(socket, local, remote);
    io_->Send(std::move(packet));
    ++sent_;
  }

  core::net::PacketIo* io_;
  core::PacketStore store_{{.small = 4096, .medium = 4096, .large = 16}};
  Endpoint callee_;
  Endpoint caller_;
  SocketId customer_;
  SocketId trunk_;
  Endpoint customer_local_;
  Endpoint trunk_local_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
};

int Fail(const char* what) {
  std::fprintf(stderr, "floor_stub: %s\n", what);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Endpoint customer;
  Endpoint trunk;
  Endpoint callee;
  if (argc != 5 || !Endpoint::Parse(argv[1], &customer) || !Endpoint::Parse(argv[2], &trunk) ||
      !Endpoint::Parse(argv[3], &callee)) {
    return Fail("usage: floor_stub CUSTOMER_LISTENER TRUNK_LISTENER CALLEE LATENCY_BUDGET_US");
  }
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  core::KernelClock clock;
  core::net::UringIoOptions options;
  options.latency_budget = std::chrono::microseconds(std::atoi(argv[4]));
  auto io = core::net::UringIo::Create(options, &clock);
  if (!io.ok()) return Fail(io.status().ToString().c_str());
  core::TimerWheel timers(clock.Now());
  FloorStub stub(io->get(), callee);
  const absl::Status opened = stub.Open(customer, trunk);
  if (!opened.ok()) return Fail(opened.ToString().c_str());
  core::engine::Worker worker(
      {.io = io->get(), .clock = &clock, .timers = &timers, .program = &stub});
  std::puts("ready");
  std::fflush(stdout);
  core::Timer tick([](void*, core::Timer*, Instant) {}, nullptr);  // So that SIGTERM is seen.
  while (stop_asked == 0) {
    if (!tick.armed()) timers.Arm(&tick, clock.Now() + std::chrono::milliseconds(200));
    worker.Turn();
  }
  std::printf("received %lu sent %lu\n", stub.received(), stub.sent());
  return 0;
}
