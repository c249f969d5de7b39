#include "core/sip/header_id.h"

#include <array>
#include <bit>
#include <cstring>

#include "core/sip/cursor.h"

namespace core::sip {
namespace {

struct Row {
  HeaderId id;
  std::string_view name;
  char compact = '\0';  // RFC 3261 §7.3.3 and the registry.
  bool single = false;  // At most one value in a message.
};

constexpr std::array<Row, kHeaderIdCount> kRows = {{
    {HeaderId::kUnknown, ""},
    {HeaderId::kAccept, "Accept"},
    {HeaderId::kAcceptContact, "Accept-Contact", 'a'},
    {HeaderId::kAcceptEncoding, "Accept-Encoding"},
    {HeaderId::kAcceptLanguage, "Accept-Language"},
    {HeaderId::kAlertInfo, "Alert-Info"},
    {HeaderId::kAllow, "Allow"},
    {HeaderId::kAllowEvents, "Allow-Events", 'u'},
    {HeaderId::kAuthenticationInfo, "Authentication-Info"},
    {HeaderId::kAuthorization, "Authorization"},
    {HeaderId::kCallId, "Call-ID", 'i', true},
    {HeaderId::kCallInfo, "Call-Info"},
    {HeaderId::kContact, "Contact", 'm'},
    {HeaderId::kContentDisposition, "Content-Disposition", '\0', true},
    {HeaderId::kContentEncoding, "Content-Encoding", 'e'},
    {HeaderId::kContentLanguage, "Content-Language"},
    {HeaderId::kContentLength, "Content-Length", 'l', true},
    {HeaderId::kContentType, "Content-Type", 'c', true},
    {HeaderId::kCSeq, "CSeq", '\0', true},
    {HeaderId::kDate, "Date", '\0', true},
    {HeaderId::kDiversion, "Diversion"},
    {HeaderId::kErrorInfo, "Error-Info"},
    {HeaderId::kEvent, "Event", 'o', true},
    {HeaderId::kExpires, "Expires", '\0', true},
    {HeaderId::kFlowTimer, "Flow-Timer", '\0', true},
    {HeaderId::kFrom, "From", 'f', true},
    {HeaderId::kGeolocation, "Geolocation"},
    {HeaderId::kGeolocationError, "Geolocation-Error", '\0', true},
    {HeaderId::kGeolocationRouting, "Geolocation-Routing", '\0', true},
    {HeaderId::kHistoryInfo, "History-Info"},
    {HeaderId::kIdentity, "Identity", 'y'},
    {HeaderId::kIdentityInfo, "Identity-Info", 'n'},
    {HeaderId::kInfoPackage, "Info-Package", '\0', true},
    {HeaderId::kInReplyTo, "In-Reply-To"},
    {HeaderId::kJoin, "Join", '\0', true},
    {HeaderId::kMaxForwards, "Max-Forwards", '\0', true},
    {HeaderId::kMimeVersion, "MIME-Version", '\0', true},
    {HeaderId::kMinExpires, "Min-Expires", '\0', true},
    {HeaderId::kMinSe, "Min-SE", '\0', true},
    {HeaderId::kOrganization, "Organization", '\0', true},
    {HeaderId::kPAccessNetworkInfo, "P-Access-Network-Info"},
    {HeaderId::kPAssertedIdentity, "P-Asserted-Identity"},
    {HeaderId::kPAssociatedUri, "P-Associated-URI"},
    {HeaderId::kPCalledPartyId, "P-Called-Party-ID", '\0', true},
    {HeaderId::kPChargingFunctionAddresses, "P-Charging-Function-Addresses"},
    {HeaderId::kPChargingVector, "P-Charging-Vector", '\0', true},
    {HeaderId::kPEarlyMedia, "P-Early-Media"},
    {HeaderId::kPPreferredIdentity, "P-Preferred-Identity"},
    {HeaderId::kPVisitedNetworkId, "P-Visited-Network-ID"},
    {HeaderId::kPath, "Path"},
    {HeaderId::kPriority, "Priority", '\0', true},
    {HeaderId::kPrivacy, "Privacy"},
    {HeaderId::kProxyAuthenticate, "Proxy-Authenticate"},
    {HeaderId::kProxyAuthenticationInfo, "Proxy-Authentication-Info"},
    {HeaderId::kProxyAuthorization, "Proxy-Authorization"},
    {HeaderId::kProxyRequire, "Proxy-Require"},
    {HeaderId::kRAck, "RAck", '\0', true},
    {HeaderId::kReason, "Reason"},
    {HeaderId::kRecordRoute, "Record-Route"},
    {HeaderId::kRecvInfo, "Recv-Info"},
    {HeaderId::kReferSub, "Refer-Sub", '\0', true},
    {HeaderId::kReferTo, "Refer-To", 'r', true},
    {HeaderId::kReferredBy, "Referred-By", 'b', true},
    {HeaderId::kRejectContact, "Reject-Contact", 'j'},
    {HeaderId::kRemotePartyId, "Remote-Party-ID"},
    {HeaderId::kReplaces, "Replaces", '\0', true},
    {HeaderId::kReplyTo, "Reply-To", '\0', true},
    {HeaderId::kRequestDisposition, "Request-Disposition", 'd'},
    {HeaderId::kRequire, "Require"},
    {HeaderId::kRetryAfter, "Retry-After", '\0', true},
    {HeaderId::kRoute, "Route"},
    {HeaderId::kRSeq, "RSeq", '\0', true},
    {HeaderId::kServer, "Server", '\0', true},
    {HeaderId::kServiceRoute, "Service-Route"},
    {HeaderId::kSessionExpires, "Session-Expires", 'x', true},
    {HeaderId::kSipEtag, "SIP-ETag", '\0', true},
    {HeaderId::kSipIfMatch, "SIP-If-Match", '\0', true},
    {HeaderId::kSubject, "Subject", 's', true},
    {HeaderId::kSubscriptionState, "Subscription-State", '\0', true},
    {HeaderId::kSupported, "Supported", 'k'},
    {HeaderId::kSuppressIfMatch, "Suppress-If-Match", '\0', true},
    {HeaderId::kTargetDialog, "Target-Dialog", '\0', true},
    {HeaderId::kTimestamp, "Timestamp", '\0', true},
    {HeaderId::kTo, "To", 't', true},
    {HeaderId::kUnsupported, "Unsupported"},
    {HeaderId::kUserAgent, "User-Agent", '\0', true},
    {HeaderId::kUserToUser, "User-to-User"},
    {HeaderId::kVia, "Via", 'v'},
    {HeaderId::kWarning, "Warning"},
    {HeaderId::kWwwAuthenticate, "WWW-Authenticate"},
    {HeaderId::kXVoiceConnectorId, "X-VoiceConnector-ID"},
}};

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].id) != i) return false;
  }
  return true;
}
static_assert(RowsAreInOrder());
static_assert(std::endian::native == std::endian::little, "LoadWord() and the table agree on it");

