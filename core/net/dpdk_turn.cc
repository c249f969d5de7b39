#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "core/net/dpdk_io.h"

// The turn of DpdkIo: waiting, and what the wire brings.

namespace core::net {
namespace {

constexpr Duration kNapMin = std::chrono::microseconds(50);  // The kernel's timer slack, about.
constexpr size_t kDrainBurstsMax = 256;  // 8,192 frames: more than a queue holds.

}  // namespace

void DpdkIo::FlushAndWait(Instant deadline) {
  ++counters_.turns;
  for (size_t i = 0; i < handed_out_; ++i) ready_[i].Reset();
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<ptrdiff_t>(handed_out_));
  handed_out_ = 0;
  found_work_ = false;

  now_ = clock_->Now();
  SendQueued();
  WaitAndReceive(deadline);
  errors_.NextTurn();
  handed_out_ = std::min<size_t>(ready_.size(), options_.burst_max);
  worked_last_turn_ = found_work_;
}

// After a turn with work, the first nap is the latency budget, in which datagrams gather for one
// turn (rule 6). Without work the naps grow.
void DpdkIo::WaitAndReceive(Instant deadline) {
  const bool must_not_wait = options_.poll || !ready_.empty() || !errors_.empty() || more_in_card_;
  if (worked_last_turn_) nap_ = options_.latency_budget;
  bool waited = false;
  for (;;) {
    const Duration left = deadline == kNever ? Duration::max() : deadline - now_;
    if (!must_not_wait && left > Duration{}) {
      waited = true;
      if (Nap(std::min(std::max(nap_, kNapMin), left))) found_work_ = true;
      now_ = clock_->Now();
    }
    Poll();
    TendHeld();
    if (must_not_wait || found_work_ || !errors_.empty() || now_ >= deadline) break;
    nap_ = std::min(2 * std::max(nap_, kNapMin), std::max(options_.idle_nap_max, nap_));
  }
  if (waited) ++counters_.waits;
}

// True when Wake() ended it.
bool DpdkIo::Nap(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  const timespec time = {seconds.count(), (duration - seconds).count()};
  pollfd wake = {.fd = wake_fd_, .events = POLLIN, .revents = 0};
  ++counters_.system_calls;
  // A signal ends it early, which is as good.
  if (ppoll(&wake, 1, &time, nullptr) <= 0) return false;
  uint64_t wakes = 0;
  ++counters_.system_calls;
  const ssize_t taken = read(wake_fd_, &wakes, sizeof(wakes));
  (void)taken;  // Another turn's wake at worst: it ends one wait more.
  return true;
}

// Bounded by the burst, and by the slots that are free: what finds none stays in the card's queue,
// which is delay and not loss (rule 3). Which pool a frame needs is not known before it is here.
size_t DpdkIo::RoomToReceive() const {
  const size_t burst = options_.burst_max - std::min<size_t>(options_.burst_max, ready_.size());
  return std::min({burst, signalling_.free_count(), media_.free_count()});
}

void DpdkIo::Poll() {
  more_in_card_ = false;
  while (!more_in_card_) {
    const size_t room = std::min(RoomToReceive(), DpdkPort::kBatchMax);
    if (room == 0) {
      more_in_card_ = true;
      if (ready_.size() < options_.burst_max) ++counters_.starved;
      break;
    }
    size_t fetched = 0;
    for (const DpdkPort::Frame frame : port_->Receive(room, &fetched)) OnFrame(frame);
    if (fetched < room) break;
  }
  SendBatch();  // What ARP made us say.
}

// All that the card's queue holds, whatever the burst: frames without a slot are dropped.
void DpdkIo::Drain() {
  now_ = clock_->Now();
  for (size_t i = 0; i < kDrainBurstsMax; ++i) {
    size_t fetched = 0;
    for (const DpdkPort::Frame frame : port_->Receive(DpdkPort::kBatchMax, &fetched)) {
      OnFrame(frame);
    }
    if (fetched == 0) break;
  }
  SendBatch();
}

