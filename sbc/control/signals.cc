#include "sbc/control/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>
#include <csignal>

#include "core/base/check.h"

namespace sbc {

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  CHECK(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  // A log's reader that went away, or a log at the size that it may have, is that write's error.
  for (const int of_a_write : {SIGPIPE, SIGXFSZ}) (void)signal(of_a_write, SIG_IGN);
  fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  CHECK(fd_ >= 0);
}

Signals::~Signals() { close(fd_); }

std::optional<int> Signals::Take() {
  signalfd_siginfo info;
  if (read(fd_, &info, sizeof(info)) != sizeof(info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace sbc
