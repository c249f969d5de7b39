// What is told of each call's media equals what its peers sent and lost (issue of the media,
// section 3), and a call in which a leg is not heard any more ends (section 2: `media_timeout`).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/media_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using core::rtp::Codec;
using sbc::CallEnd;
using sbc::CallReport;
using sbc::LegId;
using sbc::MediaLegSummary;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const MediaLegSummary& LegOf(const CallReport& report, LegId leg) {
  return report.media.legs[sbc::Index(leg)];
}

/// A call that both sides talk in.
struct TalkingScene : MediaScene {
  explicit TalkingScene(std::string connector = "", bool with_rtcp = true)
      : MediaScene(Anchoring(std::move(connector))) {
    call = Call();
    pbx.Talk(TargetOf(ToPbx()), with_rtcp);
    trunk.Talk(TargetOf(ToTrunk()), with_rtcp);
  }
  const CallReport& report(size_t index) { return scene.world->media().at(index); }
  void Reinvite(const std::string& attribute) {
    scene.trunk.call(0).plan.answers["INVITE"] = 200;
    scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, attribute)});
    scene.Run(1s);
  }
  void End() {
    pbx.Hush();
    trunk.Hush();
    scene.Run(100ms);
    HangUp(call);
  }
  size_t call;
};

// Who has offered several codecs sends what the answer chose (RFC 3264 §7): its clock and its name
// are what is measured by, and not those of what it would have liked best.
TEST(B2buaMediaQualityTest, TheAnswerSaysWhatIsMeasured) {
  MediaScene media;
  const std::string opus = "a=rtpmap:96 opus/48000/2\r\n";
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000, opus, "0 101")}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, opus, "96 0 101"));
  media.pbx.Talk(TargetOf(media.ToPbx()));
  media.scene.Run(5s);
  media.pbx.Hush();
  media.HangUp(call);
  const MediaLegSummary& caller = LegOf(media.scene.world->media().at(0), LegId::kCaller);
  EXPECT_EQ(caller.codec, core::rtp::Codec::kPcmu);
  EXPECT_LT(caller.jitter.value(), 1ms);
  EXPECT_EQ(caller.whole.stream.late, 0u);
}

// Who answers sends digits under the number that it was offered, whatever its own is (RFC 3264
// §5.1): they are digits all the same, and no voice.
TEST(B2buaMediaQualityTest, DigitsUnderTheNumberThatWasOffered) {
  MediaScene media;
  const std::string events = "a=rtpmap:96 telephone-event/8000\r\n";
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000, events, "0 96")}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, "", "0 101"));
  media.trunk.Talk(TargetOf(media.ToTrunk()));
  media.scene.Run(1s);
  media.trunk.Press(5);  // 101.
  media.scene.Run(1s);
  media.trunk.Hush();
  media.HangUp(call);
  const MediaLegSummary& told = LegOf(media.scene.world->media().at(0), LegId::kCallee);
  EXPECT_EQ(told.dtmf_digits, 1u);
  EXPECT_EQ(told.whole.stream.payload_switches, 0u);
}

// Who has voices of two clocks has events of both, and comfort noise too (RFC 4733 §2.1): all of
// them are what they are, and none is another voice.
TEST(B2buaMediaQualityTest, EventsAndNoiseOfTwoClocksAreNoVoice) {
  MediaScene media;
  const std::string maps =
      "a=rtpmap:111 opus/48000/2\r\na=rtpmap:97 speex/16000\r\n"
      "a=rtpmap:100 telephone-event/48000\r\n"
      "a=rtpmap:98 CN/16000\r\n";
  SimPlan callee;
  callee.script = {{.after = 100ms,
                    .status = 200,
                    .body = Sdp("127.0.0.9", 9000, maps, "0 111 97 101 100 13 98")}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, maps, "111 97 0 101 100 13 98"));
  media.pbx.Talk(TargetOf(media.ToPbx()));
  media.trunk.Talk(TargetOf(media.ToTrunk()));
  media.scene.Run(1s);
  for (MediaPeer* peer : {&media.pbx, &media.trunk}) {
    for (const char type : {'\x65', '\x64', '\x65'}) {  // 101, 100.
      peer->Press(5, type);
      media.scene.Run(200ms);
    }
    for (const char type : {'\x0d', '\x62'}) {  // 13, 98.
      peer->Press(5, type);                     // A packet of that type; what is in it is not read.
      media.scene.Run(200ms);
    }
  }
  media.pbx.Hush();
  media.trunk.Hush();
  media.HangUp(call);
  for (const LegId leg : {LegId::kCaller, LegId::kCallee}) {
    const MediaLegSummary& told = LegOf(media.scene.world->media().at(0), leg);
    EXPECT_EQ(told.dtmf_digits, 3u);
    EXPECT_EQ(told.whole.stream.payload_switches, 0u);
    EXPECT_EQ(told.whole.stream.late, 0u);
    EXPECT_EQ(told.codec, core::rtp::Codec::kPcmu);
  }
}

