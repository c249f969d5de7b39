// `codecs`, through the whole SBC: what of an offer each side is told, and what of the answer to it
// (RFC 3264 §6.1). What one side's list lacks crosses to neither, as nothing is transcoded.

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

const std::string kMaps =
    "a=rtpmap:9 G722/8000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"
    "a=rtpmap:13 CN/8000\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n"
    "a=rtpmap:96 PCMU/8000\r\na=rtpmap:97 PCMA/8000\r\na=rtpmap:98 AMR/8000\r\n";

std::string Pbx(const std::string& formats) { return Sdp("127.0.0.4", 4000, kMaps, formats); }
std::string Trunk(const std::string& formats) { return Sdp("127.0.0.9", 9000, kMaps, formats); }

SbcScene::Options Codecs(const std::string& codecs) {
  return Anchoring(codecs.empty() ? "" : "    codecs: " + codecs + "\n");
}

// The formats of the line of audio.
std::string FormatsOf(const std::string& sdp) {
  const std::string line = LineOf(sdp, "m=audio ");
  const size_t at = line.find("RTP/AVP ");
  return at == std::string::npos ? line : line.substr(at + 8);
}

const struct {
  const char* codecs;
  const char* offered;
  const char* to_trunk;     // Where the customer offers that,
  const char* to_customer;  // and where the trunk does.
} kOffers[] = {
    // None: all, known to us or not, as they come.
    {"", "111 9 98 18 8 0 13 101 110", "111 9 98 18 8 0 13 101 110", "111 9 98 18 8 0 13 101 110"},
    // One list is for both sides: it removes, and it orders. Noise and digits go with their voice.
    {"[PCMU]", "9 8 0 101", "0 101", "0 101"},
    {"[PCMU]", "111 9 98 18 8 0 13 101 110", "0 13 101", "0 13 101"},
    {"[PCMU, G722, opus]", "111 98 9 101 0 110", "0 9 111 101 110", "0 9 111 101 110"},
    {"[opus]", "0 111 101 110", "111 110", "111 110"},
    {"[G722, G729]", "0 18 9 101", "9 18 101", "9 18 101"},
    // It is the encoding that counts, not its number.
    {"[PCMU]", "97 96 101", "96 101", "96 101"},
    // The trunk's list: the customer is told of no more, or it would choose what the trunk cannot
    // have; in what order the customer wants it nobody has said.
    {"{trunk: [PCMU]}", "9 8 0 13 101", "0 13 101", "0 13 101"},
    {"{trunk: [PCMU, PCMA]}", "9 8 0 101", "0 8 101", "8 0 101"},
    {"{customer: [PCMU, PCMA]}", "9 8 0 101", "8 0 101", "0 8 101"},
    // Both: what both have, to each in his own order.
    {"{trunk: [PCMU], customer: [PCMA, PCMU]}", "8 0 101", "0 101", "0 101"},
    {"{trunk: [PCMU, PCMA, G729], customer: [G722, PCMA, PCMU]}", "18 9 0 8 101", "0 8 101",
     "8 0 101"},
};

TEST(B2buaCodecsTest, WhatTheTrunkIsToldOfAnOffer) {
  for (const auto& test : kOffers) {
    MediaScene media(Codecs(test.codecs));
    SimPlan callee;
    callee.script = {{.after = 100ms, .status = 200, .body = Trunk(test.to_trunk)}};
    const size_t call = media.Place(callee, Pbx(test.offered));
    EXPECT_EQ(FormatsOf(media.ToTrunk()), test.to_trunk) << test.codecs;
    EXPECT_EQ(FormatsOf(media.ToPbx()), test.to_trunk) << test.codecs;
    media.HangUp(call);
  }
}

TEST(B2buaCodecsTest, WhatTheCustomerIsToldOfAnOffer) {
  for (const auto& test : kOffers) {
    SbcScene scene(Codecs(test.codecs));
    SimPlan callee;
    callee.script = {{.after = 100ms, .status = 200, .body = Pbx(test.to_customer)}};
    scene.pbx.Expect(callee);
    SimPlan plan;
    plan.body = Trunk(test.offered);
    const size_t call = scene.Inbound(plan);
    EXPECT_EQ(FormatsOf(scene.pbx.Got("INVITE").at(0).body), test.to_customer) << test.codecs;
    const std::string answer = scene.trunk.Got("INVITE", 200).at(0).body;
    EXPECT_EQ(FormatsOf(answer), test.to_customer) << test.codecs;
    scene.trunk.Do(call, {.method = "BYE"});
    scene.ExpectClean();
  }
}

