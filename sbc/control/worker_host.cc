#include "sbc/control/worker_host.h"

#include <utility>

#include "core/base/status.h"
#include "sbc/control/packet_backend.h"

namespace sbc {

WorkerHost::WorkerHost(Options options)
    : options_(std::move(options)), outbox_(options_.worker.index, options_.threads) {}

WorkerHost::~WorkerHost() = default;

absl::Status WorkerHost::Start() {
  auto io = CreatePacketIo(options_.worker.policy->config(), options_.worker.index, &clock_);
  RETURN_IF_ERROR(io.status());
  io_ = std::move(*io);
  SbcWorker::Options worker = options_.worker;
  worker.io = io_.get();
  worker.clock = &clock_;
  worker.mailboxes = options_.threads[worker.index];
  worker.outbox = &outbox_;
  worker_.emplace(worker, clock_.Now());
  return worker_->Open();
}

void WorkerHost::Wake() {
  if (io_ != nullptr) io_->Wake();
}

}  // namespace sbc
