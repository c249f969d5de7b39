// Goal: what a sender of video may be asked for is what both sides of a line allow (RFC 4585 §4.2).

#include "core/sdp/feedback.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/sdp/sdp_support.h"

namespace core::sdp {
namespace {

constexpr FeedbackKinds kNothing;
constexpr FeedbackKinds kAll = {.nack = true, .picture_loss = true, .full_intra_request = true};

TEST(FeedbackTest, ReadsWhatCrosses) {
  EXPECT_EQ(ReadFeedback("rtcp-fb:96 nack"), (FeedbackKinds{.nack = true}));
  EXPECT_EQ(ReadFeedback("rtcp-fb:96 nack pli"), (FeedbackKinds{.picture_loss = true}));
  EXPECT_EQ(ReadFeedback("rtcp-fb:* ccm fir"), (FeedbackKinds{.full_intra_request = true}));
  for (const char* other :
       {"rtcp-fb:96 nack sli", "rtcp-fb:96 nack rpsi", "rtcp-fb:96 ccm tmmbr", "rtcp-fb:96 ccm",
        "rtcp-fb:96 transport-cc", "rtcp-fb:96 ack rpsi", "rtcp-fb:96 nack pli more",
        "rtcp-fb:96 trr-int 100", "rtcp-fb:96", "rtcp-fb:*"}) {
    EXPECT_EQ(ReadFeedback(other), kNothing) << other;
  }
}

FeedbackKinds Agree(const std::string& offer, const std::string& answer) {
  const Parsed offered(Sdp(offer));
  const Parsed answered(Sdp(answer));
  return AgreeFeedback({&*offered, &offered.media()}, {&*answered, &answered.media()});
}

TEST(FeedbackTest, BothSidesAllowIt) {
  const std::string line = "m=video 5004 RTP/AVPF 96\na=rtpmap:96 H264/90000\n";
  const std::string other = "m=video 5004 RTP/AVPF 97\na=rtpmap:97 H264/90000\n";
  const std::string all = "a=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\na=rtcp-fb:96 ccm fir\n";
  const std::string of_all_formats =
      "a=rtcp-fb:* nack\na=rtcp-fb:* nack pli\na=rtcp-fb:* ccm fir\n";
  EXPECT_EQ(Agree(line + all, line + all), kAll);
  EXPECT_EQ(Agree(line + all, other + of_all_formats), kAll);
  EXPECT_EQ(Agree(line + of_all_formats, line + all), kAll);
  EXPECT_EQ(Agree(line + all, line), kNothing);
  EXPECT_EQ(Agree(line, line + all), kNothing);
  EXPECT_EQ(Agree(line + all, other + all), kNothing);  // Of a number that the line has not.
  EXPECT_EQ(Agree(line + all, line + "a=rtcp-fb:96 nack pli\na=rtcp-fb:96 goog-remb\n"),
            (FeedbackKinds{.picture_loss = true}));
  EXPECT_EQ(Agree(line + "a=rtcp-fb:96 nack\na=rtcp-fb:* ccm fir\n",
                  other + "a=rtcp-fb:97 nack\na=rtcp-fb:97 nack pli\na=rtcp-fb:97 ccm fir\n"),
            (FeedbackKinds{.nack = true, .full_intra_request = true}));
}

// One that the answer did not take, or that repairs another, agrees to nothing.
TEST(FeedbackTest, FormatsOfTheAnswerCount) {
  const std::string offer =
      "m=video 5004 RTP/AVPF 96 98 99\na=rtpmap:96 VP8/90000\na=rtpmap:98 H264/90000\n"
      "a=rtpmap:99 rtx/90000\na=fmtp:99 apt=96\na=rtcp-fb:96 nack\na=rtcp-fb:98 nack pli\n"
      "a=rtcp-fb:99 ccm fir\n";
  EXPECT_EQ(Agree(offer,
                  "m=video 5004 RTP/AVPF 96 99\na=rtpmap:96 VP8/90000\na=rtpmap:99 rtx/90000\n"
                  "a=fmtp:99 apt=96\na=rtcp-fb:* nack\na=rtcp-fb:* nack pli\n"
                  "a=rtcp-fb:* ccm fir\n"),
            (FeedbackKinds{.nack = true}));
}

// Under a profile without feedback the attribute means nothing.
TEST(FeedbackTest, OfAvpfAlone) {
  const std::string line = "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\na=rtcp-fb:* nack\n";
  EXPECT_EQ(Agree(line, line), kNothing);
  const Parsed source(Sdp(line));
  std::vector<MediaRewrite> media = KeepAll(*source);
  media[0].keeps_feedback = true;
  EXPECT_EQ(Rewritten(*source, media).find("rtcp-fb"), std::string::npos);
}

}  // namespace
}  // namespace core::sdp
