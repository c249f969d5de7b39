// Any text is either refused, with a reason, or a configuration that can be described, that differs
// in nothing from itself, and that reads the same when it is read again.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "sbc/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<char> exact(data,
                                data + size);  // A block of its exact size, for the sanitizer.
  const std::string_view text(exact.data(), size);
  if (text.find("file") != std::string_view::npos) return 0;  // No wandering about this machine.
  const absl::StatusOr<sbc::Config> first = sbc::ParseConfig(text, "fuzz.yaml");
  if (!first.ok()) {
    CHECK(!first.status().message().empty());
    return 0;
  }
  CHECK(!sbc::DescribeConfig(*first).empty());
  CHECK(!first->listeners.empty() && !first->connectors.empty());
  const absl::StatusOr<sbc::Config> second = sbc::ParseConfig(text, "fuzz.yaml");
  CHECK(second.ok() && sbc::DiffConfig(*first, *second).empty());
  return 0;
}
