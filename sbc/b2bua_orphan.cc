// Answers that no call wants: another early dialog's, an abandoned route's, one that crossed our
// CANCEL. Each is acknowledged and ended, with or without its call (rules 7 and 14).

#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::ClientTransaction;
using core::sip::Dialog;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::Method;
using core::sip::ParseError;

// Answers that waited for a PRACK and will not be passed on: the callee was told nothing, or an ACK
// only.
void B2bua::DropHeldAnswers(Call* call, Call* live, Instant now) {
  for (uint8_t i = 0; i < call->fork_count; ++i) {
    const Packet held = std::move(call->forks[i].held_answer);
    ClientTransaction* transaction = options_.table->Find(call->attempt.client);
    Message answer;
    if (held && transaction != nullptr && answer.Index(held.text()) == ParseError::kOk) {
      OnOrphanAnswer(*transaction, answer, live, now);
    }
  }
}

// A 2xx that no call wants: another fork's, an abandoned route's, one that crossed our CANCEL. What
// is needed to end it stands in the response itself (RFC 3261 §13.2.2.4).
void B2bua::OnOrphanAnswer(ClientTransaction& transaction, const Message& response, Call* live,
                           Instant now) {
  Dialog dialog;
  core::sip::CSeqValue cseq;
  if (dialog.FromResponse(response, false, options_.store) != Dialog::Result::kOk ||
      response.CSeq(&cseq) != ParseError::kOk) {
    return;  // The store is dry, and it comes again; or it makes no dialog, and nothing is there.
  }
  const core::Endpoint::Text sent_by = [&] {
    const core::transport::Listener* listener =
        options_.transport->FindListener(transaction.hop().socket);
    return (listener == nullptr ? transaction.hop().local : listener->advertised).text();
  }();
  const auto write = [&](Method method, uint32_t sequence, std::string_view branch) {
    return Build([&](MessageWriter* out) {
      Dialog::RequestHead head;
      head.method = method;
      head.sent_by = sent_by.view();
      head.branch = branch;
      head.sequence_number = sequence;
      dialog.WriteRequestHead(head, out);
      out->NoBody();
    });
  };
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  options_.mint->MintBranch(options_.shard, &branch);
  if (Packet ack = write(Method::kAck, cseq.sequence_number, branch.view())) {
    options_.table->SendStateless(std::move(ack), transaction.hop());
  }
  // One BYE for each To tag; a repeat of the 2xx needs its ACK only. A live call's transaction must
  // keep its mark, so the call remembers.
  TransactionMark mark;
  mark.kind = TransactionMark::Kind::kOrphan;
  mark.call.index = static_cast<uint32_t>(TagHash(ToTag(response)) % TransactionMark::kCallsMax);
  mark.call.generation = 1;
  if (live != nullptr ? live->orphan_tag == mark.call.index : transaction.user() == mark.bits()) {
    return;
  }
  options_.mint->MintBranch(options_.shard, &branch);
  // PRACKs and UPDATEs may have used the next numbers; a gap is legal (§12.2.2), a step back is
  // not.
  constexpr uint32_t kPastAnyOther = 1000;
  Packet bye = write(Method::kBye, cseq.sequence_number + kPastAnyOther, branch.view());
  if (!bye) return;
  core::sip::TransactionTable::Request request;
  request.packet = std::move(bye);
  request.hop = transaction.hop();
  request.method = Method::kBye;
  request.branch = branch.view();
  request.urgent = true;
  if (options_.table->SendRequest(std::move(request), now) == nullptr) return;
  ++counters_.orphan_answers;
  if (live != nullptr) {
    live->orphan_tag = mark.call.index;
  } else {
    transaction.set_user(mark.bits());
  }
}

}  // namespace sbc
