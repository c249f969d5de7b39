#pragma once

#include <cstdint>

#include "core/base/instant.h"
#include "core/buffer/packet.h"
#include "core/sip/message.h"

namespace core::sip {

class ClientTransaction;
class ServerTransaction;

/// Why a client transaction ended without a final response.
enum class Failure : uint8_t {
  kTimeout,    // Timer B or F; or 64*T1 after our CANCEL (RFC 3261 §9.1): as if 408 had come.
  kTransport,  // The network said that the peer is not there (§18.4): as if 503 had come.
};

/// Who a TransactionTable works for (RFC 3261 §5: the "transaction user").
///
/// Lifetime: messages, Packets and transactions are good during the call. To name a transaction
///           later, keep its handle (TransactionTable::HandleOf); it goes stale when the
///           transaction ends, and nothing else tells of that end.
/// Calls:    from each of these everything of the table may be called, also for the transaction at
///           hand. After OnFailure and OnUnacknowledged that one is over and takes nothing any
///           more.
class TransactionUser {
 public:
  virtual ~TransactionUser() = default;

  /// A new request, neither ACK nor CANCEL; not a repeat, not merged (§8.2.2.2). If it is an INVITE
  /// and this call answers nothing, the table sends 100 after it (§17.2.1).
  virtual void OnRequest(ServerTransaction& transaction, const Message& request,
                         const Packet& packet, Instant now) = 0;

  /// Whether a new request may have one of the transactions that are kept for those that must not
  /// wait for others: for a request inside a call that is there, say. Asked only where no other
  /// transaction is free.
  virtual bool IsUrgent(const Message& request, const Packet& packet) = 0;

  /// The client cancels an INVITE that has no final response yet. The CANCEL has been answered 200;
  /// the user answers the INVITE 487 (§9.2).
  virtual void OnCancel(ServerTransaction& invite, const Message& cancel, Instant now) = 0;

  /// An ACK for a 2xx, or for nothing we know (the ACK of an answer that was given without state
  /// comes here too). The user finds the dialog, and tells TransactionTable::Acknowledged().
  virtual void OnAck(const Message& ack, const Packet& packet, Instant now) = 0;

  /// No ACK came for our final response in 64*T1 (timer H; for a 2xx: §13.3.1.4, where the user
  /// ends the dialog with a BYE). invite.final_status() tells which it was.
  virtual void OnUnacknowledged(ServerTransaction& invite, Instant now) = 0;

  /// A response: provisional ones and the 2xx of an INVITE as often as they come (RFC 6026 §7.2:
  /// the user acknowledges each 2xx, also those of other forks, which differ in their To tag), all
  /// other final ones once. Once the transaction is abandoned() only 101-199 and 2xx to an INVITE
  /// are told, so that the user can end what should not have begun.
  virtual void OnResponse(ClientTransaction& transaction, const Message& response,
                          const Packet& packet, Instant now) = 0;

  /// There will be no final response. Not called for abandoned transactions.
  virtual void OnFailure(ClientTransaction& transaction, Failure failure, Instant now) = 0;

  /// A response that belongs to no transaction: a 2xx so late that timer M has ended its INVITE, a
  /// repeat that nobody waits for, or a forged one.
  virtual void OnStrayResponse(const Message& response, const Packet& packet, Instant now) = 0;
};

}  // namespace core::sip
