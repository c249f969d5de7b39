#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/buffer/byte_reader.h"
#include "core/rtp/rtcp.h"

namespace core::rtp {

/// What is wrong with bytes that claim to be RTCP. Readers leave their result empty unless kOk.
enum class [[nodiscard]] RtcpError : uint8_t{
    kOk,
    kShort,      // The bytes end inside a packet.
    kVersion,    // A packet that is not version 2.
    kFirstType,  // A compound packet begins with an SR or RR (§6.1; RFC 5506 is not negotiated).
    kPadding,    // Padding before the last packet, or a count that is none.
    kTooMany,    // More packets than RtcpCompound::kPacketsMax.
    kType,       // The reader was given a packet of another type.
    kCount,      // The packet is too short for the number of items that it claims.
    kItem,       // An SDES item, a reason or an XR block that leaves its packet.
};

/// One packet of a compound: where it is, and nothing read of it yet.
struct RtcpPacket {
  RtcpType type{};
  uint8_t count = 0;              // Report blocks, chunks or SSRCs, by type.
  std::span<const uint8_t> body;  // After the first four bytes, without padding.
};

/// A compound RTCP packet, indexed in place (RFC 3550 §6.1, A.2).
///
/// Shape:    at most kPacketsMax packets. Those of a type that we do not know are indexed like the
///           others: who iterates skips them.
/// Lifetime: borrows the bytes; so does what the Parse functions below return of it.
/// Errors:   Index() refuses what cannot be framed, whole. What is wrong inside a packet is only an
///           error to that packet's reader.
class RtcpCompound {
 public:
  // SR or RR, SDES, XR and BYE are four. 31 report blocks and more of them need a second RR.
  static constexpr size_t kPacketsMax = 16;

  RtcpError Index(std::span<const uint8_t> bytes);

  const RtcpPacket* begin() const { return packets_.begin(); }
  const RtcpPacket* end() const { return packets_.end(); }
  size_t size() const { return packets_.size(); }

 private:
  BoundedVector<RtcpPacket, kPacketsMax> packets_;
};

/// An SR, and its report blocks.
RtcpError ParseSenderReport(const RtcpPacket& packet, SenderReport* report, ReportBlocks* blocks);
/// An RR: who sent it, and its report blocks.
RtcpError ParseReceiverReport(const RtcpPacket& packet, uint32_t* ssrc, ReportBlocks* blocks);

struct SdesChunk {
  uint32_t ssrc = 0;
  std::string_view cname;  // Empty: the chunk has none.
};
using SdesChunks = BoundedVector<SdesChunk, kReportBlocksMax>;
/// Every chunk's items are checked; of them only CNAME is told (§6.5.1).
RtcpError ParseSdes(const RtcpPacket& packet, SdesChunks* chunks);

struct Bye {
  BoundedVector<uint32_t, kReportBlocksMax> ssrcs;
  std::string_view reason;
};
RtcpError ParseBye(const RtcpPacket& packet, Bye* bye);

/// Feedback of a kind that we do not know is kOther, with its SSRCs; of a NACK what is beyond
/// kMissingMax is left out, of a FIR what is beyond kFirEntriesMax.
RtcpError ParseFeedback(const RtcpPacket& packet, Feedback* feedback);

/// The blocks of an XR that we read (RFC 3611); the others are checked and skipped.
struct ExtendedReport {
  static constexpr size_t kMetricsMax = 4;  // Sources on one leg: more are passed over.
  static constexpr size_t kDlrrItemsMax = 4;

  uint32_t ssrc = 0;
  bool has_reference_time = false;
  ReceiverReferenceTime reference_time;
  BoundedVector<DlrrItem, kDlrrItemsMax> dlrr;
  BoundedVector<VoipMetrics, kMetricsMax> metrics;
};
RtcpError ParseExtendedReport(const RtcpPacket& packet, ExtendedReport* report);

}  // namespace core::rtp
