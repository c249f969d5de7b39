#include "tests/support/sim_user_agent.h"

#include <algorithm>
#include <cstdio>

namespace tests {

using core::Duration;
using core::Endpoint;
using core::Instant;
using core::kNever;

namespace {

constexpr Duration kT1 = std::chrono::milliseconds(500);
constexpr Duration kT2 = std::chrono::seconds(4);

bool IsOf(const SimMessage& message, std::string_view method, int status) {
  return message.method() == method && message.status() == status;
}

}  // namespace

SimUserAgent::SimUserAgent(Options options, SimNetwork* network, Simulation* simulation)
    : options_(std::move(options)), network_(network), simulation_(simulation), io_(network) {
  core::net::SocketOptions socket;
  CHECK(Endpoint::Parse(options_.address, &socket.local));
  CHECK(Endpoint::Parse(options_.sbc, &sbc_));
  const auto opened = io_.Open(socket);
  CHECK(opened.ok());
  socket_ = *opened;
  local_ = socket.local;
  simulation->Add(this, &io_);
}

SimUserAgent::~SimUserAgent() { simulation_->Remove(this); }

void SimUserAgent::Turn() {
  io_.FlushAndWait({});
  for (core::Packet& packet : io_.Receive()) OnDatagram(packet.text(), packet.remote());
  OnTimers(now());
}

Instant SimUserAgent::NextDue() const {
  Instant next = due_.empty() ? kNever : due_.begin()->first;
  for (const Client& client : clients_) {
    next = std::min({next, client.resend_at, client.give_up});
  }
  for (const Server& server : servers_) next = std::min(next, server.forget_at);
  for (const Repeat& repeat : repeats_) next = std::min({next, repeat.resend_at, repeat.give_up});
  for (const auto& call : calls_) {
    for (const SimDialog& dialog : call->dialogs) next = std::min(next, dialog.session_due);
  }
  return next;
}

void SimUserAgent::OnDatagram(std::string_view text, const Endpoint& from) {
  if (dead_) return;
  log_.push_back({now(), false, std::string(text)});
  SimMessage message;
  CHECK(SimMessage::Parse(text, &message));
  if (message.is_request()) {
    OnRequest(message, from);
  } else {
    OnResponse(message);
  }
}

void SimUserAgent::Send(const std::string& text, const Endpoint& to) {
  if (dead_) return;
  log_.push_back({now(), true, text});
  core::Packet packet = store_.Copy(text);
  CHECK(packet);
  packet.SetRoute(socket_, local_, to);
  io_.Send(std::move(packet));
}

void SimUserAgent::SendRaw(const std::string& text) { Send(text, sbc_); }
void SimUserAgent::SendRaw(const std::string& text, const Endpoint& to) { Send(text, to); }

// ---- time --------------------------------------------------------------------------------------

void SimUserAgent::Begin(size_t call, std::vector<SimStep> script, size_t dialog) {
  if (script.empty()) return;
  if (dialog != SIZE_MAX) {
    for (SimStep& step : script) step.fork = dialog;
  }
  const Instant due = now() + script[0].after;
  due_.emplace(due, Due{call, std::move(script)});
}

void SimUserAgent::OnTimers(Instant now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    Due due = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    const SimStep step = due.steps.front();
    due.steps.erase(due.steps.begin());
    if (!due.steps.empty()) due_.emplace(now + due.steps[0].after, due);
    Do(due.call, step);
  }
  for (size_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i].give_up <= now) {
      const Client client = clients_[i];
      clients_.erase(clients_.begin() + static_cast<ptrdiff_t>(i--));
      if (!client.over) OnGiveUp(client);
      continue;
    }
    Client& client = clients_[i];
    if (client.resend_at > now) continue;
    Send(client.text, client.to);
    client.interval = client.method == "INVITE" ? 2 * client.interval
                      : client.provisional      ? kT2
                                                : std::min(2 * client.interval, kT2);
    client.resend_at = now + client.interval;
  }
  std::erase_if(servers_, [&](const Server& server) { return server.forget_at <= now; });
  for (size_t i = 0; i < repeats_.size(); ++i) {
    if (repeats_[i].give_up <= now) {
      const Repeat repeat = repeats_[i];
      repeats_.erase(repeats_.begin() + static_cast<ptrdiff_t>(i--));
      OnRepeatGiveUp(repeat);
      continue;
    }
    Repeat& repeat = repeats_[i];
    if (repeat.resend_at > now) continue;
    Send(repeat.text, repeat.to);
    repeat.interval = repeat.rseq != 0 ? 2 * repeat.interval : std::min(2 * repeat.interval, kT2);
    repeat.resend_at = now + repeat.interval;
  }
  for (size_t c = 0; c < calls_.size(); ++c) {
    for (size_t d = 0; d < calls_[c]->dialogs.size(); ++d) {
      SimDialog& dialog = calls_[c]->dialogs[d];
      if (dialog.session_due > now) continue;
      dialog.session_due = kNever;
      SimStep step;
      step.fork = d;
      step.method = dialog.session_mine ? "UPDATE" : "BYE";
      if (dialog.session_mine) {
        step.fields =
            "Session-Expires: " + std::to_string(dialog.session_interval) + ";refresher=uac\r\n";
      }
      SendInDialog(c, d, step);
    }
  }
}

