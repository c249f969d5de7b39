#include "core/sip/uri.h"

// Comparison of URIs (RFC 3261 §19.1.4, RFC 3966 §4) and the look-up of their parameters, which
// compares names the same way.

namespace core::sip {
namespace {

constexpr int kEnd = -1;
constexpr int kEscapedReserved = 256;  // Added to a character that its %HH keeps apart.

// The next character as comparison sees it. "Characters other than those in the reserved set are
// equivalent to their %HH encoding."
int TakeComparable(Cursor* in, bool ignore_case) {
  if (in->AtEnd()) return kEnd;
  char c = in->Peek();
  in->Skip(1);
  int escaped = 0;
  char decoded[1];
  if (c == '%') {
    const std::optional<std::string_view> text =
        Unescape(std::string_view(in->position() - 1, in->rest().size() + 1).substr(0, 3), decoded);
    if (text.has_value()) {
      c = decoded[0];
      in->Skip(2);
      constexpr std::string_view kReserved = ";/?:@&=+$,";
      if (kReserved.find(c) != std::string_view::npos) escaped = kEscapedReserved;
    }
  }
  return static_cast<unsigned char>(ignore_case ? LowerCase(c) : c) + escaped;
}

bool EqualsEscaped(std::string_view a, std::string_view b, bool ignore_case) {
  Cursor left(a);
  Cursor right(b);
  while (true) {
    const int character = TakeComparable(&left, ignore_case);
    if (character != TakeComparable(&right, ignore_case)) return false;
    if (character == kEnd) return true;
  }
}

struct Pair {
  std::string_view name;
  std::string_view value;
};

// One `name=value` up to the next `separator`.
Pair TakePair(Cursor* in, char separator) {
  Cursor pair(in->TakeUntil(separator));
  const std::string_view name = pair.TakeUntil('=');
  (void)pair.TakeExactly('=');  // A parameter without value has none.
  return {name, pair.rest()};
}

// Each parameter of `a` agrees with `b`: equal where both have it; where only `a` does it is
// ignored unless it is one of those that never match their own absence.
bool ParametersAgree(const Uri& a, const Uri& b) {
  Cursor in(a.parameters);
  while (in.TakeExactly(';')) {
    const Pair pair = TakePair(&in, ';');
    bool named = false;
    bool equal = false;
    Cursor other(b.parameters);
    while (!equal && other.TakeExactly(';')) {
      const Pair candidate = TakePair(&other, ';');
      if (!EqualsEscaped(pair.name, candidate.name, true)) continue;
      named = true;
      equal = EqualsEscaped(pair.value, candidate.value, true);
    }
    if (named && !equal) return false;
    if (named) continue;
    for (const std::string_view name : {"user", "ttl", "method", "maddr"}) {
      if (EqualsEscaped(pair.name, name, true)) return false;
    }
  }
  return true;
}

// "URI header components are never ignored": each of `a` stands in `b`.
bool HeadersAgree(std::string_view a, std::string_view b) {
  Cursor in(a);
  if (in.AtEnd()) return true;
  do {
    const Pair pair = TakePair(&in, '&');
    bool found = false;
    Cursor other(b);
    do {
      const Pair candidate = TakePair(&other, '&');
      found = EqualsEscaped(pair.name, candidate.name, true) &&
              EqualsEscaped(pair.value, candidate.value, false);
    } while (!found && other.TakeExactly('&'));
    if (!found) return false;
  } while (in.TakeExactly('&'));
  return true;
}

// RFC 3966 §4: visual separators are ignored.
bool NumbersAgree(std::string_view a, std::string_view b) {
  const auto skip = [](std::string_view* text) {
    const size_t size = text->find_first_not_of("-.()");
    text->remove_prefix(size == std::string_view::npos ? text->size() : size);
  };
  while (true) {
    skip(&a);
    skip(&b);
    if (a.empty() || b.empty()) return a.empty() && b.empty();
    if (LowerCase(a.front()) != LowerCase(b.front())) return false;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
}

// A tel URI's parameters must all be in both; unlike SIP's none is ignored.
bool TelParametersAgree(const Uri& a, const Uri& b) {
  Cursor in(a.parameters);
  while (in.TakeExactly(';')) {
    const Pair pair = TakePair(&in, ';');
    bool found = false;
    Cursor other(b.parameters);
    while (!found && other.TakeExactly(';')) {
      const Pair candidate = TakePair(&other, ';');
      found = EqualsEscaped(pair.name, candidate.name, true) &&
              (EqualsEscaped(pair.value, candidate.value, true) ||
               NumbersAgree(pair.value, candidate.value));
    }
    if (!found) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string_view> FindUriParameter(const Uri& uri, std::string_view name) {
  Cursor in(uri.parameters);
  while (in.TakeExactly(';')) {
    const Pair pair = TakePair(&in, ';');
    if (EqualsEscaped(pair.name, name, true)) return pair.value;
  }
  return std::nullopt;
}

bool Equivalent(const Uri& a, const Uri& b) {
  if (a.scheme != b.scheme) return false;
  switch (a.scheme) {
    case UriScheme::kSip:
    case UriScheme::kSips:
      return EqualsEscaped(a.user, b.user, false) && a.has_password == b.has_password &&
             EqualsEscaped(a.password, b.password, false) &&
             EqualsIgnoreCase(a.host_port.host, b.host_port.host) &&
             a.host_port.is_ipv6 == b.host_port.is_ipv6 && a.host_port.port == b.host_port.port &&
             ParametersAgree(a, b) && ParametersAgree(b, a) && HeadersAgree(a.headers, b.headers) &&
             HeadersAgree(b.headers, a.headers);
    case UriScheme::kTel:
      return NumbersAgree(a.user, b.user) && TelParametersAgree(a, b) && TelParametersAgree(b, a);
    case UriScheme::kOther:
      return EqualsIgnoreCase(a.scheme_text, b.scheme_text) && a.opaque == b.opaque;
    case UriScheme::kNone:
      return true;
  }
  return false;
}

}  // namespace core::sip
