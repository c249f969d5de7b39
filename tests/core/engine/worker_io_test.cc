// Goal: workers over the real backend and the kernel's clock: an idle one sleeps, mail reaches one
// that collects within its budget, and what the kernel delivers to the wrong worker is handed to
// its owner, once (packet-core rules 6 and 15; section 8: idle wakes, a wake during a budget wait,
// a single-source trunk on 4 workers).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/engine/wake_fd.h"
#include "core/engine/worker.h"
#include "core/engine/worker_thread.h"
#include "core/net/uring_io.h"
#include "tests/core/net/uring_fixture.h"

namespace core::engine {
namespace {

using namespace std::chrono_literals;

constexpr uint16_t kWorkers = 4;
constexpr uint16_t kMain = kWorkers;  // The test's own thread writes to mailboxes too.
constexpr int kPatienceMs = 20'000;

// One worker with its own backend, on a thread of its own. The first byte of a datagram names its
// owner.
class Node final : public WorkerThread::Body, public WorkerProgram {
 public:
  Node(uint16_t number, const net::UringIoOptions& options, const net::SocketOptions& socket)
      : number_(number), options_(options), socket_options_(socket) {}

  // Before any thread starts.
  absl::Status Make() {
    auto io = net::UringIo::Create(options_, &clock_);
    if (!io.ok()) return io.status();
    io_ = *std::move(io);
    auto socket = io_->Open(socket_options_);
    if (!socket.ok()) return socket.status();
    local = io_->LocalOf(*socket);
    return absl::OkStatus();
  }
  void Join(const std::vector<MailboxSet*>& all) { outbox_.emplace(number_, all); }

  absl::Status Start() override {
    worker_.emplace(Worker::Parts{.io = io_.get(),
                                  .clock = &clock_,
                                  .timers = &timers,
                                  .mailboxes = &inbox,
                                  .outbox = outbox_.has_value() ? &*outbox_ : nullptr,
                                  .program = this});
    return absl::OkStatus();
  }
  void Turn() override { worker_->Turn(); }
  void Wake() override { io_->Wake(); }

  void OnPacket(Packet packet, Instant) override {
    ++from_wire;
    const auto owner = static_cast<size_t>(packet.text()[0] - '0');
    if (owner == number_) return Own(packet.text());
    Envelope envelope;
    envelope.local = packet.local();
    envelope.remote = packet.remote();
    envelope.bytes = packet.text();
    if (!outbox_->Post(owner, envelope)) ++refused;
  }
  void OnSendError(const net::SendError&, Instant) override {}
  void OnEnvelope(const Envelope& envelope, Instant) override {
    ++envelopes;
    if (!envelope.bytes.empty()) Own(envelope.bytes);
    got_mail.Wake();
  }
  void OnTurnEnd(Instant) override {
    if (wanted != 0 && owned.size() == wanted) got_all.Wake();
  }

  const net::IoCounters& io_counters() const { return io_->counters(); }
  const Outbox::Counters& outbox_counters() const { return outbox_->counters(); }
  Instant Now() { return clock_.Now(); }

  MailboxSet inbox{kWorkers + 1, size_t{1} << 20};
  TimerWheel timers{Instant{}};
  Endpoint local;
  size_t wanted = 0;
  WakeFd got_mail;
  WakeFd got_all;
  // Read when the thread has stopped.
  std::vector<std::string> owned;
  size_t from_wire = 0;
  size_t envelopes = 0;
  size_t refused = 0;

 private:
  void Own(std::string_view bytes) {
    EXPECT_EQ(bytes[0] - '0', number_);
    owned.emplace_back(bytes);
  }

