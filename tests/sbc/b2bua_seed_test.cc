// The two INVITEs that the project began from, byte for byte, through a whole SBC that stands where
// their own configuration puts it: who gets what, from which address, and how the rest of the call
// follows. The addresses are the real ones; the network is simulated, so nothing leaves here.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/corpus.h"
#include "tests/support/sbc_world.h"
#include "tests/support/sim_user_agent.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

constexpr char kHost[] = "dr3rbaar376u5r4ntcnlq4.voiceconnector.chime.aws";

// The SBC has taken the PBX's public address; the PBX stands behind it.
constexpr char kYaml[] = R"(
listeners:
  - {side: customer, address: 10.0.0.1, port: 5060}
  - {side: trunk, address: 198.51.100.204, port: 5060}
connectors:
  - id: dr3rbaar376u5r4ntcnlq4
    trunk: {host: dr3rbaar376u5r4ntcnlq4.voiceconnector.chime.aws, cidrs: [3.80.16.0/23]}
    termination: {file: tests/corpus/seed/termination.json}
    origination: {file: tests/corpus/seed/origination.json}
    customers: [{cidrs: [10.0.0.141/32]}]
    routes: [{Host: 10.0.0.141, Port: 5060, Protocol: UDP, Priority: 1, Weight: 1}]
failover: {options_interval: 0s}
)";

SimUserAgent::Options At(const char* address, const char* sbc, const char* name) {
  SimUserAgent::Options options;
  options.address = address;
  options.sbc = sbc;
  options.name = name;
  return options;
}

struct SeedScene {
  SeedScene()
      : network(1),
        simulation(&network),
        pbx(At("10.0.0.141:5060", "10.0.0.1:5060", "asterisk"), &network, &simulation),
        trunk(At("3.80.16.13:5060", "198.51.100.204:5060", "edge"), &network, &simulation),
        world({.yaml = kYaml}, &network, &simulation) {
    core::Endpoint edge;
    CHECK(core::Endpoint::Parse("3.80.16.13:5060", &edge));
    world.SetAddresses(kHost, {edge});
    simulation.RunFor(1ms);
  }

  SimNetwork network;
  Simulation simulation;
  SimUserAgent pbx;
  SimUserAgent trunk;
  SbcWorld world;
};

SimPlan Script(std::vector<SimStep> script) {
  SimPlan plan;
  plan.script = std::move(script);
  return plan;
}

SimMessage Parsed(const std::string& text) {
  SimMessage message;
  CHECK(SimMessage::Parse(text, &message));
  return message;
}

std::string BodyOf(const std::string& text) { return text.substr(text.find("\r\n\r\n") + 4); }

// The trunk's call: with Record-Route, two Vias, a private Contact with an alias, a To with a
// parameter outside of its brackets (rule 19; RFC 3261 §12.2.1.1, §18.2.2).
TEST(B2buaSeedTest, Rule19_TheInboundInviteIsRoutedAndAnswered) {
  SeedScene scene;
  const std::string seed = ReadCorpus("seed/inbound-invite.sip");
  scene.pbx.Expect(
      Script({{.after = 10ms, .status = 180}, {.after = 1s, .status = 200, .body = kSdp}}));
  scene.trunk.SendRaw(seed);
  scene.simulation.RunFor(2s);

  ASSERT_THAT(scene.pbx.Got("INVITE"), SizeIs(1));
  const SimMessage invite = scene.pbx.Got("INVITE")[0];
  EXPECT_EQ(invite.start_line, "INVITE sip:+16185558387@10.0.0.141 SIP/2.0");
  EXPECT_EQ(invite.Get("From"), "<sip:+18155558245@10.0.0.1>;tag=" + invite.Tag("From"));
  EXPECT_EQ(invite.Get("To"), "<sip:+16185558387@10.0.0.141>");
  EXPECT_EQ(invite.All("Via"),
            std::vector<std::string>{"SIP/2.0/UDP 10.0.0.1:5060;rport;branch=" + invite.Branch()});
  EXPECT_EQ(invite.Get("Contact"), "<sip:10.0.0.1:5060>");
  EXPECT_EQ(invite.Get("Max-Forwards"), "68");
  EXPECT_EQ(invite.Get("X-VoiceConnector-ID"), "dr3rbaar376u5r4ntcnlq4");
  EXPECT_EQ(invite.Get("User-Agent"), "Ringfence");
  EXPECT_FALSE(invite.Has("Record-Route"));
  EXPECT_EQ(invite.body, BodyOf(seed));

  const SimMessage sent = Parsed(seed);
  for (const int status : {100, 180, 200}) {
    ASSERT_THAT(scene.trunk.Got("INVITE", status), SizeIs(testing::Ge(1u))) << status;
    const SimMessage response = scene.trunk.Got("INVITE", status)[0];
    EXPECT_EQ(response.All("Via"), sent.All("Via")) << "both, and in order";
    EXPECT_EQ(response.Get("From"), sent.Get("From"));
    EXPECT_EQ(response.call_id(), sent.call_id());
    EXPECT_EQ(response.Get("CSeq"), "52215685 INVITE");
    if (status > 100) {
      EXPECT_EQ(response.Get("To"), sent.Get("To") + ";tag=" + response.Tag("To"));
      EXPECT_EQ(response.All("Record-Route"), sent.All("Record-Route"));
      EXPECT_EQ(response.Get("Contact"), "<sip:198.51.100.204:5060>");
    }
  }

  const SimMessage answer = scene.trunk.Got("INVITE", 200)[0];
  scene.trunk.SendRaw(
      "ACK sip:198.51.100.204:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 3.80.16.13:5060;"
      "branch=z9hG4bKec37.ack.0\r\nMax-Forwards: 69\r\nFrom: " +
      sent.Get("From") + "\r\nTo: " + answer.Get("To") + "\r\nCall-ID: " + sent.call_id() +
      "\r\nCSeq: 52215685 ACK\r\nContent-Length: 0\r\n\r\n");
  scene.simulation.RunFor(1s);
  const size_t repeats = scene.trunk.Got("INVITE", 200).size();
  scene.simulation.RunFor(10s);
  EXPECT_THAT(scene.trunk.Got("INVITE", 200), SizeIs(repeats)) << "its ACK was understood";

  // The Contact is only the Request-URI; the packet goes by the Record-Route.
  scene.pbx.Do(0, {.method = "BYE"});
  scene.simulation.RunFor(1s);
  ASSERT_THAT(scene.trunk.Got("BYE"), SizeIs(1));
  const SimMessage bye = scene.trunk.Got("BYE")[0];
  EXPECT_EQ(bye.uri(), "sip:10.0.58.47:5060;alias=10.0.58.47~5060~1");
  EXPECT_EQ(bye.Get("Route"), sent.Get("Record-Route"));
  EXPECT_EQ(bye.Get("To"), sent.Get("From"));
  EXPECT_EQ(bye.Get("From"), "<sip:+16185558387@198.51.100.204:5060>;tag=" + answer.Tag("To"))
      << "§12.1.1: the local URI is the URI of To, without what stands outside of the brackets";
  EXPECT_EQ(bye.call_id(), sent.call_id());
}

