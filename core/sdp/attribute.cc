#include "core/sdp/attribute.h"

#include <array>

#include "core/base/ascii.h"

namespace core::sdp {
namespace {

struct Row {
  Attribute attribute;
  std::string_view name;
  Fate fate;
};

constexpr std::array<Row, kAttributeCount> kRows = {{
    {Attribute::kUnknown, "", Fate::kKeep},
    {Attribute::kRtpMap, "rtpmap", Fate::kFormat},
    {Attribute::kFmtp, "fmtp", Fate::kFormat},
    {Attribute::kRtcpFb, "rtcp-fb", Fate::kFormat},
    {Attribute::kPtime, "ptime", Fate::kKeep},
    {Attribute::kMaxPtime, "maxptime", Fate::kKeep},
    {Attribute::kSendRecv, "sendrecv", Fate::kDirection},
    {Attribute::kSendOnly, "sendonly", Fate::kDirection},
    {Attribute::kRecvOnly, "recvonly", Fate::kDirection},
    {Attribute::kInactive, "inactive", Fate::kDirection},
    {Attribute::kRtcp, "rtcp", Fate::kRtcp},         // RFC 3605
    {Attribute::kRtcpMux, "rtcp-mux", Fate::kRtcp},  // RFC 5761
    {Attribute::kMid, "mid", Fate::kKeep},
    {Attribute::kCrypto, "crypto", Fate::kSecurity},            // RFC 4568
    {Attribute::kFingerprint, "fingerprint", Fate::kSecurity},  // RFC 8122
    {Attribute::kSetup, "setup", Fate::kSecurity},              // RFC 4145
    {Attribute::kGroup, "group", Fate::kGroup},                 // RFC 5888
    {Attribute::kCandidate, "candidate", Fate::kDrop},          // RFC 8839, as are all of ICE
    {Attribute::kIceUfrag, "ice-ufrag", Fate::kDrop},
    {Attribute::kIcePwd, "ice-pwd", Fate::kDrop},
    {Attribute::kRtcpMuxOnly, "rtcp-mux-only", Fate::kRtcp},  // RFC 8858
    {Attribute::kRtcpRsize, "rtcp-rsize", Fate::kRtcp},       // RFC 5506
    {Attribute::kRtcpXr, "rtcp-xr", Fate::kRtcp},             // RFC 3611 §5
    {Attribute::kKeyMgmt, "key-mgmt", Fate::kSecurity},       // RFC 4567
    {Attribute::kTlsId, "tls-id", Fate::kSecurity},           // RFC 8842
    {Attribute::kDtlsId, "dtls-id", Fate::kSecurity},         // Its name in drafts, still in use.
    {Attribute::kZrtpHash, "zrtp-hash", Fate::kSecurity},     // RFC 6189
    {Attribute::kIceOptions, "ice-options", Fate::kDrop},
    {Attribute::kIceLite, "ice-lite", Fate::kDrop},
    {Attribute::kIceMismatch, "ice-mismatch", Fate::kDrop},
    {Attribute::kIcePacing, "ice-pacing", Fate::kDrop},
    {Attribute::kIce2, "ice2", Fate::kDrop},
    {Attribute::kRemoteCandidates, "remote-candidates", Fate::kDrop},
    {Attribute::kEndOfCandidates, "end-of-candidates", Fate::kDrop},
    {Attribute::kBundleOnly, "bundle-only", Fate::kDrop},  // RFC 8843: nothing without BUNDLE.
    {Attribute::kMsidSemantic, "msid-semantic", Fate::kKeep},
    {Attribute::kAltc, "altc", Fate::kDrop},  // RFC 6947: other addresses for the same media.
    {Attribute::kSourceFilter, "source-filter", Fate::kDrop},  // RFC 4570: addresses.
    {Attribute::kCsup, "csup", Fate::kDrop},  // RFC 5939: a second offer inside the first, which
    {Attribute::kCreq, "creq", Fate::kDrop},  // nobody here would have judged. RFC 6871 and 7006
    {Attribute::kAcap, "acap", Fate::kDrop},  // extend it.
    {Attribute::kTcap, "tcap", Fate::kDrop},
    {Attribute::kPcfg, "pcfg", Fate::kDrop},
    {Attribute::kAcfg, "acfg", Fate::kDrop},
    {Attribute::kRmcap, "rmcap", Fate::kDrop},
    {Attribute::kOmcap, "omcap", Fate::kDrop},
    {Attribute::kMfcap, "mfcap", Fate::kDrop},
    {Attribute::kMscap, "mscap", Fate::kDrop},
    {Attribute::kLcfg, "lcfg", Fate::kDrop},
    {Attribute::kSescap, "sescap", Fate::kDrop},
    {Attribute::kCcap, "ccap", Fate::kDrop},
    {Attribute::kBcap, "bcap", Fate::kDrop},
    {Attribute::kVisitedRealm, "visited-realm", Fate::kDrop},  // 3GPP TS 29.079: the media's way
    {Attribute::kSecondaryRealm, "secondary-realm", Fate::kDrop},  // through other networks, with
    {Attribute::kOmrMCksum, "omr-m-cksum", Fate::kDrop},           // addresses.
    {Attribute::kOmrSCksum, "omr-s-cksum", Fate::kDrop},
    {Attribute::kOmrCodecs, "omr-codecs", Fate::kDrop},
    {Attribute::kOmrMAtt, "omr-m-att", Fate::kDrop},
    {Attribute::kOmrSAtt, "omr-s-att", Fate::kDrop},
    {Attribute::kOmrMBw, "omr-m-bw", Fate::kDrop},
    {Attribute::kOmrSBw, "omr-s-bw", Fate::kDrop},
    {Attribute::kNoRtpProxy, "nortpproxy", Fate::kDrop},  // Another relay's mark of its own work,
    {Attribute::kOldMediaIp, "oldmediaip", Fate::kDrop},  // and what it replaced.
    {Attribute::kOldMediaPort, "oldmediaport", Fate::kDrop},
    {Attribute::kRid, "rid", Fate::kDrop},  // RFC 8851, 8853: a stream with several SSRCs.
    {Attribute::kSimulcast, "simulcast", Fate::kDrop},
    {Attribute::kSsrc, "ssrc", Fate::kDrop},  // RFC 5576: with a CNAME, which is often a host's
    {Attribute::kSsrcGroup, "ssrc-group", Fate::kDrop},   // address, and here is ours (rule 25).
    {Attribute::kTool, "tool", Fate::kDrop},              // RFC 8866 §6.4: as User-Agent.
    {Attribute::kIdentity, "identity", Fate::kSecurity},  // RFC 8827: signs the fingerprint.
    {Attribute::kAlt, "alt", Fate::kDrop},                // ICE's forerunner: addresses.
    {Attribute::kSqn, "sqn", Fate::kDrop},  // RFC 3407: what else its writer could do, which nobody
    {Attribute::kCdsc, "cdsc", Fate::kDrop},  // here has judged.
    {Attribute::kCpar, "cpar", Fate::kDrop},
    {Attribute::kCparMin, "cparmin", Fate::kDrop},
    {Attribute::kCparMax, "cparmax", Fate::kDrop},
    {Attribute::kRemoteCandidate, "remote-candidate", Fate::kDrop},  // ICE and keys as Microsoft
    {Attribute::kXCandidate, "x-candidate", Fate::kDrop},            // writes them.
    {Attribute::kXCandidateIpv6, "x-candidate-ipv6", Fate::kDrop},
    {Attribute::kEncryption, "encryption", Fate::kSecurity},
    {Attribute::kCryptoScale, "cryptoscale", Fate::kSecurity},
    {Attribute::kUnreadable, "(unreadable)", Fate::kDrop},
}};

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].attribute) != i) return false;
  }
  return true;
}
static_assert(RowsAreInOrder());

