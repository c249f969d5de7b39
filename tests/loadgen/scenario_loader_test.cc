// The loader turns SIPp's XML into typed steps, and refuses what SIPp refuses when it loads: each
// refusal here was tried on Debian's sipp 3.6.1, but for those that name what is ours.

#include "loadgen/scenario_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/concat.h"

namespace loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::string_view kOptions =
    "<send><![CDATA[OPTIONS sip:x SIP/2.0\nCall-ID: [call_id]\n\n]]></send>";

absl::StatusOr<std::unique_ptr<Scenario>> Load(std::string_view body,
                                               const ScenarioInputs& inputs = {}) {
  return LoadScenario(core::Concat("<scenario name=\"t\">\n", body, "\n</scenario>"), "t.xml",
                      inputs);
}

std::unique_ptr<Scenario> MustLoad(std::string_view body) {
  auto scenario = Load(body);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return scenario.ok() ? *std::move(scenario) : nullptr;
}

std::string Error(std::string_view body) { return std::string(Load(body).status().message()); }

/// A <send> with an attribute.
std::string Send(std::string_view attributes, std::string_view line = "OPTIONS sip:x SIP/2.0") {
  return core::Concat("<send ", attributes, "><![CDATA[", line, "\n]]></send>");
}
std::string Nop(std::string_view action) {
  return core::Concat("<nop><action>", action, "</action></nop>");
}

template <typename T>
const T& ActionOf(const Scenario& scenario, size_t step, size_t index = 0) {
  return std::get<T>(scenario.steps.at(step).actions.at(index).what);
}

TEST(ScenarioLoaderTest, Steps) {
  const auto scenario = MustLoad(
      core::Concat(Send("retrans=\"500\" lost=\"2.5\" crlf=\"false\"", "INVITE sip:x SIP/2.0"),
                   "<recv response=\"100\" optional=\"true\" timeout=\"20\"/>\n"
                   "<recv response=\"200\" rrs=\"true\" auth=\"true\" rtd=\"true\" counter=\"c\"/>",
                   Send("", "ACK sip:x SIP/2.0"),
                   "<pause/><pause milliseconds=\"12.5\"/><nop display=\"d\" hide=\"true\"/>"
                   "<recv request=\"BYE\"/><timewait milliseconds=\"4000\"/>"
                   "<ResponseTimeRepartition value=\"10, 20\"/>"
                   "<CallLengthRepartition value=\"5\"/>"));
  ASSERT_EQ(scenario->steps.size(), 9u);
  EXPECT_EQ(scenario->name, "t");
  EXPECT_EQ(scenario->role(), Scenario::Role::kClient);

  const auto& invite = std::get<SendStep>(scenario->steps[0].what);
  EXPECT_EQ(invite.message.method_id, core::sip::Method::kInvite);
  EXPECT_EQ(invite.retransmit, 500ms);
  EXPECT_EQ(scenario->steps[0].lost_percent, 2.5);
  EXPECT_EQ(scenario->steps[1].lost_percent, Step::kLossOfRun);

  const auto& trying = std::get<RecvStep>(scenario->steps[1].what);
  EXPECT_EQ(trying.response, 100);
  EXPECT_EQ(trying.optional, RecvStep::Optional::kYes);
  EXPECT_EQ(trying.timeout, 20ms);
  const auto& ok = std::get<RecvStep>(scenario->steps[2].what);
  EXPECT_TRUE(ok.record_route_set);
  EXPECT_TRUE(ok.authenticate);
  EXPECT_EQ(ok.sent_methods, "INVITE");
  EXPECT_EQ(scenario->steps[2].stop_rtd, 0);
  EXPECT_EQ(scenario->steps[2].line, 4);
  EXPECT_THAT(scenario->rtds, ElementsAre("1"));
  EXPECT_THAT(scenario->counters, ElementsAre("c"));

  EXPECT_EQ(std::get<PauseStep>(scenario->steps[4].what).source, PauseStep::Source::kOption);
  EXPECT_EQ(std::get<PauseStep>(scenario->steps[5].what).duration_ms.first, 12.5);
  EXPECT_TRUE(scenario->steps[6].hidden);
  EXPECT_EQ(std::get<RecvStep>(scenario->steps[7].what).request_id, core::sip::Method::kBye);
  EXPECT_TRUE(std::get<PauseStep>(scenario->steps[8].what).is_timewait);
  EXPECT_EQ(scenario->DurationMs(100), 100 + 12.5 + 4000);
  EXPECT_THAT(scenario->response_time_borders_ms, ElementsAre(10, 20));
  EXPECT_THAT(scenario->call_length_borders_ms, ElementsAre(5));
}

