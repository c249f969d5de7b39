#pragma once

#include <cstdint>

#include "core/buffer/packet_pool.h"
#include "core/sip/hop.h"
#include "core/sip/timers.h"
#include "core/sip/transaction_user.h"
#include "core/time/timer_wheel.h"

namespace core::sip {

/// What happened in one table; plain integers of one worker.
struct TransactionCounters {
  uint64_t requests = 0;         // New ones, passed to the user.
  uint64_t request_repeats = 0;  // Absorbed, or answered from what was kept.
  uint64_t responses = 0;        // That belong to one of our transactions.
  uint64_t stray_responses = 0;
  uint64_t acks = 0;       // Of a non-2xx: they end in the transaction.
  uint64_t user_acks = 0;  // Of a 2xx, or stray.
  uint64_t cancels = 0;
  uint64_t cancels_unmatched = 0;    // Answered 481.
  uint64_t merged = 0;               // Answered 482.
  uint64_t client_dry = 0;           // SendRequest() had no transaction to give.
  uint64_t server_dry = 0;           // Requests that found no transaction.
  uint64_t server_dry_answered = 0;  // Of these, INVITEs answered 503.
  uint64_t store_dry = 0;            // A message of the table's own that found no packet.
  uint64_t resent_requests = 0;
  uint64_t resent_responses = 0;
  uint64_t timeouts = 0;                 // Timers B and F.
  uint64_t unacknowledged = 0;           // Timer H, and timer L without an ACK.
  uint64_t send_failures = 0;            // OnSendError() that ended a transaction.
  uint64_t send_failures_unmatched = 0;  // About nothing we sent: late, of a response, or forged.
};

/// Frees transactions that have ended: the table.
class TransactionOwner {
 public:
  virtual void OnTerminated(ClientTransaction* transaction) = 0;
  virtual void OnTerminated(ServerTransaction* transaction) = 0;
  /// The CANCEL that waited for its INVITE's first provisional response may leave now (§9.1).
  virtual void OnCancelDue(ClientTransaction* invite, Instant now) = 0;

 protected:
  ~TransactionOwner() = default;
};

/// What all transactions of one table share. Outlives them.
struct TransactionContext {
  TimerValues timers;
  TimerWheel* wheel = nullptr;
  PacketStore* store = nullptr;
  PacketSink* sink = nullptr;
  TransactionUser* user = nullptr;
  TransactionOwner* owner = nullptr;
  TransactionCounters counters;
};

}  // namespace core::sip
