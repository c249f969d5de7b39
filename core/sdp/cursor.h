#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/ascii.h"

namespace core::sdp {

/// `text` without spaces at its end. Equipment in the field leaves one behind m= and a= lines.
constexpr std::string_view TrimEnd(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Walks one value of a session description. It cannot pass the end.
///
/// Shape:    fields stand behind one space (RFC 8866 §9); more than one is taken too, as equipment
///           in the field aligns columns, and no reading of the line hangs on it.
/// Lifetime: borrows the text. Everything it takes is a view of that text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool AtEnd() const { return at_ == end_; }
  std::string_view rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }

  /// At least one space.
  bool Space() {
    const char* from = at_;
    while (at_ != end_ && *at_ == ' ') ++at_;
    return at_ != from;
  }
  /// Exactly this character, here.
  bool Take(char character) {
    if (at_ == end_ || *at_ != character) return false;
    ++at_;
    return true;
  }
  /// Everything before the next `stop`, or to the end.
  std::string_view TakeUntil(char stop) {
    const char* from = at_;
    while (at_ != end_ && *at_ != stop) ++at_;
    return {from, static_cast<size_t>(at_ - from)};
  }
  /// Everything before the next space, and the spaces behind it.
  std::string_view TakeField() {
    const std::string_view field = TakeUntil(' ');
    (void)Space();
    return field;
  }
  /// A decimal number of at most `max`. False, and the cursor stays, where there is none or it is
  /// more.
  template <typename Number>
  bool TakeNumber(uint64_t max, Number* number) {
    const char* at = at_;
    uint64_t value = 0;
    for (; at != end_ && *at >= '0' && *at <= '9'; ++at) {
      const auto digit = static_cast<uint64_t>(*at - '0');
      if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
          __builtin_add_overflow(value, digit, &value) || value > max) {
        return false;
      }
    }
    if (at == at_) return false;
    at_ = at;
    *number = static_cast<Number>(value);
    return true;
  }

 private:
  const char* at_;
  const char* end_;
};

}  // namespace core::sdp
