#include <liburing.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/net/receive_header.h"
#include "core/net/udp_socket.h"
#include "core/net/uring_io.h"

// Receiving: arming, completions, and what becomes of a receive that ended.

namespace core::net {
namespace {

// The wall clock was set, rather than slewed, when it moves so far beside the monotonic clock from
// one turn to the next.
constexpr Duration kWallStepMin = std::chrono::milliseconds(5);

// Two readings that are further apart than this had the core taken away between them.
constexpr Duration kReadsApartMax = std::chrono::microseconds(500);
constexpr int kReadTriesMax = 3;

// Longer than any datagram waits in a socket.
constexpr Duration kOldestInSocket = std::chrono::seconds(10);

// What every multishot recvmsg gets; the kernel copies it when the receive is armed.
msghdr* ReceiveTemplate() {
  static msghdr message = [] {
    msghdr made = {};
    made.msg_namelen = ReceiveHeader::kNameSize;
    made.msg_controllen = ReceiveHeader::kControlSize;
    return made;
  }();
  return &message;
}

}  // namespace

void UringIo::ArmWake() {
  if (wake_armed_) return;
  io_uring_sqe* entry = NextSubmission(Operation::kWake, 0, 0);
  entry->opcode = IORING_OP_POLL_ADD;
  entry->fd = wake_fd_;
  entry->len = IORING_POLL_ADD_MULTI;  // Each write wakes; nobody need read the counter.
  entry->poll32_events = POLLIN;
  wake_armed_ = true;
}

void UringIo::ArmEnded() {
  for (size_t i = to_arm_.size(); i > 0; --i) {
    Socket& socket = sockets_[to_arm_.Pop()];
    socket.in_to_arm = false;
    ArmReceive(&socket);
  }
}

// In order and a few a turn: all at once would drain the window again and end them all again.
void UringIo::ArmStarved() {
  for (size_t group = 0; group < kBufferGroups; ++group) {
    if (!WindowOf(static_cast<BufferGroup>(group)).Recovered()) continue;
    IndexQueue& starved = starved_[group];
    for (size_t i = std::min(starved.size(), kRearmedMax); i > 0; --i) {
      Socket& socket = sockets_[starved.Pop()];
      socket.in_starved = false;
      ArmReceive(&socket);
    }
  }
}

bool UringIo::AnyStarved() const {
  return std::any_of(starved_.begin(), starved_.end(),
                     [](const IndexQueue& starved) { return !starved.empty(); });
}

bool UringIo::AnyStarvedReady() const {
  for (size_t group = 0; group < kBufferGroups; ++group) {
    if (!starved_[group].empty() && WindowOf(static_cast<BufferGroup>(group)).Recovered()) {
      return true;
    }
  }
  return false;
}

void UringIo::ArmReceive(Socket* socket) {
  if (socket->state != SocketState::kOpen || socket->armed) return;  // Closed since it was queued.
  const SocketId id = IdOf(*socket);
  io_uring_sqe* entry = NextSubmission(Operation::kReceive, id.index, id.generation);
  entry->opcode = IORING_OP_RECVMSG;
  entry->fd = socket->fd;
  entry->addr = reinterpret_cast<uint64_t>(ReceiveTemplate());
  entry->len = 1;
  entry->ioprio = IORING_RECV_MULTISHOT;
  entry->flags = IOSQE_BUFFER_SELECT;
  entry->buf_group = WindowOf(socket->group).group();
  socket->armed = true;
  ++armed_sockets_;
}

void UringIo::OnReceive(uint32_t index, const io_uring_cqe& completion) {
  Socket& socket = sockets_[index];
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
    const auto buffer_id = static_cast<uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    Packet packet = WindowOf(socket.group).Take(buffer_id);
    if (completion.res >= 0 && socket.state != SocketState::kClosing) {
      OnDatagram(socket, std::move(packet), static_cast<size_t>(completion.res));
    }
  }
  if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
  CHECK(socket.armed);
  socket.armed = false;
  --armed_sockets_;
  JudgeEnded(&socket, completion.res);
}

