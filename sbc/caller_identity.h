#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/bounded_text.h"
#include "core/sip/message.h"
#include "sbc/numbering.h"
#include "sbc/policy.h"
#include "sbc/rejection.h"

namespace sbc {

/// One identity of a caller: the user part as it came, and its number where it is one.
///
/// Shape: a user part longer than kUserMax is no identity of ours: it stays empty.
struct PartyUser {
  static constexpr size_t kUserMax = 80;

  core::BoundedText<kUserMax> user;  // As written, escapes and all; "+1..." for tel.
  E164 number;                       // Empty: not a number.
  bool is_phone = false;             // `;user=phone`, or tel: what the other side's URI says too.

  /// What the other side is shown: the number, else the user part.
  std::string_view shown() const& { return number.empty() ? user.view() : number.view(); }
  std::string_view shown() && = delete;
};

/// Who calls (rule 17): read from the INVITE, then changed into what the other side is shown.
///
/// Shape:    by value, so that it outlives the INVITE; about 500 bytes.
/// Lifetime: of the call's set-up; the record keeps original().
struct CallerIdentity {
  PartyUser from;
  PartyUser asserted;  // P-Asserted-Identity's first value that is a SIP or tel URI.
  bool has_asserted = false;
  bool is_private = false;      // `Privacy` names id, user or header (RFC 3323, RFC 3325).
  bool has_diversion = false;   // Diversion or History-Info named someone.
  bool owns_diversion = false;  // And one of them is in the inventory.
  bool overridden = false;      // DefaultPhoneNumber took the caller's place.
  core::BoundedText<PartyUser::kUserMax> original;  // For the record: who really called.

  /// The caller as the checks see it.
  const PartyUser& caller() const { return has_asserted ? asserted : from; }
};

/// Reads an INVITE from an admitted source. The inventory is asked about diverting numbers here,
/// because only the message has them. `home` says what a number without '+' means.
CallerIdentity ReadCaller(const core::sip::Message& invite, const Connector& connector);

/// Towards the trunk: DefaultPhoneNumber, if set, takes the place of the number in From and PAI.
/// Twice is as good as once.
void OverrideCaller(const Connector& connector, CallerIdentity* caller);

/// Towards the trunk, after OverrideCaller(): the inventory check. A diverted call passes by the
/// owned number that diverted it, where `caller_id: {allow_diverted: true}`.
std::optional<Refusal> CheckCaller(const Connector& connector, const CallerIdentity& caller);

/// Towards the customer: true where identity is to be hidden (`Privacy: id`), so that From becomes
/// anonymous and nothing is asserted. The trunk is within the trust domain: it is told who calls.
inline bool HidesCaller(const CallerIdentity& caller, Side towards) {
  return towards == Side::kCustomer && caller.is_private;
}

}  // namespace sbc
