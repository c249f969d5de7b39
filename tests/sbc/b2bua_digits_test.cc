// `dtmf: info`, through the whole SBC: a customer's INFO becomes telephone-events in the trunk's
// RTP, and the trunk's events become INFOs; descriptions tell each side of its own way only.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/media_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const std::string kInfo = "    dtmf: info\n";

SimStep Press(const std::string& signal, const std::string& duration = "100") {
  return {.method = "INFO",
          .body = "Signal=" + signal + "\r\nDuration=" + duration + "\r\n",
          .fields = "Content-Type: application/dtmf-relay\r\n"};
}

/// What the packets of events in there say, each once: "5:800" for a key and its ticks.
std::vector<std::string> Played(const MediaPeer& peer) {
  std::vector<std::string> digits;
  size_t ends = 0;
  for (const std::string& payload : peer.got) {
    if (payload.size() != 4) {
      ends = 0;
      continue;
    }
    const auto byte = [&payload](size_t i) { return static_cast<uint8_t>(payload[i]); };
    if ((byte(1) & 0x80) == 0 || ++ends % 3 != 0) continue;  // Each has three ends.
    digits.push_back(std::to_string(byte(0)) + ":" + std::to_string(byte(2) << 8 | byte(3)));
  }
  return digits;
}

/// A call whose customer has no telephone-event; the trunk has it under a number of its own.
struct DigitScene : MediaScene {
  explicit DigitScene(SimPlan callee = {}, const std::string& trunk_formats = "0 101",
                      const std::string& pbx_formats = "0")
      : MediaScene(Anchoring(kInfo)) {
    callee.script = {{.after = 100ms, .status = 200, .body = TrunkSdp(trunk_formats)}};
    callee.sdp = TrunkSdp(trunk_formats);
    call = Place(std::move(callee), Sdp("127.0.0.4", 4000, "", pbx_formats));
  }
  static std::string TrunkSdp(const std::string& formats) {
    return Sdp("127.0.0.9", 9000, "", formats);
  }
  void BothTalk() {
    pbx.Talk(TargetOf(ToPbx()));
    trunk.Talk(TargetOf(ToTrunk()));
    scene.Run(200ms);
  }
  void Do(SimStep step, core::Duration after = 1s) {
    scene.pbx.Do(call, std::move(step));
    scene.Run(after);
  }
  size_t Answered(int status) { return scene.pbx.Got("INFO", status).size(); }
  std::vector<std::string> Told() {
    std::vector<std::string> bodies;
    for (const SimMessage& info : scene.pbx.Got("INFO")) bodies.push_back(info.body);
    return bodies;
  }
  void End() {
    pbx.Hush();
    trunk.Hush();
    scene.Run(100ms);
    HangUp(call);
  }
  size_t call;
};

TEST(B2buaDigitsTest, EachSideIsToldOfItsOwnWay) {
  DigitScene media;
  EXPECT_THAT(LineOf(media.ToTrunk(), "m=audio "), EndsWith("RTP/AVP 0 101"));
  EXPECT_THAT(media.ToTrunk(), HasSubstr("a=rtpmap:101 telephone-event/8000\r\n"
                                         "a=fmtp:101 0-16\r\n"));
  EXPECT_THAT(LineOf(media.ToPbx(), "m=audio "), EndsWith("RTP/AVP 0"));
  EXPECT_THAT(media.ToPbx(), Not(HasSubstr("telephone-event")));
  media.End();
}

// A customer who has it keeps its number there, and is not told that he may use it.
TEST(B2buaDigitsTest, ACustomerWithTelephoneEventIsNotToldOfIt) {
  DigitScene media({}, "0 101", "0 101");
  EXPECT_THAT(LineOf(media.ToTrunk(), "m=audio "), EndsWith("RTP/AVP 0 101"));
  EXPECT_THAT(LineOf(media.ToPbx(), "m=audio "), EndsWith("RTP/AVP 0"));
  EXPECT_THAT(media.ToPbx(), Not(HasSubstr("telephone-event")));
  media.BothTalk();
  media.trunk.Press(5);
  media.Do(Press("1"));
  EXPECT_THAT(Played(media.trunk), ElementsAre("1:800"));
  EXPECT_THAT(media.Told(), SizeIs(1));
  media.End();
}

