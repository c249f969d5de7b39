#include "tests/sim/sbc_sim_voice.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "core/rtp/emodel.h"
#include "tests/sim/sbc_sim_sdp.h"

namespace tests {

using core::Duration;
using core::Instant;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t kClockHz = 8000;

uint32_t Ticks(Duration since) {
  return static_cast<uint32_t>(since.count() * (kClockHz / 1000) / 1'000'000);
}

uint32_t Distance(uint32_t a, uint32_t b) {
  return std::min<uint32_t>(a - b, b - a);  // Either way round.
}

/// The jitter buffer that all are measured by: it follows mean and deviation of what packets took
/// longer than the quickest of late (Ramjee et al., INFOCOM 1994), between 40 and 200 ms.
class Buffer {
 public:
  void Restart() { left_ = 0; }
  bool InTime(uint32_t transit) {
    if (left_ == 0) {
      quickest_ = before_ = transit;
      left_ = kEpoch;
    }
    quickest_ = Earlier(transit, quickest_);
    const auto excess = static_cast<double>(transit - Earlier(before_, quickest_));
    const bool in_time = excess <= depth_;
    if (--left_ == 0) {
      before_ = quickest_;
      quickest_ = transit;
      left_ = kEpoch;
    }
    sum_ += depth_;
    ++judged_;
    const double error = excess - mean_;
    mean_ += error / 16;
    deviation_ += (std::abs(error) - deviation_) / 16;
    depth_ = std::clamp(mean_ + 4 * deviation_, kLeast, kMost);
    return in_time;
  }
  std::optional<Duration> depth() const {
    if (judged_ == 0) return std::nullopt;
    return Duration(static_cast<int64_t>(sum_ / judged_ * 1e9 / kClockHz));
  }

 private:
  static constexpr int kEpoch = 256;
  static constexpr double kLeast = 40e-3 * kClockHz;
  static constexpr double kMost = 200e-3 * kClockHz;

  static uint32_t Earlier(uint32_t a, uint32_t b) {
    return static_cast<int32_t>(a - b) < 0 ? a : b;
  }

  uint32_t quickest_ = 0;
  uint32_t before_ = 0;
  int left_ = 0;
  double depth_ = kLeast;
  double mean_ = 0;
  double deviation_ = 0;
  double sum_ = 0;
  int judged_ = 0;
};

/// Appendix A.8 and A.1's probation: the first packet of an SSRC counts once another one follows.
class Receiver {
 public:
  explicit Receiver(VoiceTruth* truth) : truth_(truth) {}

  void On(const BroughtRtp& packet) {
    if (runs_.empty() || packet.ssrc != ssrc_) {
      const bool proves =
          first_.has_value() && first_->ssrc == packet.ssrc && first_->number != packet.number;
      if (!proves) {
        if (first_.has_value()) ++truth_->refused;
        first_ = packet;
        return;
      }
      Begin();
    }
    Take(packet);
  }
  /// What its sender skips until it goes on is nobody's loss; what stood on probation is over.
  void Break() {
    paused_ = true;
    if (!first_.has_value()) return;
    truth_->unproved = true;
    ++truth_->refused;
    first_.reset();
  }
  void Finish() const {
    for (const Run& run : runs_) {
      truth_->distinct += run.is_played.size();
      truth_->expected += run.last - run.first + 1u;
      bool was_played = true;
      for (uint32_t number = run.first; number <= run.last; ++number) {
        const auto found = run.is_played.find(static_cast<uint16_t>(number));
        const bool is_played = found != run.is_played.end() && found->second;
        if (!is_played && was_played) ++truth_->loss_runs;
        was_played = is_played;
      }
    }
    truth_->lost = truth_->expected - truth_->distinct;
    truth_->buffer_depth = buffer_.depth();
  }

 private:
  struct Run {  // Of numbers of one SSRC, between two breaks.
    uint16_t first = 0;
    uint16_t last = 0;
    std::map<uint16_t, bool> is_played;  // Of those that came.
  };

  void Begin() {
    const BroughtRtp packet = *first_;
    first_.reset();
    if (runs_.empty()) {
      origin_ = packet.at;
    } else {
      ++truth_->ssrc_changes;
      truth_->jitter_16.reset();
      if (!paused_) Wait(packet.at);
    }
    ssrc_ = packet.ssrc;
    settled_.reset();
    StartRun(packet);
    last_at_ = std::max(last_at_, packet.at);
    runs_.back().is_played.emplace(packet.number, true);
    if (packet.is_key()) return;
    ++truth_->voices;
    Switch(packet.type);
    Note(packet);
  }

  void StartRun(const BroughtRtp& packet) {
    paused_ = timed_ = false;
    buffer_.Restart();
    runs_.push_back({packet.number, packet.number, {}});
  }

  void Wait(Instant until) {
    truth_->longest_gap = std::max(truth_->longest_gap, until - last_at_);
  }

