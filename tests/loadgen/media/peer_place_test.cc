#include "loadgen/media/peer_place.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/loadgen/media/talking_texts.h"
#include "tests/support/load_world.h"

// Whom a call hears, and what of others reaches its measures: nothing.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using core::Concat;
using tests::LoadNode;
using tests::LoadWorld;
using tests::ScriptedPeer;

core::Endpoint At(std::string_view text) { return LoadWorld::At(text); }

TEST(PeerPlaceTest, IsWhereTheSdpSays) {
  PeerPlace place;
  EXPECT_TRUE(place.Hear(At("10.0.0.9:9")));  // Nobody has said anything yet.
  place.Say(At("10.0.0.2:7000"));
  EXPECT_FALSE(place.Hear(At("10.0.0.3:7000")));
  EXPECT_TRUE(place.Hear(At("10.0.0.2:7000")));
  EXPECT_FALSE(place.Hear(At("10.0.0.2:7002")));
}

TEST(PeerPlaceTest, AnotherPortIsThePeersUntilTheVeryOneSpeaks) {
  PeerPlace place;
  place.Say(At("10.0.0.2:7000"));
  EXPECT_TRUE(place.Hear(At("10.0.0.2:7002")));
  EXPECT_FALSE(place.Hear(At("10.0.0.2:7004")));
  EXPECT_FALSE(place.Hear(At("10.0.0.3:7002")));
  place.Say(At("10.0.0.2:7000"));  // The same again.
  EXPECT_TRUE(place.Hear(At("10.0.0.2:7002")));
  EXPECT_TRUE(place.Hear(At("10.0.0.2:7000")));
  EXPECT_FALSE(place.Hear(At("10.0.0.2:7002")));
}

TEST(PeerPlaceTest, WhoMovesIsHeardUntilItSpeaksFromTheNewPlace) {
  PeerPlace place;
  place.Say(At("10.0.0.2:7000"));
  EXPECT_TRUE(place.Hear(At("10.0.0.2:7000")));
  place.Say(At("10.0.0.3:8000"));
  place.Say(At("10.0.0.4:9000"));
  EXPECT_TRUE(place.Hear(At("10.0.0.2:7000")));
  EXPECT_FALSE(place.Hear(At("10.0.0.3:8000")));
  EXPECT_TRUE(place.Hear(At("10.0.0.4:9000")));
  EXPECT_FALSE(place.Hear(At("10.0.0.2:7000")));
}

// A call whose peer is at 10.0.0.2:7000 hears 25 packets from somewhere.
class ForeignAudioTest : public ::testing::Test {
 protected:
  void Hear(std::string_view from) {
    ScriptedPeer& server = world_.AddPeerAsServer();
    ScriptedPeer& voice = world_.AddPeer(At(from));
    const tests::MediaFile file(std::string(800, 'v'), "foreign");
    caller_ = &world_.AddClient(
        tests::TalkingCaller(tests::Exec(Concat("rtp_stream=\"", file.path(), ",-1,0\"")) +
                             "<pause milliseconds=\"600\"/>\n<nop rf_two_way=\"true\"/>\n"),
        {"-m", "1", "--json", "unused"});
    ASSERT_TRUE(caller_->worker().OpenMedia().ok());
    world_.RunFor(10ms);
    const std::string invite = server.last();
    const std::string sdp = tests::Sdp("10.0.0.2", "7000");
    server.Reply(Concat(
        "SIP/2.0 200 OK\r\nVia: ", tests::HeaderOf(invite, "Via"),
        "\r\nFrom: ", tests::HeaderOf(invite, "From"), "\r\nTo: ", tests::HeaderOf(invite, "To"),
        ";tag=x\r\nCall-ID: ", tests::HeaderOf(invite, "Call-ID"),
        "\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nContent-Length: ", sdp.size(),
        "\r\n\r\n", sdp));
    for (char i = 0; i < 25; ++i) {
      world_.RunFor(20ms);
      const char head[] = {
          '\x80', 0, 0, i, 0, 0, static_cast<char>(i / 2), static_cast<char>(i % 2 * 128),
          0,      0, 0, 7};
      voice.Send({world_.client().ip, 6000},
                 std::string(head, sizeof(head)) + std::string(160, 'v'));
    }
    world_.RunFor(300ms);
    server.Answer(server.last(), "200 OK", "");  // To the BYE.
    ASSERT_TRUE(world_.RunToEnd());
  }
  const MediaStatistics& media() { return caller_->worker().media()->statistics(); }

  LoadWorld world_;
  LoadNode* caller_ = nullptr;
};

TEST_F(ForeignAudioTest, AStrangersAudioPassesNoCheck) {
  Hear("10.0.0.3:7000");
  EXPECT_EQ(caller_->failed_by(Failure::kMediaOneWay), 1u);
  EXPECT_EQ(media().foreign, 25u);
  EXPECT_EQ(media().silent_calls, 1u);
  EXPECT_EQ(caller_->worker().media()->records()[0].received, 0u);
}

TEST_F(ForeignAudioTest, AnotherPortOfThePeersIsHeard) {
  Hear("10.0.0.2:7100");
  EXPECT_EQ(caller_->counts().successful, 1u) << caller_->warnings();
  EXPECT_EQ(media().foreign, 0u);
  EXPECT_EQ(media().unannounced, 25u);
}

}  // namespace
}  // namespace loadgen
