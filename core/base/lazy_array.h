#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <type_traits>

#include "core/base/out_of_memory.h"

namespace core {

/// A fixed number of objects in zeroed memory of its own, mapped at construction and touched only
/// where it is used: a table sized for the worst hour costs nothing at night.
///
/// A large one asks for huge pages. Tables here are read at random places, one or two for each
/// message, and a page table walk (two-dimensional in a virtual machine) costs more than the read.
///
/// Shape:    for types whose zero bytes are a value and which need no destruction.
/// Errors:   no memory at construction ends the program, as for every pool.
/// Thread:   one worker's.
template <typename T>
class LazyArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  explicit LazyArray(size_t count) : count_(count) {
    if (count == 0) return;
    void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) OutOfMemory();
    if (bytes() >= kHugePage) (void)madvise(memory, bytes(), MADV_HUGEPAGE);  // Or small ones.
    objects_ = static_cast<T*>(memory);
  }
  LazyArray(const LazyArray&) = delete;
  LazyArray& operator=(const LazyArray&) = delete;
  ~LazyArray() {
    if (objects_ != nullptr) munmap(objects_, bytes());
  }

  T& operator[](size_t index) { return objects_[index]; }
  const T& operator[](size_t index) const { return objects_[index]; }
  T* data() { return objects_; }
  const T* data() const { return objects_; }
  size_t size() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }

 private:
  static constexpr size_t kHugePage = size_t{2} << 20;  // On x86-64, and on most of aarch64.

  size_t count_;
  T* objects_ = nullptr;
};

}  // namespace core