// Of several codecs that were agreed on any may come, by the payload type alone (RFC 3264 §7): the
// clock that measures is that of the type in use.
TEST(B2buaMediaQualityTest, TheTypeInUseSaysWhatIsMeasured) {
  MediaScene media;
  const std::string opus = "a=rtpmap:111 opus/48000/2\r\n";
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000, opus, "111 0")}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, opus, "111 0"));
  media.pbx.Talk(TargetOf(media.ToPbx()));  // PCMU.
  media.scene.Run(5s);
  media.pbx.Hush();
  media.HangUp(call);
  const MediaLegSummary& caller = LegOf(media.scene.world->media().at(0), LegId::kCaller);
  EXPECT_EQ(caller.codec, Codec::kPcmu);
  EXPECT_EQ(caller.judged_by, Codec::kPcmu);
  EXPECT_EQ(caller.packet_duration, 20ms);
  EXPECT_LT(caller.jitter.value(), 1ms);
  EXPECT_EQ(caller.whole.stream.late, 0u);
}

// A span in which codecs of different values were heard has no opinion, and the next one has again.
TEST(B2buaMediaQualityTest, AMixOfCodecsIsNotJudged) {
  MediaScene media;
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000, "", "0 8 18")}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, "", "0 8 18"));
  media.pbx.Talk(TargetOf(media.ToPbx()));
  media.scene.Run(30s);
  media.pbx.set_voice_type(8);  // What is known of PCMA is what is known of PCMU.
  media.scene.Run(60s);
  media.pbx.set_voice_type(18);
  media.scene.Run(100s);
  media.pbx.Hush();
  media.HangUp(call);
  const auto& reports = media.scene.world->media();
  ASSERT_THAT(reports, SizeIs(4));
  const MediaLegSummary& first = LegOf(reports[0], LegId::kCaller);
  EXPECT_EQ(first.codec, Codec::kPcma);
  EXPECT_EQ(first.judged_by, Codec::kPcma);
  EXPECT_EQ(first.lately_judged_by, Codec::kPcma);
  const MediaLegSummary& second = LegOf(reports[1], LegId::kCaller);
  EXPECT_EQ(second.codec, Codec::kG729);
  EXPECT_EQ(second.judged_by, Codec::kUnknown);
  EXPECT_EQ(second.lately_judged_by, Codec::kUnknown);
  const MediaLegSummary& third = LegOf(reports[2], LegId::kCaller);
  EXPECT_EQ(third.judged_by, Codec::kUnknown);
  EXPECT_EQ(third.lately_judged_by, Codec::kG729);
  EXPECT_EQ(third.whole.stream.payload_switches, 2u);
}

