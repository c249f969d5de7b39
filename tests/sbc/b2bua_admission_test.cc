// Who may call through the whole SBC, and what it says to those who may not (rules 2, 3, 5, 6, 11,
// 17, 20), requests outside of dialogs, drain and reload.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/sip/digest.h"
#include "tests/support/sbc_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using sbc::CallEnd;
using sbc::RejectionCause;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kInventory[] = "    phone_numbers: [\"+16185558387\", \"+16185550000\"]\n";

SimPlan From(const std::string& caller, const std::string& number = "+18155558245") {
  SimPlan plan;
  plan.caller = caller;
  plan.number = number;
  return plan;
}

std::string Request(const std::string& method, const std::string& more, int hops = 70) {
  static int serial = 0;
  const std::string id = std::to_string(++serial);
  return method + " sip:+18155558245@127.0.0.2 SIP/2.0\r\n" +
         "Via: SIP/2.0/UDP 127.0.0.4:5060;rport;branch=z9hG4bKraw" + id +
         "\r\nMax-Forwards: " + std::to_string(hops) +
         "\r\nFrom: <sip:+16185558387@127.0.0.4>;tag=pbxonetag" + id +
         "\r\nTo: <sip:+18155558245@127.0.0.2>\r\nCall-ID: pbxoneraw" + id + "\r\nCSeq: 1 " +
         method + "\r\nContact: <sip:asterisk@127.0.0.4>\r\n" + more + "Content-Length: 0\r\n\r\n";
}

// Rule 2: strangers get silence, whatever they send.
TEST(B2buaAdmissionTest, UnknownSourceGetsSilence) {
  SbcScene scene;
  SimUserAgent::Options options;
  options.address = "192.0.2.200:5060";
  options.name = "stranger";
  SimUserAgent stranger(options, &scene.network, &scene.simulation);
  stranger.Place({});
  stranger.SendRaw(Request("OPTIONS", ""));
  stranger.SendRaw("complete nonsense\r\n\r\n");
  scene.Run(40s);
  for (const SimUserAgent::Entry& entry : stranger.log()) EXPECT_TRUE(entry.sent) << entry.text;
  EXPECT_THAT(scene.world->records(), IsEmpty());
  scene.ExpectClean();
}

// Rule 2: who may reach us need not be one who may call: a route host that is in no customer block
// gets silence for its INVITE, while its BYE in a call of ours works.
TEST(B2buaAdmissionTest, RouteHostMayHangUpButNotCall) {
  SbcScene scene({.termination = "CpsLimit: 0, CallingRegions: [US], "
                                 "CidrAllowedList: [127.0.0.5/32], Disabled: false"});
  scene.pbx.Place({});
  scene.Run(40s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 100), IsEmpty());
  scene.Inbound();
  scene.pbx.Do(1, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("BYE", 200), SizeIs(1));
  scene.ExpectClean();
}

// The refusal that AWS has too: the number in the reason phrase, the cause in the record.
TEST(B2buaAdmissionTest, ForeignCallerIdIs403WithItsNumber) {
  SbcScene scene({.connector = kInventory});
  const size_t call = scene.Outbound(From("+14155550199"));
  EXPECT_EQ(scene.pbx.call(call).final_status, 403);
  EXPECT_EQ(scene.pbx.Got("INVITE", 403)[0].start_line,
            "SIP/2.0 403 Caller Id +14155550199 is not valid");
  EXPECT_THAT(scene.trunk.Got("INVITE"), IsEmpty());
  ASSERT_THAT(scene.world->records(), SizeIs(1));
  EXPECT_EQ(scene.record().end, CallEnd::kRefused);
  EXPECT_EQ(scene.record().cause, RejectionCause::kCallerId);
  EXPECT_EQ(scene.record().caller.view(), "+14155550199");
  EXPECT_EQ(scene.record().answered.unix_us, 0);
  scene.ExpectClean();
}

