// Video: refused in its place, or relayed with what its receivers ask for (RFC 3264 §6, RFC 4585);
// in either case the voice is what it is without.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "core/rtp/rtcp_reader.h"
#include "core/rtp/rtcp_writer.h"
#include "tests/support/media_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using core::rtp::Feedback;
using core::rtp::RtcpError;
using sbc::LegId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr uint32_t kPbxSsrc = 0x50425801;
constexpr uint32_t kTrunkSsrc = 0x54524b02;

std::string VideoLine(int port, const std::string& number) {
  return "m=video " + std::to_string(port) + " RTP/AVPF " + number + " 120\r\na=rtpmap:" + number +
         " H264/90000\r\na=fmtp:" + number + " profile-level-id=42e01f\r\na=rtpmap:120 rtx/90000" +
         "\r\na=fmtp:120 apt=" + number + "\r\na=rtcp-fb:" + number +
         " nack\r\na=rtcp-fb:" + number +
         " nack pli\r\na=rtcp-fb:* ccm fir\r\na=rtcp-fb:" + number +
         " transport-cc\r\na=rtcp-fb:" + number + " goog-remb\r\n";
}
const std::string kRefused = "m=video 0 RTP/AVPF 99 120\r\n";

std::string OfPbx() {
  return Sdp("127.0.0.4", 4000, "a=rtcp-fb:0 nack\r\n" + VideoLine(4200, "99"));
}
std::string OfTrunk() { return Sdp("127.0.0.9", 9000, VideoLine(9200, "97")); }

core::Endpoint VideoTarget(const std::string& sdp, bool rtcp = false) {
  const std::string port = LineOf(sdp, "m=video ").substr(8);
  core::Endpoint target;
  CHECK(core::Endpoint::Parse(
      LineOf(sdp, "c=IN IP4 ").substr(9) + ":" + port.substr(0, port.find(' ')), &target));
  target.port = static_cast<uint16_t>(target.port + (rtcp ? 1 : 0));
  return target;
}

std::string Picture(uint8_t payload_type, uint32_t ssrc, const std::string& payload) {
  std::string bytes(12, '\0');
  core::rtp::WriteHeader(
      {.payload_type = payload_type, .sequence_number = 7, .timestamp = 90000, .ssrc = ssrc},
      std::span<uint8_t, 12>(reinterpret_cast<uint8_t*>(bytes.data()), 12));
  return bytes + payload;
}

std::string Compound(const std::vector<Feedback>& feedback) {
  uint8_t bytes[512];
  core::rtp::RtcpWriter writer(bytes);
  CHECK(writer.PutReceiverReport(0x1111, {}) && writer.PutCname(0x1111, "someone"));
  for (const Feedback& each : feedback) CHECK(writer.PutFeedback(each));
  return {reinterpret_cast<const char*>(bytes), writer.written().size()};
}

/// All feedback in these datagrams; and that nothing in them is a measure of voice.
std::vector<Feedback> FeedbackIn(const std::vector<std::string>& datagrams) {
  std::vector<Feedback> found;
  for (const std::string& datagram : datagrams) {
    core::rtp::RtcpCompound compound;
    EXPECT_EQ(compound.Index({reinterpret_cast<const uint8_t*>(datagram.data()), datagram.size()}),
              RtcpError::kOk);
    for (const core::rtp::RtcpPacket& packet : compound) {
      EXPECT_NE(packet.type, core::rtp::RtcpType::kExtendedReport);
      Feedback feedback;
      if (ParseFeedback(packet, &feedback) == RtcpError::kOk) found.push_back(feedback);
    }
  }
  return found;
}

struct VideoScene : MediaScene {
  explicit VideoScene(std::string connector = "    video: relay\n")
      : MediaScene(Anchoring(std::move(connector))) {}
  explicit VideoScene(const SbcScene::Options& options) : MediaScene(options) {}

  size_t VideoCall() {
    SimPlan callee;
    callee.script = {{.after = 100ms, .status = 200, .body = OfTrunk()}};
    callee.sdp = OfTrunk();
    return Place(callee, OfPbx());
  }
  void Show(const std::string& words) {
    pbx_video.SendBytes(Picture(99, kPbxSsrc, words + " out"), VideoTarget(ToPbx()));
    trunk_video.SendBytes(Picture(97, kTrunkSsrc, words + " in"), VideoTarget(ToTrunk()));
    scene.Run(100ms);
  }

  MediaPeer pbx_video{"127.0.0.4:4200", &scene.network, &scene.simulation};
  MediaPeer trunk_video{"127.0.0.9:9200", &scene.network, &scene.simulation};
  MediaPeer stranger{"127.0.0.77:4100", &scene.network, &scene.simulation};
};

