// Who we are to a trunk that asks: the connector's credentials, in the INVITE and in whatever
// follows in its dialog.

#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"

namespace sbc {

using core::Instant;
using core::sip::ClientTransaction;
using core::sip::DigestRequest;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::ParseError;
using Kind = TransactionMark::Kind;

bool B2bua::AcceptChallenge(Call* call, LegId leg, const Message& response, bool had_credentials) {
  const auto& secret = call->connector->config->credentials;
  return call->leg(leg).side == Side::kTrunk && secret.has_value() &&
         credentials_.TakeChallenge(*secret, response, had_credentials,
                                    &call->leg(leg).credentials);
}

void B2bua::WriteCredentials(Call* call, LegId leg, const DigestRequest& request,
                             MessageWriter* out) {
  LegCredentials& credentials = call->leg(leg).credentials;
  if (!credentials.challenge) return;
  credentials_.Write(*call->connector->config->credentials, request, &credentials, out);
}

bool B2bua::AnswerChallenge(Call* call, const ClientTransaction& transaction,
                            const Message& response, Instant now) {
  const TransactionMark mark = TransactionMark::From(transaction.user());
  LegId leg = static_cast<LegId>(mark.detail);
  Fork* fork = call->bridged();
  if (mark.kind == Kind::kRelay) {
    const Relay& relay = call->relays[mark.detail];
    if (relay.client != options_.table->HandleOf(transaction)) return false;
    leg = Other(relay.from);
    fork = &call->forks[relay.fork];
  } else if (mark.kind == Kind::kReinvite) {
    const InviteExchange& exchange = call->invite;
    const bool current =
        exchange.active && exchange.client == options_.table->HandleOf(transaction);
    if (!current || transaction.cancelled()) return false;
  } else if (mark.kind != Kind::kUpdate && mark.kind != Kind::kBye) {
    return false;
  }
  Message request;  // Our own words, which the transaction has until its response was heard.
  if (fork == nullptr || request.Index(transaction.request()) != ParseError::kOk) return false;
  if (!AcceptChallenge(call, leg, response, HasCredentials(request))) return false;

  const uint32_t sequence = fork->dialog(leg).NextSequence();
  core::BoundedText<core::sip::IdentifierMint::kBranchSize> branch;
  options_.mint->MintBranch(call->shard, &branch);
  core::sip::TransactionTable::Request again;
  again.packet = builder_.Build([&](MessageWriter* out) {
    credentials_.WriteAgain(request,
                            {.sent_by = call->leg(leg).face.sent_by.view(),
                             .branch = branch.view(),
                             .sequence = sequence},
                            *call->connector->config->credentials, &call->leg(leg).credentials,
                            out);
  });
  if (!again.packet) return false;
  again.hop = transaction.hop();
  again.method = transaction.method();
  again.branch = branch.view();
  again.user = transaction.user();
  again.urgent = true;
  again.has_credentials = true;
  const ClientTransaction* sent = options_.table->SendRequest(std::move(again), now);
  if (sent == nullptr) return false;
  if (mark.kind == Kind::kRelay) {
    Relay& relay = call->relays[mark.detail];
    relay.client = options_.table->HandleOf(*sent);
    if (relay.method == core::sip::Method::kRefer) {
      call->KeepRefer({relay.from, relay.from_sequence, sequence});
    }
  } else if (mark.kind == Kind::kReinvite) {
    call->invite.client = options_.table->HandleOf(*sent);
    call->invite.to_sequence = sequence;
  }
  return true;
}

}  // namespace sbc
