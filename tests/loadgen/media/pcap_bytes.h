#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tests {

/// Makes the bytes of pcap files, for tests.
struct PcapBytes {
  struct Datagram {
    int64_t at_us = 0;
    uint16_t port = 4000;
    std::string payload;
  };

  uint32_t link = 1;
  bool big_endian = false;
  bool nanoseconds = false;

  static std::string Big(uint32_t number, size_t bytes) {
    std::string text;
    for (size_t i = bytes; i-- > 0;) text.push_back(static_cast<char>(number >> (8 * i)));
    return text;
  }
  std::string Own(uint32_t number) const {
    const std::string big = Big(number, 4);
    return big_endian ? big : std::string(big.rbegin(), big.rend());
  }

  std::string Header() const {
    const std::string version = big_endian ? Big(0x00020004, 4) : std::string("\2\0\4\0", 4);
    return Own(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4) + version + Own(0) + Own(0) + Own(65535) +
           Own(link);
  }
  std::string Record(int64_t at_us, const std::string& frame) const {
    const auto size = static_cast<uint32_t>(frame.size());
    const auto fraction = static_cast<uint32_t>(at_us % 1'000'000) * (nanoseconds ? 1000 : 1);
    return Own(static_cast<uint32_t>(at_us / 1'000'000)) + Own(fraction) + Own(size) + Own(size) +
           frame;
  }

  static std::string Udp(uint16_t port, const std::string& payload) {
    return Big(5000, 2) + Big(port, 2) + Big(static_cast<uint32_t>(8 + payload.size()), 2) +
           Big(0, 2) + payload;
  }
  static std::string Ipv4(const std::string& udp, uint16_t fragment = 0) {
    return Big(0x4500, 2) + Big(static_cast<uint32_t>(20 + udp.size()), 2) + Big(0, 2) +
           Big(fragment, 2) + Big(0x4011, 2) + Big(0, 2) + Big(0x0a000001, 4) + Big(0x0a000002, 4) +
           udp;
  }
  static std::string Ipv6(const std::string& udp) {
    return Big(0x60000000, 4) + Big(static_cast<uint32_t>(udp.size()), 2) + Big(0x1140, 2) +
           std::string(32, '\1') + udp;
  }
  /// An IP packet in a frame of the link type.
  std::string Frame(const std::string& ip) const {
    const uint32_t type = (ip[0] & 0xf0) == 0x60 ? 0x86dd : 0x0800;
    switch (link) {
      case 0:
        return Own(2) + ip;
      case 1:
        return std::string(12, 'm') + Big(type, 2) + ip;
      case 113:
        return std::string(14, 's') + Big(type, 2) + ip;
      case 276:
        return Big(type, 2) + std::string(18, 's') + ip;
      default:
        return ip;
    }
  }

  std::string File(const std::vector<Datagram>& datagrams) const {
    std::string file = Header();
    for (const Datagram& datagram : datagrams) {
      file += Record(datagram.at_us, Frame(Ipv4(Udp(datagram.port, datagram.payload))));
    }
    return file;
  }
};

}  // namespace tests
