// Goal: what a sender's numbers skip while nothing was to come of it (a fax has the stream's place:
// RFC 3264 §8.3.3; or it is held) is no loss, and all else is counted as if there had been no
// pause.

#include <gtest/gtest.h>

#include <vector>

#include "core/rtp/source.h"
#include "tests/core/rtp/rtp_packets.h"

namespace core::rtp {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart = Instant{} + 1h;

/// 20 ms of PCMU by number: number n is due at n * 20 ms.
struct Stream {
  Source source{Source::Config{}};
  uint32_t ssrc = 0x1234;
  uint16_t first = 1000;

  Arrival Send(int number) {
    TestPacket packet({.sequence_number = static_cast<uint16_t>(first + number),
                       .timestamp = static_cast<uint32_t>(number * 160),
                       .ssrc = ssrc});
    return source.OnPacket(packet.view(), kStart + number * 20ms, PayloadKind::kAudio);
  }
  void SendAll(int from, int to) {
    for (int number = from; number <= to; ++number) Send(number);
  }
  /// The invariants of all counts: each number has one fate.
  void ExpectCounts(uint32_t expected, int32_t lost) {
    const StreamCounts counts = source.counts();
    EXPECT_EQ(counts.expected, expected);
    EXPECT_EQ(counts.lost(), lost);
    EXPECT_EQ(source.bursts().settled(), expected);
    EXPECT_EQ(source.bursts().lost(), static_cast<uint32_t>(lost) + counts.late);
  }
};

TEST(SourcePauseTest, WhatTheNumbersSkipIsNotLost) {
  for (const int skipped : {0, 1, 30, 500, 2998}) {
    Stream stream;
    stream.SendAll(0, 99);
    stream.source.Pause();
    stream.SendAll(100 + skipped, 199 + skipped);
    stream.ExpectCounts(200, 0);
    EXPECT_EQ(stream.source.counts().restarts, 0u);
    EXPECT_EQ(stream.source.counts().loss_runs, 0);
    EXPECT_EQ(stream.source.jitter_ticks(), 0u);
    EXPECT_EQ(stream.source.longest_gap(), 20ms);
    // Who gets the stream from us has the same numbers, and may count them all.
    EXPECT_EQ(stream.source.missing_of_ssrc(), skipped);
  }
}

// §6.4.1: the highest number is told as it is; A.3's counts know of no number that was skipped.
TEST(SourcePauseTest, ReportsGoOnWithTheirCounts) {
  Stream stream;
  stream.first = 65000;
  stream.SendAll(0, 49);
  stream.SendAll(60, 99);  // Ten are lost.
  (void)stream.source.TakeReport();
  stream.source.Pause();
  stream.SendAll(1100, 1149);  // Through the wrap at 536.
  stream.SendAll(1155, 1199);  // Five more.
  const ReportBlock report = stream.source.TakeReport().value();
  EXPECT_EQ(report.highest_sequence_number, 0x10000u + 65000 + 1199 - 0x10000);
  EXPECT_EQ(report.cumulative_lost, 15);
  EXPECT_EQ(report.fraction_lost, 5 * 256 / 100);
  stream.ExpectCounts(200, 15);
  EXPECT_EQ(stream.source.missing_of_ssrc(), 1015);
}

// Losses on both sides of a pause are no burst of one.
TEST(SourcePauseTest, NothingReachesAcrossThePause) {
  Stream stream;
  stream.SendAll(0, 97);
  stream.Send(99);
  stream.source.Pause();
  stream.Send(200);
  stream.SendAll(202, 250);
  stream.ExpectCounts(151, 2);
  EXPECT_EQ(stream.source.counts().loss_runs, 2);
  EXPECT_EQ(stream.source.bursts().clusters().bursts, 0u);
}

// The first packets behind it may be reordered like any others, and one of before it comes too late
// for anything.
TEST(SourcePauseTest, ItsFirstPacketsMayBeReordered) {
  Stream stream;
  stream.SendAll(0, 98);
  stream.source.Pause();
  EXPECT_EQ(stream.Send(152), Arrival::kInOrder);
  EXPECT_EQ(stream.Send(150), Arrival::kReordered);
  EXPECT_EQ(stream.Send(99), Arrival::kReordered);  // Nobody knows where the pause began.
  EXPECT_EQ(stream.Send(98), Arrival::kDuplicate);
  EXPECT_EQ(stream.Send(152), Arrival::kDuplicate);
  stream.SendAll(153, 199);
  EXPECT_EQ(stream.source.counts().packets, 149u);
  EXPECT_EQ(stream.source.counts().expected, 200u);
  EXPECT_EQ(stream.source.missing_of_ssrc(), 49);  // With two copies, as A.1 counts.
}

// What comes while it lasts is of before it.
TEST(SourcePauseTest, AStragglerDoesNotEndIt) {
  Stream stream;
  stream.SendAll(0, 97);
  stream.Send(99);
  stream.source.Pause();
  EXPECT_EQ(stream.Send(98), Arrival::kReordered);
  EXPECT_EQ(stream.Send(99), Arrival::kDuplicate);
  stream.SendAll(600, 699);
  stream.ExpectCounts(200, 0);
  EXPECT_EQ(stream.source.longest_gap(), 40ms);
}

// A new beginning, by a jump or by another SSRC, takes its two packets as ever; and a pause before
// the first one is none.
TEST(SourcePauseTest, ANewBeginningEndsIt) {
  for (const bool is_other : {false, true}) {
    Stream stream;
    stream.source.Pause();
    stream.Send(0);
    stream.SendAll(2, 99);
    stream.ExpectCounts(100, 1);
    stream.source.Pause();
    if (is_other) stream.ssrc = 0x9999;
    EXPECT_EQ(stream.Send(10000), Arrival::kProbation);
    EXPECT_EQ(stream.Send(10002), Arrival::kInOrder);
    stream.SendAll(10003, 10099);
    stream.ExpectCounts(200, 2);
    EXPECT_EQ(stream.source.counts().restarts, is_other ? 0u : 1u);
    EXPECT_EQ(stream.source.counts().ssrc_changes, is_other ? 1u : 0u);
    EXPECT_EQ(stream.source.longest_gap(), 40ms);
    EXPECT_EQ(stream.source.missing_of_ssrc(), 1);
  }
}

// One packet of another sequence before a pause and one behind it are no second packet.
TEST(SourcePauseTest, ProbationEndsWithIt) {
  Stream stream;
  stream.SendAll(0, 99);
  EXPECT_EQ(stream.Send(10000), Arrival::kProbation);
  stream.source.Pause();
  EXPECT_EQ(stream.Send(10050), Arrival::kProbation);
  EXPECT_EQ(stream.Send(10051), Arrival::kInOrder);
  EXPECT_EQ(stream.source.counts().refused, 1u);
  stream.ExpectCounts(102, 0);
}

// Music that flows through a hold is counted as ever, from its first packet on: it has no pause.
TEST(SourcePauseTest, WhatGoesOnIsCountedAsEver) {
  Stream stream;
  stream.SendAll(0, 99);
  stream.source.Pause();
  stream.SendAll(100, 149);
  EXPECT_EQ(stream.Send(149), Arrival::kDuplicate);
  stream.SendAll(155, 199);  // Five are lost.
  stream.ExpectCounts(200, 5);
  EXPECT_EQ(stream.source.missing_of_ssrc(), 4);
  EXPECT_EQ(stream.source.counts().loss_runs, 1);
  EXPECT_EQ(stream.source.jitter_ticks(), 0u);
  EXPECT_EQ(stream.source.longest_gap(), 120ms);
  EXPECT_EQ(stream.source.TakeReport()->cumulative_lost, 4);
}

// What was on its way when the pause began does not end it: a minute later the numbers go on, and
// the timestamps where they stood still (RFC 3264 §8.4: a sender on hold may not run its clock).
TEST(SourcePauseTest, WhatWasOnItsWayLeavesThePauseToCome) {
  for (const int in_flight : {0, 1, 5, 20}) {
    for (const uint32_t timestamps : {0u, 3000u * 160, 0x40000000u}) {  // Still, on, anew.
      for (const int skipped : {0, 1, 700}) {
        Stream stream;
        stream.SendAll(0, 99);
        stream.source.Pause();
        stream.SendAll(100, 99 + in_flight);
        for (int number = 100 + in_flight; number < 200; ++number) {
          TestPacket packet(
              {.sequence_number = static_cast<uint16_t>(stream.first + number + skipped),
               .timestamp = static_cast<uint32_t>(number * 160) + timestamps,
               .ssrc = stream.ssrc});
          stream.source.OnPacket(packet.view(), kStart + 1min + number * 20ms, PayloadKind::kAudio);
        }
        stream.ExpectCounts(200, 0);
        EXPECT_EQ(stream.source.longest_gap(), 20ms);
        EXPECT_EQ(stream.source.jitter_max(), 0ns);
        EXPECT_EQ(stream.source.counts().timestamp_jumps, 0u);
        EXPECT_EQ(stream.source.counts().late, 0u);
        EXPECT_EQ(stream.source.missing_of_ssrc(), skipped);
      }
    }
  }
}

// Held, and resumed: told at both ends, with music between or without.
TEST(SourcePauseTest, MayBeToldTwice) {
  for (const bool has_music : {false, true}) {
    Stream stream;
    stream.SendAll(0, 99);
    stream.source.Pause();
    stream.source.Pause();
    if (has_music) stream.SendAll(1100, 1199);
    stream.source.Pause();
    stream.SendAll(2200, 2289);
    stream.SendAll(2295, 2299);  // Five are lost.
    stream.ExpectCounts(has_music ? 300 : 200, 5);
    EXPECT_EQ(stream.source.longest_gap(), 120ms);
    EXPECT_EQ(stream.source.TakeReport()->cumulative_lost, 5);
  }
}

// Of a silence without a pause told all is counted: the one before is over.
TEST(SourcePauseTest, ItEndsWithItsFirstPackets) {
  Stream stream;
  stream.SendAll(0, 99);
  stream.source.Pause();
  stream.SendAll(100, 199);
  stream.SendAll(300, 399);
  stream.ExpectCounts(400, 100);
  EXPECT_EQ(stream.source.longest_gap(), 101 * 20ms);
}

// Comfort noise while held: numbered on, seldom, on the clock.
TEST(SourcePauseTest, ComfortNoiseIsCountedAsEver) {
  Stream stream;
  stream.SendAll(0, 99);
  stream.source.Pause();
  for (int i = 0; i < 10; ++i) {
    TestPacket packet({.payload_type = 13,
                       .sequence_number = static_cast<uint16_t>(stream.first + 100 + i),
                       .timestamp = static_cast<uint32_t>((100 + i * 25) * 160),
                       .ssrc = stream.ssrc},
                      1);
    EXPECT_EQ(stream.source.OnPacket(packet.view(), kStart + (100 + i * 25) * 20ms,
                                     PayloadKind::kComfortNoise),
              Arrival::kInOrder);
  }
  stream.ExpectCounts(110, 0);
  EXPECT_EQ(stream.source.jitter_max(), 0ns);
}

// Music of another SSRC, and the voice again: each with its counts, and no gap.
TEST(SourcePauseTest, MusicUnderItsOwnSsrc) {
  Stream stream;
  stream.first = 65'400;
  stream.SendAll(0, 99);
  stream.source.Pause();
  stream.SendAll(100, 102);  // On their way.
  stream.ssrc = 0x9999;
  stream.SendAll(1000, 1099);
  stream.source.Pause();
  stream.ssrc = 0x1234;
  stream.SendAll(2000, 2089);
  stream.SendAll(2095, 2099);
  stream.ExpectCounts(303, 5);
  const ReportBlock report = stream.source.TakeReport().value();
  EXPECT_EQ(report.highest_sequence_number, 65'400u + 2099);
  EXPECT_EQ(report.cumulative_lost, 5);
  EXPECT_EQ(stream.source.missing_of_ssrc(), 1902);
  EXPECT_EQ(stream.source.longest_gap(), 120ms);
}

// The packet that was held came in time: a change of SSRC is no gap of two packets.
TEST(SourcePauseTest, AHeldPacketEndsAGap) {
  Stream stream;
  stream.SendAll(0, 99);
  stream.ssrc = 0x9999;
  stream.SendAll(100, 199);
  EXPECT_EQ(stream.source.longest_gap(), 20ms);
}

}  // namespace
}  // namespace core::rtp
