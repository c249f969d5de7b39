// Rules 1, 8, 10 and 12 of the SBC's rules: which route is tried when. An address of our own is
// never a target; a host's next address comes before the next route; what is down is skipped; the
// draw follows the weights, without replacement.

#include "sbc/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "tests/sbc/router_bed.h"
#include "tests/support/allocations.h"

namespace sbc {
namespace {

using core::Endpoint;
using testing::ElementsAre;
using Verdict = RoutePlan::Verdict;

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
  const HostAddress now_own[] = {{.endpoint = Address(0, 7)}};
  hosts_.SetAddresses(0, Side::kCustomer, now_own);
  ASSERT_EQ(plan_.OnTransportError(kStart), Verdict::kTryNext);
  EXPECT_FALSE(Next());
  EXPECT_THAT(FailAll(), ElementsAre());
  EXPECT_EQ(plan_.answer().cause, RejectionCause::kNoRoute);
}

TEST_F(RouterTest, TheTraceNamesTheHost) {
  ASSERT_TRUE(routes_.PushBack({7, TransportKind::kUdp, 1, 1}));  // The first route, another host.
  const HostAddress address[] = {{.endpoint = Address(7)}};
  hosts_.SetAddresses(7, Side::kCustomer, address);
  Begin();
  ASSERT_TRUE(Next());
  EXPECT_EQ(plan_.trace().steps[0].route, 0);
  EXPECT_EQ(plan_.trace().steps[0].host, 7);
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

// RFC 2782: SRV records of a higher priority are only for when all of a lower one have failed, and
// inside one each has its weight's share of the calls.
TEST_F(RouterTest, Rule09_SrvPrioritiesAndWeightsAreKept) {
  AddRoute(1, 1, 0);
  const HostAddress records[] = {{Address(0, 0), 20, 100, 0},
                                 {Address(0, 1), 10, 3, 1},
                                 {Address(0, 2), 10, 1, 2},
                                 {Address(0, 3), 30, 0, 3}};
  hosts_.SetAddresses(0, Side::kCustomer, records);
  constexpr int kCalls = 12'000;
  std::map<Endpoint, int> first;
  for (int i = 0; i < kCalls; ++i) {
    Begin();
    ASSERT_TRUE(Next());
    ++first[target_.endpoint];
    ASSERT_EQ(plan_.OnTransportError(kStart), Verdict::kTryNext);
    ASSERT_TRUE(Next());  // The other one of that priority, before any of the next.
    EXPECT_EQ(target_.endpoint == Address(0, 1) || target_.endpoint == Address(0, 2), true);
    ASSERT_EQ(plan_.OnTransportError(kStart), Verdict::kTryNext);
    ASSERT_TRUE(Next());
    EXPECT_EQ(target_.endpoint, Address(0, 0));
  }
  ASSERT_EQ(first.size(), 2u);
  // A draw of 0 to 4, both included, in which 0 to 3 are the first one's.
  ExpectShare(first[Address(0, 1)], kCalls, 4.0 / 5);

  SetDown(0);
  EXPECT_TRUE(hosts_.SetUp(0, Address(0, 3), true));
  Begin();
  ASSERT_TRUE(Next());
  EXPECT_EQ(target_.endpoint, Address(0, 3));  // What is down is skipped, whatever its priority.
}

// A record's weight is its own, however many addresses its target has: those share it.
TEST_F(RouterTest, Rule09_SrvWeightsAreOfTargetsAndNotOfAddresses) {
  AddRoute(1, 1, 0);
  const HostAddress records[] = {{Address(0, 0), 10, 10, 0},
                                 {Address(0, 1), 10, 10, 0},
                                 {Address(0, 2), 10, 10, 0},
                                 {Address(0, 3), 10, 10, 1}};
  hosts_.SetAddresses(0, Side::kCustomer, records);
  constexpr int kCalls = 24'000;
  std::map<Endpoint, int> first;
  for (int i = 0; i < kCalls; ++i) {
    Begin();
    ASSERT_TRUE(Next());
    ++first[target_.endpoint];
  }
  // A draw of 0 to 20, both included, in which 0 to 10 are the first one's.
  ExpectShare(first[Address(0, 3)], kCalls, 10.0 / 21);
  for (unsigned i = 0; i < 3; ++i) ExpectShare(first[Address(0, i)], kCalls, 11.0 / 21 / 3);
}

// A record of weight 0 beside others is hardly ever chosen, and among its like as often as any.
TEST_F(RouterTest, Rule09_SrvRecordsWithoutWeight) {
  AddRoute(1, 1, 0);
  const HostAddress records[] = {
      {Address(0, 0), 5, 0, 0}, {Address(0, 1), 5, 0, 1}, {Address(0, 2), 5, 98, 2}};
  hosts_.SetAddresses(0, Side::kCustomer, records);
  constexpr int kCalls = 60'000;
  std::map<Endpoint, int> first;
  for (int i = 0; i < kCalls; ++i) {
    Begin();
    ASSERT_TRUE(Next());
    ++first[target_.endpoint];
  }
  ExpectShare(first[Address(0, 2)], kCalls, 98.0 / 99);
  ExpectShare(first[Address(0, 0)], kCalls, 0.5 / 99);
}

// Neither a search nor a name that resolves anew takes memory.
TEST_F(RouterTest, AllocatesNothing) {
  for (unsigned i = 0; i < kRoutesMax; ++i) AddRoute(1 + i % 3, 1 + i, 3);
  const HostAddress rotated[] = {
      {.endpoint = Address(0, 7)}, {.endpoint = Address(0, 1)}, {.endpoint = Address(0, 9)}};
  const size_t before = Allocations();
  hosts_.SetAddresses(0, Side::kCustomer, rotated);
  Begin();
  size_t tries = 0;
  while (Next()) {
    ++tries;
    (void)plan_.OnTransportError(kStart);  // Always kTryNext here: nothing rings.
  }
  EXPECT_EQ(Allocations(), before);
  EXPECT_EQ(tries, 3 * kRoutesMax);
}

}  // namespace
}  // namespace sbc
