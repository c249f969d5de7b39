#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/address.h"
#include "core/base/instant.h"
#include "core/base/siphash.h"
#include "sbc/rate_window.h"

namespace sbc {

/// Which worker owns the rate window, the call count and the route health of a connector (rule 5).
/// By the connector's id, not its index, so that a reload that adds one moves no other.
inline uint16_t HomeWorker(std::string_view connector_id, uint16_t workers) {
  constexpr core::HashKey kKey = {0, 0};  // Ids are the operator's: nobody aims at a worker.
  return static_cast<uint16_t>(core::SipHash(kKey, connector_id) % workers);
}

/// The worker that counts the new calls of all sources and of each (`limits.calls_per_second` and
/// `..._per_source`): one, so that the limits are exact however calls fall on workers.
inline constexpr uint16_t kRateWorker = 0;

/// What a worker asks before it sends a call's first INVITE out: of the connector's home worker,
/// and then, where the node limits their rate, of the one that counts all calls. Travels as an
/// envelope's bytes; `call` is the asking worker's handle, given back untouched.
struct AskGrant {
  uint32_t connector = 0;  // Index that is stable across reloads; see ConnectorKey in policy.h.
  bool to_trunk = false;   // Counts against CpsLimit.
  bool emergency = false;  // Rule 6: never refused for rate, and has the reserve of calls.
  uint16_t asker = 0;      // Whom the answer goes to.
  uint16_t home = 0;       // The connector's home worker.
  uint64_t call = 0;
  core::IpAddress source;
  bool is_rated = false;  // The home worker granted it, at that moment: its rate is left to ask.
  core::Instant counted_at{};
};

enum class GrantAnswer : uint8_t {
  kGranted,
  kUncounted,  // An emergency call that nobody could be asked for: it goes on, and holds no grant.
  kRefusedCalls,
  kRefusedCps,
  kRefusedRate,        // limits.calls_per_second
  kRefusedSourceRate,  // limits.calls_per_second_per_source
};

/// The answer. A grant holds one of the connector's calls until it is returned.
struct Grant {
  uint32_t connector = 0;
  GrantAnswer answer = GrantAnswer::kGranted;
  uint64_t call = 0;
  uint16_t home = 0;           // The connector's home worker: to whom it is returned,
  core::Instant counted_at{};  // and when that counted it.
  bool to_trunk = false;       // As it was asked.
};

/// A call of the connector's has ended. Travels as an envelope's bytes.
struct ReturnedGrant {
  uint32_t connector = 0;
  // No INVITE of it was ever sent, so it is none that CpsLimit counts.
  bool is_unused = false;
  bool to_trunk = false;
  core::Instant counted_at{};  // Of the Grant.
};

/// Of a grant whose call came to nothing before any INVITE of it was sent.
inline ReturnedGrant Unused(const Grant& grant) {
  return {.connector = grant.connector,
          .is_unused = true,
          .to_trunk = grant.to_trunk,
          .counted_at = grant.counted_at};
}

/// A connector's admitted calls and their rate, kept by its home worker (rule 5).
///
/// Shape:  `calls_max` calls at once (0: no limit of ours) and as many again as the reserve for
///         emergency calls; CpsLimit by RateWindow.
/// Errors: a refusal changes nothing: refused calls do not count.
/// Thread: the home worker's.
class ConnectorLedger {
 public:
  struct Limits {
    uint32_t cps = 0;                // 0: none of ours.
    uint32_t calls = 0;              // 0: none of ours.
    uint32_t emergency_reserve = 0;  // Calls past `calls` that only emergencies may use.
  };

  explicit ConnectorLedger(const Limits& limits) : limits_(limits), window_(limits.cps) {}

  /// Asked once a call, last of all its checks: a retransmission or a digest retry of a call that
  /// holds a grant does not ask again.
  Grant Ask(const AskGrant& ask, core::Instant now) {
    const auto told = [&](GrantAnswer answer) {
      return Grant{ask.connector, answer, ask.call, ask.home, now, ask.to_trunk};
    };
    const uint32_t room = limits_.calls + (ask.emergency ? limits_.emergency_reserve : 0);
    if (limits_.calls != 0 && calls_ >= room) return told(GrantAnswer::kRefusedCalls);
    if (ask.to_trunk) {
      if (!ask.emergency && !window_.Fits(now)) return told(GrantAnswer::kRefusedCps);
      window_.Record(now);
    }
    ++calls_;
    return told(GrantAnswer::kGranted);
  }

  void Return(const ReturnedGrant& returned) {
    CHECK(calls_ > 0);
    --calls_;
    if (returned.is_unused && returned.to_trunk) window_.TakeBack(returned.counted_at);
  }

  /// New limits after a reload. Calls in progress stay counted, and so do those that began within
  /// the last second. Allocates: the control thread's envelope brings it, never a call.
  void SetLimits(const Limits& limits) {
    if (limits.cps != limits_.cps) window_.SetLimit(limits.cps);
    limits_ = limits;
  }

  uint32_t calls() const { return calls_; }
  const Limits& limits() const { return limits_; }

 private:
  Limits limits_;
  RateWindow window_;
  uint32_t calls_ = 0;
};

}  // namespace sbc
