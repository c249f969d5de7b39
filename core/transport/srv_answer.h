#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/instant.h"

namespace core::transport {

/// One SRV record (RFC 2782).
struct SrvRecord {
  uint16_t priority = 0;
  uint16_t weight = 0;
  uint16_t port = 0;
  std::string target;  // Without the dot at its end; empty for the root, which refuses the service.
};

/// What an answer to an SRV question said. (c-ares 1.18 reads the records but drops their TTL.)
///
/// Shape:  records in the order of the message, at most kRecordsMax; the rest are only counted.
struct SrvAnswer {
  static constexpr size_t kRecordsMax = 32;

  std::vector<SrvRecord> records;
  std::chrono::seconds ttl =
      std::chrono::seconds::max();  // The shortest on the way (RFC 2181 §5.2).
};

/// Reads the answer section of a DNS message (RFC 1035 §4.1). False for one that ends too early or
/// holds a name that cannot be read. Control thread only: it allocates.
[[nodiscard]] bool ParseSrvAnswer(std::span<const unsigned char> message, SrvAnswer* answer);

}  // namespace core::transport
