#include "sbc/uri_rewrite.h"

#include "core/sip/cursor.h"
#include "core/sip/uri.h"

namespace sbc {
namespace {

using core::sip::TextWriter;

constexpr uint16_t kDefaultPort = 5060;

// A display name on one line: a fold becomes a space. One that holds a NUL is not written at all.
void WriteDisplayName(const core::sip::NameAddr& name_addr, TextWriter* out) {
  const std::string_view name = name_addr.display_name;
  if (name.empty() || name.find('\0') != std::string_view::npos) return;
  if (name_addr.quoted) out->Append('"');
  for (const char c : name) out->Append(c == '\r' || c == '\n' ? ' ' : c);
  out->Append(name_addr.quoted ? "\" " : " ");
}

void WriteTag(std::string_view tag, TextWriter* out) {
  if (tag.empty()) return;
  out->Append(";tag=");
  out->Append(tag);
}

}  // namespace

UriHost UriHost::Of(const core::Endpoint& endpoint) {
  const core::IpAddress::Text text = endpoint.ip.text();
  return Of(text.view(), endpoint.port);
}

UriHost UriHost::Of(std::string_view name, uint16_t port) {
  const bool is_ipv6 = name.find(':') != std::string_view::npos;
  UriHost host;
  host.port = port;
  // Nothing here is longer than an array's end: a host name is checked when it is configured.
  if (is_ipv6) (void)host.host.Append("[");
  (void)host.host.Append(name.substr(0, host.host.capacity() - 2));
  if (is_ipv6) (void)host.host.Append("]");
  return host;
}

PartyUser ReadPartyUser(std::string_view uri_text, HomePlan home) {
  PartyUser party;
  core::sip::Uri uri;
  if (core::sip::ParseUri(uri_text, &uri) != core::sip::ParseError::kOk) return party;
  const bool is_tel = uri.scheme == core::sip::UriScheme::kTel;
  if (!is_tel && !uri.is_sip()) return party;
  // What follows a ";" in the user part are parameters of a telephone-subscriber (RFC 3261
  // §19.1.6): phone-context, for one, may be a host of this side.
  const std::string_view user = uri.user.substr(0, uri.user.find(';'));
  if (!party.user.Assign(user)) return party;
  const auto user_parameter = core::sip::FindUriParameter(uri, "user");
  party.is_phone = is_tel || core::sip::EqualsIgnoreCase(user_parameter.value_or(""), "phone");
  if (!NormaliseE164(user, home, &party.number)) party.number.Clear();
  return party;
}

void WriteUri(const PartyUser& user, const UriHost& host, TextWriter* out) {
  out->Append("sip:");
  if (!user.shown().empty()) {
    out->Append(user.shown());
    out->Append('@');
  }
  out->Append(host.host.view());
  if (host.port != 0 && host.port != kDefaultPort) {
    out->Append(':');
    out->AppendNumber(host.port);
  }
  if (user.is_phone) out->Append(";user=phone");
}

PartyUser CalledParty(std::string_view request_uri, Side towards, HomePlan home) {
  PartyUser called = ReadPartyUser(request_uri, home);
  if (towards == Side::kCustomer) called.number.Clear();
  return called;
}

void WriteParty(const core::sip::NameAddr& from_display, const PartyUser& user, const UriHost& host,
                std::string_view tag, TextWriter* out) {
  WriteDisplayName(from_display, out);
  out->Append('<');
  WriteUri(user, host, out);
  out->Append('>');
  WriteTag(tag, out);
}

void WriteFrom(const core::sip::NameAddr& original, const CallerIdentity& caller, Side towards,
               const UriHost& host, std::string_view tag, TextWriter* out) {
  if (!HidesCaller(caller, towards)) return WriteParty(original, caller.from, host, tag, out);
  out->Append("\"Anonymous\" <sip:anonymous@anonymous.invalid>");
  WriteTag(tag, out);
}

bool IsSameNumber(const core::sip::NameAddr& original, const PartyUser& written, HomePlan home) {
  const PartyUser said = ReadPartyUser(original.uri, home);
  return !said.number.empty() && said.user.view() == written.shown();
}

bool WriteAsserted(const CallerIdentity& caller, Side towards, const UriHost& host,
                   TextWriter* out) {
  if (!caller.has_asserted || HidesCaller(caller, towards)) return false;
  out->Append('<');
  WriteUri(caller.asserted, host, out);
  out->Append('>');
  return true;
}

}  // namespace sbc