// Rule 17: DefaultPhoneNumber replaces the number in From and P-Asserted-Identity, before the
// inventory check; the record keeps the original.
TEST(B2buaAdmissionTest, DefaultPhoneNumberReplacesTheCaller) {
  SbcScene scene({.termination = "CpsLimit: 0, CallingRegions: [US], CidrAllowedList: "
                                 "[127.0.0.4/30], Disabled: false, "
                                 "DefaultPhoneNumber: \"+16185550000\"",
                  .connector = kInventory});
  SimPlan plan = From("+14155550199");
  plan.fields = "P-Asserted-Identity: <sip:+14155550199@10.0.0.141>\r\n";
  const size_t call = scene.Outbound(plan);
  EXPECT_EQ(scene.pbx.call(call).final_status, 200);
  const SimMessage invite = scene.trunk.Got("INVITE")[0];
  EXPECT_THAT(invite.Get("From"), HasSubstr("sip:+16185550000@"));
  EXPECT_THAT(invite.text, Not(HasSubstr("+14155550199")));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_EQ(scene.record().caller.view(), "+14155550199");
  EXPECT_EQ(scene.record().caller_sent.view(), "+16185550000");
  scene.ExpectClean();
}

// Rule 16: what is signed over the two numbers (RFC 8224) crosses where both are said as they came,
// and not where the caller's was replaced.
TEST(B2buaAdmissionTest, IdentityCrossesWithItsNumbersOnly) {
  const std::string identity = "eyJhbGciOiJFUzI1NiJ9..a;info=<https://ca.example/c.pem>;alg=ES256";
  for (const std::string replaced : {"", ", DefaultPhoneNumber: \"+16185550000\""}) {
    SbcScene scene({.termination = "CpsLimit: 0, CallingRegions: [US], CidrAllowedList: "
                                   "[127.0.0.4/30], Disabled: false" +
                                   replaced});
    SimPlan plan = From("+16185558387");
    plan.fields = "Identity: " + identity + "\r\n";
    const size_t call = scene.Outbound(plan);
    const SimMessage invite = scene.trunk.Got("INVITE")[0];
    EXPECT_EQ(invite.Get("Identity"), replaced.empty() ? identity : "") << replaced;
    scene.pbx.Do(call, {.method = "BYE"});
    scene.ExpectClean();
  }
}

// CallingRegions by E.164 country: Canada and the Caribbean are not the US, though all are +1.
TEST(B2buaAdmissionTest, OtherRegionsAre403) {
  for (const auto& [number, status] :
       std::vector<std::pair<std::string, int>>{{"+14165550123", 403},
                                                {"+18765550123", 403},
                                                {"+442079460000", 403},
                                                {"+12125550123", 200}}) {
    SbcScene scene;
    const size_t call = scene.Outbound(From("+16185558387", number));
    EXPECT_EQ(scene.pbx.call(call).final_status, status) << number;
    if (status == 200) scene.pbx.Do(call, {.method = "BYE"});
    scene.ExpectClean();
  }
}

TEST(B2buaAdmissionTest, DisabledTerminationRefusesButOldCallsGoOn) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  SbcScene::Options off;
  off.termination =
      "CpsLimit: 0, CallingRegions: [US], CidrAllowedList: [127.0.0.4/30], "
      "Disabled: true";
  scene.world->Reload(SbcScene::Yaml(off));
  scene.Run(10ms);
  const size_t refused = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(refused).final_status, 403);
  scene.pbx.Do(call, {.method = "INVITE", .body = kSdp});  // Rule 2: by its own configuration.
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 200), SizeIs(2));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 2, a reload that takes the caller's block away while its call runs: the call is still its.
TEST(B2buaAdmissionTest, CallOutlivesItsConfiguration) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  SbcScene::Options other;
  other.termination =
      "CpsLimit: 0, CallingRegions: [US], CidrAllowedList: [127.0.0.6/32], Disabled: false";
  other.routes = "{Host: 127.0.0.6, Priority: 1, Weight: 1}";
  scene.world->Reload(SbcScene::Yaml(other));
  scene.Run(10ms);
  EXPECT_EQ(scene.world->worker().policies(), 2u);
  scene.pbx.Do(call, {.method = "INFO"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INFO", 200), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("BYE", 200), SizeIs(1));
  scene.Run(60s);
  EXPECT_EQ(scene.world->worker().policies(), 1u);
  scene.pbx.ClearLog();
  scene.pbx.Place({});
  scene.Run(5s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 100), IsEmpty());  // A stranger by now.
  scene.ExpectClean();
}

