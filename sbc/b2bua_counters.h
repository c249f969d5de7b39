#pragma once

#include <cstdint>

#include "sbc/rejection.h"

namespace sbc {

/// What happened to calls here; plain integers of one worker, published as they are.
struct B2buaCounters {
  uint64_t invites = 0;        // New ones, retransmissions not counted.
  uint64_t calls_started = 0;  // Past every refusal.
  uint64_t calls_answered = 0;
  uint64_t calls_ended = 0;
  uint64_t refused[kRejectionCauseCount] = {};
  uint64_t emergency_calls = 0;
  uint64_t failovers = 0;  // A further attempt after the first.
  uint64_t attempts = 0;
  uint64_t orphan_answers = 0;     // 2xx that no call wanted: ACKed and BYEd.
  uint64_t glare = 0;              // 491 and 500 for a second INVITE.
  uint64_t invites_timed_out = 0;  // Inside the dialog, and cancelled.
  uint64_t forks_shared = 0;       // Early dialogs that took the place of another (Forks::kMax).
  uint64_t session_refreshes = 0;
  uint64_t session_expiries = 0;
  uint64_t no_dialog = 0;       // 481.
  uint64_t method_refused = 0;  // 405.
  uint64_t loops = 0;           // 483.
  uint64_t unsupported = 0;     // 420, 415, 406.
  uint64_t challenged = 0;      // 401 to a customer.
  uint64_t sdp_refused = 0;     // Descriptions that were malformed or not acceptable.
  uint64_t media_timeouts = 0;  // Calls ended because no RTP came from a leg.
  // `dtmf: info`. Of a customer's INFOs, those that were answered 200 and those that were not;
  uint64_t digits_taken = 0;
  uint64_t digits_refused = 0;
  uint64_t digits_told = 0;    // and of the trunk's digits, those that the customer answered 2xx,
  uint64_t digits_failed = 0;  // or otherwise,
  uint64_t digits_lost = 0;    // or was not told: too many waited, or the call ended.
  uint64_t unwritable = 0;     // A message of ours that could not be written: too long, or dry.
  uint64_t off_route = 0;      // A Route that lies outside the side's reach (rule 19).
  uint64_t final_responses[7] = {};  // To callers, by class: [4] are 4xx.
};

}  // namespace sbc
