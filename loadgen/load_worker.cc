#include "loadgen/load_worker.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/check.h"
#include "core/base/concat.h"
#include "core/sip/message.h"
#include "loadgen/default_message.h"
#include "loadgen/pause_length.h"

namespace loadgen {
namespace {

using core::Instant;
using core::Packet;

constexpr size_t kCallIdBytes = 1024;
constexpr size_t kLargeMessages = 256;

size_t Capacity(const Options& options, const Scenario& scenario, bool is_server) {
  if (is_server) {  // -l is only how many have room: who calls is not ours to say.
    return options.calls_at_once != 0 ? options.calls_at_once : LoadWorker::kServerCallsMax;
  }
  const size_t calls = options.users >= 0 ? static_cast<size_t>(options.users)
                                          : LoadWorker::CallsAtOnce(options, scenario);
  return calls + LoadWorker::kOutOfCallMax;
}

// What a late message is told by that its call has ended; the busiest half minute has room.
size_t DeadCapacity(const Options& options, bool is_server) {
  constexpr double kMost = 1 << 20;
  if (is_server) return Capacity(options, {}, true);
  const double per_second = std::max(options.rate, options.rate_max) * 1e9 /
                            static_cast<double>(options.rate_period.count());
  return static_cast<size_t>(std::clamp(per_second * 40, 4096.0, kMost));
}

core::PacketStore::Counts StoreCounts(size_t calls) {
  // The last message received and the last sent, of every call, and one that waits.
  const auto each = static_cast<uint32_t>(calls * 3 + 4096);
  return {.small = each, .medium = each, .large = kLargeMessages};
}

bool IsResponse(std::string_view bytes) { return bytes.starts_with("SIP/2.0"); }

// By the version, at either end of the first line. What else may be wrong with a message is for the
// scenario to expect, or not.
bool LooksLikeSip(std::string_view bytes) {
  constexpr std::string_view kVersion = "SIP/2.0";
  const size_t begin = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
  std::string_view line = bytes.substr(begin);
  line = line.substr(0, line.find_first_of("\r\n"));
  return line.starts_with(kVersion) || line.ends_with(kVersion);
}

// The blanks, CRLFs and zeros that NATs are kept open with.
bool IsKeepAlive(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return c == '\r' || c == '\n' || c == '\0' || c == ' '; });
}

}  // namespace

size_t LoadWorker::CallsAtOnce(const Options& options, const Scenario& scenario) {
  return CallsAtOnce(options, scenario, std::max(options.rate, options.rate_max));
}

size_t LoadWorker::CallsAtOnce(const Options& options, const Scenario& scenario, double rate) {
  if (options.calls_at_once != 0) return options.calls_at_once;
  // SIPp's default: three times what would be open if all went well, for a second at least.
  const double duration_ms = std::max(
      1000.0, scenario.DurationMs(static_cast<double>(options.call_duration.count()) / 1e6));
  const double calls =
      3 * rate * duration_ms / (static_cast<double>(options.rate_period.count()) / 1e6);
  constexpr double kMost = 1 << 20;
  return static_cast<size_t>(std::clamp(calls, 1.0, kMost));
}