// A multishot receive ends for many reasons. Judge first, then re-arm (rule 3): the other way round
// spins.
void UringIo::JudgeEnded(Socket* socket, int result) {
  if (socket->state != SocketState::kOpen) return;  // Cancelled by us.
  const uint32_t index = IdOf(*socket).index;
  if (result == -ENOBUFS) {
    // Delay, not loss: what waits in the socket arrives after the refill.
    ++counters_.starved;
    if (!socket->in_starved) {
      socket->in_starved = true;
      starved_[static_cast<size_t>(socket->group)].Push(index);
    }
    return;
  }
  if (result < 0 && MayBeIcmpError(-result)) NoteErring(socket);
  if (!socket->in_to_arm) {
    socket->in_to_arm = true;
    to_arm_.Push(index);
  }
}

void UringIo::OnDatagram(const Socket& socket, Packet packet, size_t size) {
  PacketSlot* slot = packet.slot();
  ReceiveHeader header;
  if (size < sizeof(header)) return;  // The kernel writes the whole header or fails.
  std::memcpy(&header, slot->data - sizeof(header), sizeof(header));
  slot->size = std::min(static_cast<uint32_t>(size - sizeof(header)), slot->capacity);
  slot->truncated = (header.flags & MSG_TRUNC) != 0;
  slot->socket = IdOf(socket);
  slot->local = socket.local;
  slot->remote = ReadSockaddr(header.name, header.name_size);
  slot->received_at = socket.kernel_receive_time ? ReceiveTime(header) : now_;
  if (socket.reach != nullptr && !socket.reach->Contains(slot->remote.ip)) {
    ++counters_.filtered;
    return;
  }
  ++counters_.received;
  counters_.received_bytes += slot->size;
  if (slot->truncated) ++counters_.truncated;
  if (slot->size == 0) ++counters_.empty_datagrams;
  ready_.push_back(std::move(packet));
}

// The kernel stamps with the wall clock. Once a turn we see how far that is from our own time; when
// it was set meanwhile, stamps from before and after do not compare, and the turn's time has to do
// (rule 4).
void UringIo::MapWallClock() {
  Duration offset{};
  Instant before = now_;
  for (int tries = 0;; ++tries) {
    const Duration wall = std::chrono::microseconds(clock_->Wall().unix_us);
    const Instant after = clock_->Now();
    offset = wall - before.time_since_epoch();
    if (after - before < kReadsApartMax) break;
    if (tries == kReadTriesMax) return;  // We keep losing the core: the last mapping has to do.
    before = after;
  }
  const Duration moved = offset - wall_offset_;
  wall_trusted_ = wall_mapped_ && moved < kWallStepMin && moved > -kWallStepMin;
  if (wall_mapped_ && !wall_trusted_) ++counters_.wall_clock_steps;
  wall_offset_ = offset;
  wall_mapped_ = true;
}

Instant UringIo::ReceiveTime(const ReceiveHeader& header) const {
  cmsghdr part;
  if (!wall_trusted_ || header.control_size < CMSG_SPACE(sizeof(timespec))) return now_;
  std::memcpy(&part, header.control, sizeof(part));
  if (part.cmsg_level != SOL_SOCKET || part.cmsg_type != SCM_TIMESTAMPNS) return now_;
  timespec stamp;
  std::memcpy(&stamp, header.control + CMSG_LEN(0), sizeof(stamp));
  const Duration wall =
      std::chrono::seconds(stamp.tv_sec) + std::chrono::nanoseconds(stamp.tv_nsec);
  const Instant arrived(wall - wall_offset_);
  // Nothing arrives in the future; what seems very old was stamped before the clock was set.
  return arrived > now_ - kOldestInSocket ? std::min(arrived, now_) : now_;
}

std::span<Packet> UringIo::Receive() { return {ready_.data(), handed_out_}; }

void UringIo::DropReadyOf(SocketId id) {
  const auto waiting = ready_.begin() + static_cast<ptrdiff_t>(handed_out_);
  ready_.erase(std::remove_if(waiting, ready_.end(),
                              [&](const Packet& packet) { return packet.socket() == id; }),
               ready_.end());
}

}  // namespace core::net
