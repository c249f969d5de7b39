#pragma once

#include <cstddef>
#include <string_view>

#include "core/sip/header_id.h"
#include "core/sip/name_addr.h"
#include "core/sip/parse_error.h"

namespace core::sip {

class Message;

/// Walks the values of one header field in order, across its lines and across the commas of each
/// (RFC 3261 §7.3.1). A comma in a quoted string or in < > separates nothing.
///
///     ListReader vias(message, HeaderId::kVia);
///     for (std::string_view value; vias.Next(&value);) ...
///
/// Shape:    values are trimmed. An empty one between two commas is given as such: its reader
/// refuses it. Lifetime: borrows the message.
class ListReader {
 public:
  ListReader(const Message& message, HeaderId id);
  explicit ListReader(std::string_view line);  // One line's values.

  bool Next(std::string_view* value);

 private:
  const Message* message_ = nullptr;
  size_t next_line_;  // Index of a header field in the message.
  std::string_view rest_;
  bool in_line_ = false;
};

/// ListReader of name-addr values: Contact, Route, Record-Route, P-Asserted-Identity, Diversion...
///
/// Errors: Next() is false at the end and at the first value that cannot be read; error() tells
/// which.
class AddressReader {
 public:
  AddressReader(const Message& message, HeaderId id) : list_(message, id) {}

  bool Next(NameAddr* address) {
    std::string_view value;
    if (error_ != ParseError::kOk || !list_.Next(&value)) return false;
    error_ = ParseNameAddr(value, address);
    return error_ == ParseError::kOk;
  }
  ParseError error() const { return error_; }

 private:
  ListReader list_;
  ParseError error_ = ParseError::kOk;
};

}  // namespace core::sip
