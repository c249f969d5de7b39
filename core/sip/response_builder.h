#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/address.h"
#include "core/sip/message.h"
#include "core/sip/message_writer.h"

namespace core::sip {

/// What a response says that its request does not.
struct ResponseHead {
  uint16_t status_code = 0;
  std::string_view reason;    // Empty: the default one.
  std::string_view to_tag;    // Added where the request's To has none. Empty: none, as in a 100.
  bool record_route = false;  // Echo Record-Route: in what makes a dialog, 101-299 (§12.1.1).
};

/// Writes what each response copies from its request (RFC 3261 §8.2.6.2): the status line, all Vias
/// in order, From, To, Call-ID and CSeq; in a 100 also Timestamp. What is read is written as it
/// stood, but for the top Via: it says where the request came from (`received` where sent-by says
/// otherwise or rport was asked for, and rport's value: §18.2.1, RFC 3581 §4), in place of what it
/// claimed.
///
/// Errors: a request without From, To, Call-ID or CSeq gives a response without them: who answers
///         judged it before.
void WriteResponseHead(MessageWriter* out, const Message& request, const Endpoint& source,
                       const ResponseHead& head);

/// Where responses to a request go over UDP (RFC 3261 §18.2.2, RFC 3581 §4): to the address it came
/// from, at its source port where rport was asked for, else at the port of sent-by. `maddr` is
/// ignored: it is for multicast, and would let a request have its answers sent to anyone.
Endpoint ResponseTarget(const Via& top_via, const Endpoint& source);

}  // namespace core::sip
