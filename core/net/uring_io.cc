#include "core/net/uring_io.h"

#include <liburing.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>
#include <utility>

#include "core/base/status.h"
#include "core/net/udp_socket.h"
#include "core/net/uring_setup.h"

namespace core::net {
namespace {

constexpr uint32_t kSocketsMax = 1u << 24;   // What a completion's user_data has room for.
constexpr uint32_t kSubmissionsMax = 32768;  // The kernel's limit.

}  // namespace

absl::StatusOr<std::unique_ptr<UringIo>> UringIo::Create(const UringIoOptions& options,
                                                         Clock* clock) {
  RETURN_IF_ERROR(ProbeUring());
  std::unique_ptr<UringIo> io(new UringIo(options, clock));
  RETURN_IF_ERROR(io->Init());
  return io;
}

UringIo::UringIo(const UringIoOptions& options, Clock* clock)
    : options_(options),
      clock_(clock),
      wait_mode_(options.wait_mode),
      signalling_(0, options.signalling.slot_bytes, options.signalling.count),
      media_(1, options.media.slot_bytes, options.media.count),
      free_sockets_(options.sockets_max),
      to_arm_(options.sockets_max),
      starved_{IndexQueue(options.sockets_max), IndexQueue(options.sockets_max)},
      erring_(options.sockets_max) {
  CHECK(options.sockets_max < kSocketsMax);
  CHECK(options.send_queue_length > 0 && options.send_queue_length <= kSubmissionsMax);
  sockets_.resize(options.sockets_max);
  for (uint32_t i = 0; i < options.sockets_max; ++i) free_sockets_.Push(i);
  sends_.reserve(options.send_queue_length);
  ready_.reserve(2 * (size_t{options.signalling.count} + options.media.count));
  errors_.reserve(kErrorsMax);
  quoted_.resize(kErrorsMax);
}

absl::Status UringIo::Init() {
  const uint32_t submissions = std::bit_ceil(options_.send_queue_length);
  const UringRing::Sizes sizes = {
      .submissions = submissions,
      .completions = std::max(options_.completion_queue_length, submissions)};
  absl::StatusOr<std::unique_ptr<UringRing>> ring = UringRing::Create(sizes);
  RETURN_IF_ERROR(ring.status());
  ring_ = *std::move(ring);
  if (wait_mode_ == WaitMode::kAuto) {
    wait_mode_ = ring_->has_minimum_wait() ? WaitMode::kMinimumWait : WaitMode::kSleep;
  }
  if (wait_mode_ == WaitMode::kMinimumWait && !ring_->has_minimum_wait()) {
    return absl::FailedPreconditionError(
        "io_uring: this kernel has no minimum wait (Linux 6.12); use the wait mode that sleeps");
  }
  RETURN_IF_ERROR(signalling_.Register(ring_.get()));
  RETURN_IF_ERROR(media_.Register(ring_.get()));
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return wake_fd_ >= 0 ? absl::OkStatus() : SocketRefused("eventfd", errno);
}

UringIo::~UringIo() {
  // Each receive is cancelled and awaited before its socket is closed: a closed socket with a
  // receive still armed keeps its port (rule 9). A thread that is not the ring's cannot, and then
  // the kernel does it when the ring goes, a few milliseconds later.
  const bool ours = enabled_ && ring_->Enter({}) == 0;
  if (ours) (void)Reap();
  for (Socket& socket : sockets_) {
    if (socket.state == SocketState::kFree) continue;
    socket.state = SocketState::kClosing;
    if (ours) StopReceiving(&socket);
    close(socket.fd);
  }
  sends_.clear();
  ready_.clear();
  ring_.reset();
  if (wake_fd_ >= 0) close(wake_fd_);
}

UringIo::Socket* UringIo::Find(SocketId id) {
  return const_cast<Socket*>(std::as_const(*this).Find(id));
}

const UringIo::Socket* UringIo::Find(SocketId id) const {
  if (!id || id.index >= sockets_.size()) return nullptr;
  const Socket& socket = sockets_[id.index];
  const bool usable = socket.state == SocketState::kOpen || socket.state == SocketState::kReleased;
  return usable && socket.generation == id.generation ? &socket : nullptr;
}

SocketId UringIo::IdOf(const Socket& socket) const {
  return {static_cast<uint32_t>(&socket - sockets_.data()), socket.generation};
}

BufferWindow& UringIo::WindowOf(BufferGroup group) {
  return const_cast<BufferWindow&>(std::as_const(*this).WindowOf(group));
}

const BufferWindow& UringIo::WindowOf(BufferGroup group) const {
  return group == BufferGroup::kMedia ? media_ : signalling_;
}

absl::StatusOr<SocketId> UringIo::Open(const SocketOptions& options) {
  if (free_sockets_.empty()) {
    return absl::ResourceExhaustedError("udp: all " + std::to_string(sockets_.size()) +
                                        " sockets of this worker are open");
  }
  absl::StatusOr<int> fd = OpenUdpSocket(options, clock_);
  RETURN_IF_ERROR(fd.status());
  const absl::StatusOr<Endpoint> local = LocalEndpoint(*fd);
  if (!local.ok()) {
    close(*fd);
    return local.status();
  }
  return Install(*fd, options, *local);
}

absl::StatusOr<SocketId> UringIo::OpenAdopted(int fd, const SocketOptions& options) {
  // Receives on anything else would end at once and be re-armed for ever.
  RETURN_IF_ERROR(CheckUdpSocket(fd));
  const absl::StatusOr<Endpoint> local = LocalEndpoint(fd);
  RETURN_IF_ERROR(local.status());
  if (local->port == 0) return absl::InvalidArgumentError("udp: an adopted socket is not bound");
  if (free_sockets_.empty()) {
    return absl::ResourceExhaustedError("udp: all sockets of this worker are open");
  }
  SocketOptions adopted = options;
  adopted.local = *local;
  RETURN_IF_ERROR(ConfigureUdpSocket(fd, adopted));
  return Install(fd, adopted, *local);
}

SocketId UringIo::Install(int fd, const SocketOptions& options, const Endpoint& local) {
  const uint32_t index = free_sockets_.Pop();
  Socket& socket = sockets_[index];
  CHECK(socket.state == SocketState::kFree && !socket.armed);
  if (++socket.generation == 0) socket.generation = 1;
  socket.fd = fd;
  socket.state = SocketState::kOpen;
  socket.group = options.group;
  socket.icmp_errors = options.icmp_errors;
  socket.kernel_receive_time = options.kernel_receive_time;
  socket.is_v4 = local.ip.is_v4();
  socket.reach_in_kernel = true;
  socket.local = local;
  ++open_sockets_;
  if (socket.kernel_receive_time) ++timed_sockets_;
  if (!socket.in_to_arm) {
    socket.in_to_arm = true;
    to_arm_.Push(index);
  }
  return IdOf(socket);
}

// Cancels the receive and waits for its end, so that nothing of this socket is in the kernel after.
void UringIo::StopReceiving(Socket* socket) {
  if (!socket->armed) return;
  const SocketId id = IdOf(*socket);
  while (socket->armed) {
    io_uring_sqe* cancel = NextSubmission(Operation::kCancel, id.index, 0);
    cancel->opcode = IORING_OP_ASYNC_CANCEL;
    cancel->fd = -1;
    cancel->addr = UserData(Operation::kReceive, id.index, id.generation);
    // Its own completion ends the wait, so a receive that is busy just now is cancelled again.
    Enter({.completions = 1, .time_limit = std::chrono::seconds(1)});
    (void)Reap();
  }
  FinishSends();  // They were submitted before the cancellation.
}

void UringIo::Close(SocketId id) {
  Socket* socket = Find(id);
  if (socket == nullptr) return;
  FlushQueued();
  socket->state = SocketState::kClosing;
  StopReceiving(socket);
  DropReadyOf(id);
  close(socket->fd);
  Forget(socket);
}

void UringIo::Forget(Socket* socket) {
  --open_sockets_;
  if (socket->kernel_receive_time) --timed_sockets_;
  socket->fd = -1;
  socket->reach.reset();
  socket->state = SocketState::kFree;
  free_sockets_.Push(IdOf(*socket).index);
}

absl::StatusOr<int> UringIo::ReleaseForHandOver(SocketId id) {
  Socket* socket = Find(id);
  if (socket == nullptr) return absl::NotFoundError("udp: no such socket");
  FlushQueued();
  socket->state = SocketState::kReleased;
  StopReceiving(socket);
  return socket->fd;
}

Endpoint UringIo::LocalOf(SocketId id) const {
  const Socket* socket = Find(id);
  return socket == nullptr ? Endpoint{} : socket->local;
}

absl::Status UringIo::SetReachFilter(SocketId id, std::span<const Cidr> reach) {
  Socket* socket = Find(id);
  if (socket == nullptr) return absl::NotFoundError("udp: no such socket");
  std::unique_ptr<ReachSet> in_user_space;
  if (reach.empty()) {
    DetachReachFilter(socket->fd);
  } else {
    auto set = std::make_unique<ReachSet>(reach, socket->is_v4);
    absl::Status status = AttachReachFilter(socket->fd, *set);
    if (absl::IsResourceExhausted(status)) {
      DetachReachFilter(socket->fd);  // An older, narrower one must not stay.
      in_user_space = std::move(set);
    } else if (!status.ok()) {
      return status;  // The one before stays, wherever it is.
    }
  }
  socket->reach = std::move(in_user_space);
  socket->reach_in_kernel = socket->reach == nullptr;
  return absl::OkStatus();
}

bool UringIo::reach_filter_in_kernel(SocketId id) const {
  const Socket* socket = Find(id);
  return socket != nullptr && socket->reach_in_kernel;
}

uint64_t UringIo::QueueDrops(SocketId id) const {
  const Socket* socket = Find(id);
  return socket == nullptr ? 0 : SocketDrops(socket->fd);
}

void UringIo::Wake() {
  const uint64_t one = 1;
  // Fails only after 2^64 wakes, and then the descriptor is readable already.
  const ssize_t written = write(wake_fd_, &one, sizeof(one));
  (void)written;
}

}  // namespace core::net
