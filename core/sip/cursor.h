#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/ascii.h"

namespace core::sip {

/// The character classes of RFC 3261 §25.1, as bits of one table.
enum CharacterClass : uint16_t {
  kSpaceChar = 1 << 0,  // SP, HTAB, and the CR and LF of a fold (the index lets no others pass).
  kTokenChar = 1 << 1,  // alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~"
  kDigitChar = 1 << 2,
  kHexChar = 1 << 3,
  kAlphaChar = 1 << 4,
  kUserChar = 1 << 5,      // unreserved / "&" / "=" / "+" / "$" / "," / ";" / "?" / "/"
  kPasswordChar = 1 << 6,  // unreserved / "&" / "=" / "+" / "$" / ","
  kParamChar = 1 << 7,     // unreserved / "[" / "]" / "/" / ":" / "&" / "+" / "$"
  kHeaderChar = 1 << 8,    // unreserved / "[" / "]" / "/" / "?" / ":" / "+" / "$"
  kHostChar = 1 << 9,      // alphanum / "-" / ".", and "_", which names in the field have
  kWordChar = 1 << 10,     // word: what a Call-ID is made of, and "@"
  kUriChar = 1 << 11,      // reserved / unreserved / "%" / "[" / "]": any URI at all
  kAddressChar = 1 << 12,  // What an IPv6 address has besides a token's characters.
  kListChar = 1 << 14,     // All that neither ends a value of a comma list nor hides a comma.
  kTelChar = 1 << 13,      // phonedigit-hex and visual separators of RFC 3966
};

constexpr std::array<uint16_t, 256> MakeCharacterTable() {
  std::array<uint16_t, 256> table{};
  const auto mark = [&table](std::string_view characters, unsigned classes) {
    for (const char c : characters) {
      auto& entry = table[static_cast<unsigned char>(c)];
      entry = static_cast<uint16_t>(entry | classes);
    }
  };
  constexpr unsigned kUnreserved = kUserChar | kPasswordChar | kParamChar | kHeaderChar | kUriChar;
  mark("0123456789", kDigitChar | kHexChar | kTokenChar | kHostChar | kWordChar | kUnreserved);
  mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
       kAlphaChar | kTokenChar | kHostChar | kWordChar | kUnreserved);
  mark("abcdefABCDEF", kHexChar);
  mark(" \t\r\n", kSpaceChar);
  mark("-.!%*_+`'~", kTokenChar | kWordChar);
  mark("()<>:\\\"/[]?{}@", kWordChar);
  mark("-_.!~*'()", kUnreserved);
  mark("-._", kHostChar);
  mark("&=+$,;?/", kUserChar);
  mark("&=+$,", kPasswordChar);
  mark("[]/:&+$", kParamChar);
  mark("[]/?:+$", kHeaderChar);
  mark(";/?:@&=+$,%[]", kUriChar);
  for (auto& entry : table) entry = static_cast<uint16_t>(entry | kListChar);
  for (const char stop : {'"', '<', ','}) {
    auto& entry = table[static_cast<unsigned char>(stop)];
    entry = static_cast<uint16_t>(entry & ~unsigned{kListChar});
  }
  mark("[]:", kAddressChar);
  mark("0123456789abcdefABCDEF*#-.()", kTelChar);
  return table;
}
inline constexpr std::array<uint16_t, 256> kCharacterTable = MakeCharacterTable();

constexpr bool IsIn(char c, unsigned classes) {
  return (kCharacterTable[static_cast<unsigned char>(c)] & classes) != 0;
}

using core::EqualsIgnoreCase;
using core::LowerCase;

/// `text` without white space at either end.
constexpr std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsIn(text.front(), kSpaceChar)) text.remove_prefix(1);
  while (!text.empty() && IsIn(text.back(), kSpaceChar)) text.remove_suffix(1);
  return text;
}

/// name [ "=" ( token / host / quoted-string ) ]
struct Parameter {
  std::string_view name;   // Empty: there was no parameter here.
  std::string_view value;  // A quoted string without its quotes, still escaped.
  bool has_value = false;
};

/// Walks one header value. The only thing in the parsers that touches characters, and it cannot
/// pass the end. White space is linear white space, folds included.
///
/// Lifetime: borrows the text. Everything it takes is a view of that text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool AtEnd() const { return at_ == end_; }
  /// The next character, or NUL at the end.
  char Peek() const { return at_ == end_ ? '\0' : *at_; }
  const char* position() const { return at_; }
  std::string_view rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }
  std::string_view Since(const char* from) const { return {from, static_cast<size_t>(at_ - from)}; }

  void SkipSpace() {
    while (at_ != end_ && IsIn(*at_, kSpaceChar)) ++at_;
  }
  /// White space of at least one character.
  bool Space() {
    const char* from = at_;
    SkipSpace();
    return at_ != from;
  }
  /// A separator with the white space that may stand around it (SEMI, COMMA, EQUAL, SLASH...).
  bool Take(char separator) {
    const char* from = at_;
    SkipSpace();
    if (at_ == end_ || *at_ != separator) {
      at_ = from;
      return false;
    }
    ++at_;
    SkipSpace();
    return true;
  }
  /// Exactly this character, here.
  bool TakeExactly(char character) {
    if (at_ == end_ || *at_ != character) return false;
    ++at_;
    return true;
  }
  /// These letters, in any case.
  bool TakeWord(std::string_view word) {
    if (!EqualsIgnoreCase(rest().substr(0, word.size()), word)) return false;
    at_ += word.size();
    return true;
  }
  std::string_view TakeAll(unsigned classes) {
    const char* from = at_;
    while (at_ != end_ && IsIn(*at_, classes)) ++at_;
    return Since(from);
  }
  std::string_view TakeToken() { return TakeAll(kTokenChar); }
  /// Everything before the next `stop`, or to the end.
  std::string_view TakeUntil(char stop) {
    const size_t size = rest().find(stop);
    const std::string_view taken = rest().substr(0, size);
    at_ += taken.size();
    return taken;
  }
  void Skip(size_t count) { at_ += count < rest().size() ? count : rest().size(); }

  /// A quoted string, here, with both its quotes; `inside` gets what is between them. False, and
  /// the cursor stays, where there is none or it does not end.
  bool TakeQuoted(std::string_view* inside);

  /// A decimal number of at most `max`. False, and the cursor stays, where there is none or it is
  /// more.
  bool TakeNumber(uint64_t max, uint64_t* number);

  /// A parameter, without the `;` before it.
  Parameter TakeParameter();

  /// *( SEMI generic-param ) to the end of the text; false where anything else stands there.
  bool SkipParameters();

 private:
  const char* at_;
  const char* end_;
};

}  // namespace core::sip
