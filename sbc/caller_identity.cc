#include "sbc/caller_identity.h"

#include "core/sip/cursor.h"
#include "core/sip/list_reader.h"
#include "core/sip/name_addr.h"
#include "sbc/uri_rewrite.h"

namespace sbc {
namespace {

using core::sip::AddressReader;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::NameAddr;
using core::sip::ParseError;

// priv-value = "header" / "session" / "user" / "none" / "critical" / "id" / token, between ";"
// (RFC 3323 §4.2, RFC 3325 §9.3).
bool AsksForPrivacy(const Message& invite) {
  for (size_t i = invite.FirstIndex(HeaderId::kPrivacy); i != Message::kNone;
       i = invite.NextIndex(i)) {
    core::sip::Cursor in(invite.header(i).value);
    do {
      const std::string_view value = in.TakeToken();
      if (core::sip::EqualsIgnoreCase(value, "id") || core::sip::EqualsIgnoreCase(value, "user") ||
          core::sip::EqualsIgnoreCase(value, "header")) {
        return true;
      }
    } while (in.Take(';') || in.Take(','));
  }
  return false;
}

// The first value that is a number; else the first that is a user at all. RFC 3325 §9.1 allows a
// SIP and a tel URI side by side.
bool ReadAsserted(const Message& invite, HomePlan home, PartyUser* asserted) {
  AddressReader values(invite, HeaderId::kPAssertedIdentity);
  bool found = false;
  for (NameAddr value; values.Next(&value);) {
    const PartyUser user = ReadPartyUser(value.uri, home);
    if (user.user.empty()) continue;
    if (!found || asserted->number.empty()) *asserted = user;
    found = true;
    if (!asserted->number.empty()) return true;
  }
  return found;
}

void ReadDiversion(const Message& invite, HeaderId id, const Connector& connector,
                   CallerIdentity* caller) {
  AddressReader values(invite, id);
  for (NameAddr value; values.Next(&value);) {
    caller->has_diversion = true;
    const PartyUser user = ReadPartyUser(value.uri, connector.config->home_plan);
    // An empty inventory owns everything, which is not what "owned" means here.
    if (connector.inventory.empty() || user.number.empty()) continue;
    if (connector.Owns(user.number.view())) caller->owns_diversion = true;
  }
}

}  // namespace

CallerIdentity ReadCaller(const Message& invite, const Connector& connector) {
  const HomePlan home = connector.config->home_plan;
  CallerIdentity caller;
  NameAddr from;
  // A From that cannot be read was answered 400 long before.
  if (invite.From(&from) == ParseError::kOk) caller.from = ReadPartyUser(from.uri, home);
  caller.has_asserted = ReadAsserted(invite, home, &caller.asserted);
  caller.is_private = AsksForPrivacy(invite);
  ReadDiversion(invite, HeaderId::kDiversion, connector, &caller);
  ReadDiversion(invite, HeaderId::kHistoryInfo, connector, &caller);
  caller.original.AssignTruncated(caller.caller().shown());
  core::sip::Uri uri;  // One that is too long for a user of ours is still who called.
  if (caller.original.empty() && core::sip::ParseUri(from.uri, &uri) == ParseError::kOk) {
    caller.original.AssignTruncated(uri.user);
  }
  return caller;
}

void OverrideCaller(const Connector& connector, CallerIdentity* caller) {
  const std::string& number = connector.config->termination.default_phone_number;
  E164 shown;
  if (number.empty() || !NormaliseE164(number, connector.config->home_plan, &shown)) return;
  caller->from.number = shown;
  if (caller->has_asserted) caller->asserted.number = shown;
  caller->overridden = true;
}

std::optional<Refusal> CheckCaller(const Connector& connector, const CallerIdentity& caller) {
  if (connector.inventory.empty()) return std::nullopt;
  const PartyUser& shown = caller.caller();
  if (!shown.number.empty() && connector.Owns(shown.number.view())) return std::nullopt;
  if (connector.allow_diverted && caller.owns_diversion) return std::nullopt;
  return RefuseCallerId(connector.config->rejections, shown.shown());
}

}  // namespace sbc
