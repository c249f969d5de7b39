// INVITEs inside the dialog, one after another and against others (RFC 3261 §13.2.2.4, §14; RFC
// 3311 §5.2): each 2xx has its ACK however late it comes again, and no two offers cross.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

std::vector<uint32_t> SequencesOf(const std::vector<SimMessage>& messages) {
  std::vector<uint32_t> sequences;
  for (const SimMessage& message : messages) sequences.push_back(message.sequence());
  return sequences;
}

// ---- ACKs ---------------------------------------------------------------------------------------

// The ACKs of three re-INVITEs were lost, and each 2xx comes again after the last one.
TEST(B2buaExchangeTest, EachRepeated2xxHasItsAck) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  for (int i = 0; i < 3; ++i) {
    scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
    scene.Run(1s);
  }
  const auto answers = scene.trunk.Sent("INVITE", 200);
  ASSERT_THAT(answers, SizeIs(4));
  scene.trunk.ClearLog();
  for (const SimMessage& answer : answers) scene.trunk.SendRaw(answer.text);
  scene.Run(1s);
  EXPECT_EQ(SequencesOf(scene.trunk.Got("ACK")), SequencesOf(answers));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// The ACK of a delayed offer carries the answer, the second time too.
TEST(B2buaExchangeTest, ARepeatedOfferHasItsAnswerAgain) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE"});
  scene.Run(1s);
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(1s);
  const auto answers = scene.trunk.Sent("INVITE", 200);
  ASSERT_THAT(answers, SizeIs(3));
  scene.trunk.ClearLog();
  scene.trunk.SendRaw(answers[1].text);
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("ACK")[0].body, kSdp);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Each transaction keeps the ACK of its own 2xx, so the answer to the first of four offers is not
// lost behind the others.
TEST(B2buaExchangeTest, AnOlderOfferHasItsAnswerAgain) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  for (int i = 0; i < 4; ++i) {
    scene.pbx.Do(call, {.method = "INVITE"});
    scene.Run(1s);
  }
  const auto answers = scene.trunk.Sent("INVITE", 200);
  ASSERT_THAT(answers, SizeIs(5));
  const auto acks = scene.trunk.Got("ACK");
  ASSERT_THAT(acks, SizeIs(5));
  scene.trunk.ClearLog();
  for (const SimMessage& answer : answers) scene.trunk.SendRaw(answer.text);
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("ACK"), SizeIs(5));
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(scene.trunk.Got("ACK")[i].text, acks[i].text);  // The very same (§13.2.2.4).
    EXPECT_EQ(scene.trunk.Got("ACK")[i].body, i == 0 ? "" : kSdp);
  }
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A 2xx with an offer comes again before the other side has answered it: there is no ACK yet.
TEST(B2buaExchangeTest, ARepeatedOfferWaitsForItsAnswer) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.call(call).plan.ack_delay = 400ms;
  scene.trunk.ClearLog();
  scene.pbx.Do(call, {.method = "INVITE"});
  scene.Run(100ms);
  ASSERT_THAT(scene.trunk.Sent("INVITE", 200), SizeIs(1));
  scene.trunk.SendRaw(scene.trunk.Sent("INVITE", 200)[0].text);
  scene.Run(200ms);
  EXPECT_THAT(scene.trunk.Got("ACK"), SizeIs(0));
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("ACK")[0].body, kSdp);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// The call is over, its BYE answered: a 2xx that comes again still stops with an ACK, and no other
// BYE is said.
TEST(B2buaExchangeTest, A2xxAfterTheCallHasItsAck) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(1s);
  const auto answers = scene.trunk.Sent("INVITE", 200);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(1s);
  ASSERT_EQ(scene.world->calls(), 0u);
  scene.trunk.ClearLog();
  scene.trunk.SendRaw(answers.back().text);
  scene.Run(1s);
  EXPECT_EQ(SequencesOf(scene.trunk.Got("ACK")), SequencesOf({answers.back()}));
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(0));
  scene.ExpectClean();
}

