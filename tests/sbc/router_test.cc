// Rules 7, 8, 11 and 12 of the SBC's rules: which route is tried when, for how long, when the
// search goes on, and what the caller is told at its end. Rule 1: an address of our own is never a
// target.

#include "sbc/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace sbc {
namespace {

using core::Endpoint;
using core::Instant;
using core::Random;
using testing::ElementsAre;
using testing::UnorderedElementsAre;
using Verdict = RoutePlan::Verdict;

constexpr Instant kStart = Instant() + 1000s;

Endpoint Address(unsigned host, unsigned slot = 0) {
  return {core::IpAddress::FromV4(0x0a000000 + host * 256 + slot), 5060};
}

// Routes whose host is their own index, each host with `addresses` addresses.
class RouterTest : public testing::Test {
 protected:
  void AddRoute(unsigned priority, unsigned weight, unsigned addresses = 1) {
    const auto host = static_cast<uint16_t>(routes_.size());
    ASSERT_TRUE(routes_.PushBack(
        {host, TransportKind::kUdp, static_cast<uint8_t>(priority), static_cast<uint8_t>(weight)}));
    std::vector<Endpoint> endpoints;
    for (unsigned i = 0; i < addresses; ++i) endpoints.push_back(Address(host, i));
    hosts_.SetAddresses(host, Side::kCustomer, endpoints);
  }
  void SetDown(unsigned host) {
    for (const Endpoint& address : hosts_.addresses(static_cast<uint16_t>(host))) {
      ASSERT_TRUE(hosts_.SetUp(static_cast<uint16_t>(host), address, false));
    }
  }
  void Begin(Side towards = Side::kCustomer) { plan_.Begin(routes_, failover_, towards, kStart); }
  bool Next(Instant now = kStart) { return plan_.Next(hosts_, &random_, now, &target_); }

  // The order in which routes are tried when every one answers 503.
  std::vector<int> FailAll() {
    std::vector<int> order;
    Begin();
    while (Next()) {
      order.push_back(target_.route);
      EXPECT_EQ(plan_.OnFinal(503, kStart), Verdict::kTryNext);
    }
    return order;
  }

