#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/sip/cursor.h"
#include "core/sip/parse_error.h"
#include "core/sip/text_writer.h"

namespace core::sip {

/// hostport = host [ ":" port ]                                           RFC 3261 §25.1
struct HostPort {
  std::string_view host;  // An IPv6 address stands here without its brackets.
  uint16_t port = 0;      // 0: none said.
  bool is_ipv6 = false;

  friend bool operator==(const HostPort&, const HostPort&) = default;
};

enum class UriScheme : uint8_t { kNone, kSip, kSips, kTel, kOther };

/// A URI read in place: SIP and SIPS (RFC 3261 §19.1), tel (RFC 3966), others as opaque text.
///
/// Shape:    parts are views, still escaped. `user` is empty where there is none (the grammar knows
/// no
///           empty user). For tel, `user` is the number and `host_port` is void. For other schemes
///           only `opaque` is set.
/// Lifetime: borrows the bytes it was read from.
struct Uri {
  UriScheme scheme = UriScheme::kNone;
  bool has_password = false;     // `user:@host` has a password, and it is empty.
  std::string_view scheme_text;  // As written.
  std::string_view user;
  std::string_view password;
  HostPort host_port;
  std::string_view parameters;  // From the first `;` on: FindUriParameter().
  std::string_view headers;     // Behind the `?`.
  std::string_view opaque;

  bool is_sip() const { return scheme == UriScheme::kSip || scheme == UriScheme::kSips; }
};

/// Reads the whole of `text`.
ParseError ParseUri(std::string_view text, Uri* uri);

/// Reads a host and, if there is one, a port; white space may stand around the colon (Via's
/// sent-by).
ParseError ParseHostPort(Cursor* in, HostPort* host_port);

/// The value of a URI parameter (empty where it has none), by name without regard to case.
std::optional<std::string_view> FindUriParameter(const Uri& uri, std::string_view name);

/// The bytes with every %HH replaced, into `out`; nothing where they do not fit or an escape is
/// broken.
std::optional<std::string_view> Unescape(std::string_view text, std::span<char> out);

/// Equal by the rules of RFC 3261 §19.1.4 for SIP and SIPS, of RFC 3966 §4 for tel (numbers without
/// visual separators), byte for byte for the rest.
bool Equivalent(const Uri& a, const Uri& b);

void WriteHostPort(const HostPort& host_port, TextWriter* out);
void WriteUri(const Uri& uri, TextWriter* out);

}  // namespace core::sip
