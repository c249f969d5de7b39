#include "core/transport/srv_answer.h"

#include <algorithm>
#include <utility>

#include "core/transport/dns_reader.h"

namespace core::transport {

bool ParseSrvAnswer(std::span<const unsigned char> message, SrvAnswer* answer) {
  *answer = {};
  DnsReader in(message);
  const uint16_t answers = in.TakeHead();
  for (uint16_t i = 0; i < answers && in.ok(); ++i) {
    const DnsReader::Record record = in.TakeRecord();
    const bool is_srv = record.type == DnsReader::kTypeSrv;
    if (is_srv || record.type == DnsReader::kTypeCname) {
      answer->ttl = std::min(answer->ttl, std::chrono::seconds(record.ttl_s));
    }
    if (is_srv && answer->records.size() < SrvAnswer::kRecordsMax) {
      SrvRecord srv;
      srv.priority = in.Take16();
      srv.weight = in.Take16();
      srv.port = in.Take16();
      srv.target = in.TakeName();
      answer->records.push_back(std::move(srv));
    }
    in.EndRecord(record);
  }
  return in.ok();
}

}  // namespace core::transport
