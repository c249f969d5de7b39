// Rules 7 and 11 of the SBC's rules: how long each step of a search may last, what makes it go on,
// and what the caller is told at its end.

#include <gtest/gtest.h>

#include <optional>

#include "sbc/router.h"
#include "tests/sbc/router_bed.h"

namespace sbc {
namespace {

using core::Instant;
using Verdict = RoutePlan::Verdict;

class RouterFailoverTest : public RouterTest {};

// ---- Rule 7: time.

TEST_F(RouterFailoverTest, Rule07_AnswerTimeoutRunsToTheFirstResponseOfAnyKind) {
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

TEST_F(RouterFailoverTest, Rule07_NoAnswerAndNoProgressFailOver) {
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
TEST_F(RouterFailoverTest, Rule07_TotalTimeoutBoundsTheSearch) {
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
TEST_F(RouterFailoverTest, Rule07_TotalTimeoutEndsWhereRingingBegins) {
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

TEST_F(RouterFailoverTest, Rule07_RingTimeoutEndsTheCall) {
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

TEST_F(RouterFailoverTest, Rule07_OnlyListedCodesFailOver) {
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
TEST_F(RouterFailoverTest, Rule07_NeverOnChallengesOrGlobalFailures) {
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
TEST_F(RouterFailoverTest, Rule07_NeverAfterTheFirst101To199) {
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

TEST_F(RouterFailoverTest, Rule07_ATransportErrorFailsOverAtOnce) {
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

TEST_F(RouterFailoverTest, ACancelEndsTheSearch) {
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

TEST_F(RouterFailoverTest, Rule11_EveryOriginationRouteFailedIs503ForTheTrunk) {
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
TEST_F(RouterFailoverTest, Rule11_AUsableAnswerGoesThrough) {
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

TEST_F(RouterFailoverTest, Rule11_TheTrunks503Becomes500ForTheCustomer) {
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
TEST_F(RouterFailoverTest, Rule11_TheTrunksSilenceIs408ForTheCustomer) {
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
  EXPECT_EQ(UpstreamStatus(420), 500);  // Option tags are each leg's own.
  EXPECT_EQ(UpstreamStatus(486), 486);
  EXPECT_EQ(UpstreamStatus(500), 500);
  EXPECT_EQ(UpstreamStatus(503), 500);
  EXPECT_EQ(UpstreamStatus(603), 603);
}

// Rule 18: a dialog that is taken over is at one address, and no other will do: it is tried once,
// by the route that has it, though that were down.
TEST_F(RouterFailoverTest, Rule18_APinnedSearchTriesThatAddressOnly) {
  AddRoute(1, 100, 3);
  AddRoute(2, 1, 3);
  SetDown(1);
  Begin();
  plan_.Pin(Address(1, 2));
  ASSERT_TRUE(Next());
  EXPECT_EQ(target_.route, 1);
  EXPECT_EQ(target_.endpoint, Address(1, 2));
  EXPECT_EQ(plan_.deadline(), kStart + 4s);
  EXPECT_EQ(plan_.OnFinal(503, kStart), Verdict::kTryNext);
  EXPECT_FALSE(Next());
  EXPECT_EQ(plan_.answer().cause, RejectionCause::kNoRoute);
}

// The trace is bounded: further attempts are counted, and the events of those recorded stay theirs.
TEST_F(RouterFailoverTest, TheTraceIsBounded) {
  for (unsigned i = 0; i < kRoutesMax; ++i) AddRoute(1, 1, 3);
  EXPECT_EQ(FailAll().size(), 3 * kRoutesMax);
  const RouteTrace& trace = plan_.trace();
  EXPECT_EQ(trace.steps.size(), RouteTrace::kStepsMax);
  EXPECT_EQ(trace.more_steps, 3 * kRoutesMax - RouteTrace::kStepsMax);
  for (const auto& step : trace.steps) EXPECT_EQ(step.status_code, 503);
}

// The route that answered is the last one in it, however many failed before.
TEST_F(RouterFailoverTest, TheTraceEndsWithTheLastAttempt) {
  for (unsigned i = 0; i < kRoutesMax; ++i) AddRoute(i + 1, 1, 2);
  Begin();
  for (unsigned i = 0; i + 1 < 2 * kRoutesMax; ++i) {
    ASSERT_TRUE(Next());
    ASSERT_EQ(plan_.OnFinal(503, kStart), Verdict::kTryNext);
  }
  ASSERT_TRUE(Next());
  EXPECT_EQ(plan_.OnFinal(486, kStart), Verdict::kStop);
  const RouteTrace& trace = plan_.trace();
  const RouteTrace::Step& last = trace.steps[RouteTrace::kStepsMax - 1];
  EXPECT_EQ(last.route, kRoutesMax - 1);
  EXPECT_EQ(last.event, RouteEvent::kAnswered);
  EXPECT_EQ(last.status_code, 486);
  EXPECT_EQ(trace.steps[0].route, 0);
  EXPECT_EQ(trace.more_steps, 2 * kRoutesMax - RouteTrace::kStepsMax);
}

}  // namespace
}  // namespace sbc
