#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace core::net {

// What the backend needs of the machine, and what to tell the operator where it is missing (rule
// 19). Each message names what is missing and what to do.

/// The oldest kernel that has all we use: deferred task work, multishot recvmsg, sends with an
/// address.
inline constexpr int kKernelMajorMin = 6;
inline constexpr int kKernelMinorMin = 1;

/// Whether this kernel is new enough and lets this process use io_uring. Makes a small ring and
/// drops it again.
absl::Status ProbeUring();

/// Raises the soft limit of open files to `files`, where the hard limit allows it.
absl::Status ReserveFiles(uint64_t files);

/// Whether a UDP socket gets a receive queue of `bytes`: net.core.rmem_max limits it for those
/// without CAP_NET_ADMIN. A short queue loses datagrams whenever the machine stalls.
absl::Status CheckReceiveBuffer(uint32_t bytes);

/// Says why the kernel refused a ring.
absl::Status RingRefused(int error);

/// Says why a socket could not be had: `what` was being done.
absl::Status SocketRefused(const char* what, int error);

/// Is `release`, as uname(2) tells it, at least the oldest kernel? "6.1.0-28-amd64" is.
bool KernelIsNewEnough(const char* release);

}  // namespace core::net
