#pragma once

#include <array>
#include <cstdint>

#include "core/base/bounded_text.h"
#include "core/base/bounded_vector.h"
#include "core/base/instant.h"
#include "core/base/pool.h"
#include "core/buffer/packet.h"
#include "core/sip/client_transaction.h"
#include "core/sip/identifier.h"
#include "core/sip/server_transaction.h"
#include "core/time/timer_wheel.h"
#include "sbc/call_record.h"
#include "sbc/digit.h"
#include "sbc/face.h"
#include "sbc/fork.h"
#include "sbc/leg_id.h"
#include "sbc/media/media_session.h"
#include "sbc/policy.h"
#include "sbc/router.h"
#include "sbc/session_timer.h"
#include "sbc/trunk_credentials.h"

namespace sbc {

/// What a call keeps of one leg beside its dialog.
struct CallLeg {
  CallLeg(const SessionTimer::Settings& settings, core::Timer::Fire fire, void* call)
      : session(settings), session_timer(fire, call) {}

  Side side = Side::kCustomer;
  Face face;            // How we look on this leg.
  core::Endpoint peer;  // Where its signalling comes from, or was sent to (rule 19).
  SessionTimer session;
  core::Timer session_timer;
  bool allows_update = false;  // The peer's Allow named UPDATE.
  bool refreshing = false;     // A refresh of ours is under way.
  core::KeptText sdp;          // What we last sent there, for a refresh by re-INVITE.
  LegCredentials credentials;
};

/// An INVITE on its way through us: the first, a re-INVITE, or a refresh of our own. One at a time
/// in a call; another is 491, or 500 (RFC 3261 §14.2).
struct InviteExchange {
  bool active = false;
  bool own = false;           // A refresh of ours: nobody waits on the other leg.
  bool offerless = false;     // The 2xx carries the offer, so its ACK the answer.
  bool answered = false;      // The 2xx went to `from`.
  bool acknowledged = false;  // The ACK went to the other leg.
  LegId from = LegId::kCaller;
  uint32_t from_sequence = 0;  // CSeq of the INVITE that came.
  uint32_t to_sequence = 0;    // CSeq of the INVITE that we sent.
  core::Handle<core::sip::ServerTransaction> server;
  core::Handle<core::sip::ClientTransaction> client;
};

/// Another request inside the dialog on its way through us: its response goes back by it.
struct Relay {
  core::sip::Method method = core::sip::Method::kUnknown;  // kUnknown: free.
  LegId from = LegId::kCaller;
  uint8_t fork = 0;            // What comes for another early dialog says nothing of the call.
  uint32_t from_sequence = 0;  // Its CSeq as it came.
  bool offers = false;         // Its body is an offer, out until the response comes (RFC 3264 §4).
  core::Handle<core::sip::ServerTransaction> server;
  core::Handle<core::sip::ClientTransaction> client;
};

/// A REFER that went through: the same request on each leg, for the NOTIFYs that name it (RFC 3515
/// §2.4.6).
struct PassedRefer {
  LegId from = LegId::kCaller;
  uint32_t from_sequence = 0;  // Its CSeq as it came.
  uint32_t to_sequence = 0;    // And as it went on; 0: none.
};

/// The INVITE that is out at a route now.
struct Attempt {
  bool active = false;
  uint8_t serial =
      0;  // Which attempt of the call: a late answer to an earlier one is told from it.
  uint32_t sequence = 1;
  bool offered_100rel = false;
  bool with_credentials = false;  // It answers a challenge; a second one is final.
  bool raised_timer = false;      // It answers a 422.
  core::Handle<core::sip::ClientTransaction> client;
  core::sip::Hop hop;
  Tag call_id;
  Tag from_tag;
};

/// What an INVITE with Replaces takes over (RFC 3891), as the other side knows it.
struct Takeover {
  core::KeptText replaces;  // The header field's value there; empty: nothing is taken over.
  core::Endpoint peer;      // Who has it there: the only one to ask.
};

/// What a call needs only until it is answered.
///
/// Lifetime: B2bua's pool.
struct CallSetup {
  RoutePlan plan;
  Takeover takeover;
  core::BoundedText<128> caller_call_id;  // Later it is in the dialog.
};

/// One call through us: two dialogs and what goes on between them.
///
/// Shape:    at most Forks::kMax early dialogs, kRelaysMax requests on their way at once. Texts of
///           any length live in Packets of the store.
/// Lifetime: B2bua's pool, from the INVITE to both legs' end; a Handle across time.
/// Thread:   one worker's.
struct Call {
  static constexpr size_t kRelaysMax = 4;  // More get 500 with Retry-After.
  static constexpr size_t kRefersMax = 4;  // Of the last ones NOTIFYs are told apart.

