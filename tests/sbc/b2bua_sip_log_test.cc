// EnableSIPLogs through the whole SBC: every message of both legs of a call, in the order in which
// they came and went, and nobody else's (rule 27).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

SbcScene::Options Logged() {
  SbcScene::Options options;
  options.connector = "    logging: {EnableSIPLogs: true}\n";
  return options;
}

// "INVITE", "180 INVITE".
std::vector<std::string> Words(SbcScene* scene) {
  std::vector<std::string> words;
  for (const auto& message : scene->world->sip_messages()) {
    const std::string& text = message.text;
    if (text.compare(0, 8, "SIP/2.0 ") != 0) {
      words.push_back(text.substr(0, text.find(' ')));
      continue;
    }
    const size_t cseq = text.find(' ', text.find("\r\nCSeq: ") + 8) + 1;
    words.push_back(text.substr(8, 4) + text.substr(cseq, text.find("\r\n", cseq) - cseq));
  }
  return words;
}

TEST(B2buaSipLogTest, EveryMessageOfBothLegsInOrder) {
  SbcScene scene(Logged());
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
  EXPECT_THAT(Words(&scene),
              ElementsAre("INVITE", "INVITE", "100 INVITE",  // From the PBX, to the trunk.
                          "180 INVITE", "180 INVITE", "200 INVITE", "ACK", "200 INVITE", "ACK",
                          "BYE", "200 BYE", "BYE", "200 BYE"));
  for (const auto& message : scene.world->sip_messages()) {
    EXPECT_EQ(message.transaction_id, scene.record().transaction_id[0]);
  }
}

// A refused call is logged too: its connector is known. So is the ACK that follows its record.
TEST(B2buaSipLogTest, ARefusedCall) {
  SbcScene scene(Logged());
  SimPlan plan;
  plan.number = "+4930123456";  // Not one of CallingRegions.
  scene.pbx.Place(plan);
  scene.Run(1s);
  scene.ExpectClean();
  EXPECT_THAT(Words(&scene), ElementsAre("INVITE", "403 INVITE", "ACK"));
}

TEST(B2buaSipLogTest, NobodyElsesMessages) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
  EXPECT_THAT(scene.world->sip_messages(), IsEmpty());
}

// Two calls at once are told apart.
TEST(B2buaSipLogTest, EachMessageHasItsCall) {
  SbcScene scene(Logged());
  const size_t out = scene.Outbound();
  const size_t in = scene.Inbound();
  scene.pbx.Do(out, {.method = "BYE"});
  scene.trunk.Do(in, {.method = "BYE"});
  scene.ExpectClean();
  std::multiset<uint64_t> calls;
  for (const auto& message : scene.world->sip_messages()) calls.insert(message.transaction_id);
  EXPECT_EQ(calls.size(), 26u);
  EXPECT_EQ(calls.count(scene.record(0).transaction_id[0]), 13u);
  EXPECT_EQ(calls.count(scene.record(1).transaction_id[0]), 13u);
}

}  // namespace
}  // namespace tests
