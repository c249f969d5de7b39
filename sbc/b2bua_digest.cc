// Who we are to a trunk that asks (RFC 3261 §22.2, RFC 8760): the connector's credentials, in the
// INVITE and in whatever follows in its dialog.

#include "sbc/b2bua.h"
#include "sbc/b2bua_build.h"

namespace sbc {

using core::Instant;
using core::Packet;
using core::sip::ClientTransaction;
using core::sip::DigestChallenge;
using core::sip::DigestRequest;
using core::sip::HeaderField;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::ParseError;
using core::sip::TextWriter;
using Kind = TransactionMark::Kind;

namespace {

constexpr size_t kCredentialsMax = 1024;

HeaderId FieldOf(const LegCredentials& credentials) {
  return credentials.proxy ? HeaderId::kProxyAuthorization : HeaderId::kAuthorization;
}

// auth-int alone is none that we answer: it covers the body, which is written after the
// credentials.
bool CanAnswer(const DigestChallenge& challenge, const Credential& secret) {
  if (challenge.has_qop && !challenge.qop_auth) return false;
  char bytes[kCredentialsMax];
  TextWriter value({bytes, sizeof(bytes)});
  return core::sip::WriteDigestCredentials(
      challenge, {.username = secret.username, .password = secret.password},
      {.method = "INVITE", .uri = "sip:x", .body = {}}, {.count = 1, .cnonce = "x"}, &value);
}

}  // namespace

bool B2bua::AcceptChallenge(Call* call, LegId leg, const Message& response, bool had_credentials) {
  const auto& secret = call->connector->config->credentials;
  return call->leg(leg).side == Side::kTrunk && secret.has_value() &&
         TakeChallenge(*secret, response, had_credentials, &call->leg(leg).credentials);
}

bool B2bua::TakeChallenge(const Credential& secret, const Message& response, bool had_credentials,
                          LegCredentials* credentials) {
  if (credentials->challenges == LegCredentials::kChallengesMax) return false;
  const bool proxy = response.status_code() == 407;
  const HeaderId field = proxy ? HeaderId::kProxyAuthenticate : HeaderId::kWwwAuthenticate;
  for (size_t i = response.FirstIndex(field); i != Message::kNone; i = response.NextIndex(i)) {
    DigestChallenge challenge;
    const std::string_view value = response.header(i).value;
    if (core::sip::ParseDigestChallenge(value, &challenge) != ParseError::kOk) continue;
    if (!CanAnswer(challenge, secret)) continue;
    // The first that we know: a server lists them by preference (RFC 8760 §2.4). Asked again
    // after an answer, it was the wrong one, unless only the nonce had grown old.
    if (had_credentials && !challenge.stale) return false;
    Packet kept = options_.store->Copy(value);
    if (!kept) return false;
    credentials->challenge = std::move(kept);
    credentials->proxy = proxy;
    credentials->uses = 0;
    ++credentials->challenges;
    return true;
  }
  return false;
}

void B2bua::WriteCredentials(Call* call, LegId leg, const DigestRequest& request,
                             MessageWriter* out) {
  LegCredentials& credentials = call->leg(leg).credentials;
  if (!credentials.challenge) return;
  WriteCredentials(*call->connector->config->credentials, request, &credentials, out);
}

void B2bua::WriteCredentials(const Credential& secret, const DigestRequest& request,
                             LegCredentials* credentials, MessageWriter* out) {
  DigestChallenge challenge;
  if (core::sip::ParseDigestChallenge(credentials->challenge.text(), &challenge) !=
      ParseError::kOk) {
    return;
  }
  Tag cnonce;
  options_.mint->MintTag(options_.shard, &cnonce);
  char bytes[kCredentialsMax];
  TextWriter value({bytes, sizeof(bytes)});
  // Without them, where they are too long, the peer asks again and has its refusal.
  if (!core::sip::WriteDigestCredentials(
          challenge, {.username = secret.username, .password = secret.password}, request,
          {.count = ++credentials->uses, .cnonce = cnonce.view()}, &value)) {
    return;
  }
  out->Header(FieldOf(*credentials), value.text());
  if (request.method == "INVITE") credentials->of_invite = options_.store->Copy(value.text());
}

// §13.2.2.4: "The ACK MUST contain the same credentials as the INVITE."
void B2bua::WriteAckCredentials(const CallLeg& leg, MessageWriter* out) const {
  const LegCredentials& credentials = leg.credentials;
  if (credentials.of_invite) out->Header(FieldOf(credentials), credentials.of_invite.text());
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
  again.packet = WriteAgain(request,
                            {.sent_by = call->leg(leg).face.sent_by.view(),
                             .branch = branch.view(),
                             .sequence = sequence},
                            *call->connector->config->credentials, &call->leg(leg).credentials);
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

Packet B2bua::WriteAgain(const Message& request, const Again& again, const Credential& secret,
                         LegCredentials* credentials) {
  return Build([&](MessageWriter* out) {
    out->RequestLine(request.method_text(), request.request_uri());
    for (size_t i = 0; i < request.header_count(); ++i) {
      const HeaderField field = request.header(i);
      switch (field.id) {
        case HeaderId::kVia:
          out->Header(field.id,
                      {"SIP/2.0/UDP ", again.sent_by, ";branch=", again.branch, ";rport"});
          break;
        case HeaderId::kCSeq:
          out->BeginHeader(field.id);
          out->value()->AppendNumber(again.sequence);
          out->value()->Append(' ');
          out->value()->Append(request.method_text());
          out->EndHeader();
          break;
        case HeaderId::kAuthorization:
        case HeaderId::kProxyAuthorization:
        case HeaderId::kContentType:    // Written with the body.
        case HeaderId::kContentLength:  // So is this.
          break;
        case HeaderId::kUnknown:
          out->RawHeader(field.name, field.value);
          break;
        default:
          out->Echo(field.id, field.value);
      }
    }
    WriteCredentials(secret,
                     {.method = request.method_text(), .uri = request.request_uri(), .body = {}},
                     credentials, out);
    CopyBody(request, out);
  });
}

}  // namespace sbc
