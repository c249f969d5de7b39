#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/address.h"
#include "core/engine/mailbox.h"

namespace sbc {

/// What an HTTP client asks the control thread.
enum class AdminQuestion : uint8_t { kMetrics, kStatus };

/// The node's HTTP side, on threads of its own:
///
///     GET /healthz         200 while the process lives
///     GET /readyz          200 while new calls are taken; 503 before, and while draining
///     GET /metrics         Prometheus
///     GET /api/v1/status   JSON, small
///
/// Shape:    at most kThreads requests at once and kQueueMax that wait; a request without a body,
///           answered within kAnswerTime. No authentication, so it listens on loopback unless told.
/// Errors:   Start() says why the address cannot be had. 503 where the control thread does not
///           answer in time.
/// Thread:   the control thread's. Handlers run on the server's own threads, and never touch what
///           is the control thread's: their questions wait for Serve().
class AdminServer {
 public:
  static constexpr size_t kThreads = 8;  // Idle ones cost nothing; a stuck client has one.
  static constexpr size_t kQueueMax = 16;
  static constexpr size_t kBodyMax = 4096;

  /// Called on the control thread, from Serve().
  class Answerer {
   public:
    virtual ~Answerer() = default;
    virtual std::string Answer(AdminQuestion question) = 0;
  };

  /// `waker` wakes the control thread: a question is there.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const core::Endpoint& local,
                                                            core::engine::Waker* waker);
  ~AdminServer();

  /// Answers what was asked since.
  void Serve(Answerer* answerer);
  void SetReady(bool ready);
  uint16_t port() const;  // That was asked for, or that the kernel chose for 0.

 private:
  class Server;
  explicit AdminServer(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace sbc