// Our 2xx to a re-INVITE ends with the call, whose other side hung up before the ACK came.
TEST(B2buaExchangeTest, Our2xxEndsWithTheCall) {
  SbcScene scene;
  SimPlan callee;
  callee.ack_delay = 3s;
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.trunk.Do(0, {.method = "INVITE", .body = kHold});
  scene.Run(100ms);
  ASSERT_THAT(scene.trunk.Got("INVITE", 200), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(40s);
  EXPECT_THAT(scene.trunk.Got("INVITE", 200), SizeIs(1));
  scene.ExpectClean();
}

// The callee hangs up before the caller's ACK has answered its offer, which RFC 3261 §15 forbids
// it, and says its 2xx again: an ACK without an answer ends that.
TEST(B2buaExchangeTest, AnOfferOfWhoHungUpHasItsAck) {
  SbcScene scene;
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 200, .body = kSdp}, {.after = 100ms, .method = "BYE"}};
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.body = "";
  caller.ack_delay = 300ms;
  (void)scene.Outbound(caller);
  scene.Run(200ms);
  ASSERT_THAT(scene.trunk.Got("BYE", 200), SizeIs(1));
  const auto answers = scene.trunk.Sent("INVITE", 200);
  scene.Run(1s);
  scene.trunk.ClearLog();
  scene.trunk.SendRaw(answers.at(0).text);
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
  EXPECT_EQ(scene.trunk.Got("ACK")[0].body, "");
  EXPECT_EQ(scene.world->calls(), 0u);
  scene.ExpectClean();
}

// ---- offers -------------------------------------------------------------------------------------

// An UPDATE's offer is out: a re-INVITE of the other side is 491, with an offer or without; one of
// the same side 500 with Retry-After.
TEST(B2buaExchangeTest, AReinviteAgainstAnUpdate) {
  for (const std::string body : {"", kHold}) {
    SbcScene scene;
    SimLink slow;
    slow.delay = 100ms;
    scene.network.SetDefaultLink(slow);
    const size_t call = scene.Outbound();
    scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
    scene.Run(50ms);
    scene.trunk.Do(0, {.method = "INVITE", .body = body});
    scene.pbx.Do(call, {.method = "INVITE", .body = body});
    scene.Run(2s);
    EXPECT_THAT(scene.trunk.Got("INVITE", 491), SizeIs(1));
    ASSERT_THAT(scene.pbx.Got("INVITE", 500), SizeIs(1));
    EXPECT_TRUE(scene.pbx.Got("INVITE", 500)[0].Has("Retry-After"));
    EXPECT_THAT(scene.pbx.Got("UPDATE", 200), SizeIs(1));
    scene.pbx.Do(call, {.method = "BYE"});
    scene.ExpectClean();
  }
}

// A re-INVITE without an offer was answered, and so the callee's offer is out until the ACK: its
// own UPDATE is 500, the other side's 491.
TEST(B2buaExchangeTest, AnUpdateAgainstTheOfferOfA2xx) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.call(call).plan.ack_delay = 1s;
  scene.pbx.Do(call, {.method = "INVITE"});
  scene.Run(200ms);
  ASSERT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(2));
  scene.trunk.Do(0, {.method = "UPDATE", .body = kHold});
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.Run(300ms);
  ASSERT_THAT(scene.trunk.Got("UPDATE", 500), SizeIs(1));
  EXPECT_TRUE(scene.trunk.Got("UPDATE", 500)[0].Has("Retry-After"));
  EXPECT_THAT(scene.pbx.Got("UPDATE", 491), SizeIs(1));
  scene.Run(2s);
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});  // Now nobody's is.
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("UPDATE", 200), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

SbcScene::Options ShortSessions() {
  SbcScene::Options options;
  options.global = "sip: {session_expires: 200s}\n";
  return options;
}

// A call to who does not know session timers, nor says that it knows UPDATE; one it never answers.
// So we refresh it by INVITE, from 100 s on.
size_t OutboundToWhoNeedsInvites(SbcScene* scene) {
  SimPlan callee;
  callee.timer = false;
  callee.updates = false;
  callee.answers["UPDATE"] = 0;
  scene->trunk.Expect(callee);
  return scene->Outbound();
}

