#pragma once

#include <string>

#include "sbc/call_record.h"

namespace sbc {

/// Appends the line of a call's end: what it was, how it ended, and each routing decision with its
/// reason. A call is looked up by `grep` with anything that is known of it: a number, either leg's
/// Call-ID, our id of it, an address.
///
///     time=... level=info event=call id=... connector=... direction=origination end=callee_hung_up
///     status=200 from=+12065550100 to=+16185558387 ... talk_ms=5012.000
///     routes="routes[0] 10.0.0.5:5060 failed_code 503 after 12 ms; routes[2] skipped: down; ..."
///     caller_call_id=... callee_call_id=... caller_media="codec=pcmu received=250 ..."
///
/// Shape: one line in the style of core::LogLine; what a peer said is quoted and escaped. At most
///        kCallLineMax bytes; beyond, what comes last is cut and the line says truncated=true.
/// Cost:  no allocation once `out` has grown.
inline constexpr size_t kCallLineMax = 4096;  // A pipe takes so much at once, or nothing.
void AppendCallLine(const CallReport& report, std::string* out);

/// The routing decisions alone.
void AppendRoutes(CallDirection direction, const RouteTrace& trace, std::string* out);

}  // namespace sbc
