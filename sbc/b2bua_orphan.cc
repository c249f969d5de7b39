// Which answers no call wants, as far as calls know: what then becomes of them is OrphanAnswers'.

#include "sbc/b2bua.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::ClientTransaction;
using core::sip::Message;
using core::sip::ParseError;
using Kind = TransactionMark::Kind;

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

// A live call's transaction keeps its mark, as another early dialog of the INVITE may be wanted.
void B2bua::OnOrphanAnswer(ClientTransaction& transaction, const Message& response, Call* live,
                           Instant now) {
  const TransactionMark mark = TransactionMark::From(transaction.user());
  const uint16_t connector = live != nullptr              ? TrunkOf(*live)
                             : mark.kind == Kind::kOrphan ? mark.connector()
                                                          : TransactionMark::kNobody;
  orphans_.OnAnswer(transaction, response, connector, now);
}

}  // namespace sbc
