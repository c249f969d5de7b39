#include <algorithm>
#include <cstring>
#include <utility>

#include "core/sip/via.h"
#include "loadgen/action_runner.h"
#include "loadgen/digest_authenticator.h"
#include "loadgen/message_hash.h"
#include "loadgen/scenario_player.h"

// What a call sends: once, again by its timer, and again because the peer asked again.

namespace loadgen {

using core::Instant;
using core::Packet;
using core::sip::Message;
using core::sip::Method;

RenderContext ScenarioPlayer::ContextOf(Call* call, const Rendering& rendering) {
  RenderContext context;
  context.run = environment_.run;
  context.call_number = call->number;
  context.call_id = call->call_id();
  context.cseq = rendering.cseq;
  context.step_index = static_cast<uint32_t>(rendering.step);
  context.user_id = call->user_id;
  context.media_port = call->media == nullptr ? 0 : call->media->port;
  context.peer_tag_param = rendering.peer_tag_param;
  context.last = rendering.last;
  if (call->dialog) {
    const std::string_view text = call->dialog.text();
    context.routes = text.substr(0, call->routes_size);
    context.next_url = text.substr(call->routes_size);
  }
  context.variables = {&call->variables, ActionRunner::UserStore(this, call), &globals_};
  context.injection_lines = call->injection_lines;
  context.wall = environment_.trace->wall();
  context.clock_tick_ms = static_cast<uint64_t>((rendering.now - environment_.run_started) /
                                                std::chrono::milliseconds(1));
  return context;
}

ScenarioPlayer::Rendering ScenarioPlayer::RenderingOf(const Call& call, size_t step,
                                                      Instant now) const {
  return {.step = step,
          .last = call.last == nullptr ? nullptr : &call.last->message,
          .cseq = call.cseq,
          .peer_tag_param = call.peer_tag_param.view(),
          .now = now};
}

size_t ScenarioPlayer::RenderSend(Call* call, const Rendering& rendering) {
  const auto& send = std::get<SendStep>(scenario_.steps[rendering.step].what);
  RenderContext context = ContextOf(call, rendering);
  DigestAuthenticator authenticator(environment_, call);
  context.authenticator = &authenticator;
  return send.message.Render(context, scratch_);
}

Packet ScenarioPlayer::ScratchPacket(const Call& call, size_t size) {
  Packet packet = environment_.store->Copy({scratch_.data(), size});
  if (!packet) {
    ++environment_.store_dry;
    return packet;
  }
  packet.SetRoute(environment_.socket, environment_.local, call.remote);
  return packet;
}

bool ScenarioPlayer::SendPacket(Packet packet, const Step& step) {
  if (Lost(step)) return false;
  environment_.trace->Sent(packet.text());
  environment_.io->Send(std::move(packet));
  return true;
}

ScenarioPlayer::Next ScenarioPlayer::Send(Call* call, const Step& step, Instant now) {
  // Not before the last message that is sent again and again has had its answer.
  if (call->retransmit_timer.armed()) return Next::kWait;
  const auto& send = std::get<SendStep>(step.what);
  const size_t index = call->step;
  Book(call, step, now);
  const Method method = send.message.method_id;
  const bool starts =
      !send.message.is_response() && method != Method::kAck && method != Method::kCancel;
  if (starts) ++call->cseq;
  const size_t size = RenderSend(call, RenderingOf(*call, index, now));
  Packet packet = size == 0 ? Packet() : ScratchPacket(*call, size);
  if (!packet) {
    environment_.trace->Warn({"Call-Id: ", call->call_id(), ", a message cannot be sent: ",
                              size == 0 ? "it would be longer than a datagram" : "no memory left"});
    return Fail(call, Failure::kCannotSendMessage, now);
  }
  call->last_send_step = static_cast<uint16_t>(index);
  call->last_sent.Reset();
  if (starts) call->has_sent_invite = method == Method::kInvite;
  if (method == Method::kAck) {
    call->established = true;
    call->ack_pending = false;
  }
  if (call->media != nullptr) {
    environment_.media->OnOwnMessage(call->media, packet.text(), now);
    CheckMedia(call, step, now);
  }
  ApplyTransactions(call, send, index, packet.text());
  RememberAnswer(call, send, index);
  StepCounts& counts = statistics_.steps[index];
  ++counts.messages;
  if (send.retransmit > core::Duration{0} && environment_.options->retransmit) {
    call->last_sent = packet.Share();
    call->last_sent_is_invite = method == Method::kInvite;
    StartRetransmits(call, send, now);
  }
  if (!SendPacket(std::move(packet), step)) ++counts.lost;
  if (step.actions.empty()) return Next::kAdvance;
  ActionRunner runner(this, call, now);
  switch (runner.Run(step.actions, {scratch_.data(), size}, nullptr)) {
    case ActionRunner::Outcome::kGoOn:
      return Next::kAdvance;
    case ActionRunner::Outcome::kJumped:
      return Next::kStay;
    case ActionRunner::Outcome::kStopCall:
      return Reject(call, now);
  }
  return Next::kAdvance;
}

void ScenarioPlayer::ApplyTransactions(Call* call, const SendStep& send, size_t step,
                                       std::string_view sent) {
  if (send.ack_transaction != kNoIndex) {
    call->transactions[send.ack_transaction].ack_step = static_cast<uint16_t>(step);
  }
  if (send.start_transaction == kNoIndex) return;
  NamedTransaction& transaction = call->transactions[send.start_transaction];
  transaction = {};
  Message message;
  core::sip::Via via;
  (void)message.Index(sent);  // Even a message that is broken on purpose may have a Via.
  if (message.TopVia(&via) == core::sip::ParseError::kOk) {
    transaction.branch_hash = HashMessage(0, via.branch);
  }
}

// What a retransmission of the last message received is answered with: a request with the last
// response sent since, a response with its ACK.
void ScenarioPlayer::RememberAnswer(Call* call, const SendStep& send, size_t step) {
  if (call->seen_count == 0) return;
  SeenMessage& seen = call->seen[(call->seen_count - 1) % Call::kSeenMax];
  const bool seen_request = call->last == nullptr || call->last->message.is_request();
  const bool answers = seen_request
                           ? send.message.is_response()
                           : send.message.method_id == Method::kAck && seen.resend_step == kNoIndex;
  if (!answers) return;
  seen.resend_step = static_cast<uint16_t>(step);
  seen.resend_cseq = call->cseq;
}

void ScenarioPlayer::SendAgain(Call* call, const SeenMessage& seen, const Message& again,
                               Instant now) {
  core::BoundedText<Call::kTagMax> tag_param;
  core::sip::NameAddr to;
  if (!again.is_request() && again.To(&to) == core::sip::ParseError::kOk && !to.tag.empty() &&
      tag_param.Assign(";tag=")) {
    (void)tag_param.Append(to.tag);  // One that is too long never was the call's either.
  }
  // From the message itself: the call may have heard others since.
  const Rendering rendering = {
      .step = seen.resend_step,
      .last = &again,
      .cseq = seen.resend_cseq,
      .peer_tag_param = tag_param.empty() ? call->peer_tag_param.view() : tag_param.view(),
      .now = now};
  const size_t size = RenderSend(call, rendering);
  Packet packet = size == 0 ? Packet() : ScratchPacket(*call, size);
  if (!packet) return;  // Counted; the peer asks again.
  ++statistics_.steps[seen.resend_step].retransmits;
  ++statistics_.counts.retransmits;
  (void)SendPacket(std::move(packet), scenario_.steps[seen.resend_step]);
}

void ScenarioPlayer::StartRetransmits(Call* call, const SendStep& send, Instant now) {
  call->retransmits = 0;
  call->retransmit_gap = send.retransmit;
  environment_.timers->Arm(&call->retransmit_timer, now + call->retransmit_gap);
}

void ScenarioPlayer::StopRetransmits(Call* call) {
  environment_.timers->Disarm(&call->retransmit_timer);
  call->last_sent.Reset();
}

void ScenarioPlayer::Retransmit(Call* call, Instant now) {
  const Options& options = *environment_.options;
  const size_t step = call->last_send_step;
  StepCounts& counts = statistics_.steps[step];
  const int max =
      call->last_sent_is_invite ? options.invite_retransmits_max : options.other_retransmits_max;
  if (++call->retransmits > max) {
    ++counts.timeouts;
    environment_.trace->Warn({"Call-Id: ", call->call_id(), ", no answer to a message that was ",
                              "sent as often as it may be"});
    call->last_sent.Reset();
    if (OnTimeout(call, step, Failure::kMaxUdpRetransmits, now) == Next::kStay) Walk(call, now);
    return;
  }
  call->retransmit_gap *= 2;
  if (!call->last_sent_is_invite) call->retransmit_gap = std::min(call->retransmit_gap, options.t2);
  ++counts.retransmits;
  ++statistics_.counts.retransmits;
  (void)SendPacket(call->last_sent.Share(), scenario_.steps[step]);
  environment_.timers->Arm(&call->retransmit_timer, now + call->retransmit_gap);
}

}  // namespace loadgen
