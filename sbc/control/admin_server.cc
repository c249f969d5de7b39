#include "sbc/control/admin_server.h"

#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/concat.h"
#include "httplib.h"
#include "sbc/control/question_queue.h"

namespace sbc {
namespace {

constexpr std::chrono::milliseconds kAnswerTime{2000};
// For a request to arrive, and for its answer to leave. Who opens a connection and says nothing
// holds a thread for so long, and a probe that waits behind it must not give up.
constexpr time_t kIdleSeconds = 1;
constexpr time_t kKeepAliveSeconds = 1;  // The node's end waits for those that idle.
constexpr size_t kRequestsPerConnection = 100;
constexpr char kPlain[] = "text/plain; charset=utf-8";

/// httplib's pool with a bounded queue: past it the accepting thread serves the connection itself,
/// and meanwhile the kernel's backlog is the bound.
class BoundedPool final : public httplib::TaskQueue {
 public:
  BoundedPool() {
    for (size_t i = 0; i < AdminServer::kThreads; ++i) threads_.emplace_back([this] { Work(); });
  }

  void enqueue(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.size() < AdminServer::kQueueMax) {
        tasks_.push_back(std::exchange(task, nullptr));
        more_.notify_one();
      }
    }
    if (task) task();
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
      more_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      more_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  bool stop_ = false;
};

// Not httplib's own, which is SO_REUSEPORT: two nodes on one port would each get half the requests.
void ListenAlone(socket_t socket) {
  const int yes = 1;
  (void)setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

}  // namespace

class AdminServer::Server {
 public:
  explicit Server(core::engine::Waker* waker) : questions_(waker) {
    http_.new_task_queue = [] { return new BoundedPool; };
    http_.set_socket_options([this](socket_t socket) {
      ListenAlone(socket);
      socket_ = socket;
    });
    http_.set_payload_max_length(kBodyMax);
    http_.set_read_timeout(kIdleSeconds);
    http_.set_write_timeout(kIdleSeconds);
    http_.set_keep_alive_timeout(kKeepAliveSeconds);
    http_.set_keep_alive_max_count(kRequestsPerConnection);
    http_.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", kPlain);
    });
    http_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      response.status = ready_ ? 200 : 503;
      response.set_content(ready_ ? "ready\n" : "not ready\n", kPlain);
    });
    Route("/metrics", AdminQuestion::kMetrics, "text/plain; version=0.0.4; charset=utf-8");
    Route("/api/v1/status", AdminQuestion::kStatus, "application/json");
  }

  ~Server() {
    questions_.Close();
    http_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Start(const core::Endpoint& local) {
    const core::IpAddress::Text text = local.ip.text();
    const std::string host(text.view());
    errno = 0;
    int port = local.port;
    if (port == 0) {
      port = http_.bind_to_any_port(host);
    } else if (!http_.bind_to_port(host, port)) {
      port = -1;
    }
    if (port < 0) {
      const core::Endpoint::Text where = local.text();
      return absl::UnavailableError(core::Concat("admin: cannot listen on ", where.view(), ": ",
                                                 errno == 0 ? "refused" : std::strerror(errno)));
    }
    port_ = static_cast<uint16_t>(port);
    // httplib lets five connections wait, and whose beginning is dropped comes again after seconds.
    (void)::listen(socket_, kBacklog);
    thread_ = std::thread([this] {
      http_.listen_after_bind();
      ended_ = true;
    });
    // stop() is only heard by a server that runs.
    while (!http_.is_running() && !ended_) std::this_thread::yield();
    return absl::OkStatus();
  }

  QuestionQueue& questions() { return questions_; }
  void SetReady(bool ready) { ready_ = ready; }
  uint16_t port() const { return port_; }

 private:
  void Route(const char* path, AdminQuestion question, const char* type) {
    http_.Get(path, [this, question, type](const httplib::Request&, httplib::Response& response) {
      std::optional<std::string> answer = questions_.Ask(question, kAnswerTime);
      response.status = answer ? 200 : 503;
      response.set_content(answer ? std::move(*answer) : "busy\n", answer ? type : kPlain);
    });
  }

  static constexpr int kBacklog = 128;

  httplib::Server http_;
  socket_t socket_ = -1;  // http_'s.
  QuestionQueue questions_;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> ended_ = false;
  uint16_t port_ = 0;
  std::thread thread_;
};

AdminServer::AdminServer(std::unique_ptr<Server> server) : server_(std::move(server)) {}

AdminServer::~AdminServer() = default;

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const core::Endpoint& local,
                                                                core::engine::Waker* waker) {
  auto server = std::make_unique<Server>(waker);
  if (absl::Status status = server->Start(local); !status.ok()) return status;
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(server)));
}

void AdminServer::Serve(Answerer* answerer) { server_->questions().Serve(answerer); }

void AdminServer::SetReady(bool ready) { server_->SetReady(ready); }

uint16_t AdminServer::port() const { return server_->port(); }

}  // namespace sbc