TEST(B2buaMediaQualityTest, TheEndTellsWhatCameAndWhatWasLost) {
  TalkingScene media;
  media.pbx.LoseOneIn(10);
  media.scene.Run(20s);
  media.pbx.Press(5);
  media.End();
  ASSERT_THAT(media.scene.world->media(), SizeIs(1));
  EXPECT_EQ(media.report(0).media.streams, 1);
  const MediaLegSummary& caller = LegOf(media.report(0), LegId::kCaller);
  const MediaLegSummary& callee = LegOf(media.report(0), LegId::kCallee);
  const uint64_t from_pbx = media.pbx.sent() + uint64_t{1};  // And the digit.
  EXPECT_EQ(caller.whole.received.packets, from_pbx);
  EXPECT_EQ(caller.whole.received.bytes, media.pbx.sent() * uint64_t{172} + 16);
  EXPECT_EQ(caller.whole.stream.packets, from_pbx);
  EXPECT_EQ(caller.whole.stream.lost(), 100);
  EXPECT_EQ(callee.whole.sent.packets, from_pbx);
  EXPECT_EQ(caller.dtmf_digits, 1u);
  EXPECT_EQ(callee.dtmf_digits, 0u);
  EXPECT_EQ(caller.whole.sent.packets, media.trunk.sent());
  EXPECT_EQ(callee.whole.stream.packets, media.trunk.sent());
  EXPECT_EQ(callee.whole.stream.lost(), 0);
  EXPECT_EQ(caller.lately.received.packets, caller.whole.received.packets);
  EXPECT_EQ(caller.codec, core::rtp::Codec::kPcmu);
  EXPECT_LT(caller.jitter.value(), 1ms);
  // What is lost on the PBX's side is not the trunk's loss, though its sequence numbers show it.
  EXPECT_EQ(callee.sent_lost.value(), 0u);
  EXPECT_EQ(caller.sent_lost.value(), 0u);
  for (const MediaLegSummary* leg : {&caller, &callee}) {
    EXPECT_GT(leg->whole.received.rtcp_packets, 0u);
    EXPECT_GT(leg->whole.sent.rtcp_packets, 0u);
    EXPECT_GE(leg->round_trip.value(), 400us);  // 200 us each way.
    EXPECT_LT(leg->round_trip.value(), 20ms);
    EXPECT_TRUE(leg->sent_jitter.has_value());
  }
}

// Loss between us and a peer is known from its reports alone.
TEST(B2buaMediaQualityTest, WhatAPeerMissesIsItsOwnLoss) {
  TalkingScene media;
  media.scene.network.SetLink(core::IpAddress::FromV4(0x7f000003),
                              core::IpAddress::FromV4(0x7f000009), {.loss = 0.2});
  media.scene.Run(30s);
  media.scene.network.SetLink(core::IpAddress::FromV4(0x7f000003),
                              core::IpAddress::FromV4(0x7f000009), {});
  const uint64_t missed = media.pbx.sent() - media.trunk.source().counts().packets;
  media.End();
  const MediaLegSummary& callee = LegOf(media.report(0), LegId::kCallee);
  EXPECT_GT(missed, 200u);
  EXPECT_GT(callee.sent_lost.value(), missed * 2 / 3);  // Reports are up to some seconds old.
  EXPECT_LE(callee.sent_lost.value(), missed);
  EXPECT_EQ(LegOf(media.report(0), LegId::kCaller).whole.stream.lost(), 0);
}

// Reports count each SSRC by itself, and a call's sum is of all (Asterisk changes it on transfer):
// it never falls, and who comes back is not counted twice.
TEST(B2buaMediaQualityTest, WhatAPeerMissesIsSummedOverSsrcs) {
  TalkingScene media;
  const auto lose = [&media](double loss) {
    media.scene.network.SetLink(core::IpAddress::FromV4(0x7f000003),
                                core::IpAddress::FromV4(0x7f000009), {.loss = loss});
  };
  const auto missed = [&media] { return media.pbx.sent() - media.trunk.got_numbers.size(); };
  lose(0.2);
  media.scene.Run(20s + 10ms);  // So that none is on its way when they are counted.
  lose(0);
  media.scene.Run(15s);  // It is reported.
  const uint64_t first = missed();
  media.pbx.set_ssrc(0x5ec0d);
  media.scene.Run(26s);
  lose(0.1);
  media.scene.Run(10s);
  lose(0);
  media.scene.Run(15s);
  const uint64_t second = missed();
  media.pbx.set_ssrc(0x7e57);
  media.scene.Run(62s);
  media.End();
  ASSERT_THAT(media.scene.world->media(), SizeIs(3));
  EXPECT_GT(first, 100u);
  EXPECT_GT(second, first + 20);
  EXPECT_EQ(LegOf(media.report(0), LegId::kCallee).sent_lost, first);
  EXPECT_EQ(LegOf(media.report(1), LegId::kCallee).sent_lost, second);
  EXPECT_EQ(LegOf(media.report(2), LegId::kCallee).sent_lost, second);
}

