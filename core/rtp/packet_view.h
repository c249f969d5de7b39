#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/buffer/byte_reader.h"
#include "core/buffer/byte_writer.h"
#include "core/buffer/packet.h"

namespace core::rtp {

/// What is wrong with bytes that claim to be an RTP packet.
enum class [[nodiscard]] PacketError : uint8_t{
    kOk,
    kShort,      // Fewer bytes than the fixed header and its CSRC list.
    kVersion,    // Not version 2: not RTP (RFC 7983 tells what else may come here).
    kExtension,  // The header extension ends after the packet.
    kPadding,    // The padding count is 0, or more than what follows the header.
};

/// The fields of a fixed header, for who makes a packet (the generator; RFC 4733 digits).
struct HeaderFields {
  bool marker = false;
  uint8_t payload_type = 0;  // 0 to 127.
  uint16_t sequence_number = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
};

/// An RTP packet, read and rewritten where it arrived (RFC 3550 §5.1).
///
/// Shape:    Parse() has checked that CSRC list, extension and padding lie inside the bytes, so the
///           accessors need not. The setters change fixed fields only: nothing moves.
/// Lifetime: borrows the bytes that were parsed.
/// Errors:   Parse() leaves the view empty unless it is kOk; an empty view may not be asked.
class PacketView {
 public:
  static constexpr size_t kHeaderBytes = 12;

  static PacketError Parse(std::span<uint8_t> bytes, PacketView* view) {
    *view = {};
    if (bytes.size() < kHeaderBytes) return PacketError::kShort;
    const uint8_t first = bytes[0];
    if (first >> 6 != 2) return PacketError::kVersion;
    size_t header = kHeaderBytes + size_t{4} * (first & 0x0f);
    if (bytes.size() < header) return PacketError::kShort;
    if ((first & kExtensionBit) != 0) {
      if (bytes.size() < header + 4) return PacketError::kExtension;
      header += 4 + size_t{4} * LoadBig16(bytes.data() + header + 2);
      if (bytes.size() < header) return PacketError::kExtension;
    }
    size_t padding = 0;
    if ((first & kPaddingBit) != 0) {
      padding = bytes.back();
      if (padding == 0 || padding > bytes.size() - header) return PacketError::kPadding;
    }
    view->bytes_ = bytes;
    view->header_size_ = header;
    view->payload_size_ = bytes.size() - header - padding;
    return PacketError::kOk;
  }

  bool marker() const { return (bytes_[1] & kMarkerBit) != 0; }
  uint8_t payload_type() const { return bytes_[1] & 0x7f; }
  uint16_t sequence_number() const { return LoadBig16(bytes_.data() + 2); }
  uint32_t timestamp() const { return LoadBig32(bytes_.data() + 4); }
  uint32_t ssrc() const { return LoadBig32(bytes_.data() + 8); }

  size_t csrc_count() const { return bytes_[0] & 0x0f; }
  uint32_t csrc(size_t index) const {
    CHECK(index < csrc_count());
    return LoadBig32(bytes_.data() + kHeaderBytes + 4 * index);
  }
  bool has_extension() const { return (bytes_[0] & kExtensionBit) != 0; }
  uint16_t extension_profile() const {  // Of a packet that has one (§5.3.1).
    CHECK(has_extension());
    return LoadBig16(bytes_.data() + kHeaderBytes + 4 * csrc_count());
  }
  std::span<const uint8_t> extension() const {
    CHECK(has_extension());
    const size_t begin = kHeaderBytes + 4 * csrc_count() + 4;
    return bytes_.subspan(begin, header_size_ - begin);
  }

  size_t size() const { return bytes_.size(); }  // Header, payload and padding.
  size_t header_size() const { return header_size_; }
  std::span<const uint8_t> payload() const { return bytes_.subspan(header_size_, payload_size_); }
  size_t padding_size() const { return bytes_.size() - header_size_ - payload_size_; }

  void set_payload_type(uint8_t payload_type) {
    bytes_[1] = static_cast<uint8_t>((bytes_[1] & kMarkerBit) | (payload_type & 0x7f));
  }
  void set_marker(bool marker) {
    bytes_[1] = static_cast<uint8_t>((bytes_[1] & 0x7f) | (marker ? kMarkerBit : 0));
  }
  void set_sequence_number(uint16_t sequence_number) {
    StoreBig16(sequence_number, bytes_.data() + 2);
  }
  void set_timestamp(uint32_t timestamp) { StoreBig32(timestamp, bytes_.data() + 4); }
  void set_ssrc(uint32_t ssrc) { StoreBig32(ssrc, bytes_.data() + 8); }

 private:
  static constexpr uint8_t kPaddingBit = 0x20;
  static constexpr uint8_t kExtensionBit = 0x10;
  static constexpr uint8_t kMarkerBit = 0x80;

  std::span<uint8_t> bytes_;
  size_t header_size_ = 0;
  size_t payload_size_ = 0;
};

/// How one leg's packets become the other's: a fixed record, so that a relay applies it blindly.
///
/// Shape: offsets are modulo 2^16 and 2^32. A payload type is mapped one to one; a relay that maps
///        several (audio and telephone-event) has one such record for each.
struct HeaderRewrite {
  uint32_t ssrc = 0;
  uint32_t timestamp_offset = 0;
  uint16_t sequence_offset = 0;
  uint8_t payload_type = kKeepPayloadType;
  bool replace_ssrc = false;

  static constexpr uint8_t kKeepPayloadType = 0xff;

  void Apply(PacketView* packet) const {
    if (payload_type != kKeepPayloadType) packet->set_payload_type(payload_type);
    if (replace_ssrc) packet->set_ssrc(ssrc);
    if (sequence_offset != 0) {
      packet->set_sequence_number(
          static_cast<uint16_t>(packet->sequence_number() + sequence_offset));
    }
    if (timestamp_offset != 0) packet->set_timestamp(packet->timestamp() + timestamp_offset);
  }
};

/// A fixed header without CSRC, extension or padding.
inline void WriteHeader(const HeaderFields& fields,
                        std::span<uint8_t, PacketView::kHeaderBytes> out) {
  out[0] = 0x80;
  out[1] = static_cast<uint8_t>((fields.marker ? 0x80 : 0) | (fields.payload_type & 0x7f));
  StoreBig16(fields.sequence_number, out.data() + 2);
  StoreBig32(fields.timestamp, out.data() + 4);
  StoreBig32(fields.ssrc, out.data() + 8);
}

/// Whether a datagram on a port that carries both is RTCP (RFC 5761 §4): its second byte is one of
/// the packet types 192 to 223, which no RTP packet has whose payload type keeps out of 64 to 95.
inline bool LooksLikeRtcp(std::span<const uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[0] >> 6 == 2 && bytes[1] >= 192 && bytes[1] <= 223;
}

/// The bytes of a datagram, for PacketView::Parse().
inline std::span<uint8_t> BytesOf(Packet& packet) {
  return {reinterpret_cast<uint8_t*>(packet.data()), packet.size()};
}

}  // namespace core::rtp
