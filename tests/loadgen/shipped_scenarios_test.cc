#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>

#include "core/base/check.h"
#include "loadgen/text_file.h"
#include "tests/support/load_texts.h"
#include "tests/support/load_world.h"

// The scenarios of scenarios/ against a peer that does not do what they hope for.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using testing::StartsWith;
using tests::HeaderOf;
using tests::LoadNode;
using tests::LoadWorld;
using tests::Request;
using tests::ScriptedPeer;

std::string Text(const std::filesystem::path& path) {
  absl::StatusOr<std::string> text = ReadTextFile(path.string(), 1 << 20);
  CHECK(text.ok());
  return *std::move(text);
}

// A re-INVITE that comes before the ACK of the other side is refused with a 491: the callee
// acknowledges it in its transaction (RFC 3261 §17.1.1.3) and tries again, in a new one, within two
// seconds (§14.1). The call then goes on as if nothing had been.
TEST(ShippedScenariosTest, CalleesOfferAgainAfterA491) {
  for (const char* name : {"pbx-inbound-hold", "connector-outbound-refresh"}) {
    LoadWorld world;
    LoadNode& callee = world.AddServer(Text(std::string("scenarios/") + name + ".xml"));
    ScriptedPeer& peer = world.AddPeer(world.client());
    peer.Send(world.server(), Request("INVITE", "1@peer", 1, "Contact: <sip:c@10.0.0.1:5060>\r\n"));
    world.RunFor(10ms);
    peer.Send(world.server(), Request("ACK", "1@peer", 1));
    world.RunFor(10ms);
    ASSERT_EQ(peer.Count("INVITE"), 1u) << name;
    const std::string refused = peer.last();
    peer.Answer(refused, "491 Request Pending", "");
    world.RunFor(10ms);
    ASSERT_EQ(peer.Count("ACK"), 1u) << name;
    const auto is_ack = [](const auto& arrival) { return arrival.text.starts_with("ACK"); };
    const std::string ack = std::find_if(peer.received.begin(), peer.received.end(), is_ack)->text;
    EXPECT_EQ(HeaderOf(ack, "Via"), HeaderOf(refused, "Via"));
    EXPECT_EQ(std::stoi(HeaderOf(ack, "CSeq")), std::stoi(HeaderOf(refused, "CSeq")));

    for (int i = 0; i < 200 && peer.Count("INVITE") == 1; ++i) world.RunFor(10ms);
    const std::string again = peer.last();
    ASSERT_THAT(again, StartsWith("INVITE")) << name;
    EXPECT_NE(HeaderOf(again, "Via"), HeaderOf(refused, "Via"));
    EXPECT_EQ(std::stoi(HeaderOf(again, "CSeq")), std::stoi(HeaderOf(refused, "CSeq")) + 1);
    peer.Answer(again, "200 OK", "");
    world.RunFor(10ms);
    EXPECT_EQ(peer.Count("ACK"), 2u) << name;
    ASSERT_THAT(peer.last(), StartsWith("BYE")) << name;
    EXPECT_EQ(std::stoi(HeaderOf(peer.last(), "CSeq")), std::stoi(HeaderOf(again, "CSeq")) + 1);
    peer.Answer(peer.last(), "200 OK", "");
    world.RunFor(10ms);
    EXPECT_EQ(callee.counts().successful, 1u) << name << callee.warnings();
  }
}

// Where the callee rings, or answers, and then says no more, each caller's call fails by itself.
TEST(ShippedScenariosTest, CallersDoNotWaitForEver) {
  size_t callers = 0;
  for (const auto& entry : std::filesystem::directory_iterator("scenarios")) {
    const std::string name = entry.path().stem().string();
    const bool calls = name.starts_with("connector-inbound") || name.starts_with("pbx-outbound");
    if (!calls || name.ends_with("-talking")) continue;  // Which wants its media file.
    ++callers;
    for (const char* answer : {"180 Ringing", "200 OK"}) {
      LoadWorld world;
      ScriptedPeer& peer = world.AddPeerAsServer();
      LoadNode& caller = world.AddClient(Text(entry.path()));
      world.RunFor(10ms);
      peer.Answer(peer.received.at(0).text, answer, "x", "Contact: <sip:c@10.0.0.2:5060>\r\n");
      world.RunFor(10min);
      EXPECT_EQ(caller.counts().failed, 1u) << name << ": " << answer;
    }
  }
  EXPECT_EQ(callers, 16u);
}

}  // namespace
}  // namespace loadgen
