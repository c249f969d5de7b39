// Media, through the whole SBC: what each side is told of the other's, what the relay then lets
// pass, and what stays when an offer is refused (RFC 3264; rules 13, 23, 24 and 26).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
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

TEST(B2buaMediaTest, EachSideIsToldOurAddressAndTalksThroughIt) {
  MediaScene media;
  const size_t call = media.Call();
  EXPECT_THAT(media.ToTrunk(), HasSubstr("c=IN IP4 127.0.0.3\r\n"));
  EXPECT_THAT(LineOf(media.ToTrunk(), "m=audio "), HasSubstr("m=audio 300"));
  EXPECT_THAT(media.ToTrunk(), HasSubstr("a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"));
  EXPECT_THAT(media.ToPbx(), HasSubstr("c=IN IP4 127.0.0.2\r\n"));
  for (const std::string& sdp : {media.ToTrunk(), media.ToPbx()}) {
    EXPECT_THAT(sdp, Not(HasSubstr("someone")));
  }
  EXPECT_THAT(media.ToTrunk(), Not(HasSubstr("127.0.0.4")));
  EXPECT_THAT(media.ToPbx(), Not(HasSubstr("127.0.0.9")));
  media.Talk("hello");
  EXPECT_THAT(media.trunk.got, ElementsAre("hello out"));
  EXPECT_THAT(media.pbx.got, ElementsAre("hello in"));
  const core::Endpoint ours = TargetOf(media.ToPbx());
  media.scene.pbx.Do(call, {.method = "BYE"});
  media.scene.Run(10ms);
  media.pbx.Send("after the BYE", ours);
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk.got, SizeIs(1));
  media.scene.ExpectClean();
}

// Without an offer in the INVITE, the 2xx has it and the ACK the answer (RFC 3261 §13.2.1).
TEST(B2buaMediaTest, DelayedOffer) {
  MediaScene media;
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
  media.scene.trunk.Expect(callee);
  SimPlan plan;
  plan.body = "";
  plan.sdp = Sdp("127.0.0.4", 4000);
  const size_t call = media.scene.pbx.Place(plan);
  media.scene.Run(1s);
  ASSERT_THAT(media.scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_THAT(media.ToPbx(), HasSubstr("c=IN IP4 127.0.0.2\r\n"));
  const std::string answer = media.scene.trunk.Got("ACK")[0].body;
  EXPECT_THAT(answer, HasSubstr("c=IN IP4 127.0.0.3\r\n"));
  media.pbx.Send("out", TargetOf(media.ToPbx()));
  media.trunk.Send("in", TargetOf(answer));
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk.got, ElementsAre("out"));
  EXPECT_THAT(media.pbx.got, ElementsAre("in"));
  media.HangUp(call);
}

// Early media by several early dialogs: what the last one said is in force.
TEST(B2buaMediaTest, EarlyMediaPasses) {
  MediaScene media;
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 183, .body = Sdp("127.0.0.9", 9000)},
                   {.after = 5s, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000));
  ASSERT_THAT(media.scene.pbx.Got("INVITE", 183), SizeIs(1));
  const std::string early = media.scene.pbx.Got("INVITE", 183)[0].body;
  EXPECT_THAT(early, HasSubstr("c=IN IP4 127.0.0.2\r\n"));
  media.trunk.Send("ringback", TargetOf(media.ToTrunk()));
  media.pbx.Send("early word", TargetOf(early));
  media.scene.Run(100ms);
  EXPECT_THAT(media.pbx.got, ElementsAre("ringback"));
  EXPECT_THAT(media.trunk.got, ElementsAre("early word"));
  media.scene.Run(6s);
  EXPECT_EQ(media.ToPbx(), early);  // The same answer again: our o= has not changed either.
  media.HangUp(call);
}

