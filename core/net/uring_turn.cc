#include <liburing.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "core/net/uring_io.h"

// The turn of UringIo: submission, waiting, and where completions go.

namespace core::net {
namespace {

constexpr size_t kReapBatch = 64;
constexpr size_t kEntersMax = 64;  // In one turn.

// While receives are starved and their window does not recover, someone holds its buffers: look
// again.
constexpr Duration kStarvedRecheck = std::chrono::milliseconds(10);

void Sleep(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  const timespec time = {seconds.count(), (duration - seconds).count()};
  nanosleep(&time, nullptr);  // A signal ends it early, which is as good.
}

}  // namespace

// A completion says what it was by its user_data: 8 bits of operation, 24 of index, 32 of
// generation.
uint64_t UringIo::UserData(Operation operation, uint32_t index, uint32_t generation) {
  return uint64_t{static_cast<uint8_t>(operation)} << 56 | uint64_t{index} << 32 | generation;
}

io_uring_sqe* UringIo::NextSubmission(Operation operation, uint32_t index, uint32_t generation) {
  io_uring_sqe* entry = ring_->NextSubmission();
  while (entry == nullptr) {  // The queue is full: submit at once, lose nothing.
    EnterNow();
    entry = ring_->NextSubmission();
  }
  entry->user_data = UserData(operation, index, generation);
  return entry;
}

// What a kernel without memory for it could not take is still pending, and goes with the next call.
// Any other refusal says that this thread is not the ring's, or that a completion was lost; then no
// buffer's owner is known any more.
void UringIo::Enter(const UringRing::Wait& wait) {
  const int result = ring_->Enter(wait);
  CHECK(result == 0 || result == -EAGAIN || result == -EBUSY);
}

void UringIo::EnsureEnabled() {
  if (enabled_) return;
  CHECK(ring_->Enable().ok());  // Refused only if another thread had it.
  enabled_ = true;
}

void UringIo::FlushAndWait(Instant deadline) {
  EnsureEnabled();
  ++counters_.turns;
  BeginTurn();
  EnterAndWait(deadline);
  now_ = clock_->Now();
  if (timed_sockets_ > 0) MapWallClock();
  (void)Reap();
  // A kernel that was not asked to wait runs some 20 receives at a time, and says that there are
  // more. And receives that have ended go on in this turn: who sends empty datagrams between others
  // must not be able to slow their socket down to one receive a turn (rule 3).
  for (size_t i = 0; i < kEntersMax && ready_.size() < options_.burst_max; ++i) {
    ArmEnded();
    if (ring_->submissions_pending() == 0 && !ring_->KernelHasMore()) break;
    EnterNow();
    // The kernel may say so of what it has run already: every 32 datagrams a receive queues itself
    // again, and the flag of that stays up until there is other work.
    if (Reap() == 0) break;
  }
  FinishSends();
  ReadErrorQueues();
  handed_out_ = std::min<size_t>(ready_.size(), options_.burst_max);
  errors_handed_out_ = errors_.size();
  worked_last_turn_ = found_work_;
  counters_.system_calls = ring_->system_calls() + other_system_calls_;
}

// Takes back what the last turn was given, and prepares what this one submits.
void UringIo::BeginTurn() {
  found_work_ = false;
  for (size_t i = 0; i < handed_out_; ++i) ready_[i].Reset();
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<ptrdiff_t>(handed_out_));
  handed_out_ = 0;
  ForgetHandedOutErrors();
  signalling_.TopUp();
  media_.TopUp();
  ArmWake();
  ArmEnded();
  ArmStarved();
}

// What the kernel has not handed over yet is no reason: it is what the latency budget collects.
bool UringIo::MustNotWait() const {
  return !ready_.empty() || !errors_.empty() || !erring_.empty() || ring_->CompletionsWaiting();
}

void UringIo::EnterAndWait(Instant deadline) {
  if (options_.poll) {
    // Without a submission the kernel is only entered when it says that it has something.
    if (ring_->submissions_pending() > 0 || ring_->KernelHasMore()) EnterNow();
    return;
  }
  if (MustNotWait()) return EnterNow();
  Duration left = deadline == kNever ? Duration::max() : deadline - clock_->Now();
  if (AnyStarved()) left = AnyStarvedReady() ? Duration{} : std::min(left, kStarvedRecheck);
  if (left <= Duration{}) return EnterNow();

  ++counters_.waits;
  const Duration budget = std::min(options_.latency_budget, left);
  if (budget <= Duration{} || (wait_mode_ == WaitMode::kSleep && !worked_last_turn_)) {
    Enter({.completions = 1, .time_limit = left});
  } else if (wait_mode_ == WaitMode::kMinimumWait) {
    // A number of completions is never the trigger (rule 6): they count sockets, not datagrams.
    Enter({.completions = UringRing::kAllCompletions, .time_limit = left, .minimum = budget});
  } else {
    if (ring_->submissions_pending() > 0) EnterNow();
    Sleep(budget);
    ++other_system_calls_;
    EnterNow();
  }
}

// Takes all that is in the completion queue. What found it full waits in the kernel, which says so:
// see KernelHasMore() and AwaitSendErrors().
size_t UringIo::Reap() {
  size_t reaped = 0;
  io_uring_cqe* completions[kReapBatch];
  while (const uint32_t count = ring_->Peek(completions)) {
    for (uint32_t i = 0; i < count; ++i) Dispatch(*completions[i]);
    ring_->Advance(count);
    reaped += count;
  }
  return reaped;
}

void UringIo::Dispatch(const io_uring_cqe& completion) {
  const auto operation = static_cast<Operation>(completion.user_data >> 56);
  const auto index = static_cast<uint32_t>(completion.user_data >> 32) & 0xffffff;
  switch (operation) {
    case Operation::kReceive:
      found_work_ = true;
      CHECK(sockets_[index].generation == static_cast<uint32_t>(completion.user_data));
      OnReceive(index, completion);
      break;
    case Operation::kSend:
      OnSend(index, static_cast<uint32_t>(completion.user_data), completion.res);
      break;
    case Operation::kWake:
      found_work_ = true;
      if ((completion.flags & IORING_CQE_F_MORE) == 0) wake_armed_ = false;
      break;
    case Operation::kCancel:
      break;  // The cancelled receive has its own completion.
  }
}

}  // namespace core::net
