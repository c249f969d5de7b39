#include "loadgen/addresses.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "core/base/concat.h"
#include "core/net/udp_socket.h"

namespace loadgen {
namespace {

constexpr uint16_t kAnyPort = 9;  // Of the "discard" service: connect() wants one.

core::IpAddress Loopback(bool v4) {
  core::IpAddress address;
  (void)core::IpAddress::Parse(v4 ? "127.0.0.1" : "::1", &address);
  return address;
}

}  // namespace

absl::StatusOr<core::Endpoint> ResolveHost(const std::string& host, uint16_t port) {
  std::string name = host;
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
    name = name.substr(1, name.size() - 2);
  }
  core::Endpoint endpoint;
  endpoint.port = port;
  if (core::IpAddress::Parse(name, &endpoint.ip)) return endpoint;
  addrinfo hints = {};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(name.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  if (error != 0 || found == nullptr) {
    return absl::NotFoundError(core::Concat(host, ": ", gai_strerror(error),
                                            "; wanted a host name that resolves, or an address"));
  }
  endpoint.ip = core::net::ReadSockaddr(found->ai_addr, found->ai_addrlen).ip;
  return endpoint;
}

core::IpAddress LocalAddressTo(const core::Endpoint& remote) {
  const bool v4 = remote.ip.is_v4();
  const core::IpAddress none = Loopback(v4);
  const int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return none;
  core::Endpoint target = remote;
  if (target.port == 0) target.port = kAnyPort;
  alignas(8) char address[core::net::kSockaddrMax];
  const socklen_t size = core::net::WriteSockaddr(target, address);
  core::IpAddress local = none;
  if (connect(fd, reinterpret_cast<const sockaddr*>(address), size) == 0) {
    const absl::StatusOr<core::Endpoint> endpoint = core::net::LocalEndpoint(fd);
    if (endpoint.ok() && !endpoint->ip.is_unspecified()) local = endpoint->ip;
  }
  close(fd);
  return local;
}

bool PortIsFree(const core::Endpoint& port) {
  const int family = port.ip.is_v4() ? AF_INET : AF_INET6;
  const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  alignas(8) char address[core::net::kSockaddrMax];
  const socklen_t size = core::net::WriteSockaddr(port, address);
  const bool is_free = bind(fd, reinterpret_cast<const sockaddr*>(address), size) == 0;
  close(fd);
  return is_free;
}

std::string PrintedAddress(const core::IpAddress& address) {
  const core::IpAddress::Text text = address.text();
  return address.is_v4() ? std::string(text.view()) : core::Concat("[", text.view(), "]");
}

}  // namespace loadgen
