#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/base/instant.h"
#include "sbc/config.h"

namespace sbc {

/// Writes the SIP messages of both legs of a call as the trunk's own SIP log does (one JSON object
/// a message, with Amazon's keys), for connectors with EnableSIPLogs.
///
/// Shape:  `event_timestamp` in milliseconds, `call_id` our own, which is the CDR's TransactionId;
///         the lines of `sip_message` end in LF, as the trunk's do.
/// Cost:   no allocation once `out` has grown.
/// Thread: the control thread's.
class SipLogWriter {
 public:
  struct Entry {
    std::string_view connector_id;
    uint64_t transaction_id[2] = {};
    core::WallTime at;
    std::string_view message;
  };

  /// Each connector's region; those of before stay known.
  void Configure(const Config& config);

  /// One line, with its end.
  void Append(const Entry& entry, std::string* out) const;

 private:
  std::map<std::string, std::string, std::less<>> regions_;
};

}  // namespace sbc