TEST(ScenarioLoaderTest, ServerRoleAndSentMethods) {
  const auto scenario =
      MustLoad(core::Concat("<nop/><recv request=\"INVITE\"/>", Send("", "SIP/2.0 200 OK"),
                            Send("", "BYE sip:x SIP/2.0"), "<recv response=\"200\"/>"));
  EXPECT_EQ(scenario->role(), Scenario::Role::kServer);
  EXPECT_EQ(std::get<RecvStep>(scenario->steps[4].what).sent_methods, "BYE");
}

// Labels are indices of steps, do not count as steps, and may be the end (trap 4, 1.1).
TEST(ScenarioLoaderTest, Labels) {
  const auto scenario =
      MustLoad(core::Concat("<label id=\"a\"/>", Send("next=\"end\" chance=\"0.25\" test=\"v\""),
                            "<label id=\"b\"/><recv response=\"200\" ontimeout=\"a\" next=\"b\">"
                            "<action><assign assign_to=\"v\" value=\"1\"/></action></recv>"
                            "<label id=\"_unexp.main\"/><nop/><label id=\"end\"/>"));
  EXPECT_EQ(scenario->steps[0].next, 3);
  EXPECT_EQ(scenario->steps[0].chance, 0.25);
  EXPECT_EQ(scenario->steps[0].test, scenario->variables.Find("v"));
  EXPECT_EQ(scenario->steps[1].next, 1);
  EXPECT_EQ(scenario->steps[1].on_timeout, 0);
  EXPECT_EQ(scenario->steps[2].next, kNoIndex);
  EXPECT_EQ(scenario->on_unexpected, 2);
  EXPECT_THAT(Error(core::Concat(kOptions, "<recv response=\"200\" next=\"9\"/>")),
              HasSubstr("t.xml:5: next=\"9\": wanted a <label id=\"9\"/>"));
  EXPECT_THAT(Error(core::Concat("<label id=\"1\"/>", kOptions, "<label id=\"1\"/>")),
              HasSubstr("used twice"));
}

// Without next SIPp reads neither test nor chance: their variables do not even exist.
TEST(ScenarioLoaderTest, TestAndChanceGoWithNext) {
  const auto scenario = MustLoad(Send("test=\"nobody\" chance=\"7\""));
  EXPECT_FALSE(scenario->steps[0].test);
  EXPECT_FALSE(scenario->variables.Find("nobody"));
  EXPECT_THAT(Error(core::Concat(Send("next=\"1\" chance=\"2\""), "<label id=\"1\"/>")),
              HasSubstr("wanted 0 to 1"));
}

TEST(ScenarioLoaderTest, OptionalRecvMustBeFollowedByOneThatIsNot) {
  EXPECT_TRUE(Load(core::Concat(kOptions, "<recv response=\"200\" optional=\"true\"/>")).ok());
  for (const std::string_view next :
       {kOptions, std::string_view("<pause/>"), std::string_view("<label id=\"1\"/><nop/>")}) {
    EXPECT_THAT(Error(core::Concat(kOptions, "<recv response=\"200\" optional=\"global\"/>", next)),
                HasSubstr("follows an optional <recv>"));
  }
  EXPECT_THAT(Error(core::Concat("<timewait milliseconds=\"1\"/>", kOptions)),
              HasSubstr("behind a <timewait>"));
}

// Trap 8: a variable named once is an error, `_` is not, Reference makes two of one.
TEST(ScenarioLoaderTest, VariablesAreNamedTwice) {
  EXPECT_THAT(Error(core::Concat(kOptions, Nop("<assign assign_to=\"v\" value=\"1\"/>"))),
              HasSubstr("t.xml:5: variable \"v\": named only here"));
  EXPECT_TRUE(Load(core::Concat(kOptions, Nop("<assign assign_to=\"_\" value=\"1\"/>"))).ok());
  EXPECT_TRUE(Load(core::Concat(kOptions, Nop("<assign assign_to=\"v\" value=\"1\"/>"),
                                "<Reference variables=\"v\"/>"))
                  .ok());
  EXPECT_THAT(Error(core::Concat("<Reference variables=\"v\"/>", kOptions)),
              HasSubstr("nothing before it names \"v\""));
  EXPECT_THAT(Error(core::Concat("<Global variables=\"g\"/>", kOptions)), HasSubstr("\"g\""));
  EXPECT_THAT(Error(Send("condexec=\"c\"")), HasSubstr("\"c\""));
  EXPECT_THAT(Error(core::Concat("<pause variable=\"p\"/>", kOptions)), HasSubstr("\"p\""));
}

