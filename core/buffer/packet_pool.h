#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/lazy_array.h"
#include "core/buffer/packet.h"
#include "core/buffer/text_store.h"

namespace core {

/// A fixed number of datagram slots of one size.
///
/// Shape:    `count` slots of `capacity` bytes and Packet::kHeadroom before each, in one mapping
/// that
///           is touched only where datagrams land. The stride is odd in cache lines, so that the
///           heads of all packets do not fall into the same cache sets.
/// Lifetime: outlives its Packets; it checks at its death that all are back.
/// Errors:   Acquire() gives an empty Packet when dry.
/// Thread:   one worker's.
class PacketPool {
 public:
  PacketPool(uint32_t capacity, uint32_t count);
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;
  ~PacketPool();

  [[nodiscard]] Packet Acquire();
  /// A slot that was acquired at least once; for backends that name packets by their index.
  PacketSlot* slot(uint32_t index) { return &slots_[index]; }

  uint32_t capacity() const { return capacity_; }  // Bytes a slot holds.
  size_t count() const { return count_; }
  size_t free_count() const { return count_ - used_; }
  size_t used() const { return used_; }
  size_t peak() const { return peak_; }

  /// The whole mapping, for backends that register memory.
  char* memory() { return memory_.data(); }
  size_t memory_size() const { return memory_.bytes(); }

 private:
  friend class Packet;
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  void Free(PacketSlot* slot) {
    slot->next_free = free_head_;
    free_head_ =
        slot->index;  // The slot used last is the next one given: it is still in the cache.
    --used_;
  }

  uint32_t capacity_;
  uint32_t count_;
  size_t stride_;
  LazyArray<char> memory_;
  LazyArray<PacketSlot> slots_;
  uint32_t touched_ = 0;  // Slots from here on were never used.
  uint32_t free_head_ = kNoSlot;
  size_t used_ = 0;
  size_t peak_ = 0;
};

/// What outlives a turn: messages that a transaction may have to send again, and requests that a
/// call may have to route again. Size classes, each with its own bound, so that a few large
/// messages cannot use up the room of the many small ones. And the texts that calls keep.
///
/// Errors: an empty Packet when the class (and each larger one) is dry: the caller answers 503,
/// or
///         does without resending.
/// Thread: one worker's.
class PacketStore {
 public:
  struct Counts {
    uint32_t tiny = 0;    // Of 448 B: ACK, BYE, many responses.
    uint32_t small = 0;   // Of 1 kB: responses, INVITEs without SDP.
    uint32_t medium = 0;  // Of 4 kB: INVITEs with SDP.
    uint32_t large = 0;   // Of 64 kB: as much as a datagram can hold; few.
    uint32_t texts = 64;  // Of each class of TextStore.
  };
  static constexpr uint32_t kTinyBytes = 448;  // An odd number of cache lines with the headroom.
  static constexpr uint32_t kSmallBytes = 1024;
  static constexpr uint32_t kMediumBytes = 4096;
  static constexpr uint32_t kLargeBytes = 65535;

  explicit PacketStore(const Counts& counts);

  /// An empty datagram that has room for `size` bytes.
  [[nodiscard]] Packet Acquire(size_t size);
  /// A datagram with these bytes.
  [[nodiscard]] Packet Copy(std::string_view bytes);
  TextStore* texts() { return &texts_; }

  size_t used() const {
    return tiny_.used() + small_.used() + medium_.used() + large_.used() + texts_.used();
  }
  const PacketPool& tiny() const { return tiny_; }
  const PacketPool& small() const { return small_; }
  const PacketPool& medium() const { return medium_; }
  const PacketPool& large() const { return large_; }

 private:
  PacketPool tiny_;
  PacketPool small_;
  PacketPool medium_;
  PacketPool large_;
  TextStore texts_;
};

inline void Packet::Reset() {
  if (slot_ == nullptr) return;
  PacketSlot* slot = std::exchange(slot_, nullptr);
  if (--slot->references == 0) slot->pool->Free(slot);
}

}  // namespace core