TEST(B2buaVideoTest, RefusedVideoKeepsItsPlaceAndTheVoiceGoesOn) {
  VideoScene media("");
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = OfTrunk()}};  // Revives it, wrongly.
  const size_t call = media.Place(callee, OfPbx());
  EXPECT_EQ(media.scene.pbx.call(call).final_status, 200);
  EXPECT_THAT(media.ToTrunk(), testing::EndsWith(kRefused));
  EXPECT_THAT(media.ToPbx(), HasSubstr("m=video 0 RTP/AVPF 97"));
  media.Talk("hello");
  EXPECT_THAT(media.trunk.got, ElementsAre("hello out"));
  EXPECT_THAT(media.pbx.got, ElementsAre("hello in"));
  EXPECT_EQ(media.scene.world->worker().media().streams(), 1u);
  media.HangUp(call);
}

TEST(B2buaVideoTest, AnOfferOfNothingButRefusedVideoIsNone) {
  VideoScene media("");
  const std::string offer =
      "v=0\r\no=a 1 1 IN IP4 127.0.0.4\r\ns=-\r\nc=IN IP4 127.0.0.4\r\nt=0 0\r\n";
  const size_t call = media.Place({}, offer + VideoLine(4200, "99"));
  EXPECT_EQ(media.scene.pbx.call(call).final_status, 488);
  media.scene.ExpectClean();
}

// The line stands before the voice's, comes later by re-INVITE from the other side, or in the offer
// of a 2xx: it is refused in its place each time.
TEST(B2buaVideoTest, RefusedVideoInEveryOffer) {
  VideoScene media("");
  const std::string head =
      "v=0\r\no=a 1 1 IN IP4 127.0.0.4\r\ns=-\r\nc=IN IP4 127.0.0.4\r\nt=0 0\r\n";
  SimPlan callee;
  callee.script = {{.after = 100ms,
                    .status = 200,
                    .body = "v=0\r\no=a 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\n"
                            "t=0 0\r\nm=video 0 RTP/AVPF 99\r\nm=audio 9000 RTP/AVP 0\r\n"}};
  const size_t call =
      media.Place(callee, head + VideoLine(4200, "99") + "m=audio 4000 RTP/AVP 0\r\n");
  EXPECT_THAT(media.ToTrunk(), HasSubstr(kRefused + "m=audio 300"));
  media.Talk("hello");
  EXPECT_THAT(media.trunk.got, ElementsAre("hello out"));

  media.scene.pbx.call(call).plan.sdp =
      head + "m=video 0 RTP/AVPF 97\r\nm=audio 4000 RTP/AVP 0\r\n";
  media.scene.trunk.Do(
      0, {.method = "INVITE",
          .body = "v=0\r\no=a 1 2 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\n" +
                  VideoLine(9200, "97") + "m=audio 9000 RTP/AVP 0\r\n"});
  media.scene.Run(1s);
  EXPECT_THAT(media.scene.pbx.Got("INVITE").back().body,
              HasSubstr("m=video 0 RTP/AVPF 97 120\r\n"));
  EXPECT_THAT(media.scene.trunk.Got("INVITE", 200).back().body, HasSubstr("m=video 0 RTP"));

  media.scene.trunk.call(0).plan.sdp =
      "v=0\r\no=a 1 3 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\n" +
      VideoLine(9200, "97") + "m=audio 9000 RTP/AVP 0\r\n";
  media.scene.pbx.Do(call, {.method = "INVITE"});
  media.scene.Run(1s);
  EXPECT_THAT(media.ToPbx(1), HasSubstr("m=video 0 RTP/AVPF 97 120\r\n"));
  EXPECT_THAT(media.scene.trunk.Got("ACK").back().body, HasSubstr("m=video 0 RTP"));
  media.Talk("again");
  EXPECT_THAT(media.trunk.got, ElementsAre("again out"));
  EXPECT_THAT(media.pbx.got, ElementsAre("again in"));
  media.HangUp(call);
}

