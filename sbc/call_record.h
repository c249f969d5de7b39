#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/bounded_text.h"
#include "core/base/instant.h"
#include "sbc/config.h"
#include "sbc/media/media_summary.h"
#include "sbc/router.h"

namespace sbc {

enum class CallDirection : uint8_t {
  kTermination,  // Customer to trunk: AWS's word for an outbound call.
  kOrigination,  // Trunk to customer: an inbound call.
};

/// Who or what ended a call.
enum class CallEnd : uint8_t {
  kRefused,   // By us, before a route was tried: `cause` says why.
  kFailed,    // No route answered with a 2xx: `status_code` is what the caller was told.
  kCanceled,  // The caller gave up.
  kCallerHungUp,
  kCalleeHungUp,
  kSessionExpired,  // RFC 4028: nobody refreshed.
  kNoAck,           // The caller never acknowledged the 2xx.
  kPeerLost,        // 481 or 408 to a request inside the dialog.
  kUnusableSdp,     // An offer in a 2xx or an answer in an ACK that cannot be: nobody can be told.
  kMediaTimeout,    // No RTP came from a leg of which it was expected.
  kStopped,         // By us, at the end of a drain or at a stop.
};
inline constexpr size_t kCallEndCount = static_cast<size_t>(CallEnd::kStopped) + 1;

/// What a call keeps for its record while it lives, beside what it has anyway.
///
/// Shape: plain bytes. Text that is longer is cut: records are for people and for bills, and
/// neither is helped by a 500-byte number.
struct CallFacts {
  CallDirection direction = CallDirection::kTermination;
  bool emergency = false;
  uint16_t connector = UINT16_MAX;  // HostRegistry's number of it; UINT16_MAX: none was found.
  core::WallTime started;           // The INVITE came.
  core::WallTime ringing;           // Zero where it never did.
  core::WallTime answered;          // Zero where it never was.
  core::Duration setup{};           // INVITE received to 2xx sent, by the monotonic clock.
  uint64_t transaction_id[2] = {};  // Our UUID of the call: AWS's TransactionId.
  core::BoundedText<32> caller;     // As the caller said it: the CDR keeps the original (rule 17).
  core::BoundedText<32> caller_sent;  // As the other side saw it.
  core::BoundedText<40> called;
};

/// What is known of a call at its end: one record a call, made when it ends and written by the
/// control thread as one log line and one CDR.
///
/// Shape: plain bytes, so that it crosses a mailbox by copy.
struct CallRecord : CallFacts {
  CallEnd end = CallEnd::kRefused;
  std::optional<RejectionCause> cause;  // Why it was refused, if it was.
  uint16_t status_code = 0;             // The final answer to the caller; 200 for an answered call.
  core::WallTime ended;                 // Of a call that goes on: when this was said.
  core::BoundedText<ConnectorConfig::kIdMax> connector_id;  // Whole, as it finds the rest.
  core::BoundedText<54> source;                             // Where the INVITE came from.
  core::BoundedText<128> caller_call_id;                    // The leg that called us.
  core::BoundedText<128> callee_call_id;                    // The leg that we made.
  core::BoundedText<120> detail;  // Of a refusal: which value met which setting.
  RouteTrace routes;              // Each routing decision and its reason, in order.
};

/// A call as it crosses to the control thread: at its end, and once a minute while it talks.
///
/// Shape: plain bytes. Without media only `call` crosses, as it stands first.
struct CallReport {
  CallRecord call;
  CallMedia media;

  const MediaLegSummary& leg(Side side) const {
    const bool customer_calls = call.direction == CallDirection::kTermination;
    return media.leg((side == Side::kCustomer) == customer_calls ? LegId::kCaller : LegId::kCallee);
  }
};

}  // namespace sbc
