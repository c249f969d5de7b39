#pragma once

#include <charconv>
#include <string_view>
#include <vector>

#include "core/sip/cursor.h"

namespace loadgen {

/// The parts of `text` between `separator`s, empty ones too: always at least one.
inline std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The whole of `text`, but for blanks around it, as a number (of any kind that from_chars knows).
/// False, and `*number` as it was, for anything else.
template <typename T>
[[nodiscard]] bool ParseNumber(std::string_view text, T* number) {
  text = core::sip::Trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) return false;
  *number = value;
  return true;
}

}  // namespace loadgen