// What stays behind takes its rtpmap and fmtp along, and what crosses keeps its own.
TEST(B2buaCodecsTest, WhatIsRemovedLeavesNoAttribute) {
  MediaScene media(Codecs("{trunk: [PCMU]}"));
  const size_t call = media.Call({}, Pbx("111 9 18 8 0 13 101 110"));
  for (const char* removed : {"G722", "G729", "annexb", "opus", "PCMA", "telephone-event/48000"}) {
    EXPECT_THAT(media.ToTrunk(), Not(HasSubstr(removed)));
  }
  for (const char* kept : {"a=rtpmap:13 CN/8000\r\n", "a=rtpmap:101 telephone-event/8000\r\n"}) {
    EXPECT_THAT(media.ToTrunk(), HasSubstr(kept));
  }
  media.Talk("hello");
  EXPECT_THAT(media.trunk.got, ElementsAre("hello out"));
  EXPECT_THAT(media.pbx.got, ElementsAre("hello in"));
  media.HangUp(call);
}

// Who answers may list what it was not offered (RFC 3264 §6.1). What was removed does not come back
// by that; nor early, nor under another number.
TEST(B2buaCodecsTest, AnAnswerDoesNotBringBackWhatWasRemoved) {
  MediaScene media(Codecs("{trunk: [PCMU]}"));
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 183, .body = Trunk("9 18 0 101")},
                   {.after = 100ms, .status = 200, .body = Trunk("9 8 96 101")}};
  const size_t call = media.Place(callee, Pbx("9 18 8 0 101"));
  EXPECT_EQ(FormatsOf(media.scene.pbx.Got("INVITE", 183).at(0).body), "0 101");
  EXPECT_EQ(FormatsOf(media.ToPbx()), "0 101");
  media.HangUp(call);
}

// Without an offer in the INVITE the callee's 2xx has it, and the ACK the answer.
TEST(B2buaCodecsTest, DelayedOffer) {
  MediaScene media(Codecs("{trunk: [PCMU], customer: [PCMA, PCMU]}"));
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = Trunk("9 8 0 18 13 101")}};
  media.scene.trunk.Expect(callee);
  SimPlan plan;
  plan.body = "";
  plan.sdp = Pbx("8 0 101");
  const size_t call = media.scene.pbx.Place(plan);
  media.scene.Run(1s);
  EXPECT_EQ(FormatsOf(media.ToPbx()), "0 13 101");
  ASSERT_THAT(media.scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_EQ(FormatsOf(media.scene.trunk.Got("ACK")[0].body), "0 101");
  media.HangUp(call);
}

// Within a call, from either side and by either method.
TEST(B2buaCodecsTest, LaterOffers) {
  for (const char* method : {"INVITE", "UPDATE"}) {
    MediaScene media(Codecs("{trunk: [PCMU, PCMA], customer: [PCMA, PCMU]}"));
    const size_t call = media.Call();
    media.scene.pbx.call(call).plan.sdp = Pbx("9 8 101");
    media.scene.trunk.Do(0, {.method = method, .body = Trunk("9 18 0 8 101")});
    media.scene.Run(1s);
    const auto to_pbx = media.scene.pbx.Got(method);
    ASSERT_FALSE(to_pbx.empty()) << method;
    EXPECT_EQ(FormatsOf(to_pbx.back().body), "8 0 101") << method;
    EXPECT_EQ(FormatsOf(media.scene.trunk.Got(method, 200).back().body), "8 101") << method;
    media.scene.trunk.call(0).plan.sdp = Trunk("0 101");
    media.scene.pbx.Do(call, {.method = method, .body = Pbx("111 8 0 101")});
    media.scene.Run(1s);
    EXPECT_EQ(FormatsOf(media.scene.trunk.Got(method).back().body), "0 8 101") << method;
    EXPECT_EQ(FormatsOf(media.scene.pbx.Got(method, 200).back().body), "0 101") << method;
    media.HangUp(call);
  }
}

