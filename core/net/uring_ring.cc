#include "core/net/uring_ring.h"

#include <liburing.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "core/base/check.h"
#include "core/net/uring_setup.h"

namespace core::net {
namespace {

// Newer than the packaged <liburing/io_uring.h>: from 6.12 on, `pad` of io_uring_getevents_arg is
// the minimum wait in microseconds.
constexpr uint32_t kFeatureMinimumWait = 1u << 15;

constexpr uint32_t kSetupFlags =
    IORING_SETUP_SINGLE_ISSUER    // One thread submits, so the kernel needs no lock...
    | IORING_SETUP_DEFER_TASKRUN  // ...and completes only when that thread asks.
    | IORING_SETUP_R_DISABLED     // Which thread that is, Enable() decides.
    | IORING_SETUP_TASKRUN_FLAG   // A polling worker sees without a system call that there is work.
    | IORING_SETUP_SUBMIT_ALL     // A refused entry completes with its error; the rest still go.
    | IORING_SETUP_CQSIZE;

// Longer waits mean nothing to a worker, and this fits every type on the way.
constexpr Duration kLongestWait = std::chrono::hours(1);

}  // namespace

absl::StatusOr<std::unique_ptr<UringRing>> UringRing::Create(const Sizes& sizes) {
  auto raw = std::make_unique<io_uring>();
  io_uring_params params = {};
  params.flags = kSetupFlags;
  params.cq_entries = sizes.completions;
  const int error = io_uring_queue_init_params(sizes.submissions, raw.get(), &params);
  if (error != 0) return RingRefused(-error);
  std::unique_ptr<UringRing> ring(new UringRing(std::move(raw)));
  ring->has_minimum_wait_ = (params.features & kFeatureMinimumWait) != 0;
  return ring;
}

UringRing::UringRing(std::unique_ptr<io_uring> ring) : ring_(std::move(ring)) {
  // Entry n of the submission queue is always slot n: some versions of liburing set this up, others
  // do it at each submission.
  for (unsigned i = 0; i < ring_->sq.ring_entries; ++i) ring_->sq.array[i] = i;
}

UringRing::~UringRing() { io_uring_queue_exit(ring_.get()); }

absl::Status UringRing::Enable() {
  const int error = io_uring_register(static_cast<unsigned>(ring_->ring_fd),
                                      IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  return error == 0 ? absl::OkStatus() : RingRefused(-error);
}

io_uring_sqe* UringRing::NextSubmission() {
  io_uring_sqe* entry = io_uring_get_sqe(ring_.get());
  if (entry != nullptr) *entry = {};
  return entry;
}

uint32_t UringRing::submissions_pending() const { return io_uring_sq_ready(ring_.get()); }

int UringRing::Enter(const Wait& wait) {
  io_uring_sq& sq = ring_->sq;
  sq.sqe_head = sq.sqe_tail;
  __atomic_store_n(sq.ktail, sq.sqe_tail, __ATOMIC_RELEASE);
  // The kernel takes fewer entries than it was given only when it is out of memory.
  for (;;) {
    const uint32_t pending = sq.sqe_tail - __atomic_load_n(sq.khead, __ATOMIC_ACQUIRE);
    const int result = EnterOnce(pending, wait);
    if (result < 0 && result != -ETIME && result != -EINTR) return result;
    if (sq.sqe_tail == __atomic_load_n(sq.khead, __ATOMIC_ACQUIRE)) return 0;
    if (result <= 0) return -EAGAIN;
  }
}

int UringRing::EnterOnce(uint32_t submit, const Wait& wait) {
  ++system_calls_;
  const int fd = ring_->ring_fd;
  if (wait.completions == 0) {
    return io_uring_enter(static_cast<unsigned>(fd), submit, 0, IORING_ENTER_GETEVENTS, nullptr);
  }
  const Duration limit = std::clamp(wait.time_limit, Duration{}, kLongestWait);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  __kernel_timespec time = {};
  time.tv_sec = seconds.count();
  time.tv_nsec = (limit - seconds).count();
  io_uring_getevents_arg argument = {};
  argument.ts = reinterpret_cast<uint64_t>(&time);
  if (has_minimum_wait_ && wait.minimum > Duration{}) {
    const auto minimum = std::chrono::duration_cast<std::chrono::microseconds>(wait.minimum);
    argument.pad = static_cast<uint32_t>(std::max<int64_t>(minimum.count(), 1));
  }
  const uint32_t completions = std::min(wait.completions, ring_->cq.ring_entries);
  return io_uring_enter2(static_cast<unsigned>(fd), submit, completions,
                         IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                         reinterpret_cast<sigset_t*>(&argument), sizeof(argument));
}

bool UringRing::KernelHasMore() const {
  return (__atomic_load_n(ring_->sq.kflags, __ATOMIC_RELAXED) &
          (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

bool UringRing::Overflowed() const {
  return (__atomic_load_n(ring_->sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW) != 0;
}

bool UringRing::CompletionsWaiting() const { return io_uring_cq_ready(ring_.get()) > 0; }

uint32_t UringRing::Peek(std::span<io_uring_cqe*> completions) {
  const io_uring_cq& cq = ring_->cq;
  const unsigned head = *cq.khead;
  const unsigned ready = __atomic_load_n(cq.ktail, __ATOMIC_ACQUIRE) - head;
  const uint32_t count = std::min(ready, static_cast<unsigned>(completions.size()));
  for (uint32_t i = 0; i < count; ++i) completions[i] = &cq.cqes[(head + i) & cq.ring_mask];
  return count;
}

void UringRing::Advance(uint32_t count) { io_uring_cq_advance(ring_.get(), count); }

}  // namespace core::net
