#include "core/rtp/source.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace core::rtp {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

uint32_t Distance(uint32_t a, uint32_t b) {  // Of two timestamps or transits, either way round.
  const auto signed_distance = static_cast<int32_t>(a - b);
  return signed_distance < 0 ? 0u - static_cast<uint32_t>(signed_distance)
                             : static_cast<uint32_t>(signed_distance);
}

}  // namespace

StreamCounts StreamCounts::Since(const StreamCounts& earlier) const {
  return {.packets = packets - earlier.packets,
          .expected = expected - earlier.expected,
          .duplicates = duplicates - earlier.duplicates,
          .reordered = reordered - earlier.reordered,
          .late = late - earlier.late,
          .refused = refused - earlier.refused,
          .loss_runs = loss_runs - earlier.loss_runs,
          .ssrc_changes = ssrc_changes - earlier.ssrc_changes,
          .restarts = restarts - earlier.restarts,
          .payload_switches = payload_switches - earlier.payload_switches,
          .timestamp_jumps = timestamp_jumps - earlier.timestamp_jumps,
          .buffer_packets = buffer_packets - earlier.buffer_packets,
          .buffer_sum = buffer_sum - earlier.buffer_sum,
          .bytes = bytes - earlier.bytes};
}

Source::Source(const Config& config)
    : buffer_min_ms_(
          static_cast<uint16_t>(std::clamp<int64_t>(config.buffer_min.count(), 0, 10000))),
      buffer_max_ms_(
          static_cast<uint16_t>(std::clamp<int64_t>(config.buffer_max.count(), 0, 10000))) {
  SetClockRate(config.clock_rate_hz);
}

void Source::SetClockRate(uint32_t clock_rate_hz) {
  clock_rate_hz = std::clamp<uint32_t>(clock_rate_hz, 1, kClockRateMax);  // A peer's SDP said it.
  if (clock_rate_hz == clock_rate_hz_) return;
  if (clock_rate_hz_ > 0) {
    totals_.buffer_sum += ToDuration(buffer_.TakeDepthSum());
    const auto convert = [&](uint32_t ticks) {
      return static_cast<uint32_t>(std::min<uint64_t>(
          uint64_t{ticks} * clock_rate_hz / clock_rate_hz_, std::numeric_limits<uint32_t>::max()));
    };
    jitter_16_ = convert(jitter_16_);
    jitter_max_16_ = convert(jitter_max_16_);
    packet_ticks_ = convert(packet_ticks_);
    former_.jitter_16 = convert(former_.jitter_16);
    timed_ = false;
  }
  clock_rate_hz_ = clock_rate_hz;
  // Rounded up, so that a whole number of ticks comes out whole.
  ticks_per_ns_64_ =
      static_cast<uint64_t>(((Window{clock_rate_hz} << 64) + kNsPerSecond - 1) / kNsPerSecond);
  buffer_.SetDepth(DepthTicks());
  buffer_.Restart();
}

JitterBufferModel::Depth Source::DepthTicks() const {
  return {static_cast<uint32_t>(uint64_t{buffer_min_ms_} * clock_rate_hz_ / 1000),
          static_cast<uint32_t>(uint64_t{buffer_max_ms_} * clock_rate_hz_ / 1000)};
}

Arrival Source::OnPacket(const PacketView& packet, Instant now, PayloadKind kind,
                         uint32_t clock_rate_hz) {
  if (active_ && packet.ssrc() == ssrc_) [[likely]] {
    return OnMember(packet, now, kind);
  }
  return OnStranger(packet, now, kind, clock_rate_hz);
}

Arrival Source::OnMember(const PacketView& packet, Instant now, PayloadKind kind) {
  const auto ahead = static_cast<uint16_t>(packet.sequence_number() - highest_);
  if (ahead != 0 && ahead < kDropoutMax) [[likely]] {
    if (pause_left_ > 0) [[unlikely]] {
      AdvancePaused(ahead, now);
    } else {
      Advance(ahead);
    }
    Count(packet, 0, now, kind);
    return Arrival::kInOrder;
  }
  const auto behind = static_cast<uint16_t>(0 - ahead);
  if (behind < kMisorderMax) return OnBehind(packet, behind, now, kind);
  return OnStranger(packet, now, kind, 0);
}

