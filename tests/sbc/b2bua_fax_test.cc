// A call of voice that turns into a fax and back (T.38 annex D, RFC 3264 §8.3.3): the two ends
// agree on it between themselves, and their UDPTL crosses as it came, from nobody else.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/media_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using core::rtp::Codec;
using sbc::CallReport;
using sbc::LegId;
using sbc::MediaLegSummary;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kFaxAttributes[] =
    "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\n"
    "a=T38FaxMaxDatagram:400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n";

std::string FaxLine(int port) {
  return "m=image " + std::to_string(port) + " udptl t38\r\n" + kFaxAttributes;
}
std::string FaxSdp(const std::string& address, int port) {
  return "v=0\r\no=someone 1 2 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address +
         "\r\nt=0 0\r\n" + FaxLine(port);
}
// The voice ends, and the fax has a line of its own behind it.
std::string FaxBehindVoice(const std::string& address, int port) {
  return "v=0\r\no=someone 1 2 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address +
         "\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n" + FaxLine(port);
}

// UDPTL begins with a sequence number of two bytes: as RTP these are of version 0, and too short.
const std::string kPage("\x00\x07\x01\x2a\x00", 5);
const std::string kFromTrunk("\x00\x01\x03\x06\xc0\x01\x80\x00\x00\x7f", 10);

/// A call that talks, with sockets at ports that nobody was told of.
struct FaxScene : MediaScene {
  explicit FaxScene(std::string connector = "") : MediaScene(Anchoring(std::move(connector))) {
    call = Call();
    scene.pbx.call(call).plan.sdp = Sdp("127.0.0.4", 4000);
    TalkFor(1s);
  }
  /// One side asks, and the other has an answer.
  void Reinvite(bool from_pbx, const std::string& offer, const std::string& answer) {
    SimUserAgent& asker = from_pbx ? scene.pbx : scene.trunk;
    SimUserAgent& asked = from_pbx ? scene.trunk : scene.pbx;
    asked.call(0).plan.sdp = answer;
    asker.Do(0, {.method = "INVITE", .body = offer});
    scene.Run(1s);
    told_asked = asked.Got("INVITE").back().body;
    told_asker = asker.Got("INVITE", 200).back().body;
  }
  void ReinviteToFax(bool from_pbx) {
    const std::string of_pbx = FaxSdp("127.0.0.4", 4100);
    const std::string of_trunk = FaxSdp("127.0.0.9", 9100);
    Reinvite(from_pbx, from_pbx ? of_pbx : of_trunk, from_pbx ? of_trunk : of_pbx);
    told_pbx = from_pbx ? told_asker : told_asked;
    told_trunk = from_pbx ? told_asked : told_asker;
  }
  void ReinviteToVoice(bool from_pbx) {
    const std::string of_pbx = Sdp("127.0.0.4", 4000);
    const std::string of_trunk = Sdp("127.0.0.9", 9000);
    Reinvite(from_pbx, from_pbx ? of_pbx : of_trunk, from_pbx ? of_trunk : of_pbx);
  }
  static core::Endpoint FaxTarget(const std::string& sdp) {
    const std::string port = LineOf(sdp, "m=image ").substr(8);
    core::Endpoint target;
    CHECK(core::Endpoint::Parse(
        LineOf(sdp, "c=IN IP4 ").substr(9) + ":" + port.substr(0, port.find(' ')), &target));
    return target;
  }
  /// Both ends send, and so does everybody who may not.
  void ExpectFaxAlone() {
    for (MediaPeer* peer : {&pbx, &trunk, &pbx_fax, &trunk_fax}) peer->got_whole.clear();
    pbx_fax.SendBytes(kPage, FaxTarget(told_pbx));
    trunk_fax.SendBytes(kFromTrunk, FaxTarget(told_trunk));
    pbx.SendBytes("the old place", FaxTarget(told_pbx));
    trunk.SendBytes("the old place", FaxTarget(told_trunk));
    stranger.SendBytes("a stranger", FaxTarget(told_pbx));
    stranger.SendBytes("a stranger", FaxTarget(told_trunk));
    scene.Run(100ms);
    EXPECT_THAT(trunk_fax.got_whole, ElementsAre(kPage));
    EXPECT_THAT(pbx_fax.got_whole, ElementsAre(kFromTrunk));
    EXPECT_THAT(pbx.got_whole, IsEmpty());
    EXPECT_THAT(trunk.got_whole, IsEmpty());
  }
  void TalkFor(core::Duration duration) {
    pbx.Talk(TargetOf(ToPbx()));
    trunk.Talk(TargetOf(ToTrunk()));
    scene.Run(duration);
    pbx.Hush();
    trunk.Hush();
    scene.Run(100ms);
  }
  const MediaLegSummary& leg(LegId id) {
    return scene.world->media().back().media.legs[sbc::Index(id)];
  }

