#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/net/receive_header.h"
#include "core/net/udp_socket.h"
#include "core/net/uring_io.h"

// Sending, and the errors that others report about what we sent.

namespace core::net {

void UringIo::Send(Packet packet) {
  CHECK(static_cast<bool>(packet));
  if (sends_.size() == options_.send_queue_length) FlushQueued();
  sends_.push_back({std::move(packet)});
  SubmitSend(static_cast<uint32_t>(sends_.size() - 1));
}

void UringIo::SubmitSend(uint32_t index) {
  QueuedSend& send = sends_[index];
  const PacketSlot& slot = *send.packet.slot();
  const Socket* socket = Find(slot.socket);
  send.error = 0;
  if (socket == nullptr) {
    send.error = EBADF;
    return;
  }
  // The address lies in the headroom: a shared Packet goes to one destination, so it is the same
  // for every owner (rule 4).
  char* address = slot.data - kSendAddressOffset;
  const socklen_t address_size = WriteSockaddr(slot.remote, address);
  io_uring_sqe* entry = NextSubmission(Operation::kSend, index, sends_batch_);
  entry->opcode = IORING_OP_SEND;
  entry->fd = socket->fd;
  entry->addr = reinterpret_cast<uint64_t>(slot.data);
  entry->len = slot.size;
  entry->addr2 = reinterpret_cast<uint64_t>(address);
  entry->addr_len = static_cast<uint16_t>(address_size);
  // With both flags each send is done, or has a completion that says why not, when the submission
  // returns, and the order on a socket holds (rule 7).
  entry->msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  entry->flags = IOSQE_CQE_SKIP_SUCCESS;
}

void UringIo::OnSend(uint32_t index, uint32_t batch, int result) {
  CHECK(batch == sends_batch_ && index < sends_.size());
  if (result < 0) sends_[index].error = -result;
}

void UringIo::FlushQueued() {
  if (sends_.empty()) return;
  EnsureEnabled();
  EnterNow();
  (void)Reap();
  FinishSends();
}

// What failed of another datagram's ICMP error goes out again, at most kResendsMax times (rule 8):
// one by one, each after the errors that the one before it may have caused were taken off the
// socket.
void UringIo::FinishSends() {
  if (sends_.empty()) return;
  AwaitSendErrors();
  for (uint32_t i = 0; i < sends_.size(); ++i) {
    while (!Settle(&sends_[i])) {
      ++counters_.resent;
      SubmitSend(i);
      EnterNow();
      (void)Reap();
      AwaitSendErrors();
    }
  }
  sends_.clear();
  ++sends_batch_;
}

// Until every send has been submitted and its error, if any, been seen: only then is its buffer
// ours (rule 7). Nearly always that is so already. But a kernel that was short of memory may have
// taken only some of them, and errors that found the completion queue full of receives wait behind
// those in the kernel. They are finite: nothing is armed here, so each buffer comes at most once.
void UringIo::AwaitSendErrors() {
  while (ring_->submissions_pending() > 0 || ring_->Overflowed()) {
    EnterNow();
    (void)Reap();
  }
}

// True when nothing is left to do for this send.
bool UringIo::Settle(QueuedSend* send) {
  const Packet& packet = send->packet;
  if (send->error == 0) {
    ++counters_.sent;
    counters_.sent_bytes += packet.size();
    return true;
  }
  if (send->error == EAGAIN || send->error == ENOBUFS) {
    ++counters_.send_dropped;
    return true;
  }
  Socket* socket = Find(packet.socket());
  if (socket != nullptr && MayBeIcmpError(send->error)) {
    NoteErring(socket);
    if (send->attempts++ < kResendsMax) return false;
  }
  ++counters_.send_errors;
  if (socket != nullptr) AddError(packet.socket(), packet.remote(), send->error, packet.text());
  return true;
}

void UringIo::NoteErring(Socket* socket) {
  if (!socket->icmp_errors || socket->in_erring) return;
  socket->in_erring = true;
  erring_.Push(IdOf(*socket).index);
}

void UringIo::ReadErrorQueues() {
  for (size_t i = erring_.size(); i > 0; --i) {
    const uint32_t index = erring_.Pop();
    Socket& socket = sockets_[index];
    socket.in_erring = false;
    if (socket.state != SocketState::kOpen) continue;
    bool more = true;
    for (size_t reads = 0; more && reads < kErrorReadsMax; ++reads) {
      QueuedError error;
      char quoted[kQuotedMax];
      ++other_system_calls_;
      more = ReadErrorQueue(socket.fd, quoted, &error);
      if (!more || error.error == 0) continue;
      ++counters_.icmp_errors;
      AddError(IdOf(socket), error.remote, error.error, {quoted, error.quoted_size});
    }
    if (more) NoteErring(&socket);  // The rest of them next turn.
  }
}

void UringIo::AddError(SocketId socket, const Endpoint& remote, int error,
                       std::string_view quoted) {
  if (errors_.size() == kErrorsMax) return;  // Counted; a transaction's timer says it later.
  Quoted& room = quoted_[errors_.size()];
  const size_t size = std::min(quoted.size(), kQuotedMax);
  if (size > 0) std::memcpy(room.bytes, quoted.data(), size);
  errors_.push_back({socket, remote, error, {room.bytes, size}});
}

std::span<const SendError> UringIo::Errors() { return {errors_.data(), errors_handed_out_}; }

// What was added in the middle of a turn stays for the next one, and moves to the front.
void UringIo::ForgetHandedOutErrors() {
  const size_t left = errors_.size() - errors_handed_out_;
  for (size_t i = 0; i < left; ++i) {
    const SendError& from = errors_[errors_handed_out_ + i];
    const size_t size = from.quoted.size();
    std::memmove(quoted_[i].bytes, from.quoted.data(), size);
    errors_[i] = {from.socket, from.remote, from.error, {quoted_[i].bytes, size}};
  }
  errors_.erase(errors_.begin() + static_cast<ptrdiff_t>(left), errors_.end());
  errors_handed_out_ = 0;
}

}  // namespace core::net
