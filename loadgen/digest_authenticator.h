#pragma once

#include "loadgen/call.h"
#include "loadgen/render_context.h"
#include "loadgen/scenario_player.h"

namespace loadgen {

/// Answers the challenge that a call holds (RFC 3261 §22): 401's by Authorization, 407's by
/// Proxy-Authorization, each use with the next nonce count.
///
/// As SIPp does it, the digest's uri is the remote address (or -auth_uri), whatever the
/// Request-URI, and auth-int is taken where it is offered.
///
/// Lifetime: of one rendering.
class DigestAuthenticator final : public Authenticator {
 public:
  DigestAuthenticator(const PlayerEnvironment& environment, Call* call)
      : environment_(environment), call_(call) {}
  void WriteHeader(const Request& request, core::sip::TextWriter* out) override;

 private:
  const PlayerEnvironment& environment_;
  Call* call_;
};

}  // namespace loadgen
