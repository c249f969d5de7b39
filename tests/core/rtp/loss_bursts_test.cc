// Goal: bursts and gaps are those of RFC 3611 §4.7.2, word for word, however the fates of packets
// are told; and the burst ratio is that of ITU-T G.107 §7.5.

#include "core/rtp/loss_bursts.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/random.h"

namespace core::rtp {
namespace {

// '.' is played, 'x' is lost.
LossBursts Tell(const std::string& fates) {
  LossBursts bursts;
  for (const char fate : fates) fate == 'x' ? bursts.Lost(1) : bursts.Played(1);
  return bursts;
}

// The definition, by brute force over the whole sequence: a burst is a longest piece that begins
// and ends with a loss, holds two or more, and holds no kGapMin played packets in a row.
LossBursts::Clusters Reference(const std::string& fates) {
  LossBursts::Clusters clusters;
  uint32_t in_gap = 0;
  const auto end_gap = [&] {
    if (in_gap > 0) ++clusters.gaps;
    in_gap = 0;
  };
  for (size_t begin = 0; begin < fates.size();) {
    size_t end = begin;  // Of the burst that would begin here, inclusive.
    uint32_t lost = 0;
    if (fates[begin] == 'x') {
      uint32_t played = 0;
      for (size_t i = begin; i < fates.size() && played < LossBursts::kGapMin; ++i) {
        if (fates[i] == 'x') {
          ++lost;
          end = i;
          played = 0;
        } else {
          ++played;
        }
      }
    }
    if (lost >= 2) {
      end_gap();
      ++clusters.bursts;
      clusters.burst_packets += static_cast<uint32_t>(end - begin + 1);
      clusters.burst_lost += lost;
      begin = end + 1;
    } else {
      ++in_gap;
      ++clusters.gap_packets;
      clusters.gap_lost += lost;
      ++begin;
    }
  }
  end_gap();
  return clusters;
}

void ExpectSame(const LossBursts::Clusters& actual, const LossBursts::Clusters& expected,
                const std::string& fates) {
  EXPECT_EQ(actual.bursts, expected.bursts) << fates;
  EXPECT_EQ(actual.burst_packets, expected.burst_packets) << fates;
  EXPECT_EQ(actual.burst_lost, expected.burst_lost) << fates;
  EXPECT_EQ(actual.gaps, expected.gaps) << fates;
  EXPECT_EQ(actual.gap_packets, expected.gap_packets) << fates;
  EXPECT_EQ(actual.gap_lost, expected.gap_lost) << fates;
}

TEST(LossBurstsTest, ACleanStreamIsOneGap) {
  const LossBursts::Clusters clusters = Tell(std::string(50, '.')).clusters();
  EXPECT_EQ(clusters.bursts, 0u);
  EXPECT_EQ(clusters.gaps, 1u);
  EXPECT_EQ(clusters.gap_packets, 50u);
}

// §4.7.2: with Gmin 16, a loss with at least 16 packets played on each side is isolated: of a gap.
TEST(LossBurstsTest, SixteenPlayedPacketsSeparateAndFifteenDoNot) {
  const std::string played15(15, '.');
  const std::string played16(16, '.');
  const LossBursts::Clusters apart = Tell(played16 + "x" + played16 + "x" + played16).clusters();
  EXPECT_EQ(apart.bursts, 0u);
  EXPECT_EQ(apart.gap_lost, 2u);
  EXPECT_EQ(apart.gap_packets, 50u);

  const LossBursts::Clusters together = Tell(played16 + "x" + played15 + "x" + played16).clusters();
  EXPECT_EQ(together.bursts, 1u);
  EXPECT_EQ(together.burst_packets, 17u);
  EXPECT_EQ(together.burst_lost, 2u);
  EXPECT_EQ(together.gaps, 2u);
  EXPECT_EQ(together.gap_packets, 32u);
}

TEST(LossBurstsTest, AStreamMayBeginAndEndInABurst) {
  const LossBursts::Clusters clusters = Tell("xx" + std::string(20, '.') + "x.x").clusters();
  EXPECT_EQ(clusters.bursts, 2u);
  EXPECT_EQ(clusters.burst_packets, 5u);
  EXPECT_EQ(clusters.gaps, 1u);
  EXPECT_EQ(clusters.gap_packets, 20u);
}

TEST(LossBurstsTest, CountsRunsAndTheLongest) {
  const LossBursts bursts = Tell(".xx.x..xxxx.");
  EXPECT_EQ(bursts.settled(), 12u);
  EXPECT_EQ(bursts.lost(), 7u);
  EXPECT_EQ(bursts.runs(), 3u);
  EXPECT_EQ(bursts.longest_run(), 4u);
}

// A new SSRC's first loss is neither the old one's run nor its burst.
TEST(LossBurstsTest, ABreakSeparates) {
  LossBursts bursts = Tell("....x");
  bursts.Break();
  bursts.Lost(1);
  bursts.Played(4);
  EXPECT_EQ(bursts.runs(), 2u);
  EXPECT_EQ(bursts.longest_run(), 1u);
  EXPECT_EQ(bursts.clusters().bursts, 0u);
  EXPECT_EQ(bursts.clusters().gap_packets, 10u);
  EXPECT_EQ(bursts.clusters().gap_lost, 2u);
}

// Property: whatever the sequence, and told one by one or in runs, the definition holds.
TEST(LossBurstsTest, AgreesWithTheDefinition) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    const double stay_lost = random.Fraction() * 0.8;
    const double get_lost = random.Fraction() * 0.2;
    std::string fates;
    bool lost = false;
    const size_t size = random.Below(300);
    for (size_t i = 0; i < size; ++i) {
      lost = random.Chance(lost ? stay_lost : get_lost);
      fates += lost ? 'x' : '.';
    }
    const LossBursts::Clusters expected = Reference(fates);
    ExpectSame(Tell(fates).clusters(), expected, fates);

