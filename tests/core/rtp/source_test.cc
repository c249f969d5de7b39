// Goal: what a stream suffered on its way is counted exactly: RFC 3550 A.1 (which packets belong),
// A.3 (what a report says) and A.8 (jitter), with wraps, reordering, restarts, silence and drift.

#include "core/rtp/source.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/core/rtp/rtp_packets.h"

namespace core::rtp {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kSsrc = 0x1234;
constexpr Instant kStart = Instant{} + 1h;

/// A sender of 20 ms of PCMU, and the source that receives it. Number n is due at n * 20 ms.
struct Line {
  Source source{Source::Config{}};
  uint32_t ssrc = kSsrc;
  uint16_t first_sequence = 1000;
  uint32_t first_timestamp = 0xfffff000;  // So that every test's timestamps wrap.
  uint8_t payload_type = 0;
  bool marker = false;
  PayloadKind kind = PayloadKind::kAudio;

  Arrival Send(int number, Duration delay = 40ms) {
    return SendAt(number, kStart + number * 20ms + delay);
  }
  Arrival SendAt(int number, Instant at) {
    TestPacket packet({.marker = marker,
                       .payload_type = payload_type,
                       .sequence_number = static_cast<uint16_t>(first_sequence + number),
                       .timestamp = first_timestamp + static_cast<uint32_t>(number * 160),
                       .ssrc = ssrc});
    return source.OnPacket(packet.view(), at, kind);
  }
  void SendAll(int from, int to) {
    for (int number = from; number <= to; ++number) Send(number);
  }
};

TEST(SourceTest, KnowsNothingBeforeTheFirstPackets) {
  Line line;
  EXPECT_FALSE(line.source.active());
  EXPECT_EQ(line.source.jitter(), std::nullopt);
  EXPECT_EQ(line.source.jitter_ticks(), std::nullopt);
  EXPECT_EQ(line.source.packet_duration(), std::nullopt);
  EXPECT_EQ(line.source.last_arrival(), std::nullopt);
  EXPECT_EQ(line.source.counts().buffer_depth(), std::nullopt);
  EXPECT_EQ(line.source.TakeReport(), std::nullopt);
  EXPECT_EQ(line.source.counts().expected, 0u);
}

// A.1: one packet proves nothing; two do, and both count.
TEST(SourceTest, ASecondPacketProvesASource) {
  Line line;
  EXPECT_EQ(line.Send(0), Arrival::kProbation);
  EXPECT_FALSE(line.source.active());
  EXPECT_EQ(line.source.held(), 1u);
  EXPECT_EQ(line.Send(1), Arrival::kInOrder);
  EXPECT_TRUE(line.source.active());
  EXPECT_EQ(line.source.ssrc(), kSsrc);
  EXPECT_EQ(line.source.held(), 0u);
  EXPECT_EQ(line.source.counts().packets, 2u);
  EXPECT_EQ(line.source.counts().expected, 2u);
  EXPECT_EQ(line.source.counts().bytes, 2 * 172u);
}

// The first seconds of a call lose and reorder like any other: 2 came first, then 0, 1 was lost.
TEST(SourceTest, TheProvingPacketsMayBeReordered) {
  Line line;
  EXPECT_EQ(line.Send(2), Arrival::kProbation);
  EXPECT_EQ(line.Send(0), Arrival::kReordered);
  EXPECT_EQ(line.Send(3), Arrival::kInOrder);
  EXPECT_EQ(line.source.counts().expected, 4u);
  EXPECT_EQ(line.source.counts().packets, 3u);
  EXPECT_EQ(line.source.counts().lost(), 1);
}

TEST(SourceTest, ASwitchBetweenTheProvingPacketsCounts) {
  Line line;
  line.Send(0);
  line.payload_type = 8;
  line.Send(1);
  EXPECT_EQ(line.source.counts().payload_switches, 1u);
}

TEST(SourceTest, ADuplicateProvesNothing) {
  Line line;
  EXPECT_EQ(line.Send(0), Arrival::kProbation);
  EXPECT_EQ(line.Send(0), Arrival::kProbation);
  EXPECT_FALSE(line.source.active());
  EXPECT_EQ(line.source.counts().refused, 1u);
}

// A.1: the extended highest sequence number counts cycles.
TEST(SourceTest, CountsThroughTheWrapAt65535) {
  Line line;
  line.first_sequence = 65530;
  line.SendAll(0, 19);
  EXPECT_EQ(line.source.counts().expected, 20u);
  EXPECT_EQ(line.source.counts().lost(), 0);
  const ReportBlock report = line.source.TakeReport().value();
  EXPECT_EQ(report.highest_sequence_number, 0x10000u + 13);
  EXPECT_EQ(report.cumulative_lost, 0);
}

TEST(SourceTest, ReordersAcrossTheWrap) {
  Line line;
  line.first_sequence = 65533;  // Number 2 is 65535, number 3 is 0.
  line.SendAll(0, 1);
  EXPECT_EQ(line.Send(3), Arrival::kInOrder);
  EXPECT_EQ(line.Send(2), Arrival::kReordered);
  EXPECT_EQ(line.Send(2), Arrival::kDuplicate);
  EXPECT_EQ(line.Send(4), Arrival::kInOrder);
  EXPECT_EQ(line.source.counts().packets, 5u);
  EXPECT_EQ(line.source.counts().reordered, 1u);
  EXPECT_EQ(line.source.counts().duplicates, 1u);
  EXPECT_EQ(line.source.counts().lost(), 0);
}

// A stream whose first packets came in the wrong order around the wrap began before the cycle did.
TEST(SourceTest, BeginsBelowTheWrap) {
  Line line;
  line.first_sequence = 65535;
  line.Send(1);
  line.Send(2);
  EXPECT_EQ(line.Send(0), Arrival::kReordered);
  EXPECT_EQ(line.source.counts().expected, 3u);
  EXPECT_EQ(line.source.counts().lost(), 0);
}

// A.3: fraction and cumulative loss; the cumulative one is negative when packets come twice.
TEST(SourceTest, ReportsLossSinceTheReportBefore) {
  Line line;
  line.SendAll(0, 49);
  line.SendAll(75, 99);  // 25 of 100 are lost.
  const ReportBlock first = line.source.TakeReport().value();
  EXPECT_EQ(first.ssrc, kSsrc);
  EXPECT_EQ(first.cumulative_lost, 25);
  EXPECT_EQ(first.fraction_lost, 64);  // A quarter of 256.
  EXPECT_EQ(first.highest_sequence_number, 1099u);

  line.SendAll(100, 199);
  const ReportBlock second = line.source.TakeReport().value();
  EXPECT_EQ(second.cumulative_lost, 25);
  EXPECT_EQ(second.fraction_lost, 0);

  for (int i = 0; i < 30; ++i) line.Send(199);
  const ReportBlock third = line.source.TakeReport().value();
  EXPECT_EQ(third.cumulative_lost, -5);  // §6.4.1: duplicates count as received.
  EXPECT_EQ(third.fraction_lost, 0);
  EXPECT_EQ(line.source.counts().lost(), 25);  // The records tell what is really missing.
  EXPECT_EQ(line.source.counts().duplicates, 30u);
}

// The most that an interval can lose is all but the packets that tell of it: 255, never 256.
TEST(SourceTest, TheFractionFitsItsByte) {
  Line line;
  line.SendAll(0, 9);
  (void)line.source.TakeReport();
  for (int i = 0; i < 5; ++i) line.Send(9 + 2900 * (i + 1), 0ms);
  EXPECT_EQ(line.source.TakeReport()->fraction_lost, 255);
}

// A.1: up to MAX_DROPOUT ahead is loss.
TEST(SourceTest, ADropoutIsLossAndNotARestart) {
  Line line;
  line.SendAll(0, 9);
  EXPECT_EQ(line.Send(9 + 2999), Arrival::kInOrder);
  EXPECT_EQ(line.source.counts().lost(), 2998);
  EXPECT_EQ(line.Send(9 + 2999 + 3000), Arrival::kProbation);
  EXPECT_EQ(line.source.counts().restarts, 0u);
  EXPECT_EQ(line.source.bursts().longest_run(), 2998u);
}

// A.1: from there on it is a restart, believed when a second packet follows.
TEST(SourceTest, ARestartBeginsTheReportsAnewAndTheCountsGoOn) {
  Line line;
  line.SendAll(0, 99);
  line.first_sequence = 40000;
  EXPECT_EQ(line.Send(100), Arrival::kProbation);
  EXPECT_EQ(line.Send(101), Arrival::kInOrder);
  line.SendAll(102, 199);

  EXPECT_EQ(line.source.counts().restarts, 1u);
  EXPECT_EQ(line.source.counts().ssrc_changes, 0u);
  EXPECT_EQ(line.source.counts().packets, 200u);
  EXPECT_EQ(line.source.counts().expected, 200u);
  EXPECT_EQ(line.source.counts().lost(), 0);
  const ReportBlock report = line.source.TakeReport().value();
  EXPECT_EQ(report.highest_sequence_number, 40199u);
  EXPECT_EQ(report.cumulative_lost, 0);
}

// A.1: a single packet from nowhere changes nothing.
TEST(SourceTest, OneWildPacketIsNoRestart) {
  Line line;
  line.SendAll(0, 9);
  EXPECT_EQ(line.Send(30000), Arrival::kProbation);
  line.SendAll(10, 19);
  EXPECT_EQ(line.source.counts().packets, 20u);
  EXPECT_EQ(line.source.counts().expected, 20u);
  EXPECT_EQ(line.Send(-30000), Arrival::kProbation);
  EXPECT_EQ(line.source.counts().refused, 1u);
}

// A.1's MAX_MISORDER: 99 behind is late, 100 behind is another sequence.
TEST(SourceTest, ReorderingEndsAtTheMisorderLimit) {
  Line line;
  line.SendAll(0, 0);
  line.SendAll(2, 200);
  line.SendAll(202, 301);
  EXPECT_EQ(line.Send(1), Arrival::kProbation);
  EXPECT_EQ(line.Send(300), Arrival::kDuplicate);
  EXPECT_EQ(line.Send(301 - 100), Arrival::kProbation);
  line.source = Source{Source::Config{}};
  line.SendAll(0, 200);
  line.SendAll(202, 300);
  EXPECT_EQ(line.Send(201), Arrival::kReordered);
}

// A storm of copies is counted as such, and hurts neither loss nor jitter.
TEST(SourceTest, ADuplicateStormIsOnlyDuplicates) {
  Line line;
  line.SendAll(0, 99);
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(line.Send(50 + i % 50, 1500ms), Arrival::kDuplicate);
  line.SendAll(100, 199);
  EXPECT_EQ(line.source.counts().packets, 200u);
  EXPECT_EQ(line.source.counts().duplicates, 5000u);
  EXPECT_EQ(line.source.counts().lost(), 0);
  EXPECT_EQ(line.source.jitter_ticks(), 0u);
  EXPECT_EQ(line.source.counts().late, 0u);
}

// Rule 23: a transfer changes the SSRC. The counts go on; the reports are of the new one.
TEST(SourceTest, ANewSsrcGoesOnWithTheCounts) {
  Line line;
  line.SendAll(0, 99);
  line.ssrc = 0x9999;
  line.first_sequence = 7;
  line.first_timestamp = 12345;
  EXPECT_EQ(line.Send(100), Arrival::kProbation);
  EXPECT_EQ(line.Send(101), Arrival::kInOrder);
  line.SendAll(102, 110);

  EXPECT_EQ(line.source.ssrc(), 0x9999u);
  EXPECT_EQ(line.source.counts().ssrc_changes, 1u);
  EXPECT_EQ(line.source.counts().packets, 111u);
  EXPECT_EQ(line.source.counts().expected, 111u);
  EXPECT_EQ(line.source.jitter_ticks(), 0u);  // Not the distance of two clocks.
  EXPECT_EQ(line.source.counts().timestamp_jumps, 0u);
  EXPECT_EQ(line.source.TakeReport()->ssrc, 0x9999u);
}

// A new source has a jitter of its own, and losses on both sides of the change are no burst.
TEST(SourceTest, NothingOfTheOldSsrcReachesIntoTheNew) {
  Line line;
  for (int number = 0; number < 100; ++number) {
    if (number != 98) line.Send(number, number % 2 == 0 ? 40ms : 60ms);
  }
  line.ssrc = 0x9999;
  for (int number = 100; number < 200; ++number) {
    if (number == 150) {
      EXPECT_EQ(line.source.jitter_ticks(), 0u);
    }
    if (number != 101) line.Send(number);
  }
  EXPECT_EQ(line.source.counts().lost(), 2);
  EXPECT_EQ(line.source.counts().loss_runs, 2);
  EXPECT_EQ(line.source.bursts().clusters().bursts, 0u);
  EXPECT_GT(*line.source.jitter_max(), 10ms);  // That of the whole call.
}

// A.8 by hand. Transits of 320, 320, 328, 324, 400 ticks: differences 0, 8, 4, 76.
//   J16 = 8; 8 + 4 - (16 >> 4) = 11; 11 + 76 - (19 >> 4) = 86; 86 / 16 = 5 ticks.
TEST(SourceTest, JitterIsThatOfTheAppendix) {
  Line line;
  line.Send(0, 40ms);  // Held, and timed once the next one has proved it.
  EXPECT_EQ(line.source.jitter_ticks(), std::nullopt);
  line.Send(1, 40ms);
  EXPECT_EQ(line.source.jitter_ticks(), 0u);
  line.Send(2, 41ms);
  EXPECT_EQ(line.source.jitter_ticks(), 0u);  // 8 / 16.
  line.Send(3, 40'500us);
  line.Send(4, 50ms);
  EXPECT_EQ(line.source.jitter_ticks(), 5u);
  EXPECT_EQ(line.source.jitter(), 671'875ns);  // 86 / 16 ticks of 125 us.
  EXPECT_EQ(line.source.jitter_max(), line.source.jitter());
}

// A.8: J + (|D| - J) / 16 settles at the mean of |D|: delays of 0 and 10 ms in turn have one of 10.
TEST(SourceTest, JitterSettlesAtTheMeanDifference) {
  Line line;
  for (int number = 0; number < 500; ++number) line.Send(number, number % 2 == 0 ? 40ms : 50ms);
  EXPECT_NEAR(static_cast<double>(line.source.jitter()->count()), 10e6, 0.1e6);
}

// Silence suppression: the timestamp runs on while nothing is sent, and a marker follows (RFC 3551
// §4.1). That is neither jitter nor loss nor a jump.
TEST(SourceTest, SilenceIsNotJitter) {
  Line line;
  line.SendAll(0, 99);
  // Sequence numbers go on at 100, time at 400: six seconds later.
  for (int number = 100; number < 200; ++number) {
    TestPacket packet(
        {.marker = number == 100,
         .sequence_number = static_cast<uint16_t>(1000 + number),
         .timestamp = line.first_timestamp + static_cast<uint32_t>(300 + number) * 160,
         .ssrc = kSsrc});
    line.source.OnPacket(packet.view(), kStart + (300 + number) * 20ms + 40ms, PayloadKind::kAudio);
  }
  EXPECT_EQ(line.source.jitter_ticks(), 0u);
  EXPECT_EQ(line.source.counts().timestamp_jumps, 0u);
  EXPECT_EQ(line.source.counts().lost(), 0);
  EXPECT_EQ(line.source.counts().late, 0u);
  EXPECT_EQ(line.source.packet_duration(), 20ms);
  EXPECT_EQ(line.source.longest_gap(), 301 * 20ms);
}

// A sender that draws a new timestamp in mid-stream (a transfer inside a PBX) begins anew.
TEST(SourceTest, AJumpOfTheTimestampIsCountedAndNotJitter) {
  Line line;
  line.SendAll(0, 99);
  line.first_timestamp += 0x40000000;
  line.SendAll(100, 199);
  EXPECT_EQ(line.source.counts().timestamp_jumps, 1u);
  EXPECT_EQ(line.source.jitter_ticks(), 0u);
  EXPECT_EQ(line.source.counts().late, 0u);
  EXPECT_EQ(line.source.counts().lost(), 0);
}

// A network that stood still for three seconds is jitter indeed, and its packets are late.
TEST(SourceTest, AStallIsJitterAndNotAJump) {
  Line line;
  line.SendAll(0, 99);
  for (int number = 100; number < 250; ++number) {
    line.SendAt(number, kStart + 250 * 20ms);
  }
  EXPECT_EQ(line.source.counts().timestamp_jumps, 0u);
  EXPECT_GT(*line.source.jitter_max(), 150ms);
  EXPECT_GT(line.source.counts().late, 100u);
}

// Two clocks that drift apart by 200 ppm: after an hour the transit has moved by 720 ms, and
// neither jitter nor the jitter buffer may take it for delay.
TEST(SourceTest, DriftIsNeitherJitterNorLate) {
  for (const int ppm : {-200, 200}) {
    Line line;
    for (int number = 0; number < 180'000; ++number) {
      const Duration drift = number * 20ms * ppm / 1'000'000;
      line.SendAt(number, kStart + 2s + number * 20ms + drift);
    }
    EXPECT_EQ(line.source.counts().late, 0u) << ppm;
    EXPECT_LE(*line.source.jitter_ticks(), 1u) << ppm;
    EXPECT_EQ(line.source.counts().lost(), 0) << ppm;
  }
}

// RFC 4733 §2.5.1: all packets of a digit have one timestamp. They count, and time nothing.
TEST(SourceTest, EventsAreNotTimed) {
  Line line;
  line.SendAll(0, 49);
  for (int number = 50; number < 60; ++number) {
    TestPacket packet({.payload_type = 101,
                       .sequence_number = static_cast<uint16_t>(1000 + number),
                       .timestamp = line.first_timestamp + 50 * 160,
                       .ssrc = kSsrc},
                      4);
    line.source.OnPacket(packet.view(), kStart + number * 20ms + 40ms, PayloadKind::kEvent);
  }
  line.SendAll(60, 99);
  EXPECT_EQ(line.source.counts().packets, 100u);
  EXPECT_EQ(line.source.counts().bytes, 90 * 172u + 10 * 16u);
  EXPECT_EQ(line.source.jitter_ticks(), 0u);
  EXPECT_EQ(line.source.counts().payload_switches, 0u);
  EXPECT_EQ(line.source.counts().late, 0u);
  EXPECT_EQ(line.source.packet_duration(), 20ms);
}

TEST(SourceTest, CountsSwitchesOfTheCodecAndNotComfortNoise) {
  Line line;
  line.SendAll(0, 9);
  line.payload_type = 13;
  line.kind = PayloadKind::kComfortNoise;
  line.SendAll(10, 10);
  line.payload_type = 0;
  line.kind = PayloadKind::kAudio;
  line.SendAll(11, 19);
  EXPECT_EQ(line.source.counts().payload_switches, 0u);
  line.payload_type = 8;
  line.SendAll(20, 29);
  EXPECT_EQ(line.source.counts().payload_switches, 1u);
}

// RFC 7160: another clock in mid-stream. Jitter is a time, and stays the same time.
TEST(SourceTest, AChangeOfClockConvertsJitter) {
  Line line;
  for (int number = 0; number < 200; ++number) line.Send(number, number % 2 == 0 ? 40ms : 50ms);
  const Duration before = *line.source.jitter();
  const Duration depth = *line.source.counts().buffer_depth();
  line.source.SetClockRate(48000);
  TestPacket packet({.payload_type = 111, .sequence_number = 1200, .timestamp = 5, .ssrc = kSsrc});
  line.source.OnPacket(packet.view(), kStart + 4s + 40ms, PayloadKind::kAudio);
  EXPECT_NEAR(static_cast<double>(line.source.jitter()->count()),
              static_cast<double>(before.count()), 50e3);  // Nothing to compare it with yet.
  TestPacket next({.payload_type = 111, .sequence_number = 1201, .timestamp = 965, .ssrc = kSsrc});
  line.source.OnPacket(next.view(), kStart + 4s + 60ms, PayloadKind::kAudio);
  EXPECT_NEAR(static_cast<double>(line.source.jitter()->count()),
              static_cast<double>(before.count()) * 15 / 16, 50e3);
  EXPECT_EQ(line.source.packet_duration(), 20ms);
  EXPECT_NEAR(static_cast<double>(line.source.counts().buffer_depth()->count()),
              static_cast<double>(depth.count()), 2e6);
}

// The rate stands in the peer's SDP: whatever it says there, nothing breaks.
TEST(SourceTest, AnAbsurdClockIsLimited) {
  for (const uint32_t clock : {0u, 1u, 999'999'999u, 1'000'000'000u, 0xffffffffu}) {
    Line line;
    line.source = Source({.clock_rate_hz = clock});
    line.SendAll(0, 300);
    line.source.SetClockRate(~clock);
    line.SendAll(301, 600);
    EXPECT_GE(line.source.clock_rate_hz(), 1u);
    EXPECT_LE(line.source.clock_rate_hz(), Source::kClockRateMax);
    EXPECT_EQ(line.source.counts().packets, 601u);
    EXPECT_TRUE(line.source.jitter().has_value());
  }
}

// The interval of a minute is the difference of two readings.
TEST(SourceTest, AnIntervalIsTheDifferenceOfTwoReadings) {
  Line line;
  line.SendAll(0, 99);
  line.SendAll(110, 199);
  const StreamCounts first = line.source.counts();
  line.SendAll(200, 249);
  line.SendAll(260, 299);
  const StreamCounts minute = line.source.counts().Since(first);
  EXPECT_EQ(minute.expected, 100u);
  EXPECT_EQ(minute.packets, 90u);
  EXPECT_EQ(minute.lost(), 10);
  EXPECT_EQ(minute.loss_runs, 1);
  EXPECT_EQ(minute.bytes, 90 * 172u);
  EXPECT_EQ(minute.buffer_packets, 90u);
}

// A call of a month and beyond: the arithmetic of arrival times does not run over.
TEST(SourceTest, TimesALongCall) {
  Line line;
  line.SendAll(0, 9);
  for (int number = 10; number < 20; ++number) {
    TestPacket packet({.sequence_number = static_cast<uint16_t>(1000 + number),
                       .timestamp = static_cast<uint32_t>(160 * number),
                       .ssrc = kSsrc});
    line.source.OnPacket(packet.view(), kStart + 24h * 365 * 10 + number * 20ms,
                         PayloadKind::kAudio);
  }
  EXPECT_EQ(line.source.counts().timestamp_jumps + (*line.source.jitter_ticks() > 0 ? 1 : 0), 1u);
}

}  // namespace
}  // namespace core::rtp
