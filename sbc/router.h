#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/base/address.h"
#include "core/base/bounded_vector.h"
#include "core/base/check.h"
#include "core/base/instant.h"
#include "core/base/random.h"
#include "sbc/config.h"
#include "sbc/host_table.h"

namespace sbc {

/// One way to a call's other side: a route of `Origination`, or the connector's trunk.
struct Route {
  uint16_t host = 0;  // In HostTable.
  TransportKind transport = TransportKind::kUdp;
  uint8_t priority = 1;  // 1 to 100, 1 first.
  uint8_t weight = 1;    // 1 to 100, within its priority.
};

/// The routes of one direction of a connector, in the order of the configuration, so that
/// `routes[3]` in a log is routes[3] in the file.
using RouteSet = core::BoundedVector<Route, kRoutesMax>;

/// What is done when a route fails (rule 7): FailoverConfig, with its codes ready to be asked.
struct Failover {
  explicit Failover(const FailoverConfig& config);
  Failover() : Failover(FailoverConfig()) {}

  bool Lists(uint16_t status_code) const { return status_code < 700 && codes[status_code]; }

  std::bitset<700> codes;  // Never 401, 407 or 6xx, whatever was listed.
  core::Duration answer_timeout;
  core::Duration progress_timeout;
  core::Duration ring_timeout;
  core::Duration total_timeout;
};

/// Where the next INVITE goes.
struct RouteTarget {
  uint8_t route = 0;  // Index in the RouteSet.
  uint8_t tried = 0;  // How many addresses of this route were tried before: 0 to 2.
  uint16_t host = 0;
  TransportKind transport = TransportKind::kUdp;
  core::Endpoint endpoint;
};

/// How an attempt at one address ended.
enum class RouteEvent : uint8_t {
  kTrying,          // It has not ended yet.
  kAnswered,        // A final response that goes upstream, 2xx or not.
  kFailedCode,      // A response with a listed code.
  kNoAnswer,        // answer_timeout without any response.
  kNoProgress,      // progress_timeout after a 100.
  kRangOut,         // ring_timeout after its first 101-199.
  kTransportError,  // An ICMP error, or a send that failed.
  kTotalTimeout,    // total_timeout, while this one was being waited for.
  kCancelled,       // The caller gave up.
};
inline constexpr size_t kRouteEventCount = static_cast<size_t>(RouteEvent::kCancelled) + 1;
std::string_view RouteEventName(RouteEvent event);  // "no_answer"

/// Every decision of a call's search, for its log line and its record.
///
/// Shape: the first attempts and always the last one, kStepsMax together, and how many between them
///        there were; skipped routes by bit.
struct RouteTrace {
  static constexpr size_t kStepsMax = kRoutesMax;

  struct Step {
    uint8_t route = 0;
    RouteEvent event = RouteEvent::kTrying;
    uint16_t status_code = 0;  // 0: none came.
    uint32_t after_ms = 0;     // From the search's start to the attempt's end.
    uint16_t host = 0;         // HostRegistry's number: `route` is a place in the call's own file.
    core::Endpoint endpoint;
  };

  core::BoundedVector<Step, kStepsMax> steps;
  uint32_t more_steps = 0;          // Before the last of `steps`.
  uint32_t skipped_down = 0;        // Bit i: route i had no address that is up.
  uint32_t skipped_own = 0;         // Route i's only addresses are our own (rule 1).
  uint32_t skipped_unresolved = 0;  // Route i's host has no address.
  bool last_resort = false;         // All routes were down, so they were tried all the same.
};

/// The trace of a search that was soon over: what a call keeps of it, for hours, once it is
/// answered.
struct ShortTrace {
  static constexpr size_t kStepsMax = 2;

  static bool Fits(const RouteTrace& trace) { return trace.steps.size() <= kStepsMax; }
  explicit ShortTrace(const RouteTrace& trace)
      : skipped_down(trace.skipped_down),
        skipped_own(trace.skipped_own),
        skipped_unresolved(trace.skipped_unresolved),
        last_resort(trace.last_resort) {
    for (const RouteTrace::Step& step : trace.steps) CHECK(steps.PushBack(step));
  }
  ShortTrace() = default;
  RouteTrace trace() const;

