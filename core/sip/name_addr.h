#pragma once

#include <string_view>

#include "core/sip/parameters.h"
#include "core/sip/parse_error.h"
#include "core/sip/text_writer.h"

namespace core::sip {

/// ( name-addr / addr-spec ) *( SEMI generic-param ): From, To, Contact, Route, Record-Route,
/// Refer-To, P-Asserted-Identity, Diversion and their like (RFC 3261 §20.10).
///
/// Shape:    `uri` is text; ParseUri() reads it. Without brackets everything from the first `;` on
///           belongs to the header field, and a `?` or `,` is refused (§20).
/// Lifetime: borrows the bytes it was read from.
struct NameAddr {
  std::string_view display_name;  // As written: a quoted string without its quotes, still escaped.
  std::string_view uri;           // "*" where `wildcard` is set.
  Parameters parameters;          // Of the header field, outside the brackets.
  std::string_view tag;           // Of From and To; empty where there is none.
  bool quoted = false;            // The display name stood in quotes.
  bool bracketed = false;         // The URI stood in < >.
  bool wildcard = false;          // `Contact: *` of a REGISTER (§10.2.2).
};

/// Reads one value: the list of a header line is split by ListReader (list_reader.h).
ParseError ParseNameAddr(std::string_view value, NameAddr* name_addr);

/// Writes the value back; the URI always gets its brackets.
void WriteNameAddr(const NameAddr& name_addr, TextWriter* out);

}  // namespace core::sip
