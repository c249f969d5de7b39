#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/buffer/byte_writer.h"
#include "core/rtp/rtcp.h"

namespace core::rtp {

/// Appends the packets of one compound RTCP packet (RFC 3550 §6.1). The caller keeps the order: SR
/// or RR first, then SDES, others, BYE last.
///
/// Lifetime: borrows the buffer it writes to.
/// Errors:   a packet that does not fit, or holds more than its count can say, is false and not
///           written; what stood before it stays good.
class RtcpWriter {
 public:
  static constexpr size_t kCnameMax = 255;  // Its length is one byte.

  explicit RtcpWriter(std::span<uint8_t> out) : out_(out) {}

  [[nodiscard]] bool PutSenderReport(const SenderReport& report,
                                     std::span<const ReportBlock> blocks);
  [[nodiscard]] bool PutReceiverReport(uint32_t ssrc, std::span<const ReportBlock> blocks);
  [[nodiscard]] bool PutCname(uint32_t ssrc, std::string_view cname);
  [[nodiscard]] bool PutBye(uint32_t ssrc, std::string_view reason);

  /// False for kOther, too: what we cannot read we do not say.
  [[nodiscard]] bool PutFeedback(const Feedback& feedback);

  // One XR packet with one block.
  [[nodiscard]] bool PutVoipMetrics(uint32_t ssrc, const VoipMetrics& metrics);
  [[nodiscard]] bool PutReferenceTime(uint32_t ssrc, const ReceiverReferenceTime& time);
  [[nodiscard]] bool PutDlrr(uint32_t ssrc, std::span<const DlrrItem> items);

  std::span<const uint8_t> written() const { return out_.written(); }

 private:
  size_t BeginPacket(RtcpType type, size_t count);
  [[nodiscard]] bool EndPacket(size_t begin);
  void PutBlocks(std::span<const ReportBlock> blocks);

  ByteWriter out_;
};

}  // namespace core::rtp