TEST(ScenarioLoaderTest, Scopes) {
  const auto scenario = MustLoad(core::Concat(
      "<Global variables=\"g, h\"/><User variables=\"u\"/>",
      Send("condexec=\"g\" condexec_inverse=\"true\"", "OPTIONS sip:[$u]@[$h] SIP/2.0")));
  EXPECT_EQ(scenario->variables.Find("g")->scope, VariableScope::kGlobal);
  EXPECT_EQ(scenario->variables.Find("u")->scope, VariableScope::kUser);
  EXPECT_EQ(scenario->steps[0].condition, scenario->variables.Find("g"));
  EXPECT_TRUE(scenario->steps[0].condition_inverse);
}

TEST(ScenarioLoaderTest, Timers) {
  EXPECT_THAT(Error(core::Concat(Send("start_rtd=\"a\""), "<recv response=\"200\"/>")),
              HasSubstr("start_rtd=\"a\": it never stops"));
  EXPECT_TRUE(Load(core::Concat(kOptions, "<recv response=\"200\" rtd=\"a\"/>")).ok());
  EXPECT_THAT(Error(core::Concat(kOptions, "<recv response=\"200\" repeat_rtd=\"true\"/>")),
              HasSubstr("wanted rtd beside it"));
  const auto scenario =
      MustLoad(core::Concat(Send("start_rtd=\"b\" rtd=\"false\""),
                            "<recv response=\"200\" rtd=\"b\" repeat_rtd=\"1\"/>"));
  EXPECT_EQ(scenario->steps[0].stop_rtd, kNoIndex);
  EXPECT_TRUE(scenario->steps[1].repeat_rtd);
}

TEST(ScenarioLoaderTest, Transactions) {
  const auto scenario = MustLoad(core::Concat(Send("start_txn=\"i\"", "INVITE sip:x SIP/2.0"),
                                              "<recv response=\"200\" response_txn=\"i\"/>",
                                              Send("ack_txn=\"i\"", "ACK sip:x SIP/2.0")));
  EXPECT_EQ(std::get<SendStep>(scenario->steps[0].what).start_transaction, 0);
  EXPECT_EQ(std::get<RecvStep>(scenario->steps[1].what).response_transaction, 0);
  EXPECT_EQ(std::get<RecvStep>(scenario->steps[1].what).sent_methods, "");
  EXPECT_EQ(std::get<SendStep>(scenario->steps[2].what).ack_transaction, 0);
  EXPECT_THAT(Error(core::Concat(Send("start_txn=\"i\"", "INVITE sip:x SIP/2.0"),
                                 "<recv response=\"200\" response_txn=\"i\"/>")),
              HasSubstr("wanted an ack_txn"));
  EXPECT_THAT(Error(Send("start_txn=\"i\"")), HasSubstr("wanted a response_txn"));
  EXPECT_THAT(Error(core::Concat(kOptions, "<recv response=\"200\" response_txn=\"i\"/>")),
              HasSubstr("wanted a start_txn"));
  EXPECT_THAT(Error(Send("start_txn=\"i\"", "ACK sip:x SIP/2.0")), HasSubstr("other than ACK"));
  EXPECT_THAT(Error(Send("ack_txn=\"i\"")), HasSubstr("wanted an ACK"));
}

