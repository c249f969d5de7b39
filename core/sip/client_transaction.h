#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bounded_text.h"
#include "core/buffer/packet.h"
#include "core/sip/hop.h"
#include "core/sip/state_table.h"
#include "core/sip/transaction_context.h"

namespace core::sip {

/// One request of ours and the responses to it (RFC 3261 §17.1; for INVITE with RFC 6026 §7.2).
///
/// Shape:    a branch of at most kBranchMax bytes, which we made.
/// Lifetime: lives in its TransactionTable's pool from SendRequest() until its last timer; hold a
///           Handle across time. Keeps the request until the final response; then, for INVITE, only
///           the ACK: of a 300-699 (if the store has no room for that, the INVITE stays, and the
///           next repeat of the response tries again), or of a 2xx, where the user gives it one
///           (TransactionTable::SendAck). An INVITE with credentials stays until timer M, since
///           the ACK of each of its 2xx has the same (§13.2.2.4).
/// Errors:   as the user's OnFailure().
/// Thread:   one worker's.
class ClientTransaction {
 public:
  static constexpr size_t kBranchMax = 96;

  enum class State : uint8_t {
    kCalling,  // INVITE only.
    kTrying,   // Others only.
    kProceeding,
    kAccepted,  // INVITE only (RFC 6026).
    kCompleted,
    kTerminated,
  };
  static constexpr size_t kStates = 6;

  enum class Event : uint8_t {
    kTimerA,
    kTimerB,
    kTimerD,
    kTimerM,
    kTimerE,
    kTimerF,
    kTimerK,
    kSendFailed,
    k1xx,
    k2xx,         // INVITE only.
    k300To699,    // INVITE only.
    k200To699,    // Others only.
    kCancelSent,  // INVITE only: our CANCEL for it left.
  };
  static constexpr size_t kEvents = 13;

  /// What a step does, in the order in which it is done. To free is the last, in kTerminated.
  enum Action : uint32_t {
    kNothing = 0,
    kStopTimers = 1 << 0,
    kResend = 1 << 1,   // The request again.
    kSendAck = 1 << 2,  // §17.1.1.3: made at the first time, and kept.
    kArmA = 1 << 3,     // Doubles each time.
    kArmE = 1 << 4,     // Doubles up to t2.
    kArmE2 = 1 << 5,    // At t2.
    kArmB = 1 << 6,     // B and F are one: 64*T1.
    kArmD = 1 << 7,
    kArmK = 1 << 8,
    kArmM = 1 << 9,
    kPassUp = 1 << 10,
    kSendCancel = 1 << 11,  // If one waits.
    kDropRequest = 1 << 12,
    kReportFailure = 1 << 13,
  };
  using Table = StateTable<State, kStates, Event, kEvents>;
  /// The machine itself, for the test that walks every pair.
  static const Table& Machine(bool is_invite);

  ClientTransaction(TransactionContext* context, Method method, std::string_view branch,
                    const Hop& hop, Packet request, uint64_t user);
  ClientTransaction(const ClientTransaction&) = delete;
  ClientTransaction& operator=(const ClientTransaction&) = delete;

  State state() const { return state_; }
  Method method() const { return method_; }
  bool is_invite() const { return method_ == Method::kInvite; }
  std::string_view branch() const { return branch_.view(); }
  const Hop& hop() const { return hop_; }
  /// The request as it was sent; empty after the final response (not yet in the user's
  /// OnResponse(), so that it can be written anew for a 401).
  std::string_view request() const { return request_ ? request_.text() : std::string_view(); }
  /// The ACK of a 2xx has been given to it: a repeat of that 2xx is TransactionTable::AckAgain().
  bool has_ack() const { return state_ == State::kAccepted && follow_up_; }

  /// The user's own mark: usually the bits of a Handle. The table does not look at it.
  uint64_t user() const { return user_; }
  void set_user(uint64_t user) { user_ = user; }
  /// The user has given it up (TransactionTable::Abandon); it runs on for what may come late.
  bool abandoned() const { return abandoned_; }
  /// TransactionTable::Cancel() was called, whether or not the CANCEL has left.
  bool cancelled() const { return cancel_ != Cancelling::kNo; }

 private:
  friend class TransactionTable;
  enum class Cancelling : uint8_t { kNo, kWaiting, kSent };

  /// The request leaves for the first time.
  void Start(Instant now);
  void OnResponse(const Message& response, const Packet& packet, Instant now);
  void On(Event event, Instant now, const Message* response = nullptr,
          const Packet* packet = nullptr);
  void Arm(uint32_t actions, Instant now);
  void ArmResend(Duration interval, Instant now);
  void ArmDeadline(Event event, Duration delay, Instant now);
  void SendAck(const Message& response);
  bool WantsToHear(const Message& response) const;
  void ReportFailure(Event event, Instant now);
  static void FireResend(void* self, Timer* timer, Instant now);
  static void FireDeadline(void* self, Timer* timer, Instant now);

  TransactionContext* context_;
  Timer resend_timer_;    // A or E.
  Timer deadline_timer_;  // B, D, F, K or M: `deadline_` says which.
  Duration interval_{};   // Of the resend timer.
  Packet request_;        // Null once it is not needed.
  Packet follow_up_;      // The CANCEL that waits for a provisional response; later the ACK.
  bool has_credentials_ = false;
  Hop hop_;
  uint64_t user_;
  uint64_t hash_ = 0;  // Where the table keeps it.
  State state_;
  Event deadline_ = Event::kTimerB;
  Method method_;
  Cancelling cancel_ = Cancelling::kNo;
  bool abandoned_ = false;
  bool internal_ = false;  // The table's own CANCEL: nobody is told of its outcome.
  BoundedText<kBranchMax> branch_;
};

}  // namespace core::sip
