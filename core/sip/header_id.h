#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace core::sip {

/// The header fields that we know by name. Order: alphabetical, as in the table of header_id.cc.
enum class HeaderId : uint8_t {
  kUnknown,
  kAccept,
  kAcceptContact,
  kAcceptEncoding,
  kAcceptLanguage,
  kAlertInfo,
  kAllow,
  kAllowEvents,
  kAuthenticationInfo,
  kAuthorization,
  kCallId,
  kCallInfo,
  kContact,
  kContentDisposition,
  kContentEncoding,
  kContentLanguage,
  kContentLength,
  kContentType,
  kCSeq,
  kDate,
  kDiversion,
  kErrorInfo,
  kEvent,
  kExpires,
  kFlowTimer,
  kFrom,
  kGeolocation,
  kGeolocationError,
  kGeolocationRouting,
  kHistoryInfo,
  kIdentity,
  kIdentityInfo,
  kInfoPackage,
  kInReplyTo,
  kJoin,
  kMaxForwards,
  kMimeVersion,
  kMinExpires,
  kMinSe,
  kOrganization,
  kPAccessNetworkInfo,
  kPAssertedIdentity,
  kPAssociatedUri,
  kPCalledPartyId,
  kPChargingFunctionAddresses,
  kPChargingVector,
  kPEarlyMedia,
  kPPreferredIdentity,
  kPVisitedNetworkId,
  kPath,
  kPriority,
  kPrivacy,
  kProxyAuthenticate,
  kProxyAuthenticationInfo,
  kProxyAuthorization,
  kProxyRequire,
  kRAck,
  kReason,
  kRecordRoute,
  kRecvInfo,
  kReferSub,
  kReferTo,
  kReferredBy,
  kRejectContact,
  kRemotePartyId,
  kReplaces,
  kReplyTo,
  kRequestDisposition,
  kRequire,
  kRetryAfter,
  kRoute,
  kRSeq,
  kServer,
  kServiceRoute,
  kSessionExpires,
  kSipEtag,
  kSipIfMatch,
  kSubject,
  kSubscriptionState,
  kSupported,
  kSuppressIfMatch,
  kTargetDialog,
  kTimestamp,
  kTo,
  kUnsupported,
  kUserAgent,
  kUserToUser,
  kVia,
  kWarning,
  kWwwAuthenticate,
  kXVoiceConnectorId,
};
inline constexpr size_t kHeaderIdCount = static_cast<size_t>(HeaderId::kXVoiceConnectorId) + 1;

/// The header field of this name, in any case, long or compact form (RFC 3261 §7.3.1, §7.3.3).
HeaderId FindHeaderId(std::string_view name);

/// The canonical long name; empty for kUnknown.
std::string_view Name(HeaderId id);

/// True where the grammar lets a message carry the field once at most, as one value (RFC 3261
/// §7.3.1).
bool IsSingle(HeaderId id);

}  // namespace core::sip
