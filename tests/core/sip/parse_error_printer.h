#pragma once

#include <ostream>

#include "core/sip/parse_error.h"

namespace core::sip {

/// Lets a failing expectation say "bad port" and not a number.
inline void PrintTo(ParseError error, std::ostream* out) { *out << Name(error); }

}  // namespace core::sip
