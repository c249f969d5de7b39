#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/instant.h"
#include "core/base/random.h"

namespace core::rtp {

/// What decides how often a party reports (RFC 3550 §6.2).
struct RtcpShare {
  uint32_t octets_per_second = 0;  // RTCP's part of the bandwidth: 5 % of both directions'.
  uint32_t average_octets = 0;  // Of a compound packet on the wire, UDP and IP with it (§6.3.3).
  bool initial = false;         // Nothing was reported yet: half the minimum.
};

/// The time to the next report (§6.3.1), for the two parties of a call: with one sender of two, the
/// senders' quarter never divides the bandwidth.
///
/// Shape: evenly from half to one and a half times the interval, over e - 3/2, so that many calls
///        that began at once do not report at once.
inline Duration RtcpInterval(const RtcpShare& share, Random* random) {
  constexpr uint64_t kMembers = 2;
  constexpr Duration kMin = std::chrono::seconds(5);
  constexpr Duration kMax = std::chrono::minutes(1);  // A tiny bandwidth must not silence us.
  constexpr int64_t kCompensation = 121'828;          // e - 3/2, in 10^-5.

  const uint64_t needed_ns =
      kMembers * share.average_octets * 1'000'000'000 / std::max(share.octets_per_second, 1u);
  const Duration wanted = std::min(Duration(static_cast<int64_t>(needed_ns)), kMax);
  const Duration interval = std::max(wanted, share.initial ? kMin / 2 : kMin);
  const auto spread = static_cast<int64_t>(random->Below(static_cast<uint64_t>(interval.count())));
  return (interval / 2 + Duration(spread)) * 100'000 / kCompensation;
}

}  // namespace core::rtp
