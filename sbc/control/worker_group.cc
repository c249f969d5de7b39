#include "sbc/control/worker_group.h"

#include <sched.h>

#include <algorithm>
#include <utility>

#include "core/base/concat.h"
#include "core/base/random.h"
#include "core/base/siphash.h"
#include "core/base/status.h"

namespace sbc {

using core::engine::Envelope;
using core::engine::MailboxSet;

std::vector<int> ChooseCores(size_t workers) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {};
  std::vector<int> cores;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && cores.size() < workers; --cpu) {
    if (CPU_ISSET(cpu, &set)) cores.push_back(cpu);
  }
  return cores.size() == workers ? cores : std::vector<int>();
}

WorkerGroup::WorkerGroup(uint16_t workers) : workers_(workers) {
  const auto writers = static_cast<uint16_t>(workers + 1);
  for (uint16_t i = 0; i < writers; ++i) sets_.push_back(std::make_unique<MailboxSet>(writers));
  for (const auto& set : sets_) set_pointers_.push_back(set.get());
  outbox_ = std::make_unique<core::engine::Outbox>(workers, set_pointers_);
}

WorkerGroup::~WorkerGroup() { Stop(); }

absl::Status WorkerGroup::Start(StartOptions options) {
  CHECK(options.policies.size() == workers_ && hosts_.empty());
  policies_ = std::move(options.policies);
  core::Random random = core::Random::FromKernel();
  const SbcWorker::Secrets secrets = SbcWorker::Secrets::From(&random);
  const std::string& node = policies_.front()->config().node.name;
  const std::vector<int> cores = ChooseCores(workers_);
  calls_.emplace(policies_.front()->config().limits.calls);
  for (uint16_t i = 0; i < workers_; ++i) {
    SbcWorker::Options worker;
    worker.index = i;
    worker.workers = workers_;
    worker.control = workers_;
    // Told apart by name in a cluster; the key is fixed so that a restart keeps the number.
    worker.node = static_cast<uint8_t>(core::SipHash(core::HashKey{}, node));
    worker.epoch = options.epoch;
    worker.secrets = secrets;
    worker.hosts_max = options.hosts_max;
    worker.policy = policies_[i].get();
    worker.calls = &*calls_;
    hosts_.push_back(std::make_unique<WorkerHost>(WorkerHost::Options{worker, set_pointers_}));
    threads_.push_back(std::make_unique<core::engine::WorkerThread>());
    absl::Status status = threads_.back()->Start(
        {.name = core::Concat("worker-", i), .cpu = cores.empty() ? -1 : cores[i]},
        hosts_.back().get());
    if (!status.ok()) {
      threads_.pop_back();
      Stop();
      return status;
    }
  }
  running_ = true;
  return absl::OkStatus();
}

void WorkerGroup::Stop() {
  running_ = false;
  for (const auto& thread : threads_) thread->Stop();
  threads_.clear();
  hosts_.clear();  // Before the policies that their calls refer to.
  policies_.clear();
}

void WorkerGroup::Install(std::vector<std::unique_ptr<Policy>> policies) {
  CHECK(policies.size() == workers_);
  for (size_t i = 0; i < workers_; ++i) {
    Post({i, EnvelopeKind::kPolicy, {reinterpret_cast<uint64_t>(policies[i].get()), 0}, {}});
    policies_.push_back(std::move(policies[i]));
  }
}

void WorkerGroup::OnPolicyDone(const Policy* policy) {
  std::erase_if(policies_, [policy](const auto& owned) { return owned.get() == policy; });
}

void WorkerGroup::PostAll(EnvelopeKind kind) {
  for (size_t i = 0; i < workers_; ++i) Post({i, kind, {0, 0}, {}});
}

void WorkerGroup::PostAddresses(uint16_t host, Side side, std::span<const HostAddress> addresses) {
  const std::string bytes(reinterpret_cast<const char*>(addresses.data()), addresses.size_bytes());
  for (size_t i = 0; i < workers_; ++i) {
    Post({i, EnvelopeKind::kHostAddresses, {host, static_cast<uint64_t>(side)}, bytes});
  }
}

void WorkerGroup::Post(Waiting post) {
  if (!waiting_.empty() || !TryPost(post)) waiting_.push_back(std::move(post));
}

bool WorkerGroup::TryPost(const Waiting& post) {
  Envelope envelope;
  envelope.kind = static_cast<uint16_t>(post.kind);
  envelope.words = {post.words[0], post.words[1], 0, 0};
  envelope.bytes = post.bytes;
  return outbox_->Post(post.target, envelope);
}

void WorkerGroup::Flush() {
  while (!waiting_.empty() && TryPost(waiting_.front())) waiting_.pop_front();
  outbox_->Flush();
}

}  // namespace sbc
