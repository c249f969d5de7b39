#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace core::sdp {

/// The attributes that we read or that may not cross; the rows stand in attribute.cc.
enum class Attribute : uint8_t {
  kUnknown,
  // Read.
  kRtpMap,
  kFmtp,
  kRtcpFb,
  kPtime,
  kMaxPtime,
  kSendRecv,
  kSendOnly,
  kRecvOnly,
  kInactive,
  kRtcp,
  kRtcpMux,
  kMid,
  kCrypto,
  kFingerprint,
  kSetup,
  kGroup,
  kCandidate,
  kIceUfrag,
  kIcePwd,
  // Only known so that they stay behind.
  kRtcpMuxOnly,
  kRtcpRsize,
  kRtcpXr,
  kKeyMgmt,
  kTlsId,
  kDtlsId,
  kZrtpHash,
  kIceOptions,
  kIceLite,
  kIceMismatch,
  kIcePacing,
  kIce2,
  kRemoteCandidates,
  kEndOfCandidates,
  kBundleOnly,
  kMsidSemantic,
  kAltc,
  kSourceFilter,
  kCsup,
  kCreq,
  kAcap,
  kTcap,
  kPcfg,
  kAcfg,
  kRmcap,
  kOmcap,
  kMfcap,
  kMscap,
  kLcfg,
  kSescap,
  kCcap,
  kBcap,
  kVisitedRealm,
  kSecondaryRealm,
  kOmrMCksum,
  kOmrSCksum,
  kOmrCodecs,
  kOmrMAtt,
  kOmrSAtt,
  kOmrMBw,
  kOmrSBw,
  kNoRtpProxy,
  kOldMediaIp,
  kOldMediaPort,
  kRid,
  kSimulcast,
  kSsrc,
  kSsrcGroup,
  kTool,
  kIdentity,
  kAlt,
  kSqn,
  kCdsc,
  kCpar,
  kCparMin,
  kCparMax,
  kRemoteCandidate,
  kXCandidate,
  kXCandidateIpv6,
  kEncryption,
  kCryptoScale,
  kUnreadable,  // Its name is no token, or its value says nothing.
};
inline constexpr size_t kAttributeCount = static_cast<size_t>(Attribute::kUnreadable) + 1;

/// What becomes of an attribute when a description crosses to the other side.
enum class Fate : uint8_t {
  kKeep,       // Crosses as it came, in its place: also every attribute that we do not know.
  kFormat,     // Crosses with the format it speaks of, under that format's number there.
  kDirection,  // Written anew: ours says what the whole description meant.
  kRtcp,       // Written anew or left out: RTCP ends on each leg (rule 25).
  kSecurity,   // Crosses only if the keys are to be the two ends' own.
  kGroup,      // Crosses unless it bundles or offers addresses.
  kDrop,       // Never crosses: it leads media, or tells the way to, past us.
};

/// By its name. Its case counts (RFC 8866 §9), but not to all readers, sofia-sip's and baresip's
/// among them: what one of them knows is known here, or it would be read past us.
Attribute FindAttribute(std::string_view name);
std::string_view Name(Attribute attribute);
Fate FateOf(Attribute attribute);

}  // namespace core::sdp