TEST(B2buaVideoTest, RelayedVideoHasPortsOfItsOwn) {
  VideoScene media;
  const size_t call = media.VideoCall();
  EXPECT_NE(VideoTarget(media.ToTrunk()).port, TargetOf(media.ToTrunk()).port);
  EXPECT_NE(VideoTarget(media.ToPbx()).port, TargetOf(media.ToPbx()).port);
  // Only what crosses may be asked for, and only of video; retransmissions cross under no SSRC.
  const std::string told = media.ToTrunk();
  const std::string video = told.substr(told.find("m=video"));
  EXPECT_THAT(LineOf(video, "m=video "), testing::EndsWith(" RTP/AVPF 99"));
  EXPECT_THAT(video, HasSubstr("a=rtcp-fb:99 nack\r\na=rtcp-fb:99 nack pli\r\na=rtcp-fb:* ccm "
                               "fir\r\n"));
  EXPECT_THAT(video, Not(HasSubstr("transport-cc")));
  EXPECT_THAT(video, Not(HasSubstr("goog-remb")));
  EXPECT_THAT(video, Not(HasSubstr("rtx")));
  EXPECT_THAT(told.substr(0, told.find("m=video")), Not(HasSubstr("rtcp-fb")));

  media.Talk("hello");
  media.Show("picture");
  media.stranger.SendBytes(Picture(99, kPbxSsrc, "a stranger's"), VideoTarget(media.ToPbx()));
  media.stranger.SendBytes(Picture(97, kPbxSsrc, "a stranger's"), VideoTarget(media.ToTrunk()));
  media.pbx.SendBytes(Picture(99, kPbxSsrc, "the voice's place"), VideoTarget(media.ToPbx()));
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk.got, ElementsAre("hello out"));
  EXPECT_THAT(media.pbx.got, ElementsAre("hello in"));
  EXPECT_THAT(media.trunk_video.got_whole, ElementsAre(Picture(97, kPbxSsrc, "picture out")));
  EXPECT_THAT(media.pbx_video.got_whole, ElementsAre(Picture(99, kTrunkSsrc, "picture in")));

  // It ends by re-INVITE, and the voice goes on.
  media.scene.trunk.call(0).plan.sdp = Sdp("127.0.0.9", 9000, "m=video 0 RTP/AVPF 97\r\n");
  media.scene.pbx.Do(
      call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, "m=video 0 RTP/AVPF 99\r\n")});
  media.scene.Run(1s);
  media.Talk("again");
  media.Show("no more");
  EXPECT_THAT(media.trunk.got, ElementsAre("again out"));
  EXPECT_THAT(media.trunk_video.got_whole, SizeIs(1));
  EXPECT_THAT(media.pbx_video.got_whole, SizeIs(1));
  media.HangUp(call);
}

// The other side knows the stream that is named, and whoever asks for it.
TEST(B2buaVideoTest, FeedbackCrosses) {
  VideoScene media;
  const size_t call = media.VideoCall();
  media.Show("picture");
  Feedback nack{.kind = Feedback::Kind::kNack, .sender_ssrc = 0x1111, .media_ssrc = kPbxSsrc};
  ASSERT_TRUE(nack.missing.PushBack({.sequence_number = 4711, .behind = 0x8001}));
  const Feedback loss{
      .kind = Feedback::Kind::kPictureLoss, .sender_ssrc = 0x1111, .media_ssrc = kPbxSsrc};
  Feedback fir{.kind = Feedback::Kind::kFullIntraRequest, .sender_ssrc = 0x1111, .media_ssrc = 0};
  ASSERT_TRUE(fir.fir.PushBack({0xdead, 8}));
  ASSERT_TRUE(fir.fir.PushBack({kPbxSsrc, 9}));
  Feedback foreign = loss;
  foreign.media_ssrc = 0xdead;
  const core::Endpoint to = VideoTarget(media.ToTrunk(), true);
  media.pbx_video.got_rtcp.clear();
  media.stranger.SendRtcpBytes(Compound({loss}), to);
  media.trunk_video.SendRtcpBytes(Compound({nack, loss, foreign, fir}), to);
  media.scene.Run(100ms);
  const std::vector<Feedback> got = FeedbackIn(media.pbx_video.got_rtcp);
  ASSERT_THAT(got, SizeIs(3));
  EXPECT_EQ(got[0].kind, Feedback::Kind::kNack);
  ASSERT_EQ(got[0].missing.size(), 1u);
  EXPECT_EQ(got[0].missing[0], nack.missing[0]);
  EXPECT_EQ(got[1].kind, Feedback::Kind::kPictureLoss);
  EXPECT_EQ(got[2].kind, Feedback::Kind::kFullIntraRequest);
  ASSERT_EQ(got[2].fir.size(), 1u);
  EXPECT_EQ(got[2].fir[0], (core::rtp::FirEntry{kPbxSsrc, 9}));
  for (const Feedback& each : got) {
    EXPECT_EQ(each.media_ssrc, each.kind == Feedback::Kind::kFullIntraRequest ? 0 : kPbxSsrc);
    EXPECT_EQ(each.sender_ssrc, kTrunkSsrc);  // Who sends the PBX its picture.
  }
  const auto& counters = media.scene.world->worker().media().counters();
  EXPECT_EQ(counters.feedback_passed, 3u);
  EXPECT_EQ(counters.feedback_ended, 1u);
  EXPECT_EQ(counters.strays, 1u);  // On shared ports nobody else has a place.
  media.HangUp(call);
}

