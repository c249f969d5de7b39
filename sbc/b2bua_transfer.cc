// Transfers and redirections, on the sides that `transfer: pass` and `redirect: pass` let have them
// (rule 18): they go on to the other leg with their targets rewritten, and what is to be replaced
// is named as the other side knows it.

#include "core/sip/list_reader.h"
#include "core/sip/small_headers.h"
#include "core/sip/uri.h"
#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"
#include "sbc/caller_identity.h"
#include "sbc/header_policy.h"
#include "sbc/termination.h"
#include "sbc/transfer_target.h"
#include "sbc/uri_rewrite.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::ParseError;
using core::sip::ServerTransaction;
using core::sip::TextWriter;

namespace {

// A user part, a host and, with Replaces, a Call-ID and two tags, escaped.
constexpr size_t kReferToMax = 1024;

std::string_view WithoutHeaders(std::string_view uri) { return uri.substr(0, uri.find('?')); }

// Whom a leg is to call instead. A customer calls us, and is judged as for any other call.
void WriteNewTarget(const Call& call, LegId told, std::string_view uri, TextWriter* out) {
  const CallLeg& leg = call.leg(told);
  const ConnectorConfig& connector = *call.connector->config;
  core::Endpoint own;
  UriHost host = UriHost::Of(connector.trunk.host, connector.trunk.port);
  if (leg.side == Side::kCustomer && core::Endpoint::Parse(leg.face.sent_by.view(), &own)) {
    host = UriHost::Of(own);
  }
  WriteUri(CalledParty(uri, leg.side, connector.home_plan), host, out);
}

// Refer-To as that leg is told it.
void WriteReferTo(const Call& call, LegId told, const TransferTarget& target,
                  const ReplacedDialog* replaced, TextWriter* out) {
  out->Append('<');
  if (replaced != nullptr && call.leg(told).side == Side::kCustomer) {
    // Who is called is on their own side of us, and they know where.
    out->Append(WithoutHeaders(replaced->target));
  } else {
    WriteNewTarget(call, told, target.uri, out);
  }
  if (replaced != nullptr) {
    out->Append("?Replaces=");
    AppendEscaped(replaced->replaces, out);
  }
  out->Append('>');
}

}  // namespace

bool B2bua::MayTransfer(const Policy& policy, Side side) {
  return policy.config().transfer.of(side) == PassPolicy::kPass;
}

void B2bua::OnRefer(Call* call, LegId from, Fork* fork, ServerTransaction& transaction,
                    const Message& request, const Packet& packet, Instant now) {
  if (!MayTransfer(*call->policy, call->leg(from).side)) {
    return Answer(transaction, request, 403, now);
  }
  if (fork != call->bridged()) return Answer(transaction, request, 481, now);
  TransferTarget target;
  if (const uint16_t refusal = JudgeReferTo(*call, from, request, &target)) {
    return Answer(transaction, request, refusal, now);
  }
  if (!target.has_replaces) {
    return PassRefer(call, from, transaction, request, packet, target, nullptr, now);
  }
  if (const auto worker = OtherWorkerOf(target.replaces)) {
    const bool asked = options_.table->KeepRequest(transaction, packet) &&
                       AskForReplaced(*worker, target.replaces_value,
                                      {.call = calls_.HandleOf(call),
                                       .server = options_.table->HandleOf(transaction),
                                       .from = from},
                                      now);
    return asked ? void() : Answer(transaction, request, 503, now);
  }
  char bytes[kReplacedMax];
  TextWriter text({bytes, sizeof(bytes)});
  ReplacedDialog replaced;
  if (const uint16_t refusal =
          DescribeReplaced(target.replaces, call->leg(from).side, &text, &replaced)) {
    return Answer(transaction, request, refusal, now);
  }
  PassRefer(call, from, transaction, request, packet, target, &replaced, now);
}

// What another worker has said of the dialog that a REFER names.
void B2bua::OnReferTargetFound(Call* call, LegId from, ServerTransaction& transaction,
                               const Message& request, const Packet& packet, uint16_t refusal,
                               const ReplacedDialog& replaced, Instant now) {
  TransferTarget target;
  if (refusal == 0) refusal = ReadTransferTarget(request, &target);
  if (refusal != 0) return Answer(transaction, request, refusal, now);
  PassRefer(call, from, transaction, request, packet, target, &replaced, now);
}

// 0, or the code that refuses the REFER.
uint16_t B2bua::JudgeReferTo(const Call& call, LegId from, const Message& request,
                             TransferTarget* target) {
  if (const uint16_t refusal = ReadTransferTarget(request, target)) return refusal;
  if (call.leg(Other(from)).side != Side::kTrunk) return 0;
  return JudgeNewTarget(call, request, target->user);
}

void B2bua::PassRefer(Call* call, LegId from, ServerTransaction& transaction,
                      const Message& request, const Packet& packet, const TransferTarget& target,
                      const ReplacedDialog* replaced, Instant now) {
  char bytes[kReferToMax];
  TextWriter refer_to({bytes, sizeof(bytes)});
  WriteReferTo(*call, Other(from), target, replaced, &refer_to);
  if (!refer_to.ok()) return Answer(transaction, request, 513, now);
  (void)PassRequest(call, from, call->bridged(), transaction, request, packet, now,
                    refer_to.text());
}

// What a NOTIFY is about. A REFER is named by its CSeq, which each leg has its own of (RFC 3515
// §2.4.6); of one that is not known any more nothing better can be said.
void B2bua::WriteEvent(const Call& call, LegId to, const Message& request, MessageWriter* out) {
  const auto value = request.Find(HeaderId::kEvent);
  core::sip::Event event;
  if (!value.has_value() || IsSmuggling(*value) ||
      core::sip::ParseEvent(*value, &event) != ParseError::kOk) {
    return;
  }
  const auto id = event.parameters.Find("id");
  uint32_t told = 0;
  uint32_t asked = 0;
  if (core::EqualsIgnoreCase(event.package, "refer") && id.has_value() &&
      core::sip::ParseNumber(*id, &told) == ParseError::kOk) {
    asked = call.ReferOf(to, told);
  }
  if (asked == 0) {
    out->Header(HeaderId::kEvent, *value);
    return;
  }
  char number[16];
  TextWriter text({number, sizeof(number)});
  text.AppendNumber(asked);
  out->Header(HeaderId::kEvent, {"refer;id=", text.text()});
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
  return refusal->status_code;
}

}  // namespace sbc
