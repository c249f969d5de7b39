#pragma once

#include <cstddef>
#include <span>

#include "core/base/check.h"

namespace core {

/// A vector with its storage inside and a fixed maximum.
///
/// Shape:  at most kMax elements, default-constructed in place.
/// Errors: PushBack() is false when full; the caller has the answer to that.
template <typename T, size_t kMax>
class BoundedVector {
 public:
  using value_type = T;
  using const_iterator = const T*;

  [[nodiscard]] bool PushBack(const T& value) {
    if (size_ == kMax) return false;
    items_[size_++] = value;
    return true;
  }
  void Clear() { size_ = 0; }
  void Truncate(size_t size) {
    CHECK(size <= size_);
    size_ = size;
  }
  void EraseAt(size_t index) {
    CHECK(index < size_);
    for (size_t i = index + 1; i < size_; ++i) items_[i - 1] = items_[i];
    --size_;
  }

  T& operator[](size_t index) {
    CHECK(index < size_);
    return items_[index];
  }
  const T& operator[](size_t index) const {
    CHECK(index < size_);
    return items_[index];
  }
  T* begin() { return items_; }
  T* end() { return items_ + size_; }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + size_; }
  T& back() { return (*this)[size_ - 1]; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == kMax; }
  static constexpr size_t capacity() { return kMax; }

 private:
  T items_[kMax] = {};
  size_t size_ = 0;
};

}  // namespace core
