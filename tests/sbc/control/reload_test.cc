// Goal: a reload takes what can change while calls run, keeps what needs a restart, and says which
// is which (design section 2: configuration is immutable).

#include "sbc/control/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sbc/policy_bed.h"

namespace sbc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using std::chrono_literals::operator""ms;

std::vector<std::string> Texts(const ReloadPlan& plan, bool needs_restart) {
  std::vector<std::string> texts;
  for (const ConfigChange& change : plan.changes) {
    if (change.needs_restart == needs_restart) texts.push_back(change.text);
  }
  return texts;
}

TEST(ReloadTest, TheSameFileChangesNothing) {
  const ReloadPlan plan = PlanReload(SmallConfig(), SmallConfig());
  EXPECT_TRUE(plan.changes.empty());
  EXPECT_FALSE(plan.changes_anything());
}

TEST(ReloadTest, RoutesAndRatesAreTaken) {
  Config after = SmallConfig();
  after.connectors[0].termination.cps_limit = 5;
  after.limits.calls_per_second = 100;
  after.connectors.push_back(ConnectorOf(kConnectorB, "198.51.100.0/24"));
  const ReloadPlan plan = PlanReload(SmallConfig(), after);
  EXPECT_TRUE(plan.changes_anything());
  EXPECT_THAT(Texts(plan, true), ElementsAre());
  EXPECT_EQ(plan.changes.size(), 3u);
  EXPECT_EQ(plan.config.connectors.size(), 2u);
  EXPECT_EQ(plan.config.connectors[0].termination.cps_limit, 5u);
  EXPECT_EQ(plan.config.limits.calls_per_second, 100u);
}

// Pools, sockets and timers are made at start: told apart and kept, whatever else is taken.
TEST(ReloadTest, WhatNeedsARestartStays) {
  const Config before = SmallConfig();
  Config after = SmallConfig();
  after.node.workers = 4;
  after.limits.calls = 7;
  after.listeners[0].local.port = 5070;
  after.sip.t1 = 100ms;
  after.sip.fold_early_dialogs.trunk = true;
  after.emergency.reserve_calls = 1;
  after.admin.local.port = 1;
  after.logs.directory = "/elsewhere";
  const ReloadPlan plan = PlanReload(before, after);
  EXPECT_TRUE(plan.changes_anything());
  EXPECT_THAT(Texts(plan, false), ElementsAre(HasSubstr("sip.fold_early_dialogs")));
  EXPECT_THAT(Texts(plan, true),
              ElementsAre(HasSubstr("admin.address"), HasSubstr("emergency.reserve_calls: 8 -> 1"),
                          HasSubstr("limits.calls: 20000 -> 7"), HasSubstr("listeners[0]"),
                          HasSubstr("logs.directory"), HasSubstr("node.workers: 1 -> 4"),
                          HasSubstr("sip.t1: 500ms -> 100ms")));
  EXPECT_EQ(plan.config.node.workers, 1);
  EXPECT_EQ(plan.config.limits.calls, before.limits.calls);
  EXPECT_EQ(plan.config.listeners[0].local.port, 5060);
  EXPECT_EQ(plan.config.sip.t1, before.sip.t1);
  EXPECT_TRUE(plan.config.sip.fold_early_dialogs.trunk);
  EXPECT_EQ(plan.config.logs.directory, "");
}

TEST(ReloadTest, OnlyARestartWouldHelp) {
  Config after = SmallConfig();
  after.node.workers = 4;
  EXPECT_FALSE(PlanReload(SmallConfig(), after).changes_anything());
}

}  // namespace
}  // namespace sbc
