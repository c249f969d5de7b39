#pragma once

#include <cstdint>
#include <string_view>

#include "core/sip/parameters.h"
#include "core/sip/parse_error.h"

namespace core::sip {

/// delta-seconds: a number below 2^32 and nothing else (Expires, Min-SE, Max-Forwards,
/// Content-Length).
ParseError ParseNumber(std::string_view value, uint32_t* number);

/// Session-Expires = delta-seconds *( SEMI se-params )                    RFC 4028 §4
struct SessionExpires {
  enum class Refresher : uint8_t { kNone, kUac, kUas };
  uint32_t seconds = 0;
  Refresher refresher = Refresher::kNone;
};
ParseError ParseSessionExpires(std::string_view value, SessionExpires* session_expires);

/// Retry-After = delta-seconds [ comment ] *( SEMI retry-param )          RFC 3261 §20.33
struct RetryAfter {
  uint32_t seconds = 0;
  uint32_t duration = 0;  // 0: not said.
};
ParseError ParseRetryAfter(std::string_view value, RetryAfter* retry_after);

/// Replaces = callid *( SEMI replaces-param )                             RFC 3891 §6.1
struct Replaces {
  std::string_view call_id;
  std::string_view to_tag;
  std::string_view from_tag;
  bool early_only = false;
};
ParseError ParseReplaces(std::string_view value, Replaces* replaces);

/// Reason = protocol *( SEMI reason-params ), one value of the list       RFC 3326 §2
struct Reason {
  std::string_view protocol;
  uint32_t cause = 0;     // 0: not said.
  std::string_view text;  // Without its quotes, still escaped.
};
ParseError ParseReason(std::string_view value, Reason* reason);

/// warning-value = warn-code SP warn-agent SP warn-text                   RFC 3261 §20.43
struct Warning {
  uint16_t code = 0;  // Three digits.
  std::string_view agent;
  std::string_view text;  // Without its quotes, still escaped.
};
ParseError ParseWarning(std::string_view value, Warning* warning);

/// Event = event-type *( SEMI event-param )                               RFC 6665 §8.4
struct Event {
  std::string_view package;  // With its templates: `presence.winfo`.
  Parameters parameters;
};
ParseError ParseEvent(std::string_view value, Event* event);

/// media-type = m-type SLASH m-subtype *( SEMI m-parameter ): Content-Type, one value of Accept.
struct MediaType {
  std::string_view type;
  std::string_view subtype;
  Parameters parameters;
};
ParseError ParseMediaType(std::string_view value, MediaType* media_type);

}  // namespace core::sip
