#pragma once

#include <functional>
#include <map>
#include <string>

#include "sbc/call_record.h"
#include "sbc/config.h"

namespace sbc {

/// Writes what media did, once a minute of a call and at its end, as the trunk's own media log does
/// (one JSON object with Amazon's keys and units), for connectors with EnableMediaMetricLogs.
///
/// `vc` is this SBC, `cust` the customer leg and `rem` the trunk leg (rule 27 of the SBC's rules).
///
/// Units:  packets and bytes of RTP and RTCP since the record before, bytes from the RTP header on;
///         lost packets since the call began; jitter and round trip in microseconds; MOS of the
///         conversation from 1.0 to 4.4, since the record before.
/// Errors: a round trip or a MOS that is not known is left out. Loss and jitter of what we sent are
///         what the peer's reports say: 0 where it makes none, as all other keys are always there.
/// Cost:   no allocation once `out` has grown.
/// Thread: the control thread's.
class MediaLogWriter {
 public:
  /// The newest configuration says who is logged; connectors of before are still known.
  void Configure(const Config& config);
  bool Wants(const CallReport& report) const;

  /// One line, with its end.
  void Append(const CallReport& report, std::string* out) const;

 private:
  struct Connector {
    std::string region;
    HomePlan home_plan = HomePlan::kInternational;
    bool is_logged = false;
  };

  const Connector& ConnectorOf(const CallRecord& record) const;

  std::map<std::string, Connector, std::less<>> connectors_;
  Connector none_;
};

}  // namespace sbc
