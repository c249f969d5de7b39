#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/net/dpdk_io.h"

// What DpdkIo sends: datagrams behind the headers that are written for them, and ARP.

namespace core::net {
namespace {

constexpr size_t kHeaderBytes = EthernetHeader::kBytes + kIpv4UdpHeaderBytes;

}  // namespace

void DpdkIo::Send(Packet packet) {
  CHECK(static_cast<bool>(packet));
  if (queued_.size() == options_.send_queue_length) SendQueued();
  queued_.push_back(std::move(packet));
}

void DpdkIo::SendQueued() {
  for (const Packet& packet : queued_) {
    const int error = Transmit(packet);
    if (error != 0) Fail(packet, error);
  }
  queued_.clear();
  SendBatch();
}

// 0 when it is on its way, held, or was counted as dropped.
int DpdkIo::Transmit(const Packet& packet) {
  const Socket* socket = Find(packet.socket());
  if (socket == nullptr) return EBADF;
  if (packet.size() + kIpv4UdpHeaderBytes > port_->mtu()) return EMSGSIZE;
  uint32_t next_hop = 0;
  if (const int error = NextHop(packet.remote().ip, &next_hop); error != 0) return error;
  const Neighbours::Answer neighbour = neighbours_.Find(next_hop, now_);
  if (neighbour.mac == nullptr) {
    Hold(packet, next_hop);
  } else if (!AppendDatagram(packet, socket->local, *neighbour.mac)) {
    ++counters_.send_dropped;
  }
  if (neighbour.ask) AskFor(next_hop);
  return 0;
}

int DpdkIo::NextHop(const IpAddress& destination, uint32_t* next_hop) const {
  if (!destination.is_v4()) return EAFNOSUPPORT;
  if (destination == options_.address) return EHOSTUNREACH;
  if (network_.Contains(destination)) {
    *next_hop = destination.v4();
  } else if (options_.gateway && !destination.is_multicast()) {
    *next_hop = options_.gateway->v4();
  } else {
    return ENETUNREACH;
  }
  return 0;
}

// False when the card's buffers are all in use.
bool DpdkIo::AppendDatagram(const Packet& packet, const Endpoint& local, const MacAddress& mac) {
  if (port_->batch_full()) SendBatch();
  uint8_t* const frame = port_->Append(kHeaderBytes + packet.size());
  if (frame == nullptr) return false;
  const std::string_view text = packet.text();
  // From the frame, not the packet: the checksum is then over bytes that are in the cache.
  if (!text.empty()) std::memcpy(frame + kHeaderBytes, text.data(), text.size());
  WriteEthernet({.destination = mac, .source = port_->mac(), .type = kEtherTypeIpv4},
                std::span<uint8_t, EthernetHeader::kBytes>(frame, EthernetHeader::kBytes));
  WriteIpv4UdpHeader(
      {.source = local,
       .destination = packet.remote(),
       .payload = {frame + kHeaderBytes, text.size()}},
      std::span<uint8_t, kIpv4UdpHeaderBytes>(frame + EthernetHeader::kBytes, kIpv4UdpHeaderBytes));
  batch_bytes_[port_->batch_size() - 1] = packet.size();
  return true;
}

void DpdkIo::AppendArp(const ArpMessage& message, const MacAddress& destination) {
  if (port_->batch_full()) SendBatch();
  uint8_t* const frame = port_->Append(EthernetHeader::kBytes + ArpMessage::kBytes);
  if (frame == nullptr) return;  // It is asked for again.
  WriteEthernet({.destination = destination, .source = port_->mac(), .type = kEtherTypeArp},
                std::span<uint8_t, EthernetHeader::kBytes>(frame, EthernetHeader::kBytes));
  WriteArp(message, std::span<uint8_t, ArpMessage::kBytes>(frame + EthernetHeader::kBytes,
                                                           ArpMessage::kBytes));
  batch_bytes_[port_->batch_size() - 1] = kNotADatagram;
}

void DpdkIo::AskFor(uint32_t address) {
  AppendArp({.operation = ArpMessage::Operation::kRequest,
             .sender_mac = port_->mac(),
             .sender_ip = address_,
             .target_mac = {},
             .target_ip = address},
            kBroadcastMac);
  ++dpdk_counters_.arp_requests;
}

void DpdkIo::Hold(const Packet& packet, uint32_t next_hop) {
  Packet copy = held_pool_.Acquire();
  if (!copy) {
    ++counters_.send_dropped;
    return;
  }
  const std::string_view text = packet.text();
  if (!text.empty()) std::memcpy(copy.data(), text.data(), text.size());
  copy.set_size(packet.size());
  copy.SetRoute(packet.socket(), packet.local(), packet.remote());
  held_.push_back({std::move(copy), next_hop, now_ + kHoldTime});
}

// Its neighbour is known now.
void DpdkIo::SendHeld(uint32_t next_hop) {
  const auto is_its = [next_hop](const Held& held) { return held.next_hop == next_hop; };
  for (const Held& held : held_) {
    if (!is_its(held)) continue;
    const int error = Transmit(held.packet);
    if (error != 0) Fail(held.packet, error);
  }
  std::erase_if(held_, is_its);
}

// Asks again for what is awaited, and gives up what has waited too long.
void DpdkIo::TendHeld() {
  if (held_.empty()) return;
  for (const Held& held : held_) {
    if (now_ >= held.until) {
      Fail(held.packet, EHOSTUNREACH);
    } else if (neighbours_.Find(held.next_hop, now_).ask) {
      AskFor(held.next_hop);
    }
  }
  std::erase_if(held_, [&](const Held& held) { return now_ >= held.until; });
  SendBatch();
}

void DpdkIo::Fail(const Packet& packet, int error) {
  ++counters_.send_errors;
  if (Find(packet.socket()) == nullptr) return;  // Nobody is there to be told.
  errors_.Add(packet.socket(), packet.remote(), error, packet.text());
}

void DpdkIo::SendBatch() {
  if (port_->batch_size() == 0) return;
  const size_t size = port_->batch_size();
  const size_t taken = port_->SendBatch();
  ++counters_.system_calls;  // Of the drivers of software; a card's own need none.
  for (size_t i = 0; i < size; ++i) {
    if (batch_bytes_[i] == kNotADatagram) continue;
    if (i < taken) {
      ++counters_.sent;
      counters_.sent_bytes += batch_bytes_[i];
    } else {
      ++counters_.send_dropped;
    }
  }
}

}  // namespace core::net
