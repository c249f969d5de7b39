#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/check.h"

namespace core {

/// Numbers in network order at a place that the caller has made sure of.
inline uint16_t LoadBig16(const uint8_t* bytes) {
  return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}
inline uint32_t LoadBig32(const uint8_t* bytes) {
  return uint32_t{LoadBig16(bytes)} << 16 | LoadBig16(bytes + 2);
}

/// Reads a binary format from front to back and cannot pass the end.
///
/// Shape:    numbers are in network order.
/// Lifetime: borrows the bytes, and so do the spans that it returns.
/// Errors:   a Take that finds too few bytes leaves its result as it was and says false.
class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> bytes) : left_(bytes) {}

  size_t left() const { return left_.size(); }
  bool AtEnd() const { return left_.empty(); }

  [[nodiscard]] bool Take8(uint8_t* value) {
    if (left_.empty()) return false;
    *value = left_[0];
    left_ = left_.subspan(1);
    return true;
  }
  [[nodiscard]] bool Take16(uint16_t* value) {
    if (left_.size() < 2) return false;
    *value = LoadBig16(left_.data());
    left_ = left_.subspan(2);
    return true;
  }
  [[nodiscard]] bool Take32(uint32_t* value) {
    if (left_.size() < 4) return false;
    *value = LoadBig32(left_.data());
    left_ = left_.subspan(4);
    return true;
  }
  [[nodiscard]] bool TakeBytes(size_t size, std::span<const uint8_t>* bytes) {
    if (left_.size() < size) return false;
    *bytes = left_.first(size);
    left_ = left_.subspan(size);
    return true;
  }
  [[nodiscard]] bool TakeText(size_t size, std::string_view* text) {
    std::span<const uint8_t> bytes;
    if (!TakeBytes(size, &bytes)) return false;
    *text = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    return true;
  }

 private:
  std::span<const uint8_t> left_;
};

}  // namespace core
