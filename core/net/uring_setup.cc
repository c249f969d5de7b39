#include "core/net/uring_setup.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "core/base/status.h"
#include "core/net/uring_ring.h"

namespace core::net {
namespace {

std::string ReadLine(const char* path) {
  char line[64] = {};
  if (FILE* file = std::fopen(path, "re"); file != nullptr) {
    if (std::fgets(line, sizeof(line), file) == nullptr) line[0] = '\0';
    (void)std::fclose(file);  // Nothing was written.
  }
  std::string text(line);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string LimitText(int resource) {
  rlimit limit = {};
  (void)getrlimit(static_cast<__rlimit_resource>(resource),
                  &limit);  // Cannot fail with our arguments.
  return limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur);
}

}  // namespace

bool KernelIsNewEnough(const char* release) {
  int major = 0;
  int minor = 0;
  if (std::sscanf(release, "%d.%d", &major, &minor) != 2) return false;
  return major > kKernelMajorMin || (major == kKernelMajorMin && minor >= kKernelMinorMin);
}

absl::Status RingRefused(int error) {
  switch (error) {
    case ENOSYS:
      return absl::UnavailableError(
          "io_uring: this kernel was built without it, or a seccomp profile hides it (ENOSYS). Run "
          "Linux 6.1 or newer, or allow io_uring_setup, io_uring_enter and io_uring_register in "
          "the "
          "container's seccomp profile");
    case EPERM: {
      const std::string disabled = ReadLine("/proc/sys/kernel/io_uring_disabled");
      if (disabled == "1" || disabled == "2") {
        return absl::PermissionDeniedError(
            "io_uring: refused, because kernel.io_uring_disabled is " + disabled +
            ". Set it to 0 (sysctl kernel.io_uring_disabled=0)");
      }
      return absl::PermissionDeniedError(
          "io_uring: refused (EPERM), as container runtimes' default seccomp profiles do. Allow "
          "io_uring_setup, io_uring_enter and io_uring_register in the profile");
    }
    case EINVAL:
      return absl::FailedPreconditionError(
          "io_uring: this kernel lacks DEFER_TASKRUN or SINGLE_ISSUER. Run Linux 6.1 or newer");
    case ENOMEM:
      return absl::ResourceExhaustedError(
          "io_uring: no memory for the rings; RLIMIT_MEMLOCK is " + LimitText(RLIMIT_MEMLOCK) +
          " bytes. Raise it (ulimit -l, LimitMEMLOCK= in the unit), or the memory limit");
    case EMFILE:
    case ENFILE:
      return SocketRefused("io_uring: cannot open a ring", error);
    default:
      return absl::InternalError(std::string("io_uring: refused: ") + std::strerror(error));
  }
}

absl::Status SocketRefused(const char* what, int error) {
  const std::string prefix = std::string(what) + ": ";
  switch (error) {
    case EMFILE:
      return absl::ResourceExhaustedError(prefix + "all " + LimitText(RLIMIT_NOFILE) +
                                          " descriptors of this process are in use. Raise the "
                                          "limit (ulimit -n, LimitNOFILE= in the "
                                          "unit), or lower the number of calls or media ports");
    case ENFILE:
      return absl::ResourceExhaustedError(prefix +
                                          "the system is out of descriptors. Raise fs.file-max");
    case EADDRINUSE:
      return absl::UnavailableError(prefix + "another socket has this address and port");
    case EADDRNOTAVAIL:
      return absl::InvalidArgumentError(prefix + "this machine does not have that address");
    case EACCES:
      return absl::PermissionDeniedError(prefix + "ports below 1024 need CAP_NET_BIND_SERVICE");
    default:
      return absl::InternalError(prefix + std::strerror(error));
  }
}

absl::Status ProbeUring() {
  utsname system = {};
  if (uname(&system) == 0 && !KernelIsNewEnough(system.release)) {
    return absl::FailedPreconditionError(std::string("kernel ") + system.release +
                                         " is too old for io_uring: run Linux 6.1 or newer");
  }
  const absl::StatusOr<std::unique_ptr<UringRing>> ring =
      UringRing::Create({.submissions = 4, .completions = 8});
  return ring.status();
}

absl::Status ReserveFiles(uint64_t files) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return SocketRefused("open files", errno);
  if (limit.rlim_cur >= files) return absl::OkStatus();
  if (limit.rlim_max < files) {
    return absl::ResourceExhaustedError(
        "open files: " + std::to_string(files) + " are needed and the hard limit is " +
        std::to_string(limit.rlim_max) + ". Raise it (ulimit -Hn, LimitNOFILE= in the unit)");
  }
  limit.rlim_cur = files;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return SocketRefused("open files", errno);
  return absl::OkStatus();
}

absl::Status CheckReceiveBuffer(uint32_t bytes) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return SocketRefused("socket", errno);
  const int wanted = static_cast<int>(bytes);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) != 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));  // Judged by what we got.
  }
  int got = 0;
  socklen_t size = sizeof(got);
  (void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &size);
  close(fd);
  if (got / 2 >= wanted) return absl::OkStatus();  // The kernel doubles it for its own overhead.
  return absl::ResourceExhaustedError(
      "UDP sockets get a receive queue of " + std::to_string(got / 2) + " bytes, and " +
      std::to_string(bytes) +
      " are wanted: datagrams are lost when the machine stalls. Raise "
      "net.core.rmem_max, or give the program CAP_NET_ADMIN");
}

}  // namespace core::net