// RFC 3550 §6.4: the trunk sends the PBX a picture, so what is asked in its name stands behind an
// SR. RFC 4585 §4.2: nobody is asked for what he did not agree to, whoever asks.
TEST(B2buaVideoTest, FeedbackCrossesAsAgreed) {
  const std::string nack = "a=rtcp-fb:99 nack\r\n";
  const std::string loss = "a=rtcp-fb:99 nack pli\r\n";
  const std::string fir = "a=rtcp-fb:* ccm fir\r\n";
  const auto kNack = Feedback::Kind::kNack;
  const auto kLoss = Feedback::Kind::kPictureLoss;
  const auto kFir = Feedback::Kind::kFullIntraRequest;
  struct Case {
    std::string profile;
    std::string of_pbx;
    std::string of_trunk;
    std::vector<Feedback::Kind> crosses;
  };
  for (const Case& test :
       {Case{"AVPF", nack + loss + fir, nack + loss + fir, {kNack, kLoss, kFir}},
        Case{"AVPF", nack + fir, nack + loss + fir, {kNack, kFir}},
        Case{"AVPF", nack + loss + fir, loss, {kLoss}}, Case{"AVPF", "", nack + loss + fir, {}},
        Case{"AVPF", nack + loss + fir, "", {}},
        Case{"AVP", nack + loss + fir, nack + loss + fir, {}}}) {
    SCOPED_TRACE(test.profile + " " + test.of_pbx + " " + test.of_trunk);
    VideoScene media;
    const auto line = [&](const std::string& port, const std::string& attributes) {
      return "m=video " + port + " RTP/" + test.profile + " 99\r\na=rtpmap:99 H264/90000\r\n" +
             attributes;
    };
    SimPlan callee;
    callee.script = {{.after = 100ms,
                      .status = 200,
                      .body = Sdp("127.0.0.9", 9000, line("9200", test.of_trunk))}};
    const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, line("4200", test.of_pbx)));
    media.pbx_video.SendBytes(Picture(99, kPbxSsrc, "out"), VideoTarget(media.ToPbx()));
    media.trunk_video.SendBytes(Picture(99, kTrunkSsrc, "in"), VideoTarget(media.ToTrunk()));
    media.scene.Run(100ms);
    media.pbx_video.got_rtcp.clear();
    Feedback asks_missing{.kind = kNack, .sender_ssrc = kTrunkSsrc, .media_ssrc = kPbxSsrc};
    ASSERT_TRUE(asks_missing.missing.PushBack({.sequence_number = 4711, .behind = 0}));
    Feedback asks_anew{.kind = kFir, .sender_ssrc = kTrunkSsrc};
    ASSERT_TRUE(asks_anew.fir.PushBack({kPbxSsrc, 9}));
    const Feedback asks_picture{.kind = kLoss, .sender_ssrc = kTrunkSsrc, .media_ssrc = kPbxSsrc};
    media.trunk_video.SendRtcpBytes(Compound({asks_missing, asks_picture, asks_anew}),
                                    VideoTarget(media.ToTrunk(), true));
    media.scene.Run(100ms);
    std::vector<Feedback::Kind> crossed;
    for (const Feedback& each : FeedbackIn(media.pbx_video.got_rtcp)) crossed.push_back(each.kind);
    EXPECT_EQ(crossed, test.crosses);
    const auto& counters = media.scene.world->worker().media().counters();
    EXPECT_EQ(counters.feedback_passed, test.crosses.size());
    EXPECT_EQ(counters.feedback_ended, 3 - test.crosses.size());
    if (!crossed.empty()) {
      ASSERT_THAT(media.pbx_video.got_rtcp, SizeIs(1));
      EXPECT_EQ(static_cast<uint8_t>(media.pbx_video.got_rtcp[0][1]), 200);  // SR.
    }
    media.HangUp(call);
  }
}

// So it does among the RTP where both sides want that (RFC 5761).
TEST(B2buaVideoTest, FeedbackCrossesMultiplexed) {
  VideoScene media;
  SimPlan callee;
  callee.script = {{.after = 100ms, .status = 200, .body = OfTrunk() + "a=rtcp-mux\r\n"}};
  const size_t call = media.Place(callee, OfPbx() + "a=rtcp-mux\r\n");
  media.Show("picture");
  media.pbx_video.got_whole.clear();
  media.trunk_video.SendBytes(
      Compound(
          {{.kind = Feedback::Kind::kPictureLoss, .sender_ssrc = 0x1111, .media_ssrc = kPbxSsrc}}),
      VideoTarget(media.ToTrunk()));
  media.scene.Run(100ms);
  const std::vector<Feedback> got = FeedbackIn(media.pbx_video.got_whole);
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].kind, Feedback::Kind::kPictureLoss);
  EXPECT_EQ(got[0].media_ssrc, kPbxSsrc);
  media.HangUp(call);
}