    LossBursts in_runs;
    for (size_t begin = 0; begin < fates.size();) {
      size_t end = begin;
      while (end < fates.size() && fates[end] == fates[begin]) ++end;
      const auto count = static_cast<uint32_t>(end - begin);
      fates[begin] == 'x' ? in_runs.Lost(count) : in_runs.Played(count);
      begin = end;
    }
    ExpectSame(in_runs.clusters(), expected, fates);
    EXPECT_EQ(in_runs.runs(), Tell(fates).runs()) << fates;
    if (HasFailure()) return;
  }
}

// G.107 §7.5: 1 for random loss. For a two-state Markov chain that enters loss with p and leaves it
// with q, BurstR = 1 / (p + q).
TEST(LossBurstsTest, TheBurstRatioIsThatOfTheMarkovChain) {
  Random random(5);
  const auto ratio_of = [&](double p, double q) {
    LossBursts bursts;
    bool lost = false;
    for (int i = 0; i < 500'000; ++i) {
      lost = lost ? !random.Chance(q) : random.Chance(p);
      lost ? bursts.Lost(1) : bursts.Played(1);
    }
    return BurstRatio(bursts.settled(), bursts.lost(), bursts.runs()).value_or(0);
  };
  EXPECT_NEAR(ratio_of(0.05, 0.95), 1.0, 0.02);
  EXPECT_NEAR(ratio_of(0.02, 0.48), 2.0, 0.05);
  EXPECT_NEAR(ratio_of(0.01, 0.24), 4.0, 0.15);
}

TEST(LossBurstsTest, TheBurstRatioOfNothingIsUnknown) {
  EXPECT_EQ(BurstRatio(100, 0, 0), std::nullopt);
  EXPECT_EQ(BurstRatio(100, 100, 1), std::nullopt);
  EXPECT_EQ(BurstRatio(0, 0, 0), std::nullopt);
}

}  // namespace
}  // namespace core::rtp
