#include "core/rtp/loss_bursts.h"

#include <algorithm>

namespace core::rtp {

void LossBursts::Lost(uint32_t count) {
  if (count == 0) return;
  if (played_run_ == 0 && run_ > 0) {
    run_ += count;
  } else {
    ++runs_;
    run_ = count;
  }
  longest_run_ = std::max(longest_run_, run_);

  if (group_lost_ > 0 && played_run_ < kGapMin) {
    group_packets_ += played_run_ + count;
    group_lost_ += count;
  } else {
    CloseGroup();
    group_packets_ = count;
    group_lost_ = count;
    group_gap_ += played_run_;
  }
  played_run_ = 0;
  settled_ += count;
  lost_ += count;
}

void LossBursts::CloseGroup() {
  if (group_lost_ >= 2) {
    ++bursts_;
    burst_packets_ += group_packets_;
    burst_lost_ += group_lost_;
    if (group_gap_ > 0) ++gaps_;
    group_gap_ = 0;
  } else {
    group_gap_ += group_packets_;  // An isolated loss lies in its gap.
  }
  group_packets_ = 0;
  group_lost_ = 0;
}

void LossBursts::Break() {
  CloseGroup();
  group_gap_ += played_run_;
  played_run_ = 0;
  run_ = 0;
}

LossBursts::Clusters LossBursts::clusters() const {
  LossBursts ended = *this;
  ended.CloseGroup();
  const uint32_t last_gap = ended.group_gap_ + played_run_;
  return {.bursts = ended.bursts_,
          .burst_packets = ended.burst_packets_,
          .burst_lost = ended.burst_lost_,
          .gaps = ended.gaps_ + (last_gap > 0 ? 1 : 0),
          .gap_packets = settled_ - ended.burst_packets_,
          .gap_lost = lost_ - ended.burst_lost_};
}

// BurstR = observed average run / (1 / (1 - Ppl)): a loss that falls at random is followed by
// another with probability Ppl, so that runs have 1 / (1 - Ppl) packets on average.
std::optional<double> BurstRatio(uint32_t packets, uint32_t lost, uint32_t runs) {
  if (runs == 0 || lost == 0 || lost >= packets) return std::nullopt;
  const double average_run = static_cast<double>(lost) / runs;
  return average_run * (1 - static_cast<double>(lost) / packets);
}

}  // namespace core::rtp
