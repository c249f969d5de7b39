#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/net/dpdk_io.h"
#include "core/net/ethernet.h"
#include "core/time/clock.h"

namespace tests {

/// A network namespace of this process's own, in which a veth pair joins two ends: rf0 and rf1, up,
/// without any address of the kernel's. DPDK's af_packet driver opens one end or both.
///
/// Lifetime: made once and for the whole process, which leaves its namespace only by ending.
class VethPair {
 public:
  static constexpr core::net::MacAddress kMacs[] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};

  /// Empty, or why there is none.
  static const std::string& WhyNot() {
    static const std::string why_not = Make();
    return why_not;
  }
  static std::string Interface(int end) { return "rf" + std::to_string(end); }
  static bool Run(const std::string& command) {
    return std::system((command + " >&2").c_str()) == 0;  // NOLINT: our own words only.
  }

 private:
  static std::string Make() {
    // DPDK makes a directory there.
    (void)setenv("RUNTIME_DIRECTORY", testing::TempDir().c_str(), 1);  // NOLINT: one thread yet.
    if (unshare(CLONE_NEWNET) != 0) {
      return std::string("needs a network namespace of its own, and is refused one: ") +
             std::strerror(errno) + " (run as root, or with CAP_SYS_ADMIN)";
    }
    if (!Run("ip link add rf0 address 02:00:00:00:00:01 type veth "
             "peer name rf1 address 02:00:00:00:00:02") ||
        !Run("ip link set rf0 up") || !Run("ip link set rf1 up")) {
      return "needs a veth pair, and `ip link` cannot make one";
    }
    return {};
  }
};

/// One end of the pair, frame by frame: what another host on the wire sends and sees.
class RawEnd {
 public:
  explicit RawEnd(const std::string& interface) {
    fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(0x0003));  // ETH_P_ALL
    sockaddr_ll address = {};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(0x0003);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    ok_ = fd_ >= 0 && bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  RawEnd(const RawEnd&) = delete;
  RawEnd& operator=(const RawEnd&) = delete;
  ~RawEnd() { close(fd_); }

  bool ok() const { return ok_; }
  bool Send(const std::vector<uint8_t>& frame) {
    return send(fd_, frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
  }
  /// The frames of others that have come since, but for those of the kernel's IPv6.
  std::vector<std::vector<uint8_t>> Take() {
    std::vector<std::vector<uint8_t>> frames;
    std::vector<uint8_t> frame(65536);
    sockaddr_ll from = {};
    socklen_t from_size = sizeof(from);
    for (;;) {
      const ssize_t size = recvfrom(fd_, frame.data(), frame.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &from_size);
      if (size < 0) return frames;
      core::net::EthernetHeader header;
      const std::span<const uint8_t> bytes(frame.data(), static_cast<size_t>(size));
      if (!core::net::ParseEthernet(bytes, &header) || header.type == 0x86dd) continue;
      if (from.sll_pkttype != PACKET_OUTGOING) frames.emplace_back(bytes.begin(), bytes.end());
    }
  }

 private:
  int fd_ = -1;
  bool ok_ = false;
};

/// The kernel's clock, which a test may set forward.
class ForwardClock final : public core::Clock {
 public:
  core::Instant Now() override { return kernel_.Now() + ahead_; }
  core::WallTime Wall() override { return kernel_.Wall(); }
  void Advance(core::Duration by) { ahead_ += by; }

 private:
  core::KernelClock kernel_;
  core::Duration ahead_{};
};

/// End 0 of the wire is 10.0.0.1, end 1 is 10.0.0.2.
inline core::IpAddress WireHost(int end) {
  return core::IpAddress::FromV4(0x0a000001 + static_cast<uint32_t>(end));
}

inline core::net::DpdkIoOptions DpdkOptionsFor(int end) {
  core::net::DpdkIoOptions options;
  // Room in the driver's rings for the most that a test lets wait.
  options.environment.device = "net_af_packet" + std::to_string(end) +
                               ",iface=" + VethPair::Interface(end) + ",framecnt=4096";
  options.environment.file_prefix = "ringfence-test";
  options.address = WireHost(end);
  options.latency_budget = std::chrono::microseconds(200);
  return options;
}

}  // namespace tests
