// Hostile descriptions, through the whole SBC: each is refused with 400 or 488 before anybody else
// hears of it, counted, and costs nothing; what is only odd crosses as what we read in it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/media_scene.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string Repeat(std::string_view text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string With(std::string_view more) { return Sdp("127.0.0.4", 4000, std::string(more)); }
std::string At(std::string_view connection) {
  return Replaced(With(""), "c=IN IP4 127.0.0.4", connection);
}
std::string Line(std::string_view audio) {
  return Replaced(With(""), "m=audio 4000 RTP/AVP 0 101", audio);
}

struct Hostile {
  std::string sdp;
  int status;
  bool ends_media = false;  // As an answer, and within a call, no line in use is legal.
};

std::vector<Hostile> HostileOnes() {
  return {
      {Repeat("a", 10), 400},
      {With(std::string_view("a=x\0y\r\n", 7)), 400},
      {With("a=x\rm=audio 4002 RTP/AVP 0\r\n"), 400},
      {Repeat("v=0\r", 5), 400},
      {"\xef\xbb\xbf" + With(""), 400},
      {With(Repeat("a=x\r\n", 10'000)), 488},
      {With(Repeat("a=x\r\n", 320)), 488},
      {With("a=" + Repeat("x", 3000) + "\r\n"), 488},
      {With(Repeat("m=audio 4002 RTP/AVP 0\r\n", 8)), 488},
      {Line("m=audio 4000 RTP/AVP" + Repeat(" 0", 10) + Repeat(" 99999999999999999999", 1)), 400},
      {Line("m=audio 4000 RTP/AVP 128"), 400},
      {Line("m=audio 4000 RTP/AVP -1"), 400},
      {Line("m=audio 65536 RTP/AVP 0 101"), 400},
      {Line("m=audio -4000 RTP/AVP 0 101"), 400},
      {Line("m=audio 4294971296 RTP/AVP 0 101"), 400},
      {Line("m=audio 18446744073709555616 RTP/AVP 0 101"), 400},
      {Line("m=audio 65534/4 RTP/AVP 0 101"), 400},
      {Line("m=audio 4000/99999999999 RTP/AVP 0 101"), 400},
      {Line("m=audio 4000/2 RTP/AVP 0 101"), 488, true},  // Layers: a port of ours has one stream.
      {Line("m=application 4000 UDP/DTLS/SCTP webrtc-datachannel"), 488, true},
      {Line("m=audio 0 RTP/AVP 0 101\r\na=bundle-only"), 488, true},
      {At("c=IN IP4 127.0.0.4/127"), 488},
      {At("c=IN IP4 127.0.0.4/127/3"), 488},
      {At("c=IN IP4 224.2.1.1"), 488},
      {At("c=IN IP4 255.255.255.255"), 488},
      {At("c=IN IP4 240.0.0.1"), 488},
      {At("c=IN IP4 10.0.0.1"), 488},
      {At("c=IN IP4 100.64.0.1"), 488},
      {At("c=IN IP4 169.254.169.254"), 488},
      {At("c=IN IP6 fd00:ec2::254"), 488},
      {At("c=IN IP6 fe80::1"), 488},
      {At("c=IN IP6 ::127.0.0.1"), 488},
      {At("c=IN IP6 64:ff9b::a9fe:a9fe"), 488},
      {At("c=IN IP6 2002:a9fe:a9fe::1"), 488},
      {At("c=IN IP6 ::ffff:127.0.0.4"), 400},
      {At("c=IN IP4 0x7f.1"), 488},  // A name, to us.
      {At("c=IN IP4 127.1"), 400},
      {At("c=IN IP4 0177.0.0.4"), 400},
      {At("c=IN IP4 media.example.com"), 488},
      {At("c=IN IP4 127.0.0.4\r\nc=IN IP4 127.0.0.5"), 488},
      {At("b=AS:64"), 400},  // No c= at all.
      {With("a=rtcp:4001 IN IP4 169.254.169.254\r\n"), 488},
      {With("a=rtcp:5060 IN IP4 127.0.0.2\r\n"), 488},  // Our own SIP.
      {With("a=rtcp:99999\r\n"), 400},
      {With("a=rtpmap:0 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n"), 400},
      {With("a=rtpmap:101 telephone-event/16000\r\n"), 400},
      {With("a=rtpmap:0 PCMU/99999999999\r\n"), 400},
      {With("a=rtpmap:0 PCMU/0\r\n"), 400},
      {With("a=ptime:99999\r\n"), 400},
      {With("a=ptime:-20\r\n"), 400},
      {With("a=sendonly\r\na=inactive\r\n"), 400},
      {With("b=AS:99999999999999999999\r\n"), 400},
      {With("t=0 0\r\n"), 400},  // Behind an m= line.
  };
}

uint64_t Refused(MediaScene& media) {
  return media.scene.world->worker().CurrentSnapshot().calls.sdp_refused;
}

TEST(B2buaSdpTest, HostileOffersAreRefusedAndCounted) {
  for (const Hostile& test : HostileOnes()) {
    const std::string shown = test.sdp.substr(0, 400);
    MediaScene media;
    const size_t call = media.Place({}, test.sdp);
    EXPECT_EQ(media.scene.pbx.call(call).final_status, test.status) << shown;
    EXPECT_THAT(media.scene.trunk.Got("INVITE"), IsEmpty()) << shown;
    EXPECT_EQ(Refused(media), 1u) << shown;
    EXPECT_THAT(std::string(media.scene.record().detail.view()), HasSubstr("the caller's SDP: "));
    EXPECT_EQ(media.scene.world->worker().media().streams(), 0u);
    media.scene.ExpectClean();
  }
}

// Within a call: the call goes on with what was in force, and the callee hears nothing of it.
TEST(B2buaSdpTest, AHostileOfferChangesNothing) {
  for (const Hostile& test : HostileOnes()) {
    if (test.ends_media) continue;
    const std::string shown = test.sdp.substr(0, 400);
    MediaScene media;
    const size_t call = media.Call();
    media.scene.pbx.Do(call, {.method = "INVITE", .body = test.sdp});
    media.scene.Run(1s);
    EXPECT_EQ(media.scene.pbx.Got("INVITE", test.status).size(), 1u) << shown;
    EXPECT_EQ(media.scene.trunk.Got("INVITE").size(), 1u) << shown;
    EXPECT_EQ(Refused(media), 1u) << shown;
    media.Talk("still here");
    EXPECT_THAT(media.trunk.got, testing::ElementsAre("still here out")) << shown;
    media.HangUp(call);
  }
}

// From the trunk's side it is the call's end: nobody else's answer will do.
TEST(B2buaSdpTest, HostileAnswersAreRefusedAndCounted) {
  for (const Hostile& test : HostileOnes()) {
    if (test.ends_media) continue;
    const std::string shown = test.sdp.substr(0, 400);
    MediaScene media;
    SimPlan callee;
    callee.script = {{.after = 10ms, .status = 200, .body = test.sdp}};
    const size_t call = media.Place(callee, With(""));
    EXPECT_EQ(media.scene.pbx.call(call).final_status, 500) << shown;
    EXPECT_EQ(Refused(media), 1u) << shown;
    EXPECT_EQ(media.scene.trunk.Got("BYE").size(), 1u) << shown;
    media.scene.ExpectClean();
  }
}

// What is odd and can be read in one way only is read, and written anew as it should be.
TEST(B2buaSdpTest, OddOnesCross) {
  const std::string odd =
      "v=0\no=- 1 1 IN IP4 127.0.0.4\ns=\ni=x\nb=AS:80\nk=clear:secret\na=group:BUNDLE 0 1\n"
      "a=sendonly\nt=0 0\nt=1 2\nr=7d 1h 0\na=fingerprint:sha-256 AA\na=Setup:actpass\n"
      "m=audio 4000 RTP/AVP 96 0 \na=fmtp:96 0-15\nc=IN IP4 127.0.0.4\na=mid:0\nb=TIAS:64000\n"
      "a=rtpmap:96 Telephone-Event/8000\na=rtpmap:0 PCMU/8000\na=rtpmap:0 pcmu/8000/1\n"
      "a=ptime:0\na=maxptime:10\na=ssrc:7 cname:me@10.0.0.1\na=crypto:1 X inline:y\na=msid:a b\n"
      "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\na=mid:1\na=bundle-only\n";
  MediaScene media;
  const size_t call = media.Call({}, odd);
  const std::string sdp = media.ToTrunk();
  const std::string port = LineOf(sdp, "m=audio ").substr(8, 5);
  EXPECT_THAT(sdp,
              EndsWith("IN IP4 127.0.0.3\r\ns=-\r\ni=x\r\nc=IN IP4 127.0.0.3\r\nb=AS:80\r\n"
                       "t=0 0\r\nt=1 2\r\nr=7d 1h 0\r\nm=audio " +
                       port +
                       " RTP/AVP 96 0\r\nb=TIAS:64000\r\na=fmtp:96 0-15\r\na=mid:0\r\n"
                       "a=rtpmap:96 Telephone-Event/8000\r\na=rtpmap:0 PCMU/8000\r\n"
                       "a=rtpmap:0 pcmu/8000/1\r\na=maxptime:10\r\na=msid:a b\r\na=sendonly\r\n"
                       "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n"));
  media.HangUp(call);
}

}  // namespace
}  // namespace tests
