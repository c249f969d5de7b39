#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/buffer/packet_pool.h"
#include "core/net/packet_io.h"
#include "loadgen/load_worker.h"
#include "loadgen/options.h"
#include "loadgen/scenario_loader.h"
#include "tests/loadgen/media/talking_texts.h"
#include "tests/support/allocations.h"
#include "tests/support/load_world.h"
#include "tests/support/sim_network.h"

// After start, neither a call with audio nor a packet of it costs an allocation.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using core::Instant;
using core::Packet;
using tests::LoadWorld;

// One end of a wire with any number of sockets and nothing in between, which does not allocate.
class WireIo final : public core::net::PacketIo {
 public:
  explicit WireIo(core::Clock* clock) : clock_(clock), pool_(4096, kBurstMax) {
    sent_.reserve(kBurstMax);
    arrived_.reserve(kBurstMax);
    burst_.reserve(kBurstMax);
  }
  void Connect(WireIo* peer) { peer_ = peer; }
  bool HasWork() const { return !sent_.empty() || !arrived_.empty(); }

  absl::StatusOr<core::SocketId> Open(const core::net::SocketOptions& options) override {
    locals_.push_back(options.local);
    return core::SocketId{static_cast<uint32_t>(locals_.size() - 1), 1};
  }
  void Close(core::SocketId) override {}
  core::Endpoint LocalOf(core::SocketId socket) const override { return locals_[socket.index]; }
  absl::Status SetReachFilter(core::SocketId, std::span<const core::Cidr>) override {
    return absl::OkStatus();
  }
  void Send(Packet packet) override {
    CHECK(sent_.size() < kBurstMax);
    sent_.push_back(std::move(packet));
  }
  void FlushAndWait(Instant) override {
    for (const Packet& packet : sent_) peer_->Take(packet);
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
  static constexpr size_t kBurstMax = 1024;

  void Take(const Packet& sent) {
    for (uint32_t i = 0; i < locals_.size(); ++i) {
      if (locals_[i] != sent.remote()) continue;
      Packet packet = pool_.Acquire();
      CHECK(packet && arrived_.size() < kBurstMax);
      std::memcpy(packet.data(), sent.text().data(), sent.size());
      packet.set_size(sent.size());
      packet.SetRoute({i, 1}, locals_[i], sent.local());
      packet.slot()->received_at = clock_->Now();
      return arrived_.push_back(std::move(packet));
    }
  }

  core::Clock* clock_;
  core::PacketPool pool_;
  WireIo* peer_ = nullptr;
  std::vector<core::Endpoint> locals_;
  core::net::IoCounters counters_;
  std::vector<Packet> sent_;
  std::vector<Packet> arrived_;
  std::vector<Packet> burst_;
};

struct End {
  End(const std::string& text, std::vector<const char*> arguments, tests::SimClock* clock)
      : io(clock), options(LoadWorld::OptionsOf(arguments)) {
    auto loaded = LoadScenario(text, "test.xml", {.injections = &injections});
    CHECK(loaded.ok());
    scenario = *std::move(loaded);
  }
  void Start(tests::SimClock* clock, const char* ip, const core::Endpoint& local,
             const core::Endpoint& remote) {
    values.local_ip = values.media_ip = ip;
    values.remote_ip = "10.0.0.9";
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
    CHECK(worker->OpenMedia().ok());
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

TEST(MediaAllocationTest, CallsAndPacketsCostNone) {
  const tests::MediaFile file(std::string(800, 'v'), "allocation");
  const std::string play = tests::Exec(core::Concat("rtp_stream=\"", file.path(), ",-1,0\""));
  const char* checks = "rf_two_way=\"true\" rf_max_loss=\"1\" rf_min_mos=\"4\"";
  tests::SimClock clock;
  End client(tests::TalkingCaller(play + tests::Exec("play_dtmf=\"12,60\"") +
                                  "<pause milliseconds=\"2500\"/>\n" +
                                  core::Concat("<nop ", checks, "/>\n")),
             {"-r", "20", "-l", "80", "--media_marks"}, &clock);
  End server(tests::TalkingCallee(play, checks), {"-l", "80", "--media_marks"}, &clock);
  client.io.Connect(&server.io);
  server.io.Connect(&client.io);
  const auto one = LoadWorld::At("10.0.0.1:5060");
  const auto two = LoadWorld::At("10.0.0.2:5060");
  client.Start(&clock, "10.0.0.1", one, two);
  server.Start(&clock, "10.0.0.2", two, one);
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

  run(4s);
  const uint64_t reports = client.worker->media()->statistics().rtcp_received;
  const uint64_t packets = client.worker->media()->statistics().packets_received;
  const uint64_t calls = client.worker->statistics().counts.successful;
  const size_t before = Allocations();
  run(2s);

  EXPECT_EQ(Allocations(), before);
  EXPECT_GT(client.worker->media()->statistics().packets_received, packets + 500);
  EXPECT_GT(client.worker->media()->statistics().rtcp_received, reports + 20);  // And BYEs.
  EXPECT_GT(client.worker->statistics().counts.successful, calls + 30);
  EXPECT_EQ(client.worker->statistics().counts.failed, 0u);
  EXPECT_EQ(server.worker->statistics().counts.failed, 0u);
}

}  // namespace
}  // namespace loadgen
