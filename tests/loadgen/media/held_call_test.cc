#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

#include "core/rtp/packet_view.h"
#include "tests/loadgen/media/talking_texts.h"
#include "tests/support/load_world.h"

// What a hold leaves of a call's measures: nothing. Here the peer is a telephone played by hand,
// whose timestamps stand still while it is held, or whose numbers go on.

namespace loadgen {
namespace {

using namespace std::chrono_literals;
using core::Concat;
using tests::Exec;
using tests::HeaderOf;
using tests::LoadNode;
using tests::LoadWorld;
using tests::MediaFile;
using tests::ScriptedPeer;
using tests::TalkingCaller;

std::string Pause(int64_t ms) { return Concat("<pause milliseconds=\"", ms, "\"/>\n"); }

// A re-INVITE with this direction, its answer and its ACK.
std::string Reinvite(int64_t number, std::string_view direction) {
  const auto request = [number](std::string_view method) {
    return Concat(method, " sip:b@[remote_ip]:[remote_port] SIP/2.0\n",
                  "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n",
                  "From: <sip:a@[local_ip]>;tag=[call_number]\nTo: <sip:b@[remote_ip]>",
                  "[peer_tag_param]\nCall-ID: [call_id]\nCSeq: ", number, " ", method, "\n");
  };
  return Concat("<send><![CDATA[\n", request("INVITE"),
                "Content-Type: application/sdp\nContent-Length: [len]\n\n",
                tests::Sdp("[media_ip]", "[media_port]"), direction, "]]></send>\n",
                "<recv response=\"200\"/>\n<send><![CDATA[\n", request("ACK"),
                "Content-Length: 0\n\n]]></send>\n");
}

class Telephone {
 public:
  Telephone(LoadWorld* world, const MediaFile& file)
      : world_(*world),
        server_(world->AddPeerAsServer()),
        voice_(world->AddPeer(LoadWorld::At("10.0.0.2:7000"))) {
    caller_ = &world_.AddClient(
        TalkingCaller(Exec(Concat("rtp_stream=\"", file.path(), ",-1,0\"")) + Pause(500) +
                      Reinvite(2, "a=sendonly\n") + Pause(800) + Reinvite(3, "") + Pause(500) +
                      "<nop rf_max_jitter=\"5\" rf_max_loss=\"0\" rf_min_mos=\"4.3\"/>\n"),
        {"-m", "1", "--json", "unused"});
    EXPECT_TRUE(caller_->worker().OpenMedia().ok());
  }

  void Answer(std::string_view direction) {
    ++answered_;
    for (int i = 0; i < 1000 && server_.Count("INVITE") < answered_; ++i) world_.RunFor(1ms);
    const std::string invite = server_.last();
    const std::string sdp = Concat(tests::Sdp("10.0.0.2", "7000"), direction);
    server_.Reply(Concat(
        "SIP/2.0 200 OK\r\nVia: ", HeaderOf(invite, "Via"), "\r\nFrom: ", HeaderOf(invite, "From"),
        "\r\nTo: ", HeaderOf(invite, "To"),
        invite.find(";tag=x") == std::string::npos ? ";tag=x" : "",
        "\r\nCall-ID: ", HeaderOf(invite, "Call-ID"), "\r\nCSeq: ", HeaderOf(invite, "CSeq"),
        "\r\nContent-Type: application/sdp\r\n", "Content-Length: ", sdp.size(), "\r\n\r\n", sdp));
    world_.RunFor(2ms);
  }

  void Say(int packets) {
    for (int i = 0; i < packets; ++i) {
      std::array<uint8_t, 172> bytes{};
      core::rtp::WriteHeader({.marker = false,
                              .payload_type = 0,
                              .sequence_number = sequence_,
                              .timestamp = time_,
                              .ssrc = 7},
                             std::span<uint8_t, 12>(bytes.data(), 12));
      ++sequence_;
      time_ += 160;
      voice_.Send({world_.client().ip, 6000},
                  {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      world_.RunFor(20ms);
    }
  }
  // What it sends to nobody.
  void Skip(uint16_t packets) { sequence_ = static_cast<uint16_t>(sequence_ + packets); }

  LoadNode& End() {
    world_.RunFor(600ms);
    server_.Answer(server_.last(), "200 OK", "");  // To the BYE.
    EXPECT_TRUE(world_.RunToEnd());
    return *caller_;
  }

 private:
  LoadWorld& world_;
  ScriptedPeer& server_;
  ScriptedPeer& voice_;
  LoadNode* caller_ = nullptr;
  size_t answered_ = 0;
  uint16_t sequence_ = 100;
  uint32_t time_ = 5000;
};

TEST(HeldCallTest, AHoldIsNeitherJitterNorLoss) {
  const MediaFile file(std::string(800, 'v'), "held");
  for (const uint16_t skipped : {uint16_t{0}, uint16_t{40}}) {
    LoadWorld world;
    Telephone telephone(&world, file);
    telephone.Answer("");
    telephone.Say(24);
    telephone.Answer("a=recvonly\n");
    world.RunFor(790ms);
    telephone.Skip(skipped);
    telephone.Answer("");
    telephone.Say(24);
    LoadNode& caller = telephone.End();
    EXPECT_EQ(caller.counts().successful, 1u) << skipped << caller.warnings();
    const auto records = caller.worker().media()->records();
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].received, 48u);
    EXPECT_EQ(records[0].lost + records[0].late, 0u) << skipped;
    EXPECT_LE(records[0].jitter_us.value_or(0), 1000) << skipped;
    EXPECT_LE(records[0].gap_us.value_or(0), 60'000) << skipped;
  }
}

}  // namespace
}  // namespace loadgen
