#pragma once

#include <cstdint>

#include "core/base/check.h"
#include "core/base/pool.h"

namespace sbc {

struct Call;

/// What a transaction is for: the 64 bits that it carries for us.
///
/// Shape: 4 bits of kind, 8 of detail, and the call's handle with 20 bits of index, so at most
///        kCallsMax calls a worker. A probe's has its RouteHealth::ProbeId instead of a call.
struct TransactionMark {
  enum class Kind : uint8_t {
    kNone,
    kInvite,    // Server: the INVITE that began the call. Client: an attempt; detail is its serial.
    kReinvite,  // An INVITE inside the dialog. detail: the LegId that it is on.
    kRelay,     // detail: index of Call::relays.
    kUpdate,    // A refresh of ours; detail: the LegId.
    kBye,       // A BYE of ours; detail: the LegId.
    kOrphan,    // An INVITE whose answer no call waits for any more; see OfOrphan().
    kProbe,     // A RouteHealth probe.
    kPager,     // A MESSAGE outside of a dialog; the handle is its own pool's.
    kOrphanBye,  // A BYE of ours that no call waits for. detail: 1 once it has gone again.
    kDigit,      // An INFO of ours; detail: the LegId.
  };
  static constexpr uint32_t kIndexBits = 20;
  static constexpr size_t kCallsMax = size_t{1} << kIndexBits;

  Kind kind = Kind::kNone;
  uint8_t detail = 0;
  core::Handle<Call> call;

  uint64_t bits() const {
    CHECK(call.index < kCallsMax);
    return uint64_t{call.generation} << 32 | uint64_t{static_cast<uint8_t>(kind)} << 28 |
           uint64_t{detail} << kIndexBits | call.index;
  }
  static TransactionMark From(uint64_t bits) {
    TransactionMark mark;
    mark.kind = static_cast<Kind>(bits >> 28 & 0xf);
    mark.detail = static_cast<uint8_t>(bits >> kIndexBits);
    mark.call = {static_cast<uint32_t>(bits & (kCallsMax - 1)), static_cast<uint32_t>(bits >> 32)};
    return mark;
  }

  static constexpr uint16_t kNobody = UINT16_MAX;
  /// What outlives its call keeps the number of the connector whose credentials answer a challenge,
  /// or kNobody.
  static TransactionMark OfOrphan(Kind kind, uint16_t connector) {
    return {kind, 0, {0, connector}};
  }
  uint16_t connector() const { return static_cast<uint16_t>(call.generation); }
  bool is_calls() const {
    return kind != Kind::kNone && kind != Kind::kOrphan && kind != Kind::kOrphanBye &&
           kind != Kind::kProbe && kind != Kind::kPager;
  }

  /// A probe's id has 24 bits below 28 and a serial above 32, as RouteHealth::ProbeId::bits().
  static TransactionMark OfProbe(uint64_t probe_bits) {
    CHECK((probe_bits & 0xff000000u) == 0);
    return From(probe_bits | uint64_t{static_cast<uint8_t>(Kind::kProbe)} << 28);
  }
  uint64_t probe_bits() const { return bits() & ~uint64_t{0xff000000u}; }
};

}  // namespace sbc
