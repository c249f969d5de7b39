#include "core/net/ethernet.h"

#include <algorithm>

#include "core/net/big_endian.h"

namespace core::net {
namespace {

constexpr uint16_t kHardwareEthernet = 1;
constexpr uint8_t kMacBytes = 6;
constexpr uint8_t kIpv4Bytes = 4;

void LoadMac(const uint8_t* bytes, MacAddress* mac) {
  std::copy_n(bytes, mac->size(), mac->data());
}
void StoreMac(const MacAddress& mac, uint8_t* bytes) { std::ranges::copy(mac, bytes); }

bool IsOneHost(const MacAddress& mac) { return (mac[0] & 1) == 0 && mac != MacAddress{}; }

}  // namespace

bool ParseEthernet(std::span<const uint8_t> frame, EthernetHeader* header) {
  if (frame.size() < EthernetHeader::kBytes) return false;
  LoadMac(frame.data(), &header->destination);
  LoadMac(frame.data() + 6, &header->source);
  header->type = Load16(frame.data() + 12);
  return true;
}

void WriteEthernet(const EthernetHeader& header, std::span<uint8_t, EthernetHeader::kBytes> out) {
  StoreMac(header.destination, out.data());
  StoreMac(header.source, out.data() + 6);
  Store16(header.type, out.data() + 12);
}

bool ParseArp(std::span<const uint8_t> bytes, ArpMessage* message) {
  if (bytes.size() < ArpMessage::kBytes) return false;
  const uint8_t* const at = bytes.data();
  if (Load16(at) != kHardwareEthernet || Load16(at + 2) != kEtherTypeIpv4) return false;
  if (at[4] != kMacBytes || at[5] != kIpv4Bytes) return false;
  const uint16_t operation = Load16(at + 6);
  if (operation != 1 && operation != 2) return false;
  message->operation = static_cast<ArpMessage::Operation>(operation);
  LoadMac(at + 8, &message->sender_mac);
  message->sender_ip = Load32(at + 14);
  LoadMac(at + 18, &message->target_mac);
  message->target_ip = Load32(at + 24);
  return IsOneHost(message->sender_mac);
}

void WriteArp(const ArpMessage& message, std::span<uint8_t, ArpMessage::kBytes> out) {
  uint8_t* const at = out.data();
  Store16(kHardwareEthernet, at);
  Store16(kEtherTypeIpv4, at + 2);
  at[4] = kMacBytes;
  at[5] = kIpv4Bytes;
  Store16(static_cast<uint16_t>(message.operation), at + 6);
  StoreMac(message.sender_mac, at + 8);
  Store32(message.sender_ip, at + 14);
  StoreMac(message.target_mac, at + 18);
  Store32(message.target_ip, at + 24);
}

}  // namespace core::net
