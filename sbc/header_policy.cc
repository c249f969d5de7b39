#include "sbc/header_policy.h"

#include "core/base/check.h"
#include "sbc/crossing_reason.h"

namespace sbc {
namespace {

using core::sip::HeaderField;
using core::sip::HeaderId;
using core::sip::kHeaderIdCount;
using enum HeaderAction;

constexpr std::string_view kWhereabouts = "says where a user is (rule 6)";

// Rows in the order of HeaderId; columns: to the trunk as request and response, to the customer.
constexpr HeaderRule kRules[] = {
    {HeaderId::kUnknown, kDrop, kDrop, kDrop, kDrop,
     "not in this table: `headers.pass` may name it"},
    {HeaderId::kAccept, kOwn, kOwn, kOwn, kOwn, "what we read ourselves"},
    {HeaderId::kAcceptContact, kDrop, kDrop, kDrop, kDrop,
     "picks among a user's devices, which this side does not see"},
    {HeaderId::kAcceptEncoding, kDrop, kDrop, kDrop, kDrop, "between neighbours"},
    {HeaderId::kAcceptLanguage, kPass, kPass, kPass, kPass, "the caller's wish"},
    {HeaderId::kAlertInfo, kDrop, kDrop, kDrop, kDrop, "a URI of this side's hosts"},
    {HeaderId::kAllow, kOwn, kOwn, kOwn, kOwn, "our own methods (rule 16)"},
    {HeaderId::kAllowEvents, kDrop, kDrop, kDrop, kDrop, "we keep no subscriptions"},
    {HeaderId::kAuthenticationInfo, kDrop, kDrop, kDrop, kDrop, "digest ends at each leg"},
    {HeaderId::kAuthorization, kDrop, kDrop, kDrop, kDrop, "digest ends at each leg"},
    {HeaderId::kCallId, kOwn, kOwn, kOwn, kOwn, "each leg has its own"},
    {HeaderId::kCallInfo, kDrop, kDrop, kDrop, kDrop, "a URI of this side's hosts"},
    {HeaderId::kContact, kOwn, kOwn, kOwn, kOwn, "the way to us"},
    {HeaderId::kContentDisposition, kPass, kPass, kPass, kPass, "goes with the body"},
    {HeaderId::kContentEncoding, kPass, kPass, kPass, kPass, "goes with the body"},
    {HeaderId::kContentLanguage, kPass, kPass, kPass, kPass, "goes with the body"},
    {HeaderId::kContentLength, kOwn, kOwn, kOwn, kOwn, "counted when written"},
    {HeaderId::kContentType, kOwn, kOwn, kOwn, kOwn, "written with the body it names"},
    {HeaderId::kCSeq, kOwn, kOwn, kOwn, kOwn, "each leg counts its own"},
    {HeaderId::kDate, kPass, kPass, kPass, kPass, "says when, and a signature may rest on it"},
    {HeaderId::kDiversion, kRewrite, kDrop, kRewrite, kDrop,
     "read for the caller check; never crosses (rule 17)"},
    {HeaderId::kErrorInfo, kDrop, kDrop, kDrop, kDrop, "a URI of this side's hosts"},
    {HeaderId::kEvent, kRewrite, kDrop, kRewrite, kDrop,
     "of a NOTIFY; the REFER that it names has another CSeq on each leg (RFC 3515)"},
    {HeaderId::kExpires, kPass, kPass, kPass, kPass, "how long to try"},
    {HeaderId::kFlowTimer, kDrop, kDrop, kDrop, kDrop, "between neighbours"},
    {HeaderId::kFrom, kRewrite, kOwn, kRewrite, kOwn, "user part kept or normalised, host ours"},
    {HeaderId::kGeolocation, kEmergency, kEmergency, kEmergency, kEmergency, kWhereabouts},
    {HeaderId::kGeolocationError, kEmergency, kEmergency, kEmergency, kEmergency, kWhereabouts},
    {HeaderId::kGeolocationRouting, kEmergency, kEmergency, kEmergency, kEmergency, kWhereabouts},
    {HeaderId::kHistoryInfo, kRewrite, kDrop, kRewrite, kDrop,
     "read for the caller check; never crosses (rule 17)"},
    {HeaderId::kIdentity, kUntouched, kDrop, kUntouched, kDrop,
     "signs the numbers of From and To (RFC 8224)"},
    {HeaderId::kIdentityInfo, kDrop, kDrop, kDrop, kDrop, "RFC 8224 has no such field any more"},
    {HeaderId::kInfoPackage, kPass, kPass, kPass, kPass, "what an INFO is about"},
    {HeaderId::kInReplyTo, kDrop, kDrop, kDrop, kDrop, "Call-IDs of this side"},
    {HeaderId::kJoin, kDrop, kDrop, kDrop, kDrop, "dialogs of this side"},
    {HeaderId::kMaxForwards, kRewrite, kDrop, kRewrite, kDrop, "crosses, one less"},
    {HeaderId::kMimeVersion, kPass, kPass, kPass, kPass, "goes with the body"},
    {HeaderId::kMinExpires, kDrop, kPass, kDrop, kPass, "the answer to an Expires that passed"},
    {HeaderId::kMinSe, kOwn, kOwn, kOwn, kOwn, "each leg negotiates alone (rule 15)"},
    {HeaderId::kOrganization, kDrop, kDrop, kDrop, kDrop, "says who runs this side"},
    {HeaderId::kPAccessNetworkInfo, kDrop, kDrop, kDrop, kDrop, "says where this side's user is"},
    {HeaderId::kPAssertedIdentity, kRewrite, kDrop, kRewrite, kDrop,
     "interpreted, then written with our host (rule 17)"},
    {HeaderId::kPAssociatedUri, kDrop, kDrop, kDrop, kDrop, "registration"},
    {HeaderId::kPCalledPartyId, kDrop, kDrop, kDrop, kDrop, "this side's addresses"},
    {HeaderId::kPChargingFunctionAddresses, kDrop, kDrop, kDrop, kDrop, "this side's hosts"},
    {HeaderId::kPChargingVector, kDrop, kDrop, kDrop, kDrop, "this side's hosts"},
    {HeaderId::kPEarlyMedia, kPass, kPass, kPass, kPass, "who may send early media"},
    {HeaderId::kPPreferredIdentity, kDrop, kDrop, kDrop, kDrop,
     "a wish to this side's proxy; never crosses (rule 17)"},
    {HeaderId::kPVisitedNetworkId, kDrop, kDrop, kDrop, kDrop, "this side's network"},
    {HeaderId::kPath, kDrop, kDrop, kDrop, kDrop, "this side's proxies"},
    {HeaderId::kPriority, kPass, kPass, kPass, kPass, "the caller's wish"},
    {HeaderId::kPrivacy, kPass, kPass, kPass, kPass,
     "the caller's wish, which we also obey (rule 17)"},
    {HeaderId::kProxyAuthenticate, kDrop, kDrop, kDrop, kDrop, "digest ends at each leg"},
    {HeaderId::kProxyAuthenticationInfo, kDrop, kDrop, kDrop, kDrop, "digest ends at each leg"},
    {HeaderId::kProxyAuthorization, kDrop, kDrop, kDrop, kDrop, "digest ends at each leg"},
    {HeaderId::kProxyRequire, kDrop, kDrop, kDrop, kDrop, "asked of us, and answered by us"},
    {HeaderId::kRAck, kOwn, kOwn, kOwn, kOwn, "each leg has its own (rule 13)"},
    {HeaderId::kReason, kRewrite, kRewrite, kRewrite, kRewrite,
     "protocol and cause cross; its text may name a host"},
    {HeaderId::kRecordRoute, kOwn, kOwn, kOwn, kOwn, "each leg has its own"},
    {HeaderId::kRecvInfo, kPass, kPass, kPass, kPass, "which INFO packages the peer takes"},
    {HeaderId::kReferSub, kPass, kPass, kPass, kPass, "goes with a REFER"},
    {HeaderId::kReferTo, kRewrite, kDrop, kRewrite, kDrop,
     "rewritten where `transfer` is `pass` (rule 18)"},
    {HeaderId::kReferredBy, kDrop, kDrop, kDrop, kDrop, "an address of this side"},
    {HeaderId::kRejectContact, kDrop, kDrop, kDrop, kDrop,
     "picks among a user's devices, which this side does not see"},
    {HeaderId::kRemotePartyId, kDrop, kDrop, kDrop, kDrop, "never crosses (rule 17)"},
    {HeaderId::kReplaces, kRewrite, kDrop, kRewrite, kDrop,
     "translated to the other leg's dialog (rule 18)"},
    {HeaderId::kReplyTo, kDrop, kDrop, kDrop, kDrop, "an address of this side"},
    {HeaderId::kRequestDisposition, kDrop, kDrop, kDrop, kDrop, "asked of this side's proxies"},
    {HeaderId::kRequire, kOwn, kOwn, kOwn, kOwn, "our own abilities (rule 16)"},
    {HeaderId::kRetryAfter, kOwn, kOwn, kOwn, kOwn, "only for our own overload or drain (rule 11)"},
    {HeaderId::kRoute, kOwn, kOwn, kOwn, kOwn, "each leg has its own"},
    {HeaderId::kRSeq, kOwn, kOwn, kOwn, kOwn, "each leg has its own (rule 13)"},
    {HeaderId::kServer, kOwn, kOwn, kOwn, kOwn, "who we are"},
    {HeaderId::kServiceRoute, kDrop, kDrop, kDrop, kDrop, "this side's proxies"},
    {HeaderId::kSessionExpires, kOwn, kOwn, kOwn, kOwn, "each leg negotiates alone (rule 15)"},
    {HeaderId::kSipEtag, kDrop, kDrop, kDrop, kDrop, "PUBLISH, which we refuse"},
    {HeaderId::kSipIfMatch, kDrop, kDrop, kDrop, kDrop, "PUBLISH, which we refuse"},
    {HeaderId::kSubject, kPass, kPass, kPass, kPass, "the caller's words"},
    {HeaderId::kSubscriptionState, kPass, kPass, kPass, kPass, "the state that a NOTIFY tells"},
    {HeaderId::kSupported, kOwn, kOwn, kOwn, kOwn, "our own abilities (rule 16)"},
    {HeaderId::kSuppressIfMatch, kDrop, kDrop, kDrop, kDrop, "we keep no subscriptions"},
    {HeaderId::kTargetDialog, kDrop, kDrop, kDrop, kDrop, "dialogs of this side"},
    {HeaderId::kTimestamp, kOwn, kOwn, kOwn, kOwn, "measures one hop"},
    {HeaderId::kTo, kRewrite, kOwn, kRewrite, kOwn,
     "user part kept or normalised, host the next hop's"},
    {HeaderId::kUnsupported, kOwn, kOwn, kOwn, kOwn, "our own abilities (rule 16)"},
    {HeaderId::kUserAgent, kOwn, kOwn, kOwn, kOwn, "who we are"},
    {HeaderId::kUserToUser, kPass, kPass, kPass, kPass, "the callers' own"},
    {HeaderId::kVia, kOwn, kOwn, kOwn, kOwn, "each hop has its own"},
    {HeaderId::kWarning, kDrop, kDrop, kDrop, kDrop, "names the host that warns"},
    {HeaderId::kWwwAuthenticate, kDrop, kDrop, kDrop, kDrop, "digest ends at each leg"},
    {HeaderId::kXVoiceConnectorId, kDrop, kDrop, kPass, kPass,
     "from a customer it would name a connector (rule 3)"},
};
static_assert(std::size(kRules) == kHeaderIdCount);

constexpr bool IsInOrder() {
  for (size_t i = 0; i < kHeaderIdCount; ++i) {
    if (kRules[i].id != static_cast<HeaderId>(i)) return false;
  }
  return true;
}
static_assert(IsInOrder(), "The rows stand in the order of HeaderId.");

bool Passes(const HeaderField& field, const Crossing& crossing, bool is_request,
            const Policy& policy) {
  if (field.id == HeaderId::kUnknown) return policy.PassesByName(field.name);
  switch (ActionOf(field.id, crossing.towards, is_request)) {
    case kPass:
      return true;
    case kEmergency:
      if (crossing.is_emergency) return true;
      [[fallthrough]];
    case kDrop:
      return policy.PassesById(field.id) && !IsNeverPassed(field.id);
    case kUntouched:
      return crossing.parties_untouched;
    case kRewrite:
    case kOwn:
      break;
  }
  return false;
}

void AppendCell(HeaderAction action, std::string* out) {
  const std::string_view name = HeaderActionName(action);
  *out += " | ";
  out->append(name.data(), name.size());
}

}  // namespace

// RFC 3261 §7.3.1 allows CRLF only before white space.
bool IsSmuggling(std::string_view value) {
  for (size_t i = 0; i < value.size(); ++i) {
    const auto byte = static_cast<unsigned char>(value[i]);
    if ((byte >= 0x20 && byte != 0x7f) || byte == '\t') continue;
    if (byte != '\r' && byte != '\n') return true;
    if (value[i] == '\r' && (++i == value.size() || value[i] != '\n')) return true;
    if (i + 1 >= value.size() || (value[i + 1] != ' ' && value[i + 1] != '\t')) return true;
  }
  return false;
}

std::string_view HeaderActionName(HeaderAction action) {
  switch (action) {
    case kPass:
      return "pass";
    case kDrop:
      return "drop";
    case kRewrite:
      return "rewrite";
    case kOwn:
      return "own";
    case kEmergency:
      return "emergency";
    case kUntouched:
      return "untouched";
  }
  return "";
}

const HeaderRule& RuleOf(HeaderId id) {
  const auto index = static_cast<size_t>(id);
  CHECK(index < kHeaderIdCount);
  return kRules[index];
}

HeaderAction ActionOf(HeaderId id, Side towards, bool is_request) {
  const HeaderRule& rule = RuleOf(id);
  if (towards == Side::kTrunk) return is_request ? rule.to_trunk_request : rule.to_trunk_response;
  return is_request ? rule.to_customer_request : rule.to_customer_response;
}

bool IsNeverPassed(HeaderId id) {
  // Digest ends at each leg, identity is interpreted or not shown, and ways lead through one side
  // alone: no setting changes that.
  switch (id) {
    case HeaderId::kAuthenticationInfo:
    case HeaderId::kAuthorization:
    case HeaderId::kProxyAuthenticate:
    case HeaderId::kProxyAuthenticationInfo:
    case HeaderId::kProxyAuthorization:
    case HeaderId::kProxyRequire:
    case HeaderId::kWwwAuthenticate:
    case HeaderId::kPPreferredIdentity:
    case HeaderId::kPath:
    case HeaderId::kReferredBy:
    case HeaderId::kRemotePartyId:
    case HeaderId::kServiceRoute:
    case HeaderId::kXVoiceConnectorId:
      return true;
    default:
      break;
  }
  const HeaderRule& rule = RuleOf(id);
  for (const HeaderAction action : {rule.to_trunk_request, rule.to_trunk_response,
                                    rule.to_customer_request, rule.to_customer_response}) {
    if (action == kRewrite || action == kOwn || action == kUntouched) return true;
  }
  return false;
}

void CopyPassing(const core::sip::Message& in, const Crossing& crossing, const Policy& policy,
                 core::sip::MessageWriter* out) {
  for (size_t i = 0; i < in.header_count(); ++i) {
    const HeaderField field = in.header(i);
    if (field.id == HeaderId::kReason) {
      const ReasonText reason = CrossingReason(field.value);
      if (!reason.empty()) out->Header(HeaderId::kReason, reason.view());
      continue;
    }
    if (!Passes(field, crossing, in.is_request(), policy) || IsSmuggling(field.value)) continue;
    if (field.id == HeaderId::kUnknown) {
      out->RawHeader(field.name, field.value);
    } else {
      out->Header(field.id, field.value);
    }
  }
}

void CopyBody(const core::sip::Message& in, core::sip::MessageWriter* out) {
  const auto type = in.Find(HeaderId::kContentType);
  if (in.body().empty() || !type.has_value() || IsSmuggling(*type)) {
    out->NoBody();
  } else {
    out->Body(*type, in.body());
  }
}

std::string HeaderPolicyMarkdown() {
  std::string text =
      "| header field | request to trunk | response to trunk | request to customer | response to "
      "customer | why |\n|---|---|---|---|---|---|\n";
  for (const HeaderRule& rule : kRules) {
    const std::string_view name = core::sip::Name(rule.id);
    text += "| ";
    text += name.empty() ? std::string("any other") : std::string(name);
    AppendCell(rule.to_trunk_request, &text);
    AppendCell(rule.to_trunk_response, &text);
    AppendCell(rule.to_customer_request, &text);
    AppendCell(rule.to_customer_response, &text);
    text += " | " + std::string(rule.why) + " |\n";
  }
  return text;
}

}  // namespace sbc
