// Goal: RTCP ends on each leg (rule 25): reports describe what was received on that leg, a sender's
// own reports go on with our counts, and where it sends none we do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "core/rtp/rtcp_session.h"
#include "tests/core/rtp/rtcp_leg.h"
#include "tests/support/allocations.h"

namespace core::rtp {
namespace {

// RFC 3550 §6.2: the first report after half the least interval, then about one each five seconds,
// each over e - 3/2.
TEST(RtcpSessionTest, ReportsOfItsOwnAccord) {
  Leg leg;
  leg.RunFor(60s);
  ASSERT_FALSE(leg.reports.empty());
  EXPECT_GE(leg.reports.front().first - kStart, 1s);
  EXPECT_LE(leg.reports.front().first - kStart, 3100ms);
  EXPECT_GE(leg.reports.size(), 10u);
  EXPECT_LE(leg.reports.size(), 25u);
}

// Rule 25: no SR came for five seconds, so we make it, for the SSRC and with the counts of what we
// sent ourselves. Before that nothing is reported in its name, as who sends has no RR (RFC 3550
// §6.4): what we receive is told as by the second participant that we are.
TEST(RtcpSessionTest, MakesTheReportsOfASilentSender) {
  Leg leg;
  leg.RunFor(30s);
  for (const auto& [at, said] : leg.reports) {
    if (at - kStart < RtcpSession::kSenderSilence) {
      EXPECT_EQ(said.receiver_report, kOwn);
      EXPECT_EQ(said.blocks.size(), 1u);
      EXPECT_EQ(said.names, std::set<uint32_t>{kOwn});
      continue;
    }
    EXPECT_EQ(said.names, std::set<uint32_t>{kSent});
    ASSERT_TRUE(said.sender_report.has_value());
    const auto packets = static_cast<uint32_t>((at - kStart) / 20ms) + 1;
    EXPECT_EQ(said.sender_report->ssrc, kSent);
    EXPECT_EQ(said.sender_report->packets, packets);
    EXPECT_EQ(said.sender_report->octets, packets * 160);  // §6.4.1: payload alone.
    EXPECT_EQ(said.sender_report->rtp_timestamp, (packets - 1) * 160);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at - kStart).count();
    EXPECT_EQ(said.sender_report->ntp.seconds,
              static_cast<uint32_t>(NtpTime::kUnixEpoch + 1'700'000'000 + seconds));
  }
}

// §6.4.1: the RTP timestamp is that of the NTP time, also between two packets and in an event,
// whose packets repeat the timestamp of its beginning.
TEST(RtcpSessionTest, TheTimestampRunsOnThroughAnEvent) {
  Leg leg;
  leg.RunFor(6s);
  const uint32_t last = (leg.number - 1u) * 160;
  for (int i = 0; i < 50; ++i) {
    TestPacket event({.payload_type = 101, .timestamp = last + 160, .ssrc = kSent}, 4);
    leg.session.OnSent(event.view(), leg.now + i * 20ms, PayloadKind::kEvent);
  }
  leg.now += 1s;
  const Said said =
      leg.Heard(leg.session.Report(leg.reception(), leg.now, leg.wall(), &leg.random, leg.out));
  ASSERT_TRUE(said.sender_report.has_value());
  EXPECT_EQ(said.sender_report->rtp_timestamp, last + 160 + 8000);
  EXPECT_EQ(said.sender_report->packets, 350u);
}

// Reports describe the stream of this leg's peer, and carry a CNAME of our own (RFC 7022).
TEST(RtcpSessionTest, DescribesWhatThePeerSends) {
  Leg leg;
  leg.RunFor(20s);
  const Said& said = leg.reports.back().second;
  ASSERT_EQ(said.blocks.size(), 1u);
  EXPECT_EQ(said.blocks[0].ssrc, kReceived);
  EXPECT_EQ(said.blocks[0].cumulative_lost, 0);
  EXPECT_EQ(said.blocks[0].last_sr, 0u);  // None came.
  ASSERT_EQ(said.metrics.size(), 1u);
  EXPECT_EQ(said.metrics[0].ssrc, kReceived);
  EXPECT_EQ(said.metrics[0].mos_lq, 44);
  EXPECT_EQ(said.cname, leg.session.cname());
  EXPECT_EQ(said.cname.size(), 16u);
}

TEST(RtcpSessionTest, CnamesAreDrawn) {
  Random random(1);
  std::set<std::string> cnames;
  for (int i = 0; i < 100; ++i) {
    cnames.insert(std::string(RtcpSession({}, kStart, &random).cname()));
  }
  EXPECT_EQ(cnames.size(), 100u);
}

// §6.5.1: one name in all sessions with a peer.
TEST(RtcpSessionTest, ACnameMayBeAnothersToo) {
  Random random(1);
  const RtcpSession voice({}, kStart, &random);
  const RtcpSession video({.cname = voice.cname()}, kStart, &random);
  EXPECT_EQ(voice.cname(), video.cname());
}

// §6.4: who sends nothing reports as a receiver, under its own SSRC; who hears nothing reports on
// nobody.
TEST(RtcpSessionTest, AListenerSendsReceiverReports) {
  Leg leg;
  leg.sends = false;
  leg.RunFor(10s);
  EXPECT_EQ(leg.reports.back().second.receiver_report, kOwn);
  EXPECT_EQ(leg.reports.back().second.blocks.size(), 1u);

  Leg quiet;
  quiet.sends = quiet.receives = false;
  quiet.RunFor(10s);
  EXPECT_EQ(quiet.reports.back().second.receiver_report, kOwn);
  EXPECT_TRUE(quiet.reports.back().second.blocks.empty());
  EXPECT_TRUE(quiet.reports.back().second.metrics.empty());
}

// A sender on hold is none after two intervals (§6.3.1).
TEST(RtcpSessionTest, AHeldSenderStopsSendingSenderReports) {
  Leg leg;
  leg.RunFor(20s);
  leg.sends = false;
  leg.RunFor(30s);
  EXPECT_FALSE(leg.reports.back().second.sender_report.has_value());
  EXPECT_EQ(leg.reports.back().second.receiver_report, kSent);
}

// Rule 25: a sender's SR goes on at once, with its timestamps and our counts; and then we make none
// until it is silent for five seconds.
TEST(RtcpSessionTest, ForwardsASendersReportWithOurCounts) {
  Leg leg;
  leg.RunFor(20s);
  const SenderReport theirs = {.ssrc = kSent,
                               .ntp = {1234, 5678},
                               .rtp_timestamp = 999,
                               .packets = 70'000,
                               .octets = 80'000};
  const size_t size = leg.session.Forward(theirs, leg.reception(), leg.now, &leg.random, leg.out);
  ASSERT_GT(size, 0u);
  const Said said = leg.Heard(size);
  EXPECT_EQ(said.sender_report->ntp, theirs.ntp);
  EXPECT_EQ(said.sender_report->rtp_timestamp, 999u);
  EXPECT_EQ(said.sender_report->packets, 1000u);
  EXPECT_EQ(said.sender_report->octets, 160'000u);
  EXPECT_EQ(said.blocks.size(), 1u);
  EXPECT_EQ(said.cname, leg.session.cname());  // Not theirs.

  const Instant forwarded = leg.now;
  leg.reports.clear();
  leg.RunFor(30s);
  ASSERT_FALSE(leg.reports.empty());
  for (const auto& [at, report] : leg.reports) {
    const bool is_ours = at - forwarded >= RtcpSession::kSenderSilence;
    EXPECT_EQ(report.sender_report.has_value(), is_ours);
    EXPECT_EQ(report.names, std::set<uint32_t>{is_ours ? kSent : kOwn});  // §6.4.
  }
}

// Who sends a stream of its own is the sender: its first report is an SR already (§6.4).
TEST(RtcpSessionTest, AllReportsOfOurOwnStreamAreSenderReports) {
  Leg leg(true);
  leg.sent_ssrc = kOwn;
  leg.RunFor(20s);
  ASSERT_LT(leg.reports.front().first - kStart, RtcpSession::kSenderSilence);
  for (const auto& [at, said] : leg.reports) {
    ASSERT_TRUE(said.sender_report.has_value());
    EXPECT_EQ(said.sender_report->ssrc, kOwn);
    EXPECT_NE(said.sender_report->ntp, NtpTime{});
  }
}

// What is not of our stream, or comes in a flood, is not sent on.
TEST(RtcpSessionTest, ForwardsOnlyItsOwnStreamAndNoFlood) {
  Leg leg;
  EXPECT_EQ(leg.session.Forward({.ssrc = kSent}, leg.reception(), leg.now, &leg.random, leg.out),
            0u);  // Nothing was sent yet.
  leg.RunFor(1s);
  EXPECT_EQ(leg.session.Forward({.ssrc = 5}, leg.reception(), leg.now, &leg.random, leg.out), 0u);
  int forwarded = 0;
  for (int i = 0; i < 1000; ++i) {  // A thousand within a second.
    const Instant at = leg.now + i * 1ms;
    forwarded +=
        leg.session.Forward({.ssrc = kSent}, leg.reception(), at, &leg.random, leg.out) > 0 ? 1 : 0;
  }
  EXPECT_EQ(forwarded, 2);
}

// What a receiver asks for is the owner's to pass on where it is about what that receiver gets.
TEST(RtcpSessionTest, FeedbackOnWhatWeSendIsTold) {
  Leg leg;
  const auto hear = [&](const std::vector<Feedback>& feedback) {
    RtcpWriter writer(leg.out);
    EXPECT_TRUE(writer.PutReceiverReport(kReceived, {}));
    for (const Feedback& each : feedback) EXPECT_TRUE(writer.PutFeedback(each));
    RtcpSession::Incoming incoming;
    EXPECT_EQ(leg.session.OnPacket(writer.written(), leg.now, &incoming), RtcpError::kOk);
    return incoming;
  };
  const Feedback loss = {
      .kind = Feedback::Kind::kPictureLoss, .sender_ssrc = kReceived, .media_ssrc = kSent};
  EXPECT_EQ(hear({loss}).feedback_ended, 1u);  // Nothing was sent yet.
  leg.RunFor(1s);
  Feedback foreign = loss;
  foreign.media_ssrc = 5;
  const RtcpSession::Incoming incoming = hear({loss, foreign, loss, loss, loss, loss});
  EXPECT_EQ(incoming.feedback.size(), RtcpSession::kFeedbackMax);
  EXPECT_EQ(incoming.feedback_ended, 2u);

  // A FIR may name several senders (RFC 5104 §4.3.1.1): what is said of ours goes on.
  Feedback fir = {.kind = Feedback::Kind::kFullIntraRequest, .sender_ssrc = kReceived};
  Feedback others = fir;
  for (const FirEntry& entry : {FirEntry{5, 1}, FirEntry{kSent, 2}, FirEntry{6, 3}}) {
    ASSERT_TRUE(fir.fir.PushBack(entry));
    if (entry.ssrc == kSent) continue;
    ASSERT_TRUE(others.fir.PushBack(entry));
  }
  const RtcpSession::Incoming asked = hear({others, fir});
  EXPECT_EQ(asked.feedback_ended, 1u);
  ASSERT_EQ(asked.feedback.size(), 1u);
  ASSERT_EQ(asked.feedback[0].fir.size(), 1u);
  EXPECT_EQ(asked.feedback[0].fir[0], (FirEntry{kSent, 2}));
}

// On the other leg it stands behind a report without blocks, and who asks is whom that leg knows.
TEST(RtcpSessionTest, FeedbackGoesOnInItsOwnName) {
  Feedback nack = {.kind = Feedback::Kind::kNack, .sender_ssrc = 1, .media_ssrc = kReceived};
  while (!nack.missing.full()) ASSERT_TRUE(nack.missing.PushBack({7, 0x8001}));
  Feedback fir = {.kind = Feedback::Kind::kFullIntraRequest, .sender_ssrc = 1};
  while (!fir.fir.full()) ASSERT_TRUE(fir.fir.PushBack({kReceived, 9}));
  std::vector<Feedback> all(RtcpSession::kFeedbackMax, fir);
  all.back() = nack;
  for (const bool sends : {true, false}) {
    Leg leg;
    leg.sends = sends;
    leg.RunFor(1s);
    uint8_t bytes[RtcpSession::kFeedbackCompoundMax];
    const RtcpSession::Passed passed = leg.session.PassFeedback(all, leg.now, kWall, bytes);
    const size_t size = passed.bytes;
    ASSERT_GT(size, 0u);
    EXPECT_EQ(passed.requests, RtcpSession::kFeedbackMax);
    const Said said = Listen({bytes, size});
    const uint32_t name = sends ? kSent : kOwn;
    EXPECT_EQ(sends ? said.sender_report.value().ssrc : said.receiver_report.value(), name);
    EXPECT_TRUE(said.blocks.empty());
    EXPECT_EQ(said.cname, leg.session.cname());
    RtcpCompound compound;
    ASSERT_EQ(compound.Index({bytes, size}), RtcpError::kOk);
    ASSERT_EQ(compound.size(), 2 + RtcpSession::kFeedbackMax);
    Feedback feedback;
    ASSERT_EQ(ParseFeedback(*(compound.end() - 2), &feedback), RtcpError::kOk);
    EXPECT_EQ(feedback.sender_ssrc, name);
    EXPECT_EQ(feedback.fir.size(), Feedback::kFirEntriesMax);
    EXPECT_EQ(feedback.fir[0], (FirEntry{kReceived, 9}));
    ASSERT_EQ(ParseFeedback(*(compound.end() - 1), &feedback), RtcpError::kOk);
    EXPECT_EQ(feedback.sender_ssrc, name);
    EXPECT_EQ(feedback.media_ssrc, kReceived);
    EXPECT_EQ(feedback.missing.size(), Feedback::kMissingMax);
    EXPECT_EQ(leg.session.PassFeedback(all, leg.now + 1s, kWall, {bytes, 100}).bytes, 0u);
  }
}

// RFC 3550 §6.4: whose SSRC sends reports by SR, here too. The time in it is the sender's own, so
// that its streams stay together: none before it said one, then what it said last, carried on.
TEST(RtcpSessionTest, WhoSendsAsksBehindASenderReport) {
  const Feedback loss = {.kind = Feedback::Kind::kPictureLoss, .media_ssrc = kReceived};
  Leg leg;
  const auto ask = [&]() -> Said {
    uint8_t bytes[RtcpSession::kFeedbackCompoundMax];
    const auto passed = leg.session.PassFeedback({&loss, 1}, leg.now, leg.wall(), bytes);
    EXPECT_EQ(passed.requests, 1u);
    return Listen({bytes, passed.bytes});
  };
  leg.RunFor(1s);
  SenderReport report = ask().sender_report.value();
  EXPECT_EQ(report.ssrc, kSent);
  EXPECT_EQ(report.ntp, NtpTime{});
  EXPECT_EQ(report.rtp_timestamp, 8000u);
  EXPECT_EQ(report.packets, 50u);
  EXPECT_EQ(report.octets, 50 * 160u);

  const SenderReport theirs = {.ssrc = kSent, .ntp = {1234, 0xc0000000}, .rtp_timestamp = 5};
  ASSERT_GT(leg.session.Forward(theirs, leg.reception(), leg.now, &leg.random, leg.out), 0u);
  const Instant forwarded = leg.now;
  leg.RunFor(500ms);
  report = ask().sender_report.value();
  EXPECT_EQ(report.ntp, (NtpTime{1235, 0x40000000}));
  EXPECT_EQ(report.rtp_timestamp, 5 + 4000u);
  EXPECT_EQ(report.packets, 75u);

  // These are not among the reports that can be answered for: that one still is.
  for (int i = 0; i < 10; ++i) {
    leg.now += 200ms;
    (void)ask();
  }
  const ReportBlock block = {.ssrc = kSent,
                             .last_sr = theirs.ntp.middle(),
                             .delay_since_last_sr = ToShortNtp(leg.now - forwarded - 80ms)};
  leg.Hear(nullptr, std::span(&block, 1));
  ASSERT_TRUE(leg.session.round_trip().has_value());
  EXPECT_NEAR(static_cast<double>(leg.session.round_trip()->count()), 80e6, 1e5);

  leg.RunFor(5s);  // The sender says no more: then the time is ours.
  EXPECT_EQ(ask().sender_report.value().ntp, NtpTime::From(leg.wall()));
  leg.sends = false;
  leg.RunFor(11s);
  const Said silent = ask();
  EXPECT_FALSE(silent.sender_report.has_value());
  EXPECT_EQ(silent.receiver_report, kSent);
}

// Who floods us with requests asks the sender for no more than one picture in 200 ms, and for what
// is missing once in 10 ms.
TEST(RtcpSessionTest, FeedbackIsBounded) {
  Leg leg;
  leg.RunFor(1s);
  std::vector<Feedback> all;
  for (const auto kind :
       {Feedback::Kind::kPictureLoss, Feedback::Kind::kFullIntraRequest, Feedback::Kind::kNack}) {
    all.push_back({.kind = kind, .sender_ssrc = 1, .media_ssrc = kReceived});
  }
  ASSERT_TRUE(all[1].fir.PushBack({kReceived, 1}));
  ASSERT_TRUE(all.back().missing.PushBack({7, 0}));
  size_t compounds = 0;
  size_t requests = 0;
  uint8_t bytes[RtcpSession::kFeedbackCompoundMax];
  for (int i = 0; i < 10'000; ++i) {
    const auto passed = leg.session.PassFeedback(all, leg.now + i * 100us, kWall, bytes);
    compounds += passed.bytes > 0 ? 1 : 0;
    requests += passed.requests;
  }
  EXPECT_EQ(compounds, 100u);
  EXPECT_EQ(requests, 110u);  // In five of them, PLI and FIR.
}

// A new picture is not asked for again soon, so the request for it may not fall to a NACK of just
// before.
TEST(RtcpSessionTest, ANackHoldsNoPictureUp) {
  Leg leg;
  leg.RunFor(1s);
  Feedback nack = {.kind = Feedback::Kind::kNack, .sender_ssrc = 1, .media_ssrc = kReceived};
  ASSERT_TRUE(nack.missing.PushBack({7, 0}));
  const Feedback loss = {.kind = Feedback::Kind::kPictureLoss, .media_ssrc = kReceived};
  uint8_t bytes[RtcpSession::kFeedbackCompoundMax];
  const auto pass = [&](const Feedback& feedback, Duration later) {
    return leg.session.PassFeedback({&feedback, 1}, leg.now + later, kWall, bytes).requests;
  };
  EXPECT_EQ(pass(nack, 0ms), 1u);
  EXPECT_EQ(pass(loss, 3ms), 1u);
  EXPECT_EQ(pass(nack, 9ms), 0u);
  EXPECT_EQ(pass(nack, 10ms), 1u);
  EXPECT_EQ(pass(loss, 202ms), 0u);
  EXPECT_EQ(pass(loss, 203ms), 1u);
}

// A request that cannot be read costs the reports beside it nothing.
TEST(RtcpSessionTest, BrokenFeedbackEndsAlone) {
  Leg leg;
  leg.RunFor(1s);
  const uint8_t bytes[] = {0x80, 201, 0, 1, 0, 0, 0, 9,               // An empty RR,
                           0x81, 205, 0, 2, 0, 0, 0, 9, 0, 0, 0, 5};  // a NACK of nothing.
  RtcpSession::Incoming incoming;
  EXPECT_EQ(leg.session.OnPacket(bytes, leg.now, &incoming), RtcpError::kOk);
  EXPECT_TRUE(incoming.feedback.empty());
  EXPECT_EQ(incoming.feedback_ended, 1u);
}

// Of a stream that is no voice there are no VoIP metrics (RFC 3611 §4.7).
TEST(RtcpSessionTest, OnlyVoiceHasMetrics) {
  Leg leg;
  leg.RunFor(1s);
  RtcpSession::Reception reception = leg.reception();
  reception.is_voice = false;
  const size_t size = leg.session.Report(reception, leg.now, kWall, &leg.random, leg.out);
  const Said said = leg.Heard(size);
  EXPECT_EQ(said.blocks.size(), 1u);
  EXPECT_TRUE(said.metrics.empty());
}

// A buffer that is too small is an answer, too.
TEST(RtcpSessionTest, AShortBufferSendsNothing) {
  Leg leg;
  leg.RunFor(6s);
  std::array<uint8_t, 100> out{};
  EXPECT_EQ(leg.session.Report(leg.reception(), leg.now, leg.wall(), &leg.random, out), 0u);
  EXPECT_GT(leg.session.due(), leg.now);
}

// §6.4.1: the round trip is from our own send time of the SR that the peer names.
TEST(RtcpSessionTest, MeasuresTheRoundTripFromItsOwnSendTime) {
  Leg leg;
  leg.RunFor(10s);
  EXPECT_EQ(leg.session.round_trip(), std::nullopt);
  // A forwarded SR whose clock is decades off.
  ASSERT_GT(leg.session.Forward({.ssrc = kSent, .ntp = {0x12345678, 0x9abcdef0}}, leg.reception(),
                                leg.now, &leg.random, leg.out),
            0u);
  ReportBlock block = {.ssrc = kSent,
                       .fraction_lost = 3,
                       .last_sr = 0x56789abc,
                       .delay_since_last_sr = ToShortNtp(1s)};
  leg.now += 1080ms;
  leg.Hear(nullptr, std::span(&block, 1));
  EXPECT_EQ(leg.session.round_trip(), 80ms);
  EXPECT_EQ(leg.session.peer_report(), block);

  // A peer that names a report we never sent, or claims to have held it too long, changes nothing.
  block.last_sr = 0x11111111;
  leg.Hear(nullptr, std::span(&block, 1));
  block.last_sr = 0x56789abc;
  block.delay_since_last_sr = ToShortNtp(2s);
  leg.Hear(nullptr, std::span(&block, 1));
  EXPECT_EQ(leg.session.round_trip(), 80ms);

  // Nor does what it says of another stream.
  block.ssrc = 77;
  block.fraction_lost = 200;
  leg.Hear(nullptr, std::span(&block, 1));
  EXPECT_EQ(leg.session.peer_report()->fraction_lost, 3);
}

// The last four SRs can be answered for, of those that we made and those that we sent on.
TEST(RtcpSessionTest, RemembersItsLastReports) {
  Leg leg;
  leg.RunFor(1s);
  for (uint32_t i = 1; i <= 5; ++i) {
    ASSERT_GT(leg.session.Forward({.ssrc = kSent, .ntp = {i, 0}}, leg.reception(), leg.now,
                                  &leg.random, leg.out),
              0u);
    leg.now += 1s;
  }
  ReportBlock block = {.ssrc = kSent, .last_sr = 1 << 16};
  leg.Hear(nullptr, std::span(&block, 1));
  EXPECT_EQ(leg.session.round_trip(), std::nullopt);  // The first of five is forgotten.
  block.last_sr = 2 << 16;
  leg.Hear(nullptr, std::span(&block, 1));
  EXPECT_EQ(leg.session.round_trip(), 4s);
}

// LSR and DLSR let the peer measure, too.
TEST(RtcpSessionTest, AnswersThePeersReports) {
  Leg leg;
  leg.RunFor(1s);
  const SenderReport theirs = {.ssrc = kReceived, .ntp = {0xabcd1234, 0x56780000}};
  const RtcpSession::Incoming incoming = leg.Hear(&theirs, {});
  EXPECT_EQ(incoming.sender_report, theirs);  // For the other leg's Forward().
  leg.now += 250ms;
  const Said said =
      leg.Heard(leg.session.Report(leg.reception(), leg.now, leg.wall(), &leg.random, leg.out));
  ASSERT_EQ(said.blocks.size(), 1u);
  EXPECT_EQ(said.blocks[0].last_sr, 0x12345678u);
  EXPECT_EQ(said.blocks[0].delay_since_last_sr, ToShortNtp(250ms));

  // An SR of another source is not the one that the block is about.
  const SenderReport others = {.ssrc = 3, .ntp = {1, 1}};
  leg.Hear(&others, {});
  const Said after =
      leg.Heard(leg.session.Report(leg.reception(), leg.now, leg.wall(), &leg.random, leg.out));
  EXPECT_EQ(after.blocks[0].last_sr, 0u);
}

// §6.6: the end of the call.
TEST(RtcpSessionTest, LeavesWithABye) {
  Leg leg;
  leg.RunFor(10s);
  const size_t size = leg.session.Leave(leg.reception(), leg.now, leg.wall(), leg.out);
  ASSERT_GT(size, 0u);
  EXPECT_LE(size, RtcpSession::kCompoundMax);
  const Said said = leg.Heard(size);
  EXPECT_TRUE(said.bye);
  EXPECT_TRUE(said.sender_report.has_value());

  RtcpSession::Incoming incoming;
  ASSERT_EQ(leg.session.OnPacket(std::span(leg.out).first(size), leg.now, &incoming),
            RtcpError::kOk);
  EXPECT_TRUE(incoming.bye);
}

// Who leaves is the sender (§6.6), and a sender's last report is an SR, ours or its own carried on.
TEST(RtcpSessionTest, LeavesInTheSendersName) {
  Leg leg;
  leg.RunFor(1s);
  ASSERT_GT(leg.session.Forward({.ssrc = kSent, .ntp = {1234, 0}}, leg.reception(), leg.now,
                                &leg.random, leg.out),
            0u);
  leg.now += 2s;
  const size_t size = leg.session.Leave(leg.reception(), leg.now, leg.wall(), leg.out);
  const Said said = leg.Heard(size);
  EXPECT_TRUE(said.bye);
  EXPECT_EQ(said.names, std::set<uint32_t>{kSent});
  EXPECT_EQ(said.sender_report.value().ntp, (NtpTime{1236, 0}));
}

TEST(RtcpSessionTest, CountsWhatComesAndGoes) {
  Leg leg;
  RtcpSession::Incoming incoming;
  EXPECT_NE(leg.session.OnPacket(FromHex("81CB0002"), leg.now, &incoming), RtcpError::kOk);
  EXPECT_NE(leg.session.OnPacket({}, leg.now, &incoming), RtcpError::kOk);
  // A good RR, then an SR that is shorter than its count.
  EXPECT_EQ(
      leg.session.OnPacket(FromHex("80C90001 00000001 81C80001 00000001"), leg.now, &incoming),
      RtcpError::kCount);
  EXPECT_EQ(incoming.sender_report, std::nullopt);
  leg.Hear(nullptr, {});
  EXPECT_EQ(leg.session.counts().packets_in, 4u);
  EXPECT_EQ(leg.session.counts().malformed, 3u);
  leg.RunFor(10s);
  EXPECT_EQ(leg.session.counts().packets_out, leg.reports.size());
}

// After the start of a call nothing is allocated: not by a packet, not by a report.
TEST(RtcpSessionTest, AllocatesNothing) {
  Leg leg;
  leg.RunFor(1s);
  TestPacket packet({.sequence_number = leg.number, .ssrc = kSent});
  const Bytes heard =
      FromHex("81C90007 11223344 AAAA0001 FF000005 0001ABCD 00000050 00000000 00000000");
  const size_t before = Allocations();
  for (int i = 0; i < 1000; ++i) {
    PacketView view = packet.view();
    view.set_sequence_number(leg.number++);
    leg.source.OnPacket(view, leg.now, PayloadKind::kAudio);
    leg.session.OnSent(view, leg.now, PayloadKind::kAudio);
    leg.now += 20ms;
  }
  RtcpSession::Incoming incoming;
  (void)leg.session.OnPacket(heard, leg.now, &incoming);
  (void)leg.session.Report(leg.reception(), leg.now, leg.wall(), &leg.random, leg.out);
  EXPECT_EQ(Allocations(), before);
  EXPECT_TRUE(leg.session.peer_report().has_value());
}

// A sender's report crosses with the same offsets as its packets.
TEST(RtcpSessionTest, TranslatesAReportLikeItsPackets) {
  const HeaderRewrite rewrite = {.ssrc = 9, .timestamp_offset = 0xfffffff0, .replace_ssrc = true};
  const SenderReport report = Translate(rewrite, {.ssrc = 1, .ntp = {3, 4}, .rtp_timestamp = 32});
  EXPECT_EQ(report.ssrc, 9u);
  EXPECT_EQ(report.rtp_timestamp, 16u);
  EXPECT_EQ(report.ntp, (NtpTime{3, 4}));
  EXPECT_EQ(Translate(HeaderRewrite{}, {.ssrc = 1}).ssrc, 1u);
}

}  // namespace
}  // namespace core::rtp
