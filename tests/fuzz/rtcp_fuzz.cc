// Whatever RTCP is read, written again reads the same; and whatever comes in, a session's own
// reports are well formed and fit.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/check.h"
#include "core/rtp/rtcp_session.h"

namespace core::rtp {
namespace {

bool SameBlocks(const ReportBlocks& a, const ReportBlocks& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

/// The only packet of what was written behind an empty RR.
struct Again {
  uint8_t bytes[4096];
  RtcpWriter writer{bytes};
  RtcpCompound compound;

  Again() { CHECK(writer.PutReceiverReport(1, {})); }
  const RtcpPacket& packet() {
    CHECK(compound.Index(writer.written()) == RtcpError::kOk && compound.size() == 2);
    return compound.begin()[1];
  }
};

std::span<const ReportBlock> SpanOf(const ReportBlocks& blocks) {
  return {blocks.begin(), blocks.size()};
}

void RoundTripReports(const RtcpPacket& packet) {
  SenderReport report;
  ReportBlocks blocks;
  uint32_t ssrc = 0;
  SenderReport report_again;
  ReportBlocks blocks_again;
  uint32_t ssrc_again = 0;
  if (ParseSenderReport(packet, &report, &blocks) == RtcpError::kOk) {
    Again again;
    CHECK(again.writer.PutSenderReport(report, SpanOf(blocks)));
    CHECK(ParseSenderReport(again.packet(), &report_again, &blocks_again) == RtcpError::kOk);
    CHECK(report == report_again && SameBlocks(blocks, blocks_again));
  } else if (ParseReceiverReport(packet, &ssrc, &blocks) == RtcpError::kOk) {
    Again again;
    CHECK(again.writer.PutReceiverReport(ssrc, SpanOf(blocks)));
    CHECK(ParseReceiverReport(again.packet(), &ssrc_again, &blocks_again) == RtcpError::kOk);
    CHECK(ssrc == ssrc_again && SameBlocks(blocks, blocks_again));
  }
}

void RoundTripTexts(const RtcpPacket& packet) {
  SdesChunks chunks;
  if (ParseSdes(packet, &chunks) == RtcpError::kOk) {
    CHECK(chunks.size() == packet.count);
    for (const SdesChunk& chunk : chunks) {
      Again again;
      CHECK(again.writer.PutCname(chunk.ssrc, chunk.cname));
      SdesChunks one;
      CHECK(ParseSdes(again.packet(), &one) == RtcpError::kOk && one.size() == 1);
      CHECK(one[0].ssrc == chunk.ssrc && one[0].cname == chunk.cname);
    }
  }
  Bye bye;
  if (ParseBye(packet, &bye) == RtcpError::kOk && !bye.ssrcs.empty()) {
    Again again;
    CHECK(again.writer.PutBye(bye.ssrcs[0], bye.reason));
    Bye one;
    CHECK(ParseBye(again.packet(), &one) == RtcpError::kOk);
    CHECK(one.ssrcs[0] == bye.ssrcs[0] && one.reason == bye.reason);
  }
}

void RoundTripExtended(const RtcpPacket& packet) {
  ExtendedReport report;
  if (ParseExtendedReport(packet, &report) != RtcpError::kOk) return;
  for (const VoipMetrics& metrics : report.metrics) {
    Again again;
    CHECK(again.writer.PutVoipMetrics(report.ssrc, metrics));
    ExtendedReport one;
    CHECK(ParseExtendedReport(again.packet(), &one) == RtcpError::kOk);
    CHECK(one.ssrc == report.ssrc && one.metrics.size() == 1 && one.metrics[0] == metrics);
  }
  Again again;
  CHECK(again.writer.PutDlrr(report.ssrc, {report.dlrr.begin(), report.dlrr.size()}));
  ExtendedReport one;
  CHECK(ParseExtendedReport(again.packet(), &one) == RtcpError::kOk);
  CHECK(std::equal(one.dlrr.begin(), one.dlrr.end(), report.dlrr.begin(), report.dlrr.end()));
}

void RoundTripFeedback(const RtcpPacket& packet) {
  Feedback feedback;
  if (ParseFeedback(packet, &feedback) != RtcpError::kOk) return;
  Again again;
  CHECK(again.writer.PutFeedback(feedback) == (feedback.kind != Feedback::Kind::kOther));
  if (feedback.kind == Feedback::Kind::kOther) return;
  Feedback one;
  CHECK(ParseFeedback(again.packet(), &one) == RtcpError::kOk);
  CHECK(one.kind == feedback.kind && one.sender_ssrc == feedback.sender_ssrc &&
        (one.media_ssrc == feedback.media_ssrc || !feedback.fir.empty()));
  CHECK(std::equal(one.missing.begin(), one.missing.end(), feedback.missing.begin(),
                   feedback.missing.end()));
  CHECK(std::equal(one.fir.begin(), one.fir.end(), feedback.fir.begin(), feedback.fir.end()));
}

void Session(std::span<const uint8_t> bytes) {
  constexpr WallTime kWall = {.unix_us = 1'700'000'000'000'000};
  Random random(1);
  Instant now = Instant{} + std::chrono::hours(1);
  Source source{Source::Config{}};
  RtcpSession session({.ssrc = 3}, now, &random);
  uint8_t header[PacketView::kHeaderBytes];
  for (uint16_t number = 0; number < 3; ++number) {
    WriteHeader({.sequence_number = number, .ssrc = 0x11223344}, header);
    PacketView view;
    CHECK(PacketView::Parse(header, &view) == PacketError::kOk);
    session.OnSent(view, now, PayloadKind::kAudio);
    source.OnPacket(view, now, PayloadKind::kAudio);
  }
  const RtcpSession::Reception reception = {.source = &source, .codec = Codec::kPcmu};
  uint8_t out[RtcpSession::kFeedbackCompoundMax];
  const auto judge = [&](size_t size) {
    RtcpCompound compound;
    CHECK(compound.Index(std::span(out).first(size)) == RtcpError::kOk);
  };
  for (int i = 0; i < 3; ++i) {
    now += std::chrono::seconds(6);
    RtcpSession::Incoming incoming;
    (void)session.OnPacket(bytes, now, &incoming, &source);  // Whatever it is.
    if (incoming.sender_report) {
      const size_t size = session.Forward(*incoming.sender_report, reception, now, &random, out);
      if (size > 0) judge(size);
    }
    // All that one compound can hold fits, and is due again after six seconds.
    const std::span<const Feedback> asked = {incoming.feedback.begin(), incoming.feedback.size()};
    const RtcpSession::Passed passed = session.PassFeedback(asked, now, kWall, out);
    CHECK(passed.requests == asked.size());
    if (passed.bytes > 0) judge(passed.bytes);
    judge(session.Report(reception, now, kWall, &random, out));
    CHECK(!session.round_trip() || *session.round_trip() <= kRoundTripMax);
  }
  judge(session.Leave(reception, now, {}, out));
}

}  // namespace

void FuzzOne(std::span<const uint8_t> bytes) {
  Session(bytes);
  RtcpCompound compound;
  if (compound.Index(bytes) != RtcpError::kOk) {
    CHECK(compound.size() == 0);
    return;
  }
  for (const RtcpPacket& packet : compound) {
    RoundTripReports(packet);
    RoundTripTexts(packet);
    RoundTripExtended(packet);
    RoundTripFeedback(packet);
  }
}

}  // namespace core::rtp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // In a block of its exact size, so that AddressSanitizer sees the first byte read past its end.
  const std::vector<uint8_t> exact(data, data + size);
  core::rtp::FuzzOne(exact);
  return 0;
}