// Rule 5: at most N new INVITEs in any one second; refused ones and retransmissions do not count.
TEST(B2buaAdmissionTest, CpsLimitOfOne) {
  SbcScene scene({.termination = "CpsLimit: 1, CallingRegions: [US], "
                                 "CidrAllowedList: [127.0.0.4/30], Disabled: false"});
  std::vector<size_t> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(scene.pbx.Place({}));
  scene.Run(900ms);
  int answered = 0;
  int refused = 0;
  for (const size_t call : calls) {
    answered += scene.pbx.call(call).final_status == 200 ? 1 : 0;
    refused += scene.pbx.call(call).final_status == 503 ? 1 : 0;
  }
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(refused, 3);
  EXPECT_FALSE(scene.pbx.Got("INVITE", 503)[0].Has("Retry-After"));  // Rule 11.
  scene.Run(200ms);
  const size_t next = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(next).final_status, 200);
  for (size_t i = 0; i < scene.pbx.calls(); ++i) scene.pbx.Do(i, {.method = "BYE"});
  scene.ExpectClean();
}

// limits.calls of a connector: the next is refused until one ends.
TEST(B2buaAdmissionTest, ConnectorsLimitOfCalls) {
  SbcScene scene({.connector = "    limits: {calls: 1}\n"});
  const size_t first = scene.Outbound();
  const size_t second = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(second).final_status, 503);
  EXPECT_EQ(scene.record().cause, RejectionCause::kCalls);
  scene.pbx.Do(first, {.method = "BYE"});
  scene.Run(1s);
  const size_t third = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(third).final_status, 200);
  scene.pbx.Do(third, {.method = "BYE"});
  scene.ExpectClean();
}

// Rule 6: emergency calls pass region, caller ID, rate, limits and drain, and are counted.
TEST(B2buaAdmissionTest, EmergencyCallsPassEverything) {
  SbcScene scene({.termination = "CpsLimit: 1, CallingRegions: [CA], "
                                 "CidrAllowedList: [127.0.0.4/30], Disabled: false",
                  .connector = std::string(kInventory) + "    limits: {calls: 1}\n"});
  scene.world->PostAll(sbc::EnvelopeKind::kDrain);
  scene.Run(10ms);
  SimPlan plan = From("+14155550199", "911");
  plan.fields = "Geolocation: <cid:target123@pbx.example>\r\nGeolocation-Routing: yes\r\n";
  std::vector<size_t> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(scene.Outbound(plan));
  for (const size_t call : calls) {
    EXPECT_EQ(scene.pbx.call(call).final_status, 200);
    scene.pbx.Do(call, {.method = "BYE"});
  }
  EXPECT_EQ(scene.trunk.Got("INVITE")[0].Get("Geolocation-Routing"), "yes");
  EXPECT_EQ(scene.counters().emergency_calls, 3u);
  scene.Run(1s);
  EXPECT_TRUE(scene.record().emergency);
  scene.ExpectClean();
}

// `nat`: what a PBX calls itself behind its NAT leads nowhere, so answers go where the request came
// from, even if it knows no rport (RFC 3581 section 4 is for those who do).
TEST(B2buaAdmissionTest, CustomerBehindNatIsAnsweredWhereItIs) {
  for (const bool nat : {false, true}) {
    SbcScene::Options options;
    options.connector = nat ? "    customers: [{cidrs: [127.0.0.4/30], nat: true}]\n" : "";
    SbcScene scene(options);
    std::string text = Request("OPTIONS", "");
    const std::string via = "127.0.0.4:5060;rport";
    text.replace(text.find(via), via.size(), "192.168.1.20:5081");
    scene.pbx.SendRaw(text);
    scene.Run(100ms);
    EXPECT_THAT(scene.pbx.Got("OPTIONS", 200), SizeIs(nat ? 1 : 0)) << nat;
    scene.ExpectClean();
  }
}

// Rules 10 and 11: draining, new calls get 503 with Retry-After and OPTIONS 503; those in progress
// go on, and their end is told.
TEST(B2buaAdmissionTest, DrainRefusesNewCallsOnly) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.world->PostAll(sbc::EnvelopeKind::kDrain);
  scene.Run(10ms);
  const size_t refused = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(refused).final_status, 503);
  EXPECT_TRUE(scene.pbx.Got("INVITE", 503)[0].Has("Retry-After"));
  scene.pbx.SendRaw(Request("OPTIONS", ""));
  scene.Run(100ms);
  EXPECT_THAT(scene.pbx.Got("OPTIONS", 503), SizeIs(1));
  scene.pbx.Do(call, {.method = "INFO"});
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INFO", 200), SizeIs(1));
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

