// Goal: NTP's clock and its short form (RFC 3550 §4, §6.4.1), a round trip that believes nothing
// absurd, and the spacing of reports (§6.2, §6.3.1).

#include "core/rtp/ntp_time.h"

#include <gtest/gtest.h>

#include "core/rtp/rtcp_interval.h"

namespace core::rtp {
namespace {

using namespace std::chrono_literals;

TEST(NtpTimeTest, CountsFrom1900) {
  EXPECT_EQ(NtpTime::From({.unix_us = 0}), (NtpTime{2'208'988'800u, 0}));
  EXPECT_EQ(NtpTime::From({.unix_us = 1'500'000}), (NtpTime{2'208'988'801u, 0x80000000}));
  EXPECT_EQ(NtpTime::From({.unix_us = 250'000}).fraction, 0x40000000u);
  EXPECT_EQ(NtpTime::From({.unix_us = 999'999}).fraction, 4'294'963'001u);  // 2^32 * 0.999999
  // RFC 3550 §4: the seconds wrap in 2036, on 7 February at 06:28:16.
  EXPECT_EQ(NtpTime::From({.unix_us = 2'085'978'496'000'000}), (NtpTime{0, 0}));
}

TEST(NtpTimeTest, GoesOnPastItsSeconds) {
  EXPECT_EQ((NtpTime{7, 0x40000000}) + 250ms, (NtpTime{7, 0x80000000}));
  EXPECT_EQ((NtpTime{7, 0xc0000000}) + 1500ms, (NtpTime{9, 0x40000000}));
  EXPECT_EQ((NtpTime{0xffffffff, 0x80000000}) + 500ms, (NtpTime{0, 0}));  // §4: in 2036.
  EXPECT_EQ((NtpTime{1, 2}) + 0ms, (NtpTime{1, 2}));
}

// Figure 2 of RFC 3550 §6.4.1: an SR of 10 Nov 1995 11:33:25.125 UTC, answered at 11:33:36.5 by a
// receiver that had held it for 5.25 s: a round trip of 6.125 s.
TEST(NtpTimeTest, TheRoundTripIsThatOfTheFigure) {
  const NtpTime sent = {0xb44db705, 0x20000000};
  EXPECT_EQ(sent.middle(), 0xb7052000u);
  EXPECT_EQ(ToShortNtp(5250ms), 0x00054000u);
  EXPECT_EQ(FromShortNtp(0x00054000), 5250ms);
  const Instant at = Instant{} + 1h;
  EXPECT_EQ(RoundTrip(at, at + 11'375ms, 0x00054000), 6125ms);
}

TEST(NtpTimeTest, AnAbsurdRoundTripIsUnknown) {
  const Instant at = Instant{} + 1h;
  EXPECT_EQ(RoundTrip(at, at + 100ms, ToShortNtp(101ms)), std::nullopt);  // Held longer than gone.
  EXPECT_EQ(RoundTrip(at, at + 100ms, 0xffffffff), std::nullopt);
  EXPECT_EQ(RoundTrip(at, at + kRoundTripMax + 1ms, 0), std::nullopt);
  EXPECT_EQ(RoundTrip(at, at + 100ms, ToShortNtp(100ms)),
            FromShortNtp(0) + 100ms - FromShortNtp(ToShortNtp(100ms)));
}

TEST(NtpTimeTest, ShortDelaysSaturate) {
  EXPECT_EQ(ToShortNtp(-1s), 0u);
  EXPECT_EQ(ToShortNtp(24h), 0xffff0000u);
  EXPECT_EQ(ToShortNtp(1s), 0x10000u);
}

// §6.3.1: evenly in [0.5, 1.5) of the interval, over e - 3/2. Five seconds is the least, and half
// of it before the first report.
TEST(RtcpIntervalTest, IsSpreadAroundItsMinimum) {
  Random random(1);
  for (const bool initial : {false, true}) {
    const Duration interval = initial ? 2500ms : 5s;
    Duration least = 1h;
    Duration most = 0s;
    Duration sum = 0s;
    for (int i = 0; i < 20'000; ++i) {
      const Duration drawn = RtcpInterval(
          {.octets_per_second = 1000, .average_octets = 160, .initial = initial}, &random);
      least = std::min(least, drawn);
      most = std::max(most, drawn);
      sum += drawn;
    }
    const auto over = [](Duration whole) { return whole * 100'000 / 121'828; };
    EXPECT_GE(least, over(interval / 2));
    EXPECT_LT(most, over(interval * 3 / 2));
    EXPECT_LT(least, over(interval / 2) + 20ms);
    EXPECT_GT(most, over(interval * 3 / 2) - 20ms);
    EXPECT_NEAR(static_cast<double>((sum / 20'000).count()),
                static_cast<double>(over(interval).count()), 20e6);
  }
}

// §6.2: where the bandwidth is small, two members share it; but nobody falls silent.
TEST(RtcpIntervalTest, KeepsToItsBandwidth) {
  Random random(1);
  const RtcpShare share = {.octets_per_second = 20, .average_octets = 200};  // 2 * 200 / 20 = 20 s.
  for (int i = 0; i < 1000; ++i) {
    EXPECT_GE(RtcpInterval(share, &random), 10s * 100'000 / 121'828);
    EXPECT_LT(RtcpInterval({.octets_per_second = 0, .average_octets = 1500}, &random), 75s);
  }
}

}  // namespace
}  // namespace core::rtp
