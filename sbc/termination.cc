#include "sbc/termination.h"

namespace sbc {
namespace {

// What `called` is to be read as: a number of the connector's home, or nothing.
E164 ReadCalled(const Connector& connector, std::string_view called_user) {
  E164 called;
  if (!NormaliseE164(called_user, connector.config->home_plan, &called)) called.Clear();
  return called;
}

}  // namespace

std::optional<Refusal> CheckTermination(const Connector& connector,
                                        const TerminationRequest& request, E164* called) {
  const ConnectorConfig& config = *connector.config;
  *called = ReadCalled(connector, request.called_user);
  if (config.termination.disabled) {
    return Refuse(RejectionCause::kDisabled, config.rejections, "termination is disabled");
  }
  if (request.emergency) return std::nullopt;  // Rule 6.
  const Country country = called->empty() ? Country() : CountryOf(called->view());
  if (!connector.AllowsRegion(country)) {
    core::BoundedText<120> detail;
    (void)detail.Append(called->empty() ? "no E.164 number" : called->view());  // Fits, as do the
    (void)detail.Append(": country ");                                          // two after it.
    (void)detail.Append(country.known() ? country.view() : "unknown");
    return Refuse(RejectionCause::kRegion, config.rejections, detail.view());
  }
  CallerIdentity shown = *request.caller;  // DefaultPhoneNumber comes before the check (rule 17).
  OverrideCaller(connector, &shown);
  return CheckCaller(connector, shown);
}

std::optional<Refusal> CheckOrigination(const Connector& connector, std::string_view called_user,
                                        E164* called) {
  const ConnectorConfig& config = *connector.config;
  *called = ReadCalled(connector, called_user);
  if (config.origination.disabled) {
    return Refuse(RejectionCause::kOriginationDisabled, config.rejections,
                  "origination is disabled");
  }
  // What is no number (a SIP media application may dial an extension) is in no inventory.
  if (!called->empty() && !connector.Owns(called->view())) {
    return Refuse(RejectionCause::kUnknownNumber, config.rejections,
                  "the called number is not among phone_numbers");
  }
  return std::nullopt;
}

std::optional<Refusal> RefuseGrant(const Connector& connector, GrantAnswer answer) {
  const RejectionsConfig& codes = connector.config->rejections;
  switch (answer) {
    case GrantAnswer::kGranted:
    case GrantAnswer::kUncounted:
      return std::nullopt;
    case GrantAnswer::kRefusedCalls:
      return Refuse(RejectionCause::kCalls, codes, "the connector's limit of calls is reached");
    case GrantAnswer::kRefusedCps:
      return Refuse(RejectionCause::kCps, codes, "CpsLimit calls began within the last second");
    case GrantAnswer::kRefusedRate:
      return Refuse(RejectionCause::kOverload, codes, "limits.calls_per_second is reached");
    case GrantAnswer::kRefusedSourceRate:  // One source's doing: the node takes others (rule 11).
      return Refuse(RejectionCause::kCps, codes, "limits.calls_per_second_per_source is reached");
  }
  return std::nullopt;
}

}  // namespace sbc
