// One turn of a worker: flush and wait, then the clock, then packets, send errors, mailboxes,
// timers, the program's end of turn, and what was posted leaves (rules 4, 5 and 15 of the packet
// core).

#include "core/engine/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/buffer/packet_pool.h"

namespace core::engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

constexpr Instant kStart = Instant{} + hours(1);

class FakeClock final : public Clock {
 public:
  explicit FakeClock(std::vector<std::string>* log) : log_(log) {}
  Instant Now() override {
    log_->push_back("clock");
    return now;
  }
  WallTime Wall() override { return wall; }

  Instant now = kStart;
  WallTime wall{1'700'000'000'000'000};

 private:
  std::vector<std::string>* log_;
};

/// Gives what a test put there, and lets the time of a wait pass.
class FakeIo final : public net::PacketIo {
 public:
  FakeIo(std::vector<std::string>* log, FakeClock* clock) : log_(log), clock_(clock) {}

  absl::StatusOr<SocketId> Open(const net::SocketOptions&) override { return SocketId{0, 1}; }
  void Close(SocketId) override {}
  Endpoint LocalOf(SocketId) const override { return {}; }
  absl::Status SetReachFilter(SocketId, std::span<const Cidr>) override { return absl::OkStatus(); }
  void Send(Packet) override {}
  void FlushAndWait(Instant deadline) override {
    log_->push_back("flush");
    deadlines.push_back(deadline);
    if (during_wait != nullptr) during_wait->Flush();
    clock_->now += wait;
    clock_->wall.unix_us += wait / std::chrono::microseconds(1);
  }
  std::span<Packet> Receive() override {
    log_->push_back("receive");
    return packets;
  }
  std::span<const net::SendError> Errors() override { return errors; }
  void Wake() override { ++wakes; }
  const net::IoCounters& counters() const override { return counters_; }
  uint64_t QueueDrops(SocketId) const override { return 0; }

  std::vector<Packet> packets;
  std::vector<net::SendError> errors;
  std::vector<Instant> deadlines;
  Outbox* during_wait = nullptr;  // Another thread's, flushed while this one sleeps.
  Duration wait = milliseconds(3);
  int wakes = 0;

 private:
  std::vector<std::string>* log_;
  FakeClock* clock_;
  net::IoCounters counters_;
};

class WorkerTest : public testing::Test, public WorkerProgram {
 protected:
  WorkerTest() {
    clock_.now = kStart;
    worker_.emplace(Worker::Parts{.io = &io_,
                                  .clock = &clock_,
                                  .timers = &timers_,
                                  .mailboxes = &inbox_,
                                  .outbox = &outbox_,
                                  .program = this});
    log_.clear();
  }

  void OnPacket(Packet packet, Instant now) override {
    EXPECT_EQ(now, clock_.now);
    log_.push_back("packet " + std::string(packet.text()));
    if (reply_) {
      EXPECT_TRUE(outbox_.Post(1, {}));
    }
  }
  void OnSendError(const net::SendError& error, Instant now) override {
    EXPECT_EQ(now, clock_.now);
    log_.push_back("error " + std::to_string(error.error));
  }
  void OnEnvelope(const Envelope& envelope, Instant now) override {
    EXPECT_EQ(now, clock_.now);
    log_.push_back("envelope " + std::to_string(envelope.kind));
  }
  void OnTurnEnd(Instant now) override {
    EXPECT_EQ(now, clock_.now);
    log_.push_back("end");
    // What was posted in this turn is handed over after it, all at once.
    EXPECT_FALSE(reply_ && others_inbox_.pending());
  }

  static void OnTimer(void* self, Timer*, Instant now) {
    EXPECT_EQ(now, static_cast<WorkerTest*>(self)->clock_.now);
    static_cast<WorkerTest*>(self)->log_.push_back("timer");
  }

  void Receive(std::string_view bytes) {
    Packet packet = pool_.Acquire();
    ASSERT_TRUE(packet);
    bytes.copy(packet.data(), bytes.size());
    packet.set_size(static_cast<uint32_t>(bytes.size()));
    io_.packets.push_back(std::move(packet));
  }
  void Mail(uint16_t kind) {
    Envelope envelope;
    envelope.kind = kind;
    ASSERT_TRUE(others_outbox_.Post(0, envelope));
  }

