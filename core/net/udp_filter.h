#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/address.h"

namespace core::net {

/// The sources of one address family that may reach a socket.
///
/// Shape:    blocks, sorted, none inside another. Blocks of the other family are left out.
/// Lifetime: built when the configuration is read; it allocates.
class ReachSet {
 public:
  ReachSet() = default;  // Nobody.
  ReachSet(std::span<const Cidr> blocks, bool is_v4);

  bool Contains(const IpAddress& address) const;
  std::span<const Cidr> blocks() const { return blocks_; }
  bool is_v4() const { return is_v4_; }

 private:
  std::vector<Cidr> blocks_;
  bool is_v4_ = true;
};

/// The longest program that the kernel takes for a socket (BPF_MAXINSNS): about 800 separate IPv4
/// blocks, or some 400 of IPv6.
inline constexpr size_t kFilterInstructionsMax = 4096;

/// A classic BPF program for a UDP socket that drops what does not come from `reach`, before it
/// takes room in the socket's queue.
///
/// Errors: ResourceExhausted when it would be longer than the kernel takes.
absl::StatusOr<std::vector<sock_filter>> CompileReachFilter(const ReachSet& reach);

/// Puts the filter before the socket's queue, in place of the one it has. It drops even if the
/// queue is full of what came before it. Errors as CompileReachFilter().
absl::Status AttachReachFilter(int fd, const ReachSet& reach);
void DetachReachFilter(int fd);

/// Whether the kernel can do it for both families: else the check costs user-space time for each
/// stranger's datagram, and a flood of them can crowd out those who are trusted.
bool ReachFilterFits(std::span<const Cidr> blocks);

}  // namespace core::net
