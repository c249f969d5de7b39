// Answers that no call wants: another early dialog's, an abandoned route's, one that crossed our
// CANCEL. Each is acknowledged and ended, with or without its call (rules 7 and 14).

#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::ClientTransaction;
using core::sip::Dialog;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::Method;
using core::sip::ParseError;
using Kind = TransactionMark::Kind;

namespace {

// Those that our INVITE had, which its transaction keeps where it had any.
void CopyCredentials(std::string_view invite, MessageWriter* out) {
  Message request;
  if (invite.empty() || request.Index(invite) != ParseError::kOk) return;
  for (const HeaderId field : {HeaderId::kAuthorization, HeaderId::kProxyAuthorization}) {
    if (const auto value = request.Find(field)) out->Header(field, *value);
  }
}

}  // namespace

// Whose credentials a challenge on the callee's leg may be answered with; a PBX is told none.
uint16_t B2bua::TrunkOf(const Call& call) {
  return call.leg(LegId::kCallee).side == Side::kTrunk ? call.connector->number
                                                       : TransactionMark::kNobody;
}

// From here on no call waits for the answer of this INVITE.
void B2bua::Disown(const Call& call, ClientTransaction* invite) {
  if (TransactionMark::From(invite->user()).kind != Kind::kInvite) return;
  invite->set_user(TransactionMark::OfOrphan(Kind::kOrphan, TrunkOf(call)).bits());
}

core::Endpoint::Text B2bua::SentByOf(const core::sip::Hop& hop) const {
  const core::transport::Listener* listener = options_.transport->FindListener(hop.socket);
  return (listener == nullptr ? hop.local : listener->advertised).text();
}

// An answer that waited for a PRACK and will not be passed on: the callee was told nothing, or an
// ACK only.
void B2bua::DropHeldAnswer(Call* call, Fork* fork, Call* live, Instant now) {
  const Packet held = std::move(fork->held_answer);
  ClientTransaction* transaction = options_.table->Find(call->attempt.client);
  Message answer;
  if (!held || transaction == nullptr || answer.Index(held.text()) != ParseError::kOk) return;
  if (live == nullptr) Disown(*call, transaction);
  OnOrphanAnswer(*transaction, answer, live, now);
}

void B2bua::DropHeldAnswers(Call* call, Call* live, Instant now) {
  for (Fork& fork : call->forks) DropHeldAnswer(call, &fork, live, now);
}

Packet B2bua::WriteOrphan(const Dialog& dialog, const ClientTransaction& invite, Method method,
                          uint32_t sequence, std::string_view branch) {
  const core::Endpoint::Text sent_by = SentByOf(invite.hop());
  return Build([&](MessageWriter* out) {
    Dialog::RequestHead head;
    head.method = method;
    head.sent_by = sent_by.view();
    head.branch = branch;
    head.sequence_number = sequence;
    dialog.WriteRequestHead(head, out);
    if (method == Method::kAck) CopyCredentials(invite.request(), out);
    out->NoBody();
  });
}

// A 2xx to a re-INVITE of ours whose call is over, and its BYE said: it is told that we have it, or
// it would come again for 32 s. The dialog as it reads from the response; false where that is none.
bool B2bua::AckOrphan(const ClientTransaction& transaction, const Message& response,
                      Dialog* dialog) {
  core::sip::CSeqValue cseq;
  if (dialog->FromResponse(response, false, options_.store) != Dialog::Result::kOk ||
      response.CSeq(&cseq) != ParseError::kOk) {
    return false;  // The store is dry, and it comes again; or nothing is there that could be ended.
  }
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  options_.mint->MintBranch(options_.shard, &branch);
  if (Packet ack =
          WriteOrphan(*dialog, transaction, Method::kAck, cseq.sequence_number, branch.view())) {
    options_.table->SendStateless(std::move(ack), transaction.hop());
  }
  return true;
}

// A 2xx that no call wants: another fork's, an abandoned route's, one that crossed our CANCEL. What
// is needed to end it stands in the response itself (RFC 3261 §13.2.2.4).
void B2bua::OnOrphanAnswer(ClientTransaction& transaction, const Message& response, Call* live,
                           Instant now) {
  Dialog dialog;
  if (!AckOrphan(transaction, response, &dialog)) return;
  const uint64_t key = DialogKey(transaction, ToTag(response));
  if (said_bye_.Has(key)) return;  // One BYE for each To tag; a repeat of the 2xx needs its ACK only.
  const TransactionMark mark = TransactionMark::From(transaction.user());
  const uint16_t connector = live != nullptr              ? TrunkOf(*live)
                             : mark.kind == Kind::kOrphan ? mark.connector()
                                                          : TransactionMark::kNobody;
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  options_.mint->MintBranch(options_.shard, &branch);
  // PRACKs and UPDATEs may have used the next numbers; a gap is legal (§12.2.2), a step back is
  // not.
  constexpr uint32_t kPastAnyOther = 1000;
  core::sip::CSeqValue cseq;
  (void)response.CSeq(&cseq);  // It was read a moment ago.
  Packet bye = WriteOrphan(dialog, transaction, Method::kBye, cseq.sequence_number + kPastAnyOther,
                           branch.view());
  if (!bye) return;
  core::sip::TransactionTable::Request request;
  request.packet = std::move(bye);
  request.hop = transaction.hop();
  request.method = Method::kBye;
  request.branch = branch.view();
  request.user = TransactionMark::OfOrphan(Kind::kOrphanBye, connector).bits();
  request.urgent = true;
  if (options_.table->SendRequest(std::move(request), now) == nullptr) return;
  ++counters_.orphan_answers;
  said_bye_.Add(key);
}

// A trunk that asks who we are would keep its side of the call. It is told, once; by the newest
// configuration, for the call's own is gone with it.
void B2bua::OnOrphanByeResponse(const ClientTransaction& transaction, const Message& response,
                                Instant now) {
  TransactionMark mark = TransactionMark::From(transaction.user());
  const bool asks = response.status_code() == 401 || response.status_code() == 407;
  if (!asks || mark.detail != 0) return;
  const Connector* connector = options_.host->policy()->FindConnectorByNumber(mark.connector());
  Message request;
  core::sip::CSeqValue cseq;
  if (connector == nullptr || !connector->config->credentials.has_value() ||
      request.Index(transaction.request()) != ParseError::kOk ||
      request.CSeq(&cseq) != ParseError::kOk) {
    return;
  }
  const Credential& secret = *connector->config->credentials;
  LegCredentials once;
  if (!TakeChallenge(secret, response, HasCredentials(request), &once)) return;
  const core::Endpoint::Text sent_by = SentByOf(transaction.hop());
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  options_.mint->MintBranch(options_.shard, &branch);
  core::sip::TransactionTable::Request again;
  again.packet = WriteAgain(
      request,
      {.sent_by = sent_by.view(), .branch = branch.view(), .sequence = cseq.sequence_number + 1},
      secret, &once);
  if (!again.packet) return;
  mark.detail = 1;
  again.hop = transaction.hop();
  again.method = Method::kBye;
  again.branch = branch.view();
  again.user = mark.bits();
  again.urgent = true;
  (void)options_.table->SendRequest(std::move(again), now);  // Dry: its session timer is left.
}

}  // namespace sbc
