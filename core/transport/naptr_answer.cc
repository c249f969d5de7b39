#include "core/transport/naptr_answer.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/base/ascii.h"
#include "core/transport/dns_reader.h"

namespace core::transport {

bool ParseNaptrAnswer(std::span<const unsigned char> message, std::string_view service,
                      NaptrAnswer* answer) {
  *answer = {};
  uint32_t best = UINT32_MAX;
  DnsReader in(message);
  const uint16_t answers = in.TakeHead();
  for (uint16_t i = 0; i < answers && in.ok(); ++i) {
    const DnsReader::Record record = in.TakeRecord();
    const bool is_naptr = record.type == DnsReader::kTypeNaptr;
    if (is_naptr || record.type == DnsReader::kTypeCname) {
      answer->ttl = std::min(answer->ttl, std::chrono::seconds(record.ttl_s));
    }
    if (is_naptr) {
      const uint32_t rank = in.Take32();  // Order, then preference.
      const std::string flags = in.TakeString();
      const std::string services = in.TakeString();
      (void)in.TakeString();  // A regular expression: not with the flag "s".
      std::string replacement = in.TakeName();
      if (rank < best && EqualsIgnoreCase(flags, "s") && EqualsIgnoreCase(services, service)) {
        best = rank;
        answer->replacement = std::move(replacement);
      }
    }
    in.EndRecord(record);
  }
  return in.ok();
}

}  // namespace core::transport
