#include "sbc/trunk_credentials.h"

#include "sbc/header_policy.h"

namespace sbc {

using core::sip::DigestChallenge;
using core::sip::DigestRequest;
using core::sip::HeaderField;
using core::sip::HeaderId;
using core::sip::Message;
using core::sip::MessageWriter;
using core::sip::ParseError;
using core::sip::TextWriter;

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

bool TrunkCredentials::TakeChallenge(const Credential& secret, const Message& response,
                                     bool had_credentials, LegCredentials* credentials) {
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
    core::KeptText kept = options_.store->texts()->Copy(value);
    if (!kept) return false;
    credentials->challenge = std::move(kept);
    credentials->proxy = proxy;
    credentials->uses = 0;
    ++credentials->challenges;
    return true;
  }
  return false;
}

void TrunkCredentials::Write(const Credential& secret, const DigestRequest& request,
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
  if (request.method == "INVITE")
    credentials->of_invite = options_.store->texts()->Copy(value.text());
}

void TrunkCredentials::WriteOfInvite(const LegCredentials& credentials, MessageWriter* out) {
  if (credentials.of_invite) out->Header(FieldOf(credentials), credentials.of_invite.text());
}

void TrunkCredentials::WriteAgain(const Message& request, const Again& again,
                                  const Credential& secret, LegCredentials* credentials,
                                  MessageWriter* out) {
  out->RequestLine(request.method_text(), request.request_uri());
  for (size_t i = 0; i < request.header_count(); ++i) {
    const HeaderField field = request.header(i);
    switch (field.id) {
      case HeaderId::kVia:
        out->Header(field.id, {"SIP/2.0/UDP ", again.sent_by, ";branch=", again.branch, ";rport"});
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
  Write(secret, {.method = request.method_text(), .uri = request.request_uri(), .body = {}},
        credentials, out);
  CopyBody(request, out);
}

}  // namespace sbc
