#include "core/sip/server_transaction.h"

#include <algorithm>
#include <utility>

namespace core::sip {
namespace {

using enum ServerTransaction::State;
using enum ServerTransaction::Event;
using enum ServerTransaction::Action;
using Row = StateRow<ServerTransaction::State, ServerTransaction::Event>;

// The INVITE server transaction: RFC 3261 §17.2.1 figure 7, with Accepted from RFC 6026 §7.1.
// Beside the figures: our 2xx is resent from here (§13.3.1.4), by timer G, until its ACK was seen.
constexpr Row kInviteRows[] = {
    //  in           on                go to        and do
    {kProceeding, kRepeat, kProceeding, kResend},
    {kProceeding, kRespond1xx, kProceeding, kSend},
    {kProceeding, kRespond2xx, kAccepted, kSend | kArmG | kArmL | kDropRequest},
    {kProceeding, kRespond300To699, kCompleted, kSend | kArmG | kArmH | kDropRequest},
    {kProceeding, kDrop, kTerminated, kNothing},
    {kAccepted, kRespond2xx, kAccepted, kSend},
    {kAccepted, kTimerG, kAccepted, kResend | kArmG},
    {kAccepted, kUserSawAck, kAcknowledged, kStopG | kDropResponse},
    {kAccepted, kTimerL, kTerminated, kReportUnacknowledged},
    {kAcknowledged, kTimerL, kTerminated, kNothing},
    {kCompleted, kRepeat, kCompleted, kResend},
    {kCompleted, kTimerG, kCompleted, kResend | kArmG},
    {kCompleted, kAck, kConfirmed, kStopG | kArmI | kDropResponse},
    {kCompleted, kTimerH, kTerminated, kReportUnacknowledged},
    {kConfirmed, kTimerI, kTerminated, kNothing},
};
constexpr ServerTransaction::Table kInviteMachine(kInviteRows);

// The non-INVITE server transaction: RFC 3261 §17.2.2 figure 8.
constexpr Row kOtherRows[] = {
    //  in           on                go to        and do
    {kTrying, kRespond1xx, kProceeding, kSend},
    {kTrying, kRespond200To699, kCompleted, kSend | kArmJ | kDropRequest},
    {kTrying, kDrop, kTerminated, kNothing},
    {kProceeding, kRepeat, kProceeding, kResend},
    {kProceeding, kRespond1xx, kProceeding, kSend},
    {kProceeding, kRespond200To699, kCompleted, kSend | kArmJ | kDropRequest},
    {kCompleted, kRepeat, kCompleted, kResend},
    {kCompleted, kTimerJ, kTerminated, kNothing},
};
constexpr ServerTransaction::Table kOtherMachine(kOtherRows);

}  // namespace

const ServerTransaction::Table& ServerTransaction::Machine(bool is_invite) {
  return is_invite ? kInviteMachine : kOtherMachine;
}

ServerTransaction::ServerTransaction(TransactionContext* context, const Hop& return_path,
                                     const Endpoint& source, KeptTransactionKey key)
    : context_(context),
      resend_timer_(FireResend, this),
      deadline_timer_(FireDeadline, this),
      return_path_(return_path),
      source_(source),
      state_(key.method() == Method::kInvite ? kProceeding : kTrying),
      key_(std::move(key)) {}

bool ServerTransaction::Respond(Packet response, uint16_t status_code, Instant now) {
  Event event = kRespond1xx;
  if (status_code >= 200) {
    event = !is_invite() ? kRespond200To699 : status_code < 300 ? kRespond2xx : kRespond300To699;
  }
  if (!Machine(is_invite()).Find(state_, event).defined) return false;
  if (status_code >= 200) final_status_ = status_code;
  On(event, now, &response);
  return true;
}

std::string_view ServerTransaction::to_tag() const {
  Message message;
  NameAddr to;
  if (!response_ || message.Index(response_.text()) != ParseError::kOk) return {};
  return message.To(&to) == ParseError::kOk ? to.tag : std::string_view();
}

void ServerTransaction::On(Event event, Instant now, Packet* response) {
  const auto& step = Machine(is_invite()).Find(state_, event);
  if (!step.defined) return;
  state_ = step.to;
  if (step.actions & kStopG) context_->wheel->Disarm(&resend_timer_);
  if (step.actions & kSend) {
    response_ = std::move(*response);
    response_.SetRoute(return_path_.socket, return_path_.local, return_path_.remote);
    context_->sink->Send(response_.Share());
  }
  if ((step.actions & kResend) && response_) {
    ++context_->counters.resent_responses;
    context_->sink->Send(response_.Share());
  }
  Arm(step.actions, now);
  if (step.actions & kDropRequest) request_.Reset();
  if (step.actions & kDropResponse) response_.Reset();
  if (step.actions & kReportUnacknowledged) {
    ++context_->counters.unacknowledged;
    context_->user->OnUnacknowledged(*this, now);
  }
  if (step.to == kTerminated) context_->owner->OnTerminated(this);
}

void ServerTransaction::Arm(uint32_t actions, Instant now) {
  const TimerValues& timers = context_->timers;
  const bool reliable = return_path_.reliable();
  // A 2xx is resent over any transport: beyond the next hop there may be another (§13.3.1.4).
  if ((actions & kArmG) && (state_ == kAccepted || !reliable)) {
    interval_ = interval_ == Duration{} ? timers.G() : std::min(2 * interval_, timers.t2);
    context_->wheel->Arm(&resend_timer_, now + interval_);
  }
  if (actions & kArmH) ArmDeadline(kTimerH, timers.H(), now);
  if (actions & kArmI) ArmDeadline(kTimerI, timers.I(reliable), now);
  if (actions & kArmJ) ArmDeadline(kTimerJ, timers.J(reliable), now);
  if (actions & kArmL) ArmDeadline(kTimerL, timers.L(), now);
}

// Also one of no length at all goes through the wheel, so that nothing is freed under its caller.
void ServerTransaction::ArmDeadline(Event event, Duration delay, Instant now) {
  deadline_ = event;
  context_->wheel->Arm(&deadline_timer_, now + delay);
}

void ServerTransaction::FireResend(void* self, Timer*, Instant now) {
  static_cast<ServerTransaction*>(self)->On(kTimerG, now);
}

void ServerTransaction::FireDeadline(void* self, Timer*, Instant now) {
  auto* transaction = static_cast<ServerTransaction*>(self);
  transaction->On(transaction->deadline_, now);
}

}  // namespace core::sip