TEST(B2buaDigitsTest, AnInfoIsPlayedToTheTrunk) {
  DigitScene media;
  media.BothTalk();
  media.Do(Press("5"));
  media.Do(Press(" * ", "250"));
  media.Do({.method = "INFO", .body = "#", .fields = "Content-Type: application/dtmf\r\n"});
  EXPECT_EQ(media.Answered(200), 3u);
  EXPECT_THAT(media.scene.trunk.Got("INFO"), IsEmpty());
  EXPECT_THAT(Played(media.trunk), ElementsAre("5:800", "10:2000", "11:1280"));
  EXPECT_EQ(media.scene.counters().digits_taken, 3u);
  EXPECT_EQ(media.scene.world->worker().media().counters().digits.played, 3u);
  media.pbx.Hush();
  media.scene.Run(100ms);
  EXPECT_EQ(media.trunk.source().counts().lost(), 0);
  EXPECT_EQ(media.trunk.source().counts().packets, media.pbx.sent());
  for (size_t i = 0; i < media.trunk.got.size(); ++i) {
    EXPECT_EQ(media.trunk.got_types[i], media.trunk.got[i].size() == 4 ? 101 : 0) << i;
  }
  media.End();
}

// A softphone's offer begins with a codec of another clock; what the trunk answers with is what
// carries the digits, and where that is the other one nothing can.
TEST(B2buaDigitsTest, TheAnswersClockDecides) {
  for (const bool narrow : {true, false}) {
    MediaScene media(Anchoring(kInfo));
    const std::string opus = "a=rtpmap:96 opus/48000/2\r\n";
    SimPlan callee;
    callee.script = {{.after = 100ms,
                      .status = 200,
                      .body = Sdp("127.0.0.9", 9000, opus, narrow ? "0 101" : "96 101")}};
    const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, opus, "96 0"));
    EXPECT_THAT(LineOf(media.ToTrunk(), "m=audio "), EndsWith("RTP/AVP 96 0 101"));
    media.pbx.Talk(TargetOf(media.ToPbx()));
    media.scene.Run(200ms);
    media.scene.pbx.Do(call, Press("5"));
    media.scene.Run(1s);
    EXPECT_THAT(media.scene.pbx.Got("INFO", narrow ? 200 : 488), SizeIs(1));
    EXPECT_THAT(Played(media.trunk), SizeIs(narrow ? 1 : 0));
    media.pbx.Hush();
    media.HangUp(call);
  }
}

// Another call's way: the trunk offers, and finds its own number in the answer.
TEST(B2buaDigitsTest, ACallFromTheTrunk) {
  MediaScene media(Anchoring(kInfo));
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.4", 4000, "", "0")}};
  media.scene.pbx.Expect(callee);
  SimPlan plan;
  plan.body = Sdp("127.0.0.9", 9000, "a=rtpmap:96 telephone-event/8000\r\n", "0 96");
  const size_t call = media.scene.Inbound(plan);
  const std::string offer = media.scene.pbx.Got("INVITE").at(0).body;
  const std::string answer = media.scene.trunk.Got("INVITE", 200).at(0).body;
  EXPECT_THAT(LineOf(offer, "m=audio "), EndsWith("RTP/AVP 0"));
  EXPECT_THAT(LineOf(answer, "m=audio "), EndsWith("RTP/AVP 0 96"));
  EXPECT_THAT(answer, HasSubstr("a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-16\r\n"));
  media.pbx.Talk(TargetOf(offer));
  media.trunk.Talk(TargetOf(answer));
  media.scene.Run(200ms);
  media.scene.pbx.Do(0, Press("D"));
  media.trunk.Press(9, 96);
  media.scene.Run(1s);
  EXPECT_THAT(Played(media.trunk), ElementsAre("15:800"));
  EXPECT_THAT(std::set<uint8_t>(media.trunk.got_types.begin(), media.trunk.got_types.end()),
              ElementsAre(0, 96));
  ASSERT_THAT(media.scene.pbx.Got("INFO"), SizeIs(1));
  EXPECT_EQ(media.scene.pbx.Got("INFO")[0].body, "Signal=9\r\nDuration=100\r\n");
  media.pbx.Hush();
  media.trunk.Hush();
  media.scene.trunk.Do(call, {.method = "BYE"});
  media.scene.ExpectClean();
}

