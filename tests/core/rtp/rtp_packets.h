#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/rtp/packet_view.h"

// Packets for the tests of core/rtp, each in a block of its own.

namespace core::rtp {

using Bytes = std::vector<uint8_t>;

/// Bytes as they stand in an RFC's figure: hexadecimal digits, spaces for the eye.
inline Bytes FromHex(std::string_view text) {
  Bytes bytes;
  std::string digits;
  for (const char character : text) {
    if (character == ' ' || character == '\n') continue;
    digits += character;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<uint8_t>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  CHECK(digits.empty());
  return bytes;
}

struct TestPacket {
  Bytes bytes;

  explicit TestPacket(const HeaderFields& fields, size_t payload_size = 160)
      : bytes(PacketView::kHeaderBytes + payload_size) {
    WriteHeader(fields, std::span(bytes).first<PacketView::kHeaderBytes>());
  }
  TestPacket(const HeaderFields& fields, const Bytes& payload) : TestPacket(fields, size_t{0}) {
    bytes.insert(bytes.end(), payload.begin(), payload.end());
  }
  PacketView view() {
    PacketView view;
    CHECK(PacketView::Parse(bytes, &view) == PacketError::kOk);
    return view;
  }
};

}  // namespace core::rtp
