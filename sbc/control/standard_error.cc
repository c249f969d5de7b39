#include "sbc/control/standard_error.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace sbc {

bool WriteToStandardError(std::string_view bytes) {
  pollfd ready = {STDERR_FILENO, POLLOUT, 0};
  if (poll(&ready, 1, 0) != 1) {
    errno = EAGAIN;
    return false;
  }
  ssize_t written;
  do {
    written = write(STDERR_FILENO, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(bytes.size());
}

void StandardError::Write(std::string_view line) {
  if (!WriteToStandardError(line)) ++lost_;
}

}  // namespace sbc