// Where nothing is left the offer cannot be: nobody else hears of it, and within a call what was
// agreed on stays.
TEST(B2buaCodecsTest, AnOfferWithoutAnAllowedCodecIsRefused) {
  MediaScene media(Codecs("{trunk: [PCMU]}"));
  SimPlan plan;
  plan.body = Pbx("8 101");
  const size_t refused = media.scene.pbx.Place(plan);
  media.scene.Run(1s);
  EXPECT_EQ(media.scene.pbx.call(refused).final_status, 488);
  EXPECT_THAT(media.scene.trunk.Got("INVITE"), IsEmpty());
  EXPECT_EQ(media.scene.record().detail.view(),
            "the caller's SDP: no codec that the connector's `codecs` allow");
  const size_t call = media.Call();
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Pbx("8 101")});
  media.scene.Run(1s);
  EXPECT_THAT(media.scene.pbx.Got("INVITE", 488), SizeIs(2));
  EXPECT_THAT(media.scene.trunk.Got("INVITE"), SizeIs(1));
  media.pbx.Send("still here", TargetOf(media.scene.pbx.Got("INVITE", 200).at(0).body));
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk.got, ElementsAre("still here"));
  media.HangUp(call);
}

// An answer may list more than it was offered (RFC 3264 §6.1), and not only that.
TEST(B2buaCodecsTest, AnAnswerOfRemovedCodecsAloneIsNone) {
  MediaScene media(Codecs("{trunk: [PCMU]}"));
  SimPlan callee;
  callee.script = {{.status = 200, .body = Trunk("8 101")}};
  const size_t refused = media.Place(callee, Pbx("0 8 101"));
  EXPECT_EQ(media.scene.pbx.call(refused).final_status, 500);
  EXPECT_EQ(media.scene.record().detail.view(),
            "the callee's SDP: no codec that the offer went on with");
  EXPECT_THAT(media.scene.trunk.Got("BYE"), SizeIs(1));
  media.scene.ExpectClean();
}

// Whom neither description told of a codec may not send it, though the answer listed it as well.
TEST(B2buaCodecsTest, WhatWasRemovedIsNotTakenEither) {
  MediaScene media(Codecs("{trunk: [PCMU]}"));
  SimPlan callee;
  callee.script = {{.status = 200, .body = Trunk("0 8 101")}};
  const size_t call = media.Place(callee, Pbx("0 8 101"));
  EXPECT_EQ(FormatsOf(media.ToPbx()), "0 101");
  media.pbx.Send("removed", TargetOf(media.ToPbx()), 8);
  media.trunk.Send("removed", TargetOf(media.ToTrunk()), 8);
  media.Talk("kept");
  EXPECT_THAT(media.trunk.got, ElementsAre("kept out"));
  EXPECT_THAT(media.pbx.got, ElementsAre("kept in"));
  EXPECT_EQ(media.scene.world->worker().media().counters().payload_types, 2u);
  media.HangUp(call);
}

// Of a customer that says digits by INFO nothing changes: the trunk has our events, whatever voice
// it may have.
TEST(B2buaCodecsTest, OurOwnEventsGoWithWhatIsLeft) {
  SbcScene::Options options = Codecs("{trunk: [PCMU]}");
  options.connector += "    dtmf: info\n";
  MediaScene media(options);
  const size_t call = media.Call({}, Pbx("9 8 0"));
  EXPECT_EQ(FormatsOf(media.ToTrunk()), "0 101");
  EXPECT_EQ(FormatsOf(media.ToPbx()), "0");
  media.HangUp(call);
}

// Only voice is judged: a fax has none.
TEST(B2buaCodecsTest, AFaxPassesBesideAnyList) {
  const auto fax = [](const std::string& address, int port) {
    return "v=0\r\no=- 1 1 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address +
           "\r\nt=0 0\r\nm=image " + std::to_string(port) + " udptl t38\r\na=T38FaxVersion:0\r\n";
  };
  MediaScene media(Codecs("{trunk: [PCMU], customer: [PCMA]}"));
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = fax("127.0.0.9", 9000)}};
  const size_t call = media.Place(callee, fax("127.0.0.4", 4000));
  EXPECT_THAT(LineOf(media.ToTrunk(), "m=image "), HasSubstr("m=image 300"));
  EXPECT_THAT(LineOf(media.ToPbx(), "m=image "), HasSubstr("m=image 200"));
  media.HangUp(call);
}

}  // namespace
}  // namespace tests