LoadWorker::LoadWorker(const Parts& parts)
    : parts_(parts),
      is_server_(parts.scenario->role() == Scenario::Role::kServer),
      now_(parts.clock->Now()),
      started_(now_),
      pace_quantum_(parts.options->latency_budget),
      timers_(now_),
      store_(StoreCounts(Capacity(*parts.options, *parts.scenario, is_server_))),
      calls_at_once_(CallsAtOnce(*parts.options, *parts.scenario)),
      line_cursors_(parts.injections->size()),
      call_id_(kCallIdBytes),
      answer_(core::sip::Message::kBytesMax) {
  wall_.Update(now_, parts.clock->Wall());
  parts_.trace->SetWall(wall());
  const Options& options = *parts.options;
  std::vector<const Scenario*> scenarios = {parts.scenario};
  if (parts.out_of_call != nullptr) scenarios.push_back(parts.out_of_call);
  calls_ = std::make_unique<CallSet>(
      CallSet::Limits{.calls = Capacity(options, *parts.scenario, is_server_),
                      .dead_calls = DeadCapacity(options, is_server_)},
      scenarios, parts.injections->size(), &store_, parts.random);
  environment_ = {.options = parts.options,
                  .run = parts.run,
                  .injections = parts.injections,
                  .io = parts.io,
                  .timers = &timers_,
                  .store = &store_,
                  .random = parts.random,
                  .calls = calls_.get(),
                  .trace = parts.trace,
                  .requests = &requests_,
                  .socket = parts.socket,
                  .local = parts.local,
                  .target = parts.target,
                  .target_is_all = parts.target_is_all,
                  .run_started = started_};
  player_ = std::make_unique<ScenarioPlayer>(parts.scenario, &environment_);
  if (parts.out_of_call != nullptr) {
    out_of_call_ = std::make_unique<ScenarioPlayer>(parts.out_of_call, &environment_);
  }
  if (options.users >= 0 && !is_server_) {
    const auto users = static_cast<size_t>(options.users);
    player_->SetUsers(users);
    player_->SetOnEnd(this, OnCallEnd);
    free_users_.reserve(users);
    for (size_t i = users; i > 0; --i) free_users_.push_back(static_cast<int64_t>(i));
  }
  const core::Duration interval =
      options.rate_interval > core::Duration{0} ? options.rate_interval : options.stat_interval;
  rate_.emplace(CallRate::Plan{.rate = options.rate,
                               .period = options.rate_period,
                               .increase = options.rate_increase,
                               .interval = interval,
                               .max = options.rate_max,
                               .ends_at_max = options.rate_max_quits},
                started_);
  if (is_server_ || options.users >= 0) rate_->Stop();
}

LoadWorker::~LoadWorker() = default;

Instant LoadWorker::NextDue() const {
  Instant due = std::min(timers_.NextDue(), drain_until_);
  if (phase_ != Phase::kRunning || is_server_ || paused_) return due;
  if (parts_.options->users >= 0) return free_users_.empty() || HasAllCalls() ? due : now_;
  if (rate_->next() == core::kNever) return due;
  // Above one call a quantum they start by the few: a wake-up for each costs more than it paces.
  return std::min(due, std::max(rate_->next(), opened_ + pace_quantum_));
}

void LoadWorker::Turn() {
  parts_.io->FlushAndWait(NextDue());
  now_ = parts_.clock->Now();  // After the wait, or it is stale by the whole of it.
  wall_.Update(now_, parts_.clock->Wall());
  parts_.trace->SetWall(wall());
  for (Packet& packet : parts_.io->Receive()) OnPacket(std::move(packet), now_);
  for (const core::net::SendError& error : parts_.io->Errors()) OnSendError(error, now_);
  timers_.FireDue(now_);
  OnTurnEnd(now_);
}

void LoadWorker::OnTurnEnd(Instant now) {
  if (requests_.stop_now || requests_.fatal) EndNow();
  if (requests_.stop_gracefully) Drain();
  // What a process takes to start is not a call's lateness.
  if (!std::exchange(has_begun_, true)) rate_->Begin(now);
  OpenDue(now);
  if (phase_ == Phase::kRunning && !is_server_ && rate_->over()) Drain();
  if (phase_ == Phase::kRunning && HasAllCalls()) Drain();
  if (phase_ == Phase::kDraining && calls_->size() == 0) phase_ = Phase::kEnded;
  if (phase_ == Phase::kDraining && now >= drain_until_) EndNow();
}

void LoadWorker::Drain(Instant until) {
  if (phase_ == Phase::kRunning) phase_ = Phase::kDraining;
  drain_until_ = std::min(drain_until_, until);
}

core::Duration LoadWorker::DrainMax() const {
  constexpr core::Duration kTransaction = std::chrono::seconds(32);
  const double option_ms = static_cast<double>(parts_.options->call_duration.count()) / 1e6;
  return PauseLength(parts_.scenario->DurationMs(option_ms)) + kTransaction;
}

void LoadWorker::ChangeRate(double more, Instant now) {
  rate_->Change(std::max(0.0, rate_->rate() + more), now);
  // As far as there is room: it was made for the rate of the command line, and some thousand more.
  calls_at_once_ = std::min(
      std::max(calls_at_once_, CallsAtOnce(*parts_.options, *parts_.scenario, rate_->rate())),
      calls_->capacity());
}