// A line that has ended may be used for something else (RFC 3264 §8.1): here for a fax, which has
// ports of its own, and the picture none any more.
TEST(B2buaVideoTest, ItsLineMayBecomeAFaxs) {
  VideoScene media;
  const size_t call = media.VideoCall();
  media.scene.trunk.call(0).plan.sdp = Sdp("127.0.0.9", 9000, "m=image 9200 udptl t38\r\n");
  media.scene.pbx.Do(
      call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, "m=image 4200 udptl t38\r\n")});
  media.scene.Run(1s);
  const std::string told = media.ToPbx(1);
  core::Endpoint fax = TargetOf(told);
  fax.port = static_cast<uint16_t>(std::stoi(LineOf(told, "m=image ").substr(8)));
  media.pbx_video.SendBytes("page", fax);
  media.Show("no more");
  media.Talk("still");
  EXPECT_THAT(media.trunk_video.got_whole, ElementsAre("page"));
  EXPECT_THAT(media.pbx_video.got_whole, IsEmpty());
  EXPECT_THAT(media.trunk.got, ElementsAre("still out"));
  media.HangUp(call);
}

// Of voice nothing is asked: its RTCP ends here.
TEST(B2buaVideoTest, FeedbackOnVoiceEndsHere) {
  VideoScene media;
  const size_t call = media.VideoCall();
  media.Talk("hello");
  core::Endpoint to = TargetOf(media.ToTrunk());
  ++to.port;
  media.trunk.SendRtcpBytes(
      Compound({{.kind = Feedback::Kind::kPictureLoss, .sender_ssrc = 1, .media_ssrc = 0x7e57}}),
      to);
  media.scene.Run(100ms);
  EXPECT_EQ(media.scene.world->worker().media().counters().rtcp_received, 1u);
  for (const std::string& datagram : media.pbx.got_rtcp) {
    core::rtp::RtcpCompound compound;
    ASSERT_EQ(compound.Index({reinterpret_cast<const uint8_t*>(datagram.data()), datagram.size()}),
              RtcpError::kOk);
    for (const core::rtp::RtcpPacket& packet : compound) {
      EXPECT_NE(packet.type, core::rtp::RtcpType::kPayloadFeedback);
    }
  }
  media.HangUp(call);
}

// What is told of the call is its voice, and the video's peers hear of no voice's quality.
TEST(B2buaVideoTest, TheRecordTellsOfTheVoiceAlone) {
  VideoScene media;
  const size_t call = media.VideoCall();
  media.pbx.Talk(TargetOf(media.ToPbx()));
  media.trunk.Talk(TargetOf(media.ToTrunk()));
  for (int i = 0; i < 20; ++i) {
    media.Show("picture");
    media.scene.Run(1s);
  }
  media.pbx.Hush();
  media.trunk.Hush();
  media.scene.Run(100ms);
  media.HangUp(call);
  ASSERT_THAT(media.scene.world->media(), SizeIs(1));
  const sbc::CallMedia& told = media.scene.world->media()[0].media;
  EXPECT_EQ(told.streams, 1);
  const sbc::MediaLegSummary& caller = told.leg(LegId::kCaller);
  EXPECT_EQ(caller.whole.received.packets, media.pbx.sent());
  EXPECT_EQ(caller.whole.sent.packets, media.trunk.sent());
  EXPECT_EQ(caller.whole.stream.packets, media.pbx.sent());
  EXPECT_EQ(caller.codec, core::rtp::Codec::kPcmu);
  EXPECT_THAT(media.pbx_video.got_rtcp, Not(IsEmpty()));
  EXPECT_THAT(FeedbackIn(media.pbx_video.got_rtcp), IsEmpty());
  EXPECT_THAT(FeedbackIn(media.trunk_video.got_rtcp), IsEmpty());
}

// Video that finds no ports is refused in its place, though the voice's line is behind it.
TEST(B2buaVideoTest, WithoutPortsOnlyTheVideoIsRefused) {
  VideoScene media(Anchoring("    video: relay\n", {.customer = "20000-20007"}));
  const size_t first = media.VideoCall();
  EXPECT_NE(VideoTarget(media.ToPbx()).port, 0);
  SimPlan callee;
  callee.script = {{.after = 100ms,
                    .status = 200,
                    .body = "v=0\r\no=a 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\n"
                            "t=0 0\r\nm=video 0 RTP/AVPF 99\r\nm=audio 9100 RTP/AVP 0\r\n"}};
  const size_t second = media.Place(
      callee, "v=0\r\no=a 1 1 IN IP4 127.0.0.4\r\ns=-\r\nc=IN IP4 127.0.0.4\r\nt=0 0\r\n" +
                  VideoLine(4300, "99") + "m=audio 4100 RTP/AVP 0\r\n");
  EXPECT_EQ(media.scene.pbx.call(second).final_status, 200);
  EXPECT_THAT(media.ToTrunk(1), HasSubstr(kRefused + "m=audio 300"));
  EXPECT_EQ(media.scene.world->worker().media().counters().video_without_ports, 1u);
  EXPECT_EQ(media.scene.world->worker().media().counters().ports_exhausted, 0u);
  media.scene.pbx.Do(second, {.method = "BYE"});
  media.HangUp(first);
}

