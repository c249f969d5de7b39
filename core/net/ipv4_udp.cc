#include "core/net/ipv4_udp.h"

#include <array>
#include <cstring>

#include "core/base/check.h"
#include "core/net/big_endian.h"

namespace core::net {
namespace {

constexpr size_t kIpv4HeaderMin = 20;
constexpr size_t kUdpHeaderBytes = 8;
constexpr uint8_t kProtocolUdp = 17;
constexpr uint16_t kDontFragment = 0x4000;
constexpr uint16_t kFragmentBits = 0x3fff;  // "More fragments" and the offset.
constexpr uint8_t kTimeToLive = 64;         // RFC 1700's recommendation, and Linux's default.

// The addresses, protocol and length that the UDP checksum covers besides the datagram (RFC 768).
void AddPseudoHeader(std::span<const uint8_t, 8> addresses, uint16_t udp_bytes, ChecksumSum* sum) {
  std::array<uint8_t, 4> rest = {0, kProtocolUdp};
  Store16(udp_bytes, rest.data() + 2);
  sum->Add(addresses);
  sum->Add(rest);
}

Ipv4UdpError ParseUdp(std::span<const uint8_t> bytes, std::span<const uint8_t, 8> addresses,
                      UdpDatagram* datagram) {
  if (bytes.size() < kUdpHeaderBytes) return Ipv4UdpError::kTruncated;
  const uint16_t size = Load16(bytes.data() + 4);
  if (size < kUdpHeaderBytes) return Ipv4UdpError::kMalformed;
  if (size > bytes.size()) return Ipv4UdpError::kTruncated;
  const std::span<const uint8_t> whole = bytes.first(size);
  if (Load16(whole.data() + 6) != 0) {
    ChecksumSum sum;
    AddPseudoHeader(addresses, size, &sum);
    sum.Add(whole);
    if (sum.Checksum() != 0) return Ipv4UdpError::kUdpChecksum;
  }
  datagram->source = {IpAddress::FromV4(Load32(addresses.data())), Load16(whole.data())};
  datagram->destination = {IpAddress::FromV4(Load32(addresses.data() + 4)),
                           Load16(whole.data() + 2)};
  datagram->payload = whole.subspan(kUdpHeaderBytes);
  return Ipv4UdpError::kOk;
}

}  // namespace

void ChecksumSum::Add(std::span<const uint8_t> bytes) {
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  // Words of 32 bits: 2^32 of them fit before the sum overflows.
  for (; left >= 4; left -= 4, at += 4) {
    uint32_t word;
    std::memcpy(&word, at, sizeof(word));
    sum_ += word;
  }
  if (left == 0) return;
  uint32_t last = 0;  // As if zeros followed.
  std::memcpy(&last, at, left);
  sum_ += last;
}

uint16_t ChecksumSum::Checksum() const {
  uint64_t sum = sum_;
  while (sum > UINT16_MAX) sum = (sum >> 16) + (sum & UINT16_MAX);
  const auto folded = static_cast<uint16_t>(~sum);
  uint8_t in_memory[2];
  std::memcpy(in_memory, &folded, sizeof(folded));
  return Load16(in_memory);
}

Ipv4UdpError ParseIpv4Udp(std::span<const uint8_t> packet, UdpDatagram* datagram) {
  if (packet.size() < kIpv4HeaderMin) return Ipv4UdpError::kTruncated;
  const uint8_t* const at = packet.data();
  if (at[0] >> 4 != 4) return Ipv4UdpError::kMalformed;
  const size_t header_bytes = size_t{4} * (at[0] & 15);
  const size_t total_bytes = Load16(at + 2);
  if (header_bytes < kIpv4HeaderMin || total_bytes < header_bytes) return Ipv4UdpError::kMalformed;
  if (total_bytes > packet.size()) return Ipv4UdpError::kTruncated;
  ChecksumSum sum;
  sum.Add(packet.first(header_bytes));
  if (sum.Checksum() != 0) return Ipv4UdpError::kHeaderChecksum;
  if (at[9] != kProtocolUdp) return Ipv4UdpError::kAnotherProtocol;
  if ((Load16(at + 6) & kFragmentBits) != 0) return Ipv4UdpError::kFragment;
  return ParseUdp(packet.subspan(header_bytes, total_bytes - header_bytes), packet.subspan<12, 8>(),
                  datagram);
}

void WriteIpv4UdpHeader(const UdpDatagram& datagram, std::span<uint8_t, kIpv4UdpHeaderBytes> out) {
  CHECK(datagram.payload.size() <= kUdpPayloadMax);
  const auto udp_bytes = static_cast<uint16_t>(kUdpHeaderBytes + datagram.payload.size());
  uint8_t* const ip = out.data();
  uint8_t* const udp = ip + kIpv4HeaderMin;
  std::memset(ip, 0, out.size());
  ip[0] = 4 << 4 | kIpv4HeaderMin / 4;
  Store16(static_cast<uint16_t>(kIpv4HeaderMin + udp_bytes), ip + 2);
  Store16(kDontFragment, ip + 6);
  ip[8] = kTimeToLive;
  ip[9] = kProtocolUdp;
  Store32(datagram.source.ip.v4(), ip + 12);
  Store32(datagram.destination.ip.v4(), ip + 16);
  ChecksumSum ip_sum;
  ip_sum.Add(out.first<kIpv4HeaderMin>());
  Store16(ip_sum.Checksum(), ip + 10);

  Store16(datagram.source.port, udp);
  Store16(datagram.destination.port, udp + 2);
  Store16(udp_bytes, udp + 4);
  ChecksumSum udp_sum;
  AddPseudoHeader(out.subspan<12, 8>(), udp_bytes, &udp_sum);
  udp_sum.Add(out.subspan<kIpv4HeaderMin, kUdpHeaderBytes>());
  udp_sum.Add(datagram.payload);
  const uint16_t checksum = udp_sum.Checksum();
  // 0 would say that there is none; its other form in one's complement says the same sum.
  Store16(checksum == 0 ? UINT16_MAX : checksum, udp + 6);
}

}  // namespace core::net
