#include "tests/support/allocations.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> allocations{0};
std::atomic<size_t> failing{SIZE_MAX};  // The count at which one fails.

// As the standard's operator new: the handler is asked, and may end the program.
[[noreturn]] void Fail() {
  if (const std::new_handler handler = std::get_new_handler()) handler();
  std::abort();
}

void* Allocate(size_t size) {
  if (allocations.fetch_add(1, std::memory_order_relaxed) == failing) Fail();
  if (void* memory = std::malloc(size)) return memory;
  Fail();
}

void* AllocateAligned(size_t size, std::align_val_t alignment) {
  if (allocations.fetch_add(1, std::memory_order_relaxed) == failing) Fail();
  const auto align = static_cast<size_t>(alignment);
  if (void* memory = std::aligned_alloc(align, (size + align - 1) / align * align)) return memory;
  std::abort();
}

}  // namespace

void FailAllocation(size_t nth) { failing = allocations + nth - 1; }
size_t Allocations() { return allocations.load(std::memory_order_relaxed); }

// The array forms of the standard library call these.
void* operator new(size_t size) { return Allocate(size); }
// AddressSanitizer has nothrow forms of its own, whose memory must not come to our delete.
void* operator new(size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void* operator new(size_t size, std::align_val_t alignment) {
  return AllocateAligned(size, alignment);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
