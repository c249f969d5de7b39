#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "core/base/check.h"
#include "core/base/lazy_array.h"

namespace core {

/// What is held across time instead of a pointer: where an object was, and which one it was.
///
/// Shape: 8 bytes; the default value names nothing. Pool::Find() is null once the object is gone.
template <typename T>
struct Handle {
  uint32_t index = 0;
  uint32_t generation = 0;  // 0 is never given out.

  explicit operator bool() const { return generation != 0; }
  uint64_t bits() const { return (uint64_t{generation} << 32) | index; }
  static Handle FromBits(uint64_t bits) {
    return {static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)};
  }
  friend bool operator==(Handle, Handle) = default;
};

/// A fixed number of objects of one type, which never move.
///
/// Shape:    at most capacity() at once; memory is reserved at construction and touched on first
/// use. Lifetime: an object lives from Acquire() to Release(); the pool must be empty when it dies,
/// or it
///           destroys what is left.
/// Errors:   Acquire() is null when the pool is dry; the caller has the protocol's answer to that.
/// Thread:   one worker's.
template <typename T>
class Pool {
 public:
  explicit Pool(size_t capacity) : capacity_(capacity), slots_(capacity) {
    CHECK(capacity > 0 && capacity < kNoSlot);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (uint32_t i = 0; i < touched_; ++i) {
      if (slots_[i].live) Object(i)->~T();
    }
  }

  template <typename... Args>
  [[nodiscard]] T* Acquire(Args&&... args) {
    uint32_t index = free_head_;
    if (index != kNoSlot) {
      free_head_ = slots_[index].next_free;
    } else if (touched_ < capacity_) {
      index = touched_++;
    } else {
      return nullptr;
    }
    Slot& slot = slots_[index];
    if (++slot.generation == 0) slot.generation = 1;
    slot.live = true;
    ++size_;
    if (size_ > peak_) peak_ = size_;
    return new (slot.storage) T(std::forward<Args>(args)...);
  }

  void Release(T* object) {
    const uint32_t index = IndexOf(object);
    Slot& slot = slots_[index];
    CHECK(slot.live);
    object->~T();
    slot.live = false;
    slot.next_free = free_head_;
    free_head_ = index;
    --size_;
  }

  /// The object of this handle, or null when it is gone.
  T* Find(Handle<T> handle) {
    if (handle.generation == 0 || handle.index >= touched_) return nullptr;
    const Slot& slot = slots_[handle.index];
    return slot.live && slot.generation == handle.generation ? Object(handle.index) : nullptr;
  }

  Handle<T> HandleOf(const T* object) const {
    const uint32_t index = IndexOf(object);
    return {index, slots_[index].generation};
  }

  /// Calls `visit(T*)` for each live object. `visit` may release the one it was given.
  template <typename Visit>
  void ForEach(Visit&& visit) {
    for (uint32_t i = 0; i < touched_; ++i) {
      if (slots_[i].live) visit(Object(i));
    }
  }

  size_t size() const { return size_; }
  size_t peak() const { return peak_; }
  size_t capacity() const { return capacity_; }
  bool dry() const { return size_ == capacity_; }

 private:
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  struct Slot {
    alignas(T) std::byte storage[sizeof(T)];
    uint32_t generation;
    uint32_t next_free;
    bool live;
  };

  T* Object(uint32_t index) { return std::launder(reinterpret_cast<T*>(slots_[index].storage)); }
  uint32_t IndexOf(const T* object) const {
    const auto* slot = reinterpret_cast<const Slot*>(object);
    const ptrdiff_t index = slot - slots_.data();
    CHECK(index >= 0 && static_cast<size_t>(index) < capacity_);
    return static_cast<uint32_t>(index);
  }

  size_t capacity_;
  LazyArray<Slot> slots_;
  uint32_t touched_ = 0;  // Slots from here on were never used.
  uint32_t free_head_ = kNoSlot;
  size_t size_ = 0;
  size_t peak_ = 0;
};

}  // namespace core