// Each early dialog has its own answer: a 2xx that says none means its own one's (RFC 3261
// §13.2.1), whichever was heard last.
TEST(B2buaMediaTest, AnAnswerWithoutSdpMeansItsOwnEarlyDialogs) {
  for (const bool reliable : {false, true}) {
    MediaScene media;
    MediaPeer other("127.0.0.9:9100", &media.scene.network, &media.scene.simulation);
    SimPlan callee;
    callee.script = {
        {.after = 100ms,
         .status = 183,
         .fork = 1,
         .reliable = reliable,
         .body = Sdp("127.0.0.9", 9100)},
        {.after = 100ms, .status = 183, .reliable = reliable, .body = Sdp("127.0.0.9", 9000)},
        {.after = 100ms, .status = 200, .fork = 1}};
    media.scene.trunk.Expect(callee);
    SimPlan plan;
    plan.supports_100rel = true;
    plan.body = Sdp("127.0.0.4", 4000);
    const size_t call = media.scene.pbx.Place(plan);
    media.scene.Run(1s);
    ASSERT_EQ(media.scene.pbx.call(call).final_status, 200);
    media.pbx.Send("out", TargetOf(media.scene.pbx.Got("INVITE", 183).at(0).body));
    other.Send("in", TargetOf(media.ToTrunk()));
    media.trunk.Send("stranger", TargetOf(media.ToTrunk()));
    media.scene.Run(100ms);
    EXPECT_THAT(other.got, ElementsAre("out"));
    EXPECT_THAT(media.trunk.got, IsEmpty());
    EXPECT_THAT(media.pbx.got, ElementsAre("in"));
    media.scene.pbx.Do(call, {.method = "BYE", .fork = SimStep::kConfirmed});
    media.scene.ExpectClean();
  }
}

// One that has said nothing at all has agreed to nothing: the other's answer is not its.
TEST(B2buaMediaTest, AnAnswerWithoutAnySdpIsNotTheOthers) {
  MediaScene media;
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 183, .body = Sdp("127.0.0.9", 9000)},
                   {.after = 100ms, .status = 180, .fork = 1},
                   {.after = 100ms, .status = 200, .fork = 1}};
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000));
  ASSERT_EQ(media.scene.pbx.call(call).final_status, 200);
  media.pbx.Send("out", TargetOf(media.scene.pbx.Got("INVITE", 183).at(0).body));
  media.trunk.Send("in", TargetOf(media.ToTrunk()));
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk.got, IsEmpty());
  EXPECT_THAT(media.pbx.got, IsEmpty());
  media.scene.pbx.Do(call, {.method = "BYE", .fork = SimStep::kConfirmed});
  media.scene.ExpectClean();
}

// Hold and resume: o= rises with each change and only then (RFC 3264 §8), ports stay.
TEST(B2buaMediaTest, HoldAndResume) {
  MediaScene media;
  const size_t call = media.Call();
  const std::string port = LineOf(media.ToTrunk(), "m=audio ");
  media.scene.trunk.call(0).plan.answers["INVITE"] = 200;
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, "a=sendonly\r\n")});
  media.scene.Run(1s);
  ASSERT_THAT(media.scene.trunk.Got("INVITE"), SizeIs(2));
  EXPECT_THAT(media.ToTrunk(1), HasSubstr("a=sendonly\r\n"));
  EXPECT_EQ(LineOf(media.ToTrunk(1), "m=audio "), port);
  const auto version = [&](size_t index) {
    const std::string origin = LineOf(media.ToTrunk(index), "o=- ");
    const size_t at = origin.find(' ', 4) + 1;
    return origin.substr(at, origin.find(' ', at) - at);
  };
  EXPECT_EQ(version(0), "0");
  EXPECT_EQ(version(1), "1");
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, "a=sendonly\r\n")});
  media.scene.Run(1s);
  EXPECT_EQ(version(2), "1");
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000)});
  media.scene.Run(1s);
  EXPECT_EQ(version(3), "2");
  media.HangUp(call);
}

// A re-INVITE that fails leaves what was agreed on before (RFC 3261 §14.1).
TEST(B2buaMediaTest, ARefusedOfferChangesNothing) {
  MediaScene media;
  SimPlan callee;
  callee.answers["INVITE"] = 488;
  const size_t call = media.Call(callee);
  MediaPeer moved("127.0.0.4:4100", &media.scene.network, &media.scene.simulation);
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4100)});
  media.scene.Run(1s);
  EXPECT_THAT(media.scene.pbx.Got("INVITE", 488), SizeIs(1));
  media.Talk("still here");
  EXPECT_THAT(media.trunk.got, ElementsAre("still here out"));
  EXPECT_THAT(media.pbx.got, ElementsAre("still here in"));
  moved.Send("not agreed on", TargetOf(media.ToPbx()));
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk.got, SizeIs(1));
  media.HangUp(call);
}

