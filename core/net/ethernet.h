#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace core::net {

/// An Ethernet address.
using MacAddress = std::array<uint8_t, 6>;
inline constexpr MacAddress kBroadcastMac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/// Values of EthernetHeader::type; others are not for us.
inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeArp = 0x0806;

/// The header of an Ethernet II frame. A VLAN tag is a type that we do not know: where there are
/// VLANs, the card or the kernel takes the tag off before us.
struct EthernetHeader {
  static constexpr size_t kBytes = 14;

  MacAddress destination = {};
  MacAddress source = {};
  uint16_t type = 0;

  friend bool operator==(const EthernetHeader&, const EthernetHeader&) = default;
};

/// False when the frame is shorter than a header. What follows the header is the payload, with the
/// padding of a short frame.
[[nodiscard]] bool ParseEthernet(std::span<const uint8_t> frame, EthernetHeader* header);
void WriteEthernet(const EthernetHeader& header, std::span<uint8_t, EthernetHeader::kBytes> out);

/// An ARP message for IPv4 over Ethernet (RFC 826). Addresses are in host order.
struct ArpMessage {
  static constexpr size_t kBytes = 28;
  enum class Operation : uint16_t { kRequest = 1, kReply = 2 };

  Operation operation = Operation::kRequest;
  MacAddress sender_mac = {};
  uint32_t sender_ip = 0;
  MacAddress target_mac = {};
  uint32_t target_ip = 0;

  friend bool operator==(const ArpMessage&, const ArpMessage&) = default;
};

/// False for what is cut short, of another protocol or hardware, neither request nor reply, or
/// claims an Ethernet address that no host has (zero or a group's). `bytes` follow the Ethernet
/// header; padding behind the message is passed over.
[[nodiscard]] bool ParseArp(std::span<const uint8_t> bytes, ArpMessage* message);
void WriteArp(const ArpMessage& message, std::span<uint8_t, ArpMessage::kBytes> out);

}  // namespace core::net
