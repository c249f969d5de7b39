// Goal: the E-model of ITU-T G.107 gives the values that are published of it.

#include "core/rtp/emodel.h"

#include <gtest/gtest.h>

#include "core/rtp/codec.h"

namespace core::rtp {
namespace {

Transmission WithDelay(double ms) {
  Transmission connection;
  connection.ta_ms = connection.t_ms = ms;
  connection.tr_ms = 2 * ms;
  return connection;
}

// G.107 §7.7: with every parameter at its default, R is 93.2; its MOS is 4.41 (4.409).
TEST(EModelTest, TheDefaultConnectionIsThatOfTheRecommendation) {
  EXPECT_NEAR(Rating(Transmission{}), 93.2, 0.05);
  EXPECT_NEAR(MosOf(93.2), 4.409, 0.0005);
  EXPECT_NEAR(MosOf(Rating(Transmission{})), 4.41, 0.005);
}

// G.107 Annex B, table B.1 (also G.109 table 1): R and the MOS that belongs to it, to two places.
TEST(EModelTest, MosIsThatOfTableB1) {
  EXPECT_NEAR(MosOf(90), 4.34, 0.01);
  EXPECT_NEAR(MosOf(80), 4.03, 0.01);
  EXPECT_NEAR(MosOf(70), 3.60, 0.01);
  EXPECT_NEAR(MosOf(60), 3.10, 0.01);
  EXPECT_NEAR(MosOf(50), 2.58, 0.01);
}

TEST(EModelTest, MosStaysInItsBounds) {
  EXPECT_EQ(MosOf(-20), 1);
  EXPECT_EQ(MosOf(0), 1);
  EXPECT_EQ(MosOf(3), 1);  // Where the polynomial dips below.
  EXPECT_EQ(MosOf(100), 4.5);
  EXPECT_EQ(MosOf(150), 4.5);
  for (double r = 7; r < 100; r += 0.5) EXPECT_LT(MosOf(r), MosOf(r + 0.5)) << r;
}

// G.113 (02/2001) Appendix I tabulated Ie under random loss before Bpl summed it up: G.729A with
// VAD (Ie 11, Bpl 19.0) and G.723.1 at 6.3 kbit/s with VAD (Ie 15, Bpl 16.1), 0.5 % to 16 %.
TEST(EModelTest, LossIsThatOfTheTablesOfG113) {
  const struct {
    double ppl, g729a, g7231;
  } rows[] = {{0, 11, 15}, {0.5, 13, 17}, {1, 15, 19}, {1.5, 17, 22}, {2, 19, 24},
              {3, 23, 27}, {4, 26, 32},   {8, 36, 41}, {16, 49, 55}};
  for (const auto& row : rows) {
    EXPECT_NEAR(EffectiveEquipmentImpairment(11, 19.0, row.ppl, 1), row.g729a, 1.0) << row.ppl;
    EXPECT_NEAR(EffectiveEquipmentImpairment(15, 16.1, row.ppl, 1), row.g7231, 1.1) << row.ppl;
  }
}

// The same for G.711 with concealment, whose table was rounded to 5 above 3 %.
TEST(EModelTest, LossOfG711IsThatOfTheTablesOfG113) {
  const struct {
    double ppl, ie;
  } rows[] = {{1, 5}, {2, 7}, {3, 10}, {5, 15}, {7, 20}, {10, 25}, {15, 35}, {20, 45}};
  for (const auto& row : rows) {
    EXPECT_NEAR(EffectiveEquipmentImpairment(0, 25.1, row.ppl, 1), row.ie, 3.0) << row.ppl;
  }
}

// §7.5: Ppl = Bpl takes half of what is left; bursts of twice the length take more.
TEST(EModelTest, BurstsHurtMoreThanTheSameLossAtRandom) {
  EXPECT_DOUBLE_EQ(EffectiveEquipmentImpairment(0, 10, 10, 1), 47.5);
  EXPECT_DOUBLE_EQ(EffectiveEquipmentImpairment(0, 10, 10, 2), 95 * 10 / 15.0);
  EXPECT_DOUBLE_EQ(EffectiveEquipmentImpairment(5, 10, 0, 2), 5);
}

// Cole and Rosenbluth (Computer Communication Review 31(2), 2001) fitted G.107's delay impairment
// with its default echo: Id = 0.024 d + 0.11 (d - 177.3) for d over 177.3 ms. The knee is rounder
// than their two lines, and beyond 300 ms they leave the curve.
TEST(EModelTest, DelayIsThatOfThePublishedFit) {
  const double none = DelayImpairment(Transmission{});
  for (double d = 0; d <= 300; d += 10) {
    const double fit = 0.024 * d + (d > 177.3 ? 0.11 * (d - 177.3) : 0);
    EXPECT_NEAR(DelayImpairment(WithDelay(d)) - none, fit, 1.0) << d;
  }
}

// §7.4, Idd: no impairment of pure delay up to 100 ms; the formula's own value at 200 ms (X =
// 1): 25 (2^(1/6) - 3 (1 + 3^-6)^(1/6) + 2).
TEST(EModelTest, PureDelayBeginsAt100Ms) {
  const double none = DelayImpairment(Transmission{});
  Transmission connection;
  connection.ta_ms = 100;
  EXPECT_DOUBLE_EQ(DelayImpairment(connection), none);
  connection.ta_ms = 200;
  EXPECT_NEAR(DelayImpairment(connection) - none, 3.0444, 0.0001);
}

// Echo alone, at 65 dB and at 40 dB: a worse echo costs more, and both more with delay.
TEST(EModelTest, EchoGrowsWithDelayAndLoudness) {
  double before = 0;
  for (const double telr : {65.0, 50.0, 40.0}) {
    Transmission connection = WithDelay(100);
    connection.telr = telr;
    const double impairment = DelayImpairment(connection);
    EXPECT_GT(impairment, before);
    before = impairment;
  }
}

// The advantage factor is added (§7.1).
TEST(EModelTest, AdvantageIsAdded) {
  Transmission connection;
  connection.advantage = 10;
  EXPECT_NEAR(Rating(connection) - Rating(Transmission{}), 10, 1e-9);
}

TEST(EModelTest, OnlyPublishedCodecsAreJudged) {
  EXPECT_EQ(ImpairmentOf(Codec::kPcmu)->bpl, 25.1);
  EXPECT_EQ(ImpairmentOf(Codec::kPcma)->ie, 0);
  EXPECT_EQ(ImpairmentOf(Codec::kG729)->ie, 11);
  EXPECT_EQ(ImpairmentOf(Codec::kG722)->bpl, std::nullopt);
  EXPECT_EQ(ImpairmentOf(Codec::kOpus), std::nullopt);
  EXPECT_EQ(ImpairmentOf(Codec::kUnknown), std::nullopt);
}

}  // namespace
}  // namespace core::rtp