  core::BoundedVector<RouteTrace::Step, kStepsMax> steps;
  uint32_t skipped_down = 0;
  uint32_t skipped_own = 0;
  uint32_t skipped_unresolved = 0;
  bool last_resort = false;
};

/// The search of one call for a route that answers (rules 7, 8, 10 to 12 of the SBC's rules).
///
///     plan.Begin(routes, failover, Side::kCustomer, now);
///     if (plan.Next(hosts, random, now, &target)) -> send the INVITE, arm a timer at deadline()
///     OnProvisional(), OnFinal(), OnTimeOut(), OnTransportError() -> kTryNext: Next() once more;
///                                                                    kStop: answer() goes upstream
///     Next() is false -> answer() goes upstream
///
/// Order:    strict priority; inside one, a draw by weight without replacement. A route's next
///           address comes before the next route, kAddressesPerRoute at most (rule 8). A route with
///           no address up is skipped; if none has one, all are tried as if they were up. What is
///           down is not tried after others failed: the peer who calls us has routes of its own.
/// Lifetime: borrows the RouteSet and the Failover, which the call's Policy keeps. No allocation.
/// Thread:   the call's worker's.
class RoutePlan {
 public:
  static constexpr size_t kAddressesPerRoute = 3;

  /// kTryNext only before the route's first 101-199.
  enum class Verdict : uint8_t { kTryNext, kStop };

  /// What the search came to, for the side that calls.
  struct Answer {
    uint16_t status_code = 0;             // Void where `cause` is set.
    std::optional<RejectionCause> cause;  // kNoRoute: its configured code is the answer.
  };

  /// `towards` is the side that is searched.
  void Begin(const RouteSet& routes, const Failover& failover, Side towards, core::Instant now);

  /// Only this address will do: whatever route has it, and it is tried though it were down. After
  /// Begin().
  void Pin(const core::Endpoint& endpoint) { pinned_ = endpoint; }

  /// The next address to send the INVITE to, or false at the end of the search. Not while an
  /// attempt is under way.
  [[nodiscard]] bool Next(const HostTable& hosts, core::Random* random, core::Instant now,
                          RouteTarget* target);

  void OnProvisional(uint16_t status_code, core::Instant now);
  [[nodiscard]] Verdict OnFinal(uint16_t status_code, core::Instant now);
  /// deadline() has come.
  [[nodiscard]] Verdict OnTimeOut(core::Instant now);
  [[nodiscard]] Verdict OnTransportError(core::Instant now);
  /// The caller's CANCEL or a refusal of ours: the search ends and Next() gives no more.
  void OnCancel(core::Instant now);

  /// When OnTimeOut() is due for the attempt under way; kNever when there is none.
  core::Instant deadline() const { return deadline_; }
  /// Past its first 101-199: the route owns the call, and nothing fails over any more.
  bool owned() const { return phase_ == Phase::kRinging; }
  /// A provisional came, so a CANCEL may be sent (RFC 3261 §9.1).
  bool may_cancel() const { return phase_ == Phase::kProceeding || phase_ == Phase::kRinging; }
  /// The status that goes upstream, once a Verdict was kStop or Next() was false (rule 11).
  Answer answer() const { return answer_; }
  /// The attempt under way or the last one.
  const RouteTarget& current() const { return current_; }
  bool attempted() const { return attempts_ > 0; }
  const RouteTrace& trace() const { return trace_; }

 private:
  enum class Phase : uint8_t { kIdle, kCalling, kProceeding, kRinging, kEnded };

  bool Draw(const HostTable& hosts, core::Random* random);
  bool NextAddress(const HostTable& hosts, core::Random* random, core::Instant now);
  bool NextPinned(const HostTable& hosts, core::Instant now);
  void OpenAttempt(core::Instant now);
  uint32_t Eligible(const HostTable& hosts, uint16_t host) const;
  void NoteSkips(const HostTable& hosts);
  void EndAttempt(RouteEvent event, uint16_t status_code, core::Instant now);
  Verdict Fail(RouteEvent event, uint16_t status_code, core::Instant now);
  void Stop(uint16_t upstream_status);
  void GiveUp();

  const RouteSet* routes_ = nullptr;
  const Failover* failover_ = nullptr;
  Side towards_ = Side::kCustomer;
  Phase phase_ = Phase::kIdle;
  bool route_open_ = false;    // current_.route may have a further address.
  uint32_t routes_tried_ = 0;  // Bit i: route i was drawn.
  uint16_t best_status_ = 0;   // What the failed attempts amount to (RFC 3261 §16.7).
  uint16_t attempts_ = 0;
  core::Instant began_;
  core::Instant deadline_ = core::kNever;
  RouteTarget current_;
  std::optional<core::Endpoint> pinned_;
  core::BoundedVector<core::Endpoint, kAddressesPerRoute> addresses_tried_;
  Answer answer_;
  RouteTrace trace_;
};

/// What a final response from the peer becomes on the other side (rules 11 and 18): a 503 is the
/// peer's, not ours, so 500; a redirect is not followed, so 480; a challenge was for us, so 403; a
/// session timer is each leg's own, so a 422 is 500; so are option tags, and a 420 or 421.
uint16_t UpstreamStatus(uint16_t status_code);

}  // namespace sbc
