#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/fixed_hash_map.h"
#include "core/base/pool.h"
#include "core/sip/client_transaction.h"
#include "core/sip/server_transaction.h"
#include "core/sip/transaction_context.h"

namespace core::sip {

/// All transactions of one worker: finds the one that a message belongs to (RFC 3261 §17.1.3,
/// §17.2.3), makes new ones, and answers what no user need see.
///
/// Shape:    fixed numbers of transactions; found by a keyed hash, then compared fully. Allocates
///           nothing after construction.
/// Answers:  itself, without a transaction: a CANCEL (200, or 481; the To tag is that of our last
///           response to the INVITE, if it had one), a merged request (482), an INVITE that finds
///           the server pool dry (503 with Retry-After, some a turn; the rest is dropped and comes
///           again). Their To tags are a keyed hash of the request, so repeats get the same
///           (§8.2.7). Through its transaction: 100 for an INVITE that the user's OnRequest() did
///           not answer.
/// Errors:   a dry pool or store is an answer, counted: SendRequest() gives null (the user answers
///           503 or tries later); a message of the table's own that finds no Packet is not sent,
///           and the peer's next repeat asks for it again.
/// Lifetime: borrows all of Options, which must outlive it.
/// Thread:   one worker's.
class TransactionTable final : private TransactionOwner {
 public:
  struct Options {
    size_t clients_max = 0;
    size_t servers_max = 0;
    // Of these, for urgent requests only: else a flood of new calls, each of which holds its
    // transaction for 32 s, would keep the BYEs of those that are there from being heard and sent.
    size_t clients_reserve = 0;
    size_t servers_reserve = 0;
    TimerValues timers;
    PacketStore* store = nullptr;
    TimerWheel* wheel = nullptr;
    PacketSink* sink = nullptr;
    TransactionUser* user = nullptr;
    HashKey key{};
    uint32_t stateless_answers_per_turn_max = 32;  // 503s: what a flood may cost.
    uint32_t retry_after_seconds = 5;
  };

  explicit TransactionTable(const Options& options);
  ~TransactionTable();
  TransactionTable(const TransactionTable&) = delete;
  TransactionTable& operator=(const TransactionTable&) = delete;

  /// A message that the transport has judged well-formed. `return_path` is where responses go.
  void OnMessage(const Message& message, Packet& packet, const Hop& return_path, Instant now);

  /// A datagram of ours did not arrive (rule 8 of the packet core). Fails the client transaction
  /// whose branch stands in the quoted bytes and whose peer is `remote`. Who forges such an error
  /// does not know the branch.
  void OnSendError(std::string_view quoted, const Endpoint& remote, Instant now);

  struct Request {
    Packet packet;  // Of the PacketStore; shared for as long as it may have to be sent again.
    Hop hop;
    Method method = Method::kUnknown;
    std::string_view branch;  // Of its top Via: at most ClientTransaction::kBranchMax bytes, begins
                              // with the cookie, and never used before with this method.
    uint64_t user = 0;
    bool urgent = false;           // May have one of `clients_reserve`.
    bool has_credentials = false;  // Of an INVITE: it is kept for the ACKs of its 2xx.
  };
  /// Sends a request, not an ACK. Null, and nothing is sent, when the client pool is dry.
  ClientTransaction* SendRequest(Request request, Instant now);

  /// Sends the ACK of a 2xx to this INVITE, and keeps it for as long as that may come again
  /// (§13.2.2.4; timer M). A later one takes its place.
  void SendAck(ClientTransaction& invite, Packet ack, const Hop& hop);
  /// Sends that ACK once more; only where has_ack().
  void AckAgain(ClientTransaction& invite);

  /// Sends a message that needs no transaction: once, and forgets it.
  void SendStateless(Packet packet, const Hop& hop);

  /// Sends a response and keeps it to send again. False, and it is not sent, where the transaction
  /// has given its final response before (a 2xx may follow a 2xx: RFC 6026 §7.1) or is over.
  /// A user that finds the store dry may call it later; an INVITE stays in Proceeding till then.
  bool Respond(ServerTransaction& transaction, Packet response, uint16_t status_code, Instant now);

