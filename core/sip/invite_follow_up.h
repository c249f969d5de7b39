#pragma once

#include <cstddef>
#include <string_view>

#include "core/sip/message.h"
#include "core/sip/message_writer.h"

namespace core::sip {

/// Bytes that either of these needs at most. (`other` is the response, or the INVITE itself.)
size_t FollowUpSize(const Message& invite, const Message& other);

/// Writes the ACK of a 300-699, which ends where the INVITE ended: its Request-URI, its top Via
/// alone, its Route set, its CSeq number, and the To of the response (RFC 3261 §17.1.1.3).
void WriteAck(const Message& invite, const Message& response, MessageWriter* out);

/// Writes the CANCEL of an INVITE of ours, which takes the INVITE's way: the same Request-URI, top
/// Via, Route set, From, To, Call-ID and CSeq number (§9.1). `reason` is the value of a Reason
/// header field (RFC 3326), or empty.
void WriteCancel(const Message& invite, std::string_view reason, MessageWriter* out);

}  // namespace core::sip
