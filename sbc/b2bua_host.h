#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/address.h"
#include "core/base/instant.h"
#include "sbc/call_record.h"
#include "sbc/connector_ledger.h"
#include "sbc/media/media_summary.h"
#include "sbc/policy.h"
#include "sbc/route_health.h"
#include "sbc/router.h"
#include "sbc/transaction_mark.h"

namespace sbc {

/// What a B2bua asks of the worker around it.
///
/// Thread: the worker's.
class B2buaHost {
 public:
  virtual ~B2buaHost() = default;
  virtual const Policy* policy() = 0;  // For new calls.
  virtual core::WallTime wall() = 0;
  virtual bool draining() = 0;
  /// The node is about to end: nothing new is admitted.
  virtual bool closed() = 0;
  /// Takes one of the node's places for a call that is about to be; false where none is left. It is
  /// given back once the call has ended, or where none came of it.
  [[nodiscard]] virtual bool TakePlace(bool emergency) = 0;
  /// Whether the rate of the node and of the source has room for a MESSAGE outside of a call:
  /// kGranted counts it, where this worker is the one that counts.
  virtual GrantAnswer AskRate(const core::IpAddress& source, core::Instant now) = 0;
  /// Asks the connector's home worker (rule 5). An answer at once where that is this worker; else
  /// B2bua::OnGrant() brings it later.
  virtual std::optional<Grant> Ask(const Connector& connector, const AskGrant& ask,
                                   core::Instant now) = 0;
  virtual void ReturnGrant(const Connector& connector, const ReturnedGrant& returned) = 0;
  /// Asks another worker what the dialog that `replaces` names on `side` is called on the other
  /// side of its call; B2bua::OnReplaced() brings the answer. False: its mailbox is full.
  [[nodiscard]] virtual bool AskReplaced(size_t worker, uint64_t question, Side side,
                                         std::string_view replaces) = 0;
  virtual void OnRouteSign(const RouteTarget& target, RouteHealth::CallSign sign,
                           core::Instant now) = 0;
  /// A call has ended.
  virtual void OnRecord(const CallRecord& record, const CallMedia& media) = 0;
  /// A call whose connector has its SIP messages logged has a leg with this Call-ID: in the record
  /// so far is what was known before. The message at hand may be the first of them.
  virtual void OnLoggedCall(std::string_view call_id, const CallRecord& record) = 0;
  /// It goes on, and this is what its media did so far.
  virtual void OnMediaRecord(const CallRecord& record, const CallMedia& media) = 0;
  /// A response to a request that is no call's: a probe's.
  virtual void OnOtherResponse(TransactionMark mark, uint16_t status_code, core::Instant now) = 0;
};

}  // namespace sbc
