// What a description changes in mid-call, and what it must not: a place that another call has, a
// peer behind a NAT, a hold, a line that ends and comes again (RFC 3264; rule 23).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/media_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::LegId;
using sbc::MediaLegSummary;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// Two calls at the trunk's one shared pair of ports.
struct CrowdedScene : MediaScene {
  explicit CrowdedScene(const std::string& connector = "", const std::string& more = "")
      : MediaScene(Crowded(connector, more)) {
    first = Call();
    SimPlan callee;
    callee.script = {{.status = 200, .body = Sdp("127.0.0.9", 9100)}};
    callee.sdp = Sdp("127.0.0.9", 9100);
    callee.timer = false;
    callee.updates = false;
    second = Place(std::move(callee), Sdp("127.0.0.4", 4100));
  }
  static SbcScene::Options Crowded(const std::string& connector, const std::string& more) {
    SbcScene::Options options = Anchoring(connector, {.trunk = "30000-30001"});
    options.global += more;
    return options;
  }
  void TalkSecond() {
    pbx_second.got.clear();
    trunk_second.got.clear();
    pbx_second.Send("out", TargetOf(ToPbx(1)));
    trunk_second.Send("in", TargetOf(ToTrunk(1)));
    scene.Run(100ms);
  }
  void HangUpBoth() {
    scene.pbx.Do(first, {.method = "BYE"});
    HangUp(second);
  }

  size_t first = 0;
  size_t second = 0;
  MediaPeer pbx_second{"127.0.0.4:4100", &scene.network, &scene.simulation};
  MediaPeer trunk_second{"127.0.0.9:9100", &scene.network, &scene.simulation};
};

// An answer that is refused, because another call's peer has that place, takes nothing away.
TEST(B2buaMediaChangeTest, ARefusedMoveKeepsTheOldPlace) {
  CrowdedScene media;
  media.scene.trunk.call(1).plan.sdp = Sdp("127.0.0.9", 9000);
  media.scene.pbx.Do(media.second, {.method = "INVITE", .body = Sdp("127.0.0.4", 4100)});
  media.scene.Run(1s);
  EXPECT_THAT(media.scene.pbx.Got("INVITE", 488), SizeIs(1));
  EXPECT_EQ(media.scene.world->worker().media().counters().flow_conflicts, 1u);
  media.TalkSecond();
  EXPECT_THAT(media.trunk_second.got, ElementsAre("out"));
  EXPECT_THAT(media.pbx_second.got, ElementsAre("in"));
  media.Talk("the other call");
  EXPECT_THAT(media.trunk.got, ElementsAre("the other call out"));
  EXPECT_THAT(media.pbx.got, ElementsAre("the other call in"));
  media.HangUpBoth();
}

// Nor does the answer to a refresh of ours, whose sender nobody can tell that it was refused.
TEST(B2buaMediaChangeTest, ARefreshCannotMoveToATakenPlace) {
  CrowdedScene media("", "sip: {session_expires: 200s}\n");
  media.scene.trunk.call(1).plan.sdp = Sdp("127.0.0.9", 9000);
  media.scene.Run(110s);
  ASSERT_THAT(media.scene.trunk.Got("INVITE"), SizeIs(3));
  media.TalkSecond();
  EXPECT_THAT(media.trunk_second.got, ElementsAre("out"));
  EXPECT_THAT(media.pbx_second.got, ElementsAre("in"));
  media.HangUpBoth();
}

// An answer to what was told before has its type of media (RFC 3264 §6), and does not end it: the
// other leg knows of no fax, and of no end.
TEST(B2buaMediaChangeTest, ARefreshEndsNoVoice) {
  for (const char* line : {"m=image 9100 udptl t38\r\n", "m=audio 0 RTP/AVP 0\r\n"}) {
    SbcScene::Options options = Anchoring();
    options.global += "sip: {session_expires: 200s}\n";
    MediaScene media(options);
    SimPlan callee;
    callee.script = {{.status = 200, .body = Sdp("127.0.0.9", 9000)}};
    callee.sdp = "v=0\r\no=t 1 2 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\n" +
                 std::string(line);
    callee.timer = false;
    callee.updates = false;
    const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000));
    media.scene.Run(110s);
    ASSERT_THAT(media.scene.trunk.Got("INVITE"), SizeIs(2));
    media.Talk("still voice");
    EXPECT_THAT(media.trunk.got, ElementsAre("still voice out")) << line;
    EXPECT_THAT(media.pbx.got, ElementsAre("still voice in")) << line;
    media.HangUp(call);
  }
}