void SimUserAgent::OnGiveUp(const Client& client) {
  SimCall& call = *calls_[client.call];
  if (client.dialog < call.dialogs.size() && client.method != "PRACK") {
    call.dialogs[client.dialog].reinviting = false;
    End(&call.dialogs[client.dialog]);
  }
  if (client.method == "INVITE" && call.final_status == 0) call.final_status = 408;
}

void SimUserAgent::OnRepeatGiveUp(const Repeat& repeat) {
  // No ACK of a 2xx: the dialog ends with a BYE (RFC 3261 §13.3.1.4).
  if (!repeat.success) return;
  SimStep bye;
  bye.method = "BYE";
  SendInDialog(repeat.call, repeat.dialog, bye);
}

// ---- transactions ------------------------------------------------------------------------------

void SimUserAgent::SendRequest(size_t call, size_t dialog, const std::string& method,
                               uint32_t sequence, const std::string& text, const Endpoint& to) {
  SimMessage sent;
  CHECK(SimMessage::Parse(text, &sent));
  Client client;
  client.branch = sent.Branch();
  client.method = method;
  client.text = text;
  client.to = to;
  client.call = call;
  client.dialog = dialog;
  client.sequence = sequence;
  client.interval = kT1;
  client.resend_at = now() + kT1;
  client.give_up = now() + 64 * kT1;
  clients_.push_back(client);
  Send(text, to);
}

void SimUserAgent::RespondTo(const SimMessage& request, const Endpoint& to, int status,
                             const std::string& tag, const std::string& fields,
                             const std::string& body, std::string* text) {
  std::string out = "SIP/2.0 " + std::to_string(status) + " As Planned\r\n";
  for (const std::string& via : request.All("Via")) out += "Via: " + via + "\r\n";
  out += "From: " + request.Get("From") + "\r\nTo: " + request.Get("To");
  if (request.Tag("To").empty() && !tag.empty()) out += ";tag=" + tag;
  out += "\r\nCall-ID: " + request.call_id() + "\r\nCSeq: " + request.Get("CSeq") + "\r\n";
  out += "Server: " + options_.name + "agent\r\n" + fields;
  if (!body.empty()) out += "Content-Type: application/sdp\r\n";
  out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const std::string key = request.Branch() + request.method();
  for (Server& server : servers_) {
    if (server.key == key) server.response = out;
  }
  if (text != nullptr) *text = out;
  Send(out, to);
}

void SimUserAgent::OnRequest(const SimMessage& request, const Endpoint& from) {
  if (request.method() == "ACK") return OnAck(request);
  const std::string key = request.Branch() + request.method();
  for (const Server& server : servers_) {
    if (server.key != key) continue;
    if (!server.response.empty()) Send(server.response, server.to);
    return;
  }
  servers_.push_back({key, "", from, now() + 400 * kT1});
  if (request.method() == "CANCEL") return OnCancel(request, from);
  if (!request.Tag("To").empty()) return OnInDialog(request, from);
  if (request.method() == "INVITE") return OnInvite(request, from);
  RespondTo(request, from,
            request.method() == "OPTIONS" || request.method() == "MESSAGE" ? 200 : 481, NewTag(),
            "", "");
}

void SimUserAgent::OnResponse(const SimMessage& response) {
  for (size_t i = 0; i < clients_.size(); ++i) {
    Client& client = clients_[i];
    if (client.branch != response.Branch() || client.method != response.method()) continue;
    if (client.method == "INVITE") return OnInviteResponse(client.call, &client, response);
    if (response.status() < 200) {
      client.provisional = true;
      return;
    }
    if (client.over) return;
    client.over = true;
    client.resend_at = kNever;
    client.give_up = now() + std::chrono::seconds(5);
    const Client copy = client;
    if (copy.method != "CANCEL") OnOtherResponse(copy, response);
    return;
  }
}

void PrintTrace(const std::vector<const SimUserAgent*>& agents) {
  std::multimap<Instant, std::string> lines;
  for (const SimUserAgent* agent : agents) {
    for (const SimUserAgent::Entry& entry : agent->log()) {
      lines.emplace(entry.at, agent->name() + (entry.sent ? " says\n" : " hears\n") + entry.text);
    }
  }
  for (const auto& [at, line] : lines) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(at - core::Instant{});
    std::fprintf(stderr, "--- %.4f s: %s\n", static_cast<double>(us.count()) / 1e6, line.c_str());
  }
}

// ---- what tests ask ----------------------------------------------------------------------------

size_t SimUserAgent::OpenDialogs() const {
  size_t open = 0;
  for (const auto& call : calls_) {
    for (const SimDialog& dialog : call->dialogs) {
      open += dialog.state == SimDialog::State::kConfirmed ? 1u : 0u;
    }
  }
  return open;
}

std::vector<SimMessage> SimUserAgent::Got(std::string_view method, int status) const {
  std::vector<SimMessage> found;
  for (const Entry& entry : log_) {
    SimMessage message;
    if (!entry.sent && SimMessage::Parse(entry.text, &message) && IsOf(message, method, status)) {
      found.push_back(message);
    }
  }
  return found;
}

std::vector<SimMessage> SimUserAgent::Sent(std::string_view method, int status) const {
  std::vector<SimMessage> found;
  for (const Entry& entry : log_) {
    SimMessage message;
    if (entry.sent && SimMessage::Parse(entry.text, &message) && IsOf(message, method, status)) {
      found.push_back(message);
    }
  }
  return found;
}

}  // namespace tests
