#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <type_traits>

#include "core/base/instant.h"

namespace core::engine {

/// The last published copy of one thread's plain counters, for another thread to read.
///
/// Shape:  a T by value, in words that are written one by one between two versions: a reader that
///         saw the version change (or found it odd) reads again, so it never sees half of each.
/// Cost:   the writer never waits; a publication is a copy. So it publishes when Due(), once a
///         second, and its counters stay plain integers in between.
/// Thread: Due() and Publish() are one writer's; Read() and version() any thread's that may wait.
template <typename T>
class SnapshotCell {
  static_assert(std::is_trivially_copyable_v<T>, "it is copied word by word");

 public:
  explicit SnapshotCell(Duration interval = std::chrono::seconds(1)) : interval_(interval) {}
  SnapshotCell(const SnapshotCell&) = delete;
  SnapshotCell& operator=(const SnapshotCell&) = delete;

  bool Due(Instant now) const { return now >= next_; }

  void Publish(const T& value, Instant now) {
    next_ = now + interval_;
    const uint64_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    const char* from = reinterpret_cast<const char*>(&value);
    for (size_t i = 0; i < kWords; ++i) {
      uint64_t word = 0;
      std::memcpy(&word, from + i * sizeof(word), SizeOfWord(i));
      // Release: who reads this word also sees that the version is odd.
      words_[i].store(word, std::memory_order_release);
    }
    version_.store(version + 2, std::memory_order_release);
  }

  /// The last publication; a T of zero bytes before the first.
  T Read() const {
    T value;
    while (!TryRead(&value)) std::this_thread::yield();  // The writer is in the middle of a copy.
    return value;
  }
  /// False, with `*value` of no use, when the writer published meanwhile.
  [[nodiscard]] bool TryRead(T* value) const {
    const uint64_t before = version_.load(std::memory_order_acquire);
    if ((before & 1) != 0) return false;
    char* to = reinterpret_cast<char*>(value);
    for (size_t i = 0; i < kWords; ++i) {
      const uint64_t word = words_[i].load(std::memory_order_acquire);
      std::memcpy(to + i * sizeof(word), &word, SizeOfWord(i));
    }
    return version_.load(std::memory_order_relaxed) == before;
  }

  /// How often it was published: 0 says that nothing was yet.
  uint64_t version() const { return version_.load(std::memory_order_acquire) / 2; }

 private:
  static constexpr size_t kWords = (sizeof(T) + sizeof(uint64_t) - 1) / sizeof(uint64_t);
  static constexpr size_t SizeOfWord(size_t index) {
    return index + 1 < kWords ? sizeof(uint64_t) : sizeof(T) - (kWords - 1) * sizeof(uint64_t);
  }

  const Duration interval_;
  Instant next_ = Instant::min();
  alignas(64) std::atomic<uint64_t> version_ = 0;
  std::array<std::atomic<uint64_t>, kWords> words_ = {};
};

}  // namespace core::engine
