#pragma once

#include <cstdint>
#include <vector>

#include "core/base/check.h"

namespace core::net {

/// A first-in-first-out queue of indices, each in it at most once.
///
/// Shape:  room for `capacity` is made at construction; as each index is in it once, it never
/// fills. Thread: one worker's.
class IndexQueue {
 public:
  explicit IndexQueue(uint32_t capacity) : items_(capacity) {}

  void Push(uint32_t index) {
    CHECK(size_ < items_.size());
    items_[(head_ + size_) % items_.size()] = index;
    ++size_;
  }
  uint32_t Pop() {
    CHECK(size_ > 0);
    const uint32_t index = items_[head_];
    head_ = (head_ + 1) % items_.size();
    --size_;
    return index;
  }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

 private:
  std::vector<uint32_t> items_;
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace core::net