// A refresh of ours by INVITE is over: it says nothing of whose offer is out now.
TEST(B2buaExchangeTest, ARefreshThatIsOverIsNoGlare) {
  SbcScene scene(ShortSessions());
  const size_t call = OutboundToWhoNeedsInvites(&scene);
  scene.Run(110s);
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.Run(1s);
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 500), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("INVITE", 491), SizeIs(0));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Nor do we ourselves make an offer while one is out.
TEST(B2buaExchangeTest, ARefreshWaitsForTheOfferOfAnUpdate) {
  SbcScene scene(ShortSessions());
  const size_t call = OutboundToWhoNeedsInvites(&scene);
  scene.Run(99s);
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.Run(10s);
  ASSERT_THAT(scene.trunk.Got("UPDATE").empty(), false);
  EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// An UPDATE that another early dialog never answers holds up no offer of the call.
TEST(B2buaExchangeTest, AnUpdateOfAnotherEarlyDialogIsNoGlare) {
  SbcScene scene;
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 183, .fork = 0, .reliable = true, .body = kSdp},
                   {.after = 10ms, .status = 180, .fork = 1},
                   {.after = 2s, .status = 200, .fork = 1, .body = kSdp}};
  callee.answers["UPDATE"] = 0;
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.supports_100rel = true;
  caller.script = {{.after = 1s, .method = "UPDATE", .fork = 0, .body = kHold}};
  const size_t call = scene.Outbound(caller);
  scene.Run(4s);
  ASSERT_FALSE(scene.trunk.Got("UPDATE").empty());
  ASSERT_EQ(scene.pbx.call(call).final_status, 200);
  scene.pbx.Do(call, {.method = "INVITE", .fork = SimStep::kConfirmed, .body = kHold});
  scene.Run(2s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 500), SizeIs(0));
  EXPECT_THAT(scene.pbx.Got("INVITE", 491), SizeIs(0));
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(2));
  scene.pbx.Do(call, {.method = "BYE", .fork = SimStep::kConfirmed});
  scene.ExpectClean();
}

// Before the answer the INVITE's own offer is out, until a reliable response answers it: what an
// unreliable one says is a preview (RFC 3311 §5.2, RFC 3262 §5).
TEST(B2buaExchangeTest, AnEarlyUpdateAgainstTheOfferOfTheInvite) {
  SbcScene scene;
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 183, .body = kSdp},
                   {.after = 3s, .status = 200, .body = kSdp}};
  scene.trunk.Expect(callee);
  const size_t call = scene.Outbound();
  scene.trunk.Do(0, {.method = "UPDATE", .body = kHold});
  scene.Run(100ms);
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.Run(100ms);
  EXPECT_THAT(scene.pbx.Got("UPDATE"), SizeIs(0));
  EXPECT_THAT(scene.trunk.Got("UPDATE"), SizeIs(0));
  scene.pbx.Do(call, {.method = "UPDATE"});  // Without an offer it disturbs none.
  scene.Run(100ms);
  EXPECT_THAT(scene.trunk.Got("UPDATE", 491), SizeIs(1));
  ASSERT_THAT(scene.pbx.Got("UPDATE", 500), SizeIs(1));
  EXPECT_TRUE(scene.pbx.Got("UPDATE", 500)[0].Has("Retry-After"));
  EXPECT_THAT(scene.pbx.Got("UPDATE", 200), SizeIs(1));
  scene.Run(3s);
  scene.trunk.Do(0, {.method = "UPDATE", .body = kHold});
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("UPDATE", 200), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// The offer that a PRACK makes is out until its response, before the answer and after it.
TEST(B2buaExchangeTest, AnUpdateAgainstTheOfferOfAPrack) {
  SbcScene scene;
  SimLink slow;
  slow.delay = 100ms;
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 183, .reliable = true, .body = kSdp},
                   {.after = 5s, .status = 200}};
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.supports_100rel = true;
  caller.prack = false;
  const size_t call = scene.Outbound(caller);
  ASSERT_FALSE(scene.pbx.Got("INVITE", 183).empty());
  scene.network.SetDefaultLink(slow);
  const SimMessage response = scene.pbx.Got("INVITE", 183)[0];
  scene.pbx.Do(call,
               {.method = "PRACK",
                .body = kHold,
                .fields = "RAck: " + response.Get("RSeq") + " " + response.Get("CSeq") + "\r\n"});
  scene.Run(50ms);
  scene.trunk.Do(0, {.method = "UPDATE", .body = kHold});
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("UPDATE", 491), SizeIs(1));
  ASSERT_THAT(scene.pbx.Got("UPDATE", 500), SizeIs(1));
  EXPECT_TRUE(scene.pbx.Got("UPDATE", 500)[0].Has("Retry-After"));
  EXPECT_THAT(scene.pbx.Got("PRACK", 200), SizeIs(1));
  scene.trunk.Do(0, {.method = "UPDATE", .body = kHold});  // Now nobody's is.
  scene.Run(1s);
  EXPECT_THAT(scene.trunk.Got("UPDATE", 200), SizeIs(1));
  scene.Run(5s);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Without an offer in the INVITE the callee makes it, in its first reliable response, and the PRACK
