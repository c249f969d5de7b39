#pragma once

#include <string_view>

#include "core/base/bounded_text.h"

namespace sbc {

/// What of a Reason header field's values (RFC 3326) may be told to the other side: of each its
/// protocol and its cause. Its text is left out, for it is one side's own words and names hosts
/// ("no answer from 10.0.58.47"); so are parameters and protocols that the RFC does not name.
///
/// Shape: a list, as in "SIP;cause=487, Q.850;cause=16"; empty where nothing may be told. Values
///        beyond the bound are left out.
using ReasonText = core::BoundedText<64>;
ReasonText CrossingReason(std::string_view values);

}  // namespace sbc
