#pragma once

#include <cstddef>
#include <string_view>

namespace core {

/// The bytes of the character that `text` begins with, where it is well-formed UTF-8 (RFC 3629 §4):
/// 1 to 4. 0 where it is not: a stray or missing byte, a longer form than needed, a surrogate, or
/// past U+10FFFF. `text` must not be empty.
constexpr size_t Utf8CharacterSize(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // The second byte's range says what the first alone does not.
  const unsigned char second = byte(1);
  const bool too_long = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool no_character = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return too_long || no_character ? 0 : size;
}

}  // namespace core
