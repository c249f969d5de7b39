#pragma once

#include <string_view>

#include "core/base/address.h"
#include "core/sdp/parse_error.h"

namespace core::sdp {

/// Where media is to be sent (RFC 8866 §5.7).
///
/// Shape:  one unicast address. Unspecified (0.0.0.0, ::, or a name under .invalid, which IPv6 uses
///         for it) is nowhere, and was once the way to hold a call (RFC 3264 §8.4).
struct Connection {
  IpAddress address;
  bool is_said = false;
};

/// Reads `<nettype> <addrtype> <connection-address>`, as it stands in c= and behind a=rtcp's port.
/// Other names than those under .invalid are refused: nothing here waits for DNS.
ParseError ParseConnection(std::string_view value, Connection* connection);

}  // namespace core::sdp
