#pragma once

#include <cstdint>
#include <string_view>

#include "core/buffer/packet.h"
#include "core/sip/hop.h"
#include "core/sip/state_table.h"
#include "core/sip/transaction_context.h"
#include "core/sip/transaction_key.h"

namespace core::sip {

/// One request of a peer and our responses to it (RFC 3261 §17.2; for INVITE with RFC 6026 §7.1).
///
/// Shape:    any branch, Call-ID and tag; what is too long for the object itself lies in a Packet
///           of the store.
/// Lifetime: lives in its TransactionTable's pool from the request until its last timer; hold a
///           Handle across time. Keeps its last response for as long as it may be asked for, and
///           the request, if the user wants it (KeepRequest), until the final response.
/// Resends:  all that RFC 3261 asks for, our 2xx included (§13.3.1.4: from t1, doubling up to t2,
///           until Acknowledged() or timer L).
/// Errors:   a response that the network does not deliver changes nothing (RFC 6026 §7.1): the peer
///           sends again, or timer H or L tells.
/// Thread:   one worker's.
class ServerTransaction {
 public:
  enum class State : uint8_t {
    kTrying,  // Not for INVITE.
    kProceeding,
    kAccepted,      // INVITE only (RFC 6026): our 2xx is sent again and again.
    kAcknowledged,  // INVITE only: Accepted, and the user has seen the ACK of our 2xx.
    kCompleted,
    kConfirmed,  // INVITE only.
    kTerminated,
  };
  static constexpr size_t kStates = 7;

  enum class Event : uint8_t {
    kRepeat,      // The request again.
    kAck,         // INVITE only: with the branch of the INVITE, so for a 300-699.
    kUserSawAck,  // INVITE only: the user has seen the ACK of its 2xx.
    kRespond1xx,
    kRespond2xx,       // INVITE only.
    kRespond300To699,  // INVITE only.
    kRespond200To699,  // Others only.
    kTimerG,
    kTimerH,
    kTimerI,
    kTimerJ,
    kTimerL,
    kDrop,  // The user wants silence.
  };
  static constexpr size_t kEvents = 13;

  /// What a step does, in the order in which it is done. To free is the last, in kTerminated.
  enum Action : uint32_t {
    kNothing = 0,
    kStopG = 1 << 0,
    kSend = 1 << 1,    // The new response, which is kept in place of the last.
    kResend = 1 << 2,  // The last response again, if there was one.
    kArmG = 1 << 3,    // Doubles up to t2. Not over a reliable transport, unless for a 2xx.
    kArmH = 1 << 4,
    kArmI = 1 << 5,
    kArmJ = 1 << 6,
    kArmL = 1 << 7,
    kDropRequest = 1 << 8,
    kDropResponse = 1 << 9,  // Nothing will ask for it any more.
    kReportUnacknowledged = 1 << 10,
  };
  using Table = StateTable<State, kStates, Event, kEvents>;
  /// The machine itself, for the test that walks every pair.
  static const Table& Machine(bool is_invite);

  ServerTransaction(TransactionContext* context, const Hop& return_path, const Endpoint& source,
                    KeptTransactionKey key);
  ServerTransaction(const ServerTransaction&) = delete;
  ServerTransaction& operator=(const ServerTransaction&) = delete;

  State state() const { return state_; }
  Method method() const { return key_.method(); }
  bool is_invite() const { return method() == Method::kInvite; }
  /// Where responses go (RFC 3261 §18.2.2, RFC 3581).
  const Hop& return_path() const { return return_path_; }
  /// 0 until a final response was given.
  uint16_t final_status() const { return final_status_; }
  /// The request, if the user had it kept; empty otherwise, and after the final response.
  std::string_view request() const { return request_ ? request_.text() : std::string_view(); }
  /// The To tag of our last response to it; empty where there was none, or it had none.
  std::string_view to_tag() const;
  /// Where the request came from, for WriteResponseHead().
  const Endpoint& source() const { return source_; }

  /// The user's own mark: usually the bits of a Handle. The table does not look at it.
  uint64_t user() const { return user_; }
  void set_user(uint64_t user) { user_ = user; }

 private:
  friend class TransactionTable;

  bool Respond(Packet response, uint16_t status_code, Instant now);
  void On(Event event, Instant now, Packet* response = nullptr);
  void Arm(uint32_t actions, Instant now);
  void ArmDeadline(Event event, Duration delay, Instant now);
  static void FireResend(void* self, Timer* timer, Instant now);
  static void FireDeadline(void* self, Timer* timer, Instant now);

  TransactionContext* context_;
  Timer resend_timer_;    // G.
  Timer deadline_timer_;  // H, I, J or L: `deadline_` says which.
  Duration interval_{};   // Of the resend timer.
  Packet response_;       // The last one.
  Packet request_;
  Hop return_path_;
  Endpoint source_;
  uint64_t user_ = 0;
  uint64_t hash_ = 0;  // Where the table keeps it.
  uint64_t merge_hash_ = 0;
  State state_;
  Event deadline_ = Event::kTimerH;
  uint16_t final_status_ = 0;
  KeptTransactionKey key_;
};

}  // namespace core::sip
