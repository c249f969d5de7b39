#include "sbc/admission.h"

#include "core/sip/uri.h"

namespace sbc {
namespace {

// The length of the longest entry of that side that holds `source`: an address of a route or trunk
// host is as long as can be. -1: none.
int ReachOf(const Policy& policy, const HostTable& hosts, Side side,
            const core::IpAddress& source) {
  constexpr int kWholeAddress =
      129;  // Before a /128 of the other side: that address is a known one.
  if (hosts.IsAddressOf(side, source)) return kWholeAddress;
  int bits = -1;
  policy.starters(side).ForEachMatch(source, [&bits](const auto& entry) {
    bits = entry.cidr.bits();
    return false;
  });
  return bits;
}

const RejectionsConfig& CodesOf(const Policy& policy, uint16_t connector) {
  return connector == Admission::kNone ? policy.config().rejections
                                       : policy.connector(connector).config->rejections;
}

Admission Refused(const Policy& policy, uint16_t connector, RejectionCause cause,
                  std::string_view detail) {
  Admission admission;
  admission.refusal = Refuse(cause, CodesOf(policy, connector), detail);
  return admission;
}

Admission Admitted(const StartEntry& entry) {
  return {entry.connector, entry.customer, std::nullopt};
}

// The connectors that a source may call through, gathered in one walk over its blocks.
struct Candidates {
  const StartEntry* first = nullptr;  // Of the longest prefix.
  const StartEntry* named = nullptr;  // The one that the request names.
  const StartEntry* owner = nullptr;  // The one whose inventory holds the called number.
  bool is_shared = false;             // Others have a prefix as long as the first's.
  bool has_others = false;
  bool owner_is_shared = false;
};

Candidates FindCandidates(const Policy& policy, const StartRequest& request, int named) {
  Candidates found;
  uint8_t bits = 0;
  policy.starters(request.side).ForEachMatch(request.source, [&](const auto& entry) {
    const StartEntry& start = entry.value;
    if (found.first == nullptr) {
      found.first = &start;
      bits = entry.cidr.bits();
    } else if (start.connector != found.first->connector) {
      found.has_others = true;
      if (entry.cidr.bits() == bits) found.is_shared = true;
    }
    if (found.named == nullptr && start.connector == named) found.named = &start;
    if (request.side == Side::kCustomer) return true;
    const Connector& connector = policy.connector(start.connector);
    E164 called;
    if (connector.inventory.empty() ||
        !NormaliseE164(request.called_user, connector.config->home_plan, &called) ||
        !connector.Owns(called.view())) {
      return true;
    }
    if (found.owner != nullptr && found.owner->connector != start.connector) {
      found.owner_is_shared = true;
    }
    if (found.owner == nullptr) found.owner = &start;
    return true;
  });
  return found;
}

}  // namespace

std::optional<Side> SideOf(const Policy& policy, const HostTable& hosts, ListenerSide listener,
                           const core::IpAddress& source) {
  const int customer =
      listener == ListenerSide::kTrunk ? -1 : ReachOf(policy, hosts, Side::kCustomer, source);
  const int trunk =
      listener == ListenerSide::kCustomer ? -1 : ReachOf(policy, hosts, Side::kTrunk, source);
  if (customer < 0 && trunk < 0) return std::nullopt;
  return customer >= trunk ? Side::kCustomer : Side::kTrunk;
}

StartRequest ReadStartRequest(const core::sip::Message& request, Side side,
                              const core::IpAddress& source) {
  StartRequest start;
  start.side = side;
  start.source = source;
  start.voice_connector_id = request.Find(core::sip::HeaderId::kXVoiceConnectorId);
  core::sip::Uri uri;
  if (core::sip::ParseUri(request.request_uri(), &uri) == core::sip::ParseError::kOk) {
    start.request_host = uri.host_port.host;
    start.called_user = uri.user;
  }
  return start;
}

Admission MayStart(const Policy& policy, const StartRequest& request) {
  const bool from_trunk = request.side == Side::kTrunk;
  const bool is_named = from_trunk && request.voice_connector_id.has_value();
  const int named = from_trunk ? policy.FindConnectorById(request.voice_connector_id.value_or(""))
                               : policy.FindConnectorByHost(request.request_host);
  const Candidates found = FindCandidates(policy, request, named);
  if (found.first == nullptr) {
    return Refused(policy, Admission::kNone, RejectionCause::kCidr,
                   "the source may reach us but not start calls");
  }
  if (found.named != nullptr) return Admitted(*found.named);
  if (named >= 0 || is_named) {
    return Refused(policy, found.first->connector, RejectionCause::kCidr,
                   "names a connector that is not the source's");
  }
  if (!from_trunk) {
    // No name in the Request-URI: the PBX sends to our address. Its own block is the best sign.
    if (!found.is_shared) return Admitted(*found.first);
    return Refused(policy, found.first->connector, RejectionCause::kCidr,
                   "several connectors admit the source, and the Request-URI names none");
  }
  if (found.owner != nullptr && !found.owner_is_shared) return Admitted(*found.owner);
  if (!found.has_others) return Admitted(*found.first);
  return Refused(policy, found.first->connector, RejectionCause::kUnknownNumber,
                 "several connectors admit the source, and none owns the called number");
}

}  // namespace sbc