TEST(B2buaMediaQualityTest, EachMinuteTellsOfItself) {
  TalkingScene media;
  media.scene.Run(150s);
  media.End();
  ASSERT_THAT(media.scene.world->media(), SizeIs(3));
  uint64_t packets = 0;
  for (size_t i = 0; i < 3; ++i) {
    const MediaLegSummary& caller = LegOf(media.report(i), LegId::kCaller);
    packets += caller.lately.received.packets;
    EXPECT_EQ(caller.whole.received.packets, packets);
    EXPECT_EQ(caller.lately.stream.packets, caller.lately.received.packets);
  }
  EXPECT_EQ(packets, media.pbx.sent());
  EXPECT_NEAR(static_cast<double>(LegOf(media.report(1), LegId::kCaller).lately.received.packets),
              3000, 2);
  const int64_t us = media.report(1).call.ended.unix_us - media.report(0).call.ended.unix_us;
  EXPECT_NEAR(static_cast<double>(us), 60e6, 1e5);
  EXPECT_EQ(media.report(0).call.routes.steps[0].event, sbc::RouteEvent::kAnswered);
}

// Unknown is absent: who sends no RTCP has told nothing.
// A peer that says that it lost more than it was sent has not counted: nothing is told of that.
TEST(B2buaMediaQualityTest, WhatAPeerCannotHaveLostIsNotBelieved) {
  TalkingScene media("", false);
  media.scene.Run(5s);
  std::string report(32, '\0');
  report[0] = '\x81';
  report[1] = '\xc9';
  report[3] = '\x07';
  const std::string rtp = media.pbx.got_whole.back();
  report.replace(8, 4, rtp.substr(8, 4));  // Of the SSRC that it gets.
  report.replace(12, 4, std::string("\xff\x7f\xff\xff", 4));
  report.replace(20, 4, std::string("\xff\xff\xff\xff", 4));
  core::Endpoint ours = TargetOf(media.ToPbx());
  ++ours.port;
  media.pbx.SendRtcpBytes(report, ours);
  media.scene.Run(1s);
  media.End();
  const MediaLegSummary& caller = LegOf(media.scene.world->media().back(), LegId::kCaller);
  EXPECT_EQ(caller.whole.received.rtcp_packets, 1u);
  EXPECT_EQ(caller.sent_lost, std::nullopt);
  EXPECT_EQ(caller.sent_jitter, std::nullopt);
}

TEST(B2buaMediaQualityTest, WithoutRtcpNothingIsMadeUp) {
  TalkingScene media("", false);
  media.trunk.Hush();
  media.scene.Run(10s);
  media.End();
  const MediaLegSummary& caller = LegOf(media.report(0), LegId::kCaller);
  const MediaLegSummary& callee = LegOf(media.report(0), LegId::kCallee);
  EXPECT_TRUE(caller.is_active);
  EXPECT_FALSE(callee.is_active);
  EXPECT_FALSE(callee.jitter.has_value());
  for (const MediaLegSummary* leg : {&caller, &callee}) {
    EXPECT_FALSE(leg->round_trip.has_value());
    EXPECT_FALSE(leg->sent_lost.has_value());
    EXPECT_FALSE(leg->sent_jitter.has_value());
  }
}

// Who was only asked for media has none to tell of.
TEST(B2buaMediaQualityTest, ACallThatFailedHasNothingToTell) {
  MediaScene media;
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 486}};
  media.Place(callee, Sdp("127.0.0.4", 4000));
  media.scene.ExpectClean();
  EXPECT_THAT(media.scene.world->records(), SizeIs(1));
  EXPECT_THAT(media.scene.world->media(), IsEmpty());
}

// A call whose connector has no media has no summary.
TEST(B2buaMediaQualityTest, WithoutMediaThereIsNothingToTell) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.Run(70s);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
  EXPECT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_THAT(scene.world->media(), IsEmpty());
}

// The caller whose ACK comes late hears the reason, too: its BYE has to wait for that (RFC 3261
// §15).
TEST(B2buaMediaTimeoutTest, TheByeThatWaitsForAnAckSaysWhy) {
  MediaScene media(Anchoring("    media_timeout: 1s\n"));
  SimPlan callee;
  callee.script = {{.status = 200, .body = Sdp("127.0.0.9", 9000)}};
  media.scene.trunk.Expect(callee);
  SimPlan plan;
  plan.body = Sdp("127.0.0.4", 4000);
  plan.ack_delay = 3s;
  media.scene.pbx.Place(plan);
  media.scene.Run(6s);
  ASSERT_THAT(media.scene.pbx.Got("BYE"), SizeIs(1));
  EXPECT_THAT(media.scene.pbx.Got("BYE")[0].Get("Reason"), HasSubstr("SIP;cause=408"));
  media.scene.ExpectClean();
}

