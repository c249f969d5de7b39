#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/address.h"

namespace core::net {

/// Why an IPv4 packet is not a UDP datagram for us to read.
enum class Ipv4UdpError : uint8_t {
  kOk,
  kTruncated,        // Shorter than its headers say.
  kMalformed,        // Not IPv4, or lengths that contradict each other.
  kHeaderChecksum,   // RFC 791.
  kUdpChecksum,      // RFC 768.
  kFragment,         // One piece of a datagram.
  kAnotherProtocol,  // Not UDP.
};

/// A UDP datagram in an IPv4 packet (RFC 791, RFC 768).
///
/// Lifetime: the payload is a view of the packet that was parsed.
struct UdpDatagram {
  Endpoint source;
  Endpoint destination;
  std::span<const uint8_t> payload;
};

/// Reads `packet`, which begins with the IPv4 header and may end in padding. Options of the header
/// are passed over. All lengths and both checksums are checked; a UDP checksum of 0 says that there
/// is none. `*datagram` means something only after kOk.
[[nodiscard]] Ipv4UdpError ParseIpv4Udp(std::span<const uint8_t> packet, UdpDatagram* datagram);

/// Bytes of both headers as we write them, without options.
inline constexpr size_t kIpv4UdpHeaderBytes = 20 + 8;
/// The longest payload that the length fields have room for.
inline constexpr size_t kUdpPayloadMax = 65535 - kIpv4UdpHeaderBytes;

/// Writes the headers of `datagram`, with both checksums. It is never to be fragmented, so its
/// identification says nothing and is 0 (RFC 6864 §4.1). Both endpoints are IPv4's, and the payload
/// is at most kUdpPayloadMax.
void WriteIpv4UdpHeader(const UdpDatagram& datagram, std::span<uint8_t, kIpv4UdpHeaderBytes> out);

/// The sum of RFC 1071 over blocks of bytes. Every block but the last has an even length.
class ChecksumSum {
 public:
  void Add(std::span<const uint8_t> bytes);
  /// The complement, as it stands in a header, in host order. 0 when the sum was over a header that
  /// holds its own right checksum.
  [[nodiscard]] uint16_t Checksum() const;

 private:
  uint64_t sum_ = 0;  // In memory order: the sum of swapped words is the swapped sum (RFC 1071 §2).
};

}  // namespace core::net
