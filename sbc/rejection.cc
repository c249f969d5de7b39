#include "sbc/rejection.h"

#include "core/base/check.h"
#include "core/base/concat.h"

namespace sbc {
namespace {

constexpr RejectionInfo kInfos[kRejectionCauseCount] = {
    // cause, reason phrase, Retry-After, bypassed by emergency calls
    {RejectionCause::kCidr, "Forbidden", false, false},
    {RejectionCause::kCps, "Calls Per Second Limit Exceeded", false, true},
    {RejectionCause::kRegion, "Calling Region Not Allowed", false, true},
    {RejectionCause::kCallerId, "Caller Id is not valid", false, true},
    {RejectionCause::kDisabled, "Termination Disabled", false, false},
    {RejectionCause::kCalls, "Call Limit Exceeded", false, true},
    {RejectionCause::kNoRoute, "Service Unavailable", false, false},
    {RejectionCause::kOverload, "Service Unavailable", true, true},
    {RejectionCause::kDrain, "Service Unavailable", true, true},
    {RejectionCause::kOriginationDisabled, "Origination Disabled", false, false},
    {RejectionCause::kUnknownNumber, "Not Found", false, false},
    {RejectionCause::kProtocol, "", false, false},  // Each code has its own phrase.
};

constexpr bool IsInOrder() {
  for (size_t i = 0; i < kRejectionCauseCount; ++i) {
    if (kInfos[i].cause != static_cast<RejectionCause>(i)) return false;
  }
  return true;
}
static_assert(IsInOrder(), "The rows stand in the order of RejectionCause.");

}  // namespace

const RejectionInfo& Info(RejectionCause cause) {
  const auto index = static_cast<size_t>(cause);
  CHECK(index < kRejectionCauseCount);
  return kInfos[index];
}

Refusal Refuse(RejectionCause cause, const RejectionsConfig& codes, std::string_view detail) {
  const RejectionInfo& info = Info(cause);
  Refusal refusal;
  refusal.cause = cause;
  refusal.status_code = codes.code(cause);
  refusal.retry_after = info.retry_after;
  refusal.reason.AssignTruncated(info.reason);
  refusal.detail.AssignTruncated(detail);
  return refusal;
}

Refusal RefuseCallerId(const RejectionsConfig& codes, std::string_view number) {
  Refusal refusal =
      Refuse(RejectionCause::kCallerId, codes, core::Concat(number, " is not among phone_numbers"));
  // What a peer wrote goes into our start line, so only what a number is made of passes.
  for (const char c : number) {
    if ((c < '0' || c > '9') && c != '+') return refusal;
  }
  core::BoundedText<64> reason;
  if (!number.empty() && reason.Append("Caller Id ") && reason.Append(number) &&
      reason.Append(" is not valid")) {
    refusal.reason = reason;
  }
  return refusal;
}

}  // namespace sbc
