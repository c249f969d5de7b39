#include "core/engine/worker_thread.h"

#include <pthread.h>
#include <sched.h>

#include <cerrno>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/status.h"

namespace core::engine {
namespace {

constexpr size_t kThreadNameMax = 15;

absl::Status StartOnThisThread(const WorkerThread::Options& options, WorkerThread::Body* body) {
  // A name is for people; a thread without one runs as well.
  (void)pthread_setname_np(pthread_self(), options.name.substr(0, kThreadNameMax).c_str());
  if (options.cpu >= 0) RETURN_IF_ERROR(PinThisThread(options.cpu));
  return body->Start();
}

}  // namespace

absl::Status PinThisThread(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) {
    return absl::InvalidArgumentError(absl::StrCat("there is no core ", cpu));
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot run on core ", cpu));
  }
  return absl::OkStatus();
}

absl::Status WorkerThread::Start(const Options& options, Body* body) {
  CHECK(!thread_.joinable());
  body_ = body;
  stop_.store(false, std::memory_order_relaxed);
  std::promise<absl::Status> promise;
  std::future<absl::Status> started = promise.get_future();
  thread_ = std::thread([this, &options, body, promise = std::move(promise)]() mutable {
    const absl::Status status = StartOnThisThread(options, body);
    promise.set_value(status);  // From here on `options` may be gone.
    if (!status.ok()) return;
    while (!stop_.load(std::memory_order_acquire)) body->Turn();
  });
  absl::Status status = started.get();
  if (!status.ok()) thread_.join();
  return status;
}

void WorkerThread::Stop() {
  if (!thread_.joinable()) return;
  stop_.store(true, std::memory_order_release);
  body_->Wake();
  thread_.join();
}

}  // namespace core::engine
