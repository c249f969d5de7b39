#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/sdp/address_class.h"
#include "tests/core/sdp/sdp_support.h"

namespace core::sdp {
namespace {

// Goal: the pieces fit together as a back-to-back user agent uses them, in the order in which it
// does: a call of a PBX to the trunk, put on hold and resumed, with one of its changes refused.

using testing::HasSubstr;
using testing::Not;

constexpr IpAddress kTrunkSide = IpAddress::FromV4(0xcb00710a);     // 203.0.113.10
constexpr IpAddress kCustomerSide = IpAddress::FromV4(0xcb00710b);  // 203.0.113.11

/// One leg: our own place on it, and our own o=.
struct Leg {
  LocalOrigin origin = {100, 1, 0, false};
  IpAddress ours;
  uint16_t port = 0;
};

/// What we send on `to` for what came in `source`, with these formats.
std::string Send(const Parsed& source, const FormatSelection& formats, Leg* to) {
  MediaRewrite media = KeepMedia(source.media(), source.formats());
  media.port = to->port;
  media.rtcp_port = static_cast<uint16_t>(to->port + 1);
  media.formats = formats;
  Rewrite rewrite;
  rewrite.address = to->ours;
  rewrite.media = {&media, 1};
  std::vector<char> memory(2048);
  const std::optional<size_t> size = WriteForLeg(*source, rewrite, &to->origin, memory);
  EXPECT_TRUE(size.has_value());
  return {memory.data(), size.value_or(0)};
}

class TwoLegsTest : public testing::Test {
 protected:
  TwoLegsTest() {
    pbx_.ours = kCustomerSide;
    pbx_.port = 20000;
    trunk_.ours = kTrunkSide;
    trunk_.port = 30000;
    policy_.is_limited = policy_.allowed.PushBack(Codec::kPcmu);
  }

  Leg pbx_;
  Leg trunk_;
  CodecPolicy policy_;  // What the trunk takes.
};

TEST_F(TwoLegsTest, AnOfferGoesOnAndItsAnswerComesBackUnderTheOfferersNumbers) {
  const Parsed offer(
      Sdp("m=audio 25388 RTP/AVP 8 0 101\na=candidate:1 1 UDP 1 10.0.0.141 25388 typ host\n"
          "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\n"));
  ASSERT_EQ(Judge({AddressClass::kPublic, {}, {}}, *offer), AddressVerdict::kAccept);
  const Parsed to_trunk(
      Send(offer, SelectForOffer(offer.media(), offer.formats(), policy_), &trunk_));
  EXPECT_EQ(to_trunk.media().rtp(), (Endpoint{kTrunkSide, 30000}));
  EXPECT_THAT(std::string(to_trunk->bytes()), Not(HasSubstr("10.0.0.141")));
  EXPECT_THAT(std::string(to_trunk->bytes()), HasSubstr("m=audio 30000 RTP/AVP 0 101\r\n"));

  // The trunk answers, and numbers DTMF in its own way.
  const Parsed answer(
      Sdp("m=audio 36488 RTP/AVP 0 96\na=rtpmap:96 telephone-event/8000\n"
          "a=fmtp:96 0-15\n",
          "3.80.17.149"));
  ASSERT_EQ(JudgeAnswer(*to_trunk, *answer).flaw, AnswerFlaw::kNone);
  const Parsed to_pbx(Send(answer, SelectForAnswer(offer.formats(), answer.formats()), &pbx_));
  EXPECT_EQ(JudgeAnswer(*offer, *to_pbx).flaw, AnswerFlaw::kNone);
  EXPECT_THAT(std::string(to_pbx->bytes()), HasSubstr("m=audio 20000 RTP/AVP 0 101\r\n"));
  EXPECT_THAT(std::string(to_pbx->bytes()), HasSubstr("a=fmtp:101 0-15\r\n"));

  const PayloadMap to_trunk_map =
      MapPayloads({to_pbx.formats(), offer.formats(), answer.formats()});
  EXPECT_EQ(to_trunk_map.Find(101), 96);
  EXPECT_EQ(to_trunk_map.Find(8), PayloadMap::kRefused) << "offered to us, taken by nobody";
  const PayloadMap to_pbx_map =
      MapPayloads({to_trunk.formats(), answer.formats(), offer.formats()});
  EXPECT_EQ(to_pbx_map.Find(96), 101);
}

// RFC 3264 §8.4: held with 0.0.0.0, the resume refused, so still held; resumed.
TEST_F(TwoLegsTest, AHoldARefusedResumeAndAResume) {
  const Parsed talking(Sdp("m=audio 25388 RTP/AVP 0\n"));
  const Parsed held(Sdp("m=audio 25388 RTP/AVP 0\n", "0.0.0.0"));
  const auto reinvite = [this](const Parsed& offer) {
    return Send(offer, SelectForOffer(offer.media(), offer.formats(), policy_), &trunk_);
  };
  EXPECT_THAT(reinvite(talking), HasSubstr("o=- 100 1 "));
  const std::string hold = reinvite(held);
  EXPECT_THAT(hold, HasSubstr("a=sendonly\r\n"));
  EXPECT_THAT(hold, HasSubstr("o=- 100 2 ")) << "the version rises with the change (rule 15)";
  EXPECT_EQ(Judge({AddressClass::kPublic, {}, {}}, *held), AddressVerdict::kNowhere);

  (void)reinvite(talking);  // Refused.
  const std::string resume = reinvite(talking);
  EXPECT_THAT(resume, Not(HasSubstr("a=sendonly")));
  EXPECT_THAT(resume, HasSubstr("o=- 100 3 ")) << "as the refused one: the same content again";
}

}  // namespace
}  // namespace core::sdp