TEST(B2buaDigitsTest, ADelayedOffer) {
  MediaScene media(Anchoring(kInfo));
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
  media.scene.trunk.Expect(callee);
  SimPlan plan;
  plan.body = "";
  plan.sdp = Sdp("127.0.0.4", 4000, "", "0");
  const size_t call = media.scene.pbx.Place(plan);
  media.scene.Run(1s);
  ASSERT_THAT(media.scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_THAT(LineOf(media.ToPbx(), "m=audio "), EndsWith("RTP/AVP 0"));
  EXPECT_THAT(LineOf(media.scene.trunk.Got("ACK")[0].body, "m=audio "), EndsWith("RTP/AVP 0 101"));
  media.pbx.Talk(TargetOf(media.ToPbx()));
  media.scene.Run(200ms);
  media.scene.pbx.Do(call, Press("0"));
  media.scene.Run(1s);
  EXPECT_THAT(Played(media.trunk), ElementsAre("0:800"));
  media.pbx.Hush();
  media.HangUp(call);
}

// The trunk's events end here: the customer hears of each in SIP, and misses nothing of the voice.
TEST(B2buaDigitsTest, TheTrunksEventsBecomeInfos) {
  DigitScene media;
  media.BothTalk();
  for (const uint8_t event : {uint8_t{1}, uint8_t{2}, uint8_t{11}, uint8_t{16}, uint8_t{66}}) {
    media.trunk.Press(event);
    media.trunk.Press(event);  // Its end, said again.
    media.scene.Run(300ms);
  }
  EXPECT_THAT(media.Told(),
              ElementsAre("Signal=1\r\nDuration=100\r\n", "Signal=2\r\nDuration=100\r\n",
                          "Signal=#\r\nDuration=100\r\n", "Signal=16\r\nDuration=100\r\n"));
  const auto infos = media.scene.pbx.Got("INFO");
  EXPECT_EQ(infos[0].Get("Content-Type"), "application/dtmf-relay");
  media.trunk.Hush();
  media.scene.Run(100ms);
  EXPECT_THAT(Played(media.pbx), IsEmpty());
  EXPECT_THAT(media.pbx.got_types, Each(0));
  EXPECT_EQ(media.pbx.source().counts().lost(), 0);
  EXPECT_EQ(media.pbx.source().counts().packets, media.trunk.sent());
  EXPECT_EQ(media.scene.counters().digits_told, 4u);
  media.End();
}

TEST(B2buaDigitsTest, AnEventWhoseEndsWereLostEndsWithTheVoiceBehindIt) {
  DigitScene media;
  media.BothTalk();
  media.trunk.Press(5, 101, false);
  media.scene.Run(150ms);
  EXPECT_THAT(media.Told(), IsEmpty());
  media.scene.Run(300ms);
  EXPECT_THAT(media.Told(), ElementsAre("Signal=5\r\nDuration=100\r\n"));
  media.End();
}

// In order, however fast they come: the next when the one before has its answer.
TEST(B2buaDigitsTest, InfosGoOneByOne) {
  DigitScene media;
  media.BothTalk();
  media.scene.network.SetLink(core::IpAddress::FromV4(0x7f000002),
                              core::IpAddress::FromV4(0x7f000004), {.delay = 100ms});
  for (uint8_t event = 0; event < 5; ++event) {
    media.trunk.Press(event);
    media.scene.Run(20ms);
  }
  EXPECT_THAT(media.Told(), SizeIs(testing::Le(1u)));
  media.scene.Run(2s);
  ASSERT_THAT(media.Told(), SizeIs(5));
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_THAT(media.Told()[i], testing::StartsWith("Signal=" + std::to_string(i))) << i;
  }
  media.End();
}

TEST(B2buaDigitsTest, MoreThanMayWaitAreLostAndCounted) {
  DigitScene media;
  media.scene.pbx.call(media.call).plan.answers["INFO"] = 0;
  media.BothTalk();
  for (uint8_t i = 0; i < 20; ++i) {
    media.trunk.Press(i % 10);
    media.scene.Run(60ms);
  }
  EXPECT_EQ(media.scene.counters().digits_lost, 3u);  // One is under way, 16 wait.
  EXPECT_EQ(media.Told().front(), "Signal=0\r\nDuration=100\r\n");
  media.pbx.Hush();
  media.trunk.Hush();
  media.scene.Run(40s);  // Who answers nothing in a call is gone (RFC 3261 §12.2.1.2).
  EXPECT_EQ(media.scene.record().end, sbc::CallEnd::kPeerLost);
  EXPECT_EQ(media.scene.counters().digits_lost, 19u);
  EXPECT_EQ(media.scene.counters().digits_failed, 1u);
  media.scene.ExpectClean();
}

