#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/net/buffer_window.h"
#include "core/net/index_queue.h"
#include "core/net/packet_io.h"
#include "core/net/receive_header.h"
#include "core/net/udp_filter.h"
#include "core/net/uring_ring.h"
#include "core/time/clock.h"

namespace core::net {

/// How a worker waits when it has had work (rule 6).
enum class WaitMode : uint8_t {
  kAuto,         // What the kernel can do.
  kMinimumWait,  // The kernel collects for the latency budget before it returns (Linux 6.12).
  kSleep,        // Sleep the budget, then look: any kernel.
};

struct UringIoOptions {
  struct Buffers {
    uint32_t slot_bytes = 0;
    uint32_t count = 0;  // At most BufferWindow::kCountMax.
  };
  // A slot costs memory where datagrams land. Every slot has its turn, so more of them than a turn
  // needs only cool the cache (4,096 for media cost 6 to 10 % a datagram against 128).
  Buffers signalling = {.slot_bytes = 65535, .count = 512};
  Buffers media = {.slot_bytes = 2048, .count = 1024};

  uint32_t sockets_max = 16384;
  uint32_t send_queue_length = 1024;  // A turn that sends more submits in between.
  uint32_t completion_queue_length = 8192;
  uint32_t burst_max = 256;  // Datagrams that a turn hands out; the rest wait for the next.

  // What came is worked on at most this much later, so that one wake-up serves many datagrams.
  // Zero: each wakes the worker.
  Duration latency_budget = std::chrono::milliseconds(1);
  WaitMode wait_mode = WaitMode::kAuto;
  bool poll = false;  // Never sleep: the worker's core is its own.
};

/// The io_uring backend: one ring per worker, one system call a turn.
///
/// Receives are multishot and land in slots of our own pools (rule 1); sends are done, or have
/// failed, when the submission returns (rule 7); ICMP errors come from the sockets' error queues
/// (rule 8).
///
/// Lifetime: made and its sockets opened on any thread; the first FlushAndWait() makes it that
///           thread's. Nothing is allocated after Create(), but for a reach filter that is too long
///           for the kernel.
/// Errors:   Create() and Open() say what the machine lacks (rule 19).
class UringIo final : public PacketIo {
 public:
  static absl::StatusOr<std::unique_ptr<UringIo>> Create(const UringIoOptions& options,
                                                         Clock* clock);
  UringIo(const UringIo&) = delete;
  UringIo& operator=(const UringIo&) = delete;
  ~UringIo() override;

  absl::StatusOr<SocketId> Open(const SocketOptions& options) override;
  /// What was queued on it is sent before, nothing of it is received after, and on return its port
  /// is free.
  void Close(SocketId socket) override;
  Endpoint LocalOf(SocketId socket) const override;
  absl::Status SetReachFilter(SocketId socket, std::span<const Cidr> reach) override;
  void Send(Packet packet) override;
  void FlushAndWait(Instant deadline) override;
  std::span<Packet> Receive() override;
  std::span<const SendError> Errors() override;
  void Wake() override;
  const IoCounters& counters() const override { return counters_; }
  uint64_t QueueDrops(SocketId socket) const override;

  // Restart hand-over (rule 13): a socket moves to another process with what waits in it.

  /// Takes over a bound UDP socket that came from another process. `options.local` is not looked
  /// at. On an error the descriptor stays the caller's.
  absl::StatusOr<SocketId> OpenAdopted(int fd, const SocketOptions& options);
  /// Stops receiving. What the kernel has handed to us until now comes from the next Receive()s,
  /// what it has not stays in the socket for whoever adopts it. The descriptor is for sending to
  /// the other process; it stays ours, and can be sent from, until Close().
  absl::StatusOr<int> ReleaseForHandOver(SocketId socket);

  WaitMode wait_mode() const { return wait_mode_; }  // Never kAuto.
  bool reach_filter_in_kernel(SocketId socket) const;
  // For tests of the rules that armed receives and descriptors stay as many as they should.
  size_t open_sockets() const { return open_sockets_; }
  size_t armed_sockets() const { return armed_sockets_; }

 private:
  enum class Operation : uint8_t { kReceive, kSend, kWake, kCancel };
  enum class SocketState : uint8_t { kFree, kOpen, kReleased, kClosing };

  struct Socket {
    int fd = -1;
    uint32_t generation = 0;
    SocketState state = SocketState::kFree;
    BufferGroup group = BufferGroup::kSignalling;
    bool armed = false;      // A multishot receive is in the kernel.
    bool in_to_arm = false;  // In the queue of that name, as below.
    bool in_starved = false;
    bool in_erring = false;
    bool icmp_errors = false;
    bool kernel_receive_time = false;
    bool is_v4 = true;
    bool reach_in_kernel = true;
    Endpoint local;
    std::unique_ptr<ReachSet> reach;  // Only where the kernel cannot do it.
  };