void LoadWorker::TogglePause(Instant now) {
  paused_ = !paused_;
  if (!paused_) rate_->Change(rate_->rate(), now);
}

void LoadWorker::EndNow() {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  while (Call* call = calls_->first()) call->player->Abort(call, now_);
  parts_.io->FlushAndWait(now_);  // What they say at their end is still sent.
}

void LoadWorker::OnSendError(const core::net::SendError& error, Instant) {
  ++counts_.icmp_errors;
  const core::Endpoint::Text remote = error.remote.text();
  parts_.trace->Warn({"a datagram did not reach ", remote.view()});
}

// Nobody writes to a single worker.
void LoadWorker::OnEnvelope(const core::engine::Envelope&, Instant) {}

void LoadWorker::OnPacket(Packet packet, Instant now) {
  if (media_ != nullptr && media_->Owns(packet.socket())) {
    return media_->OnPacket(std::move(packet), now);
  }
  const std::string_view bytes = packet.text();
  if (IsKeepAlive(bytes)) return;
  counts_.receive_lag_us.Record((now - packet.received_at()) / std::chrono::microseconds(1));
  parts_.trace->Received(bytes);
  const std::string_view call_id = TrimCallId(core::sip::PeekCallId(bytes));
  if (call_id.empty() || !LooksLikeSip(bytes)) {
    ++counts_.not_sip;
    parts_.trace->Warn({"a datagram that is not SIP, or has no Call-ID, is discarded"}, bytes);
    return;
  }
  if (Call* call = calls_->Find(call_id)) return OnMessageOfCall(call, packet, now);
  OnUnknown(packet, call_id, now);
}

void LoadWorker::OnMessageOfCall(Call* call, const Packet& packet, Instant now) {
  Received* received = calls_->Keep(packet.text(), packet.received_at());
  if (received == nullptr) {
    ++counts_.calls_dry;
    return;
  }
  call->player->OnMessage(call, received, now);
}

void LoadWorker::OnUnknown(const Packet& packet, std::string_view call_id, Instant now) {
  if (calls_->WasLately(call_id, now)) {
    ++counts_.dead_call;
    return;
  }
  const bool is_request = !IsResponse(packet.text());
  if (is_server_) {
    // (SIPp opens a call even for these, which never ends: who asks now and then whether we are
    // there would use up -m.)
    const std::string_view method = packet.text().substr(0, packet.text().find(' '));
    if (parts_.options->auto_answer && is_request &&
        IsAutoAnswered(core::sip::FindMethod(method)) && !parts_.scenario->BeginsWith(method)) {
      return AnswerOutside(packet);
    }
    if (phase_ == Phase::kRunning && !HasAllCalls()) {
      return OpenIncoming(packet, call_id, player_.get(), now);
    }
  } else if (is_request) {
    if (out_of_call_ != nullptr) return OpenIncoming(packet, call_id, out_of_call_.get(), now);
    if (parts_.options->auto_answer) return AnswerOutside(packet);
  }
  ++counts_.out_of_call;
  parts_.trace->Warn({"Discarding message which can't be mapped to a known call"}, packet.text());
}

void LoadWorker::OpenIncoming(const Packet& packet, std::string_view call_id,
                              ScenarioPlayer* player, Instant now) {
  const Instant at = std::min(packet.received_at(), now);
  Call* call = player->Open({.call_id = call_id,
                             .remote = parts_.target_is_all ? parts_.target : packet.remote(),
                             .planned = at,
                             .number = player->statistics().counts.created() + 1,
                             .is_server = true},
                            now);
  if (call == nullptr) {
    ++counts_.calls_dry;
    return;
  }
  AssignLines(call);
  if (player != player_.get()) ++player->mutable_statistics()->counts.auto_answered;
  OnMessageOfCall(call, packet, now);
}

