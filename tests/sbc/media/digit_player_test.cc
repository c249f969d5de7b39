#include "sbc/media/digit_player.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/buffer/packet_pool.h"
#include "core/rtp/packet_view.h"

namespace sbc {
namespace {

// Goal: a digit is in the stream of voice as RFC 4733 wants it, packet for packet in the voice's
// place, and the voice goes on behind it.

using namespace std::chrono_literals;
using core::rtp::PacketView;
using testing::Each;
using testing::ElementsAre;
using Verdict = DigitPlayer::Verdict;

constexpr uint8_t kEvents = 101;

/// What came out for one packet of voice.
struct Out {
  bool event = false;
  bool marker = false;
  bool end = false;
  uint8_t code = 0;
  uint16_t number = 0;
  uint16_t duration = 0;
  uint32_t timestamp = 0;
};

class DigitPlayerTest : public testing::Test {
 protected:
  DigitPlayerTest() { player_.SetReceiver(kEvents, 0xffff); }

  /// A packet of voice with all that a header may have, in the middle of the stream.
  Out Voice(core::Duration after = 20ms, uint32_t ticks = 160) {
    now_ += after;
    timestamp_ += ticks;
    std::string bytes(PacketView::kHeaderBytes, '\0');
    core::rtp::WriteHeader(
        {.payload_type = 0, .sequence_number = ++number_, .timestamp = timestamp_, .ssrc = ssrc_},
        std::span<uint8_t, PacketView::kHeaderBytes>(reinterpret_cast<uint8_t*>(bytes.data()),
                                                     PacketView::kHeaderBytes));
    bytes[0] = static_cast<char>(0xb1);  // Padding, an extension, a CSRC.
    bytes +=
        std::string("CSRC\0\1\0\1word", 12) + std::string(payload_, 'v') + std::string("\0\0\3", 3);
    core::Packet packet = store_.Copy(bytes);
    const bool played = player_.Play(&packet, now_, &counts_);
    PacketView view;
    EXPECT_EQ(PacketView::Parse(core::rtp::BytesOf(packet), &view), core::rtp::PacketError::kOk);
    Out out;
    out.event = view.payload_type() == kEvents;
    out.marker = view.marker();
    out.number = view.sequence_number();
    out.timestamp = view.timestamp();
    EXPECT_EQ(out.event, played);
    EXPECT_EQ(view.ssrc(), ssrc_);
    EXPECT_EQ(out.number, number_);
    if (!played) {
      EXPECT_EQ(packet.text(), bytes);
      return out;
    }
    EXPECT_EQ(packet.size(), 16u);
    out.code = view.payload()[0];
    out.end = (view.payload()[1] & 0x80) != 0;
    out.duration = core::LoadBig16(view.payload().data() + 2);
    return out;
  }
  std::vector<Out> Voices(size_t count) {
    std::vector<Out> out;
    for (size_t i = 0; i < count; ++i) out.push_back(Voice());
    return out;
  }
  Verdict Queue(uint8_t event, uint16_t duration_ms = 100) {
    return player_.Queue({event, duration_ms}, now_);
  }

