#include "loadgen/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/concat.h"
#include "core/base/status.h"

namespace loadgen {
namespace {

absl::Status CannotRead(const std::string& path, int error) {
  return absl::NotFoundError(core::Concat(path, ": cannot be read: ", std::strerror(error)));
}

absl::Status TooLarge(const std::string& path, size_t bytes_max) {
  return absl::InvalidArgumentError(core::Concat(path, ": wanted at most ", bytes_max, " bytes"));
}

// Appends all there is to read, and takes the descriptor over.
absl::Status ReadToEnd(int fd, const std::string& path, size_t bytes_max, std::string* text) {
  char piece[size_t{64} * 1024];
  ssize_t size = 0;
  while (text->size() <= bytes_max) {
    size = read(fd, piece, sizeof(piece));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text->append(piece, static_cast<size_t>(size));
  }
  const int error = errno;
  close(fd);
  if (size < 0) return CannotRead(path, error);
  return text->size() > bytes_max ? TooLarge(path, bytes_max) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t bytes_max) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return CannotRead(path, errno);
  std::string text;
  RETURN_IF_ERROR(ReadToEnd(fd, path, bytes_max, &text));
  return text;
}

absl::StatusOr<std::string> ReadRegularFile(const std::string& path, size_t bytes_max) {
  // Without waiting for somebody to write, where it is a pipe.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return CannotRead(path, errno);
  struct stat found = {};
  absl::Status status;
  if (fstat(fd, &found) != 0) {
    status = CannotRead(path, errno);
  } else if (!S_ISREG(found.st_mode)) {
    status = absl::InvalidArgumentError(core::Concat(
        path, ": ", S_ISDIR(found.st_mode) ? "is a directory" : "is a device or a pipe",
        "; wanted a regular file of at most ", bytes_max, " bytes"));
  } else if (static_cast<uint64_t>(found.st_size) > bytes_max) {
    status = TooLarge(path, bytes_max);
  }
  if (!status.ok()) {
    close(fd);
    return status;
  }
  std::string text;
  text.reserve(static_cast<size_t>(found.st_size));
  RETURN_IF_ERROR(ReadToEnd(fd, path, bytes_max, &text));
  return text;
}

}  // namespace loadgen
