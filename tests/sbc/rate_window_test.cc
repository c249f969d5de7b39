// Rule 5 of the SBC's rules: at most CpsLimit new INVITEs towards the trunk in any one second,
// asked of the one worker that owns the connector; refused calls do not count. Rule 6: emergency
// calls are never refused for it.

#include "sbc/rate_window.h"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "sbc/connector_ledger.h"

namespace sbc {
namespace {

using core::Instant;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ns;

constexpr Instant kStart = Instant() + 1000s;

// One a second is one a second: not two at a full second's turn, nor one after 999 ms.
TEST(RateWindowTest, Rule05_OneInAnyOneSecond) {
  RateWindow window(1);
  EXPECT_TRUE(window.Admit(kStart + 900ms));
  EXPECT_FALSE(window.Admit(kStart + 1100ms));
  EXPECT_FALSE(window.Admit(kStart + 1900ms - 1ns));
  EXPECT_TRUE(window.Admit(kStart + 1900ms));
}

// A caller who keeps trying is let in as soon as the second is over: his refusals left no trace.
TEST(RateWindowTest, Rule05_RefusedCallsDoNotCount) {
  RateWindow window(2);
  EXPECT_TRUE(window.Admit(kStart));
  EXPECT_TRUE(window.Admit(kStart + 10ms));
  for (int i = 11; i < 1000; ++i) EXPECT_FALSE(window.Admit(kStart + i * 1ms));
  EXPECT_TRUE(window.Admit(kStart + 1000ms));
  EXPECT_FALSE(window.Admit(kStart + 1001ms));
  EXPECT_TRUE(window.Admit(kStart + 1010ms));
}

// What is taken back leaves the others where they were.
TEST(RateWindowTest, Rule05_WhatIsTakenBackIsAsIfItHadNotBeen) {
  RateWindow window(3);
  for (const auto after : {0ms, 100ms, 200ms}) EXPECT_TRUE(window.Admit(kStart + after));
  EXPECT_FALSE(window.Fits(kStart + 300ms));
  window.TakeBack(kStart + 100ms);
  window.TakeBack(kStart + 150ms);  // Of which there is none.
  EXPECT_TRUE(window.Admit(kStart + 300ms));
  EXPECT_FALSE(window.Admit(kStart + 999ms));
  EXPECT_TRUE(window.Admit(kStart + 1000ms));
  EXPECT_FALSE(window.Admit(kStart + 1100ms));
  EXPECT_TRUE(window.Admit(kStart + 1200ms));
}

TEST(RateWindowTest, Rule05_IsExactWhereEventsAreTakenBack) {
  RateWindow window(5);
  std::deque<Instant> admitted;
  core::Random random(7);
  Instant now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    now += core::Duration(static_cast<int64_t>(random.Below(200'000'000)));
    while (!admitted.empty() && now - admitted.front() >= 1s) admitted.pop_front();
    const bool fits = admitted.size() < 5;
    ASSERT_EQ(window.Admit(now), fits) << i;
    if (fits) admitted.push_back(now);
    if (!admitted.empty() && random.Below(3) == 0) {
      const size_t at = random.Below(admitted.size());
      window.TakeBack(admitted[at]);
      admitted.erase(admitted.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
}

// Zero is no limit of ours.
TEST(RateWindowTest, Rule05_ZeroAdmitsAll) {
  RateWindow window(0);
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(window.Admit(kStart));
}

// Whatever comes when, the window admits exactly what a list of all moments would.
TEST(RateWindowTest, Rule05_IsExactAgainstAListOfAllMoments) {
  for (const size_t limit : {size_t{1}, size_t{3}, size_t{100}, size_t{10'000}}) {
    RateWindow window(limit);
    std::deque<Instant> admitted;
    core::Random random(limit);
    Instant now = kStart;
    const auto mean_gap = 1'000'000'000 / limit;  // As many as are allowed, then some.
    for (size_t i = 0; i < 4 * limit + 1000; ++i) {
      now += core::Duration(static_cast<int64_t>(random.Below(mean_gap + 1)));
      while (!admitted.empty() && now - admitted.front() >= 1s) admitted.pop_front();
      const bool expected = admitted.size() < limit;
      ASSERT_EQ(window.Admit(now), expected) << "limit " << limit << ", event " << i;
      if (expected) admitted.push_back(now);
    }
  }
}

// A reload with another CpsLimit starts no new second: against a list of all moments, each change
// at a moment of its own.
TEST(RateWindowTest, Rule05_IsExactAcrossChangesOfTheLimit) {
  core::Random random(7);
  RateWindow window(5);
  std::deque<core::Instant> admitted;
  core::Instant now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    if (random.Below(50) == 0) window.SetLimit(1 + random.Below(8));
    now += core::Duration(static_cast<int64_t>(random.Below(200'000'000)));
    while (!admitted.empty() && now - admitted.front() >= 1s) admitted.pop_front();
    const bool expected = admitted.size() < window.limit();
    ASSERT_EQ(window.Admit(now), expected) << "event " << i;
    if (expected) admitted.push_back(now);
  }
}

TEST(RateWindowTest, Rule05_ARaisedLimitHasRoomForTheDifference) {
  RateWindow window(2);
  EXPECT_TRUE(window.Admit(kStart));
  EXPECT_TRUE(window.Admit(kStart + 100ms));
  window.SetLimit(3);
  EXPECT_TRUE(window.Admit(kStart + 200ms));
  EXPECT_FALSE(window.Admit(kStart + 300ms));
  EXPECT_TRUE(window.Admit(kStart + 1s));
  window.SetLimit(1);
  EXPECT_FALSE(window.Admit(kStart + 1900ms));
  EXPECT_TRUE(window.Admit(kStart + 2s));
  window.SetLimit(0);
  EXPECT_TRUE(window.Admit(kStart + 2s));
}

AskGrant TrunkCall(uint64_t call, bool emergency = false) {
  AskGrant ask;
  ask.to_trunk = true;
  ask.emergency = emergency;
  ask.call = call;
  return ask;
}

// CpsLimit 1, four workers that all ask in the same moment: exactly one is granted, because all of
// them ask the one home worker.
TEST(ConnectorLedgerTest, Rule05_FourWorkersExactlyOne) {
  ConnectorLedger home({.cps = 1});
  int granted = 0;
  for (uint64_t worker = 0; worker < 4; ++worker) {
    if (home.Ask(TrunkCall(worker), kStart).answer == GrantAnswer::kGranted) ++granted;
  }
  EXPECT_EQ(granted, 1);
}

// Every worker works out the same home by itself, and connectors spread over all of them.
TEST(ConnectorLedgerTest, Rule05_HomeWorkersSpread) {
  std::set<uint16_t> homes;
  for (int i = 0; i < 64; ++i) {
    const std::string id = "connector" + std::to_string(i);
    EXPECT_EQ(HomeWorker(id, 4), HomeWorker(id, 4));
    EXPECT_LT(HomeWorker(id, 4), 4);
    homes.insert(HomeWorker(id, 4));
  }
  EXPECT_EQ(homes.size(), 4u);
  EXPECT_EQ(HomeWorker("any", 1), 0);
}

// A call that is refused for the number of calls takes nothing of the rate, and the other way.
TEST(ConnectorLedgerTest, Rule05_ARefusalTakesNothing) {
  ConnectorLedger ledger({.cps = 1, .calls = 1});
  EXPECT_EQ(ledger.Ask(TrunkCall(1), kStart).answer, GrantAnswer::kGranted);
  EXPECT_EQ(ledger.Ask(TrunkCall(2), kStart + 2s).answer, GrantAnswer::kRefusedCalls);
  ledger.Return({});
  EXPECT_EQ(ledger.Ask(TrunkCall(3), kStart + 2s).answer, GrantAnswer::kGranted);
  ledger.Return({});
  EXPECT_EQ(ledger.Ask(TrunkCall(4), kStart + 2s).answer, GrantAnswer::kRefusedCps);
  EXPECT_EQ(ledger.calls(), 0u);
}

// A call that came to nothing before its INVITE went out is none of the trunk's.
TEST(ConnectorLedgerTest, Rule05_AnUnusedGrantGivesItsMomentBack) {
  ConnectorLedger ledger({.cps = 1});
  const Grant used = ledger.Ask(TrunkCall(1), kStart);
  ledger.Return({.connector = used.connector});
  EXPECT_EQ(ledger.Ask(TrunkCall(2), kStart + 10ms).answer, GrantAnswer::kRefusedCps);
  const Grant unused = ledger.Ask(TrunkCall(3), kStart + 1s);
  ledger.Return(Unused(unused));
  EXPECT_EQ(ledger.Ask(TrunkCall(4), kStart + 1010ms).answer, GrantAnswer::kGranted);
}

// CpsLimit is termination's: a call from the trunk neither needs it nor uses it up.
TEST(ConnectorLedgerTest, Rule05_CallsFromTheTrunkHaveNoCps) {
  ConnectorLedger ledger({.cps = 1});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ledger.Ask(AskGrant{}, kStart).answer, GrantAnswer::kGranted);
  }
  EXPECT_EQ(ledger.Ask(TrunkCall(1), kStart).answer, GrantAnswer::kGranted);
}

// An emergency call passes both limits, up to the reserve; the trunk counts it, so the window does.
TEST(ConnectorLedgerTest, Rule06_EmergencyBypassesRateAndHasAReserve) {
  ConnectorLedger ledger({.cps = 1, .calls = 1, .emergency_reserve = 2});
  EXPECT_EQ(ledger.Ask(TrunkCall(1), kStart).answer, GrantAnswer::kGranted);
  EXPECT_EQ(ledger.Ask(TrunkCall(2, true), kStart).answer, GrantAnswer::kGranted);
  EXPECT_EQ(ledger.Ask(TrunkCall(3, true), kStart + 500ms).answer, GrantAnswer::kGranted);
  EXPECT_EQ(ledger.Ask(TrunkCall(4, true), kStart).answer, GrantAnswer::kRefusedCalls);
  for (int i = 0; i < 3; ++i) ledger.Return({});
  EXPECT_EQ(ledger.Ask(TrunkCall(5), kStart + 1400ms).answer, GrantAnswer::kRefusedCps);
  EXPECT_EQ(ledger.Ask(TrunkCall(6), kStart + 1500ms).answer, GrantAnswer::kGranted);
}

// A reload changes the limits under the calls that are there.
TEST(ConnectorLedgerTest, ReloadKeepsTheCallsThatAreThere) {
  ConnectorLedger ledger({.cps = 0, .calls = 5});
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(ledger.Ask(TrunkCall(i), kStart).answer, GrantAnswer::kGranted);
  }
  ledger.SetLimits({.cps = 1, .calls = 3});
  EXPECT_EQ(ledger.Ask(TrunkCall(4), kStart).answer, GrantAnswer::kRefusedCalls);
  ledger.Return({});
  EXPECT_EQ(ledger.Ask(TrunkCall(5), kStart).answer, GrantAnswer::kGranted);
  EXPECT_EQ(ledger.calls(), 3u);
}

// Nor does it give a connector a second's calls anew (rule 5).
TEST(ConnectorLedgerTest, Rule05_AReloadStartsNoNewSecond) {
  ConnectorLedger ledger({.cps = 1});
  EXPECT_EQ(ledger.Ask(TrunkCall(1), kStart).answer, GrantAnswer::kGranted);
  ledger.SetLimits({.cps = 2});
  EXPECT_EQ(ledger.Ask(TrunkCall(2), kStart + 10ms).answer, GrantAnswer::kGranted);
  EXPECT_EQ(ledger.Ask(TrunkCall(3), kStart + 20ms).answer, GrantAnswer::kRefusedCps);
}

}  // namespace
}  // namespace sbc
