// Transfers and redirections, on the sides that `transfer: pass` and `redirect: pass` let have them
// (rule 18): they go on to the other leg with their targets rewritten, and what is to be replaced
// is named as the other side knows it.

#include "core/sip/list_reader.h"
#include "core/sip/uri.h"
#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"
#include "sbc/caller_identity.h"
#include "sbc/termination.h"
#include "sbc/transfer_target.h"
#include "sbc/uri_rewrite.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::Dialog;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::ParseError;
using core::sip::Replaces;
using core::sip::ServerTransaction;
using core::sip::TextWriter;

namespace {

// A user part, a host and, with Replaces, a Call-ID and two tags, escaped.
constexpr size_t kReferToMax = 1024;

std::string_view WithoutHeaders(std::string_view uri) { return uri.substr(0, uri.find('?')); }

// What the other side calls the dialog: there the peer is who is to give it up, so its tag is the
// to-tag (RFC 3891 §3).
void WriteReplaces(const Dialog& dialog, bool early_only, TextWriter* out) {
  out->Append(dialog.call_id());
  out->Append(";to-tag=");
  out->Append(dialog.remote_tag());
  out->Append(";from-tag=");
  out->Append(dialog.local_tag());
  if (early_only) out->Append(";early-only");
}

}  // namespace

bool B2bua::MayTransfer(const Policy& policy, Side side) {
  return policy.config().transfer.of(side) == PassPolicy::kPass;
}

// Its to-tag is ours, its from-tag the peer's. Only what was answered can be taken over.
B2bua::Replaced B2bua::FindReplaced(const Replaces& replaces, Side side) {
  Replaced found;
  (void)tags_.Find(TagHash(replaces.to_tag), [&](const TagEntry& candidate) {
    Call* call = calls_.Find(candidate.call);
    Fork* fork = call == nullptr ? nullptr : call->bridged();
    if (fork == nullptr || call->state == Call::State::kEnding ||
        call->leg(candidate.leg).side != side) {
      return false;
    }
    const Dialog& dialog = fork->dialog(candidate.leg);
    if (dialog.call_id() != replaces.call_id || dialog.local_tag() != replaces.to_tag ||
        dialog.remote_tag() != replaces.from_tag) {
      return false;
    }
    found = {call, Other(candidate.leg)};
    return true;
  });
  return found;
}

void B2bua::OnRefer(Call* call, LegId from, Fork* fork, ServerTransaction& transaction,
                    const Message& request, const Packet& packet, Instant now) {
  if (!MayTransfer(*call->policy, call->leg(from).side)) {
    return Answer(transaction, request, 403, now);
  }
  if (fork != call->bridged()) return Answer(transaction, request, 481, now);
  char bytes[kReferToMax];
  TextWriter refer_to({bytes, sizeof(bytes)});
  if (const uint16_t refusal = WriteReferTo(call, from, request, &refer_to)) {
    return Answer(transaction, request, refusal, now);
  }
  PassRequest(call, from, fork, transaction, request, packet, now, refer_to.text());
}

// Refer-To as the other leg is told it: 0, or the code that refuses the REFER.
uint16_t B2bua::WriteReferTo(Call* call, LegId from, const Message& request, TextWriter* out) {
  TransferTarget target;
  if (const uint16_t refusal = ReadTransferTarget(request, &target)) return refusal;
  const CallLeg& to = call->leg(Other(from));
  if (to.side == Side::kTrunk) {
    if (const uint16_t refusal = JudgeNewTarget(*call, request, target.user)) return refusal;
  }
  Replaced replaced;
  if (target.has_replaces) {
    replaced = FindReplaced(target.replaces, call->leg(from).side);
    if (replaced.call == nullptr) return 481;
  }
  out->Append('<');
  if (replaced.call != nullptr && to.side == Side::kCustomer) {
    // Who is called is on their own side of us, and they know where.
    out->Append(WithoutHeaders(replaced.dialog().remote_target()));
  } else {
    WriteNewTarget(*call, Other(from), target.uri, out);
  }
  if (replaced.call != nullptr) {
    char value_bytes[kReferToMax];
    TextWriter value({value_bytes, sizeof(value_bytes)});
    WriteReplaces(replaced.dialog(), target.replaces.early_only, &value);
    if (!value.ok()) return 513;
    out->Append("?Replaces=");
    AppendEscaped(value.text(), out);
  }
  out->Append('>');
  return out->ok() ? 0 : 513;
}