/// A customer behind a NAT: its descriptions name an address there.
struct NattedScene : MediaScene {
  explicit NattedScene(const std::string& more = "")
      : MediaScene(Anchoring("    customers: [{cidrs: [127.0.0.4/30], nat: true}]\n" + more)) {
    call = Call({}, Sdp("10.0.0.9", 5555));
    scene.trunk.call(0).plan.answers["INVITE"] = 200;
    pbx.Send("teaches", TargetOf(ToPbx()));
    scene.Run(100ms);
  }
  void Reinvite(const std::string& more, int port = 5555) {
    scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("10.0.0.9", port, more)});
    scene.Run(1s);
  }
  std::vector<std::string> Hears(const std::string& words) {
    pbx.got.clear();
    trunk.Send(words, TargetOf(ToTrunk()));
    scene.Run(100ms);
    return pbx.got;
  }
  size_t call;
};

// He is sent to from the first moment on, before he says a word himself.
TEST(B2buaMediaChangeTest, ANattedCustomerStaysWhereHeIs) {
  NattedScene media;
  EXPECT_THAT(media.Hears("first"), ElementsAre("first"));
  media.Reinvite("");
  EXPECT_THAT(media.Hears("after a refresh"), ElementsAre("after a refresh"));
  media.Reinvite("a=sendonly\r\n");
  media.Reinvite("");
  EXPECT_THAT(media.Hears("after a hold"), ElementsAre("after a hold"));
  media.scene.trunk.call(0).plan.sdp = Sdp("127.0.0.9", 9000, "a=sendonly\r\n");
  media.Reinvite("a=recvonly\r\n");
  EXPECT_THAT(media.Hears("music"), ElementsAre("music"));
  media.HangUp(media.call);
}

// Who asks for nothing by 0.0.0.0 gets nothing (RFC 3264 §8.4), and teaches again when he is back.
TEST(B2buaMediaChangeTest, ANattedHoldOfTheOldKindGetsNothing) {
  NattedScene media;
  media.scene.pbx.Do(media.call, {.method = "INVITE", .body = Sdp("0.0.0.0", 5555)});
  media.scene.Run(1s);
  EXPECT_THAT(media.Hears("music"), IsEmpty());
  media.Reinvite("");
  media.pbx.Send("back", TargetOf(media.ToPbx()));
  media.scene.Run(100ms);
  EXPECT_THAT(media.Hears("heard"), ElementsAre("heard"));
  media.HangUp(media.call);
}

// After a description one other port of his address may teach; what he still sends from the old one
// until he has the answer does not take that away. Once it is plain that he stayed, none may.
TEST(B2buaMediaChangeTest, ANattedCustomerMovesOnceADescription) {
  NattedScene media;
  MediaPeer moved("127.0.0.4:4100", &media.scene.network, &media.scene.simulation);
  MediaPeer thief("127.0.0.4:4200", &media.scene.network, &media.scene.simulation);
  const core::Endpoint ours = TargetOf(media.ToPbx());
  moved.Send("too early", ours);
  media.scene.Run(100ms);
  EXPECT_THAT(media.Hears("old"), ElementsAre("old"));

  media.Reinvite("", 5777);
  media.pbx.Send("under way", ours);
  media.scene.Run(100ms);
  moved.Send("moved", ours);
  media.scene.Run(100ms);
  thief.Send("me too", ours);
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk.got, Contains("moved"));
  EXPECT_THAT(media.trunk.got, Not(Contains("me too")));
  EXPECT_THAT(media.Hears("new"), IsEmpty());
  EXPECT_THAT(moved.got, ElementsAre("new"));

  media.Reinvite("", 5777);  // He stays, as he says and shows.
  moved.Send("I stay", ours);
  media.scene.Run(100ms);
  thief.Send("too late", ours);
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk.got, Not(Contains("too late")));
  media.HangUp(media.call);
}

