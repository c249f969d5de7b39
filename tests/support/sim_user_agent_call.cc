// What a scripted user agent makes of messages, and what it says itself.

#include <algorithm>
#include <cstdlib>

#include "tests/support/sim_user_agent.h"

namespace tests {

using core::Duration;
using core::Endpoint;
using core::kNever;
using std::chrono::milliseconds;
using std::chrono::seconds;
using State = SimDialog::State;

namespace {

constexpr size_t kNoDialog = SIZE_MAX;
constexpr Duration kT1 = milliseconds(500);
constexpr char kAllow[] = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO, MESSAGE, NOTIFY, REFER";

std::string WithoutTag(std::string value) {
  const size_t bracket = value.find('>');
  const size_t at = value.find(";tag=", bracket == std::string::npos ? 0 : bracket);
  if (at == std::string::npos) return value;
  const size_t end = value.find(';', at + 1);
  return value.substr(0, at) + (end == std::string::npos ? "" : value.substr(end));
}

std::string HostPort(const std::string& endpoint) {
  const size_t colon = endpoint.rfind(':');
  return endpoint.substr(colon) == ":5060" ? endpoint.substr(0, colon) : endpoint;
}

}  // namespace

// ---- how it looks ------------------------------------------------------------------------------

std::string SimUserAgent::Vias(const std::string& branch) const {
  std::string vias = "Via: SIP/2.0/UDP " + options_.address +
                     (options_.connector ? ";branch=" : ";rport;branch=") + branch + "\r\n";
  if (options_.connector) {
    vias += "Via: SIP/2.0/UDP 10.0.58.47;received=10.0.58.47;rport=5060;branch=z9hG4bKinner" +
            options_.name + "\r\n";
  }
  return vias;
}

std::string SimUserAgent::Contact() const {
  if (!options_.contact.empty()) return "Contact: <" + options_.contact + ">\r\n";
  return options_.connector ? "Contact: <sip:10.0.58.47:5060;alias=10.0.58.47~5060~1>\r\n"
                            : "Contact: <sip:asterisk@" + options_.address + ">\r\n";
}

std::string SimUserAgent::RecordRoute() const {
  if (!options_.connector) return "";
  return "Record-Route: <sip:" + HostPort(options_.address) + ";lr;ftag=" + options_.name +
         "ftag;did=c71.2ee3;nat=yes>\r\n";
}

std::string SimUserAgent::Identity() const { return "User-Agent: " + options_.name + "agent\r\n"; }

Endpoint SimUserAgent::HopOf(const SimDialog& dialog) const {
  std::string uri =
      dialog.routes.empty() || options_.connector ? dialog.target : UriOf(dialog.routes.front());
  uri = uri.substr(uri.find(':') + 1);
  uri = uri.substr(0, uri.find(';'));
  if (const size_t at = uri.find('@'); at != std::string::npos) uri = uri.substr(at + 1);
  if (uri.find(':') == std::string::npos) uri += ":5060";
  Endpoint hop;
  return Endpoint::Parse(uri, &hop) ? hop : sbc_;
}

// ---- as caller ---------------------------------------------------------------------------------

size_t SimUserAgent::Place(SimPlan plan) {
  auto call = std::make_unique<SimCall>();
  call->caller = true;
  call->call_id = options_.name + "call" + std::to_string(++serial_);
  call->local_tag = NewTag();
  const std::string own = options_.connector ? "10.0.58.47:5060" : "10.0.0.141";
  call->local = "<sip:" + plan.caller + "@" + own + ">";
  const std::string host = HostPort(options_.sbc);
  const std::string uri = "sip:" + plan.number + "@" + host + (options_.connector ? ":5060" : "");
  call->remote = "<" + uri + ">" + (options_.connector ? ";transport=UDP" : "");
  call->sequence = 23513;
  const std::string branch = NewBranch();
  std::string text =
      "INVITE " + uri + (options_.connector ? ";transport=UDP" : "") + " SIP/2.0\r\n" +
      RecordRoute() + Vias(branch) + "Max-Forwards: 69\r\nFrom: " + call->local +
      ";tag=" + call->local_tag + "\r\nTo: " + call->remote + "\r\nCall-ID: " + call->call_id +
      "\r\nCSeq: " + std::to_string(call->sequence) + " INVITE\r\n" + Contact() + Identity();
  text += std::string("Allow: ") + kAllow + (plan.updates ? ", UPDATE\r\n" : "\r\n");
  text += std::string("Supported: histinfo") + (plan.timer ? ", timer" : "") +
          (plan.supports_100rel ? ", 100rel" : "") + "\r\n";
  if (plan.requires_100rel) text += "Require: 100rel\r\n";
  if (plan.timer && plan.session_expires != 0) {
    text += "Session-Expires: " + std::to_string(plan.session_expires) +
            (plan.refresher.empty() ? "" : ";refresher=" + plan.refresher) + "\r\nMin-SE: 90\r\n";
  }
  text += plan.fields;
  if (!plan.body.empty()) text += "Content-Type: " + plan.content_type + "\r\n";
  text += "Content-Length: " + std::to_string(plan.body.size()) + "\r\n\r\n" + plan.body;
  CHECK(SimMessage::Parse(text, &call->invite));
  call->plan = std::move(plan);
  calls_.push_back(std::move(call));
  const size_t index = calls_.size() - 1;
  SendRequest(index, kNoDialog, "INVITE", calls_[index]->sequence, text, sbc_);
  Begin(index, calls_[index]->plan.script);
  return index;
}

size_t SimUserAgent::DialogOf(SimCall* call, const SimMessage& response) {
  const std::string tag = response.Tag("To");
  for (size_t i = 0; i < call->dialogs.size(); ++i) {
    if (call->dialogs[i].remote_tag == tag) return i;
  }
  SimDialog dialog;
  dialog.local_tag = call->local_tag;
  dialog.remote_tag = tag;
  dialog.target = response.ContactUri();
  dialog.local_sequence = call->sequence;
  dialog.routes = response.All("Record-Route");
  std::reverse(dialog.routes.begin(), dialog.routes.end());
  call->dialogs.push_back(dialog);
  return call->dialogs.size() - 1;
}

void SimUserAgent::OnInviteResponse(size_t c, Client* client, const SimMessage& response) {
  SimCall& call = *calls_[c];
  const bool initial = client->dialog == kNoDialog;
  const int status = response.status();
  if (initial && (call.statuses.empty() || call.statuses.back() != status)) {
    call.statuses.push_back(status);
  }
  if (status < 200) {
    if (client->over) return;
    client->provisional = true;
    client->resend_at = kNever;
    if (!call.cancelled) client->give_up = now() + seconds(400);
    if (!initial) return;
    call.provisional = true;
    if (!response.Tag("To").empty()) {
      const size_t dialog = DialogOf(&call, response);
      if (response.Lists("Require", "100rel") && call.plan.prack) Prack(c, dialog, response);
    }
    if (call.cancel_wanted) SendCancel(c);
    return;
  }
  const bool first = !client->over;
  client->over = true;
  client->resend_at = kNever;
  if (first) client->give_up = now() + 64 * kT1;
  if (status < 300) return OnSuccess(c, Client(*client), response);
  if (first) {
    SimMessage request;
    CHECK(SimMessage::Parse(client->text, &request));
    client->ack = "ACK " + request.uri() + " SIP/2.0\r\nVia: " + request.Get("Via") +
                  "\r\nFrom: " + request.Get("From") + "\r\nTo: " + response.Get("To") +
                  "\r\nCall-ID: " + request.call_id() +
                  "\r\nCSeq: " + std::to_string(client->sequence) + " ACK\r\nMax-Forwards: 70\r\n";
    for (const std::string& route : request.All("Route")) client->ack += "Route: " + route + "\r\n";
    client->ack += "Content-Length: 0\r\n\r\n";
    if (initial) {
      call.final_status = status;
      for (SimDialog& dialog : call.dialogs) End(&dialog);
    } else {
      call.dialogs[client->dialog].reinviting = false;
      if (status == 481 || status == 408) End(&call.dialogs[client->dialog]);
    }
  }
  if (call.plan.ack) Send(client->ack, client->to);
}

void SimUserAgent::OnSuccess(size_t c, const Client& client, const SimMessage& response) {
  SimCall& call = *calls_[c];
  const bool initial = client.dialog == kNoDialog;
  const size_t d = initial ? DialogOf(&call, response) : client.dialog;
  SimDialog& dialog = call.dialogs[d];
  const std::string sequence = std::to_string(client.sequence);
  const bool repeat = initial ? dialog.answered
                              : !dialog.reinviting &&
                                    dialog.ack.find("CSeq: " + sequence + " ") != std::string::npos;
  if (repeat) {
    if (dialog.acked && !dialog.ack.empty()) Send(dialog.ack, HopOf(dialog));
    return;
  }
  SimMessage request;
  CHECK(SimMessage::Parse(client.text, &request));
  dialog.target = response.ContactUri();
  if (initial) {
    dialog.routes = response.All("Record-Route");
    std::reverse(dialog.routes.begin(), dialog.routes.end());
    dialog.answered = true;
    dialog.answered_at = now();
    dialog.state = State::kConfirmed;
    call.final_status = response.status();
  }
  dialog.reinviting = false;
  AgreeSession(call, &dialog, response.Get("Session-Expires"), true);
  dialog.ack = InDialogText(call, dialog, "ACK", client.sequence, "",
                            request.body.empty() && !response.body.empty() ? call.plan.sdp : "");
  if (!call.plan.ack) return;
  if (call.plan.ack_delay > Duration{}) {
    SimStep ack;
    ack.method = "ACK";
    ack.fork = d;
    due_.emplace(now() + call.plan.ack_delay, Due{c, {ack}});
    return;
  }
  SimStep ack;
  ack.method = "ACK";
  ack.fork = d;
  Do(c, ack);
}

void SimUserAgent::Prack(size_t c, size_t d, const SimMessage& response) {
  SimDialog& dialog = calls_[c]->dialogs[d];
  const auto rseq = static_cast<uint32_t>(std::atoll(response.Get("RSeq").c_str()));
  if (dialog.last_rseq_seen != 0 && rseq != dialog.last_rseq_seen + 1) return;
  dialog.last_rseq_seen = rseq;
  SimStep step;
  step.method = "PRACK";
  step.fields = "RAck: " + std::to_string(rseq) + " " + response.Get("CSeq") + "\r\n";
  if (!response.body.empty()) step.body = calls_[c]->plan.prack_body;
  SendInDialog(c, d, step);
}

void SimUserAgent::SendCancel(size_t c) {
  SimCall& call = *calls_[c];
  if (call.final_status != 0 || call.cancelled) return;
  call.cancelled = true;
  const SimMessage& invite = call.invite;
  std::string text = "CANCEL " + invite.uri() + " SIP/2.0\r\nVia: " + invite.Get("Via") +
                     "\r\nMax-Forwards: 70\r\nFrom: " + invite.Get("From") +
                     "\r\nTo: " + invite.Get("To") + "\r\nCall-ID: " + call.call_id +
                     "\r\nCSeq: " + std::to_string(call.sequence) +
                     " CANCEL\r\nContent-Length: 0\r\n\r\n";
  for (Client& client : clients_) {
    if (client.call == c && client.method == "INVITE" && client.dialog == kNoDialog) {
      client.give_up = now() + 64 * kT1;
    }
  }
  SendRequest(c, kNoDialog, "CANCEL", call.sequence, text, sbc_);
}

void SimUserAgent::OnOtherResponse(const Client& client, const SimMessage& response) {
  SimCall& call = *calls_[client.call];
  if (client.dialog >= call.dialogs.size()) return;
  SimDialog& dialog = call.dialogs[client.dialog];
  if (response.status() == 481 || response.status() == 408) {
    if (dialog.state == State::kConfirmed) End(&dialog);
    return;
  }
  if (client.method != "UPDATE" || dialog.state == State::kEnded) return;
  if (response.status() / 100 == 2) {
    AgreeSession(call, &dialog, response.Get("Session-Expires"), true);
  } else if (dialog.session_interval != 0 && dialog.session_due == kNever) {
    dialog.session_due = now() + seconds(3);
  }
}

// ---- as callee ---------------------------------------------------------------------------------

void SimUserAgent::OnInvite(const SimMessage& invite, const Endpoint& /*from*/) {
  auto call = std::make_unique<SimCall>();
  if (!expected_.empty()) {
    call->plan = std::move(expected_.front());
    expected_.pop_front();
  } else if (planner_) {
    call->plan = planner_(invite);
  }
  std::vector<SimStep>& script = call->plan.script;
  if (script.empty() && !call->plan.silent) {
    script.push_back({.after = milliseconds(20), .status = 180});
    script.push_back({.after = milliseconds(200), .status = 200, .body = kSdp});
  }
  call->call_id = invite.call_id();
  call->invite = invite;
  call->local = WithoutTag(invite.Get("To"));
  call->remote = WithoutTag(invite.Get("From"));
  calls_.push_back(std::move(call));
  if (!calls_.back()->plan.silent) Begin(calls_.size() - 1, calls_.back()->plan.script);
}

void SimUserAgent::EnsureFork(SimCall* call, size_t fork) {
  while (call->dialogs.size() <= fork) {
    SimDialog dialog;
    dialog.local_tag = NewTag();
    dialog.remote_tag = call->invite.Tag("From");
    dialog.target = call->invite.ContactUri();
    dialog.routes = call->invite.All("Record-Route");
    dialog.local_sequence = 100;
    call->dialogs.push_back(dialog);
  }
}

void SimUserAgent::Respond(size_t c, const SimStep& step) {
  SimCall& call = *calls_[c];
  const int status = step.status;
  const bool success = status / 100 == 2;
  if (call.cancelled) return;
  if (call.final_status != 0 && !(success && call.final_status / 100 == 2)) return;
  if (status > 100) EnsureFork(&call, step.fork);
  if (success && call.dialogs[step.fork].answered) return;
  std::string fields;
  if (status > 100 && status < 300) {
    for (const std::string& route : call.invite.All("Record-Route")) {
      fields += "Record-Route: " + route + "\r\n";
    }
    fields += RecordRoute() + Contact() + "Allow: " + kAllow +
              (call.plan.updates ? ", UPDATE\r\n" : "\r\n");
  }
  Repeat repeat;
  repeat.call = c;
  repeat.dialog = step.fork;
  repeat.sequence = call.invite.sequence();
  repeat.success = success;
  const bool reliable =
      step.reliable && status < 200 &&
      (call.invite.Lists("Supported", "100rel") || call.invite.Lists("Require", "100rel"));
  if (reliable || success) {
    for (const Repeat& pending : repeats_) {
      if (pending.call != c || pending.dialog != step.fork || pending.rseq == 0) continue;
      due_.emplace(now() + milliseconds(100), Due{c, {step}});  // RFC 3262 §3: one at a time.
      return;
    }
  }
  if (reliable) {
    SimDialog& dialog = call.dialogs[step.fork];
    dialog.rseq = dialog.rseq == 0 ? 7001 : dialog.rseq + 1;
    repeat.rseq = dialog.rseq;
    fields += "Require: 100rel\r\nRSeq: " + std::to_string(dialog.rseq) + "\r\n";
  }
  if (success) {
    SimDialog& dialog = call.dialogs[step.fork];
    dialog.answered = true;
    dialog.answered_at = now();
    dialog.state = State::kConfirmed;
    const std::string session = SessionAnswer(call, call.invite);
    if (!session.empty()) {
      fields += "Session-Expires: " + session + "\r\n";
      if (session.find("uac") != std::string::npos) fields += "Require: timer\r\n";
      AgreeSession(call, &dialog, session, false);
    }
  }
  fields += step.fields;
  RespondTo(call.invite, sbc_, status, status > 100 ? call.dialogs[step.fork].local_tag : "",
            fields, step.body, &repeat.text);
  if (status >= 200) call.final_status = status;
  if (status >= 300) {
    for (SimDialog& dialog : call.dialogs) End(&dialog);
    std::erase_if(repeats_, [&](const Repeat& r) { return r.call == c && r.rseq != 0; });
  }
  if (status < 200 && !reliable) return;
  repeat.to = sbc_;
  repeat.interval = kT1;
  repeat.resend_at = now() + kT1;
  repeat.give_up = now() + 64 * kT1;
  repeats_.push_back(repeat);
}

void SimUserAgent::OnCancel(const SimMessage& cancel, const Endpoint& from) {
  for (size_t c = 0; c < calls_.size(); ++c) {
    SimCall& call = *calls_[c];
    if (call.caller || call.invite.Branch() != cancel.Branch()) continue;
    const auto answer = call.plan.answers.find("CANCEL");
    if (call.plan.silent || (answer != call.plan.answers.end() && answer->second == 0)) return;
    RespondTo(cancel, from, 200, NewTag(), "", "");
    if (call.final_status != 0) return;
    SimStep refuse;
    refuse.status = 487;
    Respond(c, refuse);
    call.cancelled = true;
    return;
  }
  RespondTo(cancel, from, 481, NewTag(), "", "");
}

// ---- inside the dialog -------------------------------------------------------------------------

bool SimUserAgent::Find(const SimMessage& request, size_t* call, size_t* dialog) const {
  const std::string to = request.Tag("To");
  const std::string from = request.Tag("From");
  for (size_t c = 0; c < calls_.size(); ++c) {
    if (calls_[c]->call_id != request.call_id()) continue;
    for (size_t d = 0; d < calls_[c]->dialogs.size(); ++d) {
      const SimDialog& candidate = calls_[c]->dialogs[d];
      if (candidate.local_tag != to || candidate.remote_tag != from) continue;
      *call = c;
      *dialog = d;
      return true;
    }
  }
  return false;
}

void SimUserAgent::OnAck(const SimMessage& ack) {
  for (size_t i = 0; i < repeats_.size(); ++i) {
    const Repeat repeat = repeats_[i];
    SimCall& call = *calls_[repeat.call];
    if (call.call_id != ack.call_id() || repeat.sequence != ack.sequence() || repeat.rseq != 0) {
      continue;
    }
    SimDialog* dialog =
        repeat.dialog < call.dialogs.size() ? &call.dialogs[repeat.dialog] : nullptr;
    if (repeat.success && (dialog == nullptr || dialog->local_tag != ack.Tag("To"))) continue;
    repeats_.erase(repeats_.begin() + static_cast<ptrdiff_t>(i));
    if (!repeat.success || dialog->acked) return;
    dialog->acked = true;
    if (!call.caller) Begin(repeat.call, call.plan.confirmed, repeat.dialog);
    return;
  }
}

bool SimUserAgent::OnPrack(size_t c, size_t d, const SimMessage& prack) {
  const auto rseq = static_cast<uint32_t>(std::atoll(prack.Get("RAck").c_str()));
  return std::erase_if(repeats_, [&](const Repeat& repeat) {
           return repeat.call == c && repeat.dialog == d && repeat.rseq == rseq &&
                  prack.Get("RAck") ==
                      std::to_string(rseq) + " " + std::to_string(repeat.sequence) + " INVITE";
         }) > 0;
}

void SimUserAgent::AnswerInvite(size_t c, size_t d, const SimMessage& invite,
                                const Endpoint& from) {
  SimCall& call = *calls_[c];
  SimDialog& dialog = call.dialogs[d];
  const bool pending = std::any_of(repeats_.begin(), repeats_.end(), [&](const Repeat& repeat) {
    return repeat.call == c && repeat.dialog == d && repeat.success;
  });
  const auto planned = call.plan.answers.find("INVITE");
  int status = planned == call.plan.answers.end() ? 200 : planned->second;
  if (dialog.reinviting) status = 491;
  if (pending) status = 500;
  Repeat repeat;
  repeat.call = c;
  repeat.dialog = d;
  repeat.sequence = invite.sequence();
  repeat.success = status / 100 == 2;
  std::string fields = call.plan.answer_fields["INVITE"];
  if (repeat.success) {
    dialog.target = invite.ContactUri();
    fields += Contact() + "Allow: " + kAllow + (call.plan.updates ? ", UPDATE\r\n" : "\r\n");
    const std::string session = SessionAnswer(call, invite);
    if (!session.empty()) fields += "Session-Expires: " + session + "\r\n";
    AgreeSession(call, &dialog, session, false);
  }
  RespondTo(invite, from, status, "", fields, repeat.success ? call.plan.sdp : "", &repeat.text);
  repeat.to = from;
  repeat.interval = kT1;
  repeat.resend_at = now() + kT1;
  repeat.give_up = now() + 64 * kT1;
  repeats_.push_back(repeat);
}

void SimUserAgent::OnInDialog(const SimMessage& request, const Endpoint& from) {
  size_t c = 0;
  size_t d = 0;
  if (!Find(request, &c, &d)) return RespondTo(request, from, 481, "", "", "");
  SimCall& call = *calls_[c];
  SimDialog& dialog = call.dialogs[d];
  const std::string method = request.method();
  if (method == "BYE" && !dialog.bye_received) {
    dialog.bye_received = true;
    dialog.bye_received_at = now();
  }
  const auto planned = call.plan.answers.find(method);
  int status = planned == call.plan.answers.end() ? 200 : planned->second;
  if (status == 0 || call.plan.silent) return;
  if (dialog.state == State::kEnded) return RespondTo(request, from, 481, "", "", "");
  if (method == "INVITE") return AnswerInvite(c, d, request, from);
  if (method == "PRACK" && !OnPrack(c, d, request)) status = 481;
  std::string fields = call.plan.answer_fields[method];
  std::string body;
  // An offer, where it does not answer ours (RFC 3262 §5).
  const bool offers = method == "PRACK" && !request.body.empty() && !call.invite.body.empty();
  if (status == 200 && offers) body = call.plan.sdp;
  if (status == 200 && method == "UPDATE") {
    dialog.target = request.ContactUri();
    fields += Contact();
    if (!request.body.empty()) body = call.plan.sdp;
    const std::string session = SessionAnswer(call, request);
    if (!session.empty()) fields += "Session-Expires: " + session + "\r\n";
    AgreeSession(call, &dialog, session, false);
  }
  RespondTo(request, from, status, "", fields, body);
  if (method == "BYE") End(&dialog);
  if (method == "REFER" && status / 100 == 2 && on_refer_) on_refer_(c, request);
}

std::string SimUserAgent::InDialogText(const SimCall& call, const SimDialog& dialog,
                                       const std::string& method, uint32_t sequence,
                                       const std::string& fields, const std::string& body) {
  std::string text =
      method + " " + dialog.target + " SIP/2.0\r\n" + Vias(NewBranch()) + "Max-Forwards: 70\r\n";
  // The connector's only route is its own edge, which has done its part when it leaves here.
  if (!options_.connector) {
    for (const std::string& route : dialog.routes) text += "Route: " + route + "\r\n";
  }
  text += "From: " + call.local + ";tag=" + dialog.local_tag + "\r\nTo: " + call.remote +
          ";tag=" + dialog.remote_tag + "\r\nCall-ID: " + call.call_id +
          "\r\nCSeq: " + std::to_string(sequence) + " " + method + "\r\n";
  if (method == "INVITE" || method == "UPDATE") {
    text += Contact() + "Allow: " + kAllow + (call.plan.updates ? ", UPDATE\r\n" : "\r\n");
    if (call.plan.timer) text += "Supported: timer\r\n";
  }
  text += Identity() + fields;
  if (!body.empty() && fields.find("Content-Type") == std::string::npos) {
    text += "Content-Type: application/sdp\r\n";
  }
  return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void SimUserAgent::SendInDialog(size_t c, size_t d, const SimStep& step) {
  SimCall& call = *calls_[c];
  SimDialog& dialog = call.dialogs[d];
  if (dialog.state == State::kEnded && !step.rude) return;
  const uint32_t sequence = ++dialog.local_sequence;
  const std::string text =
      InDialogText(call, dialog, step.method, sequence, step.fields, step.body);
  if (step.method == "INVITE") dialog.reinviting = true;
  if (step.method == "BYE") {
    dialog.bye_sent = true;
    if (!dialog.bye_received) dialog.bye_fields = step.fields;
    End(&dialog);
  }
  SendRequest(c, d, step.method, sequence, text, HopOf(dialog));
}

void SimUserAgent::Do(size_t c, SimStep step) {
  CHECK(c < calls_.size());
  SimCall& call = *calls_[c];
  if (step.status != 0) return Respond(c, step);
  if (step.method == "CANCEL") {
    call.cancel_wanted = true;
    if (call.provisional || step.rude) SendCancel(c);
    return;
  }
  for (size_t i = 0; step.fork == SimStep::kConfirmed && i < call.dialogs.size(); ++i) {
    if (call.dialogs[i].state == State::kConfirmed) step.fork = i;
  }
  if (step.fork >= call.dialogs.size()) return;
  SimDialog& dialog = call.dialogs[step.fork];
  if (step.method == "ACK") {
    Send(dialog.ack, HopOf(dialog));
    if (dialog.acked) return;
    dialog.acked = true;
    size_t confirmed = 0;
    for (const SimDialog& other : call.dialogs) confirmed += other.answered ? 1u : 0u;
    SimStep bye;
    bye.method = "BYE";
    if (confirmed > 1 || call.cancelled) return SendInDialog(c, step.fork, bye);
    return Begin(c, call.plan.confirmed, step.fork);
  }
  if (step.method == "BYE" && dialog.state != State::kConfirmed && !step.rude) return;
  if (step.method == "INVITE" && (dialog.state != State::kConfirmed || dialog.reinviting)) return;
  SendInDialog(c, step.fork, step);
}

void SimUserAgent::End(SimDialog* dialog) {
  if (dialog->state == State::kEnded) return;
  dialog->state = State::kEnded;
  dialog->ended_at = now();
  dialog->session_due = kNever;
}

// ---- RFC 4028 ----------------------------------------------------------------------------------

std::string SimUserAgent::SessionAnswer(const SimCall& call, const SimMessage& request) const {
  const std::string asked = request.Get("Session-Expires");
  if (!call.plan.timer || asked.empty()) return "";
  std::string refresher = ParameterOf(asked, "refresher");
  if (refresher.empty()) refresher = call.plan.refresher.empty() ? "uac" : call.plan.refresher;
  const int interval = call.plan.session_expires != 0 ? static_cast<int>(call.plan.session_expires)
                                                      : std::atoi(asked.c_str());
  return std::to_string(interval) + ";refresher=" + refresher;
}

void SimUserAgent::AgreeSession(const SimCall& call, SimDialog* dialog, const std::string& agreed,
                                bool asked) {
  dialog->session_due = kNever;
  if (agreed.empty() || !call.plan.timer || dialog->state != State::kConfirmed) return;
  const int interval = std::atoi(agreed.c_str());
  dialog->session_interval = static_cast<uint32_t>(interval);
  dialog->session_mine = ParameterOf(agreed, "refresher") == (asked ? "uac" : "uas");
  if (!dialog->session_mine) {
    dialog->session_due = now() + seconds(interval) - seconds(std::min(32, interval / 3));
  } else if (call.plan.refreshes) {
    dialog->session_due = now() + seconds(interval) / 2;
  }
}

}  // namespace tests
