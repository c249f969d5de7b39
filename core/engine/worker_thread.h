#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "core/engine/mailbox.h"

namespace core::engine {

/// A thread that takes turns until it is told to stop: a worker's, or the control thread's.
///
/// Lifetime: the body outlives the thread. Stop() ends the turn that runs and no earlier, and the
///           body is destroyed after it, not on the thread: others may wake it until they stop too.
/// Errors:   Start() says why the body did not start, or that the core cannot be had; no thread
/// runs
///           then.
/// Thread:   Start() and Stop() are the owner's.
class WorkerThread {
 public:
  /// What runs. Start() and Turn() are called on the thread; Wake() on any.
  class Body : public Waker {
   public:
    /// Builds what belongs to the thread (an io_uring has a single issuer).
    virtual absl::Status Start() = 0;
    virtual void Turn() = 0;
  };

  struct Options {
    std::string name;  // What `top -H` shows; the kernel keeps 15 characters.
    int cpu = -1;      // The core to stay on; -1: whichever the kernel likes.
  };

  WorkerThread() = default;
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;
  ~WorkerThread() { Stop(); }

  /// Returns when the body has started, or could not.
  absl::Status Start(const Options& options, Body* body);
  /// Ends the thread and waits for it. May be called twice, and without a Start().
  void Stop();

  bool running() const { return thread_.joinable(); }

 private:
  Body* body_ = nullptr;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

/// Keeps the calling thread on one core.
absl::Status PinThisThread(int cpu);

}  // namespace core::engine