  struct QueuedSend {
    Packet packet;
    int error = 0;
    uint8_t attempts = 0;
  };

  static constexpr size_t kErrorsMax = 64;       // Of one turn; the rest are only counted.
  static constexpr size_t kQuotedMax = 512;      // Enough for a request line and its topmost Via.
  static constexpr uint8_t kResendsMax = 3;      // Rule 8.
  static constexpr size_t kRearmedMax = 64;      // Starved receives of a group re-armed in a turn.
  static constexpr size_t kErrorReadsMax = 256;  // Entries of one socket's error queue in one turn.

  struct Quoted {
    char bytes[kQuotedMax];
  };

  UringIo(const UringIoOptions& options, Clock* clock);
  absl::Status Init();

  // Sockets (uring_io.cc).
  Socket* Find(SocketId socket);
  const Socket* Find(SocketId socket) const;
  SocketId IdOf(const Socket& socket) const;
  SocketId Install(int fd, const SocketOptions& options, const Endpoint& local);
  void StopReceiving(Socket* socket);
  void Forget(Socket* socket);
  BufferWindow& WindowOf(BufferGroup group);
  const BufferWindow& WindowOf(BufferGroup group) const;

  // The turn (uring_turn.cc).
  void EnsureEnabled();
  void BeginTurn();
  void EnterAndWait(Instant deadline);
  bool MustNotWait() const;
  void Enter(const UringRing::Wait& wait);
  void EnterNow() { Enter({}); }
  size_t Reap();  // How many completions there were.
  void Dispatch(const io_uring_cqe& completion);
  static uint64_t UserData(Operation operation, uint32_t index, uint32_t generation);
  io_uring_sqe* NextSubmission(Operation operation, uint32_t index, uint32_t generation);

  // Receiving (uring_receive.cc).
  void ArmEnded();
  void ArmStarved();
  void ArmReceive(Socket* socket);
  void ArmWake();
  bool AnyStarved() const;
  bool AnyStarvedReady() const;
  void OnReceive(uint32_t index, const io_uring_cqe& completion);
  void OnDatagram(const Socket& socket, Packet packet, size_t size);
  void JudgeEnded(Socket* socket, int result);
  Instant ReceiveTime(const ReceiveHeader& header) const;
  void MapWallClock();
  void DropReadyOf(SocketId socket);

  // Sending and errors (uring_send.cc).
  void SubmitSend(uint32_t index);
  void OnSend(uint32_t index, uint32_t batch, int result);
  void FlushQueued();
  void FinishSends();
  void AwaitSendErrors();
  bool Settle(QueuedSend* send);
  void NoteErring(Socket* socket);
  void ReadErrorQueues();
  void AddError(SocketId socket, const Endpoint& remote, int error, std::string_view quoted);
  void ForgetHandedOutErrors();

  const UringIoOptions options_;
  Clock* const clock_;
  WaitMode wait_mode_;
  // In this order: the ring dies before the windows whose memory the kernel writes to.
  BufferWindow signalling_;
  BufferWindow media_;
  std::unique_ptr<UringRing> ring_;
  bool enabled_ = false;
  int wake_fd_ = -1;
  bool wake_armed_ = false;

  std::vector<Socket> sockets_;
  IndexQueue free_sockets_;
  IndexQueue to_arm_;  // Armed with the next submission.
  // By group: armed when their window has recovered (rule 3).
  std::array<IndexQueue, kBufferGroups> starved_;
  IndexQueue erring_;  // Something may be in their error queues.
  size_t open_sockets_ = 0;
  size_t armed_sockets_ = 0;
  size_t timed_sockets_ = 0;  // Open sockets with kernel_receive_time.

  std::vector<QueuedSend> sends_;  // Of this turn; room for send_queue_length.
  uint32_t sends_batch_ = 0;       // Which fill of sends_ a completion belongs to.

  // Received: [0, handed_out_) is with the caller, the rest waits. Room for all slots twice over.
  std::vector<Packet> ready_;
  size_t handed_out_ = 0;
  std::vector<SendError> errors_;  // [0, errors_handed_out_) is with the caller.
  std::vector<Quoted> quoted_;
  size_t errors_handed_out_ = 0;

  Instant now_{};  // Read after the wait.
  bool worked_last_turn_ = false;
  bool found_work_ = false;  // In this turn.
  Duration wall_offset_{};   // Wall clock less monotonic clock; see MapWallClock().
  bool wall_mapped_ = false;
  bool wall_trusted_ = false;
  uint64_t other_system_calls_ = 0;  // Those that the ring does not count.
  IoCounters counters_;
};

}  // namespace core::net
