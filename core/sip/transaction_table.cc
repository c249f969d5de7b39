#include "core/sip/transaction_table.h"

#include <algorithm>
#include <utility>

#include "core/sip/invite_follow_up.h"
#include "core/sip/response_builder.h"

namespace core::sip {
namespace {

// A To tag of the table's own: the same for each repeat of a request (§8.2.7), and nobody's guess.
struct OwnTag {
  char digits[16];

  void Make(const HashKey& key, uint64_t request_hash) {
    // The request's hash is a place in our tables: what peers see is a hash of it by another key.
    const HashKey tag_key = {key[1], ~key[0]};
    uint64_t left =
        SipHash(tag_key, {reinterpret_cast<const char*>(&request_hash), sizeof(request_hash)});
    for (char& digit : digits) {
      digit = "0123456789abcdef"[left & 15];
      left >>= 4;
    }
  }
  std::string_view text() const { return {digits, sizeof(digits)}; }
};

}  // namespace

TransactionTable::TransactionTable(const Options& options)
    : options_(options),
      clients_(options.clients_max),
      servers_(options.servers_max),
      client_index_(options.clients_max),
      server_index_(options.servers_max),
      merge_index_(options.servers_max) {
  context_.timers = options.timers;
  context_.wheel = options.wheel;
  context_.store = options.store;
  context_.sink = options.sink;
  context_.user = options.user;
  context_.owner = this;
}

TransactionTable::~TransactionTable() = default;

void TransactionTable::OnMessage(const Message& message, Packet& packet, const Hop& return_path,
                                 Instant now) {
  if (message.is_request()) {
    OnRequest(message, packet, return_path, now);
  } else {
    OnResponse(message, packet, now);
  }
}

// ---- The client's side --------------------------------------------------------------------------

ClientTransaction* TransactionTable::SendRequest(Request request, Instant now) {
  CHECK(request.packet && request.method != Method::kAck);
  const bool has_room =
      request.urgent || clients_.size() + options_.clients_reserve < options_.clients_max;
  ClientTransaction* transaction =
      !has_room ? nullptr
                : clients_.Acquire(&context_, request.method, request.branch, request.hop,
                                   std::move(request.packet), request.user);
  if (transaction == nullptr) {
    ++context_.counters.client_dry;
    return nullptr;
  }
  transaction->has_credentials_ = request.has_credentials;
  transaction->hash_ = ClientHash(transaction->branch(), transaction->method());
  client_index_.Insert(transaction->hash_, clients_.HandleOf(transaction));
  transaction->Start(now);
  return transaction;
}

void TransactionTable::SendAck(ClientTransaction& invite, Packet ack, const Hop& hop) {
  ack.SetRoute(hop.socket, hop.local, hop.remote);
  // Before the 2xx the place is a CANCEL's that may still have to leave.
  if (invite.state() == ClientTransaction::State::kAccepted) invite.follow_up_ = ack.Share();
  context_.sink->Send(std::move(ack));
}

void TransactionTable::AckAgain(ClientTransaction& invite) {
  CHECK(invite.has_ack());
  context_.sink->Send(invite.follow_up_.Share());
}

void TransactionTable::SendStateless(Packet packet, const Hop& hop) {
  packet.SetRoute(hop.socket, hop.local, hop.remote);
  context_.sink->Send(std::move(packet));
}

void TransactionTable::OnResponse(const Message& response, const Packet& packet, Instant now) {
  Via via;
  ClientTransaction* transaction = nullptr;
  if (response.TopVia(&via) == ParseError::kOk) {
    transaction = FindClient(via.branch, response.method());
  }
  if (transaction == nullptr) {
    ++context_.counters.stray_responses;
    context_.user->OnStrayResponse(response, packet, now);
    return;
  }
  ++context_.counters.responses;
  transaction->OnResponse(response, packet, now);
}

bool TransactionTable::Cancel(ClientTransaction& invite, std::string_view reason, Instant now) {
  using State = ClientTransaction::State;
  const State state = invite.state();
  if (!invite.is_invite() || (state != State::kCalling && state != State::kProceeding))
    return false;
  if (invite.cancelled()) return true;
  Message request;
  (void)request.Index(invite.request());  // Our own words.
  Packet cancel = context_.store->Acquire(FollowUpSize(request, request) + reason.size());
  if (!cancel) {
    ++context_.counters.store_dry;
    return false;
  }
  MessageWriter out({cancel.data(), cancel.capacity()});
  WriteCancel(request, reason, &out);
  const auto size = out.Finish();
  if (!size) return false;
  cancel.set_size(static_cast<uint32_t>(*size));
  invite.follow_up_ = std::move(cancel);
  invite.cancel_ = ClientTransaction::Cancelling::kWaiting;
  if (state == State::kProceeding) OnCancelDue(&invite, now);
  return true;
}

void TransactionTable::OnCancelDue(ClientTransaction* invite, Instant now) {
  invite->cancel_ = ClientTransaction::Cancelling::kSent;
  Packet cancel = std::move(invite->follow_up_);
  Request request;
  request.hop = invite->hop();
  request.method = Method::kCancel;
  request.branch = invite->branch();
  request.urgent = true;
  if (clients_.dry()) {
    // Once is better than not at all, and timer B of the INVITE stands behind it.
    ++context_.counters.client_dry;
    SendStateless(std::move(cancel), request.hop);
  } else {
    request.packet = std::move(cancel);
    SendRequest(std::move(request), now)->internal_ = true;
  }
  invite->On(ClientTransaction::Event::kCancelSent, now);
}

void TransactionTable::OnSendError(std::string_view quoted, const Endpoint& remote, Instant now) {
  // The quotation may end anywhere: what the index found of it before is enough or it is not.
  Message message;
  (void)message.Index(quoted);
  Via via;
  ClientTransaction* transaction = nullptr;
  if (message.is_request() && message.TopVia(&via) == ParseError::kOk) {
    const bool is_ack = message.method() == Method::kAck;
    transaction = FindClient(via.branch, is_ack ? Method::kInvite : message.method());
  }
  if (transaction == nullptr || transaction->hop().remote != remote) {
    ++context_.counters.send_failures_unmatched;
    return;
  }
  transaction->On(ClientTransaction::Event::kSendFailed, now);
}

uint64_t TransactionTable::ClientHash(std::string_view branch, Method method) const {
  return SipHash(options_.key, branch) + static_cast<uint64_t>(method);
}

ClientTransaction* TransactionTable::FindClient(std::string_view branch, Method method) {
  const auto* handle =
      client_index_.Find(ClientHash(branch, method), [&](Handle<ClientTransaction> candidate) {
        const ClientTransaction* transaction = clients_.Find(candidate);
        return transaction->method() == method && transaction->branch() == branch;
      });
  return handle == nullptr ? nullptr : clients_.Find(*handle);
}

void TransactionTable::OnTerminated(ClientTransaction* transaction) {
  CHECK(client_index_.Erase(transaction->hash_, clients_.HandleOf(transaction)));
  clients_.Release(transaction);
}

// ---- The server's side --------------------------------------------------------------------------

void TransactionTable::OnRequest(const Message& request, Packet& packet, const Hop& return_path,
                                 Instant now) {
  TransactionKey key;
  if (!TransactionKey::FromRequest(request, &key))
    return;  // The transport has judged it: cannot be.
  if (request.method() == Method::kCancel) return OnCancel(key, request, packet, return_path, now);
  const uint64_t hash = key.Hash(options_.key);
  ServerTransaction* transaction = FindServer(key, hash);
  if (key.is_ack) return OnAck(transaction, request, packet, now);
  if (transaction == nullptr) {
    return OnNewRequest(key, hash, request, packet, return_path, now);
  }
  ++context_.counters.request_repeats;
  transaction->On(ServerTransaction::Event::kRepeat, now);
}

bool TransactionTable::Knows(const Message& request) {
  TransactionKey key;
  if (!TransactionKey::FromRequest(request, &key)) return false;
  if (request.method() == Method::kCancel) key = key.OfCancelledInvite();
  return FindServer(key, key.Hash(options_.key)) != nullptr;
}

void TransactionTable::OnAck(ServerTransaction* invite, const Message& ack, const Packet& packet,
                             Instant now) {
  using State = ServerTransaction::State;
  // Some clients send the ACK of a 2xx with the branch of its INVITE: it is the user's all the
  // same.
  const bool of_2xx = invite == nullptr || invite->state() == State::kAccepted ||
                      invite->state() == State::kAcknowledged;
  ++(of_2xx ? context_.counters.user_acks : context_.counters.acks);
  if (of_2xx) return context_.user->OnAck(ack, packet, now);
  invite->On(ServerTransaction::Event::kAck, now);
}

void TransactionTable::OnCancel(const TransactionKey& key, const Message& cancel,
                                const Packet& packet, const Hop& return_path, Instant now) {
  const TransactionKey invite_key = key.OfCancelledInvite();
  const uint64_t hash = invite_key.Hash(options_.key);
  ServerTransaction* invite = FindServer(invite_key, hash);
  ++context_.counters.cancels;
  if (invite == nullptr) {
    ++context_.counters.cancels_unmatched;
    return AnswerStateless(cancel, packet, return_path, {.status_code = 481});
  }
  // §9.2: the To tag of this 200 should be that of the INVITE's own responses.
  AnswerStateless(cancel, packet, return_path, {.status_code = 200, .to_tag = invite->to_tag()});
  if (invite->state() == ServerTransaction::State::kProceeding) {
    context_.user->OnCancel(*invite, cancel, now);
  }
}

void TransactionTable::OnNewRequest(const TransactionKey& key, uint64_t hash,
                                    const Message& request, Packet& packet, const Hop& return_path,
                                    Instant now) {
  const uint64_t merge_hash = key.MergeHash(options_.key);
  if (key.can_merge() && merge_index_.Find(merge_hash, [&](Handle<ServerTransaction> candidate) {
        return servers_.Find(candidate)->key_.IsMerged(key);
      })) {
    ++context_.counters.merged;
    return AnswerStateless(request, packet, return_path, {.status_code = 482});
  }
  KeptTransactionKey kept;
  const bool has_room = servers_.size() + options_.servers_reserve < options_.servers_max ||
                        (!servers_.dry() && context_.user->IsUrgent(request, packet));
  if (!has_room || !kept.Keep(key, context_.store)) {
    return OnServersDry(request, packet, return_path, now);
  }
  ServerTransaction* transaction =
      servers_.Acquire(&context_, return_path, packet.remote(), std::move(kept));
  const Handle<ServerTransaction> handle = servers_.HandleOf(transaction);
  transaction->hash_ = hash;
  transaction->merge_hash_ = merge_hash;
  server_index_.Insert(hash, handle);
  merge_index_.Insert(merge_hash, handle);
  ++context_.counters.requests;
  context_.user->OnRequest(*transaction, request, packet, now);

  // §17.2.1: the user will not answer in 200 ms, as it has not answered now.
  transaction = servers_.Find(handle);
  if (transaction != nullptr && transaction->is_invite() && !transaction->response_) {
    (void)Respond(*transaction, request, {.status_code = 100}, now);  // Dry: the next repeat asks.
  }
}

void TransactionTable::OnServersDry(const Message& request, const Packet& packet,
                                    const Hop& return_path, Instant now) {
  ++context_.counters.server_dry;
  if (request.method() != Method::kInvite) return;  // Comes again, until there is room.
  if (turn_ != now) {
    turn_ = now;  // The clock is read once a turn, so another moment is another turn.
    answered_in_turn_ = 0;
  }
  if (answered_in_turn_ == options_.stateless_answers_per_turn_max) return;
  ++answered_in_turn_;
  ++context_.counters.server_dry_answered;
  char seconds[20];
  TextWriter text(seconds);
  text.AppendNumber(options_.retry_after_seconds);
  AnswerStateless(request, packet, return_path,
                  {.status_code = 503, .field = HeaderId::kRetryAfter, .field_value = text.text()});
}

bool TransactionTable::Respond(ServerTransaction& transaction, Packet response,
                               uint16_t status_code, Instant now) {
  CHECK(response);
  return transaction.Respond(std::move(response), status_code, now);
}

bool TransactionTable::Respond(ServerTransaction& transaction, const Message& request,
                               const Answer& answer, Instant now) {
  Answer told = answer;
  // One request has one To tag (§8.2.6.2): the caller took its early dialog's for the whole.
  if (told.to_tag.empty()) told.to_tag = transaction.to_tag();
  Packet response = WriteAnswer(request, transaction.source(), told);
  return response && Respond(transaction, std::move(response), answer.status_code, now);
}

void TransactionTable::Drop(ServerTransaction& transaction, Instant now) {
  transaction.On(ServerTransaction::Event::kDrop, now);
}

bool TransactionTable::KeepRequest(ServerTransaction& transaction, const Packet& packet) {
  transaction.request_ = context_.store->Copy(packet.text());
  if (!transaction.request_) ++context_.counters.store_dry;
  return static_cast<bool>(transaction.request_);
}

void TransactionTable::Acknowledged(Handle<ServerTransaction> invite, Instant now) {
  ServerTransaction* transaction = servers_.Find(invite);
  if (transaction != nullptr) transaction->On(ServerTransaction::Event::kUserSawAck, now);
}

Packet TransactionTable::WriteAnswer(const Message& request, const Endpoint& source,
                                     const Answer& answer) {
  // The head of the request, less its start line and other fields, and what is new: some names in
  // their long form, where it came from, a tag.
  constexpr size_t kAdded = 256;
  const size_t size =
      request.bytes().size() - request.body().size() + kAdded + answer.field_value.size();
  Packet packet = context_.store->Acquire(std::min<size_t>(size, PacketStore::kLargeBytes));
  if (!packet) {
    ++context_.counters.store_dry;
    return packet;
  }
  MessageWriter out({packet.data(), packet.capacity()});
  ResponseHead head;
  head.status_code = answer.status_code;
  head.reason = answer.reason;
  if (answer.status_code > 100) head.to_tag = answer.to_tag;
  OwnTag own_tag;
  NameAddr to;
  const bool has_tag = request.To(&to) == ParseError::kOk && !to.tag.empty();
  if (answer.status_code > 100 && answer.to_tag.empty() && !has_tag) {
    TransactionKey key;
    (void)TransactionKey::FromRequest(request, &key);  // Of nothing, if need be.
    own_tag.Make(options_.key, key.OfCancelledInvite().Hash(options_.key));
    head.to_tag = own_tag.text();
  }
  WriteResponseHead(&out, request, source, head);
  if (answer.field != HeaderId::kUnknown) out.Header(answer.field, answer.field_value);
  out.NoBody();
  const auto written = out.Finish();
  if (!written) return Packet();
  packet.set_size(static_cast<uint32_t>(*written));
  return packet;
}

void TransactionTable::AnswerStateless(const Message& request, const Packet& packet,
                                       const Hop& return_path, const Answer& answer) {
  Packet response = WriteAnswer(request, packet.remote(), answer);
  if (response) SendStateless(std::move(response), return_path);
}

ServerTransaction* TransactionTable::FindServer(const TransactionKey& key, uint64_t hash) {
  const auto* handle = server_index_.Find(hash, [&](Handle<ServerTransaction> candidate) {
    return servers_.Find(candidate)->key_.Matches(key);
  });
  return handle == nullptr ? nullptr : servers_.Find(*handle);
}

void TransactionTable::OnTerminated(ServerTransaction* transaction) {
  const Handle<ServerTransaction> handle = servers_.HandleOf(transaction);
  CHECK(server_index_.Erase(transaction->hash_, handle));
  CHECK(merge_index_.Erase(transaction->merge_hash_, handle));
  servers_.Release(transaction);
}

}  // namespace core::sip