// Nor does one whose answer cannot be: who made the offer is told so, and both sides keep what was
// in force. The callee's 2xx has its ACK all the same.
TEST(B2buaMediaTest, AnAnswerThatCannotBeChangesNothing) {
  for (const char* method : {"INVITE", "UPDATE"}) {
    MediaScene media;
    const size_t call = media.Call();
    media.scene.trunk.call(0).plan.sdp = Sdp("169.254.169.254", 80);
    media.scene.pbx.Do(call, {.method = method, .body = Sdp("127.0.0.4", 4100)});
    media.scene.Run(1s);
    EXPECT_THAT(media.scene.pbx.Got(method, 488), SizeIs(1)) << method;
    EXPECT_THAT(media.scene.trunk.Sent(method, 200), SizeIs(1 + (method[0] == 'I'))) << method;
    media.Talk("still here");
    EXPECT_THAT(media.trunk.got, ElementsAre("still here out")) << method;
    EXPECT_THAT(media.pbx.got, ElementsAre("still here in")) << method;
    media.scene.trunk.call(0).plan.sdp = Sdp("127.0.0.9", 9000);
    media.scene.pbx.Do(call, {.method = method, .body = Sdp("127.0.0.4", 4000)});
    media.scene.Run(1s);
    EXPECT_FALSE(media.scene.pbx.Got(method, 200).back().body.empty()) << method;
    media.HangUp(call);
  }
}

// Before the answer too: the caller hears that it rings, and nothing that is not in force.
TEST(B2buaMediaTest, AnEarlyDescriptionThatCannotBeDoesNotCross) {
  // One of another class than the side's, and one with a format that was not offered.
  for (const std::string& sdp :
       {Sdp("169.254.169.254", 80), Sdp("127.0.0.9", 9000, "", "18 101")}) {
    MediaScene media;
    SimPlan callee;
    callee.script = {{.after = 10ms, .status = 183, .body = sdp},
                     {.after = 2s, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
    const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000));
    ASSERT_THAT(media.scene.pbx.Got("INVITE", 183), SizeIs(1));
    EXPECT_THAT(media.scene.pbx.Got("INVITE", 183)[0].body, IsEmpty());
    media.scene.Run(2s);
    media.Talk("hello");
    EXPECT_THAT(media.trunk.got, ElementsAre("hello out"));
    media.HangUp(call);
  }
}

// A delayed offer that cannot be has no answer that its ACK could carry, and an answer in an ACK
// cannot be refused: there the call ends (RFC 3261 §13.2.2.4).
TEST(B2buaMediaTest, ADelayedOfferOrAnswerThatCannotBeEndsTheCall) {
  for (const bool offer : {true, false}) {
    MediaScene media;
    const size_t call = media.Call();
    media.scene.pbx.call(call).plan.sdp = Sdp("127.0.0.4", 4000);
    SimUserAgent& wrong = offer ? media.scene.trunk : media.scene.pbx;
    wrong.call(offer ? 0 : call).plan.sdp = Sdp("169.254.169.254", 80);
    media.scene.pbx.Do(call, {.method = "INVITE"});
    media.scene.Run(2s);
    EXPECT_THAT(media.scene.trunk.Sent("INVITE", 200), SizeIs(2)) << offer;
    EXPECT_THAT(media.scene.trunk.Got("ACK"), SizeIs(2)) << offer;
    EXPECT_THAT(media.scene.trunk.Got("ACK").back().body, IsEmpty()) << offer;
    EXPECT_THAT(media.scene.pbx.Got("INVITE", 488), SizeIs(offer ? 1 : 0)) << offer;
    EXPECT_THAT(media.scene.trunk.Got("BYE"), SizeIs(1)) << offer;
    EXPECT_THAT(media.scene.pbx.Got("BYE"), SizeIs(1)) << offer;
    EXPECT_EQ(media.scene.record().end, sbc::CallEnd::kUnusableSdp) << offer;
    media.scene.ExpectClean();
  }
}

// A change of address in mid-call: the old place may not send any more.
TEST(B2buaMediaTest, APeerThatMovesTakesItsMediaAlong) {
  MediaScene media;
  const size_t call = media.Call();
  MediaPeer moved("127.0.0.4:4100", &media.scene.network, &media.scene.simulation);
  media.scene.trunk.call(0).plan.answers["INVITE"] = 200;
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4100)});
  media.scene.Run(1s);
  ASSERT_THAT(media.scene.pbx.Got("INVITE", 200), SizeIs(2));
  moved.Send("from the new place", TargetOf(media.ToPbx()));
  media.pbx.Send("from the old place", TargetOf(media.ToPbx()));
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk.got, ElementsAre("from the new place"));
  media.HangUp(call);
}