// A stop ends what is left: BYE to those who talk, 503 to who waits, CANCEL to who rings.
TEST(B2buaAdmissionTest, StopEndsAllCalls) {
  SbcScene scene;
  scene.Outbound();
  SimPlan ringing;
  ringing.script = {{.after = 10ms, .status = 180}};
  scene.trunk.Expect(ringing);
  const size_t waits = scene.Outbound();
  scene.world->PostAll(sbc::EnvelopeKind::kStop);
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("BYE"), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  EXPECT_THAT(scene.trunk.Got("CANCEL"), SizeIs(1));
  EXPECT_EQ(scene.pbx.call(waits).final_status, 503);
  EXPECT_THAT(scene.world->records(), SizeIs(2));
  EXPECT_EQ(scene.record().end, CallEnd::kStopped);
  scene.ExpectClean();
}

// A customer with credentials is challenged (RFC 8760), SHA-256 first; the right password passes,
// the wrong one is asked again, and only the call that passed has a record.
TEST(B2buaAdmissionTest, CustomerWithCredentialsIsChallenged) {
  SbcScene scene({.connector = "    customers: [{cidrs: [127.0.0.4/30], credentials: "
                               "{username: pbx, password: secret}}]\n"});
  const size_t call = scene.Outbound();
  EXPECT_EQ(scene.pbx.call(call).final_status, 401);
  EXPECT_THAT(scene.world->records(), IsEmpty());
  const auto challenges = scene.pbx.Got("INVITE", 401)[0].All("WWW-Authenticate");
  ASSERT_THAT(challenges, SizeIs(2));
  EXPECT_THAT(challenges[0], HasSubstr("SHA-256"));
  for (const auto& [password, status] :
       std::vector<std::pair<const char*, int>>{{"wrong", 401}, {"secret", 200}}) {
    core::sip::DigestChallenge challenge;
    ASSERT_EQ(core::sip::ParseDigestChallenge(challenges[0], &challenge),
              core::sip::ParseError::kOk);
    char bytes[1024];
    core::sip::TextWriter value({bytes, sizeof(bytes)});
    ASSERT_TRUE(core::sip::WriteDigestCredentials(
        challenge, {.username = "pbx", .password = password},
        {.method = "INVITE", .uri = "sip:+18155558245@127.0.0.2", .body = kSdp},
        {.count = 1, .cnonce = password}, &value));
    SimPlan plan;
    plan.fields = "Authorization: " + std::string(value.text()) + "\r\n";
    const size_t again = scene.Outbound(plan);
    EXPECT_EQ(scene.pbx.call(again).final_status, status) << password;
    scene.pbx.Do(again, {.method = "BYE"});
  }
  EXPECT_FALSE(scene.trunk.Got("INVITE")[0].Has("Authorization"));
  scene.Run(1s);
  EXPECT_THAT(scene.world->records(), SizeIs(1));
  scene.ExpectClean();
}

// The trunk's challenge is answered with the connector's credentials, once; without them, or when
// it asks again, it ends here as 403.
TEST(B2buaAdmissionTest, TrunksChallengeIsAnswered) {
  const char* kChallenge =
      "Proxy-Authenticate: Digest realm=\"aws\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n";
  for (const bool known : {true, false}) {
    SbcScene scene({.connector = known ? "    credentials: {username: u, password: p}\n" : ""});
    SimPlan challenges;
    challenges.script = {{.after = 10ms, .status = 407, .fields = kChallenge}};
    scene.trunk.Expect(challenges);
    const size_t call = scene.Outbound();
    EXPECT_EQ(scene.pbx.call(call).final_status, known ? 200 : 403);
    ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(known ? 2 : 1));
    if (known) {
      const SimMessage second = scene.trunk.Got("INVITE")[1];
      EXPECT_EQ(second.sequence(), 2u);
      EXPECT_EQ(second.call_id(), scene.trunk.Got("INVITE")[0].call_id());
      EXPECT_THAT(second.Get("Proxy-Authorization"), HasSubstr("username=\"u\""));
      EXPECT_THAT(second.Get("Proxy-Authorization"), Not(HasSubstr("password")));
      scene.trunk.Expect(challenges);
      scene.trunk.Expect(challenges);
      const size_t refused = scene.Outbound();
      EXPECT_EQ(scene.pbx.call(refused).final_status, 403);
      EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(4));
    }
    scene.pbx.Do(call, {.method = "BYE"});
    scene.ExpectClean();
  }
}