  RouteSet routes_;
  HostTable hosts_{32};
  Failover failover_;
  Random random_{20240917};
  RoutePlan plan_;
  RouteTarget target_;
};

// How far `count` of `draws` may be from its share: five standard deviations of the binomial, which
// a fair draw exceeds once in two million tests. (The seed is fixed, so the test never flakes.)
void ExpectShare(int count, int draws, double share) {
  const double deviation = std::sqrt(draws * share * (1 - share));
  EXPECT_NEAR(count, draws * share, 5 * deviation) << "of " << draws;
}

// ---- Rule 12: the draw.

TEST_F(RouterTest, Rule12_SharesFollowTheWeights) {
  AddRoute(1, 1);
  AddRoute(1, 9);
  AddRoute(1, 90);
  constexpr int kDraws = 100'000;
  std::map<int, int> first;
  for (int i = 0; i < kDraws; ++i) {
    Begin();
    ASSERT_TRUE(Next());
    ++first[target_.route];
  }
  ExpectShare(first[0], kDraws, 0.01);
  ExpectShare(first[1], kDraws, 0.09);
  ExpectShare(first[2], kDraws, 0.90);
}

// After a failure the draw goes on among those left, in proportion to their weights: without
// replacement.
TEST_F(RouterTest, Rule12_AfterAFailureTheRestKeepTheirProportion) {
  AddRoute(1, 10);
  AddRoute(1, 20);
  AddRoute(1, 70);
  constexpr int kDraws = 60'000;
  std::map<int, std::map<int, int>> second;  // By the route that failed.
  std::map<int, int> failed;
  for (int i = 0; i < kDraws; ++i) {
    Begin();
    ASSERT_TRUE(Next());
    const int first = target_.route;
    ++failed[first];
    ASSERT_EQ(plan_.OnFinal(500, kStart), Verdict::kTryNext);
    ASSERT_TRUE(Next());
    ASSERT_NE(target_.route, first);
    ++second[first][target_.route];
  }
  ExpectShare(second[0][1], failed[0], 20.0 / 90);
  ExpectShare(second[1][0], failed[1], 10.0 / 80);
  ExpectShare(second[2][0], failed[2], 10.0 / 30);
}

TEST_F(RouterTest, Rule12_EqualWeightsShareEqually) {
  for (int i = 0; i < 4; ++i) AddRoute(1, 5);
  constexpr int kDraws = 40'000;
  std::map<int, int> first;
  for (int i = 0; i < kDraws; ++i) {
    Begin();
    ASSERT_TRUE(Next());
    ++first[target_.route];
  }
  for (int route = 0; route < 4; ++route) ExpectShare(first[route], kDraws, 0.25);
}

// The weighted example of Amazon's own sample: two at priority 1 share evenly; when both fail, ten
// and ninety of a hundred go to the two at priority 2.
TEST_F(RouterTest, Rule12_PriorityIsStrict) {
  AddRoute(1, 5);
  AddRoute(1, 5);
  AddRoute(2, 1);
  AddRoute(2, 9);
  constexpr int kCalls = 20'000;
  int first_is_0 = 0;
  int third_is_2 = 0;
  for (int i = 0; i < kCalls; ++i) {
    const std::vector<int> order = FailAll();
    ASSERT_EQ(order.size(), 4u);
    ASSERT_LT(order[1], 2) << "priority 2 before both of priority 1";
    if (order[0] == 0) ++first_is_0;
    if (order[2] == 2) ++third_is_2;
  }
  ExpectShare(first_is_0, kCalls, 0.5);
  ExpectShare(third_is_2, kCalls, 0.1);
}

// The order in the file is no order: a worse priority written first still comes last.
TEST_F(RouterTest, Rule12_PriorityNotThePlaceInTheFile) {
  AddRoute(100, 1);
  AddRoute(7, 1);
  AddRoute(1, 100);
  EXPECT_THAT(FailAll(), ElementsAre(2, 1, 0));
}

TEST_F(RouterTest, Rule12_OneRoute) {
  AddRoute(1, 1);
  EXPECT_THAT(FailAll(), ElementsAre(0));
}

TEST_F(RouterTest, Rule12_OneLeft) {
  AddRoute(1, 100);
  AddRoute(1, 1);
  AddRoute(2, 1);
  SetDown(0);
  SetDown(2);
  EXPECT_THAT(FailAll(), ElementsAre(1));
  EXPECT_EQ(plan_.trace().skipped_down, 0b101u);
}

TEST_F(RouterTest, Rule12_NoRouteAtAll) {
  EXPECT_THAT(FailAll(), ElementsAre());
  EXPECT_EQ(plan_.answer().cause, RejectionCause::kNoRoute);
  EXPECT_FALSE(plan_.attempted());
}

// All twenty in one priority: each is tried, once.
TEST_F(RouterTest, Rule12_TwentyRoutesInOnePriority) {
  for (unsigned i = 0; i < kRoutesMax; ++i) AddRoute(1, 1 + i * 5);
  std::vector<int> order = FailAll();
  std::sort(order.begin(), order.end());
  ASSERT_EQ(order.size(), kRoutesMax);
  for (size_t i = 0; i < kRoutesMax; ++i) EXPECT_EQ(order[i], static_cast<int>(i));
  EXPECT_EQ(plan_.trace().steps.size() + plan_.trace().more_steps, kRoutesMax);
}

// ---- Rules 10 and 12: hosts that are down.

TEST_F(RouterTest, Rule10_DownIsSkippedEvenAtABetterPriority) {
  AddRoute(1, 1);
  AddRoute(2, 1);
  SetDown(0);
  EXPECT_THAT(FailAll(), ElementsAre(1));
  EXPECT_EQ(plan_.trace().skipped_down, 0b01u);
  EXPECT_FALSE(plan_.trace().last_resort);
}

// When all are down they are tried as if they were up: by priority, and by weight.
TEST_F(RouterTest, Rule12_AllDownAreTriedAllTheSame) {
  AddRoute(2, 1);
  AddRoute(1, 50);
  AddRoute(1, 50);
  for (unsigned host = 0; host < 3; ++host) SetDown(host);
  const std::vector<int> order = FailAll();
  ASSERT_EQ(order.size(), 3u);
  EXPECT_EQ(order[2], 0);
  EXPECT_TRUE(plan_.trace().last_resort);
  EXPECT_EQ(plan_.trace().skipped_down, 0u);
}

// A host with one address down and one up is up, and only that one is sent to.
TEST_F(RouterTest, Rule10_OnlyTheAddressesThatAreUp) {
  AddRoute(1, 1, 3);
  ASSERT_TRUE(hosts_.SetUp(0, Address(0, 0), false));
  ASSERT_TRUE(hosts_.SetUp(0, Address(0, 2), false));
  for (int i = 0; i < 20; ++i) {
    Begin();
    ASSERT_TRUE(Next());
    EXPECT_EQ(target_.endpoint, Address(0, 1));
    ASSERT_EQ(plan_.OnTimeOut(kStart + 4s), Verdict::kTryNext);
    EXPECT_FALSE(Next(kStart + 4s));
  }
}

// ---- Rule 1: ourselves.

TEST_F(RouterTest, Rule01_OurOwnAddressIsSkippedAndNoted) {
  AddRoute(1, 100);
  AddRoute(1, 1);
  const Endpoint own[] = {Address(0)};
  hosts_.SetOwn(own);
  EXPECT_THAT(FailAll(), ElementsAre(1));
  EXPECT_EQ(plan_.trace().skipped_own, 0b01u);
}

// Not even when nothing else is left, nor when the name changes to it while the call runs.
TEST_F(RouterTest, Rule01_OurOwnAddressIsNoLastResort) {
  AddRoute(1, 1, 2);
  const Endpoint own[] = {Address(0, 1), Address(0, 7)};
  hosts_.SetOwn(own);
  Begin();
  ASSERT_TRUE(Next());
  EXPECT_EQ(target_.endpoint, Address(0, 0));
  const Endpoint now_own[] = {Address(0, 7)};
  hosts_.SetAddresses(0, Side::kCustomer, now_own);
  ASSERT_EQ(plan_.OnTransportError(kStart), Verdict::kTryNext);
  EXPECT_FALSE(Next());
  EXPECT_THAT(FailAll(), ElementsAre());
  EXPECT_EQ(plan_.answer().cause, RejectionCause::kNoRoute);
}

TEST_F(RouterTest, AHostWithoutAddressesIsSkippedAndNoted) {
  AddRoute(1, 1, 0);
  AddRoute(1, 1);
  EXPECT_THAT(FailAll(), ElementsAre(1));
  EXPECT_EQ(plan_.trace().skipped_unresolved, 0b01u);
}

// ---- Rule 8: a host's next address.

TEST_F(RouterTest, Rule08_ThreeAddressesBeforeTheRouteCountsAsFailed) {
  AddRoute(1, 1, 5);
  AddRoute(2, 1);
  Begin();
  std::vector<Endpoint> tried;
  for (unsigned i = 0; i < 3; ++i) {
    ASSERT_TRUE(Next());
    EXPECT_EQ(target_.route, 0);
    EXPECT_EQ(target_.tried, i);
    EXPECT_EQ(std::count(tried.begin(), tried.end(), target_.endpoint), 0);
    tried.push_back(target_.endpoint);
    ASSERT_EQ(plan_.OnTransportError(kStart), Verdict::kTryNext);
  }
  ASSERT_TRUE(Next());
  EXPECT_EQ(target_.route, 1);
}

// Towards the trunk too, whose name has many addresses: each call begins at any of them.
TEST_F(RouterTest, Rule08_TheTrunksAddressesAreUsedInTurn) {
  AddRoute(1, 1, 12);
  constexpr int kCalls = 12'000;
  std::map<Endpoint, int> first;
  for (int i = 0; i < kCalls; ++i) {
    Begin(Side::kTrunk);
    ASSERT_TRUE(Next());
    ++first[target_.endpoint];
  }
  ASSERT_EQ(first.size(), 12u);
  for (const auto& [endpoint, count] : first) ExpectShare(count, kCalls, 1.0 / 12);
}

// ---- Rule 7: time.

TEST_F(RouterTest, Rule07_AnswerTimeoutRunsToTheFirstResponseOfAnyKind) {
  AddRoute(1, 1);
  Begin();
  ASSERT_TRUE(Next());
  EXPECT_EQ(plan_.deadline(), kStart + 4s);
  EXPECT_FALSE(plan_.may_cancel());
  plan_.OnProvisional(100, kStart + 1s);
  EXPECT_EQ(plan_.deadline(), kStart + 11s);  // progress_timeout, from the 100.
  EXPECT_TRUE(plan_.may_cancel());
  plan_.OnProvisional(100, kStart + 5s);  // A repeated 100 gains no time.
  EXPECT_EQ(plan_.deadline(), kStart + 11s);
  EXPECT_FALSE(plan_.owned());
  plan_.OnProvisional(180, kStart + 6s);
  EXPECT_TRUE(plan_.owned());
  EXPECT_EQ(plan_.deadline(), kStart + 186s);  // ring_timeout, from the first 101-199.
  plan_.OnProvisional(183, kStart + 60s);
  EXPECT_EQ(plan_.deadline(), kStart + 186s);
}

TEST_F(RouterTest, Rule07_NoAnswerAndNoProgressFailOver) {
  AddRoute(1, 1);
  AddRoute(2, 1);
  AddRoute(3, 1);
  Begin();
  ASSERT_TRUE(Next());
  EXPECT_EQ(plan_.OnTimeOut(kStart + 4s), Verdict::kTryNext);
  ASSERT_TRUE(Next(kStart + 4s));
  plan_.OnProvisional(100, kStart + 5s);
  EXPECT_EQ(plan_.OnTimeOut(kStart + 15s), Verdict::kTryNext);
  ASSERT_TRUE(Next(kStart + 15s));
  const auto& steps = plan_.trace().steps;
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0].event, RouteEvent::kNoAnswer);
  EXPECT_EQ(steps[0].after_ms, 4000);
  EXPECT_EQ(steps[1].event, RouteEvent::kNoProgress);
  EXPECT_EQ(steps[1].after_ms, 15000);
  EXPECT_EQ(steps[2].event, RouteEvent::kTrying);
}

