// Goal: the HTTP side answers while the control thread serves it, says 503 when that does not, and
// is bounded (design section 7: /metrics, /healthz, /readyz).

#include "sbc/control/admin_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "core/engine/wake_fd.h"
#include "httplib.h"

namespace sbc {
namespace {

class Answers final : public AdminServer::Answerer {
 public:
  std::string Answer(AdminQuestion question) override {
    ++asked;
    return question == AdminQuestion::kMetrics ? "metrics" : "{}";
  }
  int asked = 0;
};

class AdminServerTest : public testing::Test {
 protected:
  AdminServerTest() {
    auto server = AdminServer::Start({core::IpAddress::FromV4(0x7f000001), 0}, &wake_);
    CHECK(server.ok());
    server_ = std::move(*server);
    port_ = server_->port();
  }

  std::unique_ptr<httplib::Client> Client() const {
    auto client = std::make_unique<httplib::Client>("127.0.0.1", port_);
    client->set_read_timeout(20);
    return client;
  }
  int StatusOf(const std::string& path) const {
    const auto result = Client()->Get(path);
    return result ? result->status : -1;
  }

  core::engine::WakeFd wake_;
  std::unique_ptr<AdminServer> server_;
  uint16_t port_ = 0;  // For other threads, as the server may end under them.
};

TEST_F(AdminServerTest, ReadinessFollowsTheNode) {
  EXPECT_EQ(StatusOf("/healthz"), 200);
  EXPECT_EQ(StatusOf("/readyz"), 503);
  server_->SetReady(true);
  EXPECT_EQ(StatusOf("/readyz"), 200);
  server_->SetReady(false);
  EXPECT_EQ(StatusOf("/readyz"), 503);
  EXPECT_EQ(StatusOf("/healthz"), 200);
}

// The question wakes the control thread, which answers between its other work.
TEST_F(AdminServerTest, TheControlThreadAnswers) {
  auto metrics = std::async(std::launch::async, [this] { return Client()->Get("/metrics"); });
  pollfd woken = {wake_.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&woken, 1, 20'000), 1);
  wake_.Clear();
  Answers answers;
  server_->Serve(&answers);
  const auto result = metrics.get();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->body, "metrics");
  EXPECT_EQ(result->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  server_->Serve(&answers);
  EXPECT_EQ(answers.asked, 1);
}

TEST_F(AdminServerTest, AControlThreadThatIsBusyIsSaidToBe) {
  EXPECT_EQ(StatusOf("/api/v1/status"), 503);
}

// Whoever still waits is let go when the node ends.
TEST_F(AdminServerTest, TheEndWaitsForNobody) {
  auto metrics = std::async(std::launch::async, [this] { return StatusOf("/metrics"); });
  pollfd woken = {wake_.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&woken, 1, 20'000), 1);
  server_.reset();
  EXPECT_NE(metrics.get(), 200);
}

TEST_F(AdminServerTest, WhatIsNotThereAndWhatIsTooLong) {
  EXPECT_EQ(StatusOf("/"), 404);
  EXPECT_EQ(StatusOf("/" + std::string(20'000, 'x')), 414);
  const auto posted =
      Client()->Post("/healthz", std::string(AdminServer::kBodyMax + 1, 'x'), "text/plain");
  ASSERT_TRUE(posted);
  EXPECT_EQ(posted->status, 413);
}

// More connections than threads and queue: all are served in the end, none is lost.
TEST_F(AdminServerTest, ABurstOfConnections) {
  std::vector<std::future<int>> statuses;
  for (size_t i = 0; i < 3 * (AdminServer::kThreads + AdminServer::kQueueMax); ++i) {
    statuses.push_back(std::async(std::launch::async, [this] {
      auto client = Client();
      client->set_keep_alive(false);
      const auto result = client->Get("/healthz");
      return result ? result->status : -1;
    }));
  }
  for (auto& status : statuses) EXPECT_EQ(status.get(), 200);
}

// Who opens a connection and says nothing has a thread, and the others still answer: a probe does
// not wait until he is given up.
TEST_F(AdminServerTest, SilentConnectionsKeepNobodyWaiting) {
  std::vector<int> silent;
  for (size_t i = 0; i + 1 < AdminServer::kThreads; ++i) {
    const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server_->port());
    ASSERT_EQ(connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(send(connection, "GET /metr", 9, 0), 9);
    silent.push_back(connection);
  }
  ASSERT_GE(silent.size(), 4u);
  EXPECT_EQ(StatusOf("/healthz"), 200);
  size_t still_open = 0;
  for (const int connection : silent) {
    char byte = 0;
    if (recv(connection, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) ++still_open;
    close(connection);
  }
  EXPECT_GT(still_open, 0u) << "the probe was answered only when they had been given up";
}

// Two nodes on one port would each get half of the requests.
TEST_F(AdminServerTest, ThePortIsOurs) {
  const auto second =
      AdminServer::Start({core::IpAddress::FromV4(0x7f000001), server_->port()}, &wake_);
  ASSERT_FALSE(second.ok());
  const std::string message(second.status().message());
  EXPECT_EQ(message, "admin: cannot listen on 127.0.0.1:" + std::to_string(server_->port()) +
                         ": Address already in use");
}

}  // namespace
}  // namespace sbc