Arrival Source::OnBehind(const PacketView& packet, uint16_t behind, Instant now, PayloadKind kind) {
  if (behind < window_count_) {
    if ((had_ >> behind & 1) != 0) {
      ++totals_.duplicates;
      ++received_;
      return Arrival::kDuplicate;
    }
  } else if (highest_ - behind <= settled_to_) {  // What it was is told already, lost or not.
    ++totals_.duplicates;
    ++received_;
    return Arrival::kDuplicate;
  } else {  // Before the first that came: the stream began, or went on, earlier than we thought.
    const uint32_t more = behind + 1u - window_count_;
    base_ -= more;
    if (settled_to_ != 0) skipped_ -= more;
    window_count_ = behind + 1u;
  }
  ++totals_.reordered;
  Count(packet, behind, now, kind);
  return Arrival::kReordered;
}

// Rule 23 in the statistics, which a new SSRC begins anew: it is accepted, but not each time.
bool Source::MayChange(const PacketView& packet, Instant now, PayloadKind kind) const {
  if (kind == PayloadKind::kEvent) return false;  // No voice will follow under that SSRC.
  if (former_.highest != 0 && packet.ssrc() == former_.ssrc) {  // That begins nothing anew.
    const auto behind = static_cast<uint16_t>(former_.highest - packet.sequence_number());
    return behind >= kMisorderMax;  // Else it was sent before the change.
  }
  return totals_.ssrc_changes == 0 || now - last_change_ >= kSsrcChangeMin;
}

void Source::Refuse(uint32_t ssrc) {
  ++totals_.refused;
  // Who gets the stream from us has it all the same.
  if (former_.highest != 0 && ssrc == former_.ssrc) --former_.skipped;
}

// Either another SSRC, or a sequence number that is out of all reach (A.1's bad_seq).
Arrival Source::OnStranger(const PacketView& packet, Instant now, PayloadKind kind,
                           uint32_t clock_rate_hz) {
  const bool change = active_ && packet.ssrc() != ssrc_;
  if (change && !MayChange(packet, now, kind)) {
    Refuse(packet.ssrc());
    return Arrival::kRefused;
  }
  const int distance = static_cast<int16_t>(packet.sequence_number() - candidate_.sequence_number);
  // Events alone are no voice that could be in the way of one.
  const bool gives_way =
      !change || last_payload_type_ == kNoPayloadType || last_arrival_ <= candidate_.arrival;
  const bool proved = candidate_.held && candidate_.ssrc == packet.ssrc() && distance != 0 &&
                      std::abs(distance) < kMisorderMax && gives_way;
  if (!proved) {
    if (candidate_.held) Refuse(candidate_.ssrc);
    candidate_ = {
        .arrival = now,
        .ssrc = packet.ssrc(),
        .bytes = static_cast<uint32_t>(packet.size()),
        .timestamp = packet.timestamp(),
        .clock_rate_hz = clock_rate_hz,
        .sequence_number = packet.sequence_number(),
        .payload_type = kind == PayloadKind::kAudio ? packet.payload_type() : kNoPayloadType,
        .is_timed = kind != PayloadKind::kEvent,
        .held = true};
    return Arrival::kProbation;
  }
  Begin(now);
  return OnMember(packet, now, kind);
}

void Source::Pause() {
  pause_left_ = kInFlightMax;
  if (candidate_.held) Refuse(candidate_.ssrc);  // What follows the pause proves nothing of it.
  candidate_.held = false;
}

void Source::AdvancePaused(uint16_t steps, Instant now) {
  const bool in_flight = now - last_arrival_ <= kInFlightGap;
  pause_left_ = in_flight ? static_cast<uint8_t>(pause_left_ - 1) : uint8_t{0};
  if (in_flight && steps == 1) {
    Advance(steps);
  } else {
    Resume(steps, now);
  }
}

// The first packet behind a pause. What was before it is settled: a loss there and one here are no
// burst, and what came late from there changes nothing.
void Source::Resume(uint16_t steps, Instant now) {
  Settle(window_count_, &bursts_);
  bursts_.Break();
  settled_to_ = highest_;
  highest_ += steps;
  base_ += steps - 1u;
  skipped_ += steps - 1u;
  window_count_ = 1;
  had_ = 0;
  played_ = 0;
  last_arrival_ = now;
  timed_ = false;
  buffer_.Restart();
}

