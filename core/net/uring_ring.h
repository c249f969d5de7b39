#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "core/base/instant.h"

struct io_uring;
struct io_uring_cqe;
struct io_uring_sqe;

namespace core::net {

/// Submission and completion queue of one worker, and the one system call that serves both.
///
/// liburing makes and maps the queues; entering the kernel is done here, because a wait with a
/// minimum time (rule 6) is newer than the packaged liburing.
///
/// Lifetime: made on any thread; from Enable() on it belongs to the thread that called it.
/// Errors:   Create() says what the kernel lacks and what to do about it (rule 19).
class UringRing {
 public:
  struct Sizes {
    uint32_t submissions = 0;
    uint32_t completions = 0;
  };
  /// How long to stay in the kernel.
  struct Wait {
    uint32_t completions = 0;  // 0: do not wait. kAllCompletions: wait the whole time.
    Duration time_limit{};     // Only looked at when waiting.
    Duration minimum{};        // Zero, or stay at least so long (needs has_minimum_wait()).
  };
  static constexpr uint32_t kAllCompletions = UINT32_MAX;

  static absl::StatusOr<std::unique_ptr<UringRing>> Create(const Sizes& sizes);
  UringRing(const UringRing&) = delete;
  UringRing& operator=(const UringRing&) = delete;
  ~UringRing();

  /// Makes the calling thread the ring's only one.
  absl::Status Enable();
  bool has_minimum_wait() const { return has_minimum_wait_; }

  /// A cleared entry of the submission queue, or null when it is full: Enter() empties it.
  io_uring_sqe* NextSubmission();
  uint32_t submissions_pending() const;

  /// Submits all that is pending, runs what the kernel has deferred to us, and waits. Returns 0 or
  /// a negative errno; that the time is up or a signal came is no error.
  int Enter(const Wait& wait);

  /// Whether entering the kernel would bring completions that are not in the queue yet.
  bool KernelHasMore() const;
  /// Whether completions wait in the kernel because the queue was full.
  bool Overflowed() const;
  bool CompletionsWaiting() const;
  /// Fills `completions` with what has arrived; they stay valid until Advance(count).
  uint32_t Peek(std::span<io_uring_cqe*> completions);
  void Advance(uint32_t count);

  io_uring* raw() { return ring_.get(); }
  uint64_t system_calls() const { return system_calls_; }

 private:
  explicit UringRing(std::unique_ptr<io_uring> ring);
  int EnterOnce(uint32_t submit, const Wait& wait);

  std::unique_ptr<io_uring> ring_;
  bool has_minimum_wait_ = false;
  uint64_t system_calls_ = 0;
};

}  // namespace core::net
