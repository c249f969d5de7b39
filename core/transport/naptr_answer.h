#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace core::transport {

/// Which SRV records a domain says are those of a service (RFC 3263 §4.1): of its NAPTR records
/// that have the service and the flag "s", the replacement of the one with the lowest order and,
/// among those, preference.
///
/// Errors: an empty name where it has none. What has another flag is for others (RFC 3404).
struct NaptrAnswer {
  std::string replacement;
  // The shortest on the way (RFC 2181 §5.2).
  std::chrono::seconds ttl = std::chrono::seconds::max();
};

/// `service`: "SIP+D2U". False for a message that ends too early or holds a name that cannot be
/// read. Control thread only: it allocates.
[[nodiscard]] bool ParseNaptrAnswer(std::span<const unsigned char> message,
                                    std::string_view service, NaptrAnswer* answer);

}  // namespace core::transport