TEST(B2buaDigitsTest, AnInfoThatIsRefusedIsCounted) {
  for (const int status : {401, 415, 481}) {
    DigitScene media;
    media.scene.pbx.call(media.call).plan.answers["INFO"] = status;
    media.BothTalk();
    media.trunk.Press(1);
    media.scene.Run(100ms);
    media.trunk.Press(2);
    media.scene.Run(1s);
    EXPECT_EQ(media.scene.counters().digits_told, 0u) << status;
    EXPECT_THAT(media.Told(), SizeIs(status == 481 ? 1 : 2)) << status;
    EXPECT_EQ(media.scene.counters().digits_failed, status == 481 ? 1u : 2u) << status;
    if (status != 481) {
      media.End();
      continue;
    }
    media.pbx.Hush();
    media.trunk.Hush();
    EXPECT_EQ(media.scene.record().end, sbc::CallEnd::kPeerLost);
    media.scene.ExpectClean();
  }
}

TEST(B2buaDigitsTest, WhatCannotBePlayedIsRefused) {
  DigitScene media;
  media.Do(Press("5"));  // Nobody talks.
  ASSERT_EQ(media.Answered(480), 1u);
  EXPECT_THAT(media.scene.pbx.Got("INFO", 480)[0].Get("Warning"),
              "399 ringfence \"No voice flows that could carry the digit\"");
  media.BothTalk();
  media.Do(Press("16"));  // The trunk lists no events, so that it takes the sixteen keys.
  ASSERT_EQ(media.Answered(488), 1u);
  EXPECT_THAT(media.scene.pbx.Got("INFO", 488)[0].Get("Warning"), HasSubstr("this event"));
  media.Do(Press("55"));
  media.Do(Press("5", "soon"));
  EXPECT_EQ(media.Answered(400), 2u);
  SimStep packed = Press("5");
  packed.fields += "Content-Encoding: gzip\r\n";
  media.Do(packed);
  EXPECT_EQ(media.Answered(415), 1u);
  media.pbx.Hush();
  media.scene.Run(2s);
  media.Do(Press("5"));
  EXPECT_EQ(media.Answered(480), 2u);
  EXPECT_EQ(media.scene.counters().digits_refused, 6u);
  EXPECT_THAT(Played(media.trunk), IsEmpty());
  media.End();
}

TEST(B2buaDigitsTest, ATrunkWithoutTelephoneEventTakesNone) {
  DigitScene media({}, "0");
  media.BothTalk();
  media.Do(Press("5"));
  ASSERT_EQ(media.Answered(488), 1u);
  EXPECT_THAT(media.scene.pbx.Got("INFO", 488)[0].Get("Warning"), HasSubstr("telephone-event"));
  media.End();
}

TEST(B2buaDigitsTest, AFullQueueSaysWhenToComeAgain) {
  DigitScene media;
  media.BothTalk();
  for (int i = 0; i < 20; ++i) {
    media.Do(Press("1", "1000"), 1ms);
  }
  media.scene.Run(100ms);
  EXPECT_GE(media.Answered(500), 2u);
  EXPECT_EQ(media.Answered(200) + media.Answered(500), 20u);
  EXPECT_THAT(media.scene.pbx.Got("INFO", 500)[0].Get("Retry-After"), Not(IsEmpty()));
  // The call may end over it.
  const size_t taken = media.Answered(200);
  media.pbx.Hush();
  media.trunk.Hush();
  media.HangUp(media.call);
  const sbc::DigitPlayCounts counts = media.scene.world->worker().media().counters().digits;
  EXPECT_EQ(counts.played + counts.dropped, taken);
  EXPECT_GE(counts.dropped, 15u);
}

// While the trunk holds the call nothing goes to it, and digits are no exception.
TEST(B2buaDigitsTest, AHeldCallPlaysNone) {
  DigitScene media;
  media.BothTalk();
  media.scene.pbx.call(media.call).plan.sdp = Sdp("127.0.0.4", 4000, "a=recvonly\r\n", "0");
  media.scene.trunk.Do(0, {.method = "INVITE",
                           .body = "v=0\r\no=someone 1 2 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 "
                                   "0.0.0.0\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0 101\r\n"
                                   "a=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"});
  media.scene.Run(3s);
  media.Do(Press("5"));
  EXPECT_EQ(media.Answered(480), 1u);
  media.End();
}

