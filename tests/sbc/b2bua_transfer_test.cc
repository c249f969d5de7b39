// Transfers (rule 18; RFC 3515, 3891) and messages outside of a dialog (RFC 3428), where the
// configuration lets them pass.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

SbcScene::Options Passing(const std::string& setting) {
  SbcScene::Options options;
  options.global = setting + "\n";
  options.routes = "{Host: 127.0.0.4, Priority: 1, Weight: 1}, {Host: 127.0.0.5, Priority: 2}";
  return options;
}

SimPlan Accepting(int refer) {
  SimPlan plan;
  plan.answers["REFER"] = refer;
  return plan;
}

std::string ReferTo(const std::string& uri) { return "Refer-To: <" + uri + ">\r\n"; }

// Replaces as the agent knows its own dialog: the peer's tag is the to-tag.
std::string ReplacesOf(SimUserAgent& agent, size_t call) {
  const SimDialog& dialog = agent.call(call).dialogs.at(0);
  return agent.call(call).call_id + ";to-tag=" + dialog.remote_tag +
         ";from-tag=" + dialog.local_tag;
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    escaped += c == ';' ? "%3B" : c == '=' ? "%3D" : c == '@' ? "%40" : std::string(1, c);
  }
  return escaped;
}

TEST(B2buaTransferTest, ABlindTransferCrossesWithItsTargetRewritten) {
  SbcScene scene(Passing("transfer: {customer: pass}"));
  scene.trunk.Expect(Accepting(202));
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "REFER",
                      .fields = ReferTo("sip:+18155551234@127.0.0.2:5060;x=1?Subject=private") +
                                "Referred-By: <sip:pbxone@127.0.0.4>\r\n"});
  scene.Run(1s);
  const auto got = scene.trunk.Got("REFER");
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].Get("Refer-To"), "<sip:+18155551234@127.0.0.9>");
  EXPECT_EQ(got[0].Get("Referred-By"), "");
  EXPECT_THAT(scene.pbx.Got("REFER", 202), SizeIs(1));

  // How it goes is told by NOTIFY in the same dialog (RFC 3515 §2.4.4).
  scene.trunk.Do(0,
                 {.method = "NOTIFY",
                  .body = "SIP/2.0 200 OK\r\n",
                  .fields = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n"
                            "Content-Type: message/sipfrag\r\n"});
  scene.Run(1s);
  const auto notified = scene.pbx.Got("NOTIFY");
  ASSERT_THAT(notified, SizeIs(1));
  EXPECT_EQ(notified[0].Get("Event"), "refer");
  EXPECT_EQ(notified[0].Get("Subscription-State"), "terminated;reason=noresource");
  EXPECT_EQ(notified[0].body, "SIP/2.0 200 OK\r\n");
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Each leg counts its own requests, so a REFER has another CSeq on each, and NOTIFYs name it by
// that.
TEST(B2buaTransferTest, ANotifyNamesTheReferAsItsLegKnowsIt) {
  SbcScene scene(Passing("transfer: {customer: pass}"));
  scene.trunk.Expect(Accepting(202));
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "INFO"});  // The two counts part here, or earlier.
  scene.Run(1s);
  for (const char* number : {"+18155551234", "+18155551235"}) {
    scene.pbx.Do(call, {.method = "REFER",
                        .fields = ReferTo("sip:" + std::string(number) + "@127.0.0.2:5060")});
    scene.Run(1s);
  }
  const auto sent = scene.pbx.Sent("REFER");
  const auto got = scene.trunk.Got("REFER");
  ASSERT_THAT(sent, SizeIs(2));
  ASSERT_THAT(got, SizeIs(2));
  ASSERT_NE(sent[0].sequence(), got[0].sequence());
  for (const size_t refer : {size_t{1}, size_t{0}}) {
    scene.trunk.Do(0, {.method = "NOTIFY",
                       .fields = "Event: Refer ;id=" + std::to_string(got[refer].sequence()) +
                                 "\r\nSubscription-State: active\r\n"});
    scene.Run(1s);
  }
  const auto notified = scene.pbx.Got("NOTIFY");
  ASSERT_THAT(notified, SizeIs(2));
  EXPECT_EQ(notified[0].Get("Event"), "refer;id=" + std::to_string(sent[1].sequence()));
  EXPECT_EQ(notified[1].Get("Event"), "refer;id=" + std::to_string(sent[0].sequence()));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// "Any new target passes the termination policy again."