TEST(ScenarioLoaderTest, Distributions) {
  const auto scenario = MustLoad(core::Concat(
      "<pause distribution=\"uniform\" min=\"2\" max=\"4\"/><pause min=\"1\" max=\"2\"/>"
      "<pause normal=\"true\" mean=\"60\" stdev=\"5\"/>",
      kOptions));
  const auto& uniform = std::get<PauseStep>(scenario->steps[0].what).duration_ms;
  EXPECT_EQ(uniform, (Distribution{Distribution::Kind::kUniform, 2, 4}));
  core::Random random(7);
  for (int i = 0; i < 100; ++i) {
    const double sample = uniform.Sample(&random);
    EXPECT_TRUE(sample >= 2 && sample < 4);
  }
  EXPECT_EQ(std::get<PauseStep>(scenario->steps[1].what).duration_ms.kind,
            Distribution::Kind::kUniform);
  EXPECT_EQ(std::get<PauseStep>(scenario->steps[2].what).duration_ms.kind,
            Distribution::Kind::kNormal);
  EXPECT_THAT(Error("<pause distribution=\"foo\"/>"), HasSubstr("unknown"));
  EXPECT_THAT(Error("<pause distribution=\"gamma\"/>"), HasSubstr("not supported yet"));
  EXPECT_THAT(Error("<pause distribution=\"normal\" mean=\"1\"/>"), HasSubstr("attribute stdev"));
  EXPECT_THAT(Error("<pause milliseconds=\"3e9\"/>"), HasSubstr("24 days"));
  EXPECT_TRUE(
      Load(core::Concat(kOptions, "<pause milliseconds=\"3e9\" sanity_check=\"false\"/>")).ok());
}

TEST(ScenarioLoaderTest, RegexpMatch) {
  const auto scenario = MustLoad("<recv request=\"INFO|NOTIFY\" regexp_match=\"true\"/>");
  const auto& recv = std::get<RecvStep>(scenario->steps[0].what);
  EXPECT_FALSE(recv.is_response);
  EXPECT_TRUE(recv.pattern->Matches("NOTIFY"));
  EXPECT_FALSE(recv.pattern->Matches("BYE"));
  const auto client =
      MustLoad(core::Concat(kOptions, "<recv response=\"2..\" regexp_match=\"true\"/>"));
  EXPECT_TRUE(std::get<RecvStep>(client->steps[1].what).is_response);
  EXPECT_THAT(Error("<recv request=\"(\" regexp_match=\"true\"/>"),
              HasSubstr("not a regular expression"));
}

TEST(ScenarioLoaderTest, Ereg) {
  const auto scenario = MustLoad(
      core::Concat("<recv request=\"A\"><action>"
                   "<ereg regexp=\"x(.*)\" search_in=\"hdr\" header=\"From: \" occurence=\"2\" "
                   "start_line=\"true\" case_indep=\"true\" check_it=\"true\" assign_to=\"a, b\"/>"
                   "<ereg regexp=\"y\" search_in=\"var\" variable=\"a\" check_it_inverse=\"true\" "
                   "assign_to=\"b\"/></action></recv>"));
  const auto& first = ActionOf<EregAction>(*scenario, 0);
  EXPECT_EQ(first.where, EregAction::Where::kHeader);
  EXPECT_EQ(first.header, "From: ");
  EXPECT_EQ(first.occurrence, 2u);
  EXPECT_TRUE(first.start_of_line);
  EXPECT_EQ(first.check, Check::kMustBeTrue);
  EXPECT_EQ(first.assign_to.size(), 2u);
  EXPECT_TRUE(first.expression.Matches("X1"));
  const auto& second = ActionOf<EregAction>(*scenario, 0, 1);
  EXPECT_EQ(second.where, EregAction::Where::kVariable);
  EXPECT_EQ(second.check, Check::kMustBeFalse);

  EXPECT_THAT(Error(Nop("<ereg regexp=\"(\" assign_to=\"_\"/>")),
              HasSubstr("t.xml:2: <ereg>: \"(\" is not a regular expression"));
  EXPECT_THAT(Error(Nop("<ereg regexp=\"a\" search_in=\"hdr\" assign_to=\"_\"/>")),
              HasSubstr("wanted the attribute header"));
  EXPECT_THAT(Error(Nop("<ereg regexp=\"a\"/>")), HasSubstr("wanted the attribute assign_to"));
  EXPECT_THAT(Error(Nop("<ereg regexp=\"a\" assign_to=\"_,_,_,_,_,_,_,_,_,_,_\"/>")),
              HasSubstr("at most 10 variables"));
}

