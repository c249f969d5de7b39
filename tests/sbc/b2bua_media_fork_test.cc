// Several early dialogs, each with offers and answers of its own (RFC 3261 §13.2.1, RFC 3262 §5,
// RFC 3311): which one's media is in force, and what a refused offer of one leaves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/media_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// A callee with two phones: the one at 9000 is fork 0, the one at 9100 fork 1.
struct ForkScene : MediaScene {
  using MediaScene::MediaScene;

  static SimStep Rings(size_t fork, core::Duration after, std::string body = "") {
    if (body.empty()) body = Sdp("127.0.0.9", fork == 0 ? 9000 : 9100);
    return {.after = after, .status = 183, .fork = fork, .reliable = true, .body = std::move(body)};
  }
  static SimStep Answers(size_t fork, core::Duration after, std::string body = "") {
    return {.after = after, .status = 200, .fork = fork, .body = std::move(body)};
  }
  size_t Begin(std::vector<SimStep> script, SimPlan plan = {}) {
    SimPlan callee;
    callee.script = std::move(script);
    callee.answers["UPDATE"] = update_status;
    scene.trunk.Expect(std::move(callee));
    plan.supports_100rel = true;
    plan.sdp = Sdp("127.0.0.4", 4000);
    return scene.pbx.Place(std::move(plan));
  }
  static SimPlan WithOffer() {
    SimPlan plan;
    plan.body = Sdp("127.0.0.4", 4000);
    return plan;
  }
  /// That phone and the caller hear each other; the other one does neither.
  void ExpectTalksWith(size_t fork) {
    for (MediaPeer* each : {&pbx, &trunk, &second}) each->got.clear();
    const core::Endpoint of_pbx =
        scene.world->worker().media().streams() == 0 ? core::Endpoint{} : TargetOf(LastToPbx());
    pbx.Send("out", of_pbx);
    trunk.Send("in from 0", TargetOf(LastToTrunk()));
    second.Send("in from 1", TargetOf(LastToTrunk()));
    scene.Run(100ms);
    EXPECT_THAT((fork == 0 ? trunk : second).got, ElementsAre("out"));
    EXPECT_THAT((fork == 0 ? second : trunk).got, IsEmpty());
    EXPECT_THAT(pbx.got, ElementsAre(fork == 0 ? "in from 0" : "in from 1"));
  }
  std::string LastToPbx() { return scene.pbx.Got("INVITE", 183).at(0).body; }
  std::string LastToTrunk() {
    const std::string offer = ToTrunk();
    return offer.empty() ? scene.trunk.Got("PRACK").at(0).body : offer;
  }
  void End(size_t call) {
    scene.pbx.Do(call, {.method = "BYE", .fork = SimStep::kConfirmed});
    scene.ExpectClean();
  }

  int update_status = 200;
  MediaPeer second{"127.0.0.9:9100", &scene.network, &scene.simulation};
};

// Both phones make an offer before either has its answer: each PRACK answers its own.
TEST(B2buaMediaForkTest, DelayedOffersOfTwoPhones) {
  ForkScene media;
  SimPlan plan;
  plan.body = "";
  plan.prack_body = Sdp("127.0.0.4", 4000);
  const size_t call = media.Begin(
      {ForkScene::Rings(1, 100ms), ForkScene::Rings(0, 0ms), ForkScene::Answers(1, 500ms)}, plan);
  media.scene.Run(1s);
  ASSERT_EQ(media.scene.pbx.call(call).final_status, 200);
  media.ExpectTalksWith(1);
  media.End(call);
}

// One phone has made an offer of its own since: the other one answers the INVITE's all the same.
TEST(B2buaMediaForkTest, AnAnswerIsToItsOwnOffer) {
  ForkScene media;
  SimStep update = {.after = 100ms, .method = "UPDATE", .fork = 1};
  update.body = Sdp("127.0.0.9", 9300);
  const size_t call = media.Begin({ForkScene::Rings(1, 100ms), update, ForkScene::Rings(0, 200ms),
                                   ForkScene::Answers(0, 200ms)},
                                  ForkScene::WithOffer());
  media.scene.Run(2s);
  ASSERT_EQ(media.scene.pbx.call(call).final_status, 200);
  ASSERT_THAT(media.scene.pbx.Got("INVITE", 183), SizeIs(2));
  EXPECT_THAT(media.scene.pbx.Got("INVITE", 183)[1].body, HasSubstr("m=audio "));
  media.ExpectTalksWith(0);
  media.End(call);
}

// An offer that one phone refuses changes nothing, in its dialog or in another.
TEST(B2buaMediaForkTest, ARefusedUpdateLeavesNoTrace) {
  for (const size_t answers : std::vector<size_t>{0, 1}) {
    for (const bool rings_after : {false, true}) {
      ForkScene media;
      media.update_status = 488;
      std::vector<SimStep> script = {ForkScene::Rings(1, 100ms)};
      if (answers == 0 || rings_after) script.push_back(ForkScene::Rings(0, 500ms));
      script.push_back(ForkScene::Answers(answers, 500ms));
      const size_t call = media.Begin(std::move(script), ForkScene::WithOffer());
      media.scene.Run(300ms);
      media.scene.pbx.Do(call, {.method = "UPDATE", .body = Sdp("127.0.0.4", 4100)});
      media.scene.Run(2s);
      ASSERT_THAT(media.scene.pbx.Got("UPDATE", 488), SizeIs(1));
      ASSERT_EQ(media.scene.pbx.call(call).final_status, 200);
      media.ExpectTalksWith(answers);
      media.End(call);
    }
  }
}

// What we repeat to the caller in a refresh is what the phone agreed to that answered.
TEST(B2buaMediaForkTest, ARefreshRepeatsWhatTheAnsweringPhoneSaid) {
  SbcScene::Options options = Anchoring();
  options.global += "sip: {session_expires: 200s}\n";
  ForkScene media(options);
  SimPlan plan;
  plan.body = Sdp("127.0.0.4", 4000, "", "0 8 101");
  plan.timer = plan.updates = false;
  const size_t call = media.Begin(
      {ForkScene::Rings(1, 100ms), ForkScene::Rings(0, 100ms, Sdp("127.0.0.9", 9000, "", "8 101")),
       ForkScene::Answers(1, 200ms)},
      plan);
  media.scene.Run(150s);
  ASSERT_EQ(media.scene.pbx.call(call).final_status, 200);
  ASSERT_FALSE(media.scene.pbx.Got("INVITE").empty());
  EXPECT_THAT(LineOf(media.scene.pbx.Got("INVITE")[0].body, "m=audio "),
              HasSubstr("RTP/AVP 0 101"));
  media.End(call);
}

// Who is answered without the description that he is owed has no media, and is not kept for that.
TEST(B2buaMediaForkTest, ACallThatNeverAgreedEnds) {
  MediaScene media(Anchoring("    media_timeout: 30s\n"));
  SimPlan callee;
  callee.script = {{.status = 200}};
  media.Place(callee, Sdp("127.0.0.4", 4000));
  media.scene.Run(27s);
  EXPECT_THAT(media.scene.world->records(), IsEmpty());
  media.scene.Run(5s);
  ASSERT_THAT(media.scene.world->records(), SizeIs(1));
  EXPECT_EQ(media.scene.record().end, sbc::CallEnd::kMediaTimeout);
  media.scene.ExpectClean();
}

}  // namespace
}  // namespace tests
