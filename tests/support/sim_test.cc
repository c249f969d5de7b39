// Goal: the simulated network and its driver are deterministic, keep virtual time, and show each
// fault that the simulations of the SBC rely on (packet-core section 8: sim_io models the faults).

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "tests/support/sim_io.h"
#include "tests/support/sim_network.h"
#include "tests/support/simulation.h"

namespace tests {
namespace {

using core::Duration;
using core::Endpoint;
using core::Instant;
using core::IpAddress;
using core::Packet;
using core::SocketId;
using namespace std::chrono_literals;

// A host with one socket, which records what it gets and sends a numbered datagram every
// millisecond.
class Peer final : public Participant {
 public:
  Peer(SimNetwork* network, const IpAddress& address) : network_(network), io_(network) {
    core::net::SocketOptions options;
    options.local = {address, 5060};
    socket_ = io_.Open(options).value();
  }

  void Turn() override {
    io_.FlushAndWait(NextDue());
    const Instant now = network_->clock().Now();
    for (const Packet& packet : io_.Receive()) {
      received.emplace_back(packet.text());
      arrived.push_back(packet.received_at());
    }
    for (const core::net::SendError& error : io_.Errors()) {
      errors.push_back(error.error);
      quoted.emplace_back(error.quoted);
    }
    if (left_ > 0 && now >= next_send_) {
      SendText(std::to_string(left_--));
      next_send_ = now + 1ms;
    }
  }
  Instant NextDue() const override { return left_ > 0 ? next_send_ : core::kNever; }

  void StartSending(int count, const Endpoint& to) {
    left_ = count;
    to_ = to;
    next_send_ = network_->clock().Now();
  }
  void SendText(std::string_view text) {
    Packet packet = store_.Copy(text);
    packet.SetRoute(socket_, io_.LocalOf(socket_), to_);
    io_.Send(std::move(packet));
  }
  SimIo* io() { return &io_; }
  Endpoint local() const { return io_.LocalOf(socket_); }

  std::vector<std::string> received;
  std::vector<Instant> arrived;
  std::vector<int> errors;
  std::vector<std::string> quoted;