  const uint16_t number_;
  const net::UringIoOptions options_;
  const net::SocketOptions socket_options_;
  KernelClock clock_;
  std::unique_ptr<net::UringIo> io_;
  std::optional<Outbox> outbox_;
  std::optional<Worker> worker_;
};

bool Await(const WakeFd& event) {
  pollfd fd = {event.fd(), POLLIN, 0};
  return poll(&fd, 1, kPatienceMs) == 1;
}

net::SocketOptions OnLoopback() {
  net::SocketOptions options;
  options.local = {tests::kLoopback, 0};
  return options;
}

class WorkerIoTest : public testing::TestWithParam<net::WaitMode> {
 protected:
  net::UringIoOptions Options() const { return {.wait_mode = GetParam()}; }
};

INSTANTIATE_TEST_SUITE_P(BothWaits, WorkerIoTest,
                         testing::Values(net::WaitMode::kAuto, net::WaitMode::kSleep),
                         tests::NameOfWait);

void Ignore(void*, Timer*, Instant) {}

// Rule 6: an idle worker wakes under 10 times a second, with sockets armed, a mailbox, and a
// thousand timers that are not due.
TEST_P(WorkerIoTest, IdleWakesAreUnderTenASecond) {
  Node node(0, Options(), OnLoopback());
  ASSERT_TRUE(node.Make().ok());
  node.Join({&node.inbox});
  ASSERT_TRUE(node.Start().ok());
  const Instant begin = node.Now();
  (void)node.timers.FireDue(begin);
  std::deque<Timer> timers;
  for (int i = 0; i < 1000; ++i) {
    node.timers.Arm(&timers.emplace_back(Ignore, nullptr), begin + 32s + i * 1ms);
  }
  Timer end(Ignore, nullptr);
  node.timers.Arm(&end, begin + 1s);
  const uint64_t before = node.io_counters().turns;
  while (end.armed()) node.Turn();
  EXPECT_LT(node.io_counters().turns - before, 10u);
}

// Rule 6: a worker that collects for its budget reads its mail when that is over, and does not wait
// for its next timer or datagram.
TEST_P(WorkerIoTest, MailDuringABudgetWaitIsReadWithinIt) {
  net::UringIoOptions options = Options();
  options.latency_budget = 50ms;
  Node node(0, options, OnLoopback());
  ASSERT_TRUE(node.Make().ok());
  Outbox outbox(kMain, {&node.inbox});
  node.Join({&node.inbox});
  WorkerThread thread;
  ASSERT_TRUE(thread.Start({.name = "collects"}, &node).ok());
  tests::PlainSocket sender;
  constexpr int kRounds = 10;
  const Instant begin = node.Now();
  for (int round = 0; round < kRounds; ++round) {
    sender.SendTo(node.local, "0");  // Work: the wait after it begins with the budget.
    Envelope envelope;
    ASSERT_TRUE(outbox.Post(0, envelope));
    outbox.Flush();
    ASSERT_TRUE(Await(node.got_mail)) << "round " << round;
    node.got_mail.Clear();
  }
  // At most two budgets a round: the one under way, and one that a datagram began meanwhile.
  EXPECT_LT(node.Now() - begin, kRounds * 2 * options.latency_budget + 5s);
  thread.Stop();
  EXPECT_EQ(node.envelopes, static_cast<size_t>(kRounds));
}

// Rule 15: SO_REUSEPORT gives all that one source sends to one worker. Each datagram reaches its
// owner once, in the order it came, and mail is handed over in batches: far fewer wakes than
// envelopes.
TEST_P(WorkerIoTest, ASingleSourceTrunkOnFourWorkers) {
  constexpr size_t kEach = 500;
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<MailboxSet*> inboxes;
  net::SocketOptions options = OnLoopback();
  options.reuse_port = true;
  for (uint16_t i = 0; i < kWorkers; ++i) {
    nodes.push_back(std::make_unique<Node>(i, Options(), options));
    ASSERT_TRUE(nodes.back()->Make().ok());
    options.local = nodes.back()->local;  // All on the first one's port.
    nodes.back()->wanted = kEach;
    inboxes.push_back(&nodes.back()->inbox);
  }
  std::array<WorkerThread, kWorkers> threads;
  for (const auto& node : nodes) node->Join(inboxes);
  for (size_t i = 0; i < kWorkers; ++i) {
    ASSERT_TRUE(threads[i].Start({.name = "owner"}, nodes[i].get()).ok());
  }
  tests::PlainSocket trunk;
  for (size_t i = 0; i < kEach * kWorkers; ++i) {
    trunk.SendTo(options.local, std::to_string(i % kWorkers) + " " + std::to_string(i));
  }
  for (const auto& node : nodes) EXPECT_TRUE(Await(node->got_all));
  for (WorkerThread& thread : threads) thread.Stop();

  size_t receivers = 0;
  for (const auto& node : nodes) {
    receivers += node->from_wire > 0 ? 1 : 0;
    EXPECT_EQ(node->refused, 0u);
    ASSERT_EQ(node->owned.size(), kEach);
    const auto number = [](const std::string& bytes) { return std::stoul(bytes.substr(2)); };
    EXPECT_TRUE(
        std::is_sorted(node->owned.begin(), node->owned.end(),
                       [&](const auto& a, const auto& b) { return number(a) < number(b); }));
    if (node->from_wire == 0) continue;
    EXPECT_EQ(node->outbox_counters().posted, kEach * (kWorkers - 1));
    EXPECT_LE(node->outbox_counters().wakes, node->io_counters().turns * (kWorkers - 1));
  }
  EXPECT_EQ(receivers, 1u);
}

}  // namespace
}  // namespace core::engine
