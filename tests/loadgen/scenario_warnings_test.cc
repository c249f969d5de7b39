// What does nothing where it stands is warned of with its line, wherever that is in a scenario.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/base/concat.h"
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

std::vector<std::string> WarningsOf(std::string_view steps) {
  const auto scenario =
      LoadScenario(core::Concat("<scenario name=\"n\">\n", steps, "\n</scenario>"), "t.xml", {});
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return scenario.ok() ? (*scenario)->warnings : std::vector<std::string>();
}

// A loop that nothing leads out of, and in which no time passes, is named by the line that closes
// it, once, wherever the call comes into it.
TEST(ScenarioWarningsTest, EndlessLoops) {
  EXPECT_THAT(WarningsOf("<label id=\"1\"/>\n<nop next=\"1\"/>\n<recv request=\"INVITE\"/>"),
              ElementsAre("t.xml:3: the call goes back to line 3 from here, and so for ever "
                          "without time passing: it will fail; wanted a <recv>, a <pause> or a "
                          "test on the way"));
  EXPECT_THAT(WarningsOf("<nop next=\"2\"/>\n<label id=\"1\"/>\n<nop/>\n<nop next=\"3\"/>\n"
                         "<label id=\"2\"/><pause milliseconds=\"0\" next=\"1\"/>\n"
                         "<label id=\"3\"/><nop next=\"2\"/>\n<recv request=\"INVITE\"/>"),
              ElementsAre(HasSubstr("t.xml:7: the call goes back to line 6 from here")));
}

// SIPp runs such a step, and so do we.
TEST(ScenarioWarningsTest, ConditionTurnedRoundWithoutOne) {
  EXPECT_THAT(
      WarningsOf("<recv request=\"INVITE\" condexec=\"v\" condexec_inverse=\"true\"/>"
                 "<nop condexec=\"v\"/>\n<nop condexec_inverse=\"true\"/>"),
      ElementsAre("t.xml:3: <nop>: the attribute condexec_inverse is ignored: it has no meaning "
                  "here"));
}

// Where it may lead out, or wait, nothing is said: that shows when it is played.
TEST(ScenarioWarningsTest, LoopsThatMayEnd) {
  for (const char* step :
       {"<nop next=\"1\" test=\"v\"/>", "<nop next=\"1\" chance=\"0.9\"/>", "<pause next=\"1\"/>",
        "<pause milliseconds=\"1\" next=\"1\"/>", "<recv request=\"INVITE\" next=\"1\"/>",
        "<nop next=\"1\"><action><exec int_cmd=\"stop_call\"/></action></nop>",
        "<nop next=\"1\"><action><jump value=\"2\"/></action></nop>",
        "<nop next=\"1\"><action><error message=\"m\"/></action></nop>"}) {
    EXPECT_THAT(WarningsOf(core::Concat(
                    "<label id=\"1\"/>", step,
                    "<nop condexec=\"v\"/><Reference variables=\"v\"/><recv request=\"INVITE\"/>")),
                ElementsAre())
        << step;
  }
}

}  // namespace
}  // namespace loadgen
