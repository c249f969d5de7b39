#include "sbc/media/media_ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/sim_io.h"
#include "tests/support/sim_network.h"

// Rule 9 of the packet core (opened once, borrowed), rule 22 (drawn at random), rule 26 (even and
// odd), and the quarantine of a port.

namespace sbc {
namespace {

using namespace std::chrono_literals;
using core::Instant;
using core::Random;

constexpr Instant kNow{1h};

MediaConfig Range(uint16_t first, uint16_t last, bool shared = false) {
  MediaConfig config;
  CHECK(core::IpAddress::Parse("127.0.0.2", &config.address));
  config.port_first = first;
  config.port_last = last;
  config.shared = shared;
  return config;
}

struct Bed {
  explicit Bed(const MediaConfig& config, uint16_t worker = 0, uint16_t workers = 1)
      : ports(config, worker, workers) {
    CHECK(ports.Open(&io).ok());
  }
  std::set<uint16_t> AllPorts() const {
    std::set<uint16_t> all;
    for (uint32_t i = 0; i < ports.count(); ++i) all.insert(ports.pair(i).rtp_local.port);
    return all;
  }
  tests::SimNetwork network{1};
  tests::SimIo io{&network};
  Random random{7};
  MediaPorts ports;
};

TEST(MediaPortsTest, PairsAreEvenAndTheOddOneAfterIt) {
  const Bed bed(Range(20001, 20010));
  EXPECT_THAT(bed.AllPorts(), testing::ElementsAre(20002, 20004, 20006, 20008));
  for (uint32_t i = 0; i < bed.ports.count(); ++i) {
    const MediaPorts::Pair& pair = bed.ports.pair(i);
    EXPECT_EQ(pair.rtcp_local.port, pair.rtp_local.port + 1);
    EXPECT_EQ(bed.io.LocalOf(pair.rtp).port, pair.rtp_local.port);
    EXPECT_EQ(bed.io.LocalOf(pair.rtcp).port, pair.rtcp_local.port);
  }
}

TEST(MediaPortsTest, RangesWithoutAPairHaveNone) {
  EXPECT_EQ(MediaPorts::PairsIn(Range(20001, 20002)), 0u);
  EXPECT_EQ(MediaPorts::PairsIn(Range(20000, 20001)), 1u);
  EXPECT_EQ(MediaPorts::PairsIn(Range(65534, 65535)), 1u);
  EXPECT_EQ(MediaPorts::PairsIn(Range(1, 2)), 0u);
}

TEST(MediaPortsTest, WorkersShareARangeWithoutOverlap) {
  std::set<uint16_t> all;
  for (uint16_t worker = 0; worker < 3; ++worker) {
    const Bed bed(Range(20000, 20019), worker, 3);
    for (const uint16_t port : bed.AllPorts()) EXPECT_TRUE(all.insert(port).second) << port;
  }
  EXPECT_EQ(all.size(), 10u);
}

// Its width is the operator's to choose: it bounds how many calls may begin while others' rest.
TEST(MediaPortsTest, TheWholeRangeIsOpened) {
  EXPECT_EQ(Bed(Range(20000, 29999)).ports.count(), 5000u);
  EXPECT_EQ(Bed(Range(20000, 20019), 0, 3).ports.count(), 4u);
  EXPECT_EQ(Bed(Range(20000, 20019), 2, 3).ports.count(), 3u);
}

// Of a shared range each worker opens a few, however wide it is.
TEST(MediaPortsTest, NoMoreAreOpenedThanCallsCanUse) {
  EXPECT_EQ(Bed(Range(20000, 29999, true), 1, 2).ports.count(), MediaPorts::kSharedPairsMax);
  EXPECT_EQ(Bed(Range(20000, 20019, true), 1, 2).ports.count(), 5u);
}

// Two for each pair that is opened, each worker's listeners, and what the node has anyway.
TEST(MediaPortsTest, DescriptorsAreCountedAsTheyAreOpened) {
  Config config;
  const uint64_t bare = FilesWanted(config);
  EXPECT_EQ(bare, 512u);
  config.listeners.resize(2);
  EXPECT_EQ(FilesWanted(config), bare + 2);
  config.limits.calls = 5000;
  config.media = {Range(20000, 32499), Range(33000, 45499)};
  EXPECT_EQ(FilesWanted(config), bare + 2 + 25'000);
  config.node.workers = 2;
  EXPECT_EQ(FilesWanted(config), bare + 4 + 25'000);
  config.media[1].shared = true;
  EXPECT_EQ(FilesWanted(config), bare + 4 + 12'500 + 4 * MediaPorts::kSharedPairsMax);
  config.node.io = IoKind::kDpdk;
  EXPECT_EQ(FilesWanted(config), bare + 4);
}

// Exhaustion is an answer, and a port that was given back rests before it comes again.
TEST(MediaPortsTest, APortRestsBeforeItIsUsedAgain) {
  Bed bed(Range(20000, 20003));
  const auto first = bed.ports.Acquire(&bed.random, kNow);
  const auto second = bed.ports.Acquire(&bed.random, kNow);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_NE(*first, *second);
  EXPECT_FALSE(bed.ports.Acquire(&bed.random, kNow).has_value());

  bed.ports.Release(*first, kNow);
  EXPECT_EQ(bed.ports.used(), 1u);
  EXPECT_FALSE(bed.ports.Acquire(&bed.random, kNow + MediaPorts::kRest - 1ns).has_value());
  EXPECT_EQ(bed.ports.Acquire(&bed.random, kNow + MediaPorts::kRest), first);
}

// Without waiting, the one that rested longest comes first; each rests anew when it is given back.
TEST(MediaPortsTest, TheLongestRestedIsTheFirstThatCanBeHadEarly) {
  Bed bed(Range(20000, 20007));
  EXPECT_FALSE(bed.ports.rest_ends().has_value());
  std::vector<uint32_t> pairs;
  for (int i = 0; i < 4; ++i) pairs.push_back(*bed.ports.Acquire(&bed.random, kNow));
  for (size_t i = 0; i < 4; ++i) bed.ports.Release(pairs[i], kNow + static_cast<int>(i) * 1s);
  EXPECT_EQ(bed.ports.rest_ends(), kNow + MediaPorts::kRest);
  EXPECT_EQ(bed.ports.AcquireResting(), pairs[0]);
  EXPECT_EQ(bed.ports.AcquireResting(), pairs[1]);
  EXPECT_EQ(bed.ports.used(), 2u);
  bed.ports.Release(pairs[1], kNow + 4s);
  EXPECT_EQ(bed.ports.AcquireResting(), pairs[2]);
  EXPECT_EQ(bed.ports.AcquireResting(), pairs[3]);
  EXPECT_EQ(bed.ports.rest_ends(), kNow + 4s + MediaPorts::kRest);
  EXPECT_EQ(bed.ports.Acquire(&bed.random, kNow + 4s + MediaPorts::kRest), pairs[1]);
  EXPECT_EQ(bed.ports.resting(), 0u);
}

// Who can do without leaves so many to who cannot; shared ones are there for all.
TEST(MediaPortsTest, WhatIsSpareIsLeft) {
  Bed bed(Range(20000, 20007));
  ASSERT_TRUE(bed.ports.Acquire(&bed.random, kNow, 2).has_value());
  ASSERT_TRUE(bed.ports.Acquire(&bed.random, kNow, 2).has_value());
  EXPECT_FALSE(bed.ports.Acquire(&bed.random, kNow, 2).has_value());
  EXPECT_EQ(bed.ports.used(), 2u);
  EXPECT_TRUE(bed.ports.Acquire(&bed.random, kNow).has_value());
  Bed shared(Range(20000, 20001, true));
  EXPECT_TRUE(shared.ports.Acquire(&shared.random, kNow, 2).has_value());
  EXPECT_EQ(MediaPorts::PairsMax(10, false), 10u);
  EXPECT_EQ(MediaPorts::PairsMax(10, true), 20u);
}

TEST(MediaPortsTest, PortsAreDrawnAtRandom) {
  Bed bed(Range(20000, 20199));
  std::vector<uint32_t> drawn;
  for (int i = 0; i < 100; ++i) drawn.push_back(*bed.ports.Acquire(&bed.random, kNow));
  EXPECT_EQ(std::set<uint32_t>(drawn.begin(), drawn.end()).size(), 100u);
  size_t neighbours = 0;
  for (size_t i = 1; i < drawn.size(); ++i) neighbours += drawn[i] == drawn[i - 1] + 1 ? 1 : 0;
  EXPECT_LT(neighbours, 10u);
}

// Long use: nothing leaks, and no port is with two calls at once.
TEST(MediaPortsTest, NothingLeaks) {
  Bed bed(Range(20000, 20039));
  std::set<uint32_t> held;
  Instant now = kNow;
  for (int i = 0; i < 20'000; ++i) {
    now += 100ms;
    if (bed.random.Chance(0.5)) {
      if (const auto pair = bed.ports.Acquire(&bed.random, now)) {
        EXPECT_TRUE(held.insert(*pair).second);
      }
    } else if (!held.empty()) {
      const uint32_t pair = *held.begin();
      held.erase(held.begin());
      bed.ports.Release(pair, now);
    }
    ASSERT_EQ(bed.ports.used(), held.size());
  }
  for (const uint32_t pair : held) bed.ports.Release(pair, now);
  for (size_t i = 0; i < bed.ports.count(); ++i) {
    EXPECT_TRUE(bed.ports.Acquire(&bed.random, now + MediaPorts::kRest).has_value());
  }
}

TEST(MediaPortsTest, SharedPairsAreFewAndNeverUsedUp) {
  Bed bed(Range(20000, 29999, true));
  EXPECT_EQ(bed.ports.count(), MediaPorts::kSharedPairsMax);
  std::vector<uint32_t> borrowed(MediaPorts::kSharedPairsMax);
  for (int i = 0; i < 1000; ++i) ++borrowed[*bed.ports.Acquire(&bed.random, kNow)];
  EXPECT_EQ(bed.ports.used(), 1000u);
  for (const uint32_t calls : borrowed) EXPECT_GT(calls, 8u);  // 31 each, give or take.
}

TEST(MediaPortsTest, SaysWhichPortCannotBeHad) {
  tests::SimNetwork network(1);
  tests::SimIo io(&network);
  core::net::SocketOptions other;
  CHECK(core::Endpoint::Parse("127.0.0.2:20003", &other.local));
  ASSERT_TRUE(io.Open(other).ok());
  MediaPorts ports(Range(20000, 20009), 0, 1);
  EXPECT_THAT(std::string(ports.Open(&io).message()),
              testing::StartsWith("media port 127.0.0.2:20003: "));
}

}  // namespace
}  // namespace sbc
