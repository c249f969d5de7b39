#include "core/sdp/telephone_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/core/sdp/sdp_support.h"

namespace core::sdp {
namespace {

// Goal: where one side says digits in RTP and the other in SIP, the first finds telephone-event in
// every description of ours that may have it, the second in none.

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<int> Numbers(const FormatSelection& selection) {
  std::vector<int> numbers;
  for (const auto& entry : selection.entries) numbers.push_back(entry.number);
  return numbers;
}

int ForOffer(const std::string& sections) {
  const Parsed offer(Sdp(sections));
  return EventNumberForOffer(offer.formats(), SelectAll(offer.formats()));
}

TEST(EventNumberForOfferTest, Is101OrTheFirstDynamicOneThatIsFree) {
  EXPECT_EQ(ForOffer("m=audio 5004 RTP/AVP 0 8\n"), 101);
  EXPECT_EQ(ForOffer("m=audio 5004 RTP/AVP 0 101\na=rtpmap:101 iLBC/8000\n"), 96);
  EXPECT_EQ(ForOffer("m=audio 5004 RTP/AVP 0 101 96\na=rtpmap:101 iLBC/8000\n"), 97);
  std::string all = "m=audio 5004 RTP/AVP 0";
  for (int number = 96; number < 128; ++number) all += " " + std::to_string(number);
  EXPECT_EQ(ForOffer(all + "\n"), Format::kNoNumber);
}

TEST(EventNumberForOfferTest, NothingIsAddedBesideEventsOrWithoutAVoiceOfTheirClock) {
  EXPECT_EQ(ForOffer("m=audio 5004 RTP/AVP 0 97\na=rtpmap:97 telephone-event/8000\n"),
            Format::kNoNumber);
  EXPECT_EQ(ForOffer("m=audio 5004 RTP/AVP 96\na=rtpmap:96 opus/48000/2\n"), Format::kNoNumber);
  EXPECT_EQ(ForOffer("m=audio 5004 RTP/AVP 13\n"), Format::kNoNumber);
  EXPECT_EQ(ForOffer("m=image 5004 udptl t38\n"), Format::kNoNumber);
  EXPECT_EQ(ForOffer("m=audio 5004 RTP/AVP 0 96\na=rtpmap:96 telephone-event/48000\n"), 101);
}

TEST(EventNumberForAnswerTest, IsTheOffersOwn) {
  const Parsed offer(Sdp("m=audio 5004 RTP/AVP 0 8 96\na=rtpmap:96 telephone-event/8000\n"));
  const Parsed plain(Sdp("m=audio 5004 RTP/AVP 0 8\n"));
  const Parsed answer(Sdp("m=audio 5004 RTP/AVP 0\n"));
  const auto number = [&](const Parsed& offered, const Parsed& answered) {
    return EventNumberForAnswer(offered.formats(), answered.formats(),
                                SelectForAnswer(offered.formats(), answered.formats()));
  };
  EXPECT_EQ(number(offer, answer), 96);
  EXPECT_EQ(number(plain, answer), Format::kNoNumber);
  EXPECT_EQ(number(offer, offer), Format::kNoNumber) << "it is there already";
}

TEST(DropEventsTest, VoiceStays) {
  const auto left = [](const std::string& sections) {
    const Parsed offer(Sdp(sections));
    FormatSelection selection = SelectAll(offer.formats());
    DropEvents(offer.formats(), &selection);
    return Numbers(selection);
  };
  EXPECT_THAT(left("m=audio 5004 RTP/AVP 0 101 8\na=rtpmap:101 telephone-event/8000\n"),
              ElementsAre(0, 8));
  EXPECT_THAT(left("m=audio 5004 RTP/AVP 0 100 101\na=rtpmap:101 telephone-event/8000\n"
                   "a=rtpmap:100 red/8000\na=fmtp:100 101/0\n"),
              ElementsAre(0));
  EXPECT_THAT(left("m=audio 5004 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n"),
              ElementsAre(101))
      << "a line of digits alone has nothing else to be";
  EXPECT_THAT(left("m=audio 5004 RTP/AVP 0 100\na=rtpmap:100 red/8000\n"), ElementsAre(0, 100));
}

TEST(EventsOfTest, ReadsRangesAndSingleEvents) {
  EXPECT_EQ(EventsOf(""), 0xffffu);
  EXPECT_EQ(EventsOf("0-15"), 0xffffu);
  EXPECT_EQ(EventsOf("0-16"), 0x1ffffu);
  EXPECT_EQ(EventsOf("events=0-15,16"), 0x1ffffu);
  EXPECT_EQ(EventsOf("0 - 9, 11"), 0xbffu);
  EXPECT_EQ(EventsOf("0-15,32-36,66,70"), 0xffffu);
  EXPECT_EQ(EventsOf("0-255"), 0xffffffffu);
  EXPECT_EQ(EventsOf("5-3,1"), 0x2u);
}

TEST(EventsOfTest, WhatCannotBeReadEndsTheList) {
  EXPECT_EQ(EventsOf("x"), 0u);
  EXPECT_EQ(EventsOf("-"), 0u);
  EXPECT_EQ(EventsOf("1,"), 0x2u);
  EXPECT_EQ(EventsOf("1,2-"), 0x2u);
  EXPECT_EQ(EventsOf("1,99999999999999999999"), 0x2u);
  EXPECT_EQ(EventsOf("3 x"), 0x8u);
}

TEST(RewriteTest, EventsOfOurOwnStandBehindWhatTheSourceSays) {
  const Parsed offer(Sdp("m=audio 5004 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:20\n"));
  std::vector<MediaRewrite> media = KeepAll(*offer);
  media[0].event_number = EventNumberForOffer(offer.formats(), media[0].formats);
  const std::string written = Rewritten(*offer, media);
  EXPECT_THAT(written, HasSubstr("m=audio 20000 RTP/AVP 0 101\r\n"
                                 "a=rtpmap:0 PCMU/8000\r\n"
                                 "a=ptime:20\r\n"
                                 "a=rtpmap:101 telephone-event/8000\r\n"
                                 "a=fmtp:101 0-16\r\n"));
  const Parsed read(written);
  ASSERT_NE(FindEvents(read.formats()), nullptr);
  EXPECT_EQ(FindEvents(read.formats())->number, 101);
  media[0].is_rejected = true;
  EXPECT_THAT(Rewritten(*offer, media), HasSubstr("m=audio 0 RTP/AVP 0\r\n"));
}

}  // namespace
}  // namespace core::sdp
