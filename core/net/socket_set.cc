#include "core/net/socket_set.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "core/base/concat.h"
#include "core/base/status.h"
#include "core/net/udp_socket.h"

namespace core::net {
namespace {

// What goes first: what follows, and in which format.
struct Head {
  std::array<char, 4> magic = {'R', 'F', 'S', 'S'};
  uint32_t version = 1;
  uint32_t sockets = 0;
};

// One byte of a message for each descriptor beside it.
using Groups = std::array<uint8_t, SocketSet::kPerMessage>;
constexpr size_t kControlSize = CMSG_SPACE(SocketSet::kPerMessage * sizeof(int));

absl::Status Refused(std::string_view what) {
  return absl::UnavailableError(
      Concat("socket hand-over: ", what, ": ", std::string_view(std::strerror(errno))));
}

absl::Status Unexpected(std::string_view what) {
  return absl::FailedPreconditionError(Concat("socket hand-over: the other process sent ", what));
}

ssize_t SendMessage(int link, const msghdr& message) {
  ssize_t sent;
  do sent = sendmsg(link, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t ReceiveMessage(int link, msghdr* message) {
  ssize_t received;
  do received = recvmsg(link, message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  return received;
}

}  // namespace

SocketSet::SocketSet(SocketSet&& other) noexcept : entries_(std::exchange(other.entries_, {})) {}

SocketSet::~SocketSet() {
  for (const Entry& entry : entries_) close(entry.fd);
}

// Of a descriptor that is ours from here on, whatever comes of it.
absl::Status SocketSet::Own(int fd, BufferGroup group) {
  absl::Status status = CheckUdpSocket(fd);
  if (status.ok()) {
    const absl::StatusOr<Endpoint> local = LocalEndpoint(fd);
    if (local.ok()) {
      entries_.push_back({fd, *local, group});
      return absl::OkStatus();
    }
    status = local.status();
  }
  close(fd);
  return status;
}

absl::Status SocketSet::Add(int fd, BufferGroup group) {
  if (entries_.size() == kSocketsMax) {
    return absl::ResourceExhaustedError("socket hand-over: the set is full");
  }
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return Refused("a descriptor cannot be copied");
  return Own(copy, group);
}

absl::Status SocketSet::Send(int link) const {
  Head head;
  head.sockets = static_cast<uint32_t>(entries_.size());
  iovec bytes = {&head, sizeof(head)};
  msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (SendMessage(link, message) < 0) return Refused("its head cannot be sent");

  for (size_t sent = 0; sent < entries_.size();) {
    const size_t count = std::min(kPerMessage, entries_.size() - sent);
    Groups groups;
    std::array<int, kPerMessage> descriptors;
    for (size_t i = 0; i < count; ++i) {
      groups[i] = static_cast<uint8_t>(entries_[sent + i].group);
      descriptors[i] = entries_[sent + i].fd;
    }
    bytes = {groups.data(), count};
    alignas(cmsghdr) char control[kControlSize] = {};
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(part), descriptors.data(), count * sizeof(int));
    if (SendMessage(link, message) < 0) return Refused("its descriptors cannot be sent");
    sent += count;
  }
  return absl::OkStatus();
}

absl::StatusOr<SocketSet> SocketSet::Receive(int link, Duration patience) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
  const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(patience - seconds);
  const timeval time = {seconds.count(), rest.count()};
  if (setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) != 0) {
    return Refused("its socket");
  }
  Head head;
  iovec bytes = {&head, sizeof(head)};
  msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  const ssize_t size = ReceiveMessage(link, &message);
  if (size < 0) return Refused("nothing came");
  if (size != sizeof(head) || head.magic != Head{}.magic) return Unexpected("something else");
  if (head.version != Head{}.version) return Unexpected("another version of it");
  if (head.sockets > kSocketsMax) return Unexpected("too many sockets");
  SocketSet set;
  while (set.size() < head.sockets) {
    RETURN_IF_ERROR(set.ReceiveSome(link, head.sockets - set.size()));
  }
  return set;
}

absl::Status SocketSet::ReceiveSome(int link, size_t expected) {
  Groups groups;
  iovec bytes = {groups.data(), groups.size()};
  alignas(cmsghdr) char control[kControlSize];
  msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t size = ReceiveMessage(link, &message);
  if (size < 0) return Refused("its descriptors did not come");

  // Every descriptor that came is ours, and is kept or closed before anything is judged.
  absl::Status status = absl::OkStatus();
  size_t count = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t in_part = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < in_part; ++i, ++count) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      const bool named = count < static_cast<size_t>(size) && groups[count] < kBufferGroups;
      const absl::Status owned =
          Own(fd, named ? static_cast<BufferGroup>(groups[count]) : BufferGroup::kSignalling);
      if (status.ok()) status = owned;
      if (status.ok() && !named) status = Unexpected("a socket of no known kind");
    }
  }
  RETURN_IF_ERROR(status);
  // The kernel cuts the list where this process has no descriptor left.
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || count == 0 || count > expected ||
      count != static_cast<size_t>(size)) {
    return Unexpected("another number of sockets than it said, or this process has no room left");
  }
  return absl::OkStatus();
}

int SocketSet::Take(const Endpoint& local, BufferGroup group) {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.local == local && entry.group == group;
  });
  if (at == entries_.end()) return -1;
  const int fd = at->fd;
  entries_.erase(at);
  return fd;
}

}  // namespace core::net