// Of an offer of video alone nothing is left then: it may be made again later.
TEST(B2buaVideoTest, AnOfferOfVideoAloneWithoutPortsIsBusy) {
  VideoScene media(Anchoring("    video: relay\n", {.customer = "20000-20005"}));
  const std::string offer =
      "v=0\r\no=a 1 1 IN IP4 127.0.0.4\r\ns=-\r\nc=IN IP4 127.0.0.4\r\nt=0 0\r\n" +
      VideoLine(4300, "99");
  const size_t first = media.VideoCall();
  const size_t second = media.Place({}, offer);
  EXPECT_EQ(media.scene.pbx.call(second).final_status, 503);
  EXPECT_EQ(media.scene.world->worker().media().counters().video_without_ports, 1u);
  EXPECT_EQ(media.scene.world->records().at(0).detail.view(), "no media ports left");
  EXPECT_EQ(media.scene.world->worker().media().streams(), 2u);
  media.HangUp(first);
}

/// A call from the trunk whose second route is an IPv6 one, where media has one pair of ports.
struct SecondFamilyScene : VideoScene {
  SecondFamilyScene() : VideoScene(Options()) {}
  static SbcScene::Options Options() {
    SbcScene::Options options =
        Anchoring("    video: relay\n    customers: [{cidrs: [127.0.0.4/30, \"fd00::6/128\"]}]\n");
    options.routes =
        "{Host: 127.0.0.4, Priority: 1, Weight: 1}, {Host: \"[fd00::6]\", Priority: 2, Weight: "
        "1}, {Host: 127.0.0.5, Priority: 3, Weight: 1}";
    options.listeners = "  - {side: customer, address: \"fd00::2\", port: 5060}\n";
    options.global += "  - {side: customer, address: \"fd00::2\", ports: 20000-20001}\n";
    return options;
  }
  static std::string OfSecond() {
    return "v=0\r\no=a 1 1 IN IP6 fd00::6\r\ns=-\r\nc=IN IP6 fd00::6\r\nt=0 0\r\n"
           "m=audio 4000 RTP/AVP 0\r\n";
  }
  void Fail(SimUserAgent* agent) {
    SimPlan plan;
    plan.script = {{.after = 10ms, .status = 503}};
    agent->Expect(std::move(plan));
  }
  size_t Call() {
    SimPlan plan;
    plan.body = OfTrunk();
    return scene.Inbound(plan);
  }
  void HangUp(size_t call) {
    scene.trunk.Do(call, {.method = "BYE"});
    scene.ExpectClean();
    EXPECT_EQ(scene.world->worker().media().streams(), 0u);
    EXPECT_EQ(scene.world->worker().media().ports_used(sbc::Side::kCustomer), 0u);
    EXPECT_EQ(scene.world->worker().media().ports_used(sbc::Side::kTrunk), 0u);
  }

  SimUserAgent second{{.address = "[fd00::6]:5060", .sbc = "[fd00::2]:5060", .name = "pbxsix"},
                      &scene.network,
                      &scene.simulation};
  MediaPeer third_video{"127.0.0.5:4200", &scene.network, &scene.simulation};
};

// A route that has no ports for video is not told of any; the one behind it is told of some again.
TEST(B2buaVideoTest, ARouteWithoutPortsCostsTheNextOneNothing) {
  SecondFamilyScene media;
  media.Fail(&media.scene.pbx);
  media.Fail(&media.second);
  SimPlan third;
  third.script = {
      {.after = 100ms, .status = 200, .body = Sdp("127.0.0.5", 4000, VideoLine(4200, "99"))}};
  media.scene.pbx2.Expect(std::move(third));
  const size_t call = media.Call();
  ASSERT_EQ(media.scene.trunk.call(call).final_status, 200);
  EXPECT_THAT(media.scene.pbx.Got("INVITE").at(0).body, Not(HasSubstr("m=video 0 ")));
  EXPECT_THAT(media.second.Got("INVITE").at(0).body, HasSubstr("m=video 0 RTP/AVPF 97 120\r\n"));
  const std::string told_third = media.scene.pbx2.Got("INVITE").at(0).body;
  const std::string told_trunk = media.scene.trunk.Got("INVITE", 200).at(0).body;
  EXPECT_THAT(told_third, HasSubstr("a=rtcp-fb:97 nack pli\r\n"));
  media.third_video.SendBytes(Picture(97, kPbxSsrc, "out"), VideoTarget(told_third));
  media.trunk_video.SendBytes(Picture(97, kTrunkSsrc, "in"), VideoTarget(told_trunk));
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk_video.got, ElementsAre("out"));
  EXPECT_THAT(media.third_video.got, ElementsAre("in"));
  media.HangUp(call);
}

