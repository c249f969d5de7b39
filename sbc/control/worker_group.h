#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/engine/mailbox.h"
#include "core/engine/shared_places.h"
#include "core/engine/worker_thread.h"
#include "sbc/control/worker_host.h"
#include "sbc/envelopes.h"
#include "sbc/policy.h"

namespace sbc {

/// All workers of the node and the mailboxes between them and the control thread.
///
/// Shape:    `workers` threads; thread number `workers` is the control thread's.
/// Lifetime: owns every Policy that a worker may still read: one comes in with each Install(), and
///           goes when its worker has given it back, or with the group.
/// Errors:   Start() says why a worker did not start; none runs then. A post that finds a mailbox
///           full waits here for the next Flush(): a worker must hear of a drain sooner or later.
/// Thread:   the control thread's.
class WorkerGroup {
 public:
  /// Configurations in use at once: what a worker has room for.
  static constexpr size_t kGenerationsMax = 8;

  explicit WorkerGroup(uint16_t workers);
  ~WorkerGroup();
  WorkerGroup(const WorkerGroup&) = delete;
  WorkerGroup& operator=(const WorkerGroup&) = delete;

  struct StartOptions {
    std::vector<std::unique_ptr<Policy>> policies;  // One for each worker.
    size_t hosts_max = 0;
    uint16_t epoch = 0;
  };
  /// What was posted before is what the workers read first.
  absl::Status Start(StartOptions options);
  /// Ends the threads, and with them whatever they still hold.
  void Stop();

  /// A superseding configuration, one for each worker.
  void Install(std::vector<std::unique_ptr<Policy>> policies);
  void OnPolicyDone(const Policy* policy);

  void PostAll(EnvelopeKind kind);
  void PostAddresses(uint16_t host, Side side, std::span<const HostAddress> addresses);
  /// Hands over what was posted. Once a turn of the control thread.
  void Flush();

  /// What the workers wrote to the control thread.
  core::engine::MailboxSet& inbox() { return *sets_.back(); }
  uint16_t size() const { return workers_; }
  size_t policies() const { return policies_.size(); }
  bool running() const { return running_; }
  WorkerSnapshot SnapshotOf(size_t worker) const { return hosts_[worker]->snapshot().Read(); }

 private:
  struct Waiting {
    size_t target;
    EnvelopeKind kind;
    uint64_t words[2];
    std::string bytes;
  };

  void Post(Waiting post);
  bool TryPost(const Waiting& post);

  uint16_t workers_;
  std::vector<std::unique_ptr<core::engine::MailboxSet>> sets_;
  std::vector<core::engine::MailboxSet*> set_pointers_;
  std::unique_ptr<core::engine::Outbox> outbox_;
  std::deque<Waiting> waiting_;  // In order; while one waits, so does all that comes after it.
  std::vector<std::unique_ptr<Policy>> policies_;
  std::optional<core::engine::SharedPlaces> calls_;  // Before the workers that share it.
  std::vector<std::unique_ptr<WorkerHost>> hosts_;
  std::vector<std::unique_ptr<core::engine::WorkerThread>> threads_;
  bool running_ = false;
};

/// The cores for `workers` workers, one each, among those that this process may use; the last ones
/// first, as interrupts tend to be served by the first. Empty: there are fewer, and none is pinned.
std::vector<int> ChooseCores(size_t workers);

}  // namespace sbc
