#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/buffer/packet_pool.h"
#include "core/net/packet_io.h"
#include "loadgen/builtin_scenarios.h"
#include "loadgen/load_worker.h"
#include "loadgen/options.h"
#include "loadgen/scenario_loader.h"
#include "tests/support/allocations.h"
#include "tests/support/load_world.h"
#include "tests/support/sim_network.h"

// After start, neither a call nor a message costs an allocation (style section 4 rule 2).

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using core::Instant;
using core::Packet;

// One end of a wire with nothing in between, which does not allocate: the simulated network does.
class WireIo final : public core::net::PacketIo {
 public:
  explicit WireIo(core::Clock* clock) : clock_(clock), pool_(4096, 512) {
    sent_.reserve(kBurstMax);
    arrived_.reserve(kBurstMax);
    burst_.reserve(kBurstMax);
  }
  void Connect(WireIo* peer) { peer_ = peer; }
  bool HasWork() const { return !sent_.empty() || !arrived_.empty(); }

  absl::StatusOr<core::SocketId> Open(const core::net::SocketOptions& options) override {
    local_ = options.local;
    return core::SocketId{0, 1};
  }
  void Close(core::SocketId) override {}
  core::Endpoint LocalOf(core::SocketId) const override { return local_; }
  absl::Status SetReachFilter(core::SocketId, std::span<const core::Cidr>) override {
    return absl::OkStatus();
  }
  void Send(Packet packet) override {
    CHECK(sent_.size() < kBurstMax);
    sent_.push_back(std::move(packet));
  }
  void FlushAndWait(Instant) override {
    for (const Packet& packet : sent_) peer_->Take(packet.text(), local_);
    sent_.clear();
    burst_.clear();
    std::swap(burst_, arrived_);
  }
  std::span<Packet> Receive() override { return burst_; }
  std::span<const core::net::SendError> Errors() override { return {}; }
  void Wake() override {}
  const core::net::IoCounters& counters() const override { return counters_; }
  uint64_t QueueDrops(core::SocketId) const override { return 0; }

 private:
  static constexpr size_t kBurstMax = 512;

  void Take(std::string_view bytes, const core::Endpoint& from) {
    CHECK(arrived_.size() < kBurstMax);
    Packet packet = pool_.Acquire();
    CHECK(packet);
    std::memcpy(packet.data(), bytes.data(), bytes.size());
    packet.set_size(static_cast<uint32_t>(bytes.size()));
    packet.SetRoute({0, 1}, local_, from);
    packet.slot()->received_at = clock_->Now();
    arrived_.push_back(std::move(packet));
  }

  core::Clock* clock_;
  core::PacketPool pool_;
  WireIo* peer_ = nullptr;
  core::Endpoint local_;
  core::net::IoCounters counters_;
  std::vector<Packet> sent_;
  std::vector<Packet> arrived_;
  std::vector<Packet> burst_;
};

// One generator at an end of the wire.
struct End {
  End(const char* name, std::vector<const char*> arguments, tests::SimClock* clock)
      : io(clock), options(tests::LoadWorld::OptionsOf(arguments)) {
    auto loaded = LoadScenario(*FindBuiltinScenario(name), name, {.injections = &injections});
    CHECK(loaded.ok());
    scenario = *std::move(loaded);
  }
  void Start(tests::SimClock* clock, const core::Endpoint& local, const core::Endpoint& remote) {
    values.local_ip = "10.0.0.1";
    values.remote_ip = "10.0.0.2";
    const auto socket = io.Open({.local = local});
    worker = std::make_unique<LoadWorker>(LoadWorker::Parts{.options = &options,
                                                            .run = &values,
                                                            .injections = &injections,
                                                            .scenario = scenario.get(),
                                                            .io = &io,
                                                            .clock = clock,
                                                            .random = &random,
                                                            .trace = &trace,
                                                            .socket = *socket,
                                                            .local = local,
                                                            .target = remote});
  }

  WireIo io;
  Options options;
  InjectionFiles injections;
  std::unique_ptr<Scenario> scenario;
  RunValues values;
  core::Random random{1};
  Trace trace;
  std::unique_ptr<LoadWorker> worker;
};

TEST(LoadAllocationTest, CallsAndMessagesCostNone) {
  tests::SimClock clock;
  End client("uac", {"-r", "1000", "-l", "1000", "-d", "20"}, &clock);
  End server("uas", {"-l", "8000"}, &clock);
  client.io.Connect(&server.io);
  server.io.Connect(&client.io);
  const auto one = tests::LoadWorld::At("10.0.0.1:5060");
  const auto two = tests::LoadWorld::At("10.0.0.2:5060");
  client.Start(&clock, one, two);
  server.Start(&clock, two, one);
  const auto run = [&](core::Duration duration) {
    const Instant end = clock.Now() + duration;
    while (true) {
      const Instant next = std::min(client.worker->NextDue(), server.worker->NextDue());
      if (!client.io.HasWork() && !server.io.HasWork()) {
        if (next > end) return;
        clock.AdvanceTo(std::max(next, clock.Now()));
      }
      client.worker->Turn();
      server.worker->Turn();
    }
  };

  run(6s);  // Calls in every state there is, and the first timewaits over.
  const uint64_t calls = client.worker->statistics().counts.created();
  const size_t before = Allocations();
  run(4s);

  EXPECT_EQ(Allocations(), before);
  EXPECT_GE(client.worker->statistics().counts.created(), calls + 3999);
  EXPECT_EQ(client.worker->statistics().counts.failed, 0u);
  EXPECT_GE(server.worker->statistics().counts.successful, calls - 100);  // Their 4 s are over.
}

}  // namespace
}  // namespace loadgen
