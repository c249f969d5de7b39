#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/address.h"
#include "core/sdp/session_description.h"

namespace core::sdp {

/// What kind of network an address is of, for rule 24. Each address is of one class.
enum class AddressClass : uint8_t {
  kPublic,       // Documentation ranges (RFC 5737, RFC 3849) included.
  kPrivate,      // RFC 1918, RFC 4193, and RFC 6598 (carriers' NAT).
  kLoopback,     // 127.0.0.0/8, ::1
  kLinkLocal,    // 169.254.0.0/16, fe80::/10, and the clouds' metadata services in fd00:ec2::/32.
  kMulticast,    // 224.0.0.0/4, ff00::/8
  kUnspecified,  // 0.0.0.0, ::
  kReserved,     // 0.0.0.0/8 but for its first, 240.0.0.0/4 with the broadcast address, and of IPv6
                 // what is neither allocated nor one of the above.
};

/// An address that embeds IPv4 for a translator (RFC 6052's 64:ff9b::/96, 6to4's 2002::/16) is of
/// the embedded one's class: that is where a packet would end.
AddressClass ClassOf(const IpAddress& address);

std::string_view Name(AddressClass address_class);

/// A set of classes: the `allow:` of a side.
class AddressClassSet {
 public:
  constexpr AddressClassSet() = default;
  constexpr AddressClassSet& Add(AddressClass address_class) {
    bits_ = static_cast<uint8_t>(bits_ | 1 << static_cast<int>(address_class));
    return *this;
  }
  constexpr bool Has(AddressClass address_class) const {
    return (bits_ >> static_cast<int>(address_class) & 1) != 0;
  }

 private:
  uint8_t bits_ = 0;
};

enum class [[nodiscard]] AddressVerdict : uint8_t{
    kAccept,
    kNowhere,  // Unspecified: the peer wants no media, and gets none. No reason to refuse.
    kRefuse,   // 488.
};

/// What a side lets its peers name as the place of their media.
struct AddressPolicy {
  AddressClass side = AddressClass::kPublic;  // Of `advertise` where set, else of our own address.
  AddressClassSet allow;                      // Beside the side's own.
  std::span<const Endpoint> control;          // Our own SIP and admin; port 0: all ports there.
};

/// Rule 24. Link-local, multicast, reserved and our own control addresses are refused whatever the
/// policy allows; loopback unless the side itself is on loopback.
AddressVerdict Judge(const AddressPolicy& policy, const Endpoint& place);

/// The places of RTP and RTCP of each line in use: refused where one of them is; nowhere where none
/// wants media. Not for legs behind NAT, whose SDP is neither judged nor sent to (rule 24).
AddressVerdict Judge(const AddressPolicy& policy, const SessionDescription& description);

}  // namespace core::sdp
