#pragma once

#include <optional>
#include <string_view>

#include "sbc/caller_identity.h"
#include "sbc/connector_ledger.h"
#include "sbc/policy.h"
#include "sbc/rejection.h"

namespace sbc {

/// A new call from the customer to the trunk, as its checks see it.
struct TerminationRequest {
  std::string_view called_user;            // Of the Request-URI.
  const CallerIdentity* caller = nullptr;  // As ReadCaller() made it, overridden or not yet.
  bool emergency = false;                  // Policy::IsEmergency(called_user).
};

/// What a worker can check by itself, in this order: disabled, region, caller_id. The limits come
/// after (RefuseGrant): they are the home worker's, and a call that is refused here must not count
/// there (rule 5). An emergency call is only stopped by `disabled` (rule 6).
///
/// `*called` becomes the called number in E.164 where it has that form, else empty.
std::optional<Refusal> CheckTermination(const Connector& connector,
                                        const TerminationRequest& request, E164* called);

/// A new call from the trunk to the customer: origination_disabled, unknown_number. no_route is the
/// router's.
std::optional<Refusal> CheckOrigination(const Connector& connector, std::string_view called_user,
                                        E164* called);

/// The home worker's refusal as an answer; nothing for a grant.
std::optional<Refusal> RefuseGrant(const Connector& connector, GrantAnswer answer);

}  // namespace sbc