// Rule 20 and RFC 3261 §8.2: 483 at the last hop, 420 with what is not known, 405 with Allow for
// what we know and refuse, 501 for what we do not, 481 for what needs a dialog, 482 for a merged
// request, 200 for OPTIONS.
TEST(B2buaAdmissionTest, OutsideOfDialogs) {
  SbcScene scene;
  scene.pbx.SendRaw(Request("INVITE", "", 0));
  scene.pbx.SendRaw(Request("INVITE", "Require: unheard-of, 100rel\r\n"));
  scene.pbx.SendRaw(Request("REGISTER", ""));
  scene.pbx.SendRaw(Request("SUBSCRIBE", "Event: dialog\r\n"));
  scene.pbx.SendRaw(Request("MESSAGE", ""));
  scene.pbx.SendRaw(Request("DANCE", ""));
  scene.pbx.SendRaw(Request("BYE", ""));
  scene.pbx.SendRaw(Request("OPTIONS", ""));
  scene.Run(1s);
  EXPECT_THAT(scene.pbx.Got("INVITE", 483), Not(IsEmpty()));
  ASSERT_THAT(scene.pbx.Got("INVITE", 420), Not(IsEmpty()));
  EXPECT_EQ(scene.pbx.Got("INVITE", 420)[0].Get("Unsupported"), "unheard-of");
  for (const char* method : {"REGISTER", "SUBSCRIBE", "MESSAGE"}) {
    ASSERT_THAT(scene.pbx.Got(method, 405), SizeIs(1)) << method;
    EXPECT_THAT(scene.pbx.Got(method, 405)[0].Get("Allow"), StartsWith("INVITE, ACK"));
  }
  EXPECT_THAT(scene.pbx.Got("DANCE", 501), SizeIs(1));
  EXPECT_THAT(scene.pbx.Got("BYE", 481), SizeIs(1));
  ASSERT_THAT(scene.pbx.Got("OPTIONS", 200), SizeIs(1));
  EXPECT_EQ(scene.pbx.Got("OPTIONS", 200)[0].Get("Accept"), "application/sdp, multipart/mixed");
  EXPECT_THAT(scene.trunk.log(), IsEmpty());
  scene.ExpectClean();
}

// RFC 3261 §8.2.2.2: the same request by another way (another branch) is 482, and rings once.
TEST(B2buaAdmissionTest, MergedRequestIs482) {
  SbcScene scene;
  const size_t call = scene.Outbound();
  scene.pbx.Do(call, {.method = "BYE"});
  SimPlan rings;
  rings.script = {{.after = 10ms, .status = 180}};
  scene.trunk.Expect(rings);
  const size_t other = scene.Outbound();
  std::string text = scene.pbx.call(other).invite.text;
  const std::string branch = scene.pbx.call(other).invite.Branch();
  text.replace(text.find(branch), branch.size(), "z9hG4bKotherway");
  scene.pbx.SendRaw(text);
  scene.Run(100ms);
  EXPECT_THAT(scene.pbx.Got("INVITE", 482), Not(IsEmpty()));
  EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(2));
  scene.pbx.Do(other, {.method = "CANCEL"});
  scene.ExpectClean();
}

// A retransmitted INVITE is one call, with one INVITE out.
TEST(B2buaAdmissionTest, RetransmittedInviteIsOneCall) {
  SbcScene scene;
  const size_t call = scene.pbx.Place({});
  scene.Run(10ms);
  for (int i = 0; i < 3; ++i) scene.pbx.SendRaw(scene.pbx.call(call).invite.text);
  scene.Run(5s);
  EXPECT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
  EXPECT_EQ(scene.counters().invites, 1u);
  scene.pbx.Do(call, {.method = "BYE"});
  scene.ExpectClean();
}

}  // namespace
}  // namespace tests