// The hash sees the length and the letters at either end and in the middle.
constexpr size_t kSlots = 256;
constexpr size_t Slot(std::string_view name) {
  const auto letter = [name](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(LowerCase(name[i])));
  };
  const size_t size = name.size();
  const uint32_t seen =
      letter(0) | letter(size / 2) << 8 | letter(size - 1) << 16 | letter(size - 2) << 24;
  return ((seen ^ static_cast<uint32_t>(size * 0x35)) * 0x9e3779b1u) >> 24;
}
constexpr size_t kNameMin = 3;
constexpr size_t kNameMax = 17;

constexpr bool NamesAreInBounds() {
  for (size_t i = 1; i < kRows.size(); ++i) {
    if (kRows[i].name.size() < kNameMin || kRows[i].name.size() > kNameMax) return false;
  }
  return true;
}
static_assert(NamesAreInBounds());

// Open addressing, filled at compile time. Three slots of four stay empty, so a probe ends soon.
constexpr std::array<uint8_t, kSlots> MakeTable() {
  std::array<uint8_t, kSlots> table{};
  for (size_t i = 1; i < kRows.size(); ++i) {
    size_t slot = Slot(kRows[i].name);
    while (table[slot] != 0) slot = (slot + 1) % kSlots;
    table[slot] = static_cast<uint8_t>(i);
  }
  return table;
}
constexpr std::array<uint8_t, kSlots> kTable = MakeTable();

}  // namespace

Attribute FindAttribute(std::string_view name) {
  if (name.size() < kNameMin || name.size() > kNameMax) return Attribute::kUnknown;
  for (size_t slot = Slot(name); kTable[slot] != 0; slot = (slot + 1) % kSlots) {
    const Row& row = kRows[kTable[slot]];
    if (EqualsIgnoreCase(row.name, name)) return row.attribute;
  }
  return Attribute::kUnknown;
}

std::string_view Name(Attribute attribute) { return kRows[static_cast<size_t>(attribute)].name; }

Fate FateOf(Attribute attribute) { return kRows[static_cast<size_t>(attribute)].fate; }

}  // namespace core::sdp
