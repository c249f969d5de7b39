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
///                     ^------> kClosing (emergencies get 503 too) ------------------^
///
/// A drain admits emergency calls (rule 6), so a worker may take back that it is drained, and that
/// word may come after the last one's. So where all say it nobody is hung up on: they are closed,
/// and the one that had admitted a call before it heard of that has kFlushTime to say so. Then the
/// drain goes on, and its time limit is what it was.
///
/// Thread: the control thread's.
class Shutdown {
 public:
  enum class State : uint8_t { kRunning, kDraining, kClosing, kStopping, kEnded };
  /// What the workers are to be told.
  enum class Order : uint8_t { kNone, kDrain, kClose, kStop, kReopen };

  /// How long the last requests have to be answered, and then, for what a worker still had to send.
  static constexpr core::Duration kStopTime = std::chrono::seconds(3);
  static constexpr core::Duration kFlushTime = std::chrono::milliseconds(50);

  explicit Shutdown(uint16_t workers) : drained_(workers, false) {}

  [[nodiscard]] Order OnSignal(core::Duration drain_timeout, core::Instant now) {
    switch (state_) {
      case State::kRunning:
        state_ = State::kDraining;
        deadline_ = drain_until_ = now + drain_timeout;
        return Order::kDrain;
      case State::kDraining:
        return Stop(now);
      case State::kClosing:
      case State::kStopping:
      case State::kEnded:
        break;
    }
    state_ = State::kEnded;
    return Order::kNone;
  }

  /// That worker has no call left, or has one again.
  [[nodiscard]] Order OnDrained(uint16_t worker, bool drained, core::Instant now) {
    if (worker < drained_.size()) drained_[worker] = drained;
    if (!all_drained()) {
      if (state_ != State::kClosing) return Order::kNone;
      state_ = State::kDraining;
      deadline_ = drain_until_;
      return Order::kReopen;
    }
    if (state_ == State::kDraining) {
      state_ = State::kClosing;
      deadline_ = now + kFlushTime;
      return Order::kClose;
    }
    if (state_ == State::kStopping) deadline_ = now + kFlushTime;
    return Order::kNone;
  }

  [[nodiscard]] Order OnTime(core::Instant now) {
    if (now < deadline_) return Order::kNone;
    if (state_ == State::kDraining) return Stop(now);
    if (state_ == State::kClosing || state_ == State::kStopping) {
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
    deadline_ = now + kStopTime;
    return Order::kStop;
  }

  State state_ = State::kRunning;
  core::Instant deadline_ = core::kNever;
  core::Instant drain_until_ = core::kNever;
  std::vector<bool> drained_;
};

}  // namespace sbc
