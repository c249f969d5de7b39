#include "sbc/media/digit_player.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/rtp/packet_view.h"

namespace sbc {

using core::rtp::DtmfSender;
using core::rtp::PacketView;

namespace {

constexpr uint32_t kTicksPerMs = 8;
constexpr uint16_t kPacketTicks = 20 * kTicksPerMs;  // Where the voice does not tell.
constexpr int32_t kPacketTicksMax = 60 * kTicksPerMs;
constexpr int32_t kTicksMax = 0xffff;
constexpr int32_t kLateTicksMax = 1000 * kTicksPerMs;
constexpr uint32_t kEventPacketBytes = PacketView::kHeaderBytes + DtmfSender::kPayloadBytes;

}  // namespace

DigitPlayer::Verdict DigitPlayer::Queue(const Digit& digit, core::Instant now) {
  if (events_ == 0) return Verdict::kNoEvents;
  if (digit.event > 31 || (events_ >> digit.event & 1) == 0) return Verdict::kNotThatEvent;
  if (!has_heard_ || now - heard_at_ > kSilenceMax) return Verdict::kNoVoice;
  return queue_.PushBack(digit) ? Verdict::kQueued : Verdict::kFull;
}

// How far the voice went on since the packet before: what the event lasts longer by. After a loss,
// or a silence that was not sent, that is more than a packet's time, and right all the same.
uint16_t DigitPlayer::TicksSince(uint32_t timestamp) const {
  const auto ticks = static_cast<int32_t>(timestamp - timestamp_);
  if (playing_) return static_cast<uint16_t>(std::clamp(ticks, 0, kTicksMax));
  return ticks < 1 || ticks > kPacketTicksMax ? kPacketTicks : static_cast<uint16_t>(ticks);
}

// A packet that was overtaken, or came twice. One that is further behind is of a sender that began
// its time anew.
bool DigitPlayer::IsLate(const PacketView& packet) const {
  if (!has_heard_ || packet.ssrc() != ssrc_) return false;
  const auto ahead = static_cast<int32_t>(packet.timestamp() - timestamp_);
  return ahead <= 0 && ahead > -kLateTicksMax;
}

void DigitPlayer::Drop(DigitPlayCounts* counts) {
  counts->dropped += waiting();
  queue_ = {};
  playing_ = false;
  pausing_ = false;
}

bool DigitPlayer::Play(core::Packet* packet, core::Instant now, DigitPlayCounts* counts) {
  PacketView view;
  if (PacketView::Parse(core::rtp::BytesOf(*packet), &view) != core::rtp::PacketError::kOk) {
    return false;
  }
  if (waiting() > 0 && (events_ == 0 || now - heard_at_ > kSilenceMax)) Drop(counts);
  if (playing_ &&
      view.ssrc() != ssrc_) {  // Another sender: nobody would take it for the same digit.
    playing_ = false;
    ++counts->dropped;
  }
  const uint32_t timestamp = view.timestamp();
  const uint16_t ticks = TicksSince(timestamp);
  const bool is_late = IsLate(view);  // It does not turn the time back.
  ssrc_ = view.ssrc();
  if (!is_late) timestamp_ = timestamp;
  heard_at_ = now;
  has_heard_ = true;
  if (pausing_) {
    pausing_ = is_late;
    return false;
  }
  if (!playing_) {
    // An event that begins before the last one did is taken for that one's, and not heard.
    if (is_late || queue_.empty() || packet->capacity() < kEventPacketBytes) return false;
    const Digit digit = queue_[0];
    queue_.EraseAt(0);
    const uint32_t duration = std::min<uint32_t>(digit.duration_ms * kTicksPerMs, kTicksMax);
    sender_.Start({.code = digit.event,
                   .timestamp = timestamp,
                   .duration_ticks = static_cast<uint16_t>(duration)});
    playing_ = true;
  }
  const DtmfSender::Frame frame = sender_.Next(ticks);
  const core::rtp::HeaderFields header = {.marker = frame.marker,
                                          .payload_type = payload_type_,
                                          .sequence_number = view.sequence_number(),
                                          .timestamp = frame.timestamp,
                                          .ssrc = view.ssrc()};
  packet->set_size(kEventPacketBytes);
  const std::span<uint8_t> bytes = core::rtp::BytesOf(*packet);
  core::rtp::WriteHeader(header, bytes.first<PacketView::kHeaderBytes>());
  std::copy(frame.payload.begin(), frame.payload.end(), bytes.data() + PacketView::kHeaderBytes);
  if (sender_.done()) {
    playing_ = false;
    pausing_ = true;
    ++counts->played;
  }
  return true;
}

}  // namespace sbc
