#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace core::transport {

/// Walks a DNS message (RFC 1035 §4.1), for what c-ares reads but drops: the TTL of SRV and NAPTR.
///
/// Lifetime: borrows the message.
/// Errors:   ok() is false from the first read past its end, or of a name that cannot be, on; what
///           is read from then on is empty.
class DnsReader {
 public:
  static constexpr uint16_t kTypeCname = 5;
  static constexpr uint16_t kTypeSrv = 33;
  static constexpr uint16_t kTypeNaptr = 35;

  struct Record {
    uint16_t type = 0;
    uint32_t ttl_s = 0;
    size_t end = 0;  // Where its data ends.
  };

  explicit DnsReader(std::span<const unsigned char> message) : message_(message) {}

  bool ok() const { return ok_; }
  void Skip(size_t size) {
    if (size > message_.size() - at_) ok_ = false;
    if (ok_) at_ += size;
  }
  uint8_t Take8();
  uint16_t Take16();
  uint32_t Take32();
  std::string TakeName();    // Without the dot at its end.
  std::string TakeString();  // A <character-string>.

  /// The header and the questions; how many answers follow.
  uint16_t TakeHead();
  /// An answer up to its data. EndRecord() goes to the next, whatever was read of this one.
  Record TakeRecord();
  void EndRecord(const Record& record);

 private:
  std::span<const unsigned char> message_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace core::transport
