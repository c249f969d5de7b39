#include <algorithm>
#include <cstring>
#include <utility>

#include "core/rtp/packet_view.h"
#include "loadgen/media/media_engine.h"

// What the calls play: each packet when it is due.

namespace loadgen {
namespace {

using core::Instant;
using core::Packet;
using core::rtp::PacketView;
using core::rtp::PayloadKind;

constexpr uint8_t kSippEventType = 96;  // What SIPp takes whatever the SDP says.
constexpr std::chrono::milliseconds kTick{1};

// The next packet's payload; false when the clip is over. The end of one round and the beginning of
// the next share a packet; what the last of all leaves free is silence.
bool FillFrame(AudioPlay* play, std::span<uint8_t> frame) {
  if (play->clip == nullptr) {
    std::fill(frame.begin(), frame.end(), play->pattern);
    return true;
  }
  const std::vector<uint8_t>& bytes = play->clip->bytes;
  size_t filled = 0;
  while (filled < frame.size()) {
    if (play->at == bytes.size()) {
      if (play->loops_left == 1) break;
      if (play->loops_left > 1) --play->loops_left;
      play->at = 0;
    }
    const size_t count = std::min(frame.size() - filled, bytes.size() - play->at);
    std::memcpy(frame.data() + filled, bytes.data() + play->at, count);
    filled += count;
    play->at += count;
  }
  std::fill(frame.begin() + static_cast<std::ptrdiff_t>(filled), frame.end(), play->format.silence);
  return filled > 0;
}

}  // namespace

void MediaEngine::OnAudioTimer(void* owner, core::Timer*, Instant now) {
  auto* media = static_cast<CallMedia*>(owner);
  media->engine->SendFrame(media, now);
}

void MediaEngine::OnPcapTimer(void* owner, core::Timer*, Instant now) {
  auto* media = static_cast<CallMedia*>(owner);
  media->engine->SendPcap(media, now);
}

void MediaEngine::OnDigitTimer(void* owner, core::Timer*, Instant now) {
  auto* media = static_cast<CallMedia*>(owner);
  media->engine->SendDigit(media, now);
}

// Due moments are ticks: a timer that had to wait for its tick would be late for nothing.
Instant MediaEngine::TickAt(Instant moment) const {
  const core::Duration since = moment - parts_.wheel_began;
  const auto rest = since % kTick;
  return rest == core::Duration{0} ? moment : moment + (kTick - rest);
}

void MediaEngine::Play(CallMedia* media, const PlayAudioAction& play, Instant now) {
  media->audio = {
      .clip = play.clip, .format = play.clip->format, .loops_left = play.loops, .due = {}};
  StartAudio(media, now);
}

void MediaEngine::Play(CallMedia* media, const PlayPatternAction& play, Instant now) {
  media->audio = {.pattern = play.pattern, .format = play.format, .due = {}};
  media->pattern_sent = play.pattern;
  media->pattern_bytes = play.format.frame_bytes;
  StartAudio(media, now);
}

void MediaEngine::StartAudio(CallMedia* media, Instant now) {
  media->audio.due = TickAt(now);
  media->out.marker = true;
  parts_.timers->Arm(&media->audio_timer, media->audio.due);
  CountSilence(media, now);
}

void MediaEngine::Pause(CallMedia* media, bool pause, Instant now) {
  if (!media->audio.plays() || media->audio.paused == pause) return;
  media->audio.paused = pause;
  if (pause) {
    parts_.timers->Disarm(&media->audio_timer);
    return CountSilence(media, now);
  }
  StartAudio(media, now);
}

void MediaEngine::Stop(CallMedia* media, Instant now) {
  LeaveRtcp(media, now);
  media->audio = {};
  media->pcap = {};
  media->digits = {};
  for (core::Timer* timer : {&media->audio_timer, &media->pcap_timer, &media->digit_timer}) {
    parts_.timers->Disarm(timer);
  }
  ExpectNothing(media, now);
}

void MediaEngine::SendFrame(CallMedia* media, Instant now) {
  AudioPlay& play = media->audio;
  const core::Duration frame_time = std::chrono::milliseconds(play.format.frame_ms);
  if (now - play.due > kBehindMax) {
    const auto missed = (now - play.due) / frame_time;
    LeaveOut(static_cast<uint64_t>(missed), now - play.due);
    play.due += missed * frame_time;
  }
  std::array<uint8_t, AudioFormat::kFrameBytesMax> memory;
  const std::span<uint8_t> frame(memory.data(), play.format.frame_bytes);
  if (!FillFrame(&play, frame)) {
    play = {};
    return CountSilence(media, now);
  }
  if (!media->digits.on) {
    statistics_.send_late_us.Record((now - play.due) / std::chrono::microseconds(1));
    const uint64_t sent_before = media->packets_sent;
    SendRtp(media,
            {.payload_type = play.format.payload_type,
             .marker = std::exchange(media->out.marker, false),
             .timestamp = media->out.TimestampAt(play.due),
             .payload = frame},
            now);
    if (play.clip == nullptr) media->pattern_packets_sent += media->packets_sent - sent_before;
  }
  play.due += frame_time;
  parts_.timers->Arm(&media->audio_timer, play.due);
}

// What is left out is as late as the first of it, or a stall would be the better the longer it is.
void MediaEngine::LeaveOut(uint64_t packets, core::Duration late) {
  statistics_.frames_skipped += packets;
  statistics_.send_late_us.Record(late / std::chrono::microseconds(1), packets);
}

void MediaEngine::Play(CallMedia* media, const PlayPcapAction& play, Instant now) {
  media->pcap = {.clip = play.clip, .next = 0, .began = TickAt(now)};
  parts_.timers->Arm(&media->pcap_timer, media->pcap.began);
  CountSilence(media, now);
}

// As it was captured, header included (SIPp).
void MediaEngine::SendPcap(CallMedia* media, Instant now) {
  PcapPlay& play = media->pcap;
  for (; play.next < play.clip->packets.size(); ++play.next) {
    const PcapClip::Packet& captured = play.clip->packets[play.next];
    const Instant due = play.began + captured.at;
    if (due > now) return parts_.timers->Arm(&media->pcap_timer, due);
    if (now - due > kBehindMax) {
      LeaveOut(1, now - due);
      continue;
    }
    statistics_.send_late_us.Record((now - due) / std::chrono::microseconds(1));
    Packet packet = NewPacket(media);
    if (!packet) continue;
    const std::span<const uint8_t> bytes = play.clip->bytes_of(captured);
    std::memcpy(packet.data(), bytes.data(), bytes.size());
    packet.set_size(captured.size);
    Send(media, std::move(packet), now);
  }
  play = {};
  CountSilence(media, now);
}

void MediaEngine::Play(CallMedia* media, const DigitList& digits, Instant now) {
  media->digits = {.list = digits, .next = 0, .gap_left = 0, .on = true, .sender = {}, .due = {}};
  media->digits.due = TickAt(now);
  parts_.timers->Arm(&media->digit_timer, media->digits.due);
  CountSilence(media, now);
}

void MediaEngine::SendDigit(CallMedia* media, Instant now) {
  DigitPlay& play = media->digits;
  const std::string_view digits = play.list.digits.view();
  if (play.sender.done() && play.gap_left == 0) {
    if (play.next == digits.size()) {
      play.on = false;
      media->out.marker = true;
      return CountSilence(media, now);
    }
    constexpr int kTicksPerMs = AudioFormat::kClockRateHz / 1000;
    const auto ms = play.list.duration / std::chrono::milliseconds(1);
    play.sender.Start({.code = core::rtp::EventOf(digits[play.next]).value_or(0),
                       .timestamp = media->out.TimestampAt(play.due),
                       .duration_ticks = static_cast<uint16_t>(ms * kTicksPerMs),
                       .packet_ticks = static_cast<uint16_t>(
                           kDigitPacket / std::chrono::milliseconds(1) * kTicksPerMs)});
    ++play.next;
  }
  if (!play.sender.done()) {
    statistics_.send_late_us.Record((now - play.due) / std::chrono::microseconds(1));
    const core::rtp::DtmfSender::Frame frame = play.sender.Next();
    SendRtp(media,
            {.payload_type = media->peer_event_type != 0 ? media->peer_event_type : kSippEventType,
             .marker = frame.marker,
             .timestamp = frame.timestamp,
             .payload = frame.payload},
            now);
    if (play.sender.done()) play.gap_left = kDigitGapPackets;
  } else {
    --play.gap_left;
  }
  play.due = now - play.due > kBehindMax ? TickAt(now) : play.due + kDigitPacket;
  parts_.timers->Arm(&media->digit_timer, play.due);
}

Packet MediaEngine::NewPacket(CallMedia* media) {
  if (media->remote.port == 0) {
    ++statistics_.unsent;
    return {};
  }
  Packet packet = packets_.Acquire();
  if (!packet) ++statistics_.sends_dry;
  return packet;
}

void MediaEngine::SendRtp(CallMedia* media, const Outgoing& outgoing, Instant now) {
  Packet packet = NewPacket(media);
  if (!packet) return;
  auto* bytes = reinterpret_cast<uint8_t*>(packet.data());
  core::rtp::WriteHeader({.marker = outgoing.marker,
                          .payload_type = outgoing.payload_type,
                          .sequence_number = media->out.sequence_number++,
                          .timestamp = outgoing.timestamp,
                          .ssrc = media->out.ssrc},
                         std::span<uint8_t, PacketView::kHeaderBytes>(bytes, 12));
  std::memcpy(bytes + PacketView::kHeaderBytes, outgoing.payload.data(), outgoing.payload.size());
  packet.set_size(static_cast<uint32_t>(PacketView::kHeaderBytes + outgoing.payload.size()));
  Send(media, std::move(packet), now);
}

void MediaEngine::WriteMark(CallMedia* media, std::span<uint8_t> payload, Instant now) {
  if (payload.size() < MediaMark::kBytes) {
    ++statistics_.unmarked_sent;
    ++media->unmarked_sent;
    return;
  }
  const MediaMark mark{.sender = IdentityOf(media->number),
                       .heard = media->marks.peer(),
                       .sequence = media->marks_sent++,
                       .sent = now};
  mark.Write(payload);
  ++statistics_.marked_sent;
}

void MediaEngine::Send(CallMedia* media, Packet packet, Instant now) {
  PacketView view;  // A capture's may be anything.
  if (PacketView::Parse(core::rtp::BytesOf(packet), &view) == core::rtp::PacketError::kOk) {
    NoteSent(media, view, now);
    const bool is_audio = FindMeaning(*media, view.payload_type()).kind == PayloadKind::kAudio;
    const auto payload =
        core::rtp::BytesOf(packet).subspan(view.header_size(), view.payload().size());
    if (parts_.marks) WriteMark(media, is_audio ? payload : std::span<uint8_t>(), now);
  }
  const MediaPorts::Pair& pair = ports_.pair(media->pair);
  packet.SetRoute(pair.rtp, pair.local, media->remote);
  ++statistics_.packets_sent;
  statistics_.bytes_sent += packet.size();
  ++media->packets_sent;
  parts_.io->Send(std::move(packet));
}

}  // namespace loadgen
