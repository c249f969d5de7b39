#include "core/net/udp_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <string>

#include "core/base/status.h"
#include "core/net/uring_setup.h"

namespace core::net {
namespace {

// After kill -9 a port stays bound for 5 to 34 ms (rule 9).
constexpr Duration kBindRetryTime = std::chrono::seconds(1);
constexpr timespec kBindRetryGap = {0, 2'000'000};

int SetOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value));
}

// The forced form passes net.core.rmem_max, and needs CAP_NET_ADMIN. What one gets without is told
// at start by CheckReceiveBuffer().
void SetBuffer(int fd, int forced, int plain, uint32_t bytes) {
  const int value = static_cast<int>(std::min<uint32_t>(bytes, INT32_MAX));
  if (SetOption(fd, SOL_SOCKET, forced, value) != 0) (void)SetOption(fd, SOL_SOCKET, plain, value);
}

int BindWithRetry(int fd, const Endpoint& local, Clock* clock) {
  alignas(8) char address[kSockaddrMax];
  const socklen_t size = WriteSockaddr(local, address);
  const Instant deadline = clock->Now() + kBindRetryTime;
  for (;;) {
    if (bind(fd, reinterpret_cast<const sockaddr*>(address), size) == 0) return 0;
    if (errno != EADDRINUSE || clock->Now() >= deadline) return errno;
    nanosleep(&kBindRetryGap, nullptr);
  }
}

}  // namespace

socklen_t WriteSockaddr(const Endpoint& endpoint, void* out) {
  if (endpoint.ip.is_v4()) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    address.sin_addr.s_addr = htonl(endpoint.ip.v4());
    std::memcpy(out, &address, sizeof(address));
    return sizeof(address);
  }
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(endpoint.port);
  std::memcpy(&address.sin6_addr, endpoint.ip.bytes().data(), sizeof(address.sin6_addr));
  static_assert(sizeof(address) == kSockaddrMax);
  std::memcpy(out, &address, sizeof(address));
  return sizeof(address);
}

Endpoint ReadSockaddr(const void* in, size_t size) {
  sa_family_t family = AF_UNSPEC;
  if (size >= sizeof(family)) std::memcpy(&family, in, sizeof(family));
  if (family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in address;
    std::memcpy(&address, in, sizeof(address));
    return {IpAddress::FromV4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port)};
  }
  if (family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 address;
    std::memcpy(&address, in, sizeof(address));
    const std::span<const uint8_t, 16> bytes(address.sin6_addr.s6_addr);
    return {IpAddress::FromBytes(bytes), ntohs(address.sin6_port)};
  }
  return {};
}

absl::StatusOr<int> OpenUdpSocket(const SocketOptions& options, Clock* clock) {
  const Endpoint::Text name = options.local.text();
  const std::string what = "udp " + std::string(name.view());
  const bool v4 = options.local.ip.is_v4();
  // Not O_NONBLOCK: io_uring would answer a receive with EAGAIN instead of waiting for a datagram.
  const int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return SocketRefused(what.c_str(), errno);
  if (!v4) (void)SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);  // Before bind, when it cannot fail.
  if (options.reuse_port) (void)SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);  // Else bind() says it.
  absl::Status status = ConfigureUdpSocket(fd, options);
  if (status.ok()) {
    const int error = BindWithRetry(fd, options.local, clock);
    if (error != 0) status = SocketRefused(what.c_str(), error);
  }
  if (!status.ok()) {
    close(fd);
    return status;
  }
  return fd;
}

absl::Status ConfigureUdpSocket(int fd, const SocketOptions& options) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return SocketRefused("udp socket", errno);
  if ((flags & O_NONBLOCK) != 0) (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  SetBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receive_buffer_bytes);
  SetBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.send_buffer_bytes);
  const int errors = options.icmp_errors ? 1 : 0;
  const int result = options.local.ip.is_v4() ? SetOption(fd, IPPROTO_IP, IP_RECVERR, errors)
                                              : SetOption(fd, IPPROTO_IPV6, IPV6_RECVERR, errors);
  if (result != 0) return SocketRefused("udp socket: IP_RECVERR", errno);
  const int times = options.kernel_receive_time ? 1 : 0;
  if (SetOption(fd, SOL_SOCKET, SO_TIMESTAMPNS, times) != 0) {
    return SocketRefused("udp socket: SO_TIMESTAMPNS", errno);
  }
  return absl::OkStatus();
}

absl::Status CheckUdpSocket(int fd) {
  int protocol = 0;
  socklen_t size = sizeof(protocol);
  if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0) {
    return SocketRefused("udp socket", errno);
  }
  int type = 0;
  size = sizeof(type);
  const bool known = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
  if (known && type == SOCK_DGRAM && protocol == IPPROTO_UDP) return absl::OkStatus();
  return absl::InvalidArgumentError("udp: the descriptor is another kind of socket");
}

absl::StatusOr<Endpoint> LocalEndpoint(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return SocketRefused("udp socket", errno);
  }
  return ReadSockaddr(&address, size);
}

uint64_t SocketDrops(int fd) {
  std::array<uint32_t, SK_MEMINFO_VARS> memory = {};
  socklen_t size = sizeof(memory);
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return 0;
  return memory[SK_MEMINFO_DROPS];
}

bool ReadErrorQueue(int fd, std::span<char> quoted, QueuedError* error) {
  sockaddr_storage remote = {};
  alignas(cmsghdr) char control[256];
  iovec bytes = {quoted.data(), quoted.size()};
  msghdr message = {};
  message.msg_name = &remote;
  message.msg_namelen = sizeof(remote);
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t size = recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
  if (size < 0) return false;
  *error = {};
  error->remote = ReadSockaddr(&remote, message.msg_namelen);
  error->quoted_size = static_cast<size_t>(size);
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    const bool is_error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                          (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
    if (!is_error) continue;
    sock_extended_err extended;
    std::memcpy(&extended, CMSG_DATA(part), sizeof(extended));
    const bool from_icmp =
        extended.ee_origin == SO_EE_ORIGIN_ICMP || extended.ee_origin == SO_EE_ORIGIN_ICMP6;
    if (from_icmp) error->error = static_cast<int>(extended.ee_errno);
  }
  return true;
}

bool MayBeIcmpError(int error) {
  switch (error) {  // What icmp_err_convert of the kernel can make of an ICMP message.
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTO:
    case EACCES:
    case EMSGSIZE:
      return true;
    default:
      return false;
  }
}

}  // namespace core::net
