#include "loadgen/digest_authenticator.h"

#include "core/sip/digest.h"

namespace loadgen {
namespace {

constexpr size_t kUriMax = 512;

}  // namespace

void DigestAuthenticator::WriteHeader(const Request& request, core::sip::TextWriter* out) {
  using core::sip::TextWriter;
  if (!call_->challenge) return;
  core::sip::DigestChallenge challenge;
  if (core::sip::ParseDigestChallenge(call_->challenge.text(), &challenge) !=
      core::sip::ParseError::kOk) {
    environment_.trace->Warn({"Call-Id: ", call_->call_id(), ", a challenge that is no Digest: "},
                             call_->challenge.text());
    return;
  }
  if (challenge.qop_auth_int) challenge.qop_auth = false;
  char uri_memory[kUriMax];
  TextWriter uri(uri_memory);
  uri.Append("sip:");
  const Options& options = *environment_.options;
  if (options.auth_uri.empty()) {
    uri.Append(environment_.run->remote_ip);
    uri.Append(':');
    uri.AppendNumber(environment_.run->remote_port);
  } else {
    uri.Append(options.auth_uri);
  }
  char cnonce_memory[16];
  for (size_t i = 0; i < sizeof(cnonce_memory); ++i) {
    cnonce_memory[i] = "0123456789abcdef"[environment_.random->Below(16)];
  }
  out->Append(call_->challenged_by_proxy ? "Proxy-Authorization: " : "Authorization: ");
  const bool written = core::sip::WriteDigestCredentials(
      challenge, {.username = request.username, .password = request.password},
      {.method = request.method, .uri = uri.text(), .body = request.body},
      {.count = ++call_->nonce_count, .cnonce = {cnonce_memory, sizeof(cnonce_memory)}}, out);
  if (!written) out->Fail();
}

}  // namespace loadgen
