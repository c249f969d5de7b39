// What does nothing where it stands is warned of with its line, wherever that is in a scenario.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/scenario_loader.h"

namespace loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ScenarioWarningsTest, EveryElementIsLookedAt) {
  const auto scenario = LoadScenario(R"(<scenario name="n" title="t">
  <label id="1"><log message="m"/></label>
  <recv request="INVITE"><action after="1s">
    <ereg regexp="." search_in="body" header="X:" occurrence="2" start_line="true" assign_to="v"/>
    <log message="[$v]"><log message="m"/></log>
  </action></recv>
</scenario>)",
                                     "t.xml", {});
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_THAT((*scenario)->warnings,
              ElementsAre(HasSubstr("t.xml:1: <scenario>: the attribute title is ignored"),
                          HasSubstr("t.xml:2: <label>: the <log> in line 2 is ignored"),
                          HasSubstr("t.xml:3: <action>: the attribute after is ignored"),
                          HasSubstr("t.xml:4: <ereg>: the attribute header is ignored"),
                          HasSubstr("t.xml:4: <ereg>: the attribute occurrence is ignored"),
                          HasSubstr("t.xml:4: <ereg>: the attribute start_line is ignored"),
                          HasSubstr("t.xml:5: <log>: the <log> in line 5 is ignored")));
}

}  // namespace
}  // namespace loadgen
