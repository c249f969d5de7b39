#include "sbc/orphan_answers.h"

#include "sbc/policy.h"
#include "sbc/transaction_mark.h"

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
using Branch = core::BoundedText<core::sip::IdentifierMint::kBranchSize>;
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

core::Endpoint::Text OrphanAnswers::SentByOf(const core::sip::Hop& hop) const {
  const core::transport::Listener* listener = options_.transport->FindListener(hop.socket);
  return (listener == nullptr ? hop.local : listener->advertised).text();
}

Packet OrphanAnswers::Write(const Dialog& dialog, const ClientTransaction& invite, Method method,
                            uint32_t sequence, std::string_view branch) {
  const core::Endpoint::Text sent_by = SentByOf(invite.hop());
  return options_.builder->Build([&](MessageWriter* out) {
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

bool OrphanAnswers::Ack(const ClientTransaction& invite, const Message& response, Dialog* dialog) {
  core::sip::CSeqValue cseq;
  if (dialog->FromResponse(response, false, options_.store) != Dialog::Result::kOk ||
      response.CSeq(&cseq) != ParseError::kOk) {
    return false;  // The store is dry, and it comes again; or nothing is there that could be ended.
  }
  Branch branch;
  options_.mint->MintBranch(options_.shard, &branch);
  if (Packet ack = Write(*dialog, invite, Method::kAck, cseq.sequence_number, branch.view())) {
    options_.table->SendStateless(std::move(ack), invite.hop());
  }
  return true;
}

// What is needed to end it stands in the response itself.
void OrphanAnswers::OnAnswer(const ClientTransaction& invite, const Message& response,
                             uint16_t connector, Instant now) {
  Dialog dialog;
  if (!Ack(invite, response, &dialog)) return;
  const uint64_t key = KeyOf(invite, dialog.remote_tag());
  if (said_bye_[key % kDialogs] == key) return;
  Branch branch;
  options_.mint->MintBranch(options_.shard, &branch);
  // PRACKs and UPDATEs may have used the next numbers; a gap is legal (§12.2.2), a step back is
  // not.
  constexpr uint32_t kPastAnyOther = 1000;
  core::sip::CSeqValue cseq;
  (void)response.CSeq(&cseq);  // It was read a moment ago.
  core::sip::TransactionTable::Request request;
  request.packet =
      Write(dialog, invite, Method::kBye, cseq.sequence_number + kPastAnyOther, branch.view());
  if (!request.packet) return;
  request.hop = invite.hop();
  request.method = Method::kBye;
  request.branch = branch.view();
  request.user = TransactionMark::OfOrphan(Kind::kOrphanBye, connector).bits();
  request.urgent = true;
  if (options_.table->SendRequest(std::move(request), now) == nullptr) return;
  ++ended_;
  said_bye_[key % kDialogs] = key;
}

// A trunk that asks who we are would keep its side of the call. It is told, once; by the newest
// configuration, for the call's own is gone with it.
void OrphanAnswers::OnByeResponse(const ClientTransaction& bye, const Message& response,
                                  Instant now) {
  TransactionMark mark = TransactionMark::From(bye.user());
  const bool asks = response.status_code() == 401 || response.status_code() == 407;
  if (!asks || mark.detail != 0) return;
  const Connector* connector = options_.host->policy()->FindConnectorByNumber(mark.connector());
  Message request;
  core::sip::CSeqValue cseq;
  if (connector == nullptr || !connector->config->credentials.has_value() ||
      request.Index(bye.request()) != ParseError::kOk || request.CSeq(&cseq) != ParseError::kOk) {
    return;
  }
  const Credential& secret = *connector->config->credentials;
  LegCredentials once;
  if (!options_.credentials->TakeChallenge(secret, response, HasCredentials(request), &once)) {
    return;
  }
  const core::Endpoint::Text sent_by = SentByOf(bye.hop());
  Branch branch;
  options_.mint->MintBranch(options_.shard, &branch);
  core::sip::TransactionTable::Request again;
  again.packet = options_.builder->Build([&](MessageWriter* out) {
    options_.credentials->WriteAgain(
        request,
        {.sent_by = sent_by.view(), .branch = branch.view(), .sequence = cseq.sequence_number + 1},
        secret, &once, out);
  });
  if (!again.packet) return;
  mark.detail = 1;
  again.hop = bye.hop();
  again.method = Method::kBye;
  again.branch = branch.view();
  again.user = mark.bits();
  again.urgent = true;
  (void)options_.table->SendRequest(std::move(again), now);  // Dry: its session timer is left.
}

}  // namespace sbc
