// Rule 10 of the SBC's rules: every address of routes and trunks is probed with OPTIONS; up is any
// final response but 408 and 503; down after 2 failures, up after 1; calls mark passively.

#include "sbc/route_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/time/clock.h"

namespace sbc {
namespace {

using core::Endpoint;
using core::Instant;
using testing::ElementsAre;
using CallSign = RouteHealth::CallSign;
using ProbeId = RouteHealth::ProbeId;

constexpr Instant kStart = Instant() + 1000s;
constexpr Instant kEnd = kStart + 24h;

Endpoint Address(unsigned slot) { return {core::IpAddress::FromV4(0x0a000001 + slot), 5060}; }

struct Sent {
  ProbeId id;
  Endpoint to;
  Side side;
  std::string from_host;
  Instant at;
};

// Runs a RouteHealth in virtual time and keeps what it says.
class RouteHealthTest : public testing::Test {
 protected:
  void AddHost(uint16_t host, unsigned addresses, core::Duration interval = 30s,
               Side side = Side::kCustomer, std::string_view from_host = "") {
    health_.AddHost({host, side, interval, 3s, from_host});
    std::vector<Endpoint> endpoints;
    for (unsigned i = 0; i < addresses; ++i) endpoints.push_back(Address(i));
    health_.SetAddresses(host, endpoints, &random_, now_);
  }
  // To the next thing that is due; false when nothing is before `end`.
  bool Step(Instant end) {
    if (health_.next_due() > end) return false;
    now_ = std::max(now_, health_.next_due());
    health_.OnTick(
        &random_, now_,
        [this](const RouteHealth::Probe& probe) {
          sent_.push_back({probe.id, probe.to, probe.side, std::string(probe.from_host), now_});
        },
        [this](const RouteHealth::Change& change) { Note(change); });
    return true;
  }
  void Note(const RouteHealth::Change& change) {
    changes_.push_back(change.up ? "up" : "down");
    up_ = change.up;
  }
  // Until the next probe goes out.
  Sent NextProbe() {
    const size_t before = sent_.size();
    while (sent_.size() == before && Step(kEnd)) {
    }
    EXPECT_GT(sent_.size(), before);
    return sent_.back();
  }
  void Answer(const Sent& probe, uint16_t status_code) {
    RouteHealth::Change change;
    if (health_.OnAnswer(probe.id, status_code, &random_, now_, &change)) Note(change);
  }
  void Call(CallSign sign, uint16_t host = 0) {
    RouteHealth::Change change;
    if (health_.OnCall(host, Address(0), sign, now_, &change)) Note(change);
  }