// Nor does it cost the early dialogs there: each has its voice, whatever it says of the picture
// that it was refused; and nothing comes of that.
TEST(B2buaVideoTest, ARouteWithoutPortsMayFork) {
  for (const std::string& line :
       {std::string("m=video 0 RTP/AVPF 97\r\n"), VideoLine(4200, "97")}) {
    SecondFamilyScene media;
    media.Fail(&media.scene.pbx);
    SimPlan forks;
    forks.script = {{.after = 10ms, .status = 183, .body = media.OfSecond() + line},
                    {.after = 10ms, .status = 183, .fork = 1, .body = media.OfSecond() + line},
                    {.after = 10ms, .status = 200, .body = media.OfSecond() + line}};
    media.second.Expect(std::move(forks));
    const size_t call = media.Call();
    ASSERT_EQ(media.scene.trunk.call(call).final_status, 200);
    EXPECT_THAT(media.second.Got("INVITE").at(0).body, HasSubstr("m=video 0 RTP/AVPF 97 120\r\n"));
    const std::string told = media.scene.trunk.Got("INVITE", 200).at(0).body;
    EXPECT_THAT(told, HasSubstr("m=video 0 RTP/AVPF 97"));
    MediaPeer voice{"[fd00::6]:4000", &media.scene.network, &media.scene.simulation};
    media.trunk.Send("hello", TargetOf(told));
    media.scene.Run(100ms);
    EXPECT_THAT(voice.got, ElementsAre("hello"));
    media.HangUp(call);
  }
}

// An offer of video alone has no route there.
TEST(B2buaVideoTest, VideoAloneGoesPastARouteWithoutPorts) {
  SecondFamilyScene media;
  media.Fail(&media.scene.pbx);
  const std::string head =
      "v=0\r\no=a 1 1 IN IP4 127.0.0.5\r\ns=-\r\nc=IN IP4 127.0.0.5\r\nt=0 0\r\n";
  SimPlan third;
  third.script = {{.after = 100ms, .status = 200, .body = head + VideoLine(4200, "97")}};
  media.scene.pbx2.Expect(std::move(third));
  SimPlan plan;
  plan.body = "v=0\r\no=a 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\n" +
              VideoLine(9200, "97");
  const size_t call = media.scene.Inbound(plan);
  EXPECT_EQ(media.scene.trunk.call(call).final_status, 200);
  EXPECT_THAT(media.second.Got("INVITE"), IsEmpty());
  media.HangUp(call);
}

// Where another call has the place that a trunk names for its video: what the trunk sent from there
// would be taken for the other call's, and nothing tells it to stop.
TEST(B2buaVideoTest, AConflictIsRefusedAsAVoicesIs) {
  VideoScene media(Anchoring("    video: relay\n", {.trunk = "30000-30001"}));
  const size_t first = media.VideoCall();
  SimPlan callee;
  callee.script = {
      {.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9300, VideoLine(9200, "97"))}};
  const size_t second = media.Place(callee, Sdp("127.0.0.4", 4100, VideoLine(4300, "99")));
  EXPECT_EQ(media.scene.pbx.call(second).final_status / 100, 5);
  EXPECT_THAT(media.scene.trunk.Got("BYE"), testing::SizeIs(1));
  EXPECT_EQ(media.scene.world->worker().media().counters().flow_conflicts, 1u);
  media.Show("the first one's");
  EXPECT_THAT(media.trunk_video.got, ElementsAre("the first one's out"));
  media.HangUp(first);
}

// What is wrong with a video's line in an answer costs the call its picture at most: AVP for AVPF,
// no format of the offer's, a line in use that was refused.
TEST(B2buaVideoTest, AFlawOfItsLineCostsNoVoice) {
  const std::string avp = "m=video 9200 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n";
  const std::string other = "m=video 9200 RTP/AVPF 97\r\na=rtpmap:97 VP9/90000\r\n";
  for (const auto& [policy, line] :
       {std::pair("relay", avp), std::pair("relay", other), std::pair("refuse", avp)}) {
    VideoScene media(std::string("    video: ") + policy + "\n");
    SimPlan callee;
    callee.script = {{.after = 100ms, .status = 200, .body = Sdp("127.0.0.9", 9000, line)}};
    const size_t call = media.Place(callee, Sdp("127.0.0.4", 4000, VideoLine(4200, "99")));
    EXPECT_EQ(media.scene.pbx.call(call).final_status, 200) << policy << " " << line;
    media.Talk("hello");
    media.HangUp(call);
  }
}

