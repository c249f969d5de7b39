// Goal: a leg has one voice, whatever SSRCs come there (RFC 3550 §8, rule 23): digits under their
// own are no change of it, a second voice is one, and who comes back goes on as it was left.

#include <gtest/gtest.h>

#include "core/base/random.h"
#include "core/rtp/source.h"
#include "tests/core/rtp/rtp_packets.h"

namespace core::rtp {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart = Instant{} + 1h;
constexpr uint32_t kVoice = 0x1111;
constexpr uint32_t kOther = 0x2222;
constexpr uint32_t kDigits = 0x3333;

/// What one address sends under several SSRCs; each numbers its packets by itself.
struct Leg {
  Source source{Source::Config{}};
  Instant now = kStart;
  uint32_t sent = 0;

  Arrival Send(uint32_t ssrc, uint16_t number, PayloadKind kind = PayloadKind::kAudio) {
    TestPacket packet({.payload_type = kind == PayloadKind::kEvent ? uint8_t{101} : uint8_t{0},
                       .sequence_number = number,
                       .timestamp = static_cast<uint32_t>((now - kStart) / 125us),
                       .ssrc = ssrc});
    ++sent;
    return source.OnPacket(packet.view(), now, kind);
  }
  /// One each 20 ms.
  void SendAll(uint32_t ssrc, uint16_t from, uint16_t to) {
    for (uint16_t number = from; number != static_cast<uint16_t>(to + 1); ++number) {
      Send(ssrc, number);
      now += 20ms;
    }
  }
  void ExpectCounts(uint32_t packets, int32_t lost, uint32_t changes) {
    const StreamCounts counts = source.counts();
    EXPECT_EQ(counts.packets, packets);
    EXPECT_EQ(counts.lost(), lost);
    EXPECT_EQ(counts.ssrc_changes, changes);
    EXPECT_EQ(counts.packets + counts.duplicates + counts.refused + source.held(), sent);
    EXPECT_EQ(source.bursts().settled(), counts.expected);
    EXPECT_EQ(source.bursts().lost(), static_cast<uint32_t>(lost) + counts.late);
  }
};

// A gateway says digits under an SSRC of their own, beside the voice and in its place.
TEST(SourceSsrcTest, DigitsUnderTheirOwnAreNoChange) {
  Leg leg;
  uint16_t digit = 40'000;
  uint32_t refused = 0;
  for (uint16_t number = 110; number < 600; ++number, leg.now += 20ms) {
    const bool has_digit = number % 50 < 10;
    if (has_digit) {
      refused += leg.Send(kDigits, digit++, PayloadKind::kEvent) == Arrival::kRefused ? 1 : 0;
    }
    if (number % 100 >= 50 || !has_digit) leg.Send(kVoice, number);
  }
  EXPECT_EQ(refused, 90u);
  EXPECT_EQ(leg.source.counts().ssrc_changes, 0u);
  EXPECT_EQ(leg.source.ssrc(), kVoice);
  EXPECT_EQ(leg.source.jitter_ticks(), 0u);
  EXPECT_EQ(leg.source.counts().late, 0u);
  // Where a digit had the voice's place, its numbers went on here.
  EXPECT_EQ(leg.source.TakeReport()->cumulative_lost, 40);
}

// Who begins with a digit has a voice all the same, also while the key is held.
TEST(SourceSsrcTest, ADigitThatCameFirstIsInNoVoicesWay) {
  Leg leg;
  for (uint16_t i = 0; i < 20; ++i, leg.now += 20ms) {
    leg.Send(kDigits, i, PayloadKind::kEvent);
    if (i >= 10) leg.Send(kVoice, static_cast<uint16_t>(500 + i));
  }
  EXPECT_EQ(leg.source.ssrc(), kVoice);
  leg.SendAll(kVoice, 520, 599);
  leg.Send(kDigits, 20, PayloadKind::kEvent);
  leg.Send(kDigits, 21, PayloadKind::kEvent);
  leg.SendAll(kVoice, 600, 609);
  EXPECT_EQ(leg.source.ssrc(), kVoice);
  EXPECT_EQ(leg.source.counts().ssrc_changes, 1u);
  EXPECT_EQ(leg.source.TakeReport()->highest_sequence_number, 609u);
  EXPECT_EQ(leg.source.TakeReport()->cumulative_lost, 0);
}

// Two voices at once: the first one's statistics stay its own, and the other's begin when it stops.
TEST(SourceSsrcTest, TheFirstOfTwoStaysUntilItStops) {
  Leg leg;
  leg.SendAll(kVoice, 0, 9);
  for (uint16_t number = 10; number < 510; ++number, leg.now += 20ms) {
    leg.Send(kVoice, number);
    leg.Send(kOther, static_cast<uint16_t>(number + 7000));
  }
  leg.ExpectCounts(510, 0, 0);
  EXPECT_EQ(leg.source.TakeReport()->cumulative_lost, 0);
  EXPECT_EQ(leg.source.jitter_ticks(), 0u);
  leg.SendAll(kOther, 7510, 7609);
  leg.ExpectCounts(611, 0, 1);  // The last one before is its first.
  EXPECT_EQ(leg.source.ssrc(), kOther);
}

// An announcement, and the voice again: its reports go on where they were, and nothing waits.
TEST(SourceSsrcTest, WhoComesBackGoesOn) {
  Leg leg;
  leg.SendAll(kVoice, 65'500, 65'529);
  leg.SendAll(kVoice, 65'535, 9);  // Five are lost, and the numbers begin anew.
  leg.SendAll(kOther, 7, 11);      // 100 ms.
  leg.SendAll(kVoice, 10, 19);
  leg.ExpectCounts(30 + 11 + 5 + 10, 5, 2);
  const ReportBlock report = leg.source.TakeReport().value();
  EXPECT_EQ(report.ssrc, kVoice);
  EXPECT_EQ(report.highest_sequence_number, 0x10000u + 19);
  EXPECT_EQ(report.cumulative_lost, 5);
  EXPECT_EQ(report.fraction_lost, 0);
  EXPECT_EQ(leg.source.missing_of_ssrc(), 5);
  EXPECT_EQ(leg.source.longest_gap(), 20ms);
  // The other one, too.
  leg.SendAll(kOther, 12, 16);
  EXPECT_EQ(leg.source.TakeReport()->highest_sequence_number, 16u);
  leg.ExpectCounts(30 + 11 + 5 + 10 + 5, 5, 3);
}

// What it sent elsewhere meanwhile was not lost on the way to us; who gets it from us counts it.
TEST(SourceSsrcTest, WhatItsNumbersSkippedMeanwhileIsNotLost) {
  Leg leg;
  leg.SendAll(kVoice, 0, 99);
  leg.SendAll(kOther, 5000, 5049);
  leg.SendAll(kVoice, 150, 199);
  leg.ExpectCounts(200, 0, 2);
  EXPECT_EQ(leg.source.TakeReport()->cumulative_lost, 0);
  EXPECT_EQ(leg.source.missing_of_ssrc(), 50);
  // What came while it was not the voice went on all the same: the other side has it.
  leg.SendAll(kOther, 5050, 5054);
  for (uint16_t number = 5055; number < 5065; ++number, leg.now += 20ms) {
    leg.Send(kOther, number);
    leg.Send(kVoice, static_cast<uint16_t>(number - 5055 + 200));
  }
  leg.SendAll(kVoice, 210, 259);
  EXPECT_EQ(leg.source.ssrc(), kVoice);
  EXPECT_EQ(leg.source.TakeReport()->cumulative_lost, 0);
  EXPECT_EQ(leg.source.missing_of_ssrc(), 50);
}

// Pairs in turn, for 20 s: nothing is lost, and nothing is left out.
TEST(SourceSsrcTest, PairsInTurnLeaveNothingOut) {
  Leg leg;
  for (uint16_t number = 0; number < 500; ++number) {
    const auto first = static_cast<uint16_t>(number * 2);
    leg.SendAll(kVoice, first, static_cast<uint16_t>(first + 1));
    leg.SendAll(kOther, first, static_cast<uint16_t>(first + 1));
  }
  leg.ExpectCounts(2000, 0, 999);
  EXPECT_EQ(leg.source.counts().refused, 0u);
  const ReportBlock report = leg.source.TakeReport().value();
  EXPECT_EQ(report.highest_sequence_number, 999u);
  EXPECT_EQ(report.cumulative_lost, 0);
  EXPECT_LE(report.jitter_ticks, 1u);
}

// Rule 23: new SSRCs are accepted, and begin the reports anew no more than twice a second.
TEST(SourceSsrcTest, NewOnesAreLimited) {
  Leg leg;
  leg.SendAll(kVoice, 0, 9);
  for (uint32_t i = 0; i < 500; ++i) leg.SendAll(0x8000 + i, 100, 101);  // 20 s.
  const StreamCounts counts = leg.source.counts();
  EXPECT_LE(counts.ssrc_changes, 41u);
  EXPECT_GE(counts.ssrc_changes, 20u);
  leg.ExpectCounts(counts.packets, 0, counts.ssrc_changes);
}

// The network reorders where one follows the other: late packets of the old one bring it not back.
TEST(SourceSsrcTest, StragglersBringNobodyBack) {
  Leg leg;
  leg.SendAll(kVoice, 0, 95);
  leg.SendAll(kVoice, 99, 99);
  leg.SendAll(kOther, 100, 109);
  EXPECT_EQ(leg.Send(kVoice, 97), Arrival::kRefused);
  EXPECT_EQ(leg.Send(kVoice, 98), Arrival::kRefused);
  leg.SendAll(kOther, 110, 119);
  EXPECT_EQ(leg.source.ssrc(), kOther);
  leg.ExpectCounts(97 + 20, 3, 1);
}

// Its numbers are out of all reach (A.1): it began anew elsewhere.
TEST(SourceSsrcTest, WhoComesBackFarAheadBeginsAnew) {
  Leg leg;
  leg.SendAll(kVoice, 0, 89);
  leg.SendAll(kVoice, 100, 199);
  leg.SendAll(kOther, 100, 199);
  leg.SendAll(kVoice, 30'000, 30'099);
  leg.ExpectCounts(390, 10, 2);
  EXPECT_EQ(leg.source.TakeReport()->highest_sequence_number, 30'099u);
  EXPECT_EQ(leg.source.TakeReport()->cumulative_lost, 0);
}

// Whatever comes, each packet is one thing and each number has one fate.
TEST(SourceSsrcTest, CountsAddUpWhateverComes) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Leg leg;
    uint16_t numbers[3] = {10, 60'000, 65'530};
    for (int i = 0; i < 1000; ++i) {
      const size_t who = random.Chance(0.7) ? 0 : random.Below(3);
      const bool is_event = random.Chance(0.1);
      uint16_t& number = numbers[who];
      if (random.Chance(0.1)) number = static_cast<uint16_t>(number + random.Below(200));
      if (random.Chance(0.05)) number = static_cast<uint16_t>(number - random.Below(120));
      if (random.Chance(0.01)) leg.source.Pause();
      leg.Send(0x100 + static_cast<uint32_t>(who), ++number,
               is_event ? PayloadKind::kEvent : PayloadKind::kAudio);
      leg.now += random.Below(40) * 1ms;
    }
    const StreamCounts counts = leg.source.counts();
    ASSERT_GE(counts.lost(), 0);
    leg.ExpectCounts(counts.packets, counts.lost(), counts.ssrc_changes);
    if (HasFailure()) return;
  }
}

// A second voice in a codec of another clock (RFC 7160), and the first one again: no packet of
// either is measured by the other one's clock, and jitter is a time in both.
TEST(SourceSsrcTest, EachIsMeasuredByItsOwnClock) {
  Source source{Source::Config{}};
  Instant now = kStart;
  const auto talk = [&](uint32_t ssrc, uint16_t first, uint32_t clock_rate_hz, Duration shake) {
    for (uint16_t number = first; number < first + 100; ++number, now += 20ms) {
      TestPacket packet({.payload_type = clock_rate_hz == 8000 ? uint8_t{0} : uint8_t{111},
                         .sequence_number = number,
                         .timestamp = number * (clock_rate_hz / 50),
                         .ssrc = ssrc});
      const Instant at = now + (number % 2 == 0 ? shake : 0ms);
      source.OnPacket(packet.view(), at, PayloadKind::kAudio, clock_rate_hz);
    }
  };
  talk(kVoice, 100, 8000, 10ms);
  const Duration first = *source.jitter();
  const Duration highest = *source.jitter_max();
  EXPECT_GT(first, 5ms);
  talk(kOther, 100, 48000, 0ms);
  EXPECT_EQ(source.clock_rate_hz(), 48000u);
  EXPECT_EQ(source.jitter(), 0ms);
  EXPECT_EQ(source.packet_duration(), 20ms);
  talk(kVoice, 200, 8000, 10ms);
  EXPECT_EQ(source.clock_rate_hz(), 8000u);
  EXPECT_GT(*source.jitter(), first - 1ms);
  EXPECT_LT(*source.jitter(), first + 1ms);
  EXPECT_LT(*source.jitter_max(), highest + 1ms);
  EXPECT_EQ(source.counts().ssrc_changes, 2u);
  EXPECT_EQ(source.counts().late, 0u);
}

}  // namespace
}  // namespace core::rtp