  core::Random random_{7};
  Instant now_ = kStart;
  RouteHealth health_;
  std::vector<Sent> sent_;
  std::vector<std::string> changes_;
  bool up_ = true;
};

TEST_F(RouteHealthTest, Rule10_EveryAddressIsProbedAtItsInterval) {
  AddHost(3, 4);
  std::vector<int> probes(4);
  while (Step(kStart + 301s)) {
    const Sent probe = sent_.empty() ? Sent{} : sent_.back();
    if (sent_.empty()) continue;
    for (unsigned i = 0; i < 4; ++i) {
      if (probe.to == Address(i)) ++probes[i];
    }
    Answer(probe, 200);
  }
  // Ten intervals of 27 to 33 s each, and the first within a second.
  for (const int count : probes) {
    EXPECT_GE(count, 9);
    EXPECT_LE(count, 12);
  }
  EXPECT_TRUE(changes_.empty());
}

// New addresses are probed soon, but not in one burst.
TEST_F(RouteHealthTest, Rule10_FirstProbesAreSpreadOverASecond) {
  AddHost(0, 16);
  while (Step(kStart + 1s)) {
  }
  ASSERT_EQ(sent_.size(), 16u);
  std::vector<Instant> moments;
  for (const Sent& sent : sent_) moments.push_back(sent.at);
  std::sort(moments.begin(), moments.end());
  EXPECT_EQ(std::unique(moments.begin(), moments.end()), moments.end());
}

// To the trunk, From's host is the connector's name.
TEST_F(RouteHealthTest, Rule10_TheProbeSaysWhomItComesFrom) {
  AddHost(5, 1, 30s, Side::kTrunk, "abc.voiceconnector.chime.aws");
  const Sent probe = NextProbe();
  EXPECT_EQ(probe.side, Side::kTrunk);
  EXPECT_EQ(probe.from_host, "abc.voiceconnector.chime.aws");
  EXPECT_EQ(probe.to, Address(0));
  EXPECT_EQ(ProbeId::FromBits(probe.id.bits()).bits(), probe.id.bits());
  EXPECT_EQ(ProbeId::FromBits(probe.id.bits()).host, 5);
}

TEST_F(RouteHealthTest, Rule10_UpIsAnyFinalResponseBut408And503) {
  AddHost(0, 1);
  for (uint16_t code = 200; code < 700; ++code) {
    const bool is_failure = code == 408 || code == 503;
    for (int i = 0; i < 2; ++i) Answer(NextProbe(), code);
    EXPECT_EQ(up_, !is_failure) << code;
    Answer(NextProbe(), 404);
    EXPECT_TRUE(up_) << code;
  }
}

TEST_F(RouteHealthTest, Rule10_DownAfterTwoUpAfterOne) {
  AddHost(0, 1);
  Answer(NextProbe(), 503);
  EXPECT_THAT(changes_, ElementsAre());
  Answer(NextProbe(), 200);  // One failure, then a success: it starts anew.
  Answer(NextProbe(), 503);
  EXPECT_THAT(changes_, ElementsAre());
  Answer(NextProbe(), 503);
  EXPECT_THAT(changes_, ElementsAre("down"));
  Answer(NextProbe(), 503);
  EXPECT_THAT(changes_, ElementsAre("down"));
  Answer(NextProbe(), 200);
  EXPECT_THAT(changes_, ElementsAre("down", "up"));
}

// Silence: options_timeout each, the second probe at once, so a dead host is known in 6 s.
TEST_F(RouteHealthTest, Rule10_SilenceForOptionsTimeoutIsAFailure) {
  AddHost(0, 1);
  const Sent first = NextProbe();
  EXPECT_EQ(health_.next_due(), first.at + 3s);
  const Sent second = NextProbe();
  EXPECT_EQ(second.at, first.at + 3s);
  EXPECT_TRUE(up_);
  ASSERT_TRUE(Step(kEnd));
  EXPECT_FALSE(up_);
  EXPECT_EQ(now_, second.at + 3s);
  // From then on at its interval, not in a hurry.
  const Sent third = NextProbe();
  EXPECT_GE(third.at - second.at, 27s);
}

// A response that comes after the timeout belongs to a probe that has failed.
TEST_F(RouteHealthTest, Rule10_ALateAnswerChangesNothing) {
  AddHost(0, 1);
  const Sent first = NextProbe();
  (void)NextProbe();
  ASSERT_TRUE(Step(kEnd));
  ASSERT_FALSE(up_);
  Answer(first, 200);
  EXPECT_FALSE(up_);
}

TEST_F(RouteHealthTest, Rule10_AProbeThatCannotBeSentHasFailed) {
  AddHost(0, 1);
  Answer(NextProbe(), 0);
  Answer(NextProbe(), 0);
  EXPECT_THAT(changes_, ElementsAre("down"));
  EXPECT_EQ(health_.counters().probe_failures, 2u);
}

// ---- Passive marking.

// A call's time-out is one failure, and the address is probed at once.
TEST_F(RouteHealthTest, Rule10_ACallsTimeOutMakesASuspect) {
  AddHost(0, 1);
  Answer(NextProbe(), 200);
  Call(CallSign::kSuspect);
  EXPECT_TRUE(up_);
  const Sent probe = NextProbe();
  EXPECT_EQ(probe.at, now_);
  EXPECT_LT(probe.at - sent_.front().at, 1s);
  Answer(probe, 200);
  EXPECT_TRUE(up_);
}

TEST_F(RouteHealthTest, Rule10_TwoFailedCallsTakeAnAddressDownAndOneGoodOneBringsItBack) {
  AddHost(0, 1);
  Call(CallSign::kSuspect);
  Call(CallSign::kSuspect);
  EXPECT_THAT(changes_, ElementsAre("down"));
  Call(CallSign::kAlive);
  EXPECT_THAT(changes_, ElementsAre("down", "up"));
  EXPECT_EQ(health_.counters().call_failures, 2u);
}

// Without probes an address that calls took down gets another chance, and only one.
TEST_F(RouteHealthTest, Rule10_WithoutProbesDownEndsByItself) {
  AddHost(0, 1, 0s);
  EXPECT_EQ(health_.next_due(), core::kNever);
  Call(CallSign::kSuspect);
  Call(CallSign::kSuspect);
  EXPECT_FALSE(up_);
  EXPECT_EQ(health_.next_due(), kStart + RouteHealth::kRetryUnprobed);
  ASSERT_TRUE(Step(kStart + 1min));
  EXPECT_TRUE(up_);
  EXPECT_TRUE(sent_.empty());
  Call(CallSign::kSuspect);
  EXPECT_FALSE(up_);
}

// ---- Names that resolve anew.

TEST_F(RouteHealthTest, AddressesThatStayKeepTheirState) {
  AddHost(0, 2);
  Call(CallSign::kSuspect);
  Call(CallSign::kSuspect);
  const Endpoint rotated[] = {Address(9), Address(0)};
  health_.SetAddresses(0, rotated, &random_, now_);
  std::vector<std::string> states;
  health_.ForEachState([&](const RouteHealth::State& state) {
    const Endpoint::Text address = state.address.text();
    states.push_back(std::string(address.view()) + (state.up ? " up" : " down"));
  });
  EXPECT_THAT(states, ElementsAre("10.0.0.10:5060 up", "10.0.0.1:5060 down"));
}

// An answer finds its address even when that has moved to another place meanwhile.
TEST_F(RouteHealthTest, AProbeUnderWaySurvivesARotation) {
  AddHost(0, 1);
  Answer(NextProbe(), 503);
  const Sent probe = NextProbe();
  const Endpoint rotated[] = {Address(9), Address(0)};
  health_.SetAddresses(0, rotated, &random_, now_);
  Answer(probe, 503);
  EXPECT_THAT(changes_, ElementsAre("down"));
}

TEST_F(RouteHealthTest, AHostThatIsGoneIsNotProbed) {
  AddHost(0, 1);
  const Sent probe = NextProbe();
  health_.SetAddresses(0, {}, &random_, now_);
  EXPECT_EQ(health_.next_due(), core::kNever);
  Answer(probe, 503);
  Call(CallSign::kSuspect);
  EXPECT_TRUE(changes_.empty());
}

// ---- Many hosts.

// The shortest of some rounds, as other programs run here, too.
core::Duration CostOfACall(uint16_t hosts, core::Random* random) {
  RouteHealth health;
  const Endpoint address = Address(0);
  for (uint16_t host = 0; host < hosts; ++host) {
    health.AddHost({host, Side::kCustomer, 30s, 3s, ""});
  }
  const auto last = static_cast<uint16_t>(hosts - 1);
  health.SetAddresses(last, {&address, 1}, random, kStart);
  core::KernelClock clock;
  core::Duration shortest = 1h;
  for (int round = 0; round < 20; ++round) {
    const Instant began = clock.Now();
    for (int call = 0; call < 100; ++call) {
      RouteHealth::Change change;
      EXPECT_FALSE(health.OnCall(last, address, CallSign::kAlive, kStart, &change));
    }
    shortest = std::min(shortest, clock.Now() - began);
  }
  return shortest;
}

// Each call's first answer comes here, so its cost may not grow with what the node has besides it.
TEST_F(RouteHealthTest, ACallCostsTheSameHoweverManyHostsThereAre) {
  const core::Duration few = CostOfACall(1, &random_);
  const core::Duration many = CostOfACall(4000, &random_);
  EXPECT_LT(many, 20 * few) << few.count() << " ns, " << many.count() << " ns";
}

// A call that answers before its probe does moves the next one: none is lost, none comes early.
TEST_F(RouteHealthTest, AProbeIsDueAsBeforeAfterACall) {
  AddHost(0, 1);
  AddHost(1, 1);
  (void)NextProbe();
  (void)NextProbe();
  Call(CallSign::kAlive);
  Call(CallSign::kSuspect);
  EXPECT_EQ(health_.next_due(), now_);
  const Sent probe = NextProbe();
  EXPECT_EQ(probe.at, now_);
  EXPECT_EQ(probe.id.host, 0);
}

}  // namespace
}  // namespace sbc
