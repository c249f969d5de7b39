#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sbc/call_record.h"
#include "tests/support/sbc_world.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_user_agent.h"

namespace tests {

/// How often the simulated hours went the ways that they are there for: what no seed ever does, no
/// seed has proved.
class SimCoverage {
 public:
  void CountHour(SbcWorld& world, const SimNetwork& network,
                 const std::vector<const SimUserAgent*>& agents);

  void Count(const char* way, uint64_t times) { counts_[way] += times; }
  /// The calls of a PBX that is reached by IPv6.
  void CountIpv6(const SimUserAgent& agent);
  /// What callers heard in a world where early dialogs are folded.
  void CountFolded(const std::vector<const SimUserAgent*>& callers);

  /// The ways that were gone less often than they must be in a usual run, one a line; empty: none.
  std::string Missing() const;
  std::string Table() const;

 private:
  void CountMessages(const SimUserAgent& agent);
  void CountCalls(const SimUserAgent& agent);
  void CountTransfer(const SimMessage& message, const std::string& method, int status);
  void CountRecord(const sbc::CallRecord& record);

  std::map<std::string, uint64_t> counts_;
};

/// What one side was shown of the other in a header field, or nothing: names and addresses of its
/// peers, and the identifiers that the SBC itself uses there (rule 16, topology).
std::string FindLeak(const std::vector<const SimUserAgent*>& customers, const SimUserAgent& trunk);

}  // namespace tests
