#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/instant.h"

namespace loadgen {

/// What play_pcap_audio plays: the payloads of a capture's UDP datagrams, each with its time.
///
/// Of a capture with several destination ports only the lowest is played (SIPp takes it for the
/// RTP port): what went to the others is counted in left_out, as is what is no whole UDP datagram.
///
/// Shape:    at least one and at most kPacketsMax packets of 1 to kPacketBytesMax bytes; times do
///           not go back, and the first is 0.
/// Lifetime: owns its bytes; made at start, then only read.
struct PcapClip {
  static constexpr size_t kPacketsMax = size_t{1} << 20;
  static constexpr size_t kPacketBytesMax = 1500;

  struct Packet {
    core::Duration at{0};
    uint32_t begin = 0;
    uint16_t size = 0;
  };

  std::span<const uint8_t> bytes_of(const Packet& packet) const {
    return std::span(bytes).subspan(packet.begin, packet.size);
  }

  std::vector<Packet> packets;
  std::vector<uint8_t> bytes;
  uint64_t left_out = 0;
};

/// From the bytes of a file in pcap's own format, of either byte order, with Ethernet (VLANs too),
/// Linux "cooked" or raw IP frames.
///
/// Errors: another format or link type, and what was wanted; no UDP datagram in it. A file that
///         ends in the middle of a packet ends before it.
absl::StatusOr<PcapClip> ParsePcap(std::string_view file);

}  // namespace loadgen