TEST(B2buaTransferTest, ATargetThatMayNotBeCalledIsRefused) {
  SbcScene scene(Passing("transfer: {customer: pass}"));
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "REFER", .fields = ReferTo("sip:+442071234567@127.0.0.2")});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("REFER", 403), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("REFER"), IsEmpty());
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

TEST(B2buaTransferTest, WhatIsNoTransferIsRefused) {
  SbcScene scene(Passing("transfer: pass"));
  const size_t call = scene.Outbound();
  const struct {
    std::string fields;
    int status;
  } kCases[] = {
      {"", 400},
      {ReferTo("sip:+18155551234@127.0.0.2") + ReferTo("sip:+18155551235@127.0.0.2"), 400},
      {"Refer-To: <sip:\r\n", 400},
      {ReferTo("mailto:someone@example.com"), 416},
      {ReferTo("sip:+18155551234@127.0.0.2;method=BYE"), 403},
      {ReferTo("sip:+18155551234@127.0.0.2?Replaces=no-tags"), 400},
      {ReferTo("sip:+18155551234@127.0.0.2?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3"), 400},
      {ReferTo("sip:+18155551234@127.0.0.2?Replaces=unknown%3Bto-tag%3Db%3Bfrom-tag%3Dc"), 481},
  };
  for (const auto& test : kCases) {
    scene.pbx.ClearLog();
    scene.pbx.Do(call, {.method = "REFER", .fields = test.fields});
    scene.Run(1s);
    EXPECT_THAT(scene.pbx.Got("REFER", test.status), SizeIs(1)) << test.fields;
    scene.pbx.call(call).dialogs[0].state = SimDialog::State::kConfirmed;  // After a 481, too.
  }
  EXPECT_THAT(scene.trunk.Got("REFER"), IsEmpty());
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// An attended transfer: the second call is named as the trunk knows it.
TEST(B2buaTransferTest, ReplacesIsTranslatedToTheOtherLeg) {
  SbcScene scene(Passing("transfer: {customer: pass}"));
  scene.trunk.Expect(Accepting(202));
  const size_t first = scene.Outbound();
  const size_t second = scene.Outbound();
  scene.pbx.Do(first, {.method = "REFER",
                       .fields = ReferTo("sip:+18155558245@127.0.0.2?Replaces=" +
                                         Escaped(ReplacesOf(scene.pbx, second)))});
  scene.Run(1s);
  const auto got = scene.trunk.Got("REFER");
  ASSERT_THAT(got, SizeIs(1));
  // What the trunk would say of its own dialog has our tag as the to-tag: to replace it, it is the
  // other way round.
  const SimDialog& theirs = scene.trunk.call(1).dialogs.at(0);
  EXPECT_EQ(got[0].Get("Refer-To"),
            "<sip:+18155558245@127.0.0.9?Replaces=" +
                Escaped(scene.trunk.call(1).call_id + ";to-tag=" + theirs.local_tag +
                        ";from-tag=" + theirs.remote_tag) +
                ">");
  EXPECT_THAT(scene.pbx.Got("REFER", 202), SizeIs(1));
  scene.pbx.Do(first, {.method = "BYE"});
  scene.pbx.Do(second, {.method = "BYE"});
  scene.ExpectClean();
}

// The trunk's transfer: the PBX's new call comes to us, and is judged as any other.
TEST(B2buaTransferTest, ATransferByTheTrunkNamesUs) {
  SbcScene scene(Passing("transfer: {trunk: pass}"));
  const size_t call = scene.Inbound();
  scene.trunk.Do(call, {.method = "REFER", .fields = ReferTo("sip:+18155551234@10.0.0.9")});
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("REFER"), SizeIs(1));
  EXPECT_EQ(scene.pbx.Got("REFER")[0].Get("Refer-To"), "<sip:+18155551234@127.0.0.2>");
  scene.pbx.Do(0, {.method = "REFER", .fields = ReferTo("sip:+18155551234@127.0.0.2")});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("REFER", 403), SizeIs(1));  // Only the trunk's side may.
  scene.trunk.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Another PBX takes the first one's dialog over: the trunk is asked to, at the place where it is,