// -aa, for what belongs to no call: 200, and nothing is remembered.
void LoadWorker::AnswerOutside(const Packet& packet) {
  core::sip::Message message;
  const bool read = message.Index(packet.text()) == core::sip::ParseError::kOk;
  if (!read || !IsAutoAnswered(message.method())) {
    ++counts_.out_of_call;
    return;
  }
  core::sip::TextWriter out(answer_);
  WriteDefaultOk(message, parts_.run, &out);
  Packet answer = store_.Copy(out.text());
  if (!answer) {
    ++environment_.store_dry;
    return;
  }
  answer.SetRoute(parts_.socket, parts_.local,
                  parts_.target_is_all ? parts_.target : packet.remote());
  ++counts_.auto_answered;
  parts_.trace->Sent(answer.text());
  parts_.io->Send(std::move(answer));
}

bool LoadWorker::HasAllCalls() const {
  const uint64_t wanted = parts_.options->calls;
  return wanted != 0 && player_->statistics().counts.created() >= wanted;
}

void LoadWorker::OpenDue(Instant now) {
  if (phase_ != Phase::kRunning || is_server_ || paused_) return;
  if (parts_.options->users >= 0) return OpenForUsers(now);
  if (rate_->next() <= now) opened_ = now;
  for (size_t i = 0; i < kOpensPerTurnMax && rate_->next() <= now && !HasAllCalls(); ++i) {
    const Instant planned = rate_->next();
    rate_->Take();
    ++counts_.planned;
    if (player_->statistics().current >= calls_at_once_) {
      ++counts_.not_opened;
      continue;
    }
    OpenOutgoing(planned, 0, now);
  }
}

// A closed loop: whoever is free calls at once, so there is no lag to measure.
void LoadWorker::OpenForUsers(Instant now) {
  for (size_t i = 0; i < kOpensPerTurnMax && !free_users_.empty() && !HasAllCalls(); ++i) {
    const int64_t user = free_users_.back();
    free_users_.pop_back();
    ++counts_.planned;
    OpenOutgoing(now, user, now);
  }
}

void LoadWorker::OpenOutgoing(Instant planned, int64_t user_id, Instant now) {
  player_->mutable_statistics()->start_lag_us.Record((now - planned) /
                                                     std::chrono::microseconds(1));
  const uint64_t number = player_->statistics().counts.created() + 1;
  Call* call = player_->Open({.call_id = NextCallId(),
                              .remote = parts_.target,
                              .planned = planned,
                              .number = number,
                              .user_id = user_id},
                             now);
  if (call == nullptr) {
    ++counts_.calls_dry;
    if (user_id != 0) free_users_.push_back(user_id);
    return;
  }
  AssignLines(call);
  player_->Begin(call, now);
}

void LoadWorker::AssignLines(Call* call) {
  for (size_t i = 0; i < call->injection_lines.size(); ++i) {
    const InjectionFile& file = parts_.injections->file(i);
    const std::optional<uint32_t> line =
        file.NextLine(&line_cursors_[i], static_cast<uint32_t>(call->user_id), parts_.random);
    call->injection_lines[i] = line.value_or(InjectionFile::kNoLine);
    if (line || requests_.fatal) continue;
    requests_.fatal = true;
    requests_.why_fatal = core::Concat("-inf ", file.name(), " has only ", file.line_count(),
                                       " lines, and user ", call->user_id, " wants one");
    parts_.trace->Warn({requests_.why_fatal});
  }
}

std::string_view LoadWorker::NextCallId() {
  core::sip::TextWriter out(call_id_);
  const std::string& format = parts_.options->call_id_format;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out.Append(format[i]);
      continue;
    }
    switch (format[++i]) {
      case 'u':
        out.AppendNumber(player_->statistics().counts.created() + 1);
        break;
      case 'p':
        out.AppendNumber(parts_.run->pid);
        break;
      case 's':
        out.Append(parts_.run->local_ip);
        break;
      case 'r':
        out.AppendNumber(parts_.random->Next() >> 32);
        break;
      default:
        out.Append(format[i]);
    }
  }
  return out.text();
}

// A user whose call has ended is free for the next.
void LoadWorker::OnCallEnd(void* owner, int64_t user_id) {
  if (user_id != 0) static_cast<LoadWorker*>(owner)->free_users_.push_back(user_id);
}

}  // namespace loadgen