// A.1's init_seq(), with what the candidate was held for.
void Source::Begin(Instant now) {
  if (candidate_.clock_rate_hz != 0) SetClockRate(candidate_.clock_rate_hz);
  if (active_) {
    Settle(window_count_, &bursts_);
    bursts_.Break();
    totals_.expected += expected_of_ssrc();
    if (pause_left_ == 0) longest_gap_ = std::max(longest_gap_, candidate_.arrival - last_arrival_);
    last_arrival_ = std::max(last_arrival_, candidate_.arrival);
  } else {
    origin_ = candidate_.arrival;
    last_arrival_ = candidate_.arrival;
  }
  BeginSsrc(now);
  active_ = true;
  pause_left_ = 0;
  window_count_ = 1;
  had_ = 1;
  played_ = 1;
  ++received_;
  timed_ = candidate_.is_timed;
  transit_ = TicksAt(candidate_.arrival) - candidate_.timestamp;
  last_timestamp_ = candidate_.timestamp;
  last_sequence_ = candidate_.sequence_number;
  buffer_.Restart();
  ++totals_.packets;
  totals_.bytes += candidate_.bytes;
  NotePayloadType(candidate_.payload_type);
  candidate_.held = false;
}

void Source::NotePayloadType(uint8_t payload_type) {
  if (payload_type == last_payload_type_ || payload_type == kNoPayloadType) return;
  if (last_payload_type_ != kNoPayloadType) ++totals_.payload_switches;
  last_payload_type_ = payload_type;
}

// What is counted by SSRC, up to the candidate: from nothing, or from where it was left.
void Source::BeginSsrc(Instant now) {
  const bool change = active_ && candidate_.ssrc != ssrc_;
  const auto steps = static_cast<uint16_t>(candidate_.sequence_number - former_.highest);
  const bool returns =
      change && former_.highest != 0 && candidate_.ssrc == former_.ssrc && steps < kDropoutMax;
  const uint32_t first = kFirstCycle + candidate_.sequence_number;
  const Former from =
      returns ? former_ : Former{.ssrc = candidate_.ssrc, .highest = first - 1, .base = first};
  if (change) {
    former_ = {ssrc_, highest_, base_, received_, skipped_, jitter_16_};
    ++totals_.ssrc_changes;
    if (!returns) last_change_ = now;
    jitter_16_ = from.jitter_16;
    jitter_known_ = returns;
  } else if (active_) {
    ++totals_.restarts;
  }
  ssrc_ = from.ssrc;
  highest_ = from.highest;
  base_ = from.base;
  received_ = from.received;
  skipped_ = from.skipped;
  totals_.expected -= expected_of_ssrc();  // It is the present one's again.
  expected_prior_ = expected_of_ssrc();
  received_prior_ = received_;
  settled_to_ = returns ? highest_ : 0;
  const uint32_t skips = returns ? steps - 1u : 0;
  highest_ += skips + 1;
  base_ += skips;
  skipped_ += skips;
}

void Source::Advance(uint16_t steps) {
  highest_ += steps;
  if (steps == 1) [[likely]] {
    if (window_count_ == kWindowBits) {
      if ((played_ >> (kWindowBits - 1)) != 0) [[likely]] {
        bursts_.Played(1);
      } else {
        bursts_.Lost(1);
      }
    } else {
      ++window_count_;
    }
    had_ <<= 1;
    played_ <<= 1;
    return;
  }
  const uint32_t after = window_count_ + steps;
  const uint32_t leaving = after > kWindowBits ? after - kWindowBits : 0;
  const uint32_t known = std::min(leaving, window_count_);
  Settle(known, &bursts_);
  bursts_.Lost(leaving - known);  // A jump wider than the window: missing from the start.
  window_count_ = std::min(after, kWindowBits);
  had_ = steps < kWindowBits ? had_ << steps : 0;
  played_ = steps < kWindowBits ? played_ << steps : 0;
}

// The oldest `count` packets of the window leave it, in order.
void Source::Settle(uint32_t count, LossBursts* bursts) const {
  for (uint32_t i = 0; i < count; ++i) {
    if ((played_ >> (window_count_ - 1 - i) & 1) != 0) {
      bursts->Played(1);
    } else {
      bursts->Lost(1);
    }
  }
}

void Source::Count(const PacketView& packet, uint32_t behind, Instant now, PayloadKind kind) {
  ++received_;
  ++totals_.packets;
  totals_.bytes += packet.size();
  if (pause_left_ == 0) longest_gap_ = std::max(longest_gap_, now - last_arrival_);
  last_arrival_ = now;

  const Window bit = Window{1} << behind;
  had_ |= bit;
  if (kind == PayloadKind::kEvent) {  // Nothing of it is played at a moment of its own.
    played_ |= bit;
    return;
  }
  if (kind == PayloadKind::kAudio) NotePayloadType(packet.payload_type());
  const bool next_in_order = packet.sequence_number() == static_cast<uint16_t>(last_sequence_ + 1);
  last_sequence_ = packet.sequence_number();
  if (OnTiming(packet, TicksAt(now), next_in_order, kind)) {
    played_ |= bit;
  } else {
    ++totals_.late;
  }
}

