#pragma once

#include <cstdint>
#include <string_view>

#include "core/sip/message.h"
#include "core/sip/small_headers.h"
#include "core/sip/text_writer.h"

namespace sbc {

/// Whom a REFER names: its Refer-To, read (RFC 3515 §2.1).
///
/// Shape:    a SIP or tel URI and, of its header part, what it is to replace (RFC 3891 §6.1). Other
///           header fields in the URI stay behind: nothing of one side crosses uninterpreted.
/// Lifetime: borrows the REFER; `replaces` and its value lie in `unescaped`, so it is not to be
/// moved.
struct TransferTarget {
  TransferTarget() = default;
  TransferTarget(const TransferTarget&) = delete;
  TransferTarget& operator=(const TransferTarget&) = delete;

  std::string_view uri;   // Whole, header part included.
  std::string_view user;  // Its user part, or tel's number.
  bool has_replaces = false;
  core::sip::Replaces replaces;
  std::string_view replaces_value;  // What it was read from.
  char unescaped[512];
};

/// 0, or the code that refuses the REFER: 400 where there is not one readable Refer-To, 416 for a
/// scheme that is no call, 403 where it asks for another method than INVITE.
uint16_t ReadTransferTarget(const core::sip::Message& refer, TransferTarget* target);

/// `value` as the header part of a URI may hold it (RFC 3261 §25.1: hvalue).
void AppendEscaped(std::string_view value, core::sip::TextWriter* out);

}  // namespace sbc
