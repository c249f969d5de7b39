#pragma once

#include <string_view>

#include "core/base/address.h"

namespace sbc {

/// A dialog that somebody else is to take over (RFC 3891), as the other side of its call knows it:
/// what an INVITE or a REFER that names it is told there. It may live on another worker, and then
/// this travels as an envelope (EnvelopeKind::kReplaced).
///
/// Lifetime: borrows what described it; dies with the function that was given it.
struct ReplacedDialog {
  std::string_view replaces;  // The value of a Replaces header field.
  std::string_view target;    // The URI of who has it there.
  core::Endpoint peer;        // Where that one is.
};

}  // namespace sbc