 private:
  SimNetwork* network_;
  core::PacketStore store_{{.small = 64, .medium = 4, .large = 1}};  // Dies after io_'s queue.
  SimIo io_;
  SocketId socket_;
  Endpoint to_;
  int left_ = 0;
  Instant next_send_;
};

struct World {
  explicit World(uint64_t seed = 1) : network(seed) {
    simulation.Add(&alice, alice.io());
    simulation.Add(&bob, bob.io());
  }
  SimNetwork network;
  Simulation simulation{&network};
  Peer alice{&network, IpAddress::FromV4(0x0a000001)};
  Peer bob{&network, IpAddress::FromV4(0x0a000002)};
};

// A datagram takes the link's delay of virtual time, and the run ends when nothing is under way.
TEST(SimulationTest, VirtualTimeIsTheLinksDelay) {
  World world;
  world.network.SetDefaultLink({.delay = 30s});
  const Instant start = world.simulation.now();
  world.alice.StartSending(2, world.bob.local());

  ASSERT_TRUE(world.simulation.RunUntilIdle(start + 1h));

  ASSERT_EQ(world.bob.received, (std::vector<std::string>{"2", "1"}));
  EXPECT_EQ(world.bob.arrived[0], start + 30s);
  EXPECT_EQ(world.bob.arrived[1], start + 30s + 1ms);
  EXPECT_EQ(world.simulation.now(), start + 30s + 1ms);
}

TEST(SimulationTest, RunUntilStopsAtItsMomentWithTheRestUnderWay) {
  World world;
  world.network.SetDefaultLink({.delay = 5ms});
  const Instant start = world.simulation.now();
  world.alice.StartSending(1, world.bob.local());
  world.simulation.RunUntil(start + 4ms);
  EXPECT_EQ(world.simulation.now(), start + 4ms);
  EXPECT_TRUE(world.bob.received.empty());
  EXPECT_EQ(world.network.NextEvent(), start + 5ms);
  world.simulation.RunFor(1ms);
  EXPECT_EQ(world.bob.received.size(), 1u);
  EXPECT_FALSE([&] {
    world.alice.StartSending(100, world.bob.local());
    return world.simulation.RunUntilIdle(world.simulation.now() + 10ms);
  }());
}

// The same seed is the same run, another seed another one, with every fault switched on.
TEST(SimulationTest, ARunIsAFunctionOfItsSeed) {
  const auto run = [](uint64_t seed) {
    World world(seed);
    world.network.SetDefaultLink(
        {.delay = 2ms, .jitter = 3ms, .reorder = 0.1, .loss = 0.1, .duplicate = 0.1});
    world.alice.StartSending(500, world.bob.local());
    EXPECT_TRUE(world.simulation.RunUntilIdle(world.simulation.now() + 1h));
    return std::pair(world.bob.received, world.bob.arrived);
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(SimulationTest, LossDuplicationAndReorderingComeInTheirShares) {
  World world;
  world.network.SetDefaultLink({.delay = 1ms, .loss = 0.2, .duplicate = 0.1});
  world.alice.StartSending(2000, world.bob.local());
  ASSERT_TRUE(world.simulation.RunUntilIdle(world.simulation.now() + 1h));
  const SimNetwork::Counters& counters = world.network.counters();
  EXPECT_NEAR(static_cast<double>(counters.lost), 400, 80);
  EXPECT_NEAR(static_cast<double>(counters.duplicated), 160, 60);
  EXPECT_EQ(world.bob.received.size(), 2000 - counters.lost + counters.duplicated);
  const auto descending = [](const std::string& a, const std::string& b) {
    return std::stoi(a) > std::stoi(b);
  };
  EXPECT_TRUE(std::is_sorted(world.bob.received.begin(), world.bob.received.end(), descending));

  world.bob.received.clear();
  world.network.SetDefaultLink({.delay = 5ms, .jitter = 2ms, .reorder = 0.2});
  world.alice.StartSending(500, world.bob.local());
  ASSERT_TRUE(world.simulation.RunUntilIdle(world.simulation.now() + 1h));
  EXPECT_EQ(world.bob.received.size(), 500u);
  EXPECT_FALSE(std::is_sorted(world.bob.received.begin(), world.bob.received.end(), descending));
}

// A partition is silence in both directions; it heals.
TEST(SimulationTest, PartitionSwallowsAndHeals) {
  World world;
  world.network.SetPartition(world.alice.local().ip, world.bob.local().ip, true);
  world.alice.StartSending(5, world.bob.local());
  ASSERT_TRUE(world.simulation.RunUntilIdle(world.simulation.now() + 1h));
  EXPECT_TRUE(world.bob.received.empty());
  EXPECT_TRUE(world.alice.errors.empty());
  world.network.SetPartition(world.alice.local().ip, world.bob.local().ip, false);
  world.alice.StartSending(5, world.bob.local());
  ASSERT_TRUE(world.simulation.RunUntilIdle(world.simulation.now() + 1h));
  EXPECT_EQ(world.bob.received.size(), 5u);
}

// A closed port refuses, an unreachable host is reported by its router, and an address that nobody
// has is silent. What comes back quotes the datagram that failed (rule 8).
TEST(SimulationTest, DeadHostsAnswerWithIcmpThatQuotes) {
  World world;
  Endpoint closed = world.bob.local();
  closed.port = 9;
  world.alice.StartSending(1, closed);
  ASSERT_TRUE(world.simulation.RunUntilIdle(world.simulation.now() + 1h));
  EXPECT_EQ(world.alice.errors, (std::vector<int>{ECONNREFUSED}));
  EXPECT_EQ(world.alice.quoted, (std::vector<std::string>{"1"}));

  world.network.SetUnreachable(world.bob.local().ip, true);
  world.alice.StartSending(1, world.bob.local());
  ASSERT_TRUE(world.simulation.RunUntilIdle(world.simulation.now() + 1h));
  EXPECT_EQ(world.alice.errors, (std::vector<int>{ECONNREFUSED, EHOSTUNREACH}));

  world.alice.StartSending(1, {IpAddress::FromV4(0x0a0000ff), 5060});
  ASSERT_TRUE(world.simulation.RunUntilIdle(world.simulation.now() + 1h));
  EXPECT_EQ(world.alice.errors.size(), 2u);
}

// The wall clock can be stepped without any timer noticing (rule 4).
TEST(SimClockTest, AWallClockStepLeavesMonotonicTimeAlone) {
  SimClock clock;
  const Instant now = clock.Now();
  const int64_t before = clock.Wall().unix_us;
  clock.StepWall(-1h);
  EXPECT_EQ(clock.Now(), now);
  EXPECT_EQ(clock.Wall().unix_us, before - 3'600'000'000);
  clock.AdvanceTo(now + 1s);
  EXPECT_EQ(clock.Wall().unix_us, before - 3'599'000'000);
}

}  // namespace
}  // namespace tests