// Asterisk's call: to the connector by its host name, with an offer of ICE that crosses as it is.
TEST(B2buaSeedTest, TheOutboundInviteIsRoutedAndAnswered) {
  SeedScene scene;
  const std::string seed = ReadCorpus("seed/outbound-invite.sip");
  scene.trunk.Expect(Script({{.after = 10ms, .status = 100},
                             {.after = 100ms, .status = 183, .body = kSdp},
                             {.after = 1s, .status = 200, .body = kSdp}}));
  scene.pbx.SendRaw(seed);
  scene.simulation.RunFor(2s);

  ASSERT_THAT(scene.trunk.Got("INVITE"), SizeIs(1));
  const SimMessage invite = scene.trunk.Got("INVITE")[0];
  EXPECT_EQ(invite.start_line, std::string("INVITE sip:+18155558245@") + kHost + " SIP/2.0");
  EXPECT_EQ(invite.Get("From"), "<sip:+16185558387@198.51.100.204>;tag=" + invite.Tag("From"));
  EXPECT_EQ(invite.Get("To"), std::string("<sip:+18155558245@") + kHost + ">");
  EXPECT_EQ(invite.Get("Contact"), "<sip:198.51.100.204:5060>");
  EXPECT_EQ(invite.Get("Max-Forwards"), "69");
  EXPECT_EQ(invite.Get("CSeq"), "1 INVITE");
  EXPECT_EQ(invite.Get("Session-Expires"), "1800");
  EXPECT_EQ(invite.Get("Min-SE"), "90");
  EXPECT_EQ(invite.Get("Supported"), "timer, 100rel");
  EXPECT_EQ(
      invite.All("Via"),
      std::vector<std::string>{"SIP/2.0/UDP 198.51.100.204:5060;rport;branch=" + invite.Branch()});
  EXPECT_EQ(invite.body, BodyOf(seed));

  const SimMessage sent = Parsed(seed);
  for (const int status : {100, 183, 200}) {
    ASSERT_THAT(scene.pbx.Got("INVITE", status), SizeIs(testing::Ge(1u))) << status;
    const SimMessage response = scene.pbx.Got("INVITE", status)[0];
    EXPECT_THAT(response.All("Via"),
                ElementsAre("SIP/2.0/UDP 198.51.100.204:5060;branch=" + sent.Branch() +
                            ";received=10.0.0.141;rport=5060"));
    EXPECT_EQ(response.call_id(), sent.call_id());
    EXPECT_EQ(response.Get("CSeq"), "23513 INVITE");
  }
  EXPECT_THAT(scene.trunk.Got("ACK"), SizeIs(1));
}

}  // namespace
}  // namespace tests
