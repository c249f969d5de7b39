#include "core/sdp/format_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/sdp/sdp_support.h"

namespace core::sdp {
namespace {

// Goal: an offer goes on with the codecs that its side allows, an answer goes back with those of
// the offer under the offerer's numbers (RFC 3264 §6.1), and RTP is told which numbers may cross.

using testing::ElementsAre;
using testing::IsEmpty;

CodecPolicy Policy(std::initializer_list<Codec> allowed, bool reorder = false) {
  CodecPolicy policy;
  for (const Codec codec : allowed) EXPECT_TRUE(policy.allowed.PushBack(codec));
  policy.is_limited = true;
  policy.reorder = reorder;
  return policy;
}

std::vector<int> Numbers(const FormatSelection& selection) {
  std::vector<int> numbers;
  for (const auto& entry : selection.entries) numbers.push_back(entry.number);
  return numbers;
}

std::vector<int> Offered(const std::string& sections, const CodecPolicy& policy) {
  const Parsed offer(Sdp(sections));
  return Numbers(SelectForOffer(offer.media(), offer.formats(), policy));
}

std::vector<int> Answered(const std::string& offered, const std::string& answered) {
  const Parsed offer(Sdp(offered));
  const Parsed answer(Sdp(answered));
  return Numbers(SelectForAnswer(offer.formats(), answer.formats()));
}

TEST(SelectForOfferTest, NoPolicyKeepsAll) {
  EXPECT_THAT(Offered("m=audio 5004 RTP/AVP 0 8 96 97\n", {}), ElementsAre(0, 8, 96, 97));
}

// The trunk takes G.711 u-law and DTMF only.
TEST(SelectForOfferTest, TheTrunkTakesPcmuAndDtmf) {
  const CodecPolicy trunk = Policy({Codec::kPcmu});
  EXPECT_THAT(
      Offered("m=audio 5004 RTP/AVP 8 0 18 101\na=rtpmap:101 telephone-event/8000\n", trunk),
      ElementsAre(0, 101));
  EXPECT_THAT(Offered("m=audio 5004 RTP/AVP 8 18 101\na=rtpmap:101 telephone-event/8000\n", trunk),
              IsEmpty())
      << "digits without a voice are no call";
  EXPECT_THAT(
      Offered("m=audio 5004 RTP/AVP 96 97\na=rtpmap:96 pcmu/8000\na=rtpmap:97 x/8000\n", trunk),
      ElementsAre(96))
      << "it is the encoding that counts, not its number";
}

TEST(SelectForOfferTest, TheOrderIsTheOfferersUnlessToldOtherwise) {
  const std::string offer = "m=audio 5004 RTP/AVP 101 0 8 9\na=rtpmap:101 telephone-event/8000\n";
  const std::initializer_list<Codec> allowed = {Codec::kG722, Codec::kPcma, Codec::kPcmu};
  EXPECT_THAT(Offered(offer, Policy(allowed)), ElementsAre(101, 0, 8, 9));
  EXPECT_THAT(Offered(offer, Policy(allowed, true)), ElementsAre(9, 8, 0, 101));
  EXPECT_THAT(Offered("m=audio 5004 RTP/AVP 13 101 0 8\na=rtpmap:101 telephone-event/8000\n",
                      Policy(allowed, true)),
              ElementsAre(8, 0, 13, 101))
      << "what is no voice keeps its own order behind it";
}

// RFC 4733 §2.1: digits have the clock of the voice beside them.
TEST(SelectForOfferTest, DtmfGoesWithTheVoiceOfItsClock) {
  const std::string maps =
      "a=rtpmap:111 opus/48000/2\na=rtpmap:110 telephone-event/48000\n"
      "a=rtpmap:126 telephone-event/8000\n";
  const CodecPolicy no_opus = Policy({Codec::kPcmu});
  EXPECT_THAT(Offered("m=audio 5004 RTP/AVP 111 0 13 110 126\n" + maps, no_opus),
              ElementsAre(0, 13, 126));
  // A common mismatch of the offerer's own is left to him.
  const CodecPolicy opus = Policy({Codec::kOpus});
  EXPECT_THAT(Offered("m=audio 5004 RTP/AVP 111 126\n" + maps, opus), ElementsAre(111, 126));
}

// Two sides whose lists have nothing in common: no voice may be told, and digits alone are none.
TEST(SelectForOfferTest, APolicyWithoutCodecsAllowsNone) {
  EXPECT_THAT(
      Offered("m=audio 5004 RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\n", Policy({})),
      IsEmpty());
}

// RFC 2198's fmtp lists other numbers: right only while all of them stay.
TEST(SelectForOfferTest, RedundancyStaysOnlyAmongItsOwn) {
  const std::string offer =
      "m=audio 5004 RTP/AVP 111 63 0\na=rtpmap:111 opus/48000/2\na=rtpmap:63 red/48000/2\n"
      "a=fmtp:63 111/111\n";
  EXPECT_THAT(Offered(offer, Policy({Codec::kOpus, Codec::kRedundancy})), ElementsAre(111));
  EXPECT_THAT(Offered(offer, Policy({Codec::kOpus, Codec::kRedundancy, Codec::kPcmu})),
              ElementsAre(111, 63, 0));
}

TEST(SelectForOfferTest, OnlyAudioOverRtpIsJudgedByCodec) {
  const CodecPolicy trunk = Policy({Codec::kPcmu});
  const Parsed fax(ReadCorpus("fuzz/sdp/t38.sdp"));
  EXPECT_EQ(SelectForOffer(fax.media(), fax.formats(), trunk).entries.size(), 1u);
  EXPECT_THAT(Offered("m=video 5004 RTP/AVP 31\n", trunk), ElementsAre(31));
}

// RFC 3264 §6.1: the number SHOULD be the offer's. Where it is not, the offerer still gets his own.
TEST(SelectForAnswerTest, TheOffererGetsHisOwnNumbers) {
  const std::string offer = "m=audio 5004 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n";
  EXPECT_THAT(Answered(offer, "m=audio 5006 RTP/AVP 0 96\na=rtpmap:96 telephone-event/8000\n"),
              ElementsAre(0, 101));
  EXPECT_THAT(Answered(offer, "m=audio 5006 RTP/AVP 101 0\na=rtpmap:101 TELEPHONE-EVENT/8000/1\n"),
              ElementsAre(101, 0))
      << "in the answerer's order";
}

TEST(SelectForAnswerTest, WhatWasNotOfferedDoesNotCross) {
  const std::string offer = "m=audio 5004 RTP/AVP 0\n";
  EXPECT_THAT(Answered(offer, "m=audio 5006 RTP/AVP 8 0 101\na=rtpmap:101 telephone-event/8000\n"),
              ElementsAre(0));
  EXPECT_THAT(Answered(offer, "m=audio 5006 RTP/AVP 8\n"), IsEmpty());
  EXPECT_THAT(Answered("m=audio 5004 RTP/AVP 96\na=rtpmap:96 L16/8000\n",
                       "m=audio 5004 RTP/AVP 96\na=rtpmap:96 L16/16000\n"),
              IsEmpty())
      << "another clock is another encoding";
}

// RFC 3264 §6.1 lets the answerer list what it was not offered: not what the policy took out.
TEST(SelectForAnswerTest, WhatThePolicyTookOutDoesNotComeBack) {
  const Parsed offer(Sdp("m=audio 5004 RTP/AVP 9 0 18 101\na=rtpmap:101 telephone-event/8000\n"));
  const auto answered = [&](const std::string& formats) {
    const Parsed answer(
        Sdp("m=audio 5006 RTP/AVP " + formats + "\na=rtpmap:101 telephone-event/8000\n"));
    return Numbers(SelectForAnswer(offer.media(), offer.formats(), answer.formats(),
                                   Policy({Codec::kPcmu, Codec::kPcma})));
  };
  EXPECT_THAT(answered("0 101"), ElementsAre(0, 101));
  EXPECT_THAT(answered("9 18 0 101"), ElementsAre(0, 101));
  EXPECT_THAT(answered("9 101"), IsEmpty());
  EXPECT_THAT(answered("8 101"), IsEmpty()) << "allowed, and not offered";
}

// RFC 4733 allows a line of digits alone; where voice was offered, digits alone are no answer.
TEST(SelectForAnswerTest, VoiceIsAnsweredByVoice) {
  const std::string maps = "a=rtpmap:101 telephone-event/8000\n";
  EXPECT_THAT(Answered("m=audio 5004 RTP/AVP 101\n" + maps, "m=audio 5006 RTP/AVP 101\n" + maps),
              ElementsAre(101));
  EXPECT_THAT(Answered("m=audio 5004 RTP/AVP 0 101\n" + maps, "m=audio 5006 RTP/AVP 101\n" + maps),
              IsEmpty());
}

// Two of one encoding (H.264 in two packetizations) are told apart by their numbers.
TEST(SelectForAnswerTest, OneEncodingTwiceGoesByItsNumber) {
  const std::string maps = "a=rtpmap:98 H264/90000\na=rtpmap:99 H264/90000\n";
  EXPECT_THAT(Answered("m=video 5004 RTP/AVP 98 99\n" + maps, "m=video 5006 RTP/AVP 99\n" + maps),
              ElementsAre(99));
}

// They have an SSRC of their own, and their fmtp names what they repeat. So has FlexFEC (RFC 8627).
TEST(DropRepairsTest, OnlyThese) {
  const Parsed offer(
      Sdp("m=video 5004 RTP/AVP 96 97 98 99\na=rtpmap:96 H264/90000\na=rtpmap:97 rtx/90000\n"
          "a=fmtp:97 apt=96\na=rtpmap:98 VP8/90000\na=rtpmap:99 flexfec-03/90000\n"));
  FormatSelection selection = SelectAll(offer.formats());
  DropRepairs(offer.formats(), &selection);
  EXPECT_THAT(Numbers(selection), ElementsAre(96, 98));
}

// The sender was told 97 alone: what it calls 96 is another profile, whatever its name.
TEST(MapPayloadsTest, OneOfSeveralCrossesUnderItsOwnNumberOnly) {
  const std::string maps = "a=rtpmap:96 H264/90000\na=rtpmap:97 H264/90000\n";
  const Parsed offer(Sdp("m=video 5004 RTP/AVP 96 97\n" + maps));
  const Parsed answer(Sdp("m=video 5006 RTP/AVP 97\na=rtpmap:97 H264/90000\n"));
  const PayloadMap map = MapPayloads({.told_to_sender = answer.formats(),
                                      .said_by_sender = offer.formats(),
                                      .said_by_receiver = answer.formats()});
  EXPECT_EQ(map.Find(97), 97);
  EXPECT_EQ(map.Find(96), PayloadMap::kRefused);
}

// The offerer's digits are 101, the answerer wants 96 and was told 101: both ways, RTP crosses
// under the number of who gets it, and nothing else crosses (rule 23).
TEST(MapPayloadsTest, DigitsCrossUnderTheReceiversNumber) {
  const Parsed offer(Sdp("m=audio 5004 RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\n"));
  const Parsed offer_sent(Sdp("m=audio 5004 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n"));
  const Parsed answer(Sdp("m=audio 5004 RTP/AVP 0 96\na=rtpmap:96 telephone-event/8000\n"));
  const Parsed answer_sent(Sdp("m=audio 5004 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n"));

  PayloadMap to_answerer;
  to_answerer.Set(0, 0);
  to_answerer.Set(101, 96);
  EXPECT_EQ(MapPayloads({answer_sent.formats(), offer.formats(), answer.formats()}), to_answerer);
  PayloadMap to_offerer;
  to_offerer.Set(0, 0);
  to_offerer.Set(101, 101);  // As RFC 3264 has it: what we told,
  to_offerer.Set(96, 101);   // and as many do it: what it said itself.
  EXPECT_EQ(MapPayloads({offer_sent.formats(), answer.formats(), offer.formats()}), to_offerer);
}

// One number, two meanings: what the sender was told counts.
TEST(MapPayloadsTest, WhatWasToldCountsBeforeWhatWasSaid) {
  const Parsed told(Sdp("m=audio 5004 RTP/AVP 96\na=rtpmap:96 opus/48000/2\n"));
  const Parsed said(
      Sdp("m=audio 5004 RTP/AVP 96 97\na=rtpmap:96 iLBC/8000\n"
          "a=rtpmap:97 opus/48000/2\n"));
  const Parsed receiver(
      Sdp("m=audio 5004 RTP/AVP 110 111\na=rtpmap:110 iLBC/8000\n"
          "a=rtpmap:111 opus/48000/2\n"));
  const PayloadMap map = MapPayloads({told.formats(), said.formats(), receiver.formats()});
  EXPECT_EQ(map.Find(96), 111);
  EXPECT_EQ(map.Find(97), 111);
  EXPECT_EQ(map.Find(0), PayloadMap::kRefused);
}

}  // namespace
}  // namespace core::sdp
