#include "core/transport/dns_reader.h"

#include <ares.h>

namespace core::transport {
namespace {

constexpr uint32_t kTtlMax = 0x7fffffff;  // A set top bit means zero (RFC 2181 §8).

}  // namespace

uint8_t DnsReader::Take8() {
  const size_t from = at_;
  Skip(1);
  return ok_ ? message_[from] : uint8_t{0};
}

uint16_t DnsReader::Take16() {
  const uint16_t high = Take8();
  return static_cast<uint16_t>(high << 8 | Take8());
}

uint32_t DnsReader::Take32() {
  const uint32_t high = Take16();
  return high << 16 | Take16();
}

std::string DnsReader::TakeName() {
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

std::string DnsReader::TakeString() {
  const size_t size = Take8();
  const size_t from = at_;
  Skip(size);
  if (!ok_) return {};
  return {reinterpret_cast<const char*>(message_.data()) + from, size};
}

uint16_t DnsReader::TakeHead() {
  Skip(4);  // Id and flags: c-ares has judged them.
  const uint16_t questions = Take16();
  const uint16_t answers = Take16();
  Skip(4);  // Authority and additional records are of no use here.
  for (uint16_t i = 0; i < questions && ok_; ++i) {
    (void)TakeName();
    Skip(4);
  }
  return answers;
}

DnsReader::Record DnsReader::TakeRecord() {
  (void)TakeName();  // The owner: the server was asked for one name, CNAMEs lead to another.
  Record record;
  record.type = Take16();
  Skip(2);  // Class.
  record.ttl_s = Take32();
  if (record.ttl_s > kTtlMax) record.ttl_s = 0;
  const size_t size = Take16();
  record.end = at_ + size;
  if (record.end > message_.size()) ok_ = false;
  return record;
}

void DnsReader::EndRecord(const Record& record) {
  if (at_ > record.end) ok_ = false;
  if (ok_) at_ = record.end;
}

}  // namespace core::transport
