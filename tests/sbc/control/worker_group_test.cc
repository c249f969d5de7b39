// Goal: workers start on their sockets or say why not, install what a reload brings, give back what
// no call uses, and end (design section 2).

#include "sbc/control/worker_group.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/engine/wake_fd.h"
#include "sbc/control/packet_backend.h"
#include "tests/sbc/policy_bed.h"

namespace sbc {
namespace {

class WorkerGroupTest : public testing::Test {
 protected:
  WorkerGroupTest() {
    config_ = SmallConfig();
    config_.limits.calls = 10;
    config_.node.workers = kWorkers;
    // The workers share a port, which the kernel cannot choose for them one by one.
    config_.listeners.resize(1);
    config_.listeners[0].local = {Ip("127.0.0.1"), FreePort()};
    workers_.inbox().set_waker(&wake_);
  }

  static uint16_t FreePort() {
    core::KernelClock clock;
    auto io = CreatePacketIo(Config(), 0, &clock);
    CHECK(io.ok());
    const auto socket = (*io)->Open({.local = {Ip("127.0.0.1"), 0}});
    CHECK(socket.ok());
    return (*io)->LocalOf(*socket).port;
  }

  std::vector<std::unique_ptr<Policy>> Policies() {
    std::vector<std::unique_ptr<Policy>> policies;
    for (int i = 0; i < kWorkers; ++i) {
      auto policy = Policy::Build(config_, &registry_);
      CHECK(policy.ok());
      policies.push_back(std::move(*policy));
    }
    return policies;
  }

  absl::Status Start() {
    return workers_.Start({.policies = Policies(), .hosts_max = registry_.hosts_max(), .epoch = 1});
  }

  // Visits mail until `done` is true.
  template <typename Visit, typename Done>
  bool ReadUntil(Visit&& visit, Done&& done) {
    for (int turn = 0; turn < 2000 && !done(); ++turn) {
      workers_.Flush();
      workers_.inbox().Drain(64, visit);
      pollfd ready = {wake_.fd(), POLLIN, 0};
      (void)poll(&ready, 1, 10);
      wake_.Clear();
    }
    return done();
  }

  static constexpr int kWorkers = 2;
  Config config_;
  HostRegistry registry_{16};
  core::engine::WakeFd wake_;
  WorkerGroup workers_{kWorkers};
};

TEST_F(WorkerGroupTest, StartsDrainsAndStops) {
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(workers_.running());
  workers_.PostAll(EnvelopeKind::kDrain);
  uint32_t drained = 0;
  EXPECT_TRUE(ReadUntil(
      [&](const core::engine::Envelope& envelope) {
        EXPECT_EQ(envelope.kind, static_cast<uint16_t>(EnvelopeKind::kDrained));
        drained |= 1u << envelope.from;
      },
      [&] { return drained == 3; }));
  workers_.Stop();
  EXPECT_FALSE(workers_.running());
}

TEST_F(WorkerGroupTest, ASupersededPolicyComesBackFromEachWorker) {
  ASSERT_TRUE(Start().ok());
  workers_.Install(Policies());
  EXPECT_EQ(workers_.policies(), 4u);
  EXPECT_TRUE(ReadUntil(
      [&](const core::engine::Envelope& envelope) {
        ASSERT_EQ(envelope.kind, static_cast<uint16_t>(EnvelopeKind::kPolicyDone));
        workers_.OnPolicyDone(reinterpret_cast<const Policy*>(envelope.words[0]));
      },
      [&] { return workers_.policies() == 2; }));
}

TEST_F(WorkerGroupTest, AListenerThatCannotBeHadIsNamed) {
  config_.listeners[0].local.ip = Ip("192.0.2.1");
  const absl::Status status = Start();
  ASSERT_FALSE(status.ok());
  const std::string message(status.message());
  EXPECT_NE(message.find("listener 192.0.2.1:"), std::string::npos) << message;
  EXPECT_NE(message.find("this machine does not have that address"), std::string::npos) << message;
  EXPECT_FALSE(workers_.running());
}

// Workers share an address by SO_REUSEPORT, which would let a second node in beside them.
TEST_F(WorkerGroupTest, AListenerThatAnotherNodesWorkersShareIsRefused) {
  core::KernelClock clock;
  ASSERT_TRUE(CheckListenersAreFree(config_, &clock).ok());
  ASSERT_TRUE(Start().ok());  // What was looked at was let go again.
  const absl::Status status = CheckListenersAreFree(config_, &clock);
  ASSERT_FALSE(status.ok());
  const std::string message(status.message());
  EXPECT_NE(message.find("listener 127.0.0.1:"), std::string::npos) << message;
  EXPECT_NE(message.find("another socket has this address and port"), std::string::npos) << message;
  workers_.Stop();
  EXPECT_TRUE(CheckListenersAreFree(config_, &clock).ok());
}

TEST(ChooseCoresTest, OneEachOrNone) {
  EXPECT_EQ(ChooseCores(1).size(), 1u);
  EXPECT_TRUE(ChooseCores(5000).empty());
}

}  // namespace
}  // namespace sbc
