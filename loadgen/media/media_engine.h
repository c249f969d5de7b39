#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "core/base/pool.h"
#include "core/base/random.h"
#include "core/buffer/packet_pool.h"
#include "core/engine/wall_mapping.h"
#include "core/net/packet_io.h"
#include "core/rtp/quality.h"
#include "core/sdp/session_description.h"
#include "core/time/timer_wheel.h"
#include "loadgen/media/call_media.h"
#include "loadgen/media/media_action.h"
#include "loadgen/media/media_checks.h"
#include "loadgen/media/media_ports.h"
#include "loadgen/media/media_record.h"
#include "loadgen/media/media_record_file.h"
#include "loadgen/media/media_statistics.h"

namespace loadgen {

/// What of MediaChecks a call did not keep to.
enum class MediaFault : uint8_t { kNone, kMos, kLoss, kJitter, kOneWay, kDeaf, kGap, kDigits };

/// The audio of a worker's calls: sends what they play, each packet at its time, and measures what
/// they hear. Each call has an end of RTCP, which reports and tells the round trip.
///
/// A packet is due at a tick of the timer wheel, so that all that are due in the same millisecond
/// leave with one submission. Who has fallen kBehindMax behind leaves packets out rather than
/// sending them in a burst.
///
/// Shape:    as many calls at once as ports; kPacketsInFlight packets in a turn.
/// Lifetime: borrows Parts. Nothing is allocated after Open().
/// Errors:   Open() says what is missing; a call without a port, or a packet without memory, is
///           counted.
/// Thread:   one worker's.
class MediaEngine {
 public:
  static constexpr uint32_t kPacketsInFlight = 4096;
  static constexpr core::Duration kBehindMax = std::chrono::milliseconds(200);
  static constexpr core::Duration kLate = std::chrono::milliseconds(200);  // Of a mark.
  static constexpr core::Duration kDigitPacket = std::chrono::milliseconds(20);
  static constexpr int kDigitGapPackets = 3;  // Between two digits: 60 ms (ITU-T Q.24 wants 40).

  struct Parts {
    core::net::PacketIo* io = nullptr;
    core::TimerWheel* timers = nullptr;
    core::Random* random = nullptr;
    const core::engine::WallMapping* wall = nullptr;
    core::Instant wheel_began;        // Where its ticks are counted from.
    bool echo = false;                // -rtp_echo
    bool marks = false;               // --media_marks
    bool rtcp = true;                 // Not with -no_rtcp.
    bool records = false;             // Of each call: --json.
    MediaRecordFile* file = nullptr;  // -trace_media; null: off.
    double pattern_tolerance = 1;     // -audiotolerance: see PatternFailed().
    uint32_t run = 1;                 // In marks: not 0, and another one in each generator.
    MediaPorts::Options ports;
  };
  explicit MediaEngine(const Parts& parts);
  ~MediaEngine();
  MediaEngine(const MediaEngine&) = delete;
  MediaEngine& operator=(const MediaEngine&) = delete;

  /// Opens the ports.
  absl::Status Open() { return ports_.Open(parts_.ports, parts_.io); }

  /// A call's audio. Null when every port has a call.
  CallMedia* Open(uint64_t call_number, core::Instant now);
  void Close(CallMedia* media, std::string_view call_id, core::Instant now);

  /// What a message of the call says, where it has SDP in it: ours, or the peer's.
  void OnOwnMessage(CallMedia* media, std::string_view message, core::Instant now);
  void OnPeerMessage(CallMedia* media, std::string_view message, core::Instant now);

  // What the scenario asks for.
  void Play(CallMedia* media, const PlayAudioAction& play, core::Instant now);
  void Play(CallMedia* media, const PlayPatternAction& play, core::Instant now);
  void Play(CallMedia* media, const PlayPcapAction& play, core::Instant now);
  void Play(CallMedia* media, const DigitList& digits, core::Instant now);
  void Pause(CallMedia* media, bool pause, core::Instant now);
  void Stop(CallMedia* media, core::Instant now);  // All that plays, and RTCP.
  void SetEchoOfAll(bool on) { parts_.echo = on; }
  MediaFault Judge(const CallMedia& media, const MediaChecks& checks, core::Instant now) const;
  /// SIPp's check of a call that sent patterns: whether of its packets the tolerated share, or
  /// more, did not come back as they were. (Those still on their way when the call ends did not.)
  bool PatternFailed(const CallMedia& media) const;