  void Switch(uint8_t type) {
    if (type_.has_value() && *type_ != type) ++truth_->payload_switches;
    type_ = type;
    truth_->last_codec = type == kPcma ? "pcma" : "pcmu";
  }

  void Note(const BroughtRtp& packet) {
    timed_ = true;
    transit_ = Ticks(packet.at - origin_) - packet.timestamp;
    timestamp_ = packet.timestamp;
  }

  void Take(const BroughtRtp& packet) {
    const uint16_t number = packet.number;
    if (paused_ && number > runs_.back().last) {
      settled_ = runs_.back().last;
      StartRun(packet);
    } else if ((settled_.has_value() && number <= *settled_) ||
               runs_.back().is_played.contains(number)) {
      return;  // A repeat, or one of before the last break: it changes nothing.
    } else if (!paused_) {
      Wait(packet.at);
    }
    Run& run = runs_.back();
    if (number < run.last) ++truth_->reordered;
    run.first = std::min(run.first, number);
    run.last = std::max(run.last, number);
    last_at_ = packet.at;
    bool is_played = true;
    if (!packet.is_key()) {
      ++truth_->voices;
      Switch(packet.type);
      is_played = Time(packet);
      truth_->late += is_played ? 0u : 1u;
    }
    run.is_played.emplace(number, is_played);
  }

  bool Time(const BroughtRtp& packet) {
    const uint32_t transit = Ticks(packet.at - origin_) - packet.timestamp;
    const uint32_t late = Distance(transit, transit_);
    const uint32_t step = Distance(packet.timestamp, timestamp_);
    if (timed_ && late > kClockHz && step > kClockHz) {
      buffer_.Restart();  // The sender's media begin anew: no jitter.
    } else if (timed_) {
      const uint32_t jitter = truth_->jitter_16.value_or(0);
      truth_->jitter_16 = jitter + late - ((jitter + 8) >> 4);
      truth_->jitter_max_16 = std::max(truth_->jitter_max_16, *truth_->jitter_16);
    }
    Note(packet);
    return buffer_.InTime(transit);
  }

  VoiceTruth* truth_;
  std::optional<BroughtRtp> first_;  // On probation.
  uint32_t ssrc_ = 0;
  Instant origin_;
  Instant last_at_;
  bool paused_ = false;
  bool timed_ = false;
  uint32_t transit_ = 0;
  uint32_t timestamp_ = 0;
  std::optional<uint8_t> type_;
  std::optional<uint16_t> settled_;  // The highest number before the last break.
  std::vector<Run> runs_;
  Buffer buffer_;
};

/// ITU-T G.113's: at no loss, and how well it bears some.
struct Impairment {
  double ie = 0;
  std::optional<double> bpl;
  Duration look_ahead{};
};
const std::map<std::string, Impairment> kImpairments = {
    {"pcmu", {0, 25.1, 0ms}},
    {"pcma", {0, 25.1, 0ms}},
    {"g722", {0, std::nullopt, 1500us}},
    {"g729", {11, 19.0, 5ms}},
};

double Milliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

}  // namespace

VoiceTruth VoiceTruth::Of(std::span<const BroughtRtp> brought) {
  VoiceTruth truth;
  Receiver receiver(&truth);
  for (const BroughtRtp& packet : brought) {
    if (packet.is_break) {
      receiver.Break();
      continue;
    }
    ++truth.packets;
    truth.bytes += packet.bytes;
    truth.keys += packet.is_key() ? 1u : 0u;
    receiver.On(packet);
  }
  receiver.Finish();
  return truth;
}

std::optional<double> VoiceTruth::Mos(const std::string& codec,
                                      std::optional<Duration> round_trip) const {
  const auto known = kImpairments.find(codec);
  const auto missing = static_cast<double>(lost + late);
  if (known == kImpairments.end() || expected == 0) return std::nullopt;
  if (missing > 0 && !known->second.bpl.has_value()) return std::nullopt;
  core::rtp::Transmission way;
  way.ie = known->second.ie;
  way.bpl = known->second.bpl.value_or(way.bpl);
  const double loss = missing / static_cast<double>(expected);
  way.ppl = 100 * loss;
  // §7.5: how long the runs are, beside how long they would be by chance.
  if (missing > 0 && loss < 1) {
    way.burst_r = std::clamp(missing / static_cast<double>(loss_runs) * (1 - loss), 1.0, 8.0);
  }
  if (round_trip.has_value()) {
    constexpr Duration kPacket = 20ms;
    way.ta_ms = Milliseconds(*round_trip / 2 + buffer_depth.value_or(0ms) + kPacket +
                             known->second.look_ahead);
    way.t_ms = way.ta_ms;
    way.tr_ms = 2 * way.ta_ms;
  }
  return core::rtp::MosOf(std::max(core::rtp::Rating(way), 0.0));
}

std::optional<double> VoiceTruth::MosListening(const std::string& codec) const {
  return Mos(codec, std::nullopt);
}

}  // namespace tests
