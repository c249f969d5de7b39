#include "loadgen/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/concat.h"

namespace loadgen {
namespace {

absl::Status CannotRead(const std::string& path, int error) {
  return absl::NotFoundError(core::Concat(path, ": cannot be read: ", std::strerror(error)));
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t bytes_max) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return CannotRead(path, errno);
  std::string text;
  char piece[size_t{64} * 1024];
  ssize_t size = 0;
  while (text.size() <= bytes_max) {
    size = read(fd, piece, sizeof(piece));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(piece, static_cast<size_t>(size));
  }
  const int error = errno;
  close(fd);
  if (size < 0) return CannotRead(path, error);
  if (text.size() > bytes_max) {
    return absl::InvalidArgumentError(core::Concat(path, ": wanted at most ", bytes_max, " bytes"));
  }
  return text;
}

}  // namespace loadgen
