#include "tests/support/media_peer.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/rtp/packet_view.h"

namespace tests {

using core::Instant;
using core::rtp::PacketView;
using core::rtp::PayloadKind;

namespace {

constexpr core::Duration kPacketTime = std::chrono::milliseconds(20);
constexpr uint32_t kPacketTicks = 160;
constexpr uint8_t kKeyEnds = 3;

core::SocketId Open(const core::Endpoint& local, SimIo* io) {
  core::net::SocketOptions options;
  options.local = local;
  return *io->Open(options);
}

}  // namespace

MediaPeer::MediaPeer(const std::string& address, SimNetwork* network, Simulation* simulation)
    : network_(network),
      io_(network),
      rtcp_({.ssrc = ssrc_, .is_sender = true}, network->clock().Now(), &random_) {
  CHECK(core::Endpoint::Parse(address, &local_));
  OpenBoth();
  simulation->Add(this, &io_);
}

void MediaPeer::OpenBoth() {
  rtcp_local_ = {local_.ip, static_cast<uint16_t>(local_.port + 1)};
  socket_ = Open(local_, &io_);
  rtcp_socket_ = Open(rtcp_local_, &io_);
}

void MediaPeer::Move(uint16_t port) {
  CHECK(!talking_);
  io_.Close(socket_);
  io_.Close(rtcp_socket_);
  local_.port = port;
  OpenBoth();
}

Instant MediaPeer::NextDue() const {
  if (!talking_) return core::kNever;
  return with_rtcp_ ? std::min(next_, rtcp_.due()) : next_;
}

void MediaPeer::Turn() {
  io_.FlushAndWait({});
  const Instant now = network_->clock().Now();
  for (core::Packet& packet : io_.Receive()) OnPacket(std::move(packet), now);
  if (!talking_) return;
  while (next_ <= now) {
    if (plays()) {
      SendKey();
    } else if (lose_one_in_ == 0 || ++due_ % lose_one_in_ != 0) {
      SendRtp(voice_type_, timestamp_, std::string(160, 'v'));
      ++sent_;
    } else {
      ++sequence_number_;
    }
    timestamp_ += kPacketTicks;
    next_ += kPacketTime;
  }
  if (with_rtcp_ && rtcp_.due() <= now) SendRtcp(now);
  io_.FlushAndWait({});
}

void MediaPeer::OnPacket(core::Packet packet, Instant now) {
  if (packet.socket() == rtcp_socket_) {
    got_rtcp.emplace_back(packet.text());
    core::rtp::RtcpSession::Incoming incoming;
    (void)rtcp_.OnPacket(core::rtp::BytesOf(packet), now, &incoming);
    return;
  }
  got_whole.emplace_back(packet.text());
  got.emplace_back(packet.text().substr(std::min<size_t>(packet.size(), PacketView::kHeaderBytes)));
  PacketView view;
  if (PacketView::Parse(core::rtp::BytesOf(packet), &view) != core::rtp::PacketError::kOk) return;
  got_numbers.insert(view.sequence_number());
  got_types.push_back(view.payload_type());
  (void)source_.OnPacket(view, now, PayloadKind::kAudio);
}

void MediaPeer::Send(const std::string& payload, const core::Endpoint& to, char type) {
  std::string bytes(PacketView::kHeaderBytes, '\0');
  bytes[0] = '\x80';
  bytes[1] = type;
  core::Packet packet = store_.Copy(bytes + payload);
  packet.SetRoute(socket_, local_, to);
  io_.Send(std::move(packet));
}

void MediaPeer::SendBytes(const std::string& bytes, const core::Endpoint& to) {
  core::Packet packet = store_.Copy(bytes);
  packet.SetRoute(socket_, local_, to);
  io_.Send(std::move(packet));
}

void MediaPeer::SendRtcpBytes(const std::string& bytes, const core::Endpoint& to) {
  core::Packet packet = store_.Copy(bytes);
  packet.SetRoute(rtcp_socket_, rtcp_local_, to);
  io_.Send(std::move(packet));
}

void MediaPeer::Talk(const core::Endpoint& to, bool with_rtcp) {
  talking_ = true;
  with_rtcp_ = with_rtcp;
  to_ = to;
  next_ = network_->clock().Now();
}

void MediaPeer::SkipTime(core::Duration duration) {
  timestamp_ += static_cast<uint32_t>(duration / kPacketTime) * kPacketTicks;
}

void MediaPeer::Press(uint8_t event, char type, bool ends) {
  const char payload[] = {static_cast<char>(event), ends ? '\x8a' : '\x0a', '\x03', '\x20'};
  SendRtp(type, timestamp_, {payload, sizeof(payload)});
}

void MediaPeer::Play(uint8_t event, uint8_t updates) {
  CHECK(talking_ && !plays());
  key_ = event;
  key_updates_ = updates;
  key_packets_left_ = static_cast<uint8_t>(updates + kKeyEnds);
  key_timestamp_ = timestamp_;
}

void MediaPeer::SendKey() {
  const bool ends = key_packets_left_ <= kKeyEnds;
  const int said = ends ? key_updates_ : key_updates_ + kKeyEnds + 1 - key_packets_left_;
  const auto ticks = static_cast<uint16_t>(said * static_cast<int>(kPacketTicks));
  const char payload[] = {static_cast<char>(key_), ends ? '\x8a' : '\x0a',
                          static_cast<char>(ticks >> 8), static_cast<char>(ticks)};
  SendRtp(101, key_timestamp_, {payload, sizeof(payload)}, said == 1 && !ends);
  --key_packets_left_;
}

void MediaPeer::SendRtp(char type, uint32_t timestamp, const std::string& payload, bool marker) {
  std::string bytes(PacketView::kHeaderBytes, '\0');
  core::rtp::WriteHeader({.marker = marker,
                          .payload_type = static_cast<uint8_t>(type),
                          .sequence_number = sequence_number_++,
                          .timestamp = timestamp,
                          .ssrc = ssrc_},
                         std::span<uint8_t, PacketView::kHeaderBytes>(
                             reinterpret_cast<uint8_t*>(bytes.data()), PacketView::kHeaderBytes));
  core::Packet packet = store_.Copy(bytes + payload);
  PacketView view;
  CHECK(PacketView::Parse(core::rtp::BytesOf(packet), &view) == core::rtp::PacketError::kOk);
  rtcp_.OnSent(view, network_->clock().Now(),
               type == voice_type_ ? PayloadKind::kAudio : PayloadKind::kEvent);
  packet.SetRoute(socket_, local_, to_);
  io_.Send(std::move(packet));
}

void MediaPeer::SendRtcp(Instant now) {
  uint8_t bytes[core::rtp::RtcpSession::kCompoundMax];
  const core::WallTime wall{.unix_us = now.time_since_epoch().count() / 1000};
  const size_t size = rtcp_.Report({&source_, core::rtp::Codec::kPcmu}, now, wall, &random_, bytes);
  core::Packet packet = store_.Copy({reinterpret_cast<const char*>(bytes), size});
  sent_rtcp.push_back({now, std::string(packet.text())});
  packet.SetRoute(rtcp_socket_, rtcp_local_, {to_.ip, static_cast<uint16_t>(to_.port + 1)});
  io_.Send(std::move(packet));
}

}  // namespace tests