  /// A response without body, written here: for refusals. False as above, and with a dry store.
  struct Answer {
    uint16_t status_code = 0;
    std::string_view reason{};  // Empty: the default one.
    // Empty: that of the response before it, else one of the table's own; but none in a 100.
    std::string_view to_tag{};
    HeaderId field = HeaderId::kUnknown;  // One more: Retry-After, Allow, Unsupported...
    std::string_view field_value{};
  };
  bool Respond(ServerTransaction& transaction, const Message& request, const Answer& answer,
               Instant now);

  /// Ends a transaction without an answer: silence for who deserves no more, or where there is no
  /// room for one. It is gone on return; a repeat comes as a new request.
  void Drop(ServerTransaction& transaction, Instant now);

  /// Keeps a copy of the request until its final response, so that later responses can be written
  /// from it. False when the store is dry.
  [[nodiscard]] bool KeepRequest(ServerTransaction& transaction, const Packet& packet);

  /// The user has seen the ACK of its 2xx: the 2xx is not sent again. A stale handle is no error.
  void Acknowledged(Handle<ServerTransaction> invite, Instant now);

  /// Cancels an INVITE of ours (§9.1): the CANCEL leaves at once, or with the first provisional
  /// response, if none has come. Its own transaction is the table's; the outcome is the INVITE's:
  /// 487, a 2xx that crossed it, or OnFailure(kTimeout) 64*T1 after the CANCEL left. `reason` is
  /// the value of a Reason header field (RFC 3326), or empty. False where there is nothing to
  /// cancel (a final response has come, or it is no INVITE) or the store is dry; a second call does
  /// nothing.
  bool Cancel(ClientTransaction& invite, std::string_view reason, Instant now);

  /// The user has no interest in it any more, but must hear of what comes late: only 101-199 and
  /// 2xx to an INVITE are told from now on. An INVITE should be cancelled as well: it runs for as
  /// long as its peer sends nothing final.
  void Abandon(ClientTransaction& transaction) { transaction.abandoned_ = true; }

  Handle<ClientTransaction> HandleOf(const ClientTransaction& t) const {
    return clients_.HandleOf(&t);
  }
  Handle<ServerTransaction> HandleOf(const ServerTransaction& t) const {
    return servers_.HandleOf(&t);
  }
  ClientTransaction* Find(Handle<ClientTransaction> handle) { return clients_.Find(handle); }
  ServerTransaction* Find(Handle<ServerTransaction> handle) { return servers_.Find(handle); }
  /// True where the request repeats one that has a transaction here, cancels or acknowledges it.
  bool Knows(const Message& request);

  const TransactionCounters& counters() const { return context_.counters; }
  size_t client_count() const { return clients_.size(); }
  size_t server_count() const { return servers_.size(); }

 private:
  void OnTerminated(ClientTransaction* transaction) override;
  void OnTerminated(ServerTransaction* transaction) override;
  void OnCancelDue(ClientTransaction* invite, Instant now) override;

  void OnRequest(const Message& request, Packet& packet, const Hop& return_path, Instant now);
  void OnResponse(const Message& response, const Packet& packet, Instant now);
  void OnAck(ServerTransaction* invite, const Message& ack, const Packet& packet, Instant now);
  void OnCancel(const TransactionKey& key, const Message& cancel, const Packet& packet,
                const Hop& return_path, Instant now);
  void OnNewRequest(const TransactionKey& key, uint64_t hash, const Message& request,
                    Packet& packet, const Hop& return_path, Instant now);
  void OnServersDry(const Message& request, const Packet& packet, const Hop& return_path,
                    Instant now);

  ClientTransaction* FindClient(std::string_view branch, Method method);
  ServerTransaction* FindServer(const TransactionKey& key, uint64_t hash);
  uint64_t ClientHash(std::string_view branch, Method method) const;

  /// Writes an answer into a Packet of the store; empty when that is dry.
  Packet WriteAnswer(const Message& request, const Endpoint& source, const Answer& answer);
  void AnswerStateless(const Message& request, const Packet& packet, const Hop& return_path,
                       const Answer& answer);

  Options options_;
  TransactionContext context_;
  Pool<ClientTransaction> clients_;
  Pool<ServerTransaction> servers_;
  FixedHashMap<Handle<ClientTransaction>> client_index_;
  FixedHashMap<Handle<ServerTransaction>> server_index_;
  FixedHashMap<Handle<ServerTransaction>> merge_index_;
  Instant turn_{};  // The turn that `answered_in_turn_` counts for.
  uint32_t answered_in_turn_ = 0;
};

}  // namespace core::sip
