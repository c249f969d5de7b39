#include <algorithm>
#include <cstring>
#include <variant>

#include "core/sip/cseq.h"
#include "core/sip/list_reader.h"
#include "core/sip/name_addr.h"
#include "core/sip/via.h"
#include "loadgen/action_runner.h"
#include "loadgen/message_hash.h"
#include "loadgen/route_set.h"
#include "loadgen/scenario_player.h"

// What becomes of a message that came for a call: SIPp's rules of what belongs where.

namespace loadgen {

using core::Instant;
using core::sip::Message;
using core::sip::Method;
using core::sip::ParseError;

// Retransmissions, answered or swallowed. The scenario does not see them.
bool ScenarioPlayer::IsAgain(Call* call, const Received& received, Instant now) {
  if (!environment_.options->retransmit) return false;
  const size_t count = std::min<size_t>(call->seen_count, Call::kSeenMax);
  for (size_t i = 0; i < count; ++i) {
    const SeenMessage& seen = call->seen[i];
    if (seen.hash != received.hash) continue;
    ++statistics_.steps[seen.recv_step].retransmits;
    if (seen.resend_step != kNoIndex) SendAgain(call, seen, received.message, now);
    return true;
  }
  return false;
}

// What is kept of a message that is good for the call, wherever it belongs.
void ScenarioPlayer::Note(Call* call, const Received& received) {
  const Message& message = received.message;
  core::sip::NameAddr peer;
  const ParseError error = message.is_request() ? message.From(&peer) : message.To(&peer);
  // A request tells the tag to a server, which has no response to learn it from.
  if (error == ParseError::kOk && !peer.tag.empty() && (!message.is_request() || call->is_server)) {
    constexpr std::string_view kTag = ";tag=";
    if (peer.tag.size() <= Call::kTagMax - kTag.size()) {
      (void)call->peer_tag_param.Assign(kTag);
      (void)call->peer_tag_param.Append(peer.tag);
    } else {
      environment_.trace->Warn({"Call-Id: ", call->call_id(), ", a tag is too long to be kept"});
    }
  }
  if (message.method() == Method::kAck && message.is_request()) call->established = true;
}

ScenarioPlayer::Next ScenarioPlayer::Receive(Call* call, Received* received, Instant now) {
  if (IsAgain(call, *received, now)) {
    environment_.calls->Release(received);
    return Next::kWait;
  }
  const Message& message = received->message;
  // What belongs to no dialog that there could be. (SIPp means the same by "unexpected".)
  if (!message.Has(core::sip::HeaderId::kTo)) return GiveUpUnexpected(call, received, now);
  core::sip::CSeqValue cseq;
  if (message.CSeq(&cseq) != ParseError::kOk) cseq = {};
  if (message.is_request()) {
    if (message.method() == Method::kInvite) call->invite_cseq = cseq.sequence_number;
    const bool wrong_ack = message.method() == Method::kAck &&
                           cseq.sequence_number != call->invite_cseq && call->is_server;
    if (wrong_ack && environment_.options->behaviors.cseq) {
      environment_.trace->Warn(
          {"Call-Id: ", call->call_id(), ", an ACK whose CSeq is not that of the INVITE"},
          message.bytes());
      return GiveUpUnexpected(call, received, now);
    }
  }
  Wanted wanted{.message = &message, .cseq_method = cseq.method_text, .branch_hash = 0};
  if (!scenario_.transactions.empty() && !message.is_request()) {
    core::sip::Via via;
    if (message.TopVia(&via) == ParseError::kOk) {
      wanted.branch_hash = HashMessage(0, via.branch);
    }
  }
  const Match match = Find(call, wanted, *received, now);
  if (match.handled) {
    environment_.calls->Release(received);
    return Next::kWait;
  }
  if (!match.found) return OnUnexpected(call, received, now);
  if (Lost(scenario_.steps[match.step])) {
    ++statistics_.steps[match.step].lost;
    environment_.calls->Release(received);
    return Next::kWait;
  }
  return Accept(call, received, match.step, now);
}

bool ScenarioPlayer::Matches(Call* call, size_t step, const Wanted& wanted) const {
  const auto* recv = std::get_if<RecvStep>(&scenario_.steps[step].what);
  if (recv == nullptr || recv->is_response == wanted.message->is_request()) return false;
  const Message& message = *wanted.message;
  if (!recv->is_response) {
    if (recv->pattern) return recv->pattern->Matches(message.method_text());
    if (recv->request_id != Method::kUnknown) return recv->request_id == message.method();
    return recv->request == message.method_text();
  }
  if (recv->pattern) {
    const uint16_t code = message.status_code();
    const char digits[3] = {static_cast<char>('0' + code / 100),
                            static_cast<char>('0' + code / 10 % 10),
                            static_cast<char>('0' + code % 10)};
    if (!recv->pattern->Matches({digits, sizeof(digits)})) return false;
  } else if (recv->response != message.status_code()) {
    return false;
  }
  if (recv->response_transaction != kNoIndex) {
    const NamedTransaction& transaction = call->transactions[recv->response_transaction];
    return transaction.branch_hash != 0 && transaction.branch_hash == wanted.branch_hash;
  }
  return step == 0 || recv->sent_methods.find(wanted.cseq_method) != std::string::npos;
}

ScenarioPlayer::Match ScenarioPlayer::Find(Call* call, const Wanted& wanted,
                                           const Received& received, Instant now) {
  const std::vector<Step>& steps = scenario_.steps;
  const auto optional_of = [&steps](size_t i) {
    const auto* recv = std::get_if<RecvStep>(&steps[i].what);
    return recv == nullptr ? RecvStep::Optional::kNo : recv->optional;
  };
  for (size_t i = call->step; i < steps.size(); ++i) {
    if (Matches(call, i, wanted)) return {.step = i, .found = true};
    if (optional_of(i) == RecvStep::Optional::kNo) break;
  }
  bool contiguous = true;
  for (size_t i = call->step; i-- > 0;) {
    const RecvStep::Optional optional = optional_of(i);
    if (optional == RecvStep::Optional::kNo) contiguous = false;
    if (!Matches(call, i, wanted)) continue;
    if (contiguous || optional == RecvStep::Optional::kGlobal) return {.step = i, .found = true};
    if (AnswerOld(call, i, wanted, received, now)) return {.step = i, .handled = true};
  }
  return {};
}

// A response to a transaction that the scenario has left behind: a provisional one is late and
// means nothing any more, a final one to an INVITE lacks its ACK (RFC 3261 §13.2.2.4, §17.1.1.2).
bool ScenarioPlayer::AnswerOld(Call* call, size_t step, const Wanted& wanted,
                               const Received& received, Instant now) {
  const Message& message = received.message;
  if (message.is_request()) return false;
  StepCounts& counts = statistics_.steps[step];
  if (message.status_code() < 200) {
    ++counts.retransmits;
    return true;
  }
  const auto& recv = std::get<RecvStep>(scenario_.steps[step].what);
  uint16_t ack_step = kNoIndex;
  if (recv.response_transaction != kNoIndex) {
    const NamedTransaction& transaction = call->transactions[recv.response_transaction];
    ack_step = transaction.ack_step;
    if (ack_step == kNoIndex) {  // Not of an INVITE: its final answer came before.
      ++(transaction.response_hash == received.hash ? counts.retransmits : counts.unexpected);
      return true;
    }
  } else if (wanted.cseq_method == "INVITE" && step + 1 < scenario_.steps.size()) {
    const auto* send = std::get_if<SendStep>(&scenario_.steps[step + 1].what);
    if (send == nullptr || send->message.method_id != Method::kAck) return false;
    ack_step = static_cast<uint16_t>(step + 1);
  } else {
    return false;
  }
  ++counts.retransmits;
  core::sip::CSeqValue cseq;
  if (message.CSeq(&cseq) != ParseError::kOk) return true;
  SendAgain(call, {.resend_step = ack_step, .resend_cseq = cseq.sequence_number}, message, now);
  return true;
}

// The end of retransmissions: any response to what was sent last, and the requests that a server
// gets in answer to a response.
void ScenarioPlayer::QuietRetransmits(Call* call, const Message& message, size_t step,
                                      Instant now) {
  if (!call->retransmit_timer.armed()) return;
  if (call->last_send_step != kNoIndex && step <= call->last_send_step) return;
  if (message.is_request()) {
    const Method method = message.method();
    if (method == Method::kAck || method == Method::kPrack || method == Method::kBye ||
        method == Method::kCancel) {
      StopRetransmits(call);
    }
    return;
  }
  if (message.status_code() >= 200 || message.method() == Method::kInvite) {
    return StopRetransmits(call);
  }
  // RFC 3261 §17.1.2.2: a provisional response slows the others down.
  call->retransmit_gap = environment_.options->t2;
  environment_.timers->Arm(&call->retransmit_timer, now + call->retransmit_gap);
}

ScenarioPlayer::Next ScenarioPlayer::Accept(Call* call, Received* received, size_t index,
                                            Instant now) {
  const Step& step = scenario_.steps[index];
  const auto& recv = std::get<RecvStep>(step.what);
  const Message& message = received->message;
  Note(call, *received);
  if (call->media != nullptr) {
    if (!step.ignore_sdp) environment_.media->OnPeerMessage(call->media, message.bytes(), now);
    CheckMedia(call, step, now);
  }
  ++statistics_.steps[index].messages;
  Book(call, step, std::max(received->at, call->started));
  core::sip::CSeqValue cseq;
  if (message.is_request() && message.CSeq(&cseq) == ParseError::kOk) {
    call->cseq = std::max(call->cseq, cseq.sequence_number);
  }
  QuietRetransmits(call, message, index, now);
  if (message.status_code() == 200) call->ack_pending = true;
  if (recv.record_route_set && !call->dialog) KeepDialog(call, message);
  if (recv.authenticate && (message.status_code() == 401 || message.status_code() == 407)) {
    KeepChallenge(call, message);
  }
  if (recv.response_transaction != kNoIndex) {
    call->transactions[recv.response_transaction].response_hash = received->hash;
  }
  ActionRunner::Outcome outcome = ActionRunner::Outcome::kGoOn;
  if (!step.actions.empty()) {
    ActionRunner runner(this, call, now);
    outcome = runner.Run(step.actions, message.bytes(), &message);
  }
  if (!recv.advance_state && outcome == ActionRunner::Outcome::kGoOn) {
    environment_.calls->Release(received);
    return Next::kWait;
  }
  SetLast(call, received);
  call->seen[call->seen_count % Call::kSeenMax] = {.hash = received->hash,
                                                   .recv_step = static_cast<uint16_t>(index)};
  if (++call->seen_count == 2 * Call::kSeenMax) call->seen_count = Call::kSeenMax;
  if (outcome == ActionRunner::Outcome::kStopCall) return Reject(call, now);
  const bool leads =
      step.next != kNoIndex &&
      (!step.test || ActionRunner::StoreOf(this, call, *step.test)->IsTrue(step.test->index));
  if (recv.optional != RecvStep::Optional::kNo && !leads &&
      outcome == ActionRunner::Outcome::kGoOn) {
    // The call waits on, and may get this one again. What it waits for from here on has its time.
    if (std::holds_alternative<RecvStep>(scenario_.steps[call->step].what)) {
      ArmRecvTimeout(call, std::max<size_t>(index + 1, call->step), now);
    }
    return Next::kWait;
  }
  call->pausing = false;
  environment_.timers->Disarm(&call->wait_timer);
  if (outcome == ActionRunner::Outcome::kJumped) return Next::kStay;
  call->step = static_cast<uint16_t>(index);
  return Next::kAdvance;
}

void ScenarioPlayer::SetLast(Call* call, Received* received) {
  if (call->last != nullptr) environment_.calls->Release(call->last);
  call->last = received;
}

void ScenarioPlayer::KeepDialog(Call* call, const Message& message) {
  core::sip::TextWriter out(scratch_);
  const size_t routes_size = WriteRouteSet(message, &out);
  call->dialog = environment_.store->Copy(out.text());
  if (!call->dialog) {
    ++environment_.store_dry;
    return;
  }
  call->routes_size = static_cast<uint32_t>(routes_size);
}

void ScenarioPlayer::KeepChallenge(Call* call, const Message& message) {
  using core::sip::HeaderId;
  call->challenged_by_proxy = message.Has(HeaderId::kProxyAuthenticate);
  const auto value = message.Find(call->challenged_by_proxy ? HeaderId::kProxyAuthenticate
                                                            : HeaderId::kWwwAuthenticate);
  if (!value) {
    environment_.trace->Warn({"Call-Id: ", call->call_id(), ", a 401 or 407 without a challenge"},
                             message.bytes());
    return;
  }
  call->challenge = environment_.store->Copy(*value);
  call->nonce_count = 0;
  if (!call->challenge) ++environment_.store_dry;
}

}  // namespace loadgen