// Who says that he has moved has not been silent, behind a NAT neither.
TEST(B2buaMediaChangeTest, ANattedCustomerThatMovesHasHisTimeAnew) {
  NattedScene media("    media_timeout: 30s\n");
  media.scene.Run(25s);
  media.Reinvite("", 5777);
  media.scene.Run(15s);
  EXPECT_THAT(media.scene.world->records(), IsEmpty());
  media.Reinvite("", 5777);  // Which says the same again.
  media.scene.Run(20s);
  EXPECT_THAT(media.scene.world->records(), SizeIs(1));
  media.scene.ExpectClean();
}

// The longest prefix says who a customer is: a block within one that is behind a NAT is not.
TEST(B2buaMediaChangeTest, TheNearestBlockSaysWhoIsBehindANat) {
  MediaScene media(
      Anchoring("    customers: [{cidrs: [127.0.0.4/30], nat: true}, {cidrs: [127.0.0.4/32]}]\n"));
  MediaPeer server("127.0.0.5:4000", &media.scene.network, &media.scene.simulation);
  const size_t call = media.Call({}, Sdp("127.0.0.5", 4000));
  server.Send("from his media server", TargetOf(media.ToPbx()));
  media.trunk.Send("to it", TargetOf(media.ToTrunk()));
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk.got, ElementsAre("from his media server"));
  EXPECT_THAT(server.got, ElementsAre("to it"));
  media.HangUp(call);
}

// a=rtcp may name another address (RFC 3605), and 0.0.0.0 is our own host to the kernel.
TEST(B2buaMediaChangeTest, RtcpGoesToNoAddressThatIsNone) {
  MediaScene media;
  const size_t call = media.Call({}, Sdp("127.0.0.4", 4000, "a=rtcp:20001 IN IP4 0.0.0.0\r\n"));
  media.pbx.Talk(TargetOf(media.ToPbx()), false);
  media.trunk.Talk(TargetOf(media.ToTrunk()));
  media.scene.Run(30s);
  media.pbx.Hush();
  media.trunk.Hush();
  media.scene.Run(100ms);
  media.HangUp(call);
  const auto& legs = media.scene.world->media().back().media.legs;
  EXPECT_EQ(legs[sbc::Index(LegId::kCaller)].whole.sent.rtcp_packets, 0u);
  EXPECT_GT(legs[sbc::Index(LegId::kCallee)].whole.sent.rtcp_packets, 0u);
}

// RFC 3264 §6.1: who answers says by that what it sends; what else it was offered is not taken.
TEST(B2buaMediaChangeTest, WhatWasNotAnsweredIsNotTaken) {
  MediaScene media;
  SimPlan callee;
  callee.script = {{.status = 200, .body = Sdp("127.0.0.9", 9000)}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, "", "0 8 101"));
  media.trunk.Send("offered, not answered", TargetOf(media.ToTrunk()), 8);
  media.trunk.Send("answered", TargetOf(media.ToTrunk()), 0);
  media.pbx.Send("nor from here", TargetOf(media.ToPbx()), 8);
  media.scene.Run(100ms);
  EXPECT_THAT(media.pbx.got, ElementsAre("answered"));
  EXPECT_THAT(media.trunk.got, IsEmpty());
  EXPECT_EQ(media.scene.world->worker().media().counters().payload_types, 2u);
  media.HangUp(call);
}

// Legs that named each other's ports would send one packet round for ever. A PBX may name the port
// that its other call was told, which is the customer's side's too: that is how it connects the two
// directly.
TEST(B2buaMediaChangeTest, OurOwnPortsAreNoPeers) {
  MediaScene media;
  SimPlan looped;
  for (const char* offer : {"", "a=rtcp:30011 IN IP4 127.0.0.3\r\n"}) {
    looped.body = offer[0] == 0 ? Sdp("127.0.0.3", 30010) : Sdp("127.0.0.4", 4000, offer);
    const size_t refused = media.scene.pbx.Place(looped);
    media.scene.Run(1s);
    EXPECT_EQ(media.scene.pbx.call(refused).final_status, 488) << offer;
  }
  for (const char* own : {"127.0.0.2", "127.0.0.3"}) {
    SimPlan callee;
    callee.script = {{.status = 200, .body = Sdp(own, own[8] == '2' ? 20011 : 30011)}};
    const size_t refused = media.Place(callee, Sdp("127.0.0.4", 4000));
    EXPECT_EQ(media.scene.pbx.call(refused).final_status, 500) << own;
    EXPECT_EQ(media.scene.world->records().back().detail.view(),
              "the callee's SDP: a place in it is one of our own media ports");
  }
  const size_t direct = media.Call({}, Sdp("127.0.0.2", 20010));
  EXPECT_EQ(media.scene.pbx.call(direct).final_status, 200);
  media.HangUp(direct);
}

