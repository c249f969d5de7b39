// The built-in scenarios load, and are what SIPp's of the same name are to their peer: the same
// messages in the same order.

#include "loadgen/builtin_scenarios.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/concat.h"
#include "loadgen/scenario_loader.h"
#include "tests/loadgen/template_fixture.h"

namespace loadgen {
namespace {

std::unique_ptr<Scenario> Load(std::string_view name) {
  const auto xml = FindBuiltinScenario(name);
  EXPECT_TRUE(xml) << name;
  auto scenario = LoadScenario(*xml, name, {});
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return *std::move(scenario);
}

/// The steps in a line: ">INVITE" is sent, "<200" received, "?" optional, "." a pause.
std::string Outline(const Scenario& scenario) {
  std::string outline;
  for (const Step& step : scenario.steps) {
    if (const auto* send = std::get_if<SendStep>(&step.what)) {
      outline += send->message.is_response() ? core::Concat(">", send->message.status_code, " ")
                                             : core::Concat(">", send->message.method, " ");
    } else if (const auto* recv = std::get_if<RecvStep>(&step.what)) {
      const char* mark = recv->optional == RecvStep::Optional::kNo ? "<" : "?";
      outline += recv->pattern    ? core::Concat(mark, recv->pattern->pattern(), " ")
                 : recv->response ? core::Concat(mark, recv->response, " ")
                                  : core::Concat(mark, recv->request, " ");
    } else {
      outline += ". ";
    }
  }
  return outline;
}

TEST(BuiltinScenariosTest, DoWhatSippsDo) {
  EXPECT_EQ(Outline(*Load("uac")), ">INVITE ?100 ?180 ?183 <200 >ACK . >BYE <200 ");
  EXPECT_EQ(Outline(*Load("uas")), "<INVITE >180 >200 ?ACK <BYE >200 . ");
  EXPECT_EQ(Outline(*Load("regexp")), ">INVITE ?100 ?180 ?183 <200 >ACK . >BYE <200 ");
  EXPECT_EQ(Outline(*Load("branchc")),
            ">REGISTER <200 <200 >INVITE ?100 ?180 ?183 ?403 <200 >ACK . >BYE <200 . ");
  EXPECT_EQ(Outline(*Load("branchs")),
            "<REGISTER >200 <INVITE >180 >403 >100 >200 ?ACK <BYE >200 . ");
  EXPECT_EQ(Outline(*Load("ooc_default")), "<.* >200 . ");
  EXPECT_FALSE(FindBuiltinScenario("nope"));
  EXPECT_EQ(BuiltinScenarios().size(), 6u);
}

TEST(BuiltinScenariosTest, BranchesLeadWhereTheyShould) {
  const auto client = Load("branchc");
  EXPECT_EQ(client->steps[1].next, 3);   // Over the second 200.
  EXPECT_EQ(client->steps[7].next, 11);  // 403: straight to BYE.
  EXPECT_EQ(client->steps[9].next, 11);  // The 25th call: without the pause.
  EXPECT_TRUE(client->steps[9].test);
  const auto server = Load("branchs");
  EXPECT_EQ(server->steps[3].next, 5);
  EXPECT_EQ(server->steps[4].next, 8);
}

// Every message that they send can be read again, with its Content-Length right.
TEST(BuiltinScenariosTest, SendWellFormedMessages) {
  for (const BuiltinScenario& builtin : BuiltinScenarios()) {
    TemplateFixture fixture;
    fixture.Receive(
        "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n"
        "To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
        "Content-Length: 0\r\n\r\n");
    const auto scenario = Load(builtin.name);
    for (const Step& step : scenario->steps) {
      const auto* send = std::get_if<SendStep>(&step.what);
      if (send == nullptr) continue;
      const std::string bytes = fixture.Render(send->message.message);
      core::sip::Message message;
      ASSERT_EQ(message.Index(bytes), core::sip::ParseError::kOk) << builtin.name << "\n" << bytes;
      uint32_t length = 0;
      ASSERT_EQ(message.ContentLength(&length), core::sip::ParseError::kOk);
      EXPECT_EQ(length, bytes.size() - bytes.find("\r\n\r\n") - 4) << bytes;
    }
  }
}

}  // namespace
}  // namespace loadgen