// A second line of video is one too many.
TEST(B2buaVideoTest, ACallHasOneVideo) {
  VideoScene media;
  SimPlan callee;
  callee.script = {
      {.after = 100ms,
       .status = 200,
       .body = Sdp("127.0.0.9", 9000, VideoLine(9200, "97") + "m=video 0 RTP/AVPF 98\r\n")}};
  const size_t call = media.Place(
      callee, Sdp("127.0.0.4", 4000, VideoLine(4200, "99") + "m=video 4300 RTP/AVPF 98\r\n"));
  EXPECT_THAT(media.ToTrunk(), testing::EndsWith("m=video 0 RTP/AVPF 98\r\n"));
  EXPECT_EQ(media.scene.world->worker().media().streams(), 2u);
  media.HangUp(call);
}

// RFC 3264 §8 forbids an offer with fewer lines than before; who makes one has ended the others.
TEST(B2buaVideoTest, ALineThatIsLeftOutHasEnded) {
  VideoScene media;
  const size_t call = media.VideoCall();
  media.scene.trunk.call(0).plan.sdp = Sdp("127.0.0.9", 9000);
  media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000)});
  media.scene.Run(1s);
  ASSERT_THAT(media.scene.pbx.Got("INVITE", 200), SizeIs(2));
  media.Show("no more");
  EXPECT_THAT(media.trunk_video.got_whole, IsEmpty());
  EXPECT_THAT(media.pbx_video.got_whole, IsEmpty());
  media.Talk("voice");
  EXPECT_THAT(media.trunk.got, ElementsAre("voice out"));
  media.HangUp(call);
}

// A line that has ended gives its place to the next one, as who adds video anew does not always
// take up the old line (RFC 3264 §8.1).
TEST(B2buaVideoTest, VideoComesAgainAsANewLine) {
  VideoScene media;
  const size_t call = media.VideoCall();
  const auto reinvite = [&](const std::string& of_pbx, const std::string& of_trunk) {
    media.scene.trunk.call(0).plan.sdp = Sdp("127.0.0.9", 9000, of_trunk);
    media.scene.pbx.Do(call, {.method = "INVITE", .body = Sdp("127.0.0.4", 4000, of_pbx)});
    media.scene.Run(1s);
  };
  reinvite(kRefused, kRefused);
  reinvite(kRefused + VideoLine(4200, "99"), kRefused + VideoLine(9200, "97"));
  ASSERT_THAT(media.scene.pbx.Got("INVITE", 200), SizeIs(3));
  const std::string told = media.ToPbx(2).substr(media.ToPbx(2).rfind("m=video "));
  EXPECT_NE(LineOf(told, "m=video ").substr(0, 10), "m=video 0 ");
  EXPECT_EQ(media.scene.world->worker().media().streams(), 2u);
  core::Endpoint ours = TargetOf(media.ToPbx(2));
  ours.port = static_cast<uint16_t>(std::stoi(told.substr(8)));
  media.pbx_video.SendBytes(Picture(99, kPbxSsrc, "again"), ours);
  media.scene.Run(100ms);
  EXPECT_THAT(media.trunk_video.got_whole, SizeIs(1));
  // Both in use: one of them is one too many.
  reinvite(VideoLine(4300, "99") + VideoLine(4200, "99"), kRefused + VideoLine(9200, "97"));
  EXPECT_THAT(media.ToTrunk(3), HasSubstr("m=video 0 "));
  media.HangUp(call);
}

// A picture is a sign of life; that there is none is no failure.
TEST(B2buaVideoTest, NoVideoIsExpected) {
  VideoScene media("    video: relay\n    media_timeout: 30s\n");
  const size_t call = media.VideoCall();
  media.pbx.Talk(TargetOf(media.ToPbx()));
  media.trunk.Talk(TargetOf(media.ToTrunk()));
  media.scene.Run(100s);
  EXPECT_THAT(media.scene.world->records(), IsEmpty());
  media.pbx.Hush();
  for (int i = 0; i < 10; ++i) {
    media.Show("still here");
    media.scene.Run(10s);
  }
  EXPECT_THAT(media.scene.world->records(), IsEmpty());
  media.trunk.Hush();
  media.HangUp(call);
}

// Digits in INFO are the voice's alone.
TEST(B2buaVideoTest, DigitsBelongToTheVoice) {
  VideoScene media("    video: relay\n    dtmf: info\n");
  const size_t call = media.VideoCall();
  const std::string told = media.ToTrunk();
  EXPECT_THAT(told.substr(told.find("m=video")), Not(HasSubstr("telephone-event")));
  media.Show("picture");
  EXPECT_THAT(media.trunk_video.got_whole, ElementsAre(Picture(97, kPbxSsrc, "picture out")));
  media.HangUp(call);
}

}  // namespace
}  // namespace tests
