#include "core/transport/srv_answer.h"

#include <ares.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace core::transport {
namespace {

constexpr size_t kHeaderSize = 12;
constexpr uint16_t kTypeCname = 5;
constexpr uint16_t kTypeSrv = 33;
constexpr uint32_t kTtlMax = 0x7fffffff;  // A set top bit means zero (RFC 2181 §8).

/// Walks a DNS message; `ok()` is false from the first read past its end on.
class DnsReader {
 public:
  explicit DnsReader(std::span<const unsigned char> message) : message_(message) {}

  bool ok() const { return ok_; }
  size_t at() const { return at_; }
  void Skip(size_t size) {
    if (size > message_.size() - at_) ok_ = false;
    if (ok_) at_ += size;
  }
  uint16_t Take16() {
    const size_t from = at_;
    Skip(2);
    return ok_ ? static_cast<uint16_t>(message_[from] << 8 | message_[from + 1]) : uint16_t{0};
  }
  uint32_t Take32() {
    const uint32_t high = Take16();
    return high << 16 | Take16();
  }
  std::string TakeName() {
    char* text = nullptr;
    long size = 0;
    if (!ok_ || at_ == message_.size() ||
        ares_expand_name(message_.data() + at_, message_.data(), static_cast<int>(message_.size()),
                         &text, &size) != ARES_SUCCESS) {
      ok_ = false;
      return {};
    }
    std::string name(text);
    ares_free_string(text);
    Skip(static_cast<size_t>(size));
    return name;
  }

 private:
  std::span<const unsigned char> message_;
  size_t at_ = 0;
  bool ok_ = true;
};

void ParseRecord(DnsReader* in, SrvAnswer* answer) {
  (void)in->TakeName();  // The owner: the server was asked for one name, CNAMEs lead to another.
  const uint16_t type = in->Take16();
  in->Skip(2);  // Class.
  const uint32_t ttl = in->Take32();
  const size_t size = in->Take16();
  const size_t begin = in->at();
  if (type == kTypeSrv || type == kTypeCname) {
    answer->ttl = std::min(answer->ttl, std::chrono::seconds(ttl > kTtlMax ? 0 : ttl));
  }
  if (type == kTypeSrv && answer->records.size() < SrvAnswer::kRecordsMax) {
    SrvRecord record;
    record.priority = in->Take16();
    record.weight = in->Take16();
    record.port = in->Take16();
    record.target = in->TakeName();
    answer->records.push_back(std::move(record));
  }
  const size_t used = in->at() - begin;
  in->Skip(used <= size ? size - used : SIZE_MAX);
}

}  // namespace

bool ParseSrvAnswer(std::span<const unsigned char> message, SrvAnswer* answer) {
  *answer = {};
  DnsReader in(message);
  in.Skip(4);  // Id and flags: c-ares has judged them.
  const uint16_t questions = in.Take16();
  const uint16_t answers = in.Take16();
  in.Skip(kHeaderSize - 8);
  for (uint16_t i = 0; i < questions && in.ok(); ++i) {
    (void)in.TakeName();
    in.Skip(4);
  }
  for (uint16_t i = 0; i < answers && in.ok(); ++i) ParseRecord(&in, answer);
  return in.ok();
}

}  // namespace core::transport
