#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/address.h"
#include "core/base/bounded_text.h"
#include "core/sip/name_addr.h"
#include "core/sip/text_writer.h"
#include "sbc/caller_identity.h"

namespace sbc {

/// The host that a URI names on one side: the next hop's, the trunk's, or ours. Nothing of a URI
/// crosses to the other side but its user part (no host, port, parameter, header or password), so
/// no trace of one side's topology can.
///
/// Shape: a host name or address (IPv6 with its brackets), and a port; 0 or 5060 is not written.
struct UriHost {
  core::BoundedText<255> host;
  uint16_t port = 0;

  static UriHost Of(const core::Endpoint& endpoint);
  /// A name, or an address in text as the configuration has it. Longer than 255 is cut off.
  static UriHost Of(std::string_view name, uint16_t port);
};

/// Reads the user part of a sip, sips or tel URI. Other schemes have none: `*user` stays empty.
PartyUser ReadPartyUser(std::string_view uri_text, HomePlan home);

/// sip:user@host[:port][;user=phone]
void WriteUri(const PartyUser& user, const UriHost& host, core::sip::TextWriter* out);

/// The Request-URI and the To towards the trunk use the number in E.164; towards the customer the
/// user part goes as the trunk wrote it, for the PBX's dial plan was made for that.
PartyUser CalledParty(std::string_view request_uri, Side towards, HomePlan home);

/// `"Name" <sip:user@host>;tag=...`; without `tag` no tag. For From and To.
void WriteParty(const core::sip::NameAddr& from_display, const PartyUser& user, const UriHost& host,
                std::string_view tag, core::sip::TextWriter* out);

/// From towards `towards`: rewritten, or anonymous (RFC 3323 §4.1.1.3) where the caller is hidden.
void WriteFrom(const core::sip::NameAddr& original, const CallerIdentity& caller, Side towards,
               const UriHost& host, std::string_view tag, core::sip::TextWriter* out);

/// Whether `written` says the telephone number that `original` said, so that a signature over it
/// holds (RFC 8224 section 8.3: a number is signed without its host, any other user with it, and
/// hosts never cross).
bool IsSameNumber(const core::sip::NameAddr& original, const PartyUser& written, HomePlan home);

/// P-Asserted-Identity, if there is one to write: false and nothing written where none came or
/// the caller is hidden.
bool WriteAsserted(const CallerIdentity& caller, Side towards, const UriHost& host,
                   core::sip::TextWriter* out);

}  // namespace sbc