  enum class State : uint8_t {
    kAsking,    // The connector's home worker has not said yet whether it may go on.
    kRouting,   // An INVITE is out, or the next is about to be.
    kAnswered,  // Our 2xx went to the caller; its ACK has not come.
    kTalking,
    kEnding,  // A BYE of ours has no answer yet; the call is recorded already.
  };

  Call(const SessionTimer::Settings& settings, core::Timer::Fire on_session_caller,
       core::Timer::Fire on_session_callee, core::Timer::Fire on_route,
       core::Timer::Fire on_reliable)
      : legs{CallLeg(settings, on_session_caller, this),
             CallLeg(settings, on_session_callee, this)},
        route_timer(on_route, this),
        reliable_timer(on_reliable, this) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  CallLeg& leg(LegId id) { return legs[Index(id)]; }
  const CallLeg& leg(LegId id) const { return legs[Index(id)]; }
  /// The dialogs that are bridged, or null while there are only early ones.
  Fork* bridged() { return bridged_fork; }
  /// Whose response the caller has yet to acknowledge in the dialog that it has for `fork`; or
  /// null.
  Fork* Unacknowledged(Fork* fork) {
    for (Fork& each : forks) {
      if (each.reliable.pending && &each.shown() == &fork->shown()) return &each;
    }
    return nullptr;
  }

  /// A fifth takes the oldest one's place.
  void KeepRefer(const PassedRefer& refer) {
    refers[next_refer] = refer;
    next_refer = static_cast<uint8_t>((next_refer + 1) % kRefersMax);
  }
  /// The CSeq with which that leg's peer sent the REFER that has `to_sequence` on the other leg; 0:
  /// not known (any more).
  uint32_t ReferOf(LegId from, uint32_t to_sequence) const {
    for (const PassedRefer& refer : refers) {
      if (refer.from == from && refer.to_sequence == to_sequence) return refer.from_sequence;
    }
    return 0;
  }

  State state = State::kAsking;
  LegId silent = LegId::kCaller;  // What ended it with CallEnd::kMediaTimeout.
  void* owner = nullptr;          // The B2bua, for the timers.
  bool emergency = false;
  bool caller_requires_100rel = false;
  bool caller_supports_100rel = false;
  bool holds_grant = false;      // Counted at the connector's home worker.
  core::Instant granted_at{};    // There.
  Fork* bridged_fork = nullptr;  // Of `forks`.
  bool bye_after_ack = false;    // RFC 3261 §15: no BYE to the caller before the ACK of our 2xx.
  core::KeptText bye_reason;     // Of that one.
  uint8_t byes_pending = 0;
  // Index of the early dialog whose descriptions are in force, the last that had any; and of the
  // one whose offer `media` has, to read answers beside.
  uint8_t sdp_fork = 0;
  uint8_t offer_fork = kOfInvite;
  static constexpr uint8_t kOfInvite = 0xff;  // The INVITE's own,
  static constexpr uint8_t kOfNone = 0xfe;    // or one that no answer is to.
  uint8_t shard = 0;
  CallDirection direction = CallDirection::kTermination;
  PolicyRef policy;
  const Connector* connector = nullptr;  // Of `policy`.
  const CustomerConfig* customer = nullptr;
  CallLeg legs[2];
  core::Timer route_timer;     // Once answered it watches the media.
  core::Timer reliable_timer;  // Once answered it bounds the INVITEs inside the dialog.
  Attempt attempt;
  InviteExchange invite;
  Forks forks;
  std::array<Relay, kRelaysMax> relays;
  std::array<PassedRefer, kRefersMax> refers;
  uint8_t next_refer = 0;  // Whose place the next one takes.
  core::Instant received_at{};
  core::Endpoint came_from;  // Its INVITE. Where the caller is now is its leg's `peer`.
  MediaSession media;
  core::BoundedVector<Digit, kDigitsWaitingMax> digits;  // The trunk's, for the customer's INFO.
  bool digit_sent = false;                               // One is under way.
  core::Instant media_told_at{};  // When its media was last told of; at first, the answer.
  CallSetup* setup = nullptr;     // Null once it is answered, where `routes` has all of the search.
  ShortTrace routes;
  CallFacts facts;

  RouteTrace trace() const { return setup == nullptr ? routes.trace() : setup->plan.trace(); }
};

/// What waits for another worker's word on the dialog that Replaces names: a call that its INVITE
/// begins, or a REFER inside one.
struct ReplacedQuestion {
  core::Handle<Call> call;
  core::Handle<core::sip::ServerTransaction> server;
  LegId from = LegId::kCaller;  // Whose peer names the dialog.
};

}  // namespace sbc