// A change of the session keeps the number, and our o= does not rise for it.
TEST(B2buaDigitsTest, AReinviteKeepsTheNumber) {
  DigitScene media;
  media.BothTalk();
  media.Do({.method = "INVITE", .body = Sdp("127.0.0.4", 4000, "", "0")});
  ASSERT_THAT(media.scene.trunk.Got("INVITE"), SizeIs(2));
  EXPECT_EQ(media.ToTrunk(1), media.ToTrunk(0));
  media.scene.trunk.Do(0, {.method = "INVITE", .body = Sdp("127.0.0.9", 9000)});
  media.scene.pbx.call(media.call).plan.sdp = Sdp("127.0.0.4", 4000, "", "0");
  media.scene.Run(1s);
  ASSERT_THAT(media.scene.trunk.Got("INVITE", 200), SizeIs(1));
  EXPECT_THAT(LineOf(media.scene.trunk.Got("INVITE", 200)[0].body, "m=audio "),
              EndsWith("RTP/AVP 0 101"));
  media.Do(Press("5"));
  media.trunk.Press(6);
  media.scene.Run(1s);
  EXPECT_THAT(Played(media.trunk), ElementsAre("5:800"));
  EXPECT_THAT(media.Told(), SizeIs(1));
  media.End();
}

// Announcements that ask for keys before they answer are common.
TEST(B2buaDigitsTest, EarlyMediaHasDigitsBothWays) {
  MediaScene media(Anchoring(kInfo));
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 183, .body = Sdp("127.0.0.9", 9000)},
                   {.after = 5s, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, "", "0"));
  const std::string early = media.scene.pbx.Got("INVITE", 183).at(0).body;
  EXPECT_THAT(LineOf(early, "m=audio "), EndsWith("RTP/AVP 0"));
  media.pbx.Talk(TargetOf(early));
  media.trunk.Talk(TargetOf(media.ToTrunk()));
  media.scene.Run(200ms);
  media.scene.pbx.Do(call, Press("7"));
  media.trunk.Press(8);
  media.scene.Run(1s);
  EXPECT_THAT(Played(media.trunk), ElementsAre("7:800"));
  ASSERT_THAT(media.scene.pbx.Got("INFO"), SizeIs(1));
  EXPECT_THAT(media.scene.pbx.Got("INFO")[0].body, HasSubstr("Signal=8\r\n"));
  media.scene.Run(5s);
  media.pbx.Hush();
  media.trunk.Hush();
  media.HangUp(call);
}

// Other INFOs cross, as do the trunk's own; and without `dtmf: info` all do.
TEST(B2buaDigitsTest, OtherInfosCross) {
  DigitScene media;
  media.BothTalk();
  media.Do({.method = "INFO",
            .body = "<media_control/>",
            .fields = "Content-Type: application/media_control+xml\r\n"});
  EXPECT_THAT(media.scene.trunk.Got("INFO"), SizeIs(1));
  media.scene.trunk.Do(0, Press("5"));
  media.scene.Run(1s);
  EXPECT_THAT(media.Told(), ElementsAre("Signal=5\r\nDuration=100\r\n"));
  EXPECT_THAT(Played(media.pbx), IsEmpty());
  media.End();
}

TEST(B2buaDigitsTest, WithoutTheSettingEventsCrossAsTheyCome) {
  MediaScene media;
  const size_t call = media.Call();
  EXPECT_THAT(media.ToPbx(), HasSubstr("telephone-event"));
  media.pbx.Talk(TargetOf(media.ToPbx()));
  media.trunk.Talk(TargetOf(media.ToTrunk()));
  media.scene.Run(200ms);
  media.trunk.Press(5);
  media.pbx.Press(6);
  media.scene.pbx.Do(call, Press("7"));
  media.scene.Run(1s);
  EXPECT_THAT(media.pbx.got, testing::Contains(SizeIs(4)));
  EXPECT_THAT(media.trunk.got, testing::Contains(SizeIs(4)));
  EXPECT_THAT(media.scene.trunk.Got("INFO"), SizeIs(1));
  EXPECT_THAT(media.scene.pbx.Got("INFO"), IsEmpty());
  media.pbx.Hush();
  media.trunk.Hush();
  media.HangUp(call);
}

}  // namespace
}  // namespace tests
