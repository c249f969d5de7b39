#include "core/sip/cursor.h"

namespace core::sip {

// quoted-string = SWS DQUOTE *(qdtext / quoted-pair ) DQUOTE             RFC 3261 §25.1
bool Cursor::TakeQuoted(std::string_view* inside) {
  if (at_ == end_ || *at_ != '"') return false;
  const char* from = at_ + 1;
  for (const char* at = from; at != end_; ++at) {
    if (*at == '"') {
      *inside = {from, static_cast<size_t>(at - from)};
      at_ = at + 1;
      return true;
    }
    if (*at == '\\' && ++at == end_) return false;
  }
  return false;
}

bool Cursor::TakeNumber(uint64_t max, uint64_t* number) {
  const char* at = at_;
  uint64_t value = 0;
  for (; at != end_ && IsIn(*at, kDigitChar); ++at) {
    const auto digit = static_cast<uint64_t>(*at - '0');
    if (__builtin_mul_overflow(value, 10u, &value) ||
        __builtin_add_overflow(value, digit, &value) || value > max) {
      return false;
    }
  }
  if (at == at_) return false;
  at_ = at;
  *number = value;
  return true;
}

// generic-param = token [ EQUAL gen-value ]                              RFC 3261 §25.1
// gen-value     = token / host / quoted-string
Parameter Cursor::TakeParameter() {
  Parameter parameter;
  parameter.name = TakeToken();
  if (parameter.name.empty() || !Take('=')) return parameter;
  parameter.has_value = true;
  if (Peek() == '"') return TakeQuoted(&parameter.value) ? parameter : Parameter{};
  // Of a host, the token lacks the brackets and colons of IPv6 (Via's received, RFC 3261 §20.42).
  parameter.value = TakeAll(kTokenChar | kAddressChar);
  return parameter.value.empty() ? Parameter{} : parameter;
}

bool Cursor::SkipParameters() {
  while (Take(';')) {
    if (TakeParameter().name.empty()) return false;
  }
  SkipSpace();
  return AtEnd();
}

}  // namespace core::sip
