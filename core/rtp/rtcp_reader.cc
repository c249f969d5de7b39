#include "core/rtp/rtcp_reader.h"

namespace core::rtp {
namespace {

constexpr size_t kReportBlockBytes = 24;
constexpr size_t kSenderInfoBytes = 24;  // With the SSRC before it.

int32_t SignExtend24(uint32_t value) { return static_cast<int32_t>(value << 8) >> 8; }

// The caller has made sure of the bytes.
ReportBlock LoadReportBlock(const uint8_t* at) {
  return {.ssrc = LoadBig32(at),
          .fraction_lost = at[4],
          .cumulative_lost = SignExtend24(LoadBig32(at + 4) & 0xffffff),
          .highest_sequence_number = LoadBig32(at + 8),
          .jitter_ticks = LoadBig32(at + 12),
          .last_sr = LoadBig32(at + 16),
          .delay_since_last_sr = LoadBig32(at + 20)};
}

// What follows the blocks is a profile's extension (§6.4.3), which we have none of.
RtcpError ReadBlocks(std::span<const uint8_t> bytes, uint8_t count, ReportBlocks* blocks) {
  if (bytes.size() < count * kReportBlockBytes) return RtcpError::kCount;
  for (size_t i = 0; i < count; ++i) {
    CHECK(blocks->PushBack(LoadReportBlock(bytes.data() + i * kReportBlockBytes)));
  }
  return RtcpError::kOk;
}

}  // namespace

RtcpError RtcpCompound::Index(std::span<const uint8_t> bytes) {
  packets_.Clear();
  if (bytes.empty()) return RtcpError::kShort;
  BoundedVector<RtcpPacket, kPacketsMax> found;
  while (!bytes.empty()) {
    if (bytes.size() < 4) return RtcpError::kShort;
    if (bytes[0] >> 6 != 2) return RtcpError::kVersion;
    const auto type = static_cast<RtcpType>(bytes[1]);
    if (found.empty() && type != RtcpType::kSenderReport && type != RtcpType::kReceiverReport) {
      return RtcpError::kFirstType;
    }
    const size_t size = 4 * (size_t{LoadBig16(bytes.data() + 2)} + 1);
    if (bytes.size() < size) return RtcpError::kShort;
    size_t padding = 0;
    if ((bytes[0] & 0x20) != 0) {
      if (bytes.size() != size) return RtcpError::kPadding;  // Only the last may be padded (A.2).
      padding = bytes[size - 1];
      if (padding == 0 || padding % 4 != 0 || padding > size - 4) return RtcpError::kPadding;
    }
    const RtcpPacket packet = {.type = type,
                               .count = static_cast<uint8_t>(bytes[0] & 0x1f),
                               .body = bytes.subspan(4, size - 4 - padding)};
    if (!found.PushBack(packet)) return RtcpError::kTooMany;
    bytes = bytes.subspan(size);
  }
  packets_ = found;
  return RtcpError::kOk;
}

RtcpError ParseSenderReport(const RtcpPacket& packet, SenderReport* report, ReportBlocks* blocks) {
  *report = {};
  blocks->Clear();
  if (packet.type != RtcpType::kSenderReport) return RtcpError::kType;
  if (packet.body.size() < kSenderInfoBytes) return RtcpError::kCount;
  const RtcpError error = ReadBlocks(packet.body.subspan(kSenderInfoBytes), packet.count, blocks);
  if (error != RtcpError::kOk) return error;
  const uint8_t* at = packet.body.data();
  *report = {.ssrc = LoadBig32(at),
             .ntp = {.seconds = LoadBig32(at + 4), .fraction = LoadBig32(at + 8)},
             .rtp_timestamp = LoadBig32(at + 12),
             .packets = LoadBig32(at + 16),
             .octets = LoadBig32(at + 20)};
  return RtcpError::kOk;
}

RtcpError ParseReceiverReport(const RtcpPacket& packet, uint32_t* ssrc, ReportBlocks* blocks) {
  *ssrc = 0;
  blocks->Clear();
  if (packet.type != RtcpType::kReceiverReport) return RtcpError::kType;
  if (packet.body.size() < 4) return RtcpError::kCount;
  const RtcpError error = ReadBlocks(packet.body.subspan(4), packet.count, blocks);
  if (error == RtcpError::kOk) *ssrc = LoadBig32(packet.body.data());
  return error;
}

namespace {

// Items up to the null octet that ends the list; then octets up to the next multiple of four.
RtcpError ReadSdesItems(ByteReader* in, SdesChunk* chunk) {
  constexpr uint8_t kEnd = 0;
  constexpr uint8_t kCname = 1;
  for (;;) {
    uint8_t type = 0;
    if (!in->Take8(&type)) return RtcpError::kItem;
    if (type == kEnd) break;
    uint8_t size = 0;
    std::string_view text;
    if (!in->Take8(&size) || !in->TakeText(size, &text)) return RtcpError::kItem;
    if (type == kCname && chunk->cname.empty()) chunk->cname = text;
  }
  // The body is a multiple of four bytes, so what is left tells where the next chunk begins.
  while (in->left() % 4 != 0) {
    uint8_t padding = 0;
    (void)in->Take8(&padding);  // There are bytes left.
  }
  return RtcpError::kOk;
}

}  // namespace

RtcpError ParseSdes(const RtcpPacket& packet, SdesChunks* chunks) {
  chunks->Clear();
  if (packet.type != RtcpType::kSourceDescription) return RtcpError::kType;
  SdesChunks found;
  ByteReader in(packet.body);
  for (size_t i = 0; i < packet.count; ++i) {
    SdesChunk chunk;
    if (!in.Take32(&chunk.ssrc)) return RtcpError::kCount;
    const RtcpError error = ReadSdesItems(&in, &chunk);
    if (error != RtcpError::kOk) return error;
    CHECK(found.PushBack(chunk));
  }
  *chunks = found;
  return RtcpError::kOk;
}

RtcpError ParseBye(const RtcpPacket& packet, Bye* bye) {
  *bye = {};
  if (packet.type != RtcpType::kBye) return RtcpError::kType;
  Bye found;
  ByteReader in(packet.body);
  for (size_t i = 0; i < packet.count; ++i) {
    uint32_t ssrc = 0;
    if (!in.Take32(&ssrc)) return RtcpError::kCount;
    CHECK(found.ssrcs.PushBack(ssrc));
  }
  uint8_t size = 0;
  if (in.Take8(&size) && !in.TakeText(size, &found.reason)) return RtcpError::kItem;
  *bye = found;
  return RtcpError::kOk;
}

RtcpError ParseFeedback(const RtcpPacket& packet, Feedback* feedback) {
  *feedback = {};
  const bool of_payload = packet.type == RtcpType::kPayloadFeedback;
  if (!of_payload && packet.type != RtcpType::kTransportFeedback) return RtcpError::kType;
  Feedback found;
  ByteReader in(packet.body);
  if (!in.Take32(&found.sender_ssrc) || !in.Take32(&found.media_ssrc)) return RtcpError::kCount;
  if (!of_payload && packet.count == kNackFormat) {
    found.kind = Feedback::Kind::kNack;
    if (in.left() == 0) return RtcpError::kItem;
    while (!in.AtEnd() && !found.missing.full()) {
      MissingPackets missing;
      if (!in.Take16(&missing.sequence_number) || !in.Take16(&missing.behind)) {
        return RtcpError::kItem;
      }
      CHECK(found.missing.PushBack(missing));
    }
  } else if (of_payload && packet.count == kPictureLossFormat) {
    found.kind = Feedback::Kind::kPictureLoss;
  } else if (of_payload && packet.count == kFirFormat) {
    found.kind = Feedback::Kind::kFullIntraRequest;
    if (in.left() == 0) return RtcpError::kItem;
    while (!in.AtEnd() && !found.fir.full()) {
      FirEntry entry;
      std::span<const uint8_t> reserved;
      if (!in.Take32(&entry.ssrc) || !in.Take8(&entry.sequence_number) ||
          !in.TakeBytes(3, &reserved)) {
        return RtcpError::kItem;
      }
      CHECK(found.fir.PushBack(entry));
    }
  }
  *feedback = found;
  return RtcpError::kOk;
}

namespace {

enum class XrBlock : uint8_t { kReferenceTime = 4, kDlrr = 5, kVoipMetrics = 7 };

constexpr size_t kVoipMetricsBytes = 32;  // §4.7: a block length of 8.

VoipMetrics LoadVoipMetrics(const uint8_t* at) {
  return {.ssrc = LoadBig32(at),
          .loss_rate = at[4],
          .discard_rate = at[5],
          .burst_density = at[6],
          .gap_density = at[7],
          .burst_duration_ms = LoadBig16(at + 8),
          .gap_duration_ms = LoadBig16(at + 10),
          .round_trip_ms = LoadBig16(at + 12),
          .end_system_delay_ms = LoadBig16(at + 14),
          .signal_level = at[16],
          .noise_level = at[17],
          .residual_echo_return_loss = at[18],
          .gap_min = at[19],
          .r_factor = at[20],
          .external_r_factor = at[21],
          .mos_lq = at[22],
          .mos_cq = at[23],
          .receiver_config = at[24],
          .buffer_nominal_ms = LoadBig16(at + 26),
          .buffer_maximum_ms = LoadBig16(at + 28),
          .buffer_absolute_maximum_ms = LoadBig16(at + 30)};
}

RtcpError ReadXrBlock(uint8_t type, std::span<const uint8_t> contents, ExtendedReport* report) {
  switch (static_cast<XrBlock>(type)) {
    case XrBlock::kReferenceTime:
      if (contents.size() != 8) return RtcpError::kItem;
      report->has_reference_time = true;
      report->reference_time.ntp = {.seconds = LoadBig32(contents.data()),
                                    .fraction = LoadBig32(contents.data() + 4)};
      break;
    case XrBlock::kDlrr:
      if (contents.size() % 12 != 0) return RtcpError::kItem;
      for (const uint8_t* at = contents.data(); at != contents.data() + contents.size(); at += 12) {
        // Beyond kDlrrItemsMax they are passed over: we have one SSRC to be answered.
        (void)report->dlrr.PushBack({.ssrc = LoadBig32(at),
                                     .last_rr = LoadBig32(at + 4),
                                     .delay_since_last_rr = LoadBig32(at + 8)});
      }
      break;
    case XrBlock::kVoipMetrics:
      if (contents.size() != kVoipMetricsBytes) return RtcpError::kItem;
      (void)report->metrics.PushBack(LoadVoipMetrics(contents.data()));  // As above.
      break;
  }
  return RtcpError::kOk;
}

}  // namespace

RtcpError ParseExtendedReport(const RtcpPacket& packet, ExtendedReport* report) {
  *report = {};
  if (packet.type != RtcpType::kExtendedReport) return RtcpError::kType;
  ExtendedReport found;
  ByteReader in(packet.body);
  if (!in.Take32(&found.ssrc)) return RtcpError::kCount;
  while (!in.AtEnd()) {
    uint8_t type = 0;
    uint8_t specific = 0;  // Nothing in the types that we read.
    uint16_t words = 0;
    std::span<const uint8_t> contents;
    if (!in.Take8(&type) || !in.Take8(&specific) || !in.Take16(&words) ||
        !in.TakeBytes(size_t{4} * words, &contents)) {
      return RtcpError::kItem;
    }
    const RtcpError error = ReadXrBlock(type, contents, &found);
    if (error != RtcpError::kOk) return error;
  }
  *report = found;
  return RtcpError::kOk;
}

}  // namespace core::rtp
