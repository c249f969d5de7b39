#include "core/rtp/dtmf.h"

#include <algorithm>
#include <string_view>

namespace core::rtp {
namespace {

constexpr std::string_view kDigits = "0123456789*#ABCD";
constexpr size_t kReportBytes = 4;
constexpr uint32_t kSegmentMax = 0xffff;
constexpr uint32_t kOvertakenMax = 2 * kSegmentMax;  // 16 s at 8 kHz, 2.7 s at 48 kHz.

}  // namespace

char DigitOf(uint8_t event) { return event < kDigits.size() ? kDigits[event] : '\0'; }

std::optional<uint8_t> EventOf(char digit) {
  if (digit >= 'a' && digit <= 'd') digit = static_cast<char>(digit - 'a' + 'A');
  const size_t at = kDigits.find(digit);
  if (digit == '\0' || at == std::string_view::npos) return std::nullopt;
  return static_cast<uint8_t>(at);
}

DtmfReader::Events DtmfReader::OnPacket(const PacketView& packet) {
  Events events;
  const std::span<const uint8_t> payload = packet.payload();
  if (payload.empty() || payload.size() % kReportBytes != 0 ||
      payload.size() > kReportsMax * kReportBytes) {
    ++malformed_;
    return events;
  }
  if (packet.ssrc() != ssrc_) {
    if (on_) End(&events);  // Its own end was lost.
    ssrc_ = packet.ssrc();
    known_ = false;
  }
  // Events that share a packet follow each other without a pause (§2.5.1.5).
  uint32_t timestamp = packet.timestamp();
  for (size_t at = 0; at < payload.size(); at += kReportBytes) {
    const Report report = {.code = payload[at],
                           .end = (payload[at + 1] & 0x80) != 0,
                           .duration = LoadBig16(payload.data() + at + 2)};
    OnReport(report, timestamp, packet.marker() && at == 0, &events);
    timestamp += report.duration;
  }
  return events;
}

void DtmfReader::OnReport(const Report& report, uint32_t timestamp, bool marker, Events* events) {
  const bool same = known_ && timestamp == timestamp_ && report.code == code_;
  // §2.5.1.3: where one segment ends the next begins, without a marker. A full segment is known by
  // its distance, for its last packets may be lost.
  const uint32_t distance = timestamp - timestamp_;
  const bool next_segment = on_ && report.code == code_ && !marker && distance > 0 &&
                            (distance == segment_ticks_ || distance == kSegmentMax);
  const uint32_t behind = 0 - distance;
  if (known_ && distance != 0 && behind <= kOvertakenMax) return;  // Of an event that is over.
  if (next_segment) {
    earlier_segments_ += distance;
    timestamp_ = timestamp;
    segment_ticks_ = 0;
  } else if (!same) {
    if (on_) End(events);  // Its own end was lost.
    known_ = true;
    on_ = true;
    code_ = report.code;
    timestamp_ = timestamp;
    began_ = timestamp;
    earlier_segments_ = 0;
    segment_ticks_ = 0;
    CHECK(events->PushBack({.kind = Event::Kind::kStart,
                            .code = code_,
                            .timestamp = began_,
                            .duration_ticks = report.duration}));
  }
  if (!on_) return;  // Ended before: its end is repeated.
  segment_ticks_ = std::max<uint32_t>(segment_ticks_, report.duration);
  if (report.end) End(events);
}

void DtmfReader::End(Events* events) {
  on_ = false;
  CHECK(events->PushBack({.kind = Event::Kind::kEnd,
                          .code = code_,
                          .timestamp = began_,
                          .duration_ticks = earlier_segments_ + segment_ticks_}));
}

DtmfReader::Events DtmfReader::Finish() {
  Events events;
  if (on_) End(&events);
  return events;
}

void DtmfSender::Start(const Digit& digit) {
  digit_ = digit;
  digit_.packet_ticks = std::max<uint16_t>(digit.packet_ticks, 1);
  digit_.duration_ticks = std::max<uint16_t>(digit.duration_ticks, 1);
  told_ = 0;
  ends_left_ = kEndsSent;
}

DtmfSender::Frame DtmfSender::Next(uint16_t ticks) {
  CHECK(!done());
  const bool marker = told_ == 0;
  told_ = static_cast<uint16_t>(std::min<uint32_t>(uint32_t{told_} + ticks, digit_.duration_ticks));
  const bool end = told_ == digit_.duration_ticks;
  if (end) --ends_left_;
  return {.marker = marker,
          .timestamp = digit_.timestamp,
          .payload = {digit_.code, static_cast<uint8_t>((end ? 0x80 : 0) | (digit_.volume & 0x3f)),
                      static_cast<uint8_t>(told_ >> 8), static_cast<uint8_t>(told_)}};
}

}  // namespace core::rtp