// ---- media_timeout ------------------------------------------------------------------------------

constexpr char kTimeout[] = "    media_timeout: 30s\n";

TEST(B2buaMediaTimeoutTest, ALegThatFallsSilentEndsTheCall) {
  TalkingScene media(kTimeout);
  media.scene.Run(100s);
  media.trunk.Hush();
  media.scene.Run(29s);
  EXPECT_THAT(media.scene.world->records(), IsEmpty());
  media.scene.Run(2s);
  ASSERT_THAT(media.scene.world->records(), SizeIs(1));
  EXPECT_EQ(media.scene.record().end, CallEnd::kMediaTimeout);
  EXPECT_EQ(media.scene.record().detail.view(), "no RTP from the trunk for media_timeout");
  for (SimUserAgent* agent : {&media.scene.pbx, &media.scene.trunk}) {
    ASSERT_THAT(agent->Got("BYE"), SizeIs(1));
    EXPECT_THAT(agent->Got("BYE")[0].Get("Reason"), HasSubstr("SIP;cause=408"));
  }
  EXPECT_EQ(media.scene.world->worker().media().streams(), 0u);
  media.pbx.Hush();
  media.scene.ExpectClean();
  EXPECT_EQ(media.scene.counters().media_timeouts, 1u);
}

// Nobody ever says a word.
TEST(B2buaMediaTimeoutTest, ACallWithoutAnyMediaEnds) {
  MediaScene media(Anchoring(kTimeout));
  media.Call();
  media.scene.Run(27s);
  EXPECT_THAT(media.scene.world->records(), IsEmpty());
  media.scene.Run(5s);
  ASSERT_THAT(media.scene.world->records(), SizeIs(1));
  EXPECT_EQ(media.scene.record().end, CallEnd::kMediaTimeout);
  media.scene.ExpectClean();
}

// Rule 6: who calls for help and cannot speak is not hung up on.
TEST(B2buaMediaTimeoutTest, AnEmergencyCallMayBeSilent) {
  MediaScene media(Anchoring(kTimeout));
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
  media.scene.trunk.Expect(std::move(callee));
  SimPlan emergency;
  emergency.number = "911";
  emergency.body = Sdp("127.0.0.4", 4000);
  const size_t call = media.scene.pbx.Place(emergency);
  media.scene.Run(5min);
  EXPECT_EQ(media.scene.pbx.call(call).final_status, 200);
  EXPECT_THAT(media.scene.world->records(), IsEmpty());
  media.HangUp(call);
}

TEST(B2buaMediaTimeoutTest, ZeroIsNever) {
  MediaScene media;
  const size_t call = media.Call();
  media.scene.Run(10min);
  EXPECT_THAT(media.scene.world->records(), IsEmpty());
  media.HangUp(call);
}

// While held nothing is expected; from the resumption on it is again (RFC 3264 §8.4, in both ways).
TEST(B2buaMediaTimeoutTest, AHeldCallMayBeSilent) {
  for (const char* hold : {"a=sendonly\r\n", "a=inactive\r\n", "a=recvonly\r\n"}) {
    TalkingScene media(kTimeout);
    media.Reinvite(hold);
    media.pbx.Hush();
    media.trunk.Hush();
    media.scene.Run(5min);
    EXPECT_THAT(media.scene.world->records(), IsEmpty()) << hold;
    media.Reinvite("");
    media.scene.Run(27s);
    EXPECT_THAT(media.scene.world->records(), IsEmpty()) << hold;
    media.scene.Run(5s);
    EXPECT_THAT(media.scene.world->records(), SizeIs(1)) << hold;
    media.scene.ExpectClean();
  }
}

// A refresh says nothing new of media, so it does not keep a dead call alive.
TEST(B2buaMediaTimeoutTest, ARefreshIsNoSignOfLife) {
  TalkingScene media(kTimeout);
  media.trunk.Hush();
  media.scene.Run(20s);
  media.Reinvite("");
  media.scene.Run(12s);
  EXPECT_THAT(media.scene.world->records(), SizeIs(1));
  media.pbx.Hush();
  media.scene.ExpectClean();
}

}  // namespace
}  // namespace tests