void DpdkIo::OnFrame(DpdkPort::Frame frame) {
  EthernetHeader header;
  if (!ParseEthernet(frame, &header)) {
    ++dpdk_counters_.malformed;
    return;
  }
  const bool to_us = header.destination == port_->mac();
  const DpdkPort::Frame payload = frame.subspan(EthernetHeader::kBytes);
  if (header.type == kEtherTypeArp && (to_us || header.destination == kBroadcastMac)) {
    OnArp(payload);
  } else if (header.type == kEtherTypeIpv4 && to_us) {
    OnIpv4(payload);
  } else {
    ++dpdk_counters_.not_for_us;
  }
}

// RFC 826, "Packet Reception".
void DpdkIo::OnArp(DpdkPort::Frame payload) {
  ArpMessage message;
  if (!ParseArp(payload, &message)) {
    ++dpdk_counters_.malformed;
    return;
  }
  if (message.sender_ip == address_) {
    if (message.sender_mac != port_->mac()) ++dpdk_counters_.address_conflicts;
    return;
  }
  const bool to_us = message.target_ip == address_;
  // A sender of 0.0.0.0 only asks whether we have the address (RFC 5227 §2.1.1).
  const bool is_neighbour = network_.Contains(IpAddress::FromV4(message.sender_ip));
  if (is_neighbour && neighbours_.OnArp(message, to_us, now_)) SendHeld(message.sender_ip);
  if (!to_us || message.operation != ArpMessage::Operation::kRequest) return;
  AppendArp({.operation = ArpMessage::Operation::kReply,
             .sender_mac = port_->mac(),
             .sender_ip = address_,
             .target_mac = message.sender_mac,
             .target_ip = message.sender_ip},
            message.sender_mac);
  ++dpdk_counters_.arp_replies;
}

void DpdkIo::OnIpv4(DpdkPort::Frame payload) {
  UdpDatagram datagram;
  switch (ParseIpv4Udp(payload, &datagram)) {
    case Ipv4UdpError::kOk:
      break;
    case Ipv4UdpError::kTruncated:
    case Ipv4UdpError::kMalformed:
      ++dpdk_counters_.malformed;
      return;
    case Ipv4UdpError::kHeaderChecksum:
    case Ipv4UdpError::kUdpChecksum:
      ++dpdk_counters_.bad_checksum;
      return;
    case Ipv4UdpError::kFragment:
      ++dpdk_counters_.fragments;
      return;
    case Ipv4UdpError::kAnotherProtocol:
      ++dpdk_counters_.not_for_us;
      return;
  }
  if (datagram.destination.ip != options_.address) {
    ++dpdk_counters_.not_for_us;
    return;
  }
  const uint32_t index = socket_of_port_[datagram.destination.port];
  if (index == kNoSocket) {
    ++dpdk_counters_.unknown_port;
    return;
  }
  Socket& socket = sockets_[index];
  if (socket.reach != nullptr && !socket.reach->Contains(datagram.source.ip)) {
    ++counters_.filtered;
    ++socket.refused;
    return;
  }
  OnDatagram(datagram, &socket);
}

void DpdkIo::OnDatagram(const UdpDatagram& datagram, Socket* socket) {
  PacketPool& pool = socket->group == BufferGroup::kMedia ? media_ : signalling_;
  Packet packet = pool.Acquire();
  if (!packet) {
    ++dpdk_counters_.no_slot;
    return;
  }
  const auto size =
      static_cast<uint32_t>(std::min<size_t>(datagram.payload.size(), packet.capacity()));
  if (size > 0) std::memcpy(packet.data(), datagram.payload.data(), size);
  packet.set_size(size);
  PacketSlot* const slot = packet.slot();
  slot->truncated = size < datagram.payload.size();
  slot->received_at = now_;
  packet.SetRoute({static_cast<uint32_t>(socket - sockets_.data()), socket->generation},
                  socket->local, datagram.source);
  ++counters_.received;
  counters_.received_bytes += size;
  if (slot->truncated) ++counters_.truncated;
  if (size == 0) ++counters_.empty_datagrams;
  ready_.push_back(std::move(packet));
  found_work_ = true;
}

}  // namespace core::net