TEST(ScenarioLoaderTest, OtherActions) {
  const auto scenario = MustLoad(core::Concat(
      kOptions,
      Nop("<log message=\"l [call_id]\"/><warning message=\"w\"/>"
          "<assign assign_to=\"n\" value=\"1.5\"/><add assign_to=\"n\" variable=\"n\"/>"
          "<assignstr assign_to=\"s\" value=\"[$n]\"/><todouble assign_to=\"n\" variable=\"s\"/>"
          "<test assign_to=\"b\" variable=\"n\" compare=\"less_than\" value=\"2\"/>"
          "<strcmp assign_to=\"b\" variable=\"s\" value=\"x\"/><jump value=\"0\"/>"
          "<gettimeofday assign_to=\"n,b\"/><index assign_to=\"n\"/><trim assign_to=\"s\"/>"
          "<urlencode variable=\"s\"/><sample assign_to=\"n\" distribution=\"fixed\" value=\"1\"/>"
          "<exec int_cmd=\"stop_now\"/><error message=\"e\"/>")));
  EXPECT_EQ(ActionOf<LogAction>(*scenario, 1, 1).level, LogAction::Level::kWarning);
  EXPECT_EQ(ActionOf<ArithmeticAction>(*scenario, 1, 3).op, ArithmeticAction::Operator::kAdd);
  EXPECT_TRUE(ActionOf<ArithmeticAction>(*scenario, 1, 3).operand.variable);
  EXPECT_EQ(ActionOf<TestAction>(*scenario, 1, 6).compare, TestAction::Compare::kLess);
  EXPECT_EQ(ActionOf<CompareTextAction>(*scenario, 1, 7).value, "x");
  EXPECT_TRUE(
      Load(Nop("<test variable=\"_\" compare=\"equal\" value=\"\" check_it=\"true\"/>")).ok());
  EXPECT_EQ(ActionOf<EditTextAction>(*scenario, 1, 12).edit, EditTextAction::Edit::kUrlEncode);
  EXPECT_EQ(ActionOf<InternalCommandAction>(*scenario, 1, 14).command,
            InternalCommandAction::Command::kStopNow);
  EXPECT_EQ(ActionOf<LogAction>(*scenario, 1, 15).level, LogAction::Level::kError);
}

// Only the first child element counts, and only when it is <action>: as SIPp, so that it loads.
TEST(ScenarioLoaderTest, ActionsBelongInAction) {
  const auto scenario = MustLoad(core::Concat(kOptions, "<nop><ereg regexp=\"(\"/></nop>",
                                              "<nop><action/><action><foo/></action></nop>"));
  EXPECT_TRUE(scenario->steps[1].actions.empty());
  EXPECT_TRUE(scenario->steps[2].actions.empty());
  EXPECT_THAT(scenario->warnings, ElementsAre(HasSubstr("<nop>: the <ereg> in line "),
                                              HasSubstr("<nop>: the <action> in line ")));
}

// SIPp ignores without a word what it does not know in an element. So do we, but we say it: by its
// place, once each, and nothing else.
TEST(ScenarioLoaderTest, WarnsOfWhatIsIgnored) {
  const auto scenario = MustLoad(
      core::Concat(kOptions, "\n<recv request=\"BYE\" ptional=\"true\" crlf=\"1\" chance=\"0.5\"/>",
                   Nop("<log message=\"a\" mesage=\"b\"/>"), "<label id=\"1\" name=\"x\"/>",
                   "<pause milliseconds=\"-5\"/>",
                   Send("timeout=\"500\" crlf=\"true\" display=\"d\"", "BYE sip:x SIP/2.0")));
  EXPECT_THAT(
      scenario->warnings,
      ElementsAre(HasSubstr("<recv>: the attribute ptional is ignored: it has no meaning here"),
                  HasSubstr("<recv>: the attribute chance is ignored"),  // Without a `next`.
                  HasSubstr("<log>: the attribute mesage is ignored"),
                  HasSubstr("<label>: the attribute name is ignored"),
                  HasSubstr("<pause>: milliseconds is below 0: no pause at all"),
                  HasSubstr("<send>: the attribute timeout is ignored: a send over UDP waits")));
  EXPECT_TRUE(scenario->warnings.front().starts_with("t.xml:")) << scenario->warnings.front();
}

TEST(ScenarioLoaderTest, WarnsOfAScenarioThatIsNotClosed) {
  const auto scenario = LoadScenario("\n<scenario>\n<nop/>", "t.xml", {});
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_THAT((*scenario)->warnings,
              ElementsAre("t.xml:2: this <scenario> is never closed: is the file whole?"));
}

