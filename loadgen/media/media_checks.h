#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "core/base/instant.h"

namespace loadgen {

class ElementReader;

/// What a step wants of the audio that its call has received so far. The attributes are ours: SIPp
/// ignores them.
///
///     rf_min_mos="4.0"       at least, 1 to 4.5; audio that nobody can judge has no MOS and fails
///     rf_max_loss="1"        percent, at most
///     rf_max_jitter="20"     ms, at most
///     rf_two_way="true"      audio was sent, or echoed, and came, and still comes: of the time in
///                            which our own plays and the SDP of both says sendrecv, at most the
///                            last 2 s, or rf_max_gap's, passed without
///     rf_max_gap="5000"      ms, at most, without any after the first, of the time in which SDP
///                            lets the peer send
///     rf_dtmf="123#"         these digits came, in this order, and no other
///
/// A call that does not keep to one of them goes on, and has failed when it ends (as with
/// check_it).
struct MediaChecks {
  static constexpr core::Duration kAloneMax = std::chrono::seconds(2);

  std::optional<double> mos_min;
  std::optional<double> loss_max_percent;
  std::optional<core::Duration> jitter_max;
  std::optional<core::Duration> gap_max;
  std::string digits;  // Empty: not checked.
  bool two_way = false;

  bool any() const {
    return mos_min || loss_max_percent || jitter_max || gap_max || two_way || !digits.empty();
  }
};

/// Errors: an attribute on a <pause> or <timewait>, which judges nothing; a value out of range.
absl::Status LoadMediaChecks(const ElementReader& in, MediaChecks* checks);

}  // namespace loadgen