// by the identifiers that it knows.
// On several workers too: it goes to the one that has what it replaces, whose its Call-ID is not.
TEST(B2buaTransferTest, AnInviteWithReplacesCrosses) {
  for (const uint16_t workers : {uint16_t{1}, uint16_t{4}}) {
    SbcScene::Options options = Passing("transfer: {customer: pass}");
    options.workers = workers;
    SbcScene scene(options);
    for (size_t i = 0; i < 4; ++i) {
      const size_t call = scene.Outbound();
      SimPlan plan;
      plan.fields = "Replaces: " + ReplacesOf(scene.pbx, call) + "\r\nRequire: replaces\r\n";
      const size_t taker = scene.pbx2.Place(plan);
      scene.Run(2s);
      ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(2 * i + 2));
      const SimMessage invite = scene.trunk.Got("INVITE")[2 * i + 1];
      const SimDialog& theirs = scene.trunk.call(2 * i).dialogs.at(0);
      EXPECT_EQ(invite.Get("Replaces"), scene.trunk.call(2 * i).call_id + ";to-tag=" +
                                            theirs.local_tag + ";from-tag=" + theirs.remote_tag);
      EXPECT_THAT(invite.Get("Require"), HasSubstr("replaces"));
      EXPECT_EQ(scene.pbx2.call(taker).final_status, 200) << workers << " workers";
      scene.pbx2.Do(taker, {.method = "BYE"});
      scene.pbx.Do(call, {.method = "BYE"});
      scene.Run(1s);
    }
    EXPECT_THAT(scene.pbx2.Got("BYE", 200), SizeIs(4));
    scene.ExpectClean();
  }
}

TEST(B2buaTransferTest, AnInviteThatReplacesNothingOfOursIs481) {
  const auto statuses_of = [](const std::string& setting, const std::string& replaces) {
    SbcScene scene(Passing(setting));
    SimPlan plan;
    plan.fields = "Replaces: " + replaces + "\r\n";
    const size_t call = scene.pbx.Place(plan);
    scene.Run(2s);
    scene.ExpectClean();
    return scene.pbx.call(call).final_status;
  };
  EXPECT_EQ(statuses_of("transfer: pass", "unknown;to-tag=a;from-tag=b"), 481);
  EXPECT_EQ(statuses_of("transfer: pass", "malformed"), 481);
  EXPECT_EQ(statuses_of("transfer: refuse", "unknown;to-tag=a;from-tag=b"), 481);
}

// ---- MESSAGE
// -------------------------------------------------------------------------------------

std::string Message(const char* number, const char* branch) {
  return std::string("MESSAGE sip:") + number +
         "@127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.4:5060;rport;branch=z9hG4bK" + branch +
         "\r\nFrom: <sip:+16185558387@127.0.0.4>;tag=m\r\nTo: <sip:" + number +
         "@127.0.0.2>\r\nCall-ID: message-" + branch +
         "\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nUser-Agent: pbxonesecret\r\n"
         "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
}

// Rule 18: a 3xx that may pass names only what may be called, at an address of ours, so that the
// new call is judged again. (Unless configured it is 480: B2buaFinalTest.)
TEST(B2buaRedirectTest, NamesWhatMayBeCalledAtOurAddress) {
  SbcScene scene(Passing("redirect: {trunk: pass}"));
  SimPlan plan;
  plan.script = {{.after = 10ms,
                  .status = 302,
                  .fields = "Contact: \"A, B\" <sip:+18155551234@192.0.2.7;x=1?Subject=y>;q=0.7, "
                            "<sip:+442079460000@192.0.2.7>, <mailto:a@b>\r\n"
                            "Contact: <tel:+18155555678>\r\n"}};
  scene.trunk.Expect(plan);
  const size_t call = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(call).final_status, 302);
  const auto got = scene.pbx.Got("INVITE", 302);
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].Get("Contact"),
            "<sip:+18155551234@127.0.0.2>, <sip:+18155555678@127.0.0.2;user=phone>");
  EXPECT_EQ(scene.record().status_code, 302);
  scene.ExpectClean();
}

TEST(B2buaRedirectTest, WhereNothingMayBeCalledItIs480) {
  for (const char* contact : {"Contact: <sip:+442079460000@192.0.2.7>\r\n", ""}) {
    SbcScene scene(Passing("redirect: pass"));
    SimPlan plan;
    plan.script = {{.after = 10ms, .status = 302, .fields = contact}};
    scene.trunk.Expect(plan);
    const size_t call = scene.Outbound();
    EXPECT_EQ(scene.pbx.call(call).final_status, 480) << contact;
    EXPECT_FALSE(scene.pbx.Got("INVITE", 480).at(0).Has("Contact"));
    scene.ExpectClean();
  }
}

