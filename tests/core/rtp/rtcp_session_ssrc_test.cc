// Goal: what RTCP tells of the stream that a leg is sent stays true where packets of several SSRCs
// go there (RFC 3550 §6.4.1): each has its counts, and one of them is the stream's.

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "core/rtp/rtcp_session.h"
#include "tests/core/rtp/rtcp_leg.h"

namespace core::rtp {
namespace {

// Digits under an SSRC of their own, or a second sender that is not taken for the stream's: the
// stream's reports are as if there were none.
TEST(RtcpSessionSsrcTest, WhatGoesBesideTheStreamChangesNothingOfIt) {
  Leg leg;
  for (uint32_t i = 0; i < 300; ++i) {
    leg.RunFor(100ms);
    TestPacket digit({.ssrc = 0x5555}, 4);
    leg.session.OnSentBeside(digit.view(), PayloadKind::kEvent);
    TestPacket voice({.ssrc = 0x6666});
    leg.session.OnSentBeside(voice.view(), PayloadKind::kAudio);
  }
  EXPECT_EQ(leg.session.sent_ssrc(), kSent);
  const SenderReport& last = leg.reports.back().second.sender_report.value();
  const auto packets = static_cast<uint32_t>((leg.reports.back().first - kStart) / 20ms) + 1;
  EXPECT_EQ(last.ssrc, kSent);
  EXPECT_EQ(last.packets, packets);
  EXPECT_EQ(last.octets, packets * 160);
}

// §6.4.1: counts are those of an SSRC since it began; who comes back did not begin again, and what
// it sent before it was taken for the stream's is in them.
TEST(RtcpSessionSsrcTest, WhoComesBackHasItsCounts) {
  Leg leg;
  leg.RunFor(1s);
  leg.sent_ssrc = 0x6666;
  TestPacket first({.ssrc = leg.sent_ssrc});
  leg.session.OnSentBeside(first.view(), PayloadKind::kAudio);
  leg.RunFor(2s);
  EXPECT_EQ(leg.session.sent_packets(), 101u);
  TestPacket between({.ssrc = kSent});
  leg.session.OnSentBeside(between.view(), PayloadKind::kAudio);
  TestPacket digit({.ssrc = 0x5555}, 4);
  leg.session.OnSentBeside(digit.view(), PayloadKind::kEvent);
  leg.sent_ssrc = kSent;
  leg.RunFor(8s);
  EXPECT_EQ(leg.session.sent_packets(), 50u + 1 + 400);
  const size_t size =
      leg.session.Report(leg.reception(), leg.now, leg.wall(), &leg.random, leg.out);
  const Said said = leg.Heard(size);
  EXPECT_EQ(said.sender_report->packets, 451u);
  EXPECT_EQ(said.sender_report->octets, 451u * 160);
  leg.sent_ssrc = 0x7777;  // Of a third one only the last before it is known.
  leg.RunFor(1s);
  leg.sent_ssrc = 0x6666;
  leg.RunFor(1s);
  EXPECT_EQ(leg.session.sent_packets(), 50u);
}

// One limit for all SSRCs that take turns.
TEST(RtcpSessionSsrcTest, ForwardsNoFloodOfSeveralSsrcs) {
  Leg leg;
  int forwarded = 0;
  for (int i = 0; i < 100; ++i) {  // 2 s.
    leg.sent_ssrc = kSent + static_cast<uint32_t>(i % 2);
    leg.RunFor(20ms);
    const size_t size = leg.session.Forward({.ssrc = leg.sent_ssrc}, leg.reception(), leg.now,
                                            &leg.random, leg.out);
    forwarded += size > 0 ? 1 : 0;
  }
  EXPECT_EQ(forwarded, 4);
}

// Digits that have their own SSRC have reports of their own: they hide not the voice's, in one
// compound or in two.
TEST(RtcpSessionSsrcTest, TheVoicesReportIsNotHiddenByItsDigits) {
  Leg leg;
  leg.RunFor(1s);
  const SenderReport voices = {.ssrc = kReceived, .ntp = {0xabcd1234, 0x56780000}};
  const SenderReport digits = {.ssrc = 0x5555, .ntp = {0xabcd1234, 0x99990000}};
  for (const auto& order : {std::vector{voices, digits}, std::vector{digits, voices}}) {
    std::array<uint8_t, 1024> bytes{};
    RtcpWriter writer(bytes);
    for (const SenderReport& report : order) ASSERT_TRUE(writer.PutSenderReport(report, {}));
    RtcpSession::Incoming incoming;
    ASSERT_EQ(leg.session.OnPacket(writer.written(), leg.now, &incoming, &leg.source),
              RtcpError::kOk);
    EXPECT_EQ(incoming.sender_report, voices);
  }
  std::array<uint8_t, 1024> bytes{};
  RtcpWriter writer(bytes);
  ASSERT_TRUE(writer.PutSenderReport(digits, {}));
  RtcpSession::Incoming incoming;
  ASSERT_EQ(leg.session.OnPacket(writer.written(), leg.now, &incoming, &leg.source),
            RtcpError::kOk);
  leg.now += 250ms;
  const Said said =
      leg.Heard(leg.session.Report(leg.reception(), leg.now, leg.wall(), &leg.random, leg.out));
  EXPECT_EQ(said.blocks[0].last_sr, 0x12345678u);
  EXPECT_EQ(said.blocks[0].delay_since_last_sr, ToShortNtp(250ms));
}

// A transfer on the other leg: another SSRC, whose counts begin anew and whose reports are its own.
TEST(RtcpSessionSsrcTest, ANewSentSsrcBeginsAnew) {
  Leg leg;
  leg.RunFor(10s);
  ReportBlock block = {.ssrc = kSent};
  leg.Hear(nullptr, std::span(&block, 1));
  leg.sent_ssrc = 0xdddd0004;
  leg.RunFor(1s);
  EXPECT_EQ(leg.session.sent_packets(), 50u);
  EXPECT_EQ(leg.session.peer_report(), std::nullopt);
  // What was reported of the old one does not answer for the new one.
  block = {.ssrc = 0xdddd0004, .last_sr = leg.reports.back().second.sender_report->ntp.middle()};
  leg.Hear(nullptr, std::span(&block, 1));
  EXPECT_EQ(leg.session.round_trip(), std::nullopt);
  leg.RunFor(15s);
  EXPECT_EQ(leg.reports.back().second.sender_report->ssrc, 0xdddd0004u);
}

}  // namespace
}  // namespace core::rtp
