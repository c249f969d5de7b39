// A frame from the wire is read inside its bounds, and whatever the parsers accept is written back
// to something that reads the same: Ethernet, ARP, IPv4 and UDP with their checksums.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "core/base/check.h"
#include "core/net/ethernet.h"
#include "core/net/ipv4_udp.h"

namespace {

using core::net::ArpMessage;
using core::net::EthernetHeader;
using core::net::Ipv4UdpError;
using core::net::UdpDatagram;

void RoundTripArp(std::span<const uint8_t> bytes) {
  ArpMessage message;
  if (!core::net::ParseArp(bytes, &message)) return;
  uint8_t written[ArpMessage::kBytes];
  core::net::WriteArp(message, written);
  CHECK(std::memcmp(written, bytes.data(), sizeof(written)) == 0);
}

void RoundTripUdp(std::span<const uint8_t> bytes) {
  UdpDatagram datagram;
  const Ipv4UdpError error = core::net::ParseIpv4Udp(bytes, &datagram);
  if (error != Ipv4UdpError::kOk) return;
  CHECK(datagram.payload.size() + core::net::kIpv4UdpHeaderBytes <= bytes.size());

  std::vector<uint8_t> packet(core::net::kIpv4UdpHeaderBytes + datagram.payload.size());
  const std::span<uint8_t> out(packet);
  core::net::WriteIpv4UdpHeader(datagram, out.first<core::net::kIpv4UdpHeaderBytes>());
  std::copy(datagram.payload.begin(), datagram.payload.end(),
            packet.begin() + core::net::kIpv4UdpHeaderBytes);
  UdpDatagram again;
  CHECK(core::net::ParseIpv4Udp(packet, &again) == Ipv4UdpError::kOk);
  CHECK(again.source == datagram.source && again.destination == datagram.destination);
  CHECK(std::equal(again.payload.begin(), again.payload.end(), datagram.payload.begin(),
                   datagram.payload.end()));
  if (datagram.payload.empty()) return;
  packet.back() ^= 1;
  CHECK(core::net::ParseIpv4Udp(packet, &again) == Ipv4UdpError::kUdpChecksum);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // In a block of its exact size, so that AddressSanitizer sees the first byte read past its end.
  const auto exact = std::make_unique<uint8_t[]>(size);
  if (size > 0) std::memcpy(exact.get(), data, size);
  const std::span<const uint8_t> frame(exact.get(), size);
  EthernetHeader header;
  if (!core::net::ParseEthernet(frame, &header)) {
    CHECK(size < EthernetHeader::kBytes);
    return 0;
  }
  uint8_t written[EthernetHeader::kBytes];
  core::net::WriteEthernet(header, written);
  CHECK(std::memcmp(written, data, sizeof(written)) == 0);
  // Whatever the type says, so that the fuzzer need not find it.
  RoundTripArp(frame.subspan(EthernetHeader::kBytes));
  RoundTripUdp(frame.subspan(EthernetHeader::kBytes));
  return 0;
}
