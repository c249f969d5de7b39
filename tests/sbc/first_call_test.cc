#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/sip/message.h"
#include "tests/support/sbc_world.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

constexpr char kYaml[] = R"(
node: {name: sbc-1}
listeners:
  - {side: customer, address: 127.0.0.2, port: 5060}
  - {side: trunk, address: 127.0.0.3, port: 5060}
connectors:
  - id: dr3rbaar376u5r4ntcnlq4
    trunk: {host: 127.0.0.9, cidrs: [127.0.0.9/32]}
    termination: {CpsLimit: 0, CallingRegions: [US], CidrAllowedList: [127.0.0.4/32]}
    origination: {Origination: {Routes: [{Host: 127.0.0.4, Priority: 1, Weight: 1}]}}
failover: {options_interval: 0s}
)";

/// A peer that only listens and says what it is told to.
class Peer final : public Participant {
 public:
  Peer(const char* address, SimNetwork* network, Simulation* simulation) : io_(network) {
    core::net::SocketOptions options;
    CHECK(core::Endpoint::Parse(address, &options.local));
    socket_ = *io_.Open(options);
    local_ = options.local;
    simulation->Add(this, &io_);
  }
  void Turn() override {
    io_.FlushAndWait({});
    for (core::Packet& packet : io_.Receive()) got.emplace_back(packet.text());
  }
  core::Instant NextDue() const override { return core::kNever; }

  void Send(const std::string& text, const char* to) {
    core::Packet packet = store_.Copy(text);
    core::Endpoint remote;
    CHECK(core::Endpoint::Parse(to, &remote));
    packet.SetRoute(socket_, local_, remote);
    io_.Send(std::move(packet));
  }
  std::string Last() const { return got.empty() ? "" : got.back(); }

  std::vector<std::string> got;

 private:
  core::PacketStore store_{{.small = 64, .medium = 64, .large = 4}};
  SimIo io_;
  core::SocketId socket_;
  core::Endpoint local_;
};

std::string Invite() {
  return "INVITE sip:+18155558245@127.0.0.2 SIP/2.0\r\n"
         "Via: SIP/2.0/UDP 127.0.0.4:5060;rport;branch=z9hG4bKone\r\n"
         "From: <sip:+16185558387@10.0.0.141>;tag=abc\r\n"
         "To: <sip:+18155558245@127.0.0.2>\r\n"
         "Contact: <sip:asterisk@127.0.0.4:5060>\r\n"
         "Call-ID: first\r\nCSeq: 7 INVITE\r\nMax-Forwards: 70\r\n"
         "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";
}

std::string Header(const std::string& text, core::sip::HeaderId id) {
  core::sip::Message message;
  CHECK(message.Index(text) == core::sip::ParseError::kOk);
  return std::string(message.Find(id).value_or(""));
}

std::string Reply(const std::string& request, const std::string& status, const std::string& tag,
                  const std::string& more) {
  using core::sip::HeaderId;
  return "SIP/2.0 " + status + "\r\nVia: " + Header(request, HeaderId::kVia) +
         "\r\nFrom: " + Header(request, HeaderId::kFrom) +
         "\r\nTo: " + Header(request, HeaderId::kTo) + tag +
         "\r\nCall-ID: " + Header(request, HeaderId::kCallId) +
         "\r\nCSeq: " + Header(request, HeaderId::kCSeq) + "\r\n" + more +
         "Content-Length: 0\r\n\r\n";
}

// The thinnest call through everything: INVITE, 100, 180, 200, ACK, BYE, 200; one record; nothing
// held when the last timer has gone.
TEST(FirstCallTest, OutboundCallBeginsAndEndsOnce) {
  SimNetwork network(1);
  Simulation simulation(&network);
  Peer pbx("127.0.0.4:5060", &network, &simulation);
  Peer trunk("127.0.0.9:5060", &network, &simulation);
  SbcWorld world({.yaml = kYaml}, &network, &simulation);

  pbx.Send(Invite(), "127.0.0.2:5060");
  simulation.RunFor(100ms);
  ASSERT_EQ(trunk.got.size(), 1u);
  const std::string invite = trunk.got[0];
  ASSERT_EQ(invite.substr(0, 7), "INVITE ");
  trunk.Send(Reply(invite, "180 Ringing", ";tag=t", "Contact: <sip:127.0.0.9>\r\n"),
             "127.0.0.3:5060");
  simulation.RunFor(100ms);
  EXPECT_THAT(pbx.Last(), testing::StartsWith("SIP/2.0 180"));
  trunk.Send(Reply(invite, "200 OK", ";tag=t", "Contact: <sip:127.0.0.9>\r\n"), "127.0.0.3:5060");
  simulation.RunFor(10ms);
  EXPECT_THAT(trunk.Last(), testing::StartsWith("ACK "));
  ASSERT_THAT(pbx.Last(), testing::StartsWith("SIP/2.0 200"));
  const std::string to = Header(pbx.Last(), core::sip::HeaderId::kTo);
  pbx.Send(
      "ACK sip:127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.4:5060;branch=z9hG4bKtwo\r\n"
      "From: <sip:+16185558387@10.0.0.141>;tag=abc\r\nTo: " +
          to + "\r\nCall-ID: first\r\nCSeq: 7 ACK\r\nContent-Length: 0\r\n\r\n",
      "127.0.0.2:5060");
  simulation.RunFor(10ms);
  EXPECT_EQ(world.calls(), 1u);
  pbx.Send(
      "BYE sip:127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.4:5060;branch=z9hG4bKthree\r\n"
      "From: <sip:+16185558387@10.0.0.141>;tag=abc\r\nTo: " +
          to + "\r\nCall-ID: first\r\nCSeq: 8 BYE\r\nContent-Length: 0\r\n\r\n",
      "127.0.0.2:5060");
  simulation.RunFor(10ms);
  EXPECT_THAT(pbx.Last(), testing::StartsWith("SIP/2.0 200"));
  ASSERT_THAT(trunk.Last(), testing::StartsWith("BYE "));
  trunk.Send(Reply(trunk.Last(), "200 OK", "", ""), "127.0.0.3:5060");
  simulation.RunFor(2min);

  ASSERT_EQ(world.records().size(), 1u);
  EXPECT_EQ(world.records()[0].end, sbc::CallEnd::kCallerHungUp);
  EXPECT_EQ(world.records()[0].status_code, 200);
  EXPECT_EQ(world.calls(), 0u);
  EXPECT_EQ(world.transactions(), 0u);
  EXPECT_EQ(world.packets(), 0u);
  EXPECT_EQ(world.timers(), 0u);
}

}  // namespace
}  // namespace tests