// Whom a leg is to call instead. A customer calls us, and is judged as for any other call.
void B2bua::WriteNewTarget(const Call& call, LegId told, std::string_view uri, TextWriter* out) {
  const CallLeg& leg = call.leg(told);
  const ConnectorConfig& connector = *call.connector->config;
  core::Endpoint own;
  UriHost host = UriHost::Of(connector.trunk.host, connector.trunk.port);
  if (leg.side == Side::kCustomer && core::Endpoint::Parse(leg.face.sent_by.view(), &own)) {
    host = UriHost::Of(own);
  }
  WriteUri(CalledParty(uri, leg.side, connector.home_plan), host, out);
}

// The Contacts of a 3xx as the caller is told them: those that may be called. Nothing where its
// side lets none pass, or none may.
void B2bua::WriteRedirect(const Call& call, const Message& response, const Message& invite,
                          TextWriter* out) {
  if (call.policy->config().redirect.of(call.leg(LegId::kCallee).side) != PassPolicy::kPass) return;
  core::sip::AddressReader contacts(response, HeaderId::kContact);
  core::sip::Uri uri;
  for (core::sip::NameAddr contact; contacts.Next(&contact);) {
    if (core::sip::ParseUri(contact.uri, &uri) != ParseError::kOk ||
        (!uri.is_sip() && uri.scheme != core::sip::UriScheme::kTel) ||
        JudgeNewTarget(call, invite, uri.user) != 0) {
      continue;
    }
    const size_t before = out->size();
    out->Append(before == 0 ? "<" : ", <");
    WriteNewTarget(call, LegId::kCaller, contact.uri, out);
    out->Append('>');
    if (!out->ok()) return;
  }
}

// A new target passes the termination policy again. Who asks for it is the request's From.
uint16_t B2bua::JudgeNewTarget(const Call& call, const Message& request, std::string_view user) {
  CallerIdentity caller = ReadCaller(request, *call.connector);
  OverrideCaller(*call.connector, &caller);
  E164 called;
  const auto refusal = CheckTermination(
      *call.connector,
      {.called_user = user, .caller = &caller, .emergency = call.policy->IsEmergency(user)},
      &called);
  if (!refusal.has_value()) return 0;
  ++counters_.refused[static_cast<size_t>(refusal->cause)];
  return refusal->is_drop() ? 403 : refusal->status_code;
}

// An INVITE that takes over a dialog of its own side: it goes to who has that dialog's other end,
// and names the dialog as it is known there. False where it may not, or there is no such dialog.
bool B2bua::ReadTakeover(const Message& invite, Takeover* takeover) {
  Replaces replaces;
  if (!MayTransfer(*options_.host->policy(), side_) ||
      core::sip::ParseReplaces(invite.Find(HeaderId::kReplaces).value_or(""), &replaces) !=
          ParseError::kOk) {
    return false;
  }
  Replaced replaced = FindReplaced(replaces, side_);
  if (replaced.call == nullptr) return false;
  char bytes[kReferToMax];
  TextWriter value({bytes, sizeof(bytes)});
  WriteReplaces(replaced.dialog(), replaces.early_only, &value);
  takeover->replaces = value.ok() ? options_.store->Copy(value.text()) : Packet();
  takeover->peer = replaced.call->leg(replaced.leg).peer;
  return static_cast<bool>(takeover->replaces);
}

}  // namespace sbc