  std::vector<std::string> log_;
  FakeClock clock_{&log_};
  PacketPool pool_{1500, 8};
  FakeIo io_{&log_, &clock_};
  TimerWheel timers_{kStart};
  Timer timer_{OnTimer, this};
  MailboxSet inbox_{2, Mailbox::kRingBytesMin};
  MailboxSet others_inbox_{2, Mailbox::kRingBytesMin};
  Outbox outbox_{0, {&inbox_, &others_inbox_}};
  Outbox others_outbox_{1, {&inbox_, &others_inbox_}};
  bool reply_ = false;
  std::optional<Worker> worker_;
};

TEST_F(WorkerTest, TurnsInTheOrderOfRule5) {
  Receive("one");
  Receive("two");
  io_.errors.push_back({{0, 1}, {}, 111, {}});
  Mail(5);
  others_outbox_.Flush();
  timers_.Arm(&timer_, kStart + milliseconds(1));

  worker_->Turn();

  EXPECT_THAT(log_, ElementsAre("flush", "clock", "receive", "packet one", "packet two",
                                "error 111", "envelope 5", "timer", "end"));
  EXPECT_EQ(worker_->now(), kStart + milliseconds(3));  // Of after the wait.
}

// Nothing is read before all that was posted at the start is known, however much that is.
TEST_F(WorkerTest, BeginsWithAllMailThatIsThere) {
  constexpr uint16_t kMails = 600;  // More than a turn takes.
  for (uint16_t i = 0; i < kMails; ++i) Mail(i);
  others_outbox_.Flush();
  Receive("one");
  worker_->Begin();
  ASSERT_EQ(log_.size(), kMails);
  worker_->Turn();
  EXPECT_EQ(log_[kMails + 3], "packet one");
}

TEST_F(WorkerTest, WaitsUntilItsNextTimer) {
  timers_.Arm(&timer_, kStart + milliseconds(20));
  worker_->Turn();
  worker_->Turn();
  ASSERT_EQ(io_.deadlines.size(), 2u);
  EXPECT_EQ(io_.deadlines[0], timers_.NextDue());
  EXPECT_GT(io_.deadlines[1], clock_.now);
  EXPECT_EQ(worker_->NextDue(), timers_.NextDue());
}

TEST_F(WorkerTest, DoesNotWaitWhileThereIsMail) {
  Mail(1);
  others_outbox_.Flush();
  worker_->Turn();
  EXPECT_LE(io_.deadlines.at(0), kStart);
  worker_->Turn();
  EXPECT_EQ(io_.deadlines.at(1), kNever);
  EXPECT_EQ(io_.wakes, 0);
}

TEST_F(WorkerTest, IsWokenByMailOnlyWhileItWaits) {
  Mail(1);
  io_.during_wait = &others_outbox_;
  worker_->Turn();
  EXPECT_EQ(io_.wakes, 1);
  EXPECT_EQ(log_.at(3), "envelope 1");

  io_.during_wait = nullptr;
  Mail(2);
  others_outbox_.Flush();  // Between turns: it is seen before the next wait.
  EXPECT_EQ(io_.wakes, 1);
}

TEST_F(WorkerTest, HandsOverWhatItPostedOnceATurn) {
  reply_ = true;
  Receive("one");
  Receive("two");
  others_inbox_.set_waker(&*worker_);
  ASSERT_TRUE(others_inbox_.BeginSleep());
  worker_->Turn();
  EXPECT_EQ(others_inbox_.Drain(10, [](const Envelope& got) { EXPECT_EQ(got.from, 0); }), 2u);
  EXPECT_EQ(io_.wakes, 1);
  EXPECT_EQ(outbox_.counters().wakes, 1u);
}

TEST_F(WorkerTest, MapsTheWallClockOnceATurn) {
  worker_->Turn();
  EXPECT_EQ(worker_->wall(), clock_.wall);
  const WallTime of_turn = worker_->wall();
  clock_.wall.unix_us += 5'000;  // Between turns nothing moves.
  EXPECT_EQ(worker_->wall(), of_turn);
  EXPECT_EQ(worker_->wall_mapping().At(worker_->now() - seconds(2)).unix_us,
            of_turn.unix_us - 2'000'000);
}

// A wall clock that was set is followed, and counted once, in either direction.
TEST_F(WorkerTest, NoticesASteppedWallClock) {
  worker_->Turn();
  EXPECT_EQ(worker_->wall_mapping().steps(), 0u);
  clock_.wall.unix_us += 3'600'000'000;
  worker_->Turn();
  worker_->Turn();
  EXPECT_EQ(worker_->wall_mapping().steps(), 1u);
  EXPECT_EQ(worker_->wall_mapping().last_step(), seconds(3600));
  EXPECT_EQ(worker_->wall(), clock_.wall);
  clock_.wall.unix_us -= 200'000;
  worker_->Turn();
  EXPECT_EQ(worker_->wall_mapping().steps(), 2u);
  EXPECT_EQ(worker_->wall_mapping().last_step(), milliseconds(-200));
}

// NTP moves the clock by up to 0.05 %: over a night's wait that is more than any step worth a word.
TEST_F(WorkerTest, TakesASlewedWallClockForNoStep) {
  io_.wait = hours(8);
  clock_.wall.unix_us += 14'000'000;
  worker_->Turn();
  EXPECT_EQ(worker_->wall_mapping().steps(), 0u);
}

// A thousand timers more than a turn may fire: the rest come in the next one, which does not wait.
TEST_F(WorkerTest, LetsNoBurstOfTimersStarveTheSockets) {
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 5000; ++i) {
    timers.push_back(std::make_unique<Timer>(OnTimer, this));
    timers_.Arm(timers.back().get(), kStart + milliseconds(1));
  }
  worker_->Turn();
  const auto fired = [&] { return std::count(log_.begin(), log_.end(), "timer"); };
  EXPECT_EQ(fired(), 4096);
  worker_->Turn();
  EXPECT_EQ(fired(), 5000);
  EXPECT_LE(io_.deadlines.at(1), clock_.now);
}

}  // namespace
}  // namespace core::engine