// total_timeout bounds the search as a whole: the last attempt gets what is left, and no further
// one begins.
TEST_F(RouterTest, Rule07_TotalTimeoutBoundsTheSearch) {
  for (unsigned i = 0; i < 10; ++i) AddRoute(1, 1);
  Begin();
  Instant now = kStart;
  int tries = 0;
  while (Next(now)) {
    ++tries;
    now = plan_.deadline();
    ASSERT_LE(now, kStart + 20s);
    ASSERT_EQ(plan_.OnTimeOut(now), Verdict::kTryNext);
  }
  EXPECT_EQ(tries, 5);
  EXPECT_EQ(now, kStart + 20s);
  EXPECT_EQ(plan_.trace().steps[4].event, RouteEvent::kTotalTimeout);
  EXPECT_EQ(plan_.answer().cause, RejectionCause::kNoRoute);
}

// It bounds the wait for progress too, but not the ringing.
TEST_F(RouterTest, Rule07_TotalTimeoutEndsWhereRingingBegins) {
  AddRoute(1, 1);
  AddRoute(2, 1);
  Begin();
  ASSERT_TRUE(Next());
  ASSERT_EQ(plan_.OnTimeOut(kStart + 4s), Verdict::kTryNext);
  ASSERT_TRUE(Next(kStart + 14s));
  plan_.OnProvisional(100, kStart + 15s);
  EXPECT_EQ(plan_.deadline(), kStart + 20s);
  plan_.OnProvisional(180, kStart + 19s);
  EXPECT_EQ(plan_.deadline(), kStart + 199s);
}

