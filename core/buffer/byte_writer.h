#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/check.h"

namespace core {

/// Numbers in network order to a place that the caller has made sure of.
inline void StoreBig16(uint16_t value, uint8_t* bytes) {
  bytes[0] = static_cast<uint8_t>(value >> 8);
  bytes[1] = static_cast<uint8_t>(value);
}
inline void StoreBig32(uint32_t value, uint8_t* bytes) {
  StoreBig16(static_cast<uint16_t>(value >> 16), bytes);
  StoreBig16(static_cast<uint16_t>(value), bytes + 2);
}

/// Writes a binary format from front to back into bytes that somebody else owns.
///
/// Shape:    numbers are in network order.
/// Lifetime: borrows the bytes.
/// Errors:   what does not fit is not written, and from then on nothing is: one look at fits() at
///           the end is enough.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<uint8_t> out) : out_(out) {}

  bool fits() const { return fits_; }
  size_t size() const { return size_; }
  std::span<const uint8_t> written() const { return out_.first(size_); }

  void Put8(uint8_t value) {
    if (uint8_t* at = Claim(1)) *at = value;
  }
  void Put16(uint16_t value) {
    if (uint8_t* at = Claim(2)) StoreBig16(value, at);
  }
  void Put32(uint32_t value) {
    if (uint8_t* at = Claim(4)) StoreBig32(value, at);
  }
  void PutText(std::string_view text) {
    if (uint8_t* at = Claim(text.size())) std::copy(text.begin(), text.end(), at);
  }
  void PutZeros(size_t count) {
    if (uint8_t* at = Claim(count)) std::fill_n(at, count, uint8_t{0});
  }

  /// Back to an earlier size, as if what came after it had never been tried.
  void Rewind(size_t size) {
    CHECK(size <= size_);
    size_ = size;
    fits_ = true;
  }
  /// A number whose value was not known when its place was passed.
  void Patch16(size_t at, uint16_t value) {
    CHECK(at + 2 <= size_);
    StoreBig16(value, out_.data() + at);
  }

 private:
  uint8_t* Claim(size_t count) {
    if (!fits_ || out_.size() - size_ < count) {
      fits_ = false;
      return nullptr;
    }
    uint8_t* at = out_.data() + size_;
    size_ += count;
    return at;
  }

  std::span<uint8_t> out_;
  size_t size_ = 0;
  bool fits_ = true;
};

}  // namespace core
