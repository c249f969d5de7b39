#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/sip/parameters.h"
#include "core/sip/parse_error.h"
#include "core/sip/text_writer.h"
#include "core/sip/uri.h"

namespace core::sip {

/// One Via value (RFC 3261 §20.42, RFC 3581).
///
/// Lifetime: borrows the bytes it was read from.
struct Via {
  static constexpr std::string_view kMagicCookie = "z9hG4bK";

  std::string_view transport;  // As written; any token (an unknown one is legal).
  HostPort sent_by;
  std::string_view branch;
  std::string_view received;
  bool has_rport = false;  // `;rport`, with or without a value.
  uint16_t rport = 0;      // Its value, 0 where it has none.
  Parameters parameters;   // All of them, those above included.

  /// True where the branch identifies a transaction by itself (§17.2.3). The bare cookie does not.
  bool has_cookie() const {
    return branch.size() > kMagicCookie.size() &&
           EqualsIgnoreCase(branch.substr(0, kMagicCookie.size()), kMagicCookie);
  }
};

/// Reads one value: the list of a header line is split by ListReader (list_reader.h).
ParseError ParseVia(std::string_view value, Via* via);

/// Writes the value back: transport, sent-by and all parameters as they were.
void WriteVia(const Via& via, TextWriter* out);

}  // namespace core::sip
