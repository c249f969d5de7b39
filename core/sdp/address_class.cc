#include "core/sdp/address_class.h"

#include <algorithm>
#include <cstddef>

namespace core::sdp {
namespace {

uint32_t EmbeddedV4(const IpAddress& address, size_t at) {
  const auto& bytes = address.bytes();
  return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 |
         bytes[at + 3];
}

uint32_t FirstWord(const IpAddress& address) { return EmbeddedV4(address, 0); }

AddressClass ClassOfV4(const IpAddress& address) {
  if (address.is_multicast()) return AddressClass::kMulticast;
  const uint32_t first = address.v4() >> 24;
  return first == 0 || first >= 240 ? AddressClass::kReserved : AddressClass::kPublic;
}

AddressClass ClassOfV6(const IpAddress& address) {
  if (address.is_multicast()) return AddressClass::kMulticast;
  // 64:ff9b::/96, and 2002::/16 with its IPv4 address next.
  const auto& bytes = address.bytes();
  const bool is_zero_in_between =
      std::all_of(bytes.begin() + 4, bytes.begin() + 12, [](uint8_t byte) { return byte == 0; });
  if (FirstWord(address) == 0x0064ff9b && is_zero_in_between) {
    return ClassOf(IpAddress::FromV4(EmbeddedV4(address, 12)));
  }
  if (FirstWord(address) >> 16 == 0x2002) return ClassOf(IpAddress::FromV4(EmbeddedV4(address, 2)));
  // Of all IPv6, 2000::/3 is what is allocated as global unicast (RFC 4291 §2.4).
  return bytes[0] >> 5 == 1 ? AddressClass::kPublic : AddressClass::kReserved;
}

}  // namespace

AddressClass ClassOf(const IpAddress& address) {
  constexpr uint32_t kCloudMetadata = 0xfd000ec2;  // fd00:ec2::/32: 169.254.0.0/16's twin at AWS.
  if (address.is_unspecified()) return AddressClass::kUnspecified;
  if (address.is_loopback()) return AddressClass::kLoopback;
  if (address.is_link_local()) return AddressClass::kLinkLocal;
  if (!address.is_v4() && FirstWord(address) == kCloudMetadata) return AddressClass::kLinkLocal;
  if (address.is_private()) return AddressClass::kPrivate;
  return address.is_v4() ? ClassOfV4(address) : ClassOfV6(address);
}

std::string_view Name(AddressClass address_class) {
  switch (address_class) {
    case AddressClass::kPublic:
      return "public";
    case AddressClass::kPrivate:
      return "private";
    case AddressClass::kLoopback:
      return "loopback";
    case AddressClass::kLinkLocal:
      return "link-local";
    case AddressClass::kMulticast:
      return "multicast";
    case AddressClass::kUnspecified:
      return "unspecified";
    case AddressClass::kReserved:
      return "reserved";
  }
  return "unknown";
}

AddressVerdict Judge(const AddressPolicy& policy, const Endpoint& place) {
  const AddressClass address_class = ClassOf(place.ip);
  switch (address_class) {
    case AddressClass::kUnspecified:
      return AddressVerdict::kNowhere;
    case AddressClass::kLinkLocal:
    case AddressClass::kMulticast:
    case AddressClass::kReserved:
      return AddressVerdict::kRefuse;
    case AddressClass::kLoopback:
      if (policy.side != AddressClass::kLoopback) return AddressVerdict::kRefuse;
      break;
    case AddressClass::kPublic:
    case AddressClass::kPrivate:
      if (policy.side != address_class && !policy.allow.Has(address_class)) {
        return AddressVerdict::kRefuse;
      }
      break;
  }
  for (const Endpoint& own : policy.control) {
    if (own.ip == place.ip && (own.port == 0 || own.port == place.port)) {
      return AddressVerdict::kRefuse;
    }
  }
  return AddressVerdict::kAccept;
}

AddressVerdict Judge(const AddressPolicy& policy, const SessionDescription& description) {
  AddressVerdict all = AddressVerdict::kNowhere;
  for (const MediaDescription& media : description.media()) {
    if (media.is_rejected()) continue;
    const AddressVerdict rtp = Judge(policy, media.rtp());
    const AddressVerdict rtcp = Judge(policy, media.RtcpEndpoint(false));
    if (rtp == AddressVerdict::kRefuse) return rtp;
    if (media.is_rtp() && rtcp == AddressVerdict::kRefuse) return rtcp;
    if (rtp == AddressVerdict::kAccept) all = rtp;
  }
  return all;
}

}  // namespace core::sdp