  core::PacketStore store_{{.small = 8, .medium = 4, .large = 1}};
  DigitPlayer player_;
  DigitPlayCounts counts_;
  core::Instant now_{1h};
  uint16_t number_ = 65530;
  uint32_t timestamp_ = 0xfffffe00;
  uint32_t ssrc_ = 0x7e57;
  size_t payload_ = 160;
};

TEST_F(DigitPlayerTest, ADigitTakesTheVoicesPlace) {
  Voice();
  ASSERT_EQ(Queue(5), Verdict::kQueued);
  EXPECT_EQ(player_.waiting(), 1u);
  const std::vector<Out> out = Voices(9);
  const uint32_t began = out[0].timestamp;
  std::vector<uint16_t> durations;
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_TRUE(out[i].event) << i;
    EXPECT_EQ(out[i].code, 5) << i;
    EXPECT_EQ(out[i].marker, i == 0) << i;
    EXPECT_EQ(out[i].end, i >= 4) << i;
    EXPECT_EQ(out[i].timestamp, began) << i;
    durations.push_back(out[i].duration);
  }
  EXPECT_THAT(durations, ElementsAre(160, 320, 480, 640, 800, 800, 800));
  EXPECT_FALSE(out[7].event);
  EXPECT_EQ(out[7].timestamp, began + 7 * 160);
  EXPECT_FALSE(out[8].event);
  EXPECT_EQ(counts_.played, 1u);
  EXPECT_EQ(counts_.dropped, 0u);
}

TEST_F(DigitPlayerTest, BetweenTwoDigitsIsVoice) {
  Voice();
  for (const int event : {1, 1, 2})
    ASSERT_EQ(Queue(static_cast<uint8_t>(event), 40), Verdict::kQueued);
  std::string shape;
  for (const Out& out : Voices(16)) {
    shape += out.event ? static_cast<char>('0' + out.code) : 'v';
  }
  EXPECT_EQ(shape, "1111v1111v2222vv");
  EXPECT_EQ(counts_.played, 3u);
}

TEST_F(DigitPlayerTest, QueueingSaysWhyNot) {
  EXPECT_EQ(Queue(1), Verdict::kNoVoice) << "nothing was heard yet";
  Voice();
  EXPECT_EQ(Queue(16), Verdict::kNotThatEvent);
  EXPECT_EQ(Queue(200), Verdict::kNotThatEvent);
  for (unsigned i = 0; i < kDigitsWaitingMax; ++i) EXPECT_EQ(Queue(1), Verdict::kQueued);
  EXPECT_EQ(Queue(1), Verdict::kFull);
  now_ += DigitPlayer::kSilenceMax + 1ms;
  EXPECT_EQ(Queue(1), Verdict::kNoVoice);
  player_.SetReceiver(0, 0);
  EXPECT_EQ(Queue(1), Verdict::kNoEvents);
}

// A digit that waited while nothing was said would come as a surprise.
TEST_F(DigitPlayerTest, SilenceDropsWhatWaits) {
  Voice();
  for (const int event : {1, 2, 3}) ASSERT_EQ(Queue(static_cast<uint8_t>(event)), Verdict::kQueued);
  EXPECT_TRUE(Voice().event);
  EXPECT_FALSE(Voice(DigitPlayer::kSilenceMax + 1ms, 8008).event);
  EXPECT_EQ(counts_.dropped, 3u);
  EXPECT_EQ(player_.waiting(), 0u);
  ASSERT_EQ(Queue(4), Verdict::kQueued);
  const Out out = Voice();
  EXPECT_TRUE(out.event && out.marker);
  EXPECT_EQ(out.code, 4);
}

TEST_F(DigitPlayerTest, WhoAgreesToNoEventsAnyMoreGetsNone) {
  Voice();
  ASSERT_EQ(Queue(1), Verdict::kQueued);
  ASSERT_EQ(Queue(2), Verdict::kQueued);
  EXPECT_TRUE(Voice().event);
  player_.SetReceiver(0, 0);
  EXPECT_FALSE(Voice().event);
  EXPECT_EQ(counts_.dropped, 2u);
}

// The duration is the voice's time, whatever was lost of it.
TEST_F(DigitPlayerTest, ALossShortensNoDigit) {
  Voice();
  ASSERT_EQ(Queue(7), Verdict::kQueued);
  EXPECT_EQ(Voice().duration, 160);
  EXPECT_EQ(Voice(60ms, 480).duration, 640);
  const Out end = Voice();
  EXPECT_EQ(end.duration, 800);
  EXPECT_TRUE(end.end);
}

TEST_F(DigitPlayerTest, WhatWasOvertakenTurnsNoTimeBack) {
  Voice();
  ASSERT_EQ(Queue(7), Verdict::kQueued);
  EXPECT_EQ(Voice().duration, 160);
  EXPECT_EQ(Voice(40ms, 320).duration, 480);
  EXPECT_EQ(Voice(0ms, static_cast<uint32_t>(-160)).duration, 480);
  EXPECT_EQ(Voice(20ms, 320).duration, 640);
}

// A receiver takes an event that begins before the last one did for that one's, come late.
TEST_F(DigitPlayerTest, WhatWasOvertakenBeginsNoDigit) {
  Voice();
  ASSERT_EQ(Queue(7, 60), Verdict::kQueued);
  ASSERT_EQ(Queue(8, 60), Verdict::kQueued);
  const uint32_t began = Voice().timestamp;
  for (const Out& each : Voices(4)) EXPECT_EQ(each.code, 7);
  const auto behind = static_cast<uint32_t>(-960);
  EXPECT_FALSE(Voice(0ms, behind).event);  // Of before the first digit, and no pause behind it.
  EXPECT_FALSE(Voice(20ms, 1120).event);
  EXPECT_FALSE(Voice(0ms, 0).event);  // The same again.
  const Out second = Voice();
  EXPECT_EQ(second.code, 8);
  EXPECT_TRUE(second.marker);
  EXPECT_GT(static_cast<int32_t>(second.timestamp - began), 0);
}

TEST_F(DigitPlayerTest, WhoBeginsItsTimeAnewIsNotLate) {
  Voice();
  ASSERT_EQ(Queue(7, 60), Verdict::kQueued);
  EXPECT_TRUE(Voice(20ms, static_cast<uint32_t>(-80000)).marker);
  EXPECT_TRUE(Voices(4).back().end);
}

TEST_F(DigitPlayerTest, ThirtyMillisecondPacketsGrowByTheirOwnTime) {
  Voice(30ms, 240);
  Voice(30ms, 240);
  ASSERT_EQ(Queue(7, 50), Verdict::kQueued);
  EXPECT_EQ(Voice(30ms, 240).duration, 240);
  EXPECT_EQ(Voice(30ms, 240).duration, 400);
}

TEST_F(DigitPlayerTest, AnotherSenderEndsTheDigit) {
  Voice();
  ASSERT_EQ(Queue(7), Verdict::kQueued);
  ASSERT_EQ(Queue(8), Verdict::kQueued);
  EXPECT_EQ(Voice().code, 7);
  ssrc_ = 1;
  const Out out = Voice();
  EXPECT_EQ(out.code, 8);
  EXPECT_TRUE(out.marker);
  EXPECT_EQ(counts_.dropped, 1u);
}

TEST_F(DigitPlayerTest, APacketMayBeShorterThanAnEvent) {
  payload_ = 0;
  Voice();
  ASSERT_EQ(Queue(7), Verdict::kQueued);
  EXPECT_EQ(Voice().duration, 160);
}

TEST_F(DigitPlayerTest, TheLongestDigitFits) {
  Voice();
  ASSERT_EQ(Queue(7, 5000), Verdict::kQueued);
  std::vector<Out> out = Voices(250);
  EXPECT_EQ(out.back().duration, 40000);
  EXPECT_TRUE(out.back().end);
  EXPECT_FALSE(out[248].end);
}

}  // namespace
}  // namespace sbc
