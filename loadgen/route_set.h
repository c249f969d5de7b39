#pragma once

#include <cstddef>

#include "core/sip/message.h"
#include "core/sip/text_writer.h"

namespace loadgen {

/// Writes what `rrs` keeps of a message: the route set, as the value of one Route field, and right
/// behind it the URI that the next request goes to. Returns the size of the first.
///
/// The route set of a response is turned round (RFC 3261 §12.1.2), that of a request is not
/// (§12.1.1). Where the first route is a strict router, without `lr`, its URI is the next one, and
/// the remote target goes to the end of the routes (§12.2.1.1).
size_t WriteRouteSet(const core::sip::Message& message, core::sip::TextWriter* out);

}  // namespace loadgen
