#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bounded_text.h"
#include "sbc/config.h"

namespace sbc {

/// What is the same for every refusal of one cause, whatever code the operator gave it.
struct RejectionInfo {
  RejectionCause cause;
  std::string_view reason;
  bool retry_after;            // Rule 11: only where the whole node is meant.
  bool bypassed_by_emergency;  // Rule 6.
};

/// The row of `cause`; its metric's label is RejectionCauseName().
const RejectionInfo& Info(RejectionCause cause);

/// A refused call: what is answered, and what is logged.
///
/// Shape: by value, no allocation. `status_code` is a code, or RejectionsConfig::kDrop.
struct Refusal {
  RejectionCause cause = RejectionCause::kCidr;
  uint16_t status_code = RejectionsConfig::kDrop;
  bool retry_after = false;
  core::BoundedText<64> reason;   // The reason phrase.
  core::BoundedText<120> detail;  // For the log line: which value met which setting.

  bool is_drop() const { return status_code == RejectionsConfig::kDrop; }
};

/// The refusal of `cause` under these codes, with the cause's own reason phrase. Not of kProtocol,
/// which has no code of its own.
Refusal Refuse(RejectionCause cause, const RejectionsConfig& codes, std::string_view detail);

/// The refusal of a caller's number, as Amazon phrases it: `403 Caller Id +1443... is not valid`.
Refusal RefuseCallerId(const RejectionsConfig& codes, std::string_view number);

}  // namespace sbc
