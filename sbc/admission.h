#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/address.h"
#include "core/sip/message.h"
#include "sbc/host_table.h"
#include "sbc/policy.h"
#include "sbc/rejection.h"

namespace sbc {

/// The side that a source on this listener is on, if it may reach us at all (rules 2 and 3). The
/// listener gives the side; where it serves both, the longest prefix decides. Nothing: a stranger,
/// who gets silence; but for what is going on at an address that is held for calls
/// (held_addresses.h).
std::optional<Side> SideOf(const Policy& policy, const HostTable& hosts, ListenerSide listener,
                           const core::IpAddress& source);

/// What admission needs to know of a request that would start a call, or of one outside a dialog.
///
/// Lifetime: borrows the message.
struct StartRequest {
  Side side = Side::kCustomer;
  core::IpAddress source;
  std::string_view request_host;  // Of the Request-URI; empty for tel.
  std::string_view called_user;   // Of the Request-URI: user part, or tel's number.
  std::optional<std::string_view> voice_connector_id;  // X-VoiceConnector-ID.
};
StartRequest ReadStartRequest(const core::sip::Message& request, Side side,
                              const core::IpAddress& source);

/// Who starts a call, or why not.
struct Admission {
  static constexpr uint16_t kNone = UINT16_MAX;

  uint16_t connector = kNone;                // Index in Policy::connectors().
  const CustomerConfig* customer = nullptr;  // For `nat` and `credentials`; null on the trunk side.
  std::optional<Refusal> refusal;            // Set when, and only when, there is no connector.

  bool admitted() const { return connector != kNone; }
};

/// The connector that a call belongs to (rules 2 and 3).
///
/// The source gives the candidates; the Request-URI's host (from the customer) or
/// X-VoiceConnector-ID (from the trunk) chooses among them, and naming another is refused as
/// `cidr`. Else, from the trunk, the called number's inventory; else the longest prefix, where it
/// is one's alone. X-VoiceConnector-ID from a customer says nothing.
Admission MayStart(const Policy& policy, const StartRequest& request);

}  // namespace sbc
