#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/instant.h"
#include "core/sip/message.h"
#include "core/sip/text_writer.h"
#include "loadgen/variables.h"

namespace loadgen {

/// What `[authentication]` expands to needs the challenge that the call holds: the player has it.
///
/// Thread: one worker's.
class Authenticator {
 public:
  struct Request {
    std::string_view username;  // Of the keyword, or -au's, or -s's.
    std::string_view password;
    std::string_view method;
    std::string_view body;  // Of the message as rendered so far, for qop auth-int.
  };
  virtual ~Authenticator() = default;
  /// Appends the whole header field, name included and without its line end; nothing where the
  /// call was not challenged.
  virtual void WriteHeader(const Request& request, core::sip::TextWriter* out) = 0;
};

/// What keywords expand to that is the same in each call. Addresses are as they are to be printed:
/// IPv6 in its brackets, but for media_ip, which SDP has without (RFC 8866 §5.7).
///
/// Lifetime: borrows from the options and the listener.
struct RunValues {
  std::string_view remote_ip;
  std::string_view remote_host;
  std::string_view transport = "UDP";
  std::string_view local_ip;
  std::string_view server_ip;
  std::string_view media_ip;
  std::string_view service = "service";
  std::string_view auth_username = "service";
  std::string_view auth_password = "password";
  std::string_view version;
  uint16_t remote_port = 5060;
  uint16_t local_port = 5060;
  uint16_t media_port = 6000;
  bool local_ip_is_v6 = false;
  bool media_ip_is_v6 = false;
  uint32_t pid = 0;
  int64_t users = -1;        // As SIPp prints it without -users.
  int32_t utc_offset_s = 0;  // Of [timestamp], which is local time.
};

/// All that a message is rendered from. The player fills one for each send.
///
/// Lifetime: borrows everything, for the one call of Render().
struct RenderContext {
  const RunValues* run = nullptr;
  uint64_t call_number = 1;
  std::string_view call_id;
  uint32_t cseq = 1;
  uint32_t step_index = 0;  // [msg_index], and the last part of [branch].
  int64_t user_id = 0;
  uint16_t media_port = 0;          // The call's own; 0: it has none.
  std::string_view next_url;        // The remote target, without brackets (RFC 3261 §12.1.2).
  std::string_view routes;          // The route set, as the value of one Route field.
  std::string_view peer_tag_param;  // ";tag=x", or nothing before there is one.
  const core::sip::Message* last = nullptr;  // The last message of the call that was received.
  std::array<const VariableStore*, kVariableScopeCount> variables{};
  std::span<const uint32_t> injection_lines;  // For each -inf file the line of this call.
  Authenticator* authenticator = nullptr;
  core::WallTime wall;
  uint64_t clock_tick_ms = 0;  // Since the start of the run.
};

}  // namespace loadgen