// answers it (RFC 3262 §5). The 2xx then carries none that could be out.
TEST(B2buaExchangeTest, AnEarlyUpdateAgainstTheOfferOfA183) {
  SbcScene scene;
  SimPlan callee;
  callee.script = {{.after = 10ms, .status = 183, .reliable = true, .body = kSdp},
                   {.after = 3s, .status = 200}};
  scene.trunk.Expect(callee);
  SimPlan caller;
  caller.body = "";
  caller.supports_100rel = true;
  caller.prack = false;
  caller.ack_delay = 2s;
  const size_t call = scene.Outbound(caller);
  ASSERT_FALSE(scene.pbx.Got("INVITE", 183).empty());
  scene.trunk.Do(0, {.method = "UPDATE", .body = kHold});
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.Run(100ms);
  ASSERT_THAT(scene.trunk.Got("UPDATE", 500), SizeIs(1));
  EXPECT_TRUE(scene.trunk.Got("UPDATE", 500)[0].Has("Retry-After"));
  EXPECT_THAT(scene.pbx.Got("UPDATE", 491), SizeIs(1));
  const SimMessage response = scene.pbx.Got("INVITE", 183)[0];
  scene.pbx.Do(call,
               {.method = "PRACK",
                .body = kSdp,
                .fields = "RAck: " + response.Get("RSeq") + " " + response.Get("CSeq") + "\r\n"});
  scene.Run(100ms);
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold});
  scene.Run(100ms);
  EXPECT_THAT(scene.pbx.Got("UPDATE", 200), SizeIs(1));
  scene.Run(3s);
  ASSERT_EQ(scene.pbx.call(call).final_status, 200);
  ASSERT_THAT(scene.trunk.Got("ACK"), SizeIs(0));
  scene.trunk.Do(0, {.method = "UPDATE", .body = kHold});
  scene.Run(100ms);
  EXPECT_THAT(scene.trunk.Got("UPDATE", 200), SizeIs(1));
  scene.Run(3s);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// ---- what is asked of us ------------------------------------------------------------------------

// Responses to a re-INVITE are not reliable; who insists is told so (RFC 3262 §3).
TEST(B2buaExchangeTest, AReinviteThatRequires100relIs420) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold, .fields = "Require: 100rel\r\n"});
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("INVITE", 420), SizeIs(1));
  EXPECT_EQ(scene.pbx.Got("INVITE", 420)[0].Get("Unsupported"), "100rel");
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Only an INVITE's responses could be: elsewhere it asks for nothing that we lack.
TEST(B2buaExchangeTest, AnUpdateThatRequires100relPasses) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "UPDATE", .body = kHold, .fields = "Require: 100rel\r\n"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("UPDATE", 200), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A description that has to be decoded first is not read (§8.2.3): 415, and what would have done.
TEST(B2buaExchangeTest, AnEncodedBodyIs415) {
  SbcScene scene;
  SimPlan plan;
  plan.fields = "Content-Encoding: gzip\r\n";
  const size_t call = scene.Outbound(plan);
  EXPECT_EQ(scene.pbx.call(call).final_status, 415);
  EXPECT_EQ(scene.pbx.Got("INVITE", 415)[0].Get("Accept-Encoding"), "identity");
  plan.fields = "Content-Encoding: identity\r\n";
  const size_t plain = scene.Outbound(plan);
  EXPECT_EQ(scene.pbx.call(plain).final_status, 200);
  scene.pbx.Do(plain, {.method = "BYE"});
  scene.ExpectClean();
}

// A re-INVITE that only ever rings would keep both sides, and every refresh, from another one. It
// has the time of a first INVITE (ring_timeout); its CANCEL ends it, and the call goes on.
TEST(B2buaExchangeTest, AReinviteThatOnlyRingsIsCancelled) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.trunk.call(0).plan.answers["INVITE"] = 180;
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(100s);
  EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(0));
  scene.Run(85s);
  ASSERT_THAT(scene.trunk.Got("CANCEL"), SizeIs(1));
  std::string terminated = scene.trunk.Sent("INVITE", 180).back().text;
  terminated.replace(0, terminated.find("\r\n"), "SIP/2.0 487 Request Terminated");
  scene.trunk.SendRaw(terminated);
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 487), SizeIs(1));
  EXPECT_EQ(scene.counters().invites_timed_out, 1u);
  EXPECT_EQ(scene.world->calls(), 1u);
  scene.trunk.call(0).plan.answers.clear();
  scene.pbx.Do(call, {.method = "INVITE", .body = kHold});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(2));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
