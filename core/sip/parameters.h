#pragma once

#include <optional>
#include <string_view>

#include "core/sip/cursor.h"

namespace core::sip {

/// The parameters behind a value, `;name=value;name...`, read in place (generic-param, RFC 3261
/// §25.1).
///
/// Shape:    the text from the first `;` on, whose form was checked by who made this. May be empty.
/// Lifetime: borrows the message's bytes.
class Parameters {
 public:
  Parameters() = default;
  explicit Parameters(std::string_view text) : text_(text) {}

  std::string_view text() const { return text_; }
  bool empty() const { return text_.empty(); }

  /// The first of that name, in any case. Its value is empty where the parameter has none.
  std::optional<std::string_view> Find(std::string_view name) const {
    Cursor in(text_);
    while (in.Take(';')) {
      const Parameter parameter = in.TakeParameter();
      if (EqualsIgnoreCase(parameter.name, name)) return parameter.value;
    }
    return std::nullopt;
  }
  bool Has(std::string_view name) const { return Find(name).has_value(); }

 private:
  std::string_view text_;
};

}  // namespace core::sip