constexpr size_t kNameMin = 2;  // "To"; one letter is a compact form.
constexpr size_t kNameMax = 32;

// A name and, for each letter of it, the bit that its case may differ in.
struct Spelling {
  char text[kNameMax];
  char case_bits[kNameMax];
};

constexpr std::array<Spelling, kHeaderIdCount> MakeSpellings() {
  std::array<Spelling, kHeaderIdCount> spellings{};
  for (size_t i = 0; i < kRows.size(); ++i) {
    for (size_t k = 0; k < kRows[i].name.size(); ++k) {
      spellings[i].text[k] = kRows[i].name[k];
      spellings[i].case_bits[k] = IsIn(kRows[i].name[k], kAlphaChar) ? 0x20 : 0;
    }
  }
  return spellings;
}
constexpr std::array<Spelling, kHeaderIdCount> kSpellings = MakeSpellings();

// The hash sees the length, two letters at either end and the middle one, without case.
constexpr size_t kSlots = 256;
constexpr size_t Slot(std::string_view name) {
  const auto fold = [name](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(name[i]) | 0x20);
  };
  const size_t size = name.size();
  const uint32_t ends =
      fold(0) | fold(1) << 8 | fold(size - 1) << 16 | (fold(size / 2) ^ fold(size - 2)) << 24;
  return ((ends ^ static_cast<uint32_t>(size * 0x35)) * 0x9e3779b1u) >> 24;
}

// Open addressing, filled at compile time. Half of the slots stay empty, so a probe ends soon.
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

constexpr std::array<HeaderId, 26> MakeCompactForms() {
  std::array<HeaderId, 26> forms{};
  for (const Row& row : kRows) {
    if (row.compact != '\0') forms[static_cast<size_t>(row.compact - 'a')] = row.id;
  }
  return forms;
}
constexpr std::array<HeaderId, 26> kCompactForms = MakeCompactForms();

template <typename Word>
Word Load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

template <typename Word>
bool WordsDiffer(const char* name, const Spelling& spelling, size_t at) {
  const Word difference = Load<Word>(name + at) ^ Load<Word>(spelling.text + at);
  return (difference & ~Load<Word>(spelling.case_bits + at)) != 0;
}

// By words, the last of which overlaps the one before it, so that nothing behind the name is read.
bool Matches(std::string_view name, const Spelling& spelling) {
  const size_t size = name.size();
  if (size >= 8) {
    for (size_t at = 0; at + 8 < size; at += 8) {
      if (WordsDiffer<uint64_t>(name.data(), spelling, at)) return false;
    }
    return !WordsDiffer<uint64_t>(name.data(), spelling, size - 8);
  }
  if (size >= 4) {
    return !WordsDiffer<uint32_t>(name.data(), spelling, 0) &&
           !WordsDiffer<uint32_t>(name.data(), spelling, size - 4);
  }
  return EqualsIgnoreCase(name, {spelling.text, size});
}

}  // namespace

HeaderId FindHeaderId(std::string_view name) {
  if (name.size() < kNameMin) {
    const char letter = name.empty() ? '\0' : LowerCase(name[0]);
    return letter >= 'a' && letter <= 'z' ? kCompactForms[static_cast<size_t>(letter - 'a')]
                                          : HeaderId::kUnknown;
  }
  if (name.size() > kNameMax) return HeaderId::kUnknown;
  for (size_t slot = Slot(name); kTable[slot] != 0; slot = (slot + 1) % kSlots) {
    const size_t i = kTable[slot];
    if (kRows[i].name.size() == name.size() && Matches(name, kSpellings[i])) return kRows[i].id;
  }
  return HeaderId::kUnknown;
}

std::string_view Name(HeaderId id) { return kRows[static_cast<size_t>(id)].name; }

bool IsSingle(HeaderId id) { return kRows[static_cast<size_t>(id)].single; }

}  // namespace core::sip
