#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/concat.h"

namespace core::config {

/// What is wrong with a configuration, gathered while it is read: an operator mends a file once,
/// not once for each mistake in it.
///
/// Shape: at most kErrorsMax errors and kWarningsMax warnings are kept; the rest are counted.
class Diagnostics {
 public:
  static constexpr size_t kErrorsMax = 20;
  static constexpr size_t kWarningsMax = 50;

  void AddError(std::string text) { Keep(std::move(text), kErrorsMax, &errors_, &errors_more_); }
  void AddWarning(std::string text) {
    Keep(std::move(text), kWarningsMax, &warnings_, &warnings_more_);
  }

  bool ok() const { return errors_.empty(); }
  const std::vector<std::string>& errors() const { return errors_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// All errors, one a line; OK when there is none.
  absl::Status ToStatus() const {
    if (ok()) return absl::OkStatus();
    std::string text = Join(errors_, "\n");
    if (errors_more_ > 0) text += Concat("\nand ", errors_more_, " more");
    return absl::InvalidArgumentError(text);
  }

 private:
  static void Keep(std::string text, size_t max, std::vector<std::string>* kept, size_t* more) {
    if (kept->size() == max) {
      ++*more;
    } else {
      kept->push_back(std::move(text));
    }
  }

  std::vector<std::string> errors_;
  std::vector<std::string> warnings_;
  size_t errors_more_ = 0;
  size_t warnings_more_ = 0;
};

}  // namespace core::config