// A.8, and the jitter buffer's view of the same transit.
bool Source::OnTiming(const PacketView& packet, uint32_t arrival_ticks, bool next_in_order,
                      PayloadKind kind) {
  const uint32_t timestamp = packet.timestamp();
  const uint32_t transit = arrival_ticks - timestamp;
  if (timed_) {
    const uint32_t difference = Distance(transit, transit_);
    const uint32_t step = Distance(timestamp, last_timestamp_);
    if (difference > clock_rate_hz_ && step > clock_rate_hz_) {
      ++totals_.timestamp_jumps;
      buffer_.Restart();
    } else {
      jitter_16_ += difference - ((jitter_16_ + 8) >> 4);
      jitter_max_16_ = std::max(jitter_max_16_, jitter_16_);
      jitter_known_ = true;
      // A marker begins a talk spurt: its timestamp tells how long the silence was (RFC 3551 §4.1).
      const bool neighbours = next_in_order && kind == PayloadKind::kAudio && !packet.marker();
      if (neighbours && step > 0 && step <= clock_rate_hz_ / 2) packet_ticks_ = step;
    }
  }
  timed_ = true;
  transit_ = transit;
  last_timestamp_ = timestamp;
  return buffer_.InTime(transit);
}

uint32_t Source::TicksAt(Instant now) const {
  const int64_t ns = std::max<int64_t>((now - origin_).count(), 0);
  return static_cast<uint32_t>(Window{static_cast<uint64_t>(ns)} * ticks_per_ns_64_ >> 64);
}

Duration Source::ToDuration(uint64_t ticks) const {
  return Duration(static_cast<int64_t>(Window{ticks} * kNsPerSecond / clock_rate_hz_));
}

StreamCounts Source::counts() const {
  StreamCounts counts = totals_;
  if (active_) counts.expected += expected_of_ssrc();
  counts.loss_runs = static_cast<int32_t>(bursts().runs());
  counts.buffer_packets = buffer_.judged();
  counts.buffer_sum += ToDuration(buffer_.depth_sum_ticks());
  return counts;
}

LossBursts Source::bursts() const {
  LossBursts bursts = bursts_;
  Settle(window_count_, &bursts);
  return bursts;
}

std::optional<uint32_t> Source::jitter_ticks() const {
  if (!jitter_known_) return std::nullopt;
  return jitter_16_ >> 4;
}

std::optional<Duration> Source::jitter() const {
  if (!jitter_known_) return std::nullopt;
  return ToDuration(jitter_16_) / 16;
}

std::optional<Duration> Source::jitter_max() const {
  if (jitter_max_16_ == 0 && !jitter_known_) return std::nullopt;
  return ToDuration(jitter_max_16_) / 16;
}

std::optional<Duration> Source::packet_duration() const {
  if (packet_ticks_ == 0) return std::nullopt;
  return ToDuration(packet_ticks_);
}

std::optional<Instant> Source::last_arrival() const {
  if (!active_) return std::nullopt;
  return last_arrival_;
}

std::optional<ReportBlock> Source::TakeReport() {
  if (!active_) return std::nullopt;
  const uint32_t expected = expected_of_ssrc();
  const auto lost = static_cast<int64_t>(expected) - int64_t{received_};
  const auto expected_interval = static_cast<int64_t>(expected - expected_prior_);
  const int64_t lost_interval = expected_interval - int64_t{received_ - received_prior_};
  expected_prior_ = expected;
  received_prior_ = received_;

  ReportBlock block;
  block.ssrc = ssrc_;
  if (expected_interval > 0 && lost_interval > 0) {
    // At most 255: what made the interval grow was received in it.
    block.fraction_lost = static_cast<uint8_t>((lost_interval << 8) / expected_interval);
  }
  block.cumulative_lost =
      static_cast<int32_t>(std::clamp<int64_t>(lost, ReportBlock::kLostMin, ReportBlock::kLostMax));
  block.highest_sequence_number = highest_ - kFirstCycle;
  block.jitter_ticks = jitter_16_ >> 4;
  return block;
}

}  // namespace core::rtp