  size_t call;
  MediaPeer pbx_fax{"127.0.0.4:4100", &scene.network, &scene.simulation};
  MediaPeer trunk_fax{"127.0.0.9:9100", &scene.network, &scene.simulation};
  MediaPeer stranger{"127.0.0.77:4100", &scene.network, &scene.simulation};
  std::string told_asker;
  std::string told_asked;
  std::string told_pbx;
  std::string told_trunk;
};

TEST(B2buaFaxTest, ACallTurnsIntoAFaxAndBack) {
  for (const bool from_pbx : {true, false}) {
    FaxScene fax;
    fax.ReinviteToFax(from_pbx);
    for (const std::string& told : {fax.told_pbx, fax.told_trunk}) {
      EXPECT_THAT(told, HasSubstr(" udptl t38\r\n" + std::string(kFaxAttributes)));
      EXPECT_THAT(told, Not(HasSubstr("rtcp")));
    }
    EXPECT_THAT(fax.told_trunk, HasSubstr("c=IN IP4 127.0.0.3\r\n"));
    EXPECT_THAT(fax.told_pbx, HasSubstr("c=IN IP4 127.0.0.2\r\n"));
    fax.ExpectFaxAlone();
    fax.ReinviteToVoice(from_pbx);
    fax.Talk("again");
    EXPECT_THAT(fax.trunk.got, ElementsAre("again out"));
    EXPECT_THAT(fax.pbx.got, ElementsAre("again in"));
    fax.pbx_fax.SendBytes(kPage, TargetOf(fax.ToPbx()));
    fax.scene.Run(100ms);
    EXPECT_THAT(fax.trunk.got, SizeIs(1));
    EXPECT_THAT(fax.trunk_fax.got_whole, SizeIs(1));
    fax.HangUp(fax.call);
  }
}

// The voice's line ends and the fax has the next one; back again, the voice's is in use once more.
TEST(B2buaFaxTest, TheFaxMayHaveALineOfItsOwn) {
  FaxScene fax;
  fax.Reinvite(true, FaxBehindVoice("127.0.0.4", 4100), FaxBehindVoice("127.0.0.9", 9100));
  fax.told_pbx = fax.told_asker;
  fax.told_trunk = fax.told_asked;
  EXPECT_THAT(fax.told_trunk, HasSubstr("m=audio 0 RTP/AVP 0\r\nm=image 300"));
  fax.ExpectFaxAlone();
  const std::string voice_ended = "m=image 0 udptl t38\r\n";
  fax.Reinvite(true, Sdp("127.0.0.4", 4000, voice_ended), Sdp("127.0.0.9", 9000, voice_ended));
  fax.Talk("again");
  EXPECT_THAT(fax.trunk.got, ElementsAre("again out"));
  EXPECT_THAT(fax.pbx.got, ElementsAre("again in"));
  fax.HangUp(fax.call);
}

