#include "core/sdp/rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/sdp/sdp_support.h"

namespace core::sdp {
namespace {

// Goal: what crosses to the other side is a whole new description: ours in every address, port and
// o=, the peer's in everything else that may cross, with the same m= lines in the same order
// (RFC 3264 §5.1, §6).

using testing::HasSubstr;
using testing::Not;

TEST(RewriteTest, TheTrunksOfferWithOurAddressAndPorts) {
  const Parsed offer(ReadCorpus("fuzz/sdp/trunk.sdp"));
  EXPECT_EQ(Rewritten(*offer, KeepAll(*offer)),
            "v=0\r\n"
            "o=- 7 8 IN IP4 203.0.113.10\r\n"
            "s=-\r\n"
            "c=IN IP4 203.0.113.10\r\n"
            "t=0 0\r\n"
            "m=audio 20000 RTP/AVP 0 101\r\n"
            "a=rtpmap:0 PCMU/8000\r\n"
            "a=rtpmap:101 telephone-event/8000\r\n"
            "a=fmtp:101 0-15\r\n"
            "a=ptime:20\r\n"
            "a=sendrecv\r\n");
}

// The PBX's offer shows its private addresses in its candidates. We anchor, so none of ICE crosses.
TEST(RewriteTest, AsterisksIceStaysBehind) {
  const Parsed offer(ReadCorpus("fuzz/sdp/asterisk.sdp"));
  EXPECT_EQ(Rewritten(*offer, KeepAll(*offer)),
            "v=0\r\n"
            "o=- 7 8 IN IP4 203.0.113.10\r\n"
            "s=-\r\n"
            "c=IN IP4 203.0.113.10\r\n"
            "t=0 0\r\n"
            "m=audio 20000 RTP/AVP 0 101\r\n"
            "a=rtpmap:0 PCMU/8000\r\n"
            "a=rtpmap:101 telephone-event/8000\r\n"
            "a=fmtp:101 0-16\r\n"
            "a=ptime:20\r\n"
            "a=maxptime:150\r\n"
            "a=sendrecv\r\n");
}

// A browser's offer on its way to a trunk: G.711 with its noise and DTMF under their numbers, no
// keys, no candidates, no bundle; what nobody here knows crosses in its order; video is refused in
// its place.
TEST(RewriteTest, ABrowsersOfferToATrunk) {
  const Parsed offer(ReadCorpus("fuzz/sdp/browser.sdp"));
  std::vector<MediaRewrite> media = KeepAll(*offer, 30000);
  CodecPolicy policy;
  policy.is_limited = policy.allowed.PushBack(Codec::kPcmu);
  media[0].formats = SelectForOffer(offer.media(0), offer.formats(0), policy);
  media[0].protocol = "RTP/AVP";  // We would be the end of its DTLS.
  media[1].is_rejected = true;

  EXPECT_EQ(Rewritten(*offer, media),
            "v=0\r\n"
            "o=- 7 8 IN IP4 203.0.113.10\r\n"
            "s=-\r\n"
            "c=IN IP4 203.0.113.10\r\n"
            "t=0 0\r\n"
            "a=extmap-allow-mixed\r\n"
            "a=msid-semantic: WMS 61317484\r\n"
            "m=audio 30000 RTP/AVP 0 13 126\r\n"
            "a=mid:0\r\n"
            "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
            "a=msid:61317484 1\r\n"
            "a=rtpmap:0 PCMU/8000\r\n"
            "a=rtpmap:13 CN/8000\r\n"
            "a=rtpmap:126 telephone-event/8000\r\n"
            "a=sendrecv\r\n"
            "m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\n"
            "a=mid:1\r\n");
}

// What names one side's product, hosts or relays is not for the other one; nor are streams with
// several SSRCs, of which we relay one.
TEST(RewriteTest, WhatTellsOfTheOtherSideStaysBehind) {
  const Parsed offer(
      Sdp("a=tool:acme 1.2\nm=audio 5004 RTP/AVP 0\na=ssrc:7 cname:me@10.0.0.1\n"
          "a=ssrc-group:FID 7 8\na=oldmediaip:10.0.0.1\na=oldmediaport:4000\na=rid:hi send\n"
          "a=simulcast:send hi\na=label:1\n"));
  const std::string written = Rewritten(*offer, KeepAll(*offer));
  EXPECT_EQ(written.substr(written.find("s=")),
            "s=-\r\nc=IN IP4 203.0.113.10\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\na=label:1\r\n");
}

TEST(RewriteTest, KeysCrossOnlyWhenTheyAreTheTwoEndsOwn) {
  const Parsed offer(ReadCorpus("fuzz/sdp/srtp.sdp"));
  std::vector<MediaRewrite> media = KeepAll(*offer);
  EXPECT_THAT(Rewritten(*offer, media), Not(HasSubstr("crypto")));
  EXPECT_THAT(Rewritten(*offer, media), HasSubstr("m=audio 0 RTP/SAVP 0 3 8 9 125 101\r\n"))
      << "a secure line without keys could be answered by nobody";
  media[0].keeps_security = true;
  EXPECT_THAT(Rewritten(*offer, media), HasSubstr("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"));
  EXPECT_THAT(Rewritten(*offer, media), HasSubstr("a=X-nat:0\r\n")) << "unknown, so it crosses";
}

TEST(RewriteTest, T38CrossesWithOurPort) {
  const Parsed offer(ReadCorpus("fuzz/sdp/t38.sdp"));
  EXPECT_EQ(Rewritten(*offer, KeepAll(*offer)),
            "v=0\r\n"
            "o=- 7 8 IN IP4 203.0.113.10\r\n"
            "s=-\r\n"
            "c=IN IP4 203.0.113.10\r\n"
            "t=0 0\r\n"
            "m=image 20000 udptl t38\r\n"
            "a=T38FaxVersion:0\r\n"
            "a=T38MaxBitRate:14400\r\n"
            "a=T38FaxRateManagement:transferredTCF\r\n"
            "a=T38FaxMaxDatagram:400\r\n"
            "a=T38FaxUdpEC:t38UDPRedundancy\r\n");
}

// RFC 3264 §8.4: 0.0.0.0 was once the way to hold. Our address is never that, so what it meant is
// said by the direction.
TEST(RewriteTest, OldStyleHoldBecomesADirection) {
  const Parsed offer(ReadCorpus("fuzz/sdp/hold_old.sdp"));
  const std::string written = Rewritten(*offer, KeepAll(*offer));
  EXPECT_THAT(written, HasSubstr("c=IN IP4 203.0.113.10\r\n"));
  EXPECT_THAT(written, HasSubstr("a=sendonly\r\n"));
  EXPECT_THAT(written, Not(HasSubstr("0.0.0.0")));
}

// IPv6 on one side and IPv4 on the other; lines in RFC 8866's order; the session's direction on
// each line that has one; u=, e=, p= and k= stay behind, s= and t= are filled in.
TEST(RewriteTest, EachSideHasItsOwnFamilyAndTheOrderIsTheRfcs) {
  const Parsed offer(
      "v=0\no=- 1 1 IN IP6 2001:db8::1\na=recvonly\na=x-own:1\nb=AS:80\nk=clear:secret\n"
      "p=+1 617 555-6011\ne=j.doe@example.com\nu=http://internal.example/\ni=info\n"
      "m=audio 5004 RTP/AVP 0\na=x-first\nb=AS:64\na=sendonly\nc=IN IP6 2001:db8::1\nk=prompt\n"
      "m=audio 5006 RTP/AVP 8\na=x-second\nc=IN IP6 2001:db8::1\n");
  EXPECT_EQ(Rewritten(*offer, KeepAll(*offer)),
            "v=0\r\n"
            "o=- 7 8 IN IP4 203.0.113.10\r\n"
            "s=-\r\n"
            "i=info\r\n"
            "c=IN IP4 203.0.113.10\r\n"
            "b=AS:80\r\n"
            "t=0 0\r\n"
            "a=x-own:1\r\n"
            "m=audio 20000 RTP/AVP 0\r\n"
            "b=AS:64\r\n"
            "a=x-first\r\n"
            "a=sendonly\r\n"
            "m=audio 20002 RTP/AVP 8\r\n"
            "a=x-second\r\n"
            "a=recvonly\r\n");
  IpAddress v6;
  ASSERT_TRUE(IpAddress::Parse("2001:db8::f", &v6));
  EXPECT_THAT(Rewritten(*offer, KeepAll(*offer), v6),
              HasSubstr("o=- 7 8 IN IP6 2001:db8::f\r\ns=-\r\ni=info\r\nc=IN IP6 2001:db8::f\r\n"));
}

// RFC 3605: a=rtcp where RTCP is not at the next port. RFC 5761: rtcp-mux is ours to say.
TEST(RewriteTest, RtcpIsSaidWhereItIsNotTheNextPort) {
  const Parsed offer(Sdp("m=audio 5004 RTP/AVP 0\na=rtcp:5009\na=rtcp-mux\na=rtcp-mux-only\n"));
  std::vector<MediaRewrite> media = KeepAll(*offer);
  EXPECT_THAT(Rewritten(*offer, media), Not(HasSubstr("rtcp")));
  media[0].rtcp_port = 20007;
  EXPECT_THAT(Rewritten(*offer, media), HasSubstr("a=rtcp:20007\r\n"));
  media[0].rtcp_port = 20000;
  media[0].has_rtcp_mux = true;
  EXPECT_THAT(Rewritten(*offer, media), HasSubstr("a=rtcp-mux\r\n"));
  EXPECT_THAT(Rewritten(*offer, media), Not(HasSubstr("a=rtcp:")));
}

TEST(RewriteTest, FormatsCrossUnderTheirNumbersThere) {
  const Parsed answer(
      Sdp("m=audio 5004 RTP/AVPF 96 8 97 \na=rtpmap:96  telephone-event/8000\n"
          "a=fmtp:96 0-15\na=fmtp:8\na=rtcp-fb:97 nack\na=rtcp-fb:* ccm fir\n"
          "a=rtcp-fb:97 nack pli\na=rtcp-fb:97 nack sli\na=rtcp-fb:97 ccm tmmbr\n"
          "a=rtcp-fb:97 transport-cc\na=rtcp-fb:97 trr-int 100\na=rtcp-fb:97\n"
          "a=rtpmap:97 opus/48000/2\na=fmtp:97 useinbandfec=1\n"
          "a=rtpmap:99 ghost/8000\n"));
  std::vector<MediaRewrite> media = KeepAll(*answer);
  media[0].formats.entries.Clear();
  ASSERT_TRUE(media[0].formats.entries.PushBack({2, 111}));
  ASSERT_TRUE(media[0].formats.entries.PushBack({0, 101}));
  EXPECT_THAT(Rewritten(*answer, media), Not(HasSubstr("rtcp-fb")));
  media[0].keeps_feedback = true;
  const std::string written = Rewritten(*answer, media);
  EXPECT_EQ(written.substr(written.find("m=")),
            "m=audio 20000 RTP/AVPF 111 101\r\n"
            "a=rtpmap:101  telephone-event/8000\r\n"
            "a=fmtp:101 0-15\r\n"
            "a=rtcp-fb:111 nack\r\n"
            "a=rtcp-fb:* ccm fir\r\n"
            "a=rtcp-fb:111 nack pli\r\n"
            "a=rtpmap:111 opus/48000/2\r\n"
            "a=fmtp:111 useinbandfec=1\r\n");
}

TEST(RewriteTest, ALineWithoutFormatsLeftIsRejectedInItsPlace) {
  const Parsed offer(
      Sdp("m=audio 5004 RTP/AVP 8\nm=audio 0 RTP/AVP\nm=application 0 TCP\n"
          "m=audio 5006 RTP/AVP 0\n"));
  std::vector<MediaRewrite> media = KeepAll(*offer);
  media[0].formats = {};
  const std::string written = Rewritten(*offer, media);
  EXPECT_EQ(written.substr(written.find("m=")),
            "m=audio 0 RTP/AVP 8\r\nm=audio 0 RTP/AVP 0\r\nm=application 0 TCP -\r\n"
            "m=audio 20006 RTP/AVP 0\r\n");
}

TEST(RewriteTest, GroupsCrossUnlessTheyBundle) {
  const Parsed offer(
      Sdp("a=group:LS 1 2\na=group:BUNDLE 1 2\na=group:ANAT 1\na=group: BUNDLE 1 2\n"
          "a=group:Bundle 1 2\na=Group:BUNDLE 1 2\nm=audio 5004 RTP/AVP 0\na=mid:1\n"));
  const std::string written = Rewritten(*offer, KeepAll(*offer));
  EXPECT_THAT(written, HasSubstr("a=group:LS 1 2\r\n"));
  EXPECT_THAT(written, Not(HasSubstr("BUNDLE")));
  EXPECT_THAT(written, Not(HasSubstr("Bundle")));
  EXPECT_THAT(written, Not(HasSubstr("ANAT")));
}

// What leads media past us never crosses, by the table, at either level.
TEST(RewriteTest, NothingThatLeadsMediaPastUsCrosses) {
  for (size_t i = 1; i < kAttributeCount; ++i) {
    const auto attribute = static_cast<Attribute>(i);
    EXPECT_EQ(FindAttribute(Name(attribute)), attribute) << Name(attribute);
    if (FateOf(attribute) != Fate::kDrop && FateOf(attribute) != Fate::kSecurity) continue;
    const std::string line = "a=" + std::string(Name(attribute)) + ":10.9.8.7\n";
    const Parsed offer(Sdp(line + "m=audio 5004 RTP/AVP 0\n" + line));
    EXPECT_THAT(Rewritten(*offer, KeepAll(*offer)), Not(HasSubstr(Name(attribute))));
  }
}

// RFC 8866 §9: names are tokens and their case counts. To readers who take them without regard to
// case or to a blank these are what they look like, so they may not cross as unknown ones.
TEST(RewriteTest, WhatOnlySomeReadersKnowDoesNotCross) {
  const std::string lines =
      "a=Candidate:1 1 UDP 1 10.0.0.1 9 typ host\na=candidate :1 1 UDP 1 10.0.0.1 9 typ host\n"
      "a= candidate:1 1 UDP 1 10.0.0.1 9 typ host\na=candidate\t:1 1 UDP 1 10.0.0.1 9 typ host\n"
      "a=ICE-UFRAG:x\na=Crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\na=sendonly now\n"
      "a=alt:1 1 : A B 10.0.0.1 9\na=sqn: 0\na=cdsc: 1 image udptl t38\na=x-own:kept\n";
  const Parsed offer(Sdp(lines + "m=audio 5004 RTP/AVP 0\n" + lines));
  EXPECT_EQ(offer.media().direction, Direction::kSendRecv);
  const std::string written = Rewritten(*offer, KeepAll(*offer));
  EXPECT_EQ(written.substr(written.find("t=")),
            "t=0 0\r\na=x-own:kept\r\nm=audio 20000 RTP/AVP 0\r\na=x-own:kept\r\n");
  // What is known is read, whatever its case, and written as it should be.
  const Parsed loud(Sdp("m=audio 5004 RTP/AVP 96\na=RtpMap:96 opus/48000/2\na=SendOnly\n"));
  EXPECT_EQ(loud.formats()[0].codec, Codec::kOpus);
  const std::string plain = Rewritten(*loud, KeepAll(*loud));
  EXPECT_EQ(plain.substr(plain.find("a=")), "a=rtpmap:96 opus/48000/2\r\na=sendonly\r\n");
}

// Whoever divides by it must not get it from us (RFC 8866 §6.4: it is not zero).
TEST(RewriteTest, APacketTimeOfZeroStaysBehind) {
  const Parsed offer(
      Sdp("m=audio 5004 RTP/AVP 0\na=ptime:0\na=maxptime:0.0\nm=audio 5006 RTP/AVP 0\n"
          "a=ptime:0.125\na=maxptime:150\n"));
  const std::string written = Rewritten(*offer, KeepAll(*offer));
  EXPECT_EQ(written.substr(written.find("m=")),
            "m=audio 20000 RTP/AVP 0\r\nm=audio 20002 RTP/AVP 0\r\na=ptime:0.125\r\n"
            "a=maxptime:150\r\n");
}

TEST(RewriteTest, WhatDoesNotFitIsNotWritten) {
  const Parsed offer(ReadCorpus("fuzz/sdp/trunk.sdp"));
  const std::vector<MediaRewrite> media = KeepAll(*offer);
  Rewrite rewrite;
  rewrite.media = media;
  std::vector<char> memory(1024);
  LocalOrigin origin;
  const size_t size = *WriteForLeg(*offer, rewrite, &origin, memory);
  for (size_t room = 0; room < size; ++room) {
    LocalOrigin untouched;
    EXPECT_FALSE(WriteForLeg(*offer, rewrite, &untouched, std::span(memory).first(room)));
    EXPECT_FALSE(untouched.has_content);
  }
  EXPECT_TRUE(WriteForLeg(*offer, rewrite, &origin, std::span(memory).first(size)));
}

// Rule 15 and RFC 3264 §8: a refresh has the version of old, a change has the next one.
TEST(LocalOriginTest, TheVersionRisesByOneWithEachChangeOnly) {
  const Parsed offer(ReadCorpus("fuzz/sdp/trunk.sdp"));
  std::vector<MediaRewrite> media = KeepAll(*offer);
  Rewrite rewrite;
  rewrite.media = media;
  std::vector<char> memory(1024);
  LocalOrigin origin = {41, 9, 0, false};
  const auto write = [&](const Parsed& source) {
    const std::optional<size_t> size = WriteForLeg(*source, rewrite, &origin, memory);
    EXPECT_TRUE(size.has_value());
    const std::string_view text(memory.data(), size.value_or(0));
    const size_t at = text.find("o=");
    return std::string(text.substr(at, text.find("\r\n", at) - at));
  };

  EXPECT_EQ(write(offer), "o=- 41 9 IN IP6 ::");
  EXPECT_EQ(write(offer), "o=- 41 9 IN IP6 ::");
  // The peer's own version rose and nothing else: no change of ours.
  std::string text = ReadCorpus("fuzz/sdp/trunk.sdp");
  text.replace(text.find("315470"), 6, "315471");
  EXPECT_EQ(write(Parsed(text)), "o=- 41 9 IN IP6 ::");
  media[0].direction = Direction::kSendOnly;
  EXPECT_EQ(write(offer), "o=- 41 10 IN IP6 ::");
  EXPECT_EQ(write(offer), "o=- 41 10 IN IP6 ::");
  media[0].direction = Direction::kSendRecv;
  EXPECT_EQ(write(offer), "o=- 41 11 IN IP6 ::") << "back to what it was is a change as well";
}

TEST(LocalOriginTest, TheHashSeesEverythingButTheOrigin) {
  const std::string text = "v=0\r\no=- 1 2 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\na=o=x\r\n";
  const uint64_t hash = ContentHash(text);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = '~';
    const bool in_origin = i >= text.find("o=") + 2 && i <= text.find("\r\ns=");
    EXPECT_EQ(ContentHash(changed) == hash, in_origin || changed[i] == text[i]) << i;
  }
}

}  // namespace
}  // namespace core::sdp
