#include "core/sip/cseq.h"
#include "loadgen/action_runner.h"
#include "loadgen/default_message.h"
#include "loadgen/scenario_player.h"

// What a call does by itself when something comes that its scenario does not name (SIPp's
// -default_behaviors), and how it ends.

namespace loadgen {

using core::Instant;
using core::sip::Message;
using core::sip::Method;

ScenarioPlayer::Next ScenarioPlayer::OnUnexpected(Call* call, Received* received, Instant now) {
  const bool has_place = scenario_.on_unexpected != kNoIndex && !call->queued_again;
  if (has_place) {
    bool inside = false;  // In the subroutine that _unexp.main is.
    if (return_address_) {
      VariableStore* store = ActionRunner::StoreOf(this, call, *return_address_);
      inside = store->IsTrue(return_address_->index);
      if (!inside) store->SetNumber(return_address_->index, call->step);
    }
    if (!inside) {
      if (pause_address_) {
        const core::Duration until =
            call->pausing ? call->paused_until - environment_.run_started : core::Duration{0};
        ActionRunner::StoreOf(this, call, *pause_address_)
            ->SetNumber(pause_address_->index,
                        static_cast<double>(until / std::chrono::milliseconds(1)));
      }
      call->step = scenario_.on_unexpected;
      call->pausing = false;
      environment_.timers->Disarm(&call->wait_timer);
      if (call->queued != nullptr) environment_.calls->Release(call->queued);
      call->queued = received;
      // Found nowhere from there either, it is what any other unexpected message is.
      call->queued_again = !return_address_;
      return Next::kStay;
    }
  }
  call->queued_again = false;
  bool done = false;
  const Next next = AutoAnswer(call, received, now, &done);
  return done ? next : GiveUpUnexpected(call, received, now);
}

// BYE, CANCEL, PING, and with -aa what asks for no more than 200.
ScenarioPlayer::Next ScenarioPlayer::AutoAnswer(Call* call, Received* received, Instant now,
                                                bool* done) {
  const Message& message = received->message;
  if (!message.is_request()) return Next::kWait;
  const DefaultBehaviors& behaviors = environment_.options->behaviors;
  const Method method = message.method();
  const auto answer = [&] {
    core::sip::TextWriter out(scratch_);
    WriteDefaultOk(message, environment_.run, &out);
    SendDefault(call, out);
  };
  if (method == Method::kBye || method == Method::kCancel) {
    *done = true;
    ++statistics_.steps[call->step].unexpected;
    environment_.trace->Warn({"Call-Id: ", call->call_id(), ", unexpected ", message.method_text(),
                              behaviors.abort ? ": the call ends" : ": the call goes on"});
    if (behaviors.abort && behaviors.bye) answer();
    environment_.calls->Release(received);
    if (!behaviors.abort) return Next::kWait;
    End(call, call->timewait, Failure::kUnexpectedMessage, now);
    return Next::kGone;
  }
  if (message.method_text() == "PING") {
    *done = true;
    if (behaviors.ping_reply) answer();
    environment_.calls->Release(received);
    if (!behaviors.ping_reply) return Next::kWait;
    ++statistics_.counts.auto_answered;
    End(call, true, Failure::kNone, now);
    return Next::kGone;
  }
  if (environment_.options->auto_answer && IsAutoAnswered(method)) {
    *done = true;
    answer();
    ++statistics_.counts.auto_answered;
    environment_.calls->Release(received);  // [last_] stays what it was.
  }
  return Next::kWait;
}

ScenarioPlayer::Next ScenarioPlayer::GiveUpUnexpected(Call* call, Received* received, Instant now) {
  const size_t step = call->step < scenario_.steps.size() ? call->step : 0;
  ++statistics_.steps[step].unexpected;
  const bool abort = environment_.options->behaviors.abort && !call->timewait;
  ++statistics_.counts.warnings;
  if (environment_.trace->warns()) {
    char digits[8];
    core::sip::TextWriter number(digits);
    number.AppendNumber(step);
    environment_.trace->Warn({abort ? "Aborting" : "Continuing", " call on unexpected message for ",
                              "Call-Id '", call->call_id(), "', at step ", number.text()},
                             received->message.bytes());
  }
  if (!abort) {
    environment_.calls->Release(received);
    return Next::kWait;
  }
  Note(call, *received);
  if (received->message.status_code() == 200) call->ack_pending = true;
  SetLast(call, received);
  return Fail(call, Failure::kUnexpectedMessage, now);
}

void ScenarioPlayer::SendDefault(Call* call, const core::sip::TextWriter& out) {
  core::Packet packet = out.ok() ? ScratchPacket(*call, out.size()) : core::Packet();
  if (!packet) return;
  environment_.trace->Sent(packet.text());
  environment_.io->Send(std::move(packet));
}

// Ends at the peer what the scenario began there: ACK to a refusal, ACK and BYE to a 200, CANCEL
// where only provisional answers came, BYE to a call that stands.
void ScenarioPlayer::SayGoodbye(Call* call) {
  if (call->is_server || call->step == 0 || call->last == nullptr) return;
  const Message& last = call->last->message;
  const auto send = [&](Method method) {
    const DefaultRequest request = {
        .method = method,
        .last = &last,
        .call_id = call->call_id(),
        .routes =
            call->dialog ? call->dialog.text().substr(0, call->routes_size) : std::string_view(),
        .target = call->dialog ? call->dialog.text().substr(call->routes_size) : std::string_view(),
        .run = environment_.run,
        .cseq = call->cseq};
    core::sip::TextWriter out(scratch_);
    WriteDefaultRequest(request, &out);
    SendDefault(call, out);
  };
  if (call->established || !call->has_sent_invite) return send(Method::kBye);
  if (last.status_code() >= 300) return send(Method::kAck);
  if (!call->ack_pending) return send(Method::kCancel);
  send(Method::kAck);
  send(Method::kBye);
}

ScenarioPlayer::Next ScenarioPlayer::Fail(Call* call, Failure failure, Instant now) {
  if (!call->timewait && environment_.options->behaviors.bye) SayGoodbye(call);
  End(call, call->timewait, failure, now);
  return Next::kGone;
}

// <exec int_cmd="stop_call">: the scenario wants it to end, without a word to the peer.
ScenarioPlayer::Next ScenarioPlayer::Reject(Call* call, Instant now) {
  End(call, false, Failure::kCallRejected, now);
  return Next::kGone;
}

ScenarioPlayer::Next ScenarioPlayer::Finish(Call* call, Instant now) {
  End(call, true, Failure::kNone, now);
  return Next::kGone;
}

void ScenarioPlayer::End(Call* call, bool succeeded, Failure failure, Instant now) {
  CallCounts& counts = statistics_.counts;
  CheckMarks(call);
  CheckPattern(*call);
  if (call->failure != Failure::kNone) {  // A check that failed on the way decides.
    succeeded = false;
    failure = call->failure;
  }
  if (succeeded) {
    ++counts.successful;
  } else {
    ++counts.failed;
    ++counts.failures[static_cast<size_t>(failure)];
  }
  statistics_.call_length.Record(now - call->planned, now - call->started);
  --statistics_.current;
  const int64_t user_id = call->user_id;
  StopRetransmits(call);
  if (call->media != nullptr) environment_.media->Close(call->media, call->call_id(), now);
  environment_.calls->Close(call, now);
  if (on_end_ != nullptr) on_end_(end_owner_, user_id);
}

}  // namespace loadgen
