#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "core/base/instant.h"

namespace sbc {

/// How the node goes down: SIGTERM drains it, the last call's end or the drain's time limit stops
/// it, and a second SIGTERM stops it at once.
///
///     kRunning -> kDraining (new calls get 503) -> kStopping (calls are ended) -> kEnded
///
/// Thread: the control thread's.
class Shutdown {
 public:
  enum class State : uint8_t { kRunning, kDraining, kStopping, kEnded };
  /// What the workers are to be told.
  enum class Order : uint8_t { kNone, kDrain, kStop };

  /// How long the last requests have to be answered, and then, for what a worker still had to send.
  static constexpr core::Duration kStopTime = std::chrono::seconds(3);
  static constexpr core::Duration kFlushTime = std::chrono::milliseconds(50);

  explicit Shutdown(uint16_t workers) : drained_(workers, false) {}

  [[nodiscard]] Order OnSignal(core::Duration drain_timeout, core::Instant now) {
    switch (state_) {
      case State::kRunning:
        state_ = State::kDraining;
        deadline_ = now + drain_timeout;
        return Order::kDrain;
      case State::kDraining:
        return Stop(now);
      case State::kStopping:
      case State::kEnded:
        break;
    }
    state_ = State::kEnded;
    return Order::kNone;
  }

  /// That worker has no call left.
  [[nodiscard]] Order OnDrained(uint16_t worker, core::Instant now) {
    if (worker < drained_.size()) drained_[worker] = true;
    if (!all_drained()) return Order::kNone;
    if (state_ == State::kDraining) return Stop(now);
    if (state_ == State::kStopping) deadline_ = now + kFlushTime;
    return Order::kNone;
  }

  [[nodiscard]] Order OnTime(core::Instant now) {
    if (now < deadline_) return Order::kNone;
    if (state_ == State::kDraining) return Stop(now);
    if (state_ == State::kStopping) {
      state_ = State::kEnded;
      deadline_ = core::kNever;
    }
    return Order::kNone;
  }

  core::Instant next_due() const { return deadline_; }
  State state() const { return state_; }
  bool all_drained() const {
    for (const bool drained : drained_) {
      if (!drained) return false;
    }
    return true;
  }

 private:
  Order Stop(core::Instant now) {
    state_ = State::kStopping;
    deadline_ = now + (all_drained() ? kFlushTime : kStopTime);
    return Order::kStop;
  }

  State state_ = State::kRunning;
  core::Instant deadline_ = core::kNever;
  std::vector<bool> drained_;
};

}  // namespace sbc
