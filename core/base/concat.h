#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace core {

inline void AppendPiece(std::string_view piece, std::string* text) { text->append(piece); }
template <std::integral T>
requires(!std::same_as<T, char> && !std::same_as<T, bool>) void AppendPiece(T number,
                                                                            std::string* text) {
  text->append(std::to_string(number));
}

/// Pieces of text and whole numbers, one after another. For what people read (errors, summaries),
/// never on a packet's way: it allocates.
///
/// Debian builds abseil with a string_view of its own, which absl::StrCat wants and ours is not.
template <typename... Pieces>
[[nodiscard]] std::string Concat(const Pieces&... pieces) {
  std::string text;
  (AppendPiece(pieces, &text), ...);
  return text;
}

/// The words with `separator` between them, and `last_separator` before the last.
template <typename Words>
[[nodiscard]] std::string Join(const Words& words, std::string_view separator,
                               std::string_view last_separator) {
  std::string text;
  size_t left = words.size();
  bool first = true;
  for (const auto& word : words) {
    --left;
    if (!first) text.append(left == 0 ? last_separator : separator);
    first = false;
    text.append(word);
  }
  return text;
}
template <typename Words>
[[nodiscard]] std::string Join(const Words& words, std::string_view separator) {
  return Join(words, separator, separator);
}

/// Printable ASCII as it is; every other byte, and the backslash, as \xNN.
[[nodiscard]] inline std::string Escape(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\') {
      text.push_back(c);
    } else {
      text.append("\\x").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    }
  }
  return text;
}

}  // namespace core