TEST_F(RouterTest, Rule07_RingTimeoutEndsTheCall) {
  AddRoute(1, 1);
  AddRoute(2, 1);
  Begin();
  ASSERT_TRUE(Next());
  plan_.OnProvisional(180, kStart + 1s);
  EXPECT_EQ(plan_.OnTimeOut(kStart + 181s), Verdict::kStop);
  EXPECT_EQ(plan_.answer().status_code, 480);
  EXPECT_EQ(plan_.trace().steps[0].event, RouteEvent::kRangOut);
  EXPECT_FALSE(Next(kStart + 181s));
}

// ---- Rule 7: which answers fail over.

TEST_F(RouterTest, Rule07_OnlyListedCodesFailOver) {
  AddRoute(1, 1);
  AddRoute(2, 1);
  for (uint16_t code = 200; code < 700; ++code) {
    const bool listed = code == 408 || code == 500 || code == 502 || code == 503 || code == 504;
    Begin();
    ASSERT_TRUE(Next());
    EXPECT_EQ(plan_.OnFinal(code, kStart), listed ? Verdict::kTryNext : Verdict::kStop) << code;
  }
}

// Whatever the operator lists, 401, 407 and 6xx never do: the one is ours to answer, the other the
// callee's last word.
TEST_F(RouterTest, Rule07_NeverOnChallengesOrGlobalFailures) {
  FailoverConfig config;
  config.codes = {401, 407, 486, 600, 603};
  failover_ = Failover(config);
  AddRoute(1, 1);
  AddRoute(2, 1);
  for (const uint16_t code : {uint16_t{401}, uint16_t{407}, uint16_t{600}, uint16_t{603}}) {
    Begin();
    ASSERT_TRUE(Next());
    EXPECT_EQ(plan_.OnFinal(code, kStart), Verdict::kStop) << code;
  }
  Begin();
  ASSERT_TRUE(Next());
  EXPECT_EQ(plan_.OnFinal(486, kStart), Verdict::kTryNext);  // Configured, so it does.
}

