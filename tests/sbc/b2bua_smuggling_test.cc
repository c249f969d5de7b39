// Rule 16 through the whole SBC: what a peer hides in folds, compact names, bare CR or LF and NULs
// never becomes a line, a field or a word on the other side, and never keeps a call from ending.

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

const std::string kNul(1, '\0');

SimPlan WithFields(std::string fields) {
  SimPlan plan;
  plan.fields = std::move(fields);
  return plan;
}

// An INVITE all in compact names, with folds wherever they may stand.
std::string Compact(const std::string& more) {
  return "INVITE sip:+18155558245@127.0.0.2 SIP/2.0\r\n"
         "v:\r\n SIP/2.0/UDP 127.0.0.4:5060;rport;branch=z9hG4bKcompact\r\n"
         "f: \"A\r\n B\"\r\n\t<sip:+16185558387@10.0.0.141>;tag=compact\r\n"
         "t: <sip:+18155558245@127.0.0.2>\r\ni: compactcall\r\nCSeq: 1\r\n INVITE\r\n"
         "m: <sip:asterisk@127.0.0.4>\r\nk: timer\r\nMax-Forwards: 70\r\n" +
         more + "c: application/sdp\r\nl: " + std::to_string(std::string(kSdp).size()) +
         "\r\n\r\n" + kSdp;
}

TEST(B2buaSmugglingTest, Rule16_FoldsAndCompactNamesCrossInOneForm) {
  SbcScene scene;
  scene.pbx.SendRaw(Compact("s: one\r\n  two\r\n \r\n\tthree\r\nx: 1800\r\n"));
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
  const SimMessage invite = scene.trunk.Got("INVITE")[0];
  EXPECT_EQ(invite.Get("Subject"), "one two three");
  EXPECT_EQ(invite.Get("Content-Type"), "application/sdp");
  EXPECT_EQ(invite.body, kSdp);
  EXPECT_EQ(invite.text.find("\r\n "), std::string::npos) << invite.text;
  EXPECT_EQ(invite.text.find("\r\n\t"), std::string::npos) << invite.text;
  for (const SimMessage::Field& field : invite.fields) EXPECT_GT(field.name.size(), 1u);
  const std::string head = invite.text.substr(0, invite.text.find("\r\n\r\n"));
  for (size_t i = 0; i < head.size(); ++i) {
    const char before = i == 0 ? ' ' : head[i - 1];
    EXPECT_EQ(head[i] == '\n', before == '\r') << i;
  }
  scene.Run(60s);
}

// A CR or LF that ends no line is refused before anything is made of it.
TEST(B2buaSmugglingTest, Rule16_BareLineEndsAre400) {
  for (const char* field : {"Subject: a\rX-Evil: 1\r\n", "Subject: a\nX-Evil: 1\r\n",
                            "Subject: a\n b\r\n", "Subject: a\r b\r\n", "No Colon\r\n"}) {
    SbcScene scene;
    scene.pbx.SendRaw(Compact(field));
    scene.Run(1s);
    EXPECT_THAT(scene.pbx.Got("INVITE", 400), SizeIs(1)) << field;
    EXPECT_THAT(scene.trunk.log(), IsEmpty()) << field;
    scene.ExpectClean();
  }
}

// A field with a NUL does not cross; the call does.
TEST(B2buaSmugglingTest, Rule16_AFieldWithNulEndsHere) {
  SbcScene scene;
  const size_t call = scene.Outbound(WithFields("Subject: a" + kNul + "b\r\nPriority: urgent\r\n"));
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
  EXPECT_FALSE(scene.trunk.Got("INVITE")[0].Has("Subject"));
  EXPECT_EQ(scene.trunk.Got("INVITE")[0].Get("Priority"), "urgent");
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Why it ends cannot be told with a NUL in it; that it ends can.
TEST(B2buaSmugglingTest, Rule16_ANulInReasonKeepsNoCallUp) {
  const std::string reason = "Reason: SIP;cause=200;text=\"a" + kNul + "b\"\r\n";
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "BYE", .fields = reason});
  scene.Run(1s);
  ASSERT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  EXPECT_FALSE(scene.trunk.Got("BYE")[0].Has("Reason"));

  SimPlan rings;
  rings.script = {{.after = 10ms, .status = 180}};
  scene.trunk.Expect(rings);
  const size_t ringing = scene.Outbound();
  const SimMessage invite = scene.pbx.call(ringing).invite;
  scene.pbx.SendRaw("CANCEL " + invite.uri() + " SIP/2.0\r\nVia: " + invite.Get("Via") +
                    "\r\nMax-Forwards: 70\r\nFrom: " + invite.Get("From") +
                    "\r\nTo: " + invite.Get("To") + "\r\nCall-ID: " + invite.call_id() +
                    "\r\nCSeq: 23513 CANCEL\r\n" + reason + "Content-Length: 0\r\n\r\n");
  scene.Run(1s);
  EXPECT_EQ(scene.pbx.call(ringing).final_status, 487);
  EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(1));
  scene.ExpectClean();
}

// A callee's words with a NUL become our own words with the same code; nobody waits for ever.
TEST(B2buaSmugglingTest, Rule16_ANulInAReasonPhraseIsNotPassedOn) {
  SbcScene scene;
  SimPlan silent;
  silent.silent = true;
  for (const int status : {486, 180}) {
    scene.trunk.Expect(silent);
    const size_t call = scene.pbx.Place({});
    scene.Run(20ms);
    const SimMessage invite = scene.trunk.Got("INVITE").back();
    scene.trunk.SendRaw("SIP/2.0 " + std::to_string(status) + " a" + kNul +
                        "b\r\nVia: " + invite.Get("Via") + "\r\nFrom: " + invite.Get("From") +
                        "\r\nTo: " + invite.Get("To") + ";tag=nul\r\nCall-ID: " + invite.call_id() +
                        "\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
    scene.Run(100ms);
    EXPECT_THAT(scene.pbx.Got("INVITE", status), SizeIs(1)) << status;
    scene.pbx.Do(call, {.method = "CANCEL"});
  }
  scene.ExpectClean();
}

// A NUL is legal in a quoted string (RFC 3261 §25.1, RFC 4475 §3.1.1.2): who has one in its name
// has it back in its own responses and requests, and shows it to nobody else.
TEST(B2buaSmugglingTest, Rule16_AQuotedNulInANameStaysOnItsLeg) {
  SbcScene scene;
  const std::string name = "\"N\\" + kNul + "L\" ";
  std::string text = Compact("");
  text.replace(text.find("t: <"), 3, "t: " + name);
  scene.pbx.SendRaw(text);
  scene.Run(1s);
  ASSERT_THAT(scene.pbx.Got("INVITE", 200), Not(IsEmpty()));
  EXPECT_THAT(scene.pbx.Got("INVITE", 200)[0].Get("To"), HasSubstr(name));
  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("INVITE")[0].text, Not(HasSubstr(kNul)));
  scene.Run(60s);  // Nobody acknowledged: the BYE has the name again, in its From.
  ASSERT_THAT(scene.pbx.Got("BYE"), Not(IsEmpty()));
  EXPECT_THAT(scene.pbx.Got("BYE")[0].Get("From"), HasSubstr(name));
}

}  // namespace
}  // namespace tests
