// Goal: a stream is judged by what was measured of it and by nothing else: what is unknown stays
// unknown, and RFC 3611's metrics say so in its own words.

#include "core/rtp/quality.h"

#include <gtest/gtest.h>

#include "core/rtp/emodel.h"
#include "tests/core/rtp/rtp_packets.h"

namespace core::rtp {
namespace {

using namespace std::chrono_literals;

constexpr Path kPcmu = {.codec = Codec::kPcmu, .round_trip = 40ms, .packet_duration = 20ms};

StreamCounts Clean(uint32_t packets) {
  return {.packets = packets,
          .expected = packets,
          .buffer_packets = packets,
          .buffer_sum = packets * Duration(40ms)};
}

TEST(QualityTest, ACleanCallHasTheBestMos) {
  const Quality quality = Judge(Clean(3000), kPcmu);
  EXPECT_NEAR(*quality.r_listening, 93.2, 0.05);
  EXPECT_NEAR(*quality.mos_listening, 4.41, 0.005);
  // Mouth to ear: 20 ms of network, 40 of buffer, 20 of packet.
  EXPECT_NEAR(*quality.r_conversation, 93.2 - 0.024 * 80, 0.5);
  EXPECT_LT(*quality.mos_conversation, *quality.mos_listening);
  EXPECT_EQ(quality.burst_ratio, std::nullopt);
}

// Unknown is said as unknown.
TEST(QualityTest, WhatIsUnknownIsAbsent) {
  EXPECT_EQ(Judge(StreamCounts{}, kPcmu).mos_listening, std::nullopt);  // Nothing came.

  Path path = kPcmu;
  path.round_trip = std::nullopt;
  EXPECT_NE(Judge(Clean(100), path).mos_listening, std::nullopt);
  EXPECT_EQ(Judge(Clean(100), path).mos_conversation, std::nullopt);
  EXPECT_EQ(Judge(Clean(100), path).r_conversation, std::nullopt);

  path.codec = Codec::kOpus;
  EXPECT_EQ(Judge(Clean(100), path).mos_listening, std::nullopt);
}

// G.722 is judged while nothing is lost, as no loss robustness of it was published.
TEST(QualityTest, WidebandIsJudgedOnlyWithoutLoss) {
  Path path = kPcmu;
  path.codec = Codec::kG722;
  EXPECT_NEAR(*Judge(Clean(100), path).r_listening, 93.2, 0.05);
  StreamCounts counts = Clean(100);
  counts.packets = 99;
  counts.loss_runs = 1;
  EXPECT_EQ(Judge(counts, path).mos_listening, std::nullopt);
  EXPECT_NE(Judge(counts, path).burst_ratio, std::nullopt);
}

// What came too late to be played is as lost as what did not come.
TEST(QualityTest, LateIsLost) {
  StreamCounts lost = Clean(1000);
  lost.packets = 980;
  lost.loss_runs = 20;
  StreamCounts late = Clean(1000);
  late.late = 20;
  late.loss_runs = 20;
  EXPECT_EQ(Judge(lost, kPcmu).mos_listening, Judge(late, kPcmu).mos_listening);
  EXPECT_NEAR(*Judge(lost, kPcmu).r_listening, 93.2 - 7.01, 0.05);  // 2 %: 95 * 2 / 27.1.
}

TEST(QualityTest, BurstsAreWorse) {
  StreamCounts random = Clean(1000);
  random.packets = 960;
  random.loss_runs = 40;
  StreamCounts bursty = random;
  bursty.loss_runs = 10;
  EXPECT_EQ(Judge(random, kPcmu).burst_ratio, 1.0);  // 0.96 is sparser than random: not bursty.
  EXPECT_NEAR(*Judge(bursty, kPcmu).burst_ratio, 4 * 0.96, 1e-9);
  EXPECT_LT(*Judge(bursty, kPcmu).mos_listening, *Judge(random, kPcmu).mos_listening);
}

// G.107 §7.7 has bursts of up to 8 times random; the worst call is still rated.
TEST(QualityTest, TheWorstCallIsOne) {
  StreamCounts counts = Clean(1000);
  counts.packets = 100;
  counts.loss_runs = 1;
  Path path = kPcmu;
  path.round_trip = 2s;
  const Quality quality = Judge(counts, path);
  EXPECT_EQ(quality.burst_ratio, 8.0);
  EXPECT_EQ(quality.r_conversation, 0.0);
  EXPECT_EQ(quality.mos_conversation, 1.0);
}

// An interval may have received more than it expected: what was missing before it came in it.
TEST(QualityTest, AnIntervalWithMoreThanExpectedIsClean) {
  StreamCounts counts = Clean(100);
  counts.packets = 103;
  counts.loss_runs = -1;
  EXPECT_NEAR(*Judge(counts, kPcmu).r_listening, 93.2, 0.05);
}

Source Received(int packets, int lost_from, int lost_to) {
  Source source{Source::Config{}};
  for (int number = 0; number < packets; ++number) {
    if (number >= lost_from && number < lost_to) continue;
    TestPacket packet({.sequence_number = static_cast<uint16_t>(number),
                       .timestamp = static_cast<uint32_t>(number * 160),
                       .ssrc = 9});
    source.OnPacket(packet.view(), Instant{} + 1h + number * 20ms, PayloadKind::kAudio);
  }
  return source;
}

// RFC 3611 §4.7.
TEST(QualityTest, VoipMetricsAreThoseOfTheSource) {
  const Source source = Received(1000, 500, 600);
  const VoipMetrics metrics = MakeVoipMetrics(source, Codec::kPcmu, 40ms);
  EXPECT_EQ(metrics.ssrc, 9u);
  EXPECT_EQ(metrics.loss_rate, 25);  // 10 % of 256.
  EXPECT_EQ(metrics.discard_rate, 0);
  EXPECT_EQ(metrics.burst_density, 255);
  EXPECT_EQ(metrics.burst_duration_ms, 2000);
  EXPECT_EQ(metrics.gap_density, 0);
  EXPECT_EQ(metrics.gap_duration_ms, 9000);  // 500 and 400 packets: 9 s on average.
  EXPECT_EQ(metrics.round_trip_ms, 40);
  EXPECT_EQ(metrics.gap_min, 16);
  EXPECT_EQ(metrics.signal_level, VoipMetrics::kUnavailable);  // We do not decode.
  EXPECT_EQ(metrics.noise_level, VoipMetrics::kUnavailable);
  EXPECT_EQ(metrics.mos_lq, 30);  // 95 * 10 / (10 / 8 + 25.1) off 93.2: R 57.2.
  EXPECT_EQ(metrics.buffer_nominal_ms, 40);
  EXPECT_EQ(metrics.buffer_maximum_ms, 200);
  EXPECT_EQ(metrics.end_system_delay_ms, 60);
  EXPECT_EQ(metrics.receiver_config, 0x38);
}

TEST(QualityTest, VoipMetricsSayWhatIsUnavailable) {
  const Source source = Received(100, 0, 0);
  const VoipMetrics metrics = MakeVoipMetrics(source, Codec::kOpus, std::nullopt);
  EXPECT_EQ(metrics.round_trip_ms, 0);
  EXPECT_EQ(metrics.r_factor, VoipMetrics::kUnavailable);
  EXPECT_EQ(metrics.mos_lq, VoipMetrics::kUnavailable);
  EXPECT_EQ(metrics.mos_cq, VoipMetrics::kUnavailable);
  const VoipMetrics heard = MakeVoipMetrics(source, Codec::kPcmu, std::nullopt);
  EXPECT_EQ(heard.mos_lq, 44);
  EXPECT_EQ(heard.mos_cq, VoipMetrics::kUnavailable);
  EXPECT_EQ(MakeVoipMetrics(source, Codec::kPcmu, 100us).round_trip_ms, 1);  // 0 would be unknown.
}

// Unknown is no value: a mix of codecs is judged only where each has the same ones.
TEST(QualityTest, AMixIsJudgedWhereItsValuesAgree) {
  const auto judged = [](std::initializer_list<Codec> heard) {
    CodecSet set;
    for (const Codec codec : heard) set.Add(codec);
    return JudgedBy(set, Codec::kG722);
  };
  EXPECT_EQ(judged({}), Codec::kG722);  // Nobody spoke: what is agreed on.
  EXPECT_EQ(judged({Codec::kG729}), Codec::kG729);
  EXPECT_EQ(judged({Codec::kPcmu, Codec::kPcma}), Codec::kPcma);
  EXPECT_EQ(judged({Codec::kPcmu, Codec::kG729}), Codec::kUnknown);
  EXPECT_EQ(judged({Codec::kPcmu, Codec::kG722}), Codec::kUnknown);  // Alike only without loss.
  EXPECT_EQ(judged({Codec::kPcmu, Codec::kUnknown}), Codec::kUnknown);
  EXPECT_FALSE(ImpairmentOf(judged({Codec::kOpus, Codec::kUnknown})).has_value());
}

}  // namespace
}  // namespace core::rtp
