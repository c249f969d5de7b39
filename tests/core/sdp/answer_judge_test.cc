#include "core/sdp/answer_judge.h"

#include <gtest/gtest.h>

#include "core/sdp/hold.h"
#include "tests/core/sdp/sdp_support.h"

namespace core::sdp {
namespace {

// Goal: an answer is held against its offer by RFC 3264 §6, and who holds whom is read from what
// the two say (§8.4).

AnswerVerdict Judged(const std::string& offer, const std::string& answer) {
  return JudgeAnswer(*Parsed(Sdp(offer)), *Parsed(Sdp(answer)));
}

TEST(AnswerJudgeTest, AGoodAnswerHasNoFlaw) {
  const std::string offer =
      "m=audio 5004 RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\nm=video 5006 RTP/AVP 31\n";
  EXPECT_EQ(Judged(offer, offer).flaw, AnswerFlaw::kNone);
  EXPECT_EQ(Judged(offer, "m=audio 6000 RTP/AVP 8\nm=video 0 RTP/AVP 31\n").flaw,
            AnswerFlaw::kNone);
  EXPECT_EQ(Judged(offer, "m=audio 6000 rtp/avp 8 18\nm=video 0 RTP/AVP 99\n").flaw,
            AnswerFlaw::kNone)
      << "more formats than were offered may be listed (§6.1)";
  const Parsed fax(ReadCorpus("fuzz/sdp/t38.sdp"));
  EXPECT_EQ(JudgeAnswer(*fax, *fax).flaw, AnswerFlaw::kNone);
}

TEST(AnswerJudgeTest, EachFlawHasItsNameAndItsLine) {
  const std::string audio = "m=audio 5004 RTP/AVP 0\n";
  const struct {
    std::string offer;
    std::string answer;
    AnswerFlaw flaw;
    uint8_t media_index;
  } cases[] = {
      {audio, "", AnswerFlaw::kMediaCount, 0},
      {audio, audio + audio, AnswerFlaw::kMediaCount, 0},
      {audio + audio, audio + "m=video 0 RTP/AVP 31\n", AnswerFlaw::kMediaType, 1},
      {audio, "m=image 5004 udptl t38\n", AnswerFlaw::kMediaType, 0},
      {audio, "m=audio 5004 RTP/SAVP 0\n", AnswerFlaw::kProtocol, 0},
      {"m=audio 0 RTP/AVP 0\n", audio, AnswerFlaw::kRevived, 0},
      {audio, "m=audio 5004 RTP/AVP 8\n", AnswerFlaw::kFormat, 0},
      {audio, "m=audio 5004 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n", AnswerFlaw::kFormat,
       0},
      {audio + "a=sendonly\n", audio, AnswerFlaw::kDirection, 0},
      {audio + "a=sendonly\n" + audio, audio + "m=audio 5004 RTP/AVP 8\n", AnswerFlaw::kFormat, 1},
  };
  for (const auto& [offer, answer, flaw, media_index] : cases) {
    const AnswerVerdict verdict = Judged(offer, answer);
    EXPECT_EQ(verdict.flaw, flaw) << answer;
    EXPECT_EQ(verdict.media_index, media_index) << answer;
    EXPECT_EQ(verdict.is_usable(), flaw == AnswerFlaw::kDirection);
  }
}

// RFC 3264 §6.1, all sixteen pairs.
TEST(AnswerJudgeTest, AnAnswerNeverSaysMoreThanItsOffer) {
  using enum Direction;
  for (const Direction offered : {kInactive, kSendOnly, kRecvOnly, kSendRecv}) {
    for (const Direction answered : {kInactive, kSendOnly, kRecvOnly, kSendRecv}) {
      const bool sends_unasked = Sends(answered) && !Receives(offered);
      const bool hears_nothing = Receives(answered) && !Sends(offered);
      const std::string line = "m=audio 5004 RTP/AVP 0\na=";
      const AnswerVerdict verdict = Judged(line + std::string(Name(offered)) + "\n",
                                           line + std::string(Name(answered)) + "\n");
      EXPECT_EQ(verdict.flaw == AnswerFlaw::kDirection, sends_unasked || hears_nothing)
          << Name(offered) << " answered by " << Name(answered);
      const Direction read = AnswerDirection(offered, answered);
      EXPECT_TRUE(!Sends(read) || Receives(offered));
      EXPECT_TRUE(!Receives(read) || Sends(offered));
      EXPECT_EQ(AnswerDirection(offered, read), read);
    }
  }
}

// RFC 3264 §8: lines are never taken away, only added; a line may change its type for T.38.
// An old hold says so by its address (RFC 3264 §8.4), and a rejected line does neither.
TEST(HoldTest, ADirectionIsWhatTheAddressLeavesOfIt) {
  const struct {
    std::string address;
    std::string sections;
    Direction means;
  } cases[] = {
      {"192.0.2.1", "m=audio 5004 RTP/AVP 0\n", Direction::kSendRecv},
      {"192.0.2.1", "m=audio 5004 RTP/AVP 0\na=recvonly\n", Direction::kRecvOnly},
      {"192.0.2.1", "m=audio 5004 RTP/AVP 0\na=sendonly\n", Direction::kSendOnly},
      {"192.0.2.1", "m=audio 5004 RTP/AVP 0\na=inactive\n", Direction::kInactive},
      {"192.0.2.1", "a=sendonly\nm=audio 5004 RTP/AVP 0\n", Direction::kSendOnly},
      {"0.0.0.0", "m=audio 5004 RTP/AVP 0\n", Direction::kSendOnly},
      {"0.0.0.0", "m=audio 5004 RTP/AVP 0\na=recvonly\n", Direction::kInactive},
      {"192.0.2.1", "m=audio 0 RTP/AVP 0\n", Direction::kInactive},
  };
  for (const auto& [address, sections, means] : cases) {
    const Parsed parsed(Sdp(sections, address));
    EXPECT_EQ(EffectiveDirection(parsed.media()), means) << sections;
  }
  const Parsed v6(
      "v=0\no=- 1 1 IN IP6 2001:db8::1\ns=-\nc=IN IP6 ::\nt=0 0\nm=audio 4 RTP/AVP 0\n");
  EXPECT_EQ(EffectiveDirection(v6.media()), Direction::kSendOnly);
}

}  // namespace
}  // namespace core::sdp
