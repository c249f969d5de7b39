#include "core/rtp/rtcp_writer.h"

#include <algorithm>

namespace core::rtp {

size_t RtcpWriter::BeginPacket(RtcpType type, size_t count) {
  const size_t begin = out_.size();
  out_.Put8(static_cast<uint8_t>(0x80 | count));
  out_.Put8(static_cast<uint8_t>(type));
  out_.Put16(0);  // The length, which EndPacket() knows.
  return begin;
}

bool RtcpWriter::EndPacket(size_t begin) {
  if (!out_.fits()) {
    out_.Rewind(begin);
    return false;
  }
  const size_t words = (out_.size() - begin) / 4;
  out_.Patch16(begin + 2, static_cast<uint16_t>(words - 1));
  return true;
}

void RtcpWriter::PutBlocks(std::span<const ReportBlock> blocks) {
  for (const ReportBlock& block : blocks) {
    const int32_t lost =
        std::clamp(block.cumulative_lost, ReportBlock::kLostMin, ReportBlock::kLostMax);
    out_.Put32(block.ssrc);
    out_.Put32(uint32_t{block.fraction_lost} << 24 | (static_cast<uint32_t>(lost) & 0xffffff));
    out_.Put32(block.highest_sequence_number);
    out_.Put32(block.jitter_ticks);
    out_.Put32(block.last_sr);
    out_.Put32(block.delay_since_last_sr);
  }
}

bool RtcpWriter::PutSenderReport(const SenderReport& report, std::span<const ReportBlock> blocks) {
  if (blocks.size() > kReportBlocksMax) return false;
  const size_t begin = BeginPacket(RtcpType::kSenderReport, blocks.size());
  out_.Put32(report.ssrc);
  out_.Put32(report.ntp.seconds);
  out_.Put32(report.ntp.fraction);
  out_.Put32(report.rtp_timestamp);
  out_.Put32(report.packets);
  out_.Put32(report.octets);
  PutBlocks(blocks);
  return EndPacket(begin);
}

bool RtcpWriter::PutReceiverReport(uint32_t ssrc, std::span<const ReportBlock> blocks) {
  if (blocks.size() > kReportBlocksMax) return false;
  const size_t begin = BeginPacket(RtcpType::kReceiverReport, blocks.size());
  out_.Put32(ssrc);
  PutBlocks(blocks);
  return EndPacket(begin);
}

bool RtcpWriter::PutFeedback(const Feedback& feedback) {
  const auto begin = [&](RtcpType type, size_t format, uint32_t media_ssrc) {
    const size_t at = BeginPacket(type, format);
    out_.Put32(feedback.sender_ssrc);
    out_.Put32(media_ssrc);
    return at;
  };
  switch (feedback.kind) {
    case Feedback::Kind::kOther:
      return false;
    case Feedback::Kind::kNack: {
      const size_t at = begin(RtcpType::kTransportFeedback, kNackFormat, feedback.media_ssrc);
      for (const MissingPackets& missing : feedback.missing) {
        out_.Put16(missing.sequence_number);
        out_.Put16(missing.behind);
      }
      return EndPacket(at);
    }
    case Feedback::Kind::kPictureLoss:
      return EndPacket(begin(RtcpType::kPayloadFeedback, kPictureLossFormat, feedback.media_ssrc));
    case Feedback::Kind::kFullIntraRequest: {
      // Its entries name the senders, and the header nobody (RFC 5104 §4.3.1.2).
      const size_t at = begin(RtcpType::kPayloadFeedback, kFirFormat, 0);
      for (const FirEntry& entry : feedback.fir) {
        out_.Put32(entry.ssrc);
        out_.Put8(entry.sequence_number);
        out_.PutZeros(3);
      }
      return EndPacket(at);
    }
  }
  return false;
}

bool RtcpWriter::PutCname(uint32_t ssrc, std::string_view cname) {
  if (cname.size() > kCnameMax) return false;
  constexpr uint8_t kCnameItem = 1;
  const size_t begin = BeginPacket(RtcpType::kSourceDescription, 1);
  out_.Put32(ssrc);
  out_.Put8(kCnameItem);
  out_.Put8(static_cast<uint8_t>(cname.size()));
  out_.PutText(cname);
  // At least the null octet that ends the list, then up to the next multiple of four (§6.5).
  out_.PutZeros(4 - (2 + cname.size()) % 4);
  return EndPacket(begin);
}

bool RtcpWriter::PutBye(uint32_t ssrc, std::string_view reason) {
  if (reason.size() > 255) return false;
  const size_t begin = BeginPacket(RtcpType::kBye, 1);
  out_.Put32(ssrc);
  if (!reason.empty()) {
    out_.Put8(static_cast<uint8_t>(reason.size()));
    out_.PutText(reason);
    out_.PutZeros((4 - (1 + reason.size()) % 4) % 4);  // No null octet of its own (§6.6).
  }
  return EndPacket(begin);
}

bool RtcpWriter::PutVoipMetrics(uint32_t ssrc, const VoipMetrics& metrics) {
  const size_t begin = BeginPacket(RtcpType::kExtendedReport, 0);
  out_.Put32(ssrc);
  out_.Put8(7);
  out_.Put8(0);
  out_.Put16(8);
  out_.Put32(metrics.ssrc);
  for (const uint8_t rate :
       {metrics.loss_rate, metrics.discard_rate, metrics.burst_density, metrics.gap_density}) {
    out_.Put8(rate);
  }
  for (const uint16_t ms : {metrics.burst_duration_ms, metrics.gap_duration_ms,
                            metrics.round_trip_ms, metrics.end_system_delay_ms}) {
    out_.Put16(ms);
  }
  for (const uint8_t value :
       {metrics.signal_level, metrics.noise_level, metrics.residual_echo_return_loss,
        metrics.gap_min, metrics.r_factor, metrics.external_r_factor, metrics.mos_lq,
        metrics.mos_cq, metrics.receiver_config}) {
    out_.Put8(value);
  }
  out_.Put8(0);  // Reserved.
  for (const uint16_t ms :
       {metrics.buffer_nominal_ms, metrics.buffer_maximum_ms, metrics.buffer_absolute_maximum_ms}) {
    out_.Put16(ms);
  }
  return EndPacket(begin);
}

bool RtcpWriter::PutReferenceTime(uint32_t ssrc, const ReceiverReferenceTime& time) {
  const size_t begin = BeginPacket(RtcpType::kExtendedReport, 0);
  out_.Put32(ssrc);
  out_.Put8(4);
  out_.Put8(0);
  out_.Put16(2);
  out_.Put32(time.ntp.seconds);
  out_.Put32(time.ntp.fraction);
  return EndPacket(begin);
}

bool RtcpWriter::PutDlrr(uint32_t ssrc, std::span<const DlrrItem> items) {
  constexpr size_t kItemsMax = 1000;  // So that lengths stay in 16 bits of words.
  if (items.size() > kItemsMax) return false;
  const size_t begin = BeginPacket(RtcpType::kExtendedReport, 0);
  out_.Put32(ssrc);
  out_.Put8(5);
  out_.Put8(0);
  out_.Put16(static_cast<uint16_t>(3 * items.size()));
  for (const DlrrItem& item : items) {
    out_.Put32(item.ssrc);
    out_.Put32(item.last_rr);
    out_.Put32(item.delay_since_last_rr);
  }
  return EndPacket(begin);
}

}  // namespace core::rtp
