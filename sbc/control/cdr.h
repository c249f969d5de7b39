#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "sbc/call_record.h"
#include "sbc/config.h"

namespace sbc {

/// Writes call records as Amazon writes its own (one JSON object, its fields by name and order), so
/// that ours join Amazon's by CallId (rule 27 of the SBC's rules).
///
/// Choices where the trunk's documents leave them: a call that was answered is Completed and starts
///         with its answer; any other is Failed, starts with its INVITE and is billed 0 seconds.
///         Billing goes by started 6 seconds. SipAuthUser is left out, as we do not sign for
///         anybody. A number that is not E.164 stands as it was dialled, with no country.
/// Cost:   no allocation once `out` has grown.
/// Thread: the control thread's.
class CdrWriter {
 public:
  /// Account and region of each connector. Those of before stay known: their calls may end later.
  void Configure(const Config& config);

  /// One line, with its end.
  void Append(const CallRecord& record, std::string* out) const;

 private:
  struct Connector {
    std::string account_id;
    std::string region;
    std::string usage_prefix;  // "USE1"
    HomePlan home_plan = HomePlan::kInternational;
  };

  const Connector& ConnectorOf(const CallRecord& record) const;

  std::map<std::string, Connector, std::less<>> connectors_;
  Connector none_;
};

/// The seconds that a call of this length is billed: every started 6.
int64_t BillableSeconds(core::WallTime answered, core::WallTime ended);

/// How Amazon's bills call a region: "USE1" for us-east-1. Empty: not known.
std::string_view UsagePrefix(std::string_view region);

}  // namespace sbc