  /// Whether a packet came to one of our ports.
  bool Owns(core::SocketId socket) const { return ports_.Find(socket).pair != MediaPorts::kNone; }
  void OnPacket(core::Packet packet, core::Instant now);

  const MediaStatistics& statistics() const { return statistics_; }
  /// Of the first calls that ended, at most MediaRecord::kRecordsMax.
  std::span<const MediaRecord> records() const { return records_; }
  MediaPorts* ports() { return &ports_; }
  const MediaPorts& ports() const { return ports_; }
  size_t open_calls() const { return calls_.size(); }

 private:
  static void OnAudioTimer(void* owner, core::Timer* timer, core::Instant now);
  static void OnPcapTimer(void* owner, core::Timer* timer, core::Instant now);
  static void OnDigitTimer(void* owner, core::Timer* timer, core::Instant now);
  static void OnRtcpTimer(void* owner, core::Timer* timer, core::Instant now);

  // Sending (media_send.cc).
  struct Outgoing {
    uint8_t payload_type = 0;
    bool marker = false;
    uint32_t timestamp = 0;
    std::span<const uint8_t> payload;
  };
  void StartAudio(CallMedia* media, core::Instant now);
  void SendFrame(CallMedia* media, core::Instant now);
  void LeaveOut(uint64_t packets, core::Duration late);
  void SendPcap(CallMedia* media, core::Instant now);
  void SendDigit(CallMedia* media, core::Instant now);
  void SendRtp(CallMedia* media, const Outgoing& outgoing, core::Instant now);
  core::Packet NewPacket(CallMedia* media);
  void Send(CallMedia* media, core::Packet packet, core::Instant now);
  core::Instant TickAt(core::Instant moment) const;

  // RTCP (media_rtcp.cc).
  void OpenRtcp(CallMedia* media, core::Instant now);
  void NoteSent(CallMedia* media, const core::rtp::PacketView& view, core::Instant now);
  void OnRtcp(CallMedia* media, core::Packet packet);
  void SendReport(CallMedia* media, core::Instant now);
  void LeaveRtcp(CallMedia* media, core::Instant now);
  void SendRtcp(CallMedia* media, std::span<const uint8_t> bytes);

  // What SDP says (media_description.cc).
  bool ParseDescription(std::string_view message);
  static void NoteHold(CallMedia* media);
  void ExpectNothing(CallMedia* media, core::Instant now) const;
  void CountSilence(CallMedia* media, core::Instant now) const;

  // Receiving (media_engine.cc).
  void ReadMark(CallMedia* media, std::span<const uint8_t> payload, core::Instant at);
  void WriteMark(CallMedia* media, std::span<uint8_t> payload, core::Instant now);
  void CountOneWay(core::Duration latency);
  CallIdentity IdentityOf(uint64_t number) const {
    return {parts_.run, static_cast<uint32_t>(number)};
  }
  void NoteForeign(CallMedia* media, const core::rtp::PacketView& view);
  void NoteMisrouted(CallMedia* media, const MediaMark& mark);
  void Measure(CallMedia* media, const core::rtp::PacketView& view, core::Instant at);
  void Note(CallMedia* media, const core::rtp::DtmfReader::Events& events);
  void Settle(CallMedia* media, std::string_view call_id, core::Instant now);
  MediaRecord RecordOf(const CallMedia& media, std::string_view call_id, core::Instant now) const;
  core::rtp::Quality QualityOf(const CallMedia& media) const;

  Parts parts_;
  MediaPorts ports_;
  core::PacketPool packets_;
  core::Pool<CallMedia> calls_;
  std::vector<CallMedia*> by_pair_;
  std::vector<uint64_t> former_numbers_;  // Of the call that had the pair before; 0: none.
  MediaStatistics statistics_;
  std::vector<MediaRecord> records_;
  core::sdp::SessionDescription description_;  // Of the message at hand.
};

/// What a packet of this payload type carries: by our SDP, the peer's, or RFC 3551.
PayloadMeaning FindMeaning(const CallMedia& media, uint8_t payload_type);

}  // namespace loadgen
