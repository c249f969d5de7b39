#include "core/buffer/packet_pool.h"

#include <cstring>

namespace core {
namespace {

constexpr uint32_t kCacheLine = 64;

// Odd in cache lines: see the class comment.
constexpr size_t StrideFor(uint32_t capacity) {
  const size_t lines = (size_t{capacity} + Packet::kHeadroom + kCacheLine - 1) / kCacheLine;
  return (lines | 1) * kCacheLine;
}

}  // namespace

PacketPool::PacketPool(uint32_t capacity, uint32_t count)
    : capacity_(capacity),
      count_(count),
      stride_(StrideFor(capacity)),
      memory_(stride_ * count),
      slots_(count) {}

PacketPool::~PacketPool() { CHECK(used_ == 0); }

Packet PacketPool::Acquire() {
  PacketSlot* slot;
  if (free_head_ != kNoSlot) {
    slot = &slots_[free_head_];
    free_head_ = slot->next_free;
  } else if (touched_ < count_) {
    slot = &slots_[touched_];
    slot->pool = this;
    slot->data = memory_.data() + stride_ * touched_ + Packet::kHeadroom;
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
    : tiny_(kTinyBytes, counts.tiny),
      small_(kSmallBytes, counts.small),
      medium_(kMediumBytes, counts.medium),
      large_(kLargeBytes, counts.large),
      texts_(counts.texts) {}

Packet PacketStore::Acquire(size_t size) {
  Packet packet;
  if (size <= kTinyBytes) packet = tiny_.Acquire();
  if (!packet && size <= kSmallBytes) packet = small_.Acquire();
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
