#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/state_table.h"

namespace core::sdp {

/// The messages that may carry a description (RFC 6337 §2.2, table 1).
enum class Carrier : uint8_t {
  kInvite,
  kProvisional,          // A 101-199 without 100rel: what it carries is a preview.
  kReliableProvisional,  // RFC 3262
  kInviteOk,             // The 2xx to an INVITE.
  kAck,                  // Of that 2xx.
  kPrack,
  kPrackOk,
  kUpdate,  // RFC 3311
  kUpdateOk,
};
inline constexpr size_t kCarriers = 9;

enum class Way : uint8_t { kSent, kReceived };

/// What a message means for the exchange of descriptions on its leg.
enum class [[nodiscard]] Meaning : uint8_t{
    kNothing,  // It carries none, and none was due.
    kOffer,    // Its description is an offer: keep it as pending.
    kAnswer,   // Its description answers the pending offer: both are now in force.
    kPreview,  // The answer as it may become: media may follow it, the offer stays pending.
    kIgnored,  // A description that means nothing here: a copy of the answer (RFC 3261 §13.2.1).
    // The answer, or the offer that a delayed INVITE asked for, was due in this message and is not
    // there. Its exchange is over: end the call after an INVITE's 2xx or ACK; else what was agreed
    // before stands.
    kMissing,
    kGlare,  // An offer while ours is pending: 491, and it never was (RFC 3261 §14.2, RFC 3311
             // §5.2)
    kBusy,  // An offer while theirs is pending or none may come: 500 with Retry-After, and it never
            // was. Of ours: not now.
};

/// The exchange of offers and answers on one leg, as RFC 3264 §4 draws it and RFC 6337 §2 spreads
/// it over SIP's messages.
///
/// Shape:    says what each message means; the descriptions themselves are the user's: one pending
///           and one in force for each way. A message that it refuses changes nothing.
/// Lifetime: a plain value. Each early dialog of a forked INVITE has its own: a copy of what it was
///           when the INVITE left.
/// Thread:   one worker's.
class OfferAnswer {
 public:
  enum class State : uint8_t {
    kIdle,  // Nothing agreed yet.
    kOfferSent,
    kOfferReceived,
    kStable,  // An offer and its answer are in force.
    kReofferSent,
    kReofferReceived,
  };
  static constexpr size_t kStates = 6;

  enum class Event : uint8_t { kSendOffer, kReceiveOffer, kSendAnswer, kReceiveAnswer, kFail };
  static constexpr size_t kEvents = 5;

  /// What a step does.
  enum Action : uint32_t {
    kNothing = 0,
    kKeepOffer = 1 << 0,  // Remember which message brought it.
    kForgetOffer = 1 << 1,
    kRefuseGlare = 1 << 2,
    kRefuseBusy = 1 << 3,
  };
  using Table = StateTable<State, kStates, Event, kEvents>;
  /// The machine itself, for the test that walks every pair.
  static const Table& Machine();

  /// A message of this kind went this way. Ask before sending one: what is refused must not leave.
  Meaning On(Carrier carrier, Way way, bool has_description);

  /// A request of this kind, an INVITE, a PRACK or an UPDATE, failed: a final response of 300 or
  /// more, its time-out or its CANCEL. True where an offer fell with it; what was in force before
  /// it stays so (RFC 3261 §14.1, RFC 3311 §5.2). What was agreed within a re-INVITE that then
  /// fails stays agreed (RFC 6141 §3.4).
  bool OnFailure(Carrier request, Way way);

  State state() const { return state_; }
  bool is_stable() const { return state_ == State::kStable; }
  bool has_pending() const { return state_ != State::kIdle && state_ != State::kStable; }
  /// Something is in force: a failure leaves a session behind.
  bool has_agreed() const { return state_ >= State::kStable; }
  /// An INVITE without an offer awaits ours, or theirs, in its first reliable response.
  bool is_delayed(Way invite) const { return Invite(invite) == InviteOffer::kDelayed; }

 private:
  // What the last INVITE of each way still lets its responses say.
  enum class InviteOffer : uint8_t { kDone, kDelayed };

  InviteOffer Invite(Way way) const { return invites_[static_cast<size_t>(way)]; }
  Meaning Answer(Carrier carrier, Way way, bool has_description);
  Meaning Offer(Carrier carrier, Way way);
  uint32_t Step(Event event);
  bool Awaits(Carrier carrier, Way way) const;
  bool MayOffer(Carrier carrier, Way way) const;

  State state_ = State::kIdle;
  Carrier offered_in_ = Carrier::kInvite;  // Of the pending offer.
  std::array<InviteOffer, 2> invites_{};
};

std::string_view Name(Meaning meaning);

}  // namespace core::sdp