TEST(B2buaMessageTest, IsRefusedUnlessItsSideMayPass) {
  SbcScene scene;
  scene.pbx.SendRaw(Message("+18155558245", "one"));
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("MESSAGE", 405), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("MESSAGE"), IsEmpty());
  scene.ExpectClean();
}

TEST(B2buaMessageTest, PassesAsACallWould) {
  SbcScene scene(Passing("message: {customer: pass}"));
  scene.pbx.SendRaw(Message("+18155558245", "one"));
  scene.Run(1s);
  const auto got = scene.trunk.Got("MESSAGE");
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].body, "hello");
  EXPECT_EQ(got[0].Get("Content-Type"), "text/plain");
  EXPECT_EQ(got[0].Get("Max-Forwards"), "69");
  EXPECT_THAT(got[0].Get("From"), HasSubstr("+16185558387"));
  EXPECT_THAT(got[0].Get("From"), Not(HasSubstr("127.0.0.4")));
  EXPECT_EQ(got[0].Get("Contact"), "");  // RFC 3428 §4: it makes no dialog.
  EXPECT_THAT(scene.pbx.Got("MESSAGE", 200), SizeIs(1));
  EXPECT_EQ(scene.world->calls(), 0u);
  scene.ExpectClean();
}

TEST(B2buaMessageTest, IsJudgedAsACallWouldBe) {
  SbcScene scene(Passing("message: {customer: pass}"));
  scene.pbx.SendRaw(Message("+442071234567", "abroad"));
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("MESSAGE", 403), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("MESSAGE"), IsEmpty());
  scene.ExpectClean();
}

// Inside a dialog as outside, each side by its own setting; Allow says which (RFC 3261 §20.5).
TEST(B2buaMessageTest, InADialogItPassesWhereItsSideMay) {
  SbcScene scene(Passing("message: {customer: pass}"));
  const size_t call = scene.Outbound();
  EXPECT_TRUE(scene.pbx.Got("INVITE", 200).at(0).Lists("Allow", "MESSAGE"));
  EXPECT_FALSE(scene.trunk.Got("INVITE").at(0).Lists("Allow", "MESSAGE"));
  scene.pbx.Do(call, {.method = "MESSAGE", .body = "x", .fields = "Content-Type: a/b\r\n"});
  scene.trunk.Do(0, {.method = "MESSAGE", .body = "x", .fields = "Content-Type: a/b\r\n"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("MESSAGE", 200), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("MESSAGE"), IsEmpty());
  ASSERT_THAT(scene.trunk.Got("MESSAGE", 405), SizeIs(1));
  EXPECT_TRUE(scene.trunk.Got("MESSAGE", 405)[0].Lists("Allow", "INFO"));
  EXPECT_FALSE(scene.trunk.Got("MESSAGE", 405)[0].Lists("Allow", "MESSAGE"));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 2, `cidr: drop`: who may reach us but start no call gets silence for a MESSAGE, too.
TEST(B2buaMessageTest, Rule02_FromWhoMayNotCallItGetsSilence) {
  for (const char* setting : {"message: pass", "message: refuse"}) {
    SbcScene::Options options = Passing(setting);
    options.termination =
        "CpsLimit: 0, CallingRegions: [US], CidrAllowedList: [127.0.0.6/32], Disabled: false";
    SbcScene scene(options);
    scene.pbx.SendRaw(Message("+18155558245", "one"));
    scene.Run(1s);
    for (const auto& entry : scene.pbx.log()) EXPECT_TRUE(entry.sent) << entry.text;
    EXPECT_THAT(scene.trunk.log(), IsEmpty());
    scene.ExpectClean();
  }
}

// RFC 4320 §4.1: a silent trunk is no 408; and nothing is held when the timers are over.
TEST(B2buaMessageTest, SilenceIsNever408) {
  SbcScene scene(Passing("message: {customer: pass}"));
  scene.trunk.set_dead(true);
  scene.pbx.SendRaw(Message("+18155558245", "one"));
  scene.Run(60s);
  EXPECT_THAT(scene.pbx.Got("MESSAGE", 408), IsEmpty());
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
