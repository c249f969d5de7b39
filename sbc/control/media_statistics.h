#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "sbc/call_record.h"
#include "sbc/host_registry.h"

namespace sbc {

/// Counts of values between fixed bounds, in the little room that many series leave to each.
///
/// Shape: at most kBoundsMax bounds, which the caller gives each time and which never change.
struct Distribution {
  static constexpr size_t kBoundsMax = 12;

  void Record(double value, std::span<const double> bounds);

  std::array<uint64_t, kBoundsMax> up_to{};  // [i]: at most bounds[i], and above the one before.
  uint64_t count = 0;
  double sum = 0;
};

/// What the media of calls adds up to, by connector, direction of calling, route and leg: each
/// minute of a leg is one value of each distribution, and so is what is left at a call's end.
///
/// Shape:  labels are the configuration's words, never a peer's. At most kSeriesMax series; what
///         comes after those counts under kOtherSeries.
/// Errors: what is not known is no value: neither 0 nor good.
/// Thread: the control thread's.
class MediaStatistics {
 public:
  static constexpr size_t kSeriesMax = 256;  // Each is some eighty lines of /metrics.

  static constexpr double kLossBounds[] = {0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5};
  static constexpr double kJitterBounds[] = {0.0005, 0.001, 0.002, 0.005, 0.01,
                                             0.02,   0.03,  0.05,  0.1,   0.2};
  static constexpr double kRoundTripBounds[] = {0.005, 0.01, 0.02, 0.05, 0.1,
                                                0.15,  0.2,  0.3,  0.4,  0.6};
  static constexpr double kMosBounds[] = {1.5, 2, 2.5, 3, 3.3, 3.6, 3.9, 4, 4.1, 4.2, 4.3, 4.4};

  struct Key {
    std::string connector;
    CallDirection direction = CallDirection::kTermination;
    std::string route;  // The one that was answered; the trunk's own host where calls go there.
    Side side = Side::kCustomer;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Leg {
    uint64_t streams = 0;  // Legs of ended calls from which RTP came.
    uint64_t received = 0;
    uint64_t sent = 0;
    uint64_t expected = 0;
    uint64_t lost = 0;
    uint64_t sent_lost = 0;  // What peers said they missed; of ended calls.
    Distribution loss_ratio;
    Distribution jitter_s;
    Distribution round_trip_s;
    Distribution mos_listening;
    Distribution mos_conversation;
  };

  /// A minute of a call, or its end.
  void OnReport(const CallReport& report, bool ended, const HostRegistry& registry);

  const std::map<Key, Leg>& legs() const { return legs_; }

 private:
  std::map<Key, Leg> legs_;
};

}  // namespace sbc