// An answer says no more than the offer allows (RFC 3264 §6.1), whatever the callee wrote.
TEST(B2buaMediaChangeTest, AnAnswerCrossesWithinItsOffer) {
  MediaScene media;
  const size_t call = media.Call();
  media.scene.trunk.call(0).plan.sdp = Sdp("127.0.0.9", 9000, "a=sendrecv\r\n");
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, "a=sendonly\r\n")});
  media.scene.Run(1s);
  EXPECT_THAT(media.ToPbx(1), HasSubstr("a=recvonly\r\n"));
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, "a=inactive\r\n")});
  media.scene.Run(1s);
  EXPECT_THAT(media.ToPbx(2), HasSubstr("a=inactive\r\n"));
  media.HangUp(call);
}

// The callee's offer wants ports as the caller's does: none left is an overload, and no fault.
TEST(B2buaMediaChangeTest, PortsThatRunOutForADelayedOfferAre503) {
  MediaScene media(Anchoring("", {.customer = "20000-20001"}));
  const size_t call = media.Call();
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9100)}};
  media.scene.trunk.Expect(callee);
  SimPlan plan;
  plan.body = "";
  plan.sdp = Sdp("127.0.0.4", 4200);
  const size_t second = media.scene.pbx.Place(plan);
  media.scene.Run(1s);
  EXPECT_EQ(media.scene.pbx.call(second).final_status, 503);
  EXPECT_EQ(media.scene.record().cause, sbc::RejectionCause::kOverload);
  EXPECT_EQ(media.scene.record().detail.view(), "no media ports left");
  EXPECT_THAT(media.scene.trunk.Got("BYE"), SizeIs(1));  // It had answered.
  media.HangUp(call);
}

// A hold is a pause: it is no gap, and neither the time nor the numbers that it took tell anything
// of how well media came.
TEST(B2buaMediaChangeTest, AHoldIsNoGap) {
  for (const char* hold : {"a=sendonly\r\n", "a=inactive\r\n", "a=recvonly\r\n"}) {
    MediaScene media;
    const size_t call = media.Call();
    media.scene.trunk.call(0).plan.answers["INVITE"] = 200;
    const auto reinvite = [&](const std::string& more) {
      media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, more)});
      media.scene.Run(100ms);
    };
    const auto talk = [&] {
      media.pbx.Talk(TargetOf(media.ToPbx()));
      media.trunk.Talk(TargetOf(media.ToTrunk()));
      media.scene.Run(5s);
    };
    talk();
    reinvite(hold);  // Both still send for a while, as what is under way does.
    media.scene.Run(100ms);
    media.pbx.Hush();
    media.trunk.Hush();
    media.pbx.SkipNumbers(500);
    media.scene.Run(45s);
    reinvite("");
    talk();
    media.pbx.Hush();
    media.trunk.Hush();
    media.scene.Run(100ms);
    media.HangUp(call);
    for (const LegId leg : {LegId::kCaller, LegId::kCallee}) {
      const MediaLegSummary& of = media.scene.world->media().back().media.legs[sbc::Index(leg)];
      EXPECT_LT(of.longest_gap, 200ms) << hold << sbc::Index(leg);
      EXPECT_EQ(of.whole.stream.lost(), 0) << hold << sbc::Index(leg);
      ASSERT_TRUE(of.jitter_max.has_value());
      EXPECT_LT(*of.jitter_max, 10ms) << hold << sbc::Index(leg);
    }
  }
}

}  // namespace
}  // namespace tests