// UPDATE carries offers too, from either side (RFC 3311).
// It may move with the 2xx to a refresh of ours too, which repeats what it had been told.
TEST(B2buaMediaTest, TheAnswerToOurOwnRefreshMovesMedia) {
  SbcScene::Options options = Anchoring();
  options.global += "sip: {session_expires: 200s}\n";
  MediaScene media(options);
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
  callee.sdp = Sdp("127.0.0.9", 9100);
  callee.timer = false;
  callee.updates = false;
  const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000));
  MediaPeer moved("127.0.0.9:9100", &media.scene.network, &media.scene.simulation);
  media.scene.Run(110s);
  ASSERT_THAT(media.scene.trunk.Got("INVITE"), SizeIs(2));
  media.Talk("moved");
  EXPECT_THAT(media.trunk.got, IsEmpty());
  EXPECT_THAT(moved.got, ElementsAre("moved out"));
  EXPECT_THAT(media.pbx.got, IsEmpty());  // The old place is a stranger's now.
  moved.Send("here", TargetOf(media.ToTrunk()));
  media.scene.Run(1s);
  EXPECT_THAT(media.pbx.got, ElementsAre("here"));
  media.HangUp(call);
}

// What a 2xx repeats of a reliable answer says nothing (RFC 3261 §13.2.1), least of all where an
// UPDATE has agreed to something else since.
TEST(B2buaMediaTest, AnAnswerAfterAReliableOneIsNotReadAgain) {
  MediaScene media;
  SimPlan callee;
  callee.script = {
      {.after = 100ms, .status = 183, .reliable = true, .body = Sdp("127.0.0.9", 9000)},
      {.after = 100ms, .method = "UPDATE", .body = Sdp("127.0.0.9", 9100)},
      {.after = 500ms, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
  SimPlan plan;
  plan.supports_100rel = true;
  plan.body = Sdp("127.0.0.4", 4000);
  plan.sdp = Sdp("127.0.0.4", 4000);
  media.scene.trunk.Expect(callee);
  const size_t call = media.scene.pbx.Place(plan);
  MediaPeer moved("127.0.0.9:9100", &media.scene.network, &media.scene.simulation);
  media.scene.Run(2s);
  ASSERT_THAT(media.scene.pbx.Got("UPDATE"), SizeIs(1));
  ASSERT_THAT(media.scene.pbx.Got("INVITE", 200), SizeIs(1));
  EXPECT_EQ(media.ToPbx(), "");
  media.pbx.Send("out", TargetOf(media.scene.pbx.Got("INVITE", 183).at(0).body));
  media.scene.Run(1s);
  EXPECT_THAT(moved.got, ElementsAre("out"));
  EXPECT_THAT(media.trunk.got, IsEmpty());
  media.HangUp(call);
}

TEST(B2buaMediaTest, AnUpdateMovesMedia) {
  MediaScene media;
  const size_t call = media.Call();
  media.scene.pbx.call(call).plan.sdp = Sdp("127.0.0.4", 4000);
  MediaPeer moved("127.0.0.9:9100", &media.scene.network, &media.scene.simulation);
  media.scene.trunk.Do(0, {.method = "UPDATE", .body = Sdp("127.0.0.9", 9100)});
  media.scene.Run(1s);
  ASSERT_THAT(media.scene.trunk.Got("UPDATE", 200), SizeIs(1));
  EXPECT_THAT(media.scene.trunk.Got("UPDATE", 200)[0].body, HasSubstr("c=IN IP4 127.0.0.3\r\n"));
  media.pbx.Send("follows", TargetOf(media.ToPbx()));
  media.scene.Run(100ms);
  EXPECT_THAT(moved.got, ElementsAre("follows"));
  EXPECT_THAT(media.trunk.got, IsEmpty());
  media.HangUp(call);
}

// A body that two readers could cut in two ways would lead media past us: it does not cross, in an
// offer or in an answer, and says so.
TEST(B2buaMediaTest, ADescriptionThatCannotBeToldForCertainDoesNotCross) {
  const std::string sdp = Sdp("127.0.0.4", 4000);
  const std::string part = "--b\r\nContent-Type: application/sdp\r\n\r\n" + sdp + "\r\n";
  for (const char* kind : {"mixed", "alternative", "related"}) {
    const std::string body = part + (std::string(kind) == "mixed" ? part : "") + "--b--\r\n";
    const std::string type = std::string("multipart/") + kind + ";boundary=b";
    for (const bool offers : {true, false}) {
      MediaScene media;
      SimPlan plan;
      plan.body = offers ? body : sdp;
      if (offers) plan.content_type = type;
      SimPlan callee;
      callee.script = {{.after = 10ms, .status = 180}};
      media.scene.trunk.Expect(callee);
      const size_t call = media.scene.pbx.Place(plan);
      media.scene.Run(500ms);
      if (!offers) {
        std::string answer = media.scene.trunk.Sent("INVITE", 180).at(0).text;
        answer.replace(0, answer.find("\r\n"), "SIP/2.0 200 OK");
        answer.resize(answer.find("Content-Length:"));
        media.scene.trunk.SendRaw(answer + "Content-Type: " + type + "\r\nContent-Length: " +
                                  std::to_string(body.size()) + "\r\n\r\n" + body);
        media.scene.Run(500ms);
      }
      EXPECT_EQ(media.scene.pbx.call(call).final_status, offers ? 415 : 500) << kind;
      EXPECT_THAT(media.scene.trunk.Got("INVITE"), SizeIs(offers ? 0 : 1)) << kind;
      EXPECT_THAT(std::string(media.scene.record().detail.view()), HasSubstr("multipart")) << kind;
    }
  }
}

// RFC 6442: an emergency call carries its place beside the description, and keeps it.
TEST(B2buaMediaTest, WhatStandsBesideADescriptionStays) {
  const std::string place = "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"/>";
  const std::string sdp = Sdp("127.0.0.4", 4000);
  MediaScene media;
  SimPlan plan;
  plan.number = "911";
  plan.body = "--ring\r\nContent-Type: application/sdp\r\n\r\n" + sdp +
              "\r\n--ring\r\nContent-Type: application/pidf+xml\r\n\r\n" + place +
              "\r\n--ring--\r\n";
  plan.content_type = "multipart/mixed;boundary=ring";
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000)}};
  media.scene.trunk.Expect(callee);
  const size_t call = media.scene.pbx.Place(plan);
  media.scene.Run(1s);
  ASSERT_THAT(media.scene.trunk.Got("INVITE"), SizeIs(1));
  EXPECT_THAT(media.ToTrunk(),
              testing::StartsWith("--ring\r\nContent-Type: application/sdp\r\n\r\nv=0"));
  EXPECT_THAT(media.ToTrunk(), HasSubstr("c=IN IP4 127.0.0.3\r\n"));
  EXPECT_THAT(media.ToTrunk(), testing::EndsWith(place + "\r\n--ring--\r\n"));
  EXPECT_EQ(media.scene.trunk.Got("INVITE")[0].Get("Content-Type"), plan.content_type);
  media.Talk("help");
  EXPECT_THAT(media.trunk.got, ElementsAre("help out"));
  media.HangUp(call);
}

