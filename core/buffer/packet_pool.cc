#include "core/buffer/packet_pool.h"

#include <sys/mman.h>

#include <cstring>

namespace core {
namespace {

constexpr uint32_t kCacheLine = 64;

// Odd in cache lines: see the class comment.
constexpr size_t StrideFor(uint32_t capacity) {
  const size_t lines = (size_t{capacity} + Packet::kHeadroom + kCacheLine - 1) / kCacheLine;
  return (lines | 1) * kCacheLine;
}

void* MapLazily(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(memory != MAP_FAILED);
  return memory;
}

}  // namespace

PacketPool::PacketPool(uint32_t capacity, uint32_t count)
    : capacity_(capacity), count_(count), stride_(StrideFor(capacity)) {
  if (count == 0) return;
  memory_size_ = stride_ * count;
  memory_ = static_cast<char*>(MapLazily(memory_size_));
  slots_ = static_cast<PacketSlot*>(MapLazily(sizeof(PacketSlot) * count));
}

PacketPool::~PacketPool() {
  CHECK(used_ == 0);
  if (count_ == 0) return;
  munmap(memory_, memory_size_);
  munmap(slots_, sizeof(PacketSlot) * count_);
}

Packet PacketPool::Acquire() {
  PacketSlot* slot;
  if (free_head_ != kNoSlot) {
    slot = &slots_[free_head_];
    free_head_ = slot->next_free;
  } else if (touched_ < count_) {
    slot = &slots_[touched_];
    slot->pool = this;
    slot->data = memory_ + stride_ * touched_ + Packet::kHeadroom;
    slot->capacity = capacity_;
    slot->index = touched_++;
  } else {
    return Packet();
  }
  if (++used_ > peak_) peak_ = used_;
  slot->references = 1;
  slot->size = 0;
  slot->truncated = false;
  slot->socket = {};
  return Packet::AdoptSlot(slot);
}

PacketStore::PacketStore(const Counts& counts)
    : small_(kSmallBytes, counts.small),
      medium_(kMediumBytes, counts.medium),
      large_(kLargeBytes, counts.large) {}

Packet PacketStore::Acquire(size_t size) {
  Packet packet;
  if (size <= kSmallBytes) packet = small_.Acquire();
  if (!packet && size <= kMediumBytes) packet = medium_.Acquire();
  if (!packet && size <= kLargeBytes) packet = large_.Acquire();
  return packet;
}

Packet PacketStore::Copy(std::string_view bytes) {
  Packet packet = Acquire(bytes.size());
  if (!packet) return packet;
  if (!bytes.empty()) std::memcpy(packet.data(), bytes.data(), bytes.size());
  packet.set_size(static_cast<uint32_t>(bytes.size()));
  return packet;
}

}  // namespace core
