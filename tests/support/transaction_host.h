#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer/packet_pool.h"
#include "core/sip/transaction_table.h"
#include "core/time/timer_wheel.h"

namespace tests {

using core::Duration;
using core::Instant;
using core::Packet;
using core::sip::ClientTransaction;
using core::sip::Failure;
using core::sip::Hop;
using core::sip::Message;
using core::sip::Method;
using core::sip::NameAddr;
using core::sip::ServerTransaction;
using core::sip::TransactionTable;

inline core::Endpoint EndpointOf(std::string_view text) {
  core::Endpoint endpoint;
  CHECK(core::Endpoint::Parse(text, &endpoint));
  return endpoint;
}

/// A transaction table with a virtual clock, a network that records, and a user that records. Peers
/// are the test: it hands messages in as text.
class TransactionHost : public core::sip::PacketSink, public core::sip::TransactionUser {
 public:
  struct Sent {
    Duration at;
    std::string text;
    core::Endpoint to;

    std::string_view start_line() const {
      return std::string_view(text).substr(0, text.find('\r'));
    }
  };
  struct Event {
    Duration at;
    std::string what;  // "request INVITE", "response 200", "timeout", "transport", "cancel", ...
    uint64_t user = 0;

    friend bool operator==(const Event&, const Event&) = default;
  };

  struct Limits {
    size_t clients = 8;
    size_t servers = 8;
    size_t clients_reserve = 0;
    size_t servers_reserve = 0;
    core::PacketStore::Counts packets{.small = 64, .medium = 16, .large = 2};
    uint32_t stateless_answers_per_turn = 2;
  };

  TransactionHost() : TransactionHost(Limits()) {}
  explicit TransactionHost(const Limits& limits) : store(limits.packets) {
    TransactionTable::Options options;
    options.clients_max = limits.clients;
    options.servers_max = limits.servers;
    options.clients_reserve = limits.clients_reserve;
    options.servers_reserve = limits.servers_reserve;
    options.store = &store;
    options.wheel = &wheel;
    options.sink = this;
    options.user = this;
    options.key = {1, 2};
    options.stateless_answers_per_turn_max = limits.stateless_answers_per_turn;
    table = std::make_unique<TransactionTable>(options);
  }

  bool IsUrgent(const Message& request, const Packet& /*packet*/) override {
    NameAddr to;
    return request.To(&to) == core::sip::ParseError::kOk && !to.tag.empty();
  }

  void Send(Packet packet) override {
    ++sends;
    if (quiet) return;
    sent.push_back({now.time_since_epoch(), std::string(packet.text()), packet.remote()});
  }

  void OnRequest(ServerTransaction& transaction, const Message& request, const Packet& packet,
                 Instant) override {
    last_server = table->HandleOf(transaction);
    Note("request " + std::string(request.method_text()), transaction.user());
    if (on_request) on_request(transaction, request, packet);
  }
  void OnCancel(ServerTransaction& invite, const Message& cancel, Instant) override {
    Note("cancel", invite.user());
    if (on_cancel) on_cancel(invite, cancel);
  }
  void OnAck(const Message&, const Packet&, Instant) override { Note("ack", 0); }
  void OnUnacknowledged(ServerTransaction& invite, Instant) override {
    Note("unacknowledged " + std::to_string(invite.final_status()), invite.user());
  }
  void OnResponse(ClientTransaction& transaction, const Message& response, const Packet& packet,
                  Instant) override {
    Note("response " + std::to_string(response.status_code()), transaction.user());
    if (on_response) on_response(transaction, response, packet);
  }
  void OnFailure(ClientTransaction& transaction, Failure failure, Instant) override {
    Note(failure == Failure::kTimeout ? "timeout" : "transport", transaction.user());
  }
  void OnStrayResponse(const Message& response, const Packet&, Instant) override {
    Note("stray " + std::to_string(response.status_code()), 0);
  }

  /// A message arrives from `from`, over this transport.
  void Receive(std::string_view text, std::string_view from = "192.0.2.1:5060",
               core::sip::TransportKind transport = core::sip::TransportKind::kUdp) {
    Packet packet = incoming.Acquire();
    CHECK(packet && text.size() <= packet.capacity());
    text.copy(packet.data(), text.size());
    packet.set_size(static_cast<uint32_t>(text.size()));
    packet.SetRoute({1, 1}, local, EndpointOf(from));
    Message message;
    CHECK(message.Index(packet.text()) == core::sip::ParseError::kOk);
    Hop hop{{1, 1}, local, packet.remote(), transport};
    table->OnMessage(message, packet, hop, now);
  }

  /// Sends a request of ours with this text, whose method and branch are given again.
  ClientTransaction* SendRequest(std::string_view text, Method method, std::string_view branch,
                                 uint64_t user = 0, core::sip::TransportKind transport = {},
                                 bool urgent = false) {
    TransactionTable::Request request;
    request.packet = store.Copy(text);
    CHECK(request.packet);
    request.hop = {{1, 1}, local, peer, transport};
    request.method = method;
    request.branch = branch;
    request.user = user;
    request.urgent = urgent;
    return table->SendRequest(std::move(request), now);
  }

  bool Respond(ServerTransaction& transaction, std::string_view text, uint16_t status) {
    return table->Respond(transaction, store.Copy(text), status, now);
  }
  /// A response of `status` to this request, as the peer's side would write it too.
  bool Answer(ServerTransaction& transaction, const Message& request, uint16_t status,
              std::string_view to_tag = "ours") {
    TransactionTable::Answer answer;
    answer.status_code = status;
    answer.to_tag = to_tag;
    return table->Respond(transaction, request, answer, now);
  }

  void RunUntil(Instant end) {
    while (wheel.NextDue() <= end) {
      now = std::max(now, wheel.NextDue());
      wheel.FireDue(now);
    }
    now = end;
  }
  void RunFor(Duration duration) { RunUntil(now + duration); }

  std::vector<Duration> SentTimes(std::string_view start) const {
    std::vector<Duration> times;
    for (const Sent& each : sent) {
      if (each.text.starts_with(start)) times.push_back(each.at);
    }
    return times;
  }
  std::vector<std::string> StartLines() const {
    std::vector<std::string> lines;
    for (const Sent& each : sent) lines.emplace_back(each.start_line());
    return lines;
  }
  std::vector<std::string> Heard() const {
    std::vector<std::string> words;
    for (const Event& event : events) words.push_back(event.what);
    return words;
  }

  ServerTransaction* Server() { return table->Find(last_server); }

  Instant now{};
  core::Endpoint local = EndpointOf("198.51.100.1:5060");
  core::Endpoint peer = EndpointOf("192.0.2.1:5060");
  core::PacketPool incoming{65535, 4};
  core::PacketStore store;
  core::TimerWheel wheel{Instant{}};
  std::unique_ptr<TransactionTable> table;

  std::vector<Sent> sent;
  std::vector<Event> events;
  size_t sends = 0;
  size_t notes = 0;
  bool quiet = false;  // Counts, and keeps nothing: for tests that count allocations.
  core::Handle<ServerTransaction> last_server;
  std::function<void(ServerTransaction&, const Message&, const Packet&)> on_request;
  std::function<void(ServerTransaction&, const Message&)> on_cancel;
  std::function<void(ClientTransaction&, const Message&, const Packet&)> on_response;

 private:
  void Note(std::string what, uint64_t user) {
    ++notes;
    if (!quiet) events.push_back({now.time_since_epoch(), std::move(what), user});
  }
};

}  // namespace tests
