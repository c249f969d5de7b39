#include "core/sdp/session_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/core/sdp/sdp_support.h"
#include "tests/support/allocations.h"

namespace core::sdp {
namespace {

// Goal: what RFC 8866 writes is read as it means it, what the field writes is read where nothing
// hangs on it, and all else is refused with the reason and the status code that fit.

using testing::ElementsAre;

constexpr std::string_view kMinimal =
    "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

ParseError Parse(std::string_view text) {
  SessionDescription description;
  return description.Parse(text);
}

std::vector<Codec> Codecs(const Parsed& parsed, size_t i = 0) {
  std::vector<Codec> codecs;
  for (const Format& format : parsed.formats(i)) codecs.push_back(format.codec);
  return codecs;
}

IpAddress Ip(std::string_view text) {
  IpAddress address;
  EXPECT_TRUE(IpAddress::Parse(text, &address));
  return address;
}

TEST(SessionDescriptionTest, ReadsTheTrunksOffer) {
  const Parsed offer(ReadCorpus("fuzz/sdp/trunk.sdp"));

  EXPECT_EQ(offer->origin().username, "Sonus_UAC");
  EXPECT_EQ(offer->origin().session_id, "546642");
  EXPECT_EQ(offer->origin().version, "315470");
  EXPECT_EQ(offer->origin().address, "3.80.17.149");
  EXPECT_EQ(offer->session_name(), "SIP Media Capabilities");
  ASSERT_EQ(offer->media().size(), 1u);
  const MediaDescription& audio = offer.media();
  EXPECT_EQ(audio.type, MediaType::kAudio);
  EXPECT_EQ(audio.protocol, Protocol::kRtpAvp);
  EXPECT_EQ(audio.rtp(), (Endpoint{Ip("3.80.17.149"), 36488}));
  EXPECT_EQ(audio.RtcpEndpoint(false), (Endpoint{Ip("3.80.17.149"), 36489}));
  EXPECT_EQ(audio.direction, Direction::kSendRecv);
  EXPECT_EQ(audio.ptime_ms, 20);
  EXPECT_THAT(Codecs(offer), ElementsAre(Codec::kPcmu, Codec::kTelephoneEvent));
  EXPECT_EQ(offer.formats()[1].number, 101);
  EXPECT_EQ(offer.formats()[1].fmtp, "0-15");
}

TEST(SessionDescriptionTest, ReadsAsterisksOfferWithIce) {
  const Parsed offer(ReadCorpus("fuzz/sdp/asterisk.sdp"));

  // The offerer's o= is another machine's address than its media's.
  EXPECT_EQ(offer->origin().address, "44.205.172.204");
  EXPECT_EQ(offer.media().rtp(), (Endpoint{Ip("198.51.100.204"), 25388}));
  EXPECT_EQ(offer.media().maxptime_ms, 150);
  EXPECT_EQ(offer.media().line_count, 12);
  size_t candidates = 0;
  for (size_t i = 0; i < offer.media().line_count; ++i) {
    const Line line = offer->line(offer.media().first_line + i);
    candidates += line.attribute == Attribute::kCandidate ? 1 : 0;
  }
  EXPECT_EQ(candidates, 4u);
}

TEST(SessionDescriptionTest, ReadsBaresipsTwoLines) {
  const Parsed offer(ReadCorpus("fuzz/sdp/baresip.sdp"));

  ASSERT_EQ(offer->media().size(), 2u);
  EXPECT_THAT(Codecs(offer),
              ElementsAre(Codec::kOpus, Codec::kPcmu, Codec::kPcma, Codec::kTelephoneEvent));
  EXPECT_EQ(offer.formats()[0].clock_rate_hz, 48000u);
  EXPECT_EQ(offer.formats()[0].channels, 2);
  EXPECT_TRUE(offer.media(0).has_rtcp_mux);
  EXPECT_EQ(offer.media(0).RtcpEndpoint(true).port, 23450);
  EXPECT_EQ(offer.media(1).type, MediaType::kVideo);
  EXPECT_FALSE(offer.media(1).has_rtcp_mux);
  EXPECT_EQ(offer.formats(1)[0].encoding, "H264");
}

TEST(SessionDescriptionTest, ReadsABrowsersOffer) {
  const Parsed offer(ReadCorpus("fuzz/sdp/browser.sdp"));

  EXPECT_FALSE(offer->connection().is_said) << "c= stands in each section instead (RFC 8866 §5.7)";
  EXPECT_EQ(offer.media(0).protocol, Protocol::kUdpTlsRtpSavpf);
  EXPECT_TRUE(IsSecure(offer.media(0).protocol));
  EXPECT_EQ(offer.media(0).mid, "0");
  EXPECT_EQ(offer.media(0).rtcp.port, 9);
  EXPECT_TRUE(offer.media(0).rtcp.has_address);
  EXPECT_EQ(offer.media(0).RtcpEndpoint(false), (Endpoint{Ip("0.0.0.0"), 9}));
  EXPECT_THAT(Codecs(offer), ElementsAre(Codec::kOpus, Codec::kRedundancy, Codec::kG722,
                                         Codec::kPcmu, Codec::kPcma, Codec::kComfortNoise,
                                         Codec::kTelephoneEvent, Codec::kTelephoneEvent));
  EXPECT_EQ(offer.media(1).direction, Direction::kInactive);
}

TEST(SessionDescriptionTest, ReadsT38) {
  const Parsed offer(ReadCorpus("fuzz/sdp/t38.sdp"));
  EXPECT_TRUE(offer.media().is_t38());
  EXPECT_FALSE(offer.media().is_rtp());
  ASSERT_EQ(offer.formats().size(), 1u);
  EXPECT_EQ(offer.formats()[0].text, "t38");
  EXPECT_EQ(offer.formats()[0].number, Format::kNoNumber);
}

// IPv6, a default direction of the session, RTCP elsewhere (RFC 3605), a line that is rejected.
TEST(SessionDescriptionTest, ALineSaysWhatItsSessionDoesNot) {
  const Parsed offer(ReadCorpus("fuzz/sdp/ipv6.sdp"));
  EXPECT_EQ(offer.media(0).rtp(), (Endpoint{Ip("2001:db8::20"), 30000}));
  EXPECT_EQ(offer.media(0).RtcpEndpoint(false), (Endpoint{Ip("2001:db8::21"), 30010}));
  EXPECT_EQ(offer.media(0).direction, Direction::kRecvOnly);
  EXPECT_EQ(offer.media(0).port_count, 1);
  EXPECT_TRUE(offer.media(1).is_rejected());
  EXPECT_EQ(offer.media(1).RtcpEndpoint(false), Endpoint{});

  const Parsed own(
      Sdp("a=sendonly\nm=audio 5004 RTP/AVP 0\nc=IN IP4 192.0.2.9\na=inactive\n"
          "m=audio 5006 RTP/AVP 0\n"));
  EXPECT_EQ(own.media(0).direction, Direction::kInactive);
  EXPECT_EQ(own.media(0).connection.address, Ip("192.0.2.9"));
  EXPECT_EQ(own.media(1).direction, Direction::kSendOnly);
  EXPECT_EQ(own.media(1).connection.address, Ip("192.0.2.1"));
}

// RFC 3551 §6: a static number needs no rtpmap; a dynamic one without says nothing.
TEST(SessionDescriptionTest, StaticPayloadTypesAreKnown) {
  const Parsed offer(Sdp("m=audio 5004 RTP/AVP 0 3 4 8 9 13 15 18 96\n"));
  EXPECT_THAT(Codecs(offer),
              ElementsAre(Codec::kPcmu, Codec::kGsm, Codec::kG723, Codec::kPcma, Codec::kG722,
                          Codec::kComfortNoise, Codec::kG728, Codec::kG729, Codec::kUnknown));
  for (const Format& format : offer.formats().first(8)) EXPECT_EQ(format.clock_rate_hz, 8000u);
  EXPECT_EQ(offer.formats()[8].encoding, "");
}

// RFC 8866 §6.6: encoding names are media subtypes, so their case says nothing.
TEST(SessionDescriptionTest, EncodingNamesHaveNoCase) {
  const Parsed offer(
      Sdp("m=audio 5004 RTP/AVP 96 97 98\na=rtpmap:96 OPUS/48000/2\n"
          "a=rtpmap:97 Telephone-Event/8000\na=rtpmap:98 x-own/16000\n"));
  EXPECT_THAT(Codecs(offer), ElementsAre(Codec::kOpus, Codec::kTelephoneEvent, Codec::kUnknown));
  EXPECT_EQ(offer.formats()[2].encoding, "x-own");
}

// LF for CRLF (RFC 8866 §5 asks for it); no last line end, doubled spaces and ones at the end, no
// s= or t=, c= and b= in another order: seen in the field, and none can be read in two ways.
TEST(SessionDescriptionTest, IsLenientWhereNothingHangsOnIt) {
  const Parsed offer(ReadCorpus("fuzz/sdp/lenient.sdp"));
  EXPECT_EQ(offer->session_name(), "");
  EXPECT_TRUE(offer->has_time());
  EXPECT_THAT(Codecs(offer), ElementsAre(Codec::kPcmu, Codec::kTelephoneEvent));
  EXPECT_EQ(offer.media().direction, Direction::kSendOnly);

  const std::string_view tolerated[] = {
      "m=audio 5004 RTP/AVP 0\r\n\r\n",                       // An empty line at the end,
      "m=audio 5004 RTP/AVP 0\r",                             // half a line end,
      "m=audio 5004 RTP/AVP 0 0\r\n",                         // a number twice,
      "m=audio 0 RTP/AVP\r\n",                                // a rejected line without formats,
      "m=audio 5004 RTP/AVP 0\r\na=ptime:20.0\r\n",           // a real number (§6.4 has it),
      "m=audio 5004 RTP/AVP 0\r\na=rtpmap:97 iLBC/8000\r\n",  // an explanation of nothing,
      "m=audio 5004 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:0 pcmu/8000/1\r\n",
      "m=audio 5004 RTP/AVP 0\r\na=sendrecv\r\na=sendrecv \r\n",
      "m=x-new 5004 X/Y z\r\na=rtpmap:z what ever\r\n",  // what is not RTP is not read as RTP.
      "",                                                // No line at all (RFC 3264 §5 allows it).
  };
  for (const std::string_view text : tolerated) {
    EXPECT_EQ(Parse(std::string(kMinimal) + std::string(text)), ParseError::kOk) << text;
  }
}

TEST(SessionDescriptionTest, NamesUnderInvalidAreNowhere) {
  const Parsed held(Sdp("m=audio 5004 RTP/AVP 0\nc=IN IP6 hold.INVALID\n"));
  EXPECT_TRUE(held.media().connection.address.is_unspecified());
}

TEST(SessionDescriptionTest, RefusesWhatIsMalformedWith400) {
  const std::pair<std::string, ParseError> cases[] = {
      {"", ParseError::kEmpty},
      {"\r\n", ParseError::kLine},
      {"v=0", ParseError::kMissing},
      {"v=1\r\n", ParseError::kVersion},
      {"o=- 1 2 IN IP4 192.0.2.1\r\nv=0\r\n", ParseError::kVersion},
      {"v=0\r\no=- 1 2 IN IP4\r\n", ParseError::kOrigin},
      {"v=0\r\no=a b 1 2 IN IP4 192.0.2.1\r\n", ParseError::kOrigin},
  };
  const std::pair<std::string_view, ParseError> after_minimal[] = {
      {"v=0\r\n", ParseError::kRepeated},
      {"s=twice\r\n", ParseError::kRepeated},
      {"x\r\n", ParseError::kLine},
      {" m=audio 5004 RTP/AVP 0\r\n", ParseError::kLine},
      {"m =audio 5004 RTP/AVP 0\r\n", ParseError::kLine},
      {"\r\nm=audio 5004 RTP/AVP 0\r\n", ParseError::kLine},
      {"a=x\rm=audio 5004 RTP/AVP 0\r\n", ParseError::kLine},
      {"a=x\r\r\n", ParseError::kLine},
      {"y=0100000001\r\n", ParseError::kLineType},
      {"A=sendrecv\r\n", ParseError::kLineType},
      {"t=0\r\n", ParseError::kTime},
      {"t=18446744073709551616 0\r\n", ParseError::kTime},
      {"b=AS\r\n", ParseError::kBandwidth},
      {"b=AS:4294967296\r\n", ParseError::kBandwidth},
      {"b=AS:-1\r\n", ParseError::kBandwidth},
      {"m=audio\r\n", ParseError::kMedia},
      {"m=audio x RTP/AVP 0\r\n", ParseError::kPort},
      {"m=audio -1 RTP/AVP 0\r\n", ParseError::kPort},
      {"m=audio 65536 RTP/AVP 0\r\n", ParseError::kPort},
      {"m=audio 99999999999999999999999 RTP/AVP 0\r\n", ParseError::kPort},
      {"m=audio 5004/0 RTP/AVP 0\r\n", ParseError::kPort},
      {"m=audio 5004/256 RTP/AVP 0\r\n", ParseError::kPort},
      {"m=audio 65534/2 RTP/AVP 0\r\n", ParseError::kPort},
      {"m=audio 5004RTP/AVP 0\r\n", ParseError::kPort},
      {"m=audio 5004\r\n", ParseError::kMedia},
      {"m=audio 5004 RTP/AVP\r\n", ParseError::kMedia},
      {"m=audio 5004 RTP/AVP 128\r\n", ParseError::kFormat},
      {"m=audio 5004 RTP/AVP 4294967296\r\n", ParseError::kFormat},
      {"m=audio 5004 RTP/AVP 0x\r\n", ParseError::kFormat},
      {"m=audio 5004 RTP/AVP 0\r\no=- 1 2 IN IP4 1.2.3.4\r\n", ParseError::kPlace},
      {"m=audio 5004 RTP/AVP 0\r\nt=0 0\r\n", ParseError::kPlace},
      {"a=\r\n", ParseError::kAttribute},
      {"a=:x\r\n", ParseError::kAttribute},
      {"a=sendonly\r\na=recvonly\r\n", ParseError::kRepeated},
      {"m=audio 5004 RTP/AVP 0\r\na=sendonly\r\na=inactive\r\n", ParseError::kRepeated},
      {"m=audio 5004 RTP/AVP 0\r\na=mid:1\r\na=mid:2\r\n", ParseError::kRepeated},
      {"m=audio 5004 RTP/AVP 0\r\na=mid:\r\n", ParseError::kAttribute},
      {"m=audio 5004 RTP/AVP 0\r\na=ptime:\r\n", ParseError::kAttribute},
      {"m=audio 5004 RTP/AVP 0\r\na=ptime:10001\r\n", ParseError::kAttribute},
      {"m=audio 5004 RTP/AVP 0\r\na=ptime:20.\r\n", ParseError::kAttribute},
      {"m=audio 5004 RTP/AVP 0\r\na=maxptime:20ms\r\n", ParseError::kAttribute},
      {"m=audio 5004 RTP/AVP 0\r\na=rtcp:65536\r\n", ParseError::kAttribute},
      {"m=audio 5004 RTP/AVP 0\r\na=rtcp:5\r\na=rtcp:7\r\n", ParseError::kRepeated},
      {"m=audio 5004 RTP/AVP 0\r\na=rtcp:5 IN IP4 300.1.1.1\r\n", ParseError::kAddress},
      {"m=audio 5004 RTP/AVP 96\r\na=rtpmap:96\r\n", ParseError::kRtpMap},
      {"m=audio 5004 RTP/AVP 96\r\na=rtpmap:96 opus\r\n", ParseError::kRtpMap},
      {"m=audio 5004 RTP/AVP 96\r\na=rtpmap:96 opus/0\r\n", ParseError::kRtpMap},
      {"m=audio 5004 RTP/AVP 96\r\na=rtpmap:96 opus/4294967296\r\n", ParseError::kRtpMap},
      {"m=audio 5004 RTP/AVP 96\r\na=rtpmap:96 opus/48000/256\r\n", ParseError::kRtpMap},
      {"m=audio 5004 RTP/AVP 96\r\na=rtpmap:96 o pus/48000\r\n", ParseError::kRtpMap},
      {"m=audio 5004 RTP/AVP 96\r\na=rtpmap:128 opus/48000\r\n", ParseError::kFormat},
      {"m=audio 5004 RTP/AVP 96\r\na=fmtp:x 1\r\n", ParseError::kFormat},
      {"m=audio 5004 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:96 PCMU/8000\r\n",
       ParseError::kRepeated},
  };
  const auto expect = [](const std::string& text, ParseError error) {
    EXPECT_EQ(Parse(text), error) << text;
    EXPECT_EQ(StatusCodeOf(error), 400) << text;
  };
  for (const auto& [text, error] : cases) expect(text, error);
  for (const auto& [text, error] : after_minimal) {
    expect(std::string(kMinimal) + std::string(text), error);
  }
  expect(std::string(kMinimal) + std::string("a=x\0y\r\n", 7), ParseError::kLine);
}

TEST(SessionDescriptionTest, RefusesAddressesThatAreNone) {
  const std::pair<std::string_view, ParseError> cases[] = {
      {"IN IP4 256.0.0.1", ParseError::kAddress},
      {"IN IP4 010.0.0.1", ParseError::kAddress},
      {"IN IP4 1.2.3", ParseError::kAddress},
      {"IN IP4 2001:db8::1", ParseError::kAddress},
      {"IN IP6 192.0.2.1", ParseError::kAddress},
      {"IN IP6 ::ffff:192.0.2.1", ParseError::kAddress},  // One family to the label, another to us.
      {"IN IP6 fe80::1%eth0", ParseError::kAddress},
      {"IN IP4 192.0.2.1 x", ParseError::kAddress},
      {"IN IP4", ParseError::kAddress},
      {"IN IP4 media.example.com", ParseError::kHostName},
      {"IN IP4 invalid.example", ParseError::kHostName},
      {"ATM NSAP 47.0091", ParseError::kNetworkType},
      {"IN IP5 192.0.2.1", ParseError::kNetworkType},
      {"IN IP4 233.252.0.1/127", ParseError::kMulticast},
      {"IN IP6 ff15::101/3", ParseError::kMulticast},
  };
  for (const auto& [value, error] : cases) {
    const std::string text = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=" + std::string(value) +
                             "\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n";
    EXPECT_EQ(Parse(text), error) << value;
    EXPECT_EQ(StatusCodeOf(error), error == ParseError::kAddress ? 400 : 488);
  }
  // Layers of a multicast: a second c= (RFC 8866 §5.7).
  EXPECT_EQ(Parse(std::string(kMinimal) + "c=IN IP4 192.0.2.2\r\n"), ParseError::kMulticast);
  EXPECT_EQ(Parse(Sdp("m=audio 5004 RTP/AVP 0\nc=IN IP4 192.0.2.2\nc=IN IP4 192.0.2.3\n")),
            ParseError::kMulticast);
  // Who offers no place for media that he wants, and who wants none.
  EXPECT_EQ(Parse("v=0\no=- 1 2 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 5004 RTP/AVP 0\n"),
            ParseError::kMissing);
  EXPECT_EQ(Parse("v=0\no=- 1 2 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 0 RTP/AVP 0\n"),
            ParseError::kOk);
}

// Each bound holds to the last, and one more is 488: understood, and not acceptable.
TEST(SessionDescriptionTest, EachBoundIsReachedAndAnswered) {
  const auto repeat = [](std::string_view text, size_t count) {
    std::string all;
    for (size_t i = 0; i < count; ++i) all += text;
    return all;
  };
  const auto expect = [](const std::string& fits, const std::string& more, ParseError error) {
    EXPECT_EQ(Parse(std::string(kMinimal) + fits), ParseError::kOk) << Name(error);
    EXPECT_EQ(Parse(std::string(kMinimal) + fits + more), error);
    EXPECT_EQ(StatusCodeOf(error), 488);
  };
  const std::string line = "m=audio 5004 RTP/AVP 0\r\n";
  expect(repeat(line, SessionDescription::kMediaMax), line, ParseError::kTooManyMedia);
  expect(repeat("a=x\r\n", SessionDescription::kLinesMax - 5), "a=x\r\n",
         ParseError::kTooManyLines);

  std::string formats = "m=audio 5004 RTP/AVP";
  for (size_t i = 0; i < SessionDescription::kFormatsPerMediaMax; ++i) {
    formats += ' ' + std::to_string(i);
  }
  expect(formats, " 64", ParseError::kTooManyFormats);
  static_assert(SessionDescription::kFormatsMax == 2 * SessionDescription::kFormatsPerMediaMax);
  expect(repeat(formats + "\r\n", 2), line, ParseError::kTooManyFormats);

  const std::string longest = "a=" + std::string(SessionDescription::kLineMax - 2, 'x');
  expect(longest, "x", ParseError::kLineTooLong);

  const size_t left = SessionDescription::kBytesMax - kMinimal.size();
  std::string bytes = repeat(std::string(longest) + "\r\n", left / (longest.size() + 2));
  bytes += "a=" + std::string(left - bytes.size() - 2, 'x');
  expect(bytes, "x", ParseError::kTooLong);
}

TEST(SessionDescriptionTest, ARefusedDescriptionLeavesNothingBehind) {
  SessionDescription description;
  const std::string good = ReadCorpus("fuzz/sdp/baresip.sdp");
  ASSERT_EQ(description.Parse(good), ParseError::kOk);
  ASSERT_EQ(description.Parse("v=0\r\no=- 1 2 IN IP4 1.2.3.4\r\nm=audio x"), ParseError::kPort);
  EXPECT_TRUE(description.media().empty());
  EXPECT_TRUE(description.bytes().empty());
  EXPECT_TRUE(description.origin().username.empty());
  EXPECT_EQ(description.session_line_count(), 0u);
  ASSERT_EQ(description.Parse(good), ParseError::kOk) << "and may be parsed into again";
  EXPECT_EQ(description.media().size(), 2u);
}

TEST(SessionDescriptionTest, NothingIsAllocated) {
  const std::string text = ReadCorpus("fuzz/sdp/browser.sdp");
  SessionDescription description;
  char memory[4096];
  const size_t before = Allocations();
  ASSERT_EQ(description.Parse(text), ParseError::kOk);
  MediaRewrite media[2];
  for (size_t i = 0; i < 2; ++i) {
    media[i] = KeepMedia(description.media()[i], description.formats(description.media()[i]));
  }
  Rewrite rewrite;
  rewrite.media = media;
  LocalOrigin origin;
  EXPECT_TRUE(WriteForLeg(description, rewrite, &origin, memory).has_value());
  EXPECT_EQ(Allocations(), before);
}

}  // namespace
}  // namespace core::sdp
