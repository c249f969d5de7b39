#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "core/base/histogram.h"
#include "sbc/call_record.h"
#include "sbc/host_registry.h"

namespace sbc {

/// What the records of ended calls add up to, by connector and by route: what no worker counts for
/// itself.
///
/// Shape:  labels are the configuration's words, never a peer's. At most kSeriesMax series of each
///         kind; what comes after those counts under kOtherSeries, so that no number of reloads can
///         grow them further.
/// Thread: the control thread's.
class CallStatistics {
 public:
  static constexpr size_t kSeriesMax = 1024;

  struct CallKey {
    std::string connector;  // Empty: none was found.
    CallDirection direction = CallDirection::kTermination;
    friend auto operator<=>(const CallKey&, const CallKey&) = default;
  };
  struct RouteKey {
    std::string connector;
    Side side = Side::kCustomer;
    std::string route;  // As the configuration says it: "pbx-a.example.com:5060".
    friend auto operator<=>(const RouteKey&, const RouteKey&) = default;
  };
  /// Routes that calls passed over, by why.
  struct Skipped {
    uint64_t down = 0;
    uint64_t own = 0;  // The route's host resolves to ourselves alone (rule 1).
    uint64_t unresolved = 0;
  };
  using Calls = std::array<uint64_t, kCallEndCount>;        // By CallEnd.
  using Attempts = std::array<uint64_t, kRouteEventCount>;  // By RouteEvent.

  /// `registry` names each attempt's host: the number of a route is that of the configuration that
  /// the call began under, which may be another by now.
  void OnCall(const CallRecord& record, const HostRegistry& registry);

  const std::map<CallKey, Calls>& calls() const { return calls_; }
  const std::map<RouteKey, Attempts>& attempts() const { return attempts_; }
  const Skipped& skipped() const { return skipped_; }
  /// In microseconds, of answered calls: INVITE received to 2xx sent.
  const core::Histogram& setup_us(CallDirection direction) const {
    return setup_us_[static_cast<size_t>(direction)];
  }

 private:
  std::map<CallKey, Calls> calls_;
  std::map<RouteKey, Attempts> attempts_;
  Skipped skipped_;
  core::Histogram setup_us_[2];
};

}  // namespace sbc