// From its first 101-199 the route owns the call: not even a 503 moves it on.
TEST_F(RouterTest, Rule07_NeverAfterTheFirst101To199) {
  AddRoute(1, 1);
  AddRoute(2, 1);
  for (const uint16_t provisional : {uint16_t{101}, uint16_t{180}, uint16_t{183}, uint16_t{199}}) {
    Begin();
    ASSERT_TRUE(Next());
    plan_.OnProvisional(provisional, kStart);
    EXPECT_EQ(plan_.OnFinal(503, kStart), Verdict::kStop);
    EXPECT_EQ(plan_.answer().status_code, 500);
    EXPECT_FALSE(Next());
  }
  Begin();
  ASSERT_TRUE(Next());
  plan_.OnProvisional(180, kStart);
  EXPECT_EQ(plan_.OnTransportError(kStart), Verdict::kStop);
  EXPECT_EQ(plan_.answer().status_code, 500);
}

TEST_F(RouterTest, Rule07_ATransportErrorFailsOverAtOnce) {
  AddRoute(1, 1);
  AddRoute(2, 1);
  Begin();
  ASSERT_TRUE(Next());
  EXPECT_EQ(plan_.OnTransportError(kStart + 1ms), Verdict::kTryNext);
  ASSERT_TRUE(Next(kStart + 1ms));
  EXPECT_EQ(target_.route, 1);
  EXPECT_EQ(plan_.OnFinal(200, kStart + 2s), Verdict::kStop);
  EXPECT_EQ(plan_.answer().status_code, 200);
  EXPECT_EQ(plan_.deadline(), core::kNever);
}

TEST_F(RouterTest, ACancelEndsTheSearch) {
  AddRoute(1, 1);
  AddRoute(2, 1);
  Begin();
  ASSERT_TRUE(Next());
  plan_.OnCancel(kStart + 1s);
  EXPECT_FALSE(Next(kStart + 1s));
  EXPECT_EQ(plan_.answer().status_code, 487);
  EXPECT_EQ(plan_.trace().steps[0].event, RouteEvent::kCancelled);
}

