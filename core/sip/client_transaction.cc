#include "core/sip/client_transaction.h"

#include "core/sip/invite_follow_up.h"

namespace core::sip {
namespace {

using enum ClientTransaction::State;
using enum ClientTransaction::Event;
using enum ClientTransaction::Action;
using Row = StateRow<ClientTransaction::State, ClientTransaction::Event>;

// The INVITE client transaction: RFC 3261 §17.1.1.2 figure 5, with Accepted from RFC 6026 §7.2.
// Beside the figure: our CANCEL sets a limit to Proceeding, 64*T1, by timer B again (§9.1); and a
// failed ACK ends Completed in silence, as the user has had its final response.
constexpr Row kInviteRows[] = {
    //  in           on           go to        and do
    {kCalling, kTimerA, kCalling, kResend | kArmA},
    {kCalling, kTimerB, kTerminated, kReportFailure},
    {kCalling, kSendFailed, kTerminated, kReportFailure},
    {kCalling, k1xx, kProceeding, kStopTimers | kPassUp | kSendCancel},
    {kCalling, k2xx, kAccepted, kStopTimers | kArmM | kPassUp | kDropRequest},
    {kCalling, k300To699, kCompleted, kStopTimers | kSendAck | kArmD | kPassUp | kDropRequest},
    {kProceeding, k1xx, kProceeding, kPassUp},
    {kProceeding, k2xx, kAccepted, kStopTimers | kArmM | kPassUp | kDropRequest},
    {kProceeding, k300To699, kCompleted, kStopTimers | kSendAck | kArmD | kPassUp | kDropRequest},
    {kProceeding, kCancelSent, kProceeding, kArmB},
    {kProceeding, kTimerB, kTerminated, kReportFailure},
    {kAccepted, k2xx, kAccepted, kPassUp},
    {kAccepted, kTimerM, kTerminated, kNothing},
    {kCompleted, k300To699, kCompleted, kSendAck | kDropRequest},
    {kCompleted, kSendFailed, kTerminated, kNothing},
    {kCompleted, kTimerD, kTerminated, kNothing},
};
constexpr ClientTransaction::Table kInviteMachine(kInviteRows);

// The non-INVITE client transaction: RFC 3261 §17.1.2.2 figure 6.
constexpr Row kOtherRows[] = {
    //  in           on           go to        and do
    {kTrying, kTimerE, kTrying, kResend | kArmE},
    {kTrying, kTimerF, kTerminated, kReportFailure},
    {kTrying, kSendFailed, kTerminated, kReportFailure},
    {kTrying, k1xx, kProceeding, kPassUp},
    {kTrying, k200To699, kCompleted, kStopTimers | kArmK | kPassUp | kDropRequest},
    {kProceeding, kTimerE, kProceeding, kResend | kArmE2},
    {kProceeding, kTimerF, kTerminated, kReportFailure},
    {kProceeding, kSendFailed, kTerminated, kReportFailure},
    {kProceeding, k1xx, kProceeding, kPassUp},
    {kProceeding, k200To699, kCompleted, kStopTimers | kArmK | kPassUp | kDropRequest},
    {kCompleted, kTimerK, kTerminated, kNothing},
};
constexpr ClientTransaction::Table kOtherMachine(kOtherRows);

}  // namespace

const ClientTransaction::Table& ClientTransaction::Machine(bool is_invite) {
  return is_invite ? kInviteMachine : kOtherMachine;
}

ClientTransaction::ClientTransaction(TransactionContext* context, Method method,
                                     std::string_view branch, const Hop& hop, Packet request,
                                     uint64_t user)
    : context_(context),
      resend_timer_(FireResend, this),
      deadline_timer_(FireDeadline, this),
      request_(std::move(request)),
      hop_(hop),
      user_(user),
      state_(method == Method::kInvite ? kCalling : kTrying),
      method_(method) {
  CHECK(branch_.Assign(branch));
  request_.SetRoute(hop_.socket, hop_.local, hop_.remote);
}

void ClientTransaction::Start(Instant now) {
  context_->sink->Send(request_.Share());
  Arm(is_invite() ? kArmA | kArmB : kArmE | kArmB, now);
}

void ClientTransaction::OnResponse(const Message& response, const Packet& packet, Instant now) {
  const uint16_t status = response.status_code();
  if (status < 200) return On(k1xx, now, &response, &packet);
  if (!is_invite()) return On(k200To699, now, &response, &packet);
  On(status < 300 ? k2xx : k300To699, now, &response, &packet);
}

void ClientTransaction::On(Event event, Instant now, const Message* response,
                           const Packet* packet) {
  const auto& step = Machine(is_invite()).Find(state_, event);
  if (!step.defined) return;
  state_ = step.to;
  if (step.actions & kStopTimers) {
    context_->wheel->Disarm(&resend_timer_);
    context_->wheel->Disarm(&deadline_timer_);
  }
  if (step.actions & kResend) {
    ++context_->counters.resent_requests;
    context_->sink->Send(request_.Share());
  }
  if (step.actions & kSendAck) SendAck(*response);
  Arm(step.actions, now);
  if ((step.actions & kPassUp) && WantsToHear(*response)) {
    context_->user->OnResponse(*this, *response, *packet, now);
  }
  if ((step.actions & kSendCancel) && cancel_ == Cancelling::kWaiting) {
    context_->owner->OnCancelDue(this, now);
  }
  // A 300-699 whose ACK found no Packet needs the INVITE once more, at the next repeat.
  const bool lacks_ack = is_invite() && state_ == kCompleted && !follow_up_;
  const bool is_quoted = state_ == kAccepted && has_credentials_;
  if ((step.actions & kDropRequest) && !lacks_ack && !is_quoted) request_.Reset();
  if (step.actions & kReportFailure) ReportFailure(event, now);
  if (step.to == kTerminated) context_->owner->OnTerminated(this);
}

void ClientTransaction::Arm(uint32_t actions, Instant now) {
  const TimerValues& timers = context_->timers;
  const bool reliable = hop_.reliable();
  if (actions & kArmA) ArmResend(interval_ == Duration{} ? timers.A() : 2 * interval_, now);
  if (actions & kArmE) {
    ArmResend(interval_ == Duration{} ? timers.E() : std::min(2 * interval_, timers.t2), now);
  }
  if (actions & kArmE2) ArmResend(timers.t2, now);
  if (actions & kArmB) {
    ArmDeadline(is_invite() ? kTimerB : kTimerF, is_invite() ? timers.B() : timers.F(), now);
  }
  if (actions & kArmD) ArmDeadline(kTimerD, timers.D(reliable), now);
  if (actions & kArmK) ArmDeadline(kTimerK, timers.K(reliable), now);
  if (actions & kArmM) ArmDeadline(kTimerM, timers.M(), now);
}

void ClientTransaction::ArmResend(Duration interval, Instant now) {
  if (hop_.reliable()) return;
  interval_ = interval;
  context_->wheel->Arm(&resend_timer_, now + interval);
}

// Also one of no length at all goes through the wheel, so that nothing is freed under its caller.
void ClientTransaction::ArmDeadline(Event event, Duration delay, Instant now) {
  deadline_ = event;
  context_->wheel->Arm(&deadline_timer_, now + delay);
}

void ClientTransaction::SendAck(const Message& response) {
  if (!follow_up_ || cancel_ == Cancelling::kWaiting) {
    cancel_ = cancel_ == Cancelling::kWaiting ? Cancelling::kSent : cancel_;
    Message invite;
    (void)invite.Index(request_.text());  // Our own words; what is missing will miss in the ACK.
    follow_up_ = context_->store->Acquire(FollowUpSize(invite, response));
    if (!follow_up_) {
      ++context_->counters.store_dry;
      return;
    }
    MessageWriter out({follow_up_.data(), follow_up_.capacity()});
    WriteAck(invite, response, &out);
    const auto size = out.Finish();
    if (!size) return follow_up_.Reset();
    follow_up_.set_size(static_cast<uint32_t>(*size));
    follow_up_.SetRoute(hop_.socket, hop_.local, hop_.remote);
  }
  context_->sink->Send(follow_up_.Share());
}

bool ClientTransaction::WantsToHear(const Message& response) const {
  if (internal_) return false;
  if (!abandoned_) return true;
  return is_invite() && response.status_code() > 100 && response.status_code() < 300;
}

void ClientTransaction::ReportFailure(Event event, Instant now) {
  const bool timeout = event != kSendFailed;
  ++(timeout ? context_->counters.timeouts : context_->counters.send_failures);
  if (internal_ || abandoned_) return;
  context_->user->OnFailure(*this, timeout ? Failure::kTimeout : Failure::kTransport, now);
}

void ClientTransaction::FireResend(void* self, Timer*, Instant now) {
  auto* transaction = static_cast<ClientTransaction*>(self);
  transaction->On(transaction->is_invite() ? kTimerA : kTimerE, now);
}

void ClientTransaction::FireDeadline(void* self, Timer*, Instant now) {
  auto* transaction = static_cast<ClientTransaction*>(self);
  transaction->On(transaction->deadline_, now);
}

}  // namespace core::sip