// With a reason in the call's record: an operator who sees 488 for all calls finds the setting.
TEST(B2buaMediaTest, DescriptionsThatCannotBeAreRefused) {
  const struct {
    std::string sdp;
    int status;
    const char* detail;
  } kCases[] = {
      {"v=0\r\n", 400, "the caller's SDP: "},
      {"nonsense\r\n", 400, "the caller's SDP: "},
      // A cloud's metadata service; another class than the side's.
      {Sdp("169.254.169.254", 80), 488, "an address in it is of a class"},
      {Sdp("192.0.2.7", 4000), 488, "an address in it is of a class"},
      {Sdp("127.0.0.4", 0), 488, "no line that can be relayed"},  // A call without media.
      {"v=0\r\no=a 1 1 IN IP4 127.0.0.4\r\ns=-\r\nc=IN IP4 127.0.0.4\r\nt=0 0\r\n"
       "m=audio 4000 RTP/SAVP 0\r\n",
       488, "no line that can be relayed"},
  };
  for (const auto& test : kCases) {
    MediaScene media;
    const size_t call = media.Place({}, test.sdp);
    EXPECT_EQ(media.scene.pbx.call(call).final_status, test.status) << test.sdp;
    EXPECT_THAT(media.scene.trunk.Got("INVITE"), IsEmpty()) << test.sdp;
    EXPECT_EQ(media.scene.world->worker().media().streams(), 0u);
    EXPECT_THAT(std::string(media.scene.record().detail.view()), HasSubstr(test.detail));
    media.scene.ExpectClean();
  }
}