// Who has no fax says so, and the voice goes on as it was (RFC 3261 §14.1).
TEST(B2buaFaxTest, ARefusedFaxKeepsTheVoice) {
  for (const bool from_pbx : {true, false}) {
    FaxScene fax;
    SimUserAgent& asker = from_pbx ? fax.scene.pbx : fax.scene.trunk;
    SimUserAgent& asked = from_pbx ? fax.scene.trunk : fax.scene.pbx;
    asked.call(0).plan.answers["INVITE"] = 488;
    asker.Do(0, {.method = "INVITE",
                 .body = from_pbx ? FaxSdp("127.0.0.4", 4100) : FaxSdp("127.0.0.9", 9100)});
    fax.scene.Run(1s);
    EXPECT_THAT(asker.Got("INVITE", 488), SizeIs(1));
    fax.Talk("still");
    EXPECT_THAT(fax.trunk.got, ElementsAre("still out"));
    EXPECT_THAT(fax.pbx.got, ElementsAre("still in"));
    fax.pbx_fax.SendBytes(kPage, TargetOf(fax.ToPbx()));
    fax.trunk_fax.SendBytes(kPage, TargetOf(fax.ToTrunk()));
    fax.scene.Run(100ms);
    EXPECT_THAT(fax.trunk_fax.got_whole, IsEmpty());
    EXPECT_THAT(fax.pbx_fax.got_whole, IsEmpty());
    fax.HangUp(fax.call);
  }
}

// A fax is silent by design: no voice for longer than `media_timeout` ends no call. It does again
// once the call is one of voice.
TEST(B2buaFaxTest, NoVoiceIsExpectedOfAFax) {
  FaxScene fax("    media_timeout: 30s\n");
  fax.ReinviteToFax(true);
  fax.scene.Run(5min);
  EXPECT_THAT(fax.scene.world->records(), IsEmpty());
  fax.ReinviteToVoice(true);
  fax.scene.Run(27s);
  EXPECT_THAT(fax.scene.world->records(), IsEmpty());
  fax.scene.Run(5s);
  ASSERT_THAT(fax.scene.world->records(), SizeIs(1));
  EXPECT_EQ(fax.scene.record().end, sbc::CallEnd::kMediaTimeout);
  fax.scene.ExpectClean();
}

// What is told of such a call is its voice's: UDPTL is no RTP, has no RTCP and no quality, and the
// time that it took is no gap in the voice.
TEST(B2buaFaxTest, TheRecordTellsOfTheVoiceAlone) {
  for (const bool back : {false, true}) {
    FaxScene fax;
    const uint32_t before = fax.pbx.sent();
    fax.ReinviteToFax(true);
    fax.pbx_fax.got_rtcp.clear();
    for (int i = 0; i < 40; ++i) {
      fax.pbx_fax.SendBytes(kPage, FaxScene::FaxTarget(fax.told_pbx));
      fax.scene.Run(1s);
    }
    EXPECT_THAT(fax.trunk_fax.got_whole, SizeIs(40));
    EXPECT_THAT(fax.pbx_fax.got_rtcp, IsEmpty());
    EXPECT_THAT(fax.trunk_fax.got_rtcp, IsEmpty());
    if (back) {
      fax.ReinviteToVoice(true);
      fax.TalkFor(1s);
    }
    fax.HangUp(fax.call);
    const MediaLegSummary& caller = fax.leg(LegId::kCaller);
    EXPECT_EQ(caller.whole.received.packets, fax.pbx.sent());
    EXPECT_EQ(caller.whole.received.bytes, fax.pbx.sent() * uint64_t{172});
    EXPECT_EQ(caller.whole.stream.packets, fax.pbx.sent());
    EXPECT_EQ(caller.whole.stream.lost(), 0);
    EXPECT_EQ(fax.leg(LegId::kCallee).whole.sent.packets, fax.pbx.sent());
    EXPECT_EQ(caller.codec, Codec::kPcmu);
    EXPECT_LT(caller.longest_gap, 1s);
    EXPECT_LT(caller.jitter_max.value(), 1ms);
    EXPECT_EQ(back, fax.pbx.sent() > before);
    const auto& counters = fax.scene.world->worker().media().counters();
    EXPECT_EQ(counters.malformed, 0u);
    EXPECT_EQ(counters.payload_types, 0u);
  }
}

