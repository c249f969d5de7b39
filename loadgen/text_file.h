#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace loadgen {

/// The whole of a file that the command line names: a scenario, a piece of audio. A pipe, as in
/// -sf <(...), is read to its end.
///
/// Shape:  at most `bytes_max`.
/// Errors: the path, and why it cannot be read (a folder cannot).
absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t bytes_max);
/// The same of a file that may be large: only of a regular one, whose size is known before a byte
/// is read, and into memory of that size.
absl::StatusOr<std::string> ReadRegularFile(const std::string& path, size_t bytes_max);

}  // namespace loadgen
