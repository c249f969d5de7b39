#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace core::rtp {

/// What a receiver's jitter buffer would have done: it plays each packet a fixed time after it was
/// sent, and discards what comes later than that.
///
/// A packet's transit is its arrival less its timestamp, both in ticks of the RTP clock; only
/// differences of transits mean anything. The model measures each against the quickest packet of
/// the last kEpochPackets to twice as many, so that a drift of the two clocks (200 ppm is 2 ms in
/// that time) moves the reference along. A packet is late when it took longer than the quickest by
/// more than the buffer's depth.
///
/// Fixed:    the depth is `depth_min` for ever.
/// Adaptive: the depth follows mean excess + 4 deviations (Ramjee et al., INFOCOM 1994, their first
///           algorithm), within depth_min and depth_max, from packet to packet. Real buffers change
///           depth in silences only, so they follow a step later than this one. The packets that
///           bring a new delay are late here as there.
///
/// Shape: integers of 1/16 tick; 48 bytes; no memory of single packets.
class JitterBufferModel {
 public:
  static constexpr uint16_t kEpochPackets = 256;  // 5 s of 20 ms packets.

  struct Depth {
    uint32_t min_ticks = 0;
    uint32_t max_ticks = 0;  // min_ticks: a fixed buffer.
  };

  explicit JitterBufferModel(Depth depth) { SetDepth(depth); }

  void SetDepth(Depth depth) {
    min_ = depth.min_ticks;
    max_ = std::max(depth.min_ticks, depth.max_ticks);
    depth_ = min_;
  }

  /// Forgets the reference, as after a jump of the timestamps. The depth stays.
  void Restart() { epoch_left_ = 0; }

  /// Whether a packet of that transit would have been there in time; and learns from it.
  bool InTime(uint32_t transit) {
    if (epoch_left_ == 0) {
      quickest_ = previous_quickest_ = transit;
      epoch_left_ = kEpochPackets;
    }
    if (Before(transit, quickest_)) quickest_ = transit;
    const uint32_t reference =
        Before(previous_quickest_, quickest_) ? previous_quickest_ : quickest_;
    const uint32_t excess = transit - reference;
    const bool in_time = excess <= depth_;
    if (--epoch_left_ == 0) {
      previous_quickest_ = quickest_;
      quickest_ = transit;
      epoch_left_ = kEpochPackets;
    }
    depth_sum_ += depth_;
    ++judged_;
    if (max_ > min_) Adapt(std::min(excess, kExcessMax));
    return in_time;
  }

  uint32_t depth_ticks() const { return depth_; }
  uint64_t depth_sum_ticks() const { return depth_sum_; }  // Over judged() packets: for the mean.
  uint64_t TakeDepthSum() { return std::exchange(depth_sum_, 0); }
  uint32_t judged() const { return judged_; }
  bool adaptive() const { return max_ > min_; }
  Depth limits() const { return {min_, max_}; }

 private:
  // One packet that is minutes late would keep the averages up for minutes.
  static constexpr uint32_t kExcessMax = 1 << 16;

  static bool Before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }

  void Adapt(uint32_t excess) {
    const auto scaled = static_cast<int32_t>(excess << 4);
    const int32_t error = scaled - mean_16_;
    mean_16_ += error / 16;
    deviation_16_ += ((error < 0 ? -error : error) - deviation_16_) / 16;
    const auto wanted = static_cast<uint32_t>((mean_16_ + 4 * deviation_16_) >> 4);
    depth_ = std::clamp(wanted, min_, max_);
  }

  uint32_t min_ = 0;
  uint32_t max_ = 0;
  uint32_t depth_ = 0;
  uint32_t quickest_ = 0;           // Of this epoch.
  uint32_t previous_quickest_ = 0;  // Of the one before.
  int32_t mean_16_ = 0;             // Of the excess, in 1/16 tick.
  int32_t deviation_16_ = 0;
  uint32_t judged_ = 0;
  uint64_t depth_sum_ = 0;
  uint16_t epoch_left_ = 0;  // 0: no reference yet.
};

}  // namespace core::rtp