// ---- Rule 11: what goes upstream.

TEST_F(RouterTest, Rule11_EveryOriginationRouteFailedIs503ForTheTrunk) {
  AddRoute(1, 1);
  AddRoute(1, 1);
  Begin(Side::kCustomer);
  ASSERT_TRUE(Next());
  ASSERT_EQ(plan_.OnFinal(500, kStart), Verdict::kTryNext);
  ASSERT_TRUE(Next());
  ASSERT_EQ(plan_.OnTimeOut(kStart + 4s), Verdict::kTryNext);
  ASSERT_FALSE(Next(kStart + 4s));
  EXPECT_EQ(plan_.answer().cause,
            RejectionCause::kNoRoute);  // Whose code is 503 unless configured.
  EXPECT_EQ(RejectionsConfig().code(RejectionCause::kNoRoute), 503);
}

// A usable answer after a failure is what the caller hears.
TEST_F(RouterTest, Rule11_AUsableAnswerGoesThrough) {
  AddRoute(1, 1);
  AddRoute(2, 1);
  Begin();
  ASSERT_TRUE(Next());
  ASSERT_EQ(plan_.OnFinal(503, kStart), Verdict::kTryNext);
  ASSERT_TRUE(Next());
  ASSERT_EQ(plan_.OnFinal(486, kStart), Verdict::kStop);
  EXPECT_EQ(plan_.answer().status_code, 486);
  EXPECT_EQ(plan_.answer().cause, std::nullopt);
}

TEST_F(RouterTest, Rule11_TheTrunks503Becomes500ForTheCustomer) {
  AddRoute(1, 1, 2);
  Begin(Side::kTrunk);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Next());
    ASSERT_EQ(plan_.OnFinal(503, kStart), Verdict::kTryNext);
  }
  ASSERT_FALSE(Next());
  EXPECT_EQ(plan_.answer().status_code, 500);
}

// Silence is a 408 (RFC 3261 §16.7), and of several failures the lowest class is the answer.
TEST_F(RouterTest, Rule11_TheTrunksSilenceIs408ForTheCustomer) {
  AddRoute(1, 1, 2);
  Begin(Side::kTrunk);
  ASSERT_TRUE(Next());
  ASSERT_EQ(plan_.OnFinal(502, kStart), Verdict::kTryNext);
  ASSERT_TRUE(Next());
  ASSERT_EQ(plan_.OnTimeOut(kStart + 4s), Verdict::kTryNext);
  ASSERT_FALSE(Next(kStart + 4s));
  EXPECT_EQ(plan_.answer().status_code, 408);
}

TEST(UpstreamStatusTest, Rule11_WhatAPeersFinalBecomesOnTheOtherSide) {
  EXPECT_EQ(UpstreamStatus(200), 200);
  EXPECT_EQ(UpstreamStatus(302), 480);  // Rule 18: not followed, and no Contact.
  EXPECT_EQ(UpstreamStatus(401), 403);  // The challenge was for us.
  EXPECT_EQ(UpstreamStatus(404), 404);
  EXPECT_EQ(UpstreamStatus(407), 403);
  EXPECT_EQ(UpstreamStatus(486), 486);
  EXPECT_EQ(UpstreamStatus(500), 500);
  EXPECT_EQ(UpstreamStatus(503), 500);
  EXPECT_EQ(UpstreamStatus(603), 603);
}

// The trace is bounded: further attempts are counted, and the events of those recorded stay theirs.
TEST_F(RouterTest, TheTraceIsBounded) {
  for (unsigned i = 0; i < kRoutesMax; ++i) AddRoute(1, 1, 3);
  EXPECT_EQ(FailAll().size(), 3 * kRoutesMax);
  const RouteTrace& trace = plan_.trace();
  EXPECT_EQ(trace.steps.size(), RouteTrace::kStepsMax);
  EXPECT_EQ(trace.more_steps, 3 * kRoutesMax - RouteTrace::kStepsMax);
  for (const auto& step : trace.steps) EXPECT_EQ(step.status_code, 503);
}

}  // namespace
}  // namespace sbc
