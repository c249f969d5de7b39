// A host name resolves anew while calls run (rule 2): who is in a call at an address that the name
// has left still reaches us for that call, at whatever worker his packets arrive; and starts none.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

core::Endpoint At(const char* text) {
  core::Endpoint endpoint;
  CHECK(core::Endpoint::Parse(text, &endpoint));
  return endpoint;
}

SbcScene::Options ByName(uint16_t workers = 1) {
  SbcScene::Options options;
  options.termination =
      "CpsLimit: 0, CallingRegions: [US], CidrAllowedList: [127.0.0.4/32], Disabled: false";
  options.routes = "{Host: pbx.test, Priority: 1, Weight: 1}";
  options.workers = workers;
  return options;
}

// Those who came as far as a worker: the sockets' filter did not know them for strangers.
uint64_t Strangers(SbcScene& scene) {
  uint64_t sum = 0;
  for (size_t i = 0; i < scene.world->workers(); ++i) {
    sum += scene.world->worker(i).CurrentSnapshot().worker.strangers;
  }
  return sum;
}

void Move(SbcScene& scene, const char* to) {
  scene.world->SetAddresses("pbx.test", {At(to)});
  scene.Run(10ms);
}

class B2buaReachTest : public testing::TestWithParam<uint16_t> {};
INSTANTIATE_TEST_SUITE_P(Workers, B2buaReachTest, testing::Values(1, 4));

// The call outlasts many terms: it is renewed for as long as the call is there.
TEST_P(B2buaReachTest, ByeFromAnAddressThatTheNameHasLeftEndsTheCall) {
  SbcScene scene(ByName(GetParam()));
  Move(scene, "127.0.0.5:5060");
  std::vector<size_t> calls;
  for (int i = 0; i < 8; ++i) calls.push_back(scene.Inbound());
  scene.Run(1s);
  ASSERT_THAT(scene.pbx2.Got("INVITE"), SizeIs(8));
  Move(scene, "127.0.0.6:5060");
  scene.Run(10min);
  for (size_t i = 0; i < 8; ++i) scene.pbx2.Do(i, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(8));
  EXPECT_EQ(scene.world->calls(), 0u);
  scene.ExpectClean();
}

TEST_P(B2buaReachTest, AnswerFromAnAddressThatTheNameHasLeftWhileItRang) {
  SbcScene scene(ByName(GetParam()));
  Move(scene, "127.0.0.5:5060");
  SimPlan plan;
  plan.script = {{.status = 180}, {.after = 20s, .status = 200}};
  scene.pbx2.Expect(plan);
  const size_t call = scene.trunk.Place({});
  scene.Run(1s);
  Move(scene, "127.0.0.6:5060");
  scene.Run(25s);
  EXPECT_EQ(scene.trunk.call(call).final_status, 200);
  scene.trunk.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx2.Got("BYE"), SizeIs(1));
  scene.ExpectClean();
}

// Held, it may do what belongs to its call only; after the call it is a stranger again.
TEST_P(B2buaReachTest, TheOldAddressStartsNothingAndIsOutOfReachAfterItsLastCall) {
  SbcScene scene(ByName(GetParam()));
  Move(scene, "127.0.0.5:5060");
  const size_t call = scene.Inbound();
  scene.Run(1s);
  Move(scene, "127.0.0.6:5060");
  const std::string options =
      "OPTIONS sip:127.0.0.3 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.5:5060;branch=z9hG4bKstart\r\n"
      "Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.5>;tag=a\r\nTo: <sip:127.0.0.3>\r\n"
      "Call-ID: start\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
  const auto answers = [&] {
    scene.pbx2.ClearLog();
    scene.pbx2.SendRaw(options);
    scene.pbx2.SendRaw("INVITE nonsense\r\n\r\n");
    scene.Run(1s);
    size_t got = 0;
    for (const SimUserAgent::Entry& entry : scene.pbx2.log()) got += entry.sent ? 0 : 1;
    return got;
  };
  EXPECT_EQ(answers(), 0u);
  EXPECT_EQ(Strangers(scene), 1u);
  scene.trunk.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx2.Got("BYE"), SizeIs(1));
  scene.Run(130s);  // A term and the time between two looks at the calls.
  EXPECT_EQ(scene.world->timers(), 0u);
  EXPECT_EQ(answers(), 0u);
  EXPECT_EQ(Strangers(scene), 1u);  // The filter keeps it out now.
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