// A sender may number on while the fax has the stream's place: nobody lost what it did not send,
// and what the far side counts of it is not lost on our way there.
TEST(B2buaFaxTest, NumbersSkippedMeanwhileAreNotLost) {
  FaxScene fax;
  fax.ReinviteToFax(true);
  fax.scene.Run(20s);
  fax.pbx.SkipNumbers(1000);
  fax.ReinviteToVoice(true);
  fax.TalkFor(20s);
  EXPECT_EQ(fax.trunk.source().counts().lost(), 1000);  // That peer knows of no pause.
  fax.HangUp(fax.call);
  const MediaLegSummary& caller = fax.leg(LegId::kCaller);
  EXPECT_EQ(caller.whole.stream.packets, fax.pbx.sent());
  EXPECT_EQ(caller.whole.stream.expected, fax.pbx.sent());
  EXPECT_EQ(fax.leg(LegId::kCallee).sent_lost.value(), 0u);
}

// Strangers at the port of a fax with a line of its own are told of when that line is over, too.
TEST(B2buaFaxTest, TheRecordTellsOfStrangersAtAFaxThatIsOver) {
  FaxScene fax;
  fax.Reinvite(true, FaxBehindVoice("127.0.0.4", 4100), FaxBehindVoice("127.0.0.9", 9100));
  fax.stranger.SendBytes("a stranger", FaxScene::FaxTarget(fax.told_asker));
  fax.scene.Run(100ms);
  const std::string ended = "m=image 0 udptl t38\r\n";
  fax.Reinvite(true, Sdp("127.0.0.4", 4000, ended), Sdp("127.0.0.9", 9000, ended));
  fax.HangUp(fax.call);
  EXPECT_EQ(fax.leg(LegId::kCaller).wrong_source, 1u);
}

// Without ports for a line of its own the fax is refused and the voice stays; a later offer that
// names that line finds nothing of it.
TEST(B2buaFaxTest, AFaxWithoutPortsIsRefused) {
  MediaScene media(Anchoring("", {.customer = "20000-20001"}));
  const size_t call = media.Call();
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, FaxLine(4100))});
  media.scene.Run(1s);
  EXPECT_THAT(media.scene.pbx.Got("INVITE", 503), SizeIs(1));
  const std::string ended = "m=image 0 udptl t38\r\n";
  media.scene.trunk.call(0).plan.sdp = Sdp("127.0.0.9", 9000, ended);
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, ended)});
  media.scene.Run(1s);
  EXPECT_THAT(media.scene.pbx.Got("INVITE", 200), SizeIs(2));
  media.Talk("still");
  EXPECT_THAT(media.trunk.got, ElementsAre("still out"));
  EXPECT_THAT(media.pbx.got, ElementsAre("still in"));
  media.HangUp(call);
}

// A customer behind a NAT is told by its signalling's address where its fax comes from, too.
TEST(B2buaFaxTest, ANattedFaxTeachesItsPort) {
  FaxScene fax("    customers: [{cidrs: [127.0.0.4/30], nat: true}]\n");
  const std::string of_pbx = FaxSdp("10.0.0.9", 5555);
  fax.Reinvite(true, of_pbx, FaxSdp("127.0.0.9", 9100));
  fax.trunk_fax.SendBytes(kFromTrunk, FaxScene::FaxTarget(fax.told_asked));
  fax.stranger.SendBytes(kPage, FaxScene::FaxTarget(fax.told_asker));
  fax.scene.Run(100ms);
  EXPECT_THAT(fax.pbx_fax.got_whole, IsEmpty());
  EXPECT_THAT(fax.trunk_fax.got_whole, IsEmpty());
  fax.pbx_fax.SendBytes(kPage, FaxScene::FaxTarget(fax.told_asker));
  fax.scene.Run(100ms);
  fax.trunk_fax.SendBytes(kFromTrunk, FaxScene::FaxTarget(fax.told_asked));
  fax.scene.Run(100ms);
  EXPECT_THAT(fax.trunk_fax.got_whole, ElementsAre(kPage));
  EXPECT_THAT(fax.pbx_fax.got_whole, ElementsAre(kFromTrunk));
  fax.HangUp(fax.call);
}

}  // namespace
}  // namespace tests