// The callee's answer cannot be: the search ends with its 2xx, and the record says what it lacked.
TEST(B2buaMediaTest, AnAnswerThatCannotBeIsInTheRecord) {
  MediaScene media;
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 200, .body = Sdp("192.0.2.7", 4000)}};
  media.scene.trunk.Expect(callee);
  const size_t call = media.Place({}, Sdp("127.0.0.4", 4000));
  EXPECT_EQ(media.scene.pbx.call(call).final_status, 500);
  const sbc::CallRecord& record = media.scene.record();
  EXPECT_THAT(std::string(record.detail.view()), HasSubstr("the callee's SDP: an address in it"));
  ASSERT_EQ(record.routes.steps.size(), 1u);
  EXPECT_EQ(record.routes.steps[0].event, sbc::RouteEvent::kAnswered);
  EXPECT_EQ(record.routes.steps[0].status_code, 200);
  media.scene.ExpectClean();
}

TEST(B2buaMediaTest, PortsThatRunOutAre503) {
  MediaScene media(Anchoring("", {.customer = "20000-20001"}));
  const size_t call = media.Call();
  SimPlan plan;
  plan.body = Sdp("127.0.0.4", 4200);
  const size_t second = media.scene.pbx.Place(plan);
  media.scene.Run(1s);
  EXPECT_EQ(media.scene.pbx.call(second).final_status, 503);
  media.HangUp(call);
}

// A trunk that names one port for all its calls (SIPp does): where it offers, our port is chosen
// when its own is known. With two shared pairs two such calls can be, and no third.
TEST(B2buaMediaTest, CallsFromOneTrunkPortGetPortsOfTheirOwn) {
  SbcScene scene(Anchoring("", {.trunk = "30000-30003"}));
  int port = 4000;
  scene.pbx.set_planner([&port](const SimMessage&) {
    SimPlan callee;
    callee.script = {{.status = 200, .body = Sdp("127.0.0.4", port += 2)}};
    return callee;
  });
  SimPlan plan;
  plan.body = Sdp("127.0.0.9", 9000);
  std::vector<size_t> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(scene.Inbound(plan));
  EXPECT_EQ(scene.trunk.call(calls[0]).final_status, 200);
  EXPECT_EQ(scene.trunk.call(calls[1]).final_status, 200);
  EXPECT_EQ(scene.trunk.call(calls[2]).final_status, 500);
  EXPECT_EQ(scene.world->worker().media().counters().flow_conflicts, 1u);
  const std::vector<SimMessage> answers = scene.trunk.Got("INVITE", 200);
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_NE(TargetOf(answers[0].body).port, TargetOf(answers[1].body).port);
  for (size_t i = 0; i < 2; ++i) scene.trunk.Do(calls[i], {.method = "BYE"});
  scene.ExpectClean();
}

// Where we offer, the trunk knows our port before we know its own. A conflict then refuses the
// call, and who was answered is heard at the port that was told.
TEST(B2buaMediaTest, APortThatWasToldIsNotChanged) {
  SbcScene::Options options = Anchoring();
  options.global =
      "media:\n"
      "  - {side: customer, address: 127.0.0.2, ports: 20000-20039}\n"
      "  - {side: trunk, address: 127.0.0.3, ports: 30000-30007}\n";
  MediaScene media(options);
  std::vector<std::unique_ptr<MediaPeer>> pbx;
  size_t refused = 0;
  std::vector<size_t> answered;
  for (int i = 0; i < 8; ++i) {
    const std::string place = "127.0.0.4:" + std::to_string(4100 + 2 * i);
    pbx.push_back(
        std::make_unique<MediaPeer>(place, &media.scene.network, &media.scene.simulation));
    SimPlan callee;
    callee.script = {{.status = 200, .body = Sdp("127.0.0.9", 9000)}};
    const size_t call = media.Place(callee, Sdp("127.0.0.4", 4100 + 2 * i));
    if (media.scene.pbx.call(call).final_status == 500) {
      ++refused;
      continue;
    }
    answered.push_back(call);
    const std::string told = media.ToTrunk(static_cast<size_t>(i));
    media.trunk.Send("hello", TargetOf(told));
    media.scene.Run(100ms);
    EXPECT_THAT(pbx.back()->got, ElementsAre("hello")) << i;
  }
  EXPECT_GE(refused, 4u);
  EXPECT_EQ(media.scene.world->worker().media().counters().flow_conflicts, refused);
  for (const size_t call : answered) media.scene.pbx.Do(call, {.method = "BYE"});
  media.scene.ExpectClean();
}

}  // namespace
}  // namespace tests