TEST(ScenarioLoaderTest, Lookup) {
  InjectionFiles files;
  auto file = InjectionFile::Parse("SEQUENTIAL\na\n", "f.csv");
  ASSERT_TRUE(file.ok() && (*file)->Index(0).ok() && files.Add(*std::move(file)).ok());
  const std::string body =
      core::Concat(kOptions, Nop("<lookup assign_to=\"_\" file=\"f.csv\" key=\"[call_id]\"/>"));
  EXPECT_TRUE(Load(body, {&files, nullptr}).ok());
  EXPECT_THAT(Error(body), HasSubstr("wanted an -inf file with an -infindex"));
}

// Trap 16: unknown attributes are ignored; unknown elements and actions are fatal, with their
// place.
TEST(ScenarioLoaderTest, RefusesWhatItDoesNotKnow) {
  EXPECT_TRUE(Load(Send("foo=\"bar\" ptional=\"true\"")).ok());
  EXPECT_EQ(Error("\n<foo/>"),
            "t.xml:3: <foo>: unknown element; wanted send, recv, pause, nop, label or another of "
            "SIPp's");
  EXPECT_THAT(Error(Nop("<foo/>")), HasSubstr("<foo>: unknown action"));
  EXPECT_THAT(Error(Nop("<exec foo=\"1\"/>")), HasSubstr("<exec>: unknown exec"));
  for (const std::string_view later :
       {"<sendCmd><![CDATA[x]]></sendCmd>", "<recvCmd/>", "<init/>", "<DefaultMessage/>"}) {
    EXPECT_THAT(Error(later), HasSubstr(">: not supported yet")) << later;
  }
  for (const std::string_view later :
       {"<verifyauth/>", "<insert/>", "<replace/>", "<setdest/>", "<closecon/>",
        "<exec command=\"x\"/>", "<exec play_pcap_video=\"x\"/>"}) {
    EXPECT_THAT(Error(Nop(later)), HasSubstr("not supported yet")) << later;
  }
  EXPECT_THAT(Error(Send("", "OPTIONS sip:[nope] SIP/2.0")),
              HasSubstr("t.xml:2: <send>: [nope]: unknown keyword"));
}

TEST(ScenarioLoaderTest, RefusesBadValues) {
  EXPECT_THAT(Error(Send("retrans=\"abc\"")),
              HasSubstr("t.xml:2: <send>: retrans=\"abc\": wanted a whole number"));
  EXPECT_THAT(Error("<recv response=\"abc\"/>"), HasSubstr("wanted a whole number, 100 to 699"));
  EXPECT_THAT(Error("<recv request=\"A\" optional=\"maybe\"/>"),
              HasSubstr("true, false or global"));
  EXPECT_THAT(Error("<recv request=\"A\" rrs=\"maybe\"/>"), HasSubstr("wanted true or false"));
  EXPECT_THAT(Error("<recv request=\"A\" advance_state=\"false\"/>"), HasSubstr("optional recv"));
  EXPECT_THAT(Error("<pause milliseconds=\"abc\"/>"), HasSubstr("wanted a number"));
  EXPECT_THAT(Error(Send("lost=\"101\"")), HasSubstr("a percentage"));
  EXPECT_THAT(Error("<send/>"), HasSubstr("CDATA"));
  EXPECT_THAT(Error("<recv/>"), HasSubstr("request and response"));
  EXPECT_THAT(Error(""), HasSubstr("the scenario does nothing"));
  EXPECT_THAT(Error(Nop("<jump value=\"0\"/>")), HasSubstr("to its own step"));
  EXPECT_THAT(Error(Nop("<log/>")), HasSubstr("wanted the attribute message"));
  EXPECT_THAT(Error(Nop("<assign assign_to=\"_\"/>")), HasSubstr("value and variable"));
  EXPECT_THAT(Error(Nop("<divide assign_to=\"_\" value=\"0\"/>")), HasSubstr("other than 0"));
  EXPECT_THAT(Error(Nop("<test variable=\"_\" compare=\"x\" value=\"1\"/>")), HasSubstr("compare"));
  EXPECT_THAT(std::string(LoadScenario("<a/>", "t.xml", {}).status().message()),
              HasSubstr("wanted <scenario> as the root"));
  EXPECT_THAT(std::string(ReadScenario("/nonexistent.xml", {}).status().message()),
              HasSubstr("/nonexistent.xml: cannot be read"));
}

TEST(ScenarioLoaderTest, StepsHaveALimit) {
  std::string body;
  for (size_t i = 0; i <= Scenario::kStepsMax; ++i) body += "<nop/>";
  EXPECT_THAT(Error(body), HasSubstr("at most 4096 steps"));
}

}  // namespace
}  // namespace loadgen
